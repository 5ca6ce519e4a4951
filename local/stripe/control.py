"""The control API of the local Stripe, under ``/_local``. It is not Stripe's; it answers on loopback only.

Bodies are JSON, errors have Stripe's form. Each part describes its own addresses: :mod:`.control_cards` (what banks
tell of cards), :mod:`.control_checkout` (what a customer clicks), :mod:`.control_disputes` (what the bank does),
:mod:`.control_faults` (what goes wrong), :mod:`.control_time` (what time it is), :mod:`.control_webhooks` (what was
delivered), and here:

``GET, POST /_local/settings`` {retry_days, after_last_retry: "cancel" | "unpaid" | "past_due" | "pause",
                                finalize_after_seconds, upcoming_days, tax_rates: {"DE": 19}}
    What an account sets in its dashboard. A POST changes what it names.
``GET /_local/recorded``
    {requests, objects}: what was asked and shown, bounded, for checks of shapes.
"""

from dataclasses import asdict, replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import control_disputes
from .api import API
from .clocks import Clocks
from .control_cards import ControlCards
from .control_checkout import ControlCheckout
from .control_faults import ControlFaults
from .control_protocol import JSON, body_of, reply
from .control_time import ControlTime
from .control_webhooks import ControlWebhooks
from .delivery import Deliveries
from .protocol.errors import invalid
from .settings import Settings
from .world import World


class Control:
    def __init__(self, world: World, api: API, clocks: Clocks, deliveries: Deliveries) -> None:
        self.world, self.api = world, api
        self.parts = (
            ControlCards(world),
            ControlCheckout(world),
            ControlFaults(api.faults),
            ControlTime(world, clocks, deliveries),
            ControlWebhooks(world, deliveries),
        )

    def routes(self) -> list[Route]:
        return [
            Route("/_local/settings", self.settings, methods=["GET", "POST"]),
            Route("/_local/recorded", self.recorded, methods=["GET"]),
            *control_disputes.routes(self.world),
            *(route for part in self.parts for route in part.routes()),
        ]

    async def settings(self, request: Request) -> Response:
        if request.method == "POST":
            settings = _changed(self.world.settings, await body_of(request))
            with self.world.transaction():
                stored = self.world.store.get("settings")
                if stored is None:
                    self.world.store.put(settings.as_object())
                else:
                    self.world.store.edit(stored).update(settings.as_object())
        return reply(asdict(self.world.settings))

    async def recorded(self, _: Request) -> Response:
        return reply(self.api.recording.as_json())


def _changed(settings: Settings, given: JSON) -> Settings:
    unknown = given.keys() - asdict(settings).keys()
    if unknown:
        raise invalid(f"Received unknown parameter: {min(unknown)}", min(unknown), "parameter_unknown")
    if given.get("after_last_retry", "cancel") not in Settings.OUTCOMES:
        raise invalid(f"Invalid after_last_retry: must be one of {', '.join(Settings.OUTCOMES)}", "after_last_retry")
    days = given.get("upcoming_days", 0)
    if not isinstance(days, int) or not 0 <= days <= 45:
        raise invalid("Invalid upcoming_days: must be from 0 to 45", "upcoming_days")
    rates = given.get("tax_rates", {})
    if not isinstance(rates, dict) or not all(
        isinstance(one, int | float) and 0 <= one <= 100 for one in rates.values()
    ):
        raise invalid("Invalid tax_rates: must be percents by country", "tax_rates")
    changes = dict(given)
    if "retry_days" in changes:
        changes["retry_days"] = tuple(int(days) for days in changes["retry_days"])
    return replace(settings, **changes)
