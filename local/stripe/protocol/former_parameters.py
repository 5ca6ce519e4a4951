"""What a request without ``Stripe-Version`` may still say.

Stripe's command-line tool names no version and sends ``payment_method_types[]=card``, which this version
took away (https://docs.stripe.com/changelog/endive). Cards are all there is here, so nothing is lost.
"""

from collections.abc import Mapping
from typing import Any

ROOMS = ("/v1/payment_intents", "/v1/setup_intents", "/v1/checkout/sessions")


def forget(given: dict[str, Any], path: str, headers: Mapping[str, str]) -> None:
    cards_only = given.get("payment_method_types") == {"0": "card"}
    if cards_only and "stripe-version" not in headers and path.startswith(ROOMS):
        del given["payment_method_types"]
