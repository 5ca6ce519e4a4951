"""What a request without ``Stripe-Version`` may still say.

Stripe's command-line tool names no version and sends ``payment_method_types[]=card``, which this version
took away (https://docs.stripe.com/changelog/endive). Cards are all there is here, so nothing is lost. It names a
promotion code's coupon the former way too, which is only another word
(https://docs.stripe.com/changelog/clover/2025-09-30/polymorphic-coupon). One iteration of a schedule's phase is what a
phase without a ``duration`` lasts (https://docs.stripe.com/changelog/clover/2025-09-30/remove-iterations).
"""

from collections.abc import Mapping
from typing import Any

ROOMS = ("/v1/payment_intents", "/v1/setup_intents", "/v1/checkout/sessions")


def forget(given: dict[str, Any], path: str, headers: Mapping[str, str]) -> None:
    if "stripe-version" in headers:
        return
    if path == "/v1/promotion_codes" and isinstance(given.get("coupon"), str):
        given["promotion"] = {"type": "coupon", "coupon": given.pop("coupon")}
    if given.get("payment_method_types") == {"0": "card"} and path.startswith(ROOMS):
        del given["payment_method_types"]
    if path.startswith("/v1/subscription_schedules"):
        for phase in _entries(given.get("phases")):
            if phase.get("iterations") == "1" and not phase.keys() & {"duration", "end_date"}:
                del phase["iterations"]


def _entries(given: Any) -> list[dict[str, Any]]:
    return [one for one in given.values() if isinstance(one, dict)] if isinstance(given, dict) else []
