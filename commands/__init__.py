"""What an operator does by hand: ``perennial`` and one module for each command."""

import typer


def add_commands(app: typer.Typer) -> None:
    """Hook these commands into ``perennial``; nothing heavy is imported before one of them runs."""
    from commands import api_keys
    from commands.acknowledge import acknowledge
    from commands.adopt import adopt
    from commands.audit import audit
    from commands.doctor import doctor
    from commands.policy import policy
    from commands.reconcile import reconcile
    from commands.timeline import timeline

    panel = "An installation"
    app.add_typer(api_keys.app, name="api-key", rich_help_panel=panel)
    app.command("doctor", rich_help_panel=panel)(doctor)
    app.command("reconcile", rich_help_panel=panel)(reconcile)
    app.command("import", rich_help_panel=panel)(adopt)
    app.command("audit", rich_help_panel=panel)(audit)
    app.command("policy", rich_help_panel=panel)(policy)
    app.command("acknowledge", rich_help_panel="One customer")(acknowledge)
    app.command("timeline", rich_help_panel="One customer")(timeline)
