"""The settings under which the API and the worker run in the stack, as their environment."""

import os
from collections.abc import Mapping

from local.ports import HOST
from local.temporal import NAMESPACE
from settings import Settings

DECIDED_HERE = ("DATABASE_", "TEMPORAL_", "STRIPE_", "SMTP_", "AUTH_", "REDIS_", "API_", "WORKER_", "PUBLIC_", "MODE")
"""Names (after ``PERENNIAL_``) that a shell set up for another installation must never bring into this one."""


def environment(
    ports: Mapping[str, int],
    *,
    database_url: str,
    redis_url: str,
    stripe_key: str,
    auth_secret: str,
    webhook_secret: str,
) -> dict[str, str]:
    """Every ``PERENNIAL_…`` variable that the stack decides, on top of the harmless ones of our own shell."""
    decided = {
        "mode": "local",
        "database_url": database_url,
        "temporal_address": f"{HOST}:{ports['temporal']}",
        "temporal_namespace": NAMESPACE,
        "stripe_api_key": stripe_key,
        "stripe_api_url": f"http://{HOST}:{ports['stripe']}",
        "stripe_webhook_secrets": webhook_secret,
        "stripe_test_clocks": "true",
        "smtp_host": HOST,
        "smtp_port": str(ports["smtp"]),
        "smtp_security": "none",
        "auth_secret": auth_secret,
        "redis_url": redis_url,
        "api_host": HOST,
        "public_url": f"http://{HOST}:{ports['api']}",
        "api_port": str(ports["api"]),
        "api_metrics_port": str(ports["metrics"]),
        "worker_metrics_port": str(ports["worker_metrics"]),
        "worker_temporal_metrics_port": str(ports["worker_temporal_metrics"]),
    }
    app = "http://127.0.0.1:3000,http://localhost:3000"
    usual = {"allowed_origins": app, "allowed_return_origins": f"{app},https://app.example.com"}  # as in /docs
    return _variables(usual) | shell() | _variables(decided)


def _variables(values: Mapping[str, str]) -> dict[str, str]:
    return {f"PERENNIAL_{name.upper()}": value for name, value in values.items()}


def shell() -> dict[str, str]:
    """Our own environment without what would lead elsewhere: other installations, Temporal's profiles, proxies."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TEMPORAL_", "STRIPE_", *(f"PERENNIAL_{prefix}" for prefix in DECIDED_HERE)))
    }
    return kept | {"NO_PROXY": "*", "no_proxy": "*", "PYTHONUNBUFFERED": "1"}


def settings(variables: Mapping[str, str]) -> Settings:
    """The same settings as an object, for what the stack itself does with Stripe."""
    fields = {name.removeprefix("PERENNIAL_").lower(): value for name, value in variables.items()}
    return Settings.model_validate({name: fields[name] for name in Settings.model_fields if name in fields})
