"""A stateful stand-in for Stripe's REST API, for one machine and for tests.

Start it with ``python -m local.stripe --port N --state DIR`` or, inside a program,
with :func:`local.stripe.server.serve`. What it does not emulate it refuses by name.
"""
