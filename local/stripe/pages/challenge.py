"""The page of the customer's bank: 3-D Secure for payment intents and setup intents.

https://docs.stripe.com/payments/3d-secure/authentication-flow
"""

from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from ..protocol.errors import StripeError, missing
from ..resources import payment_intents, setup_intents
from .site import Fields, Site

Object = dict[str, Any]
ANSWERS: dict[str, Any] = {
    "payment_intent": payment_intents.answer_challenge,
    "setup_intent": setup_intents.answer_challenge,
}


def register(site: Site) -> None:
    page = ChallengePage(site)
    site.get("/3ds/{id}", page.show)
    site.post("/3ds/{id}", page.answer)


class ChallengePage:
    def __init__(self, site: Site) -> None:
        self.site, self.world = site, site.world

    def _intent(self, request: Request) -> Object:
        intent = self.world.store.get(request.path_params["id"])
        if intent is None or intent["object"] not in ANSWERS:
            raise missing("payment_intent or setup_intent", request.path_params["id"])
        return intent

    def show(self, request: Request) -> Response:
        intent = self._intent(request)
        if intent["status"] != "requires_action":
            return self._over(intent)
        method = self.world.store.objects[intent["payment_method"]]
        return self.site.page("challenge.html", intent=intent, method=method)

    def answer(self, request: Request, given: Fields) -> Response:
        """Back to ``return_url`` with what Stripe adds to it, or to a page that says how it ended."""
        intent = self._intent(request)
        if intent["status"] != "requires_action":
            return self._over(intent)
        back = (intent["next_action"].get("redirect_to_url") or {}).get("return_url")
        try:
            with self.world.transaction():
                ANSWERS[intent["object"]](self.world, intent["id"], given.get("outcome") == "complete")
        except StripeError as refusal:
            if refusal.status != 402:
                raise
        return self.site.go(with_outcome(back, intent) if back else request.url.path)

    def _over(self, intent: Object) -> Response:
        if intent["status"] == "succeeded":
            return self.site.message("Confirmed", "Your bank has confirmed it. You can close this page.")
        error = intent.get("last_payment_error") or intent.get("last_setup_error") or {}
        return self.site.message("Not confirmed", error.get("message", "There is nothing to confirm here."))


def with_outcome(address: str, intent: Object) -> str:
    """https://docs.stripe.com/payments/payment-intents/verifying-status"""
    kind = intent["object"]
    status = "succeeded" if intent["status"] == "succeeded" else "failed"
    query = urlencode({kind: intent["id"], f"{kind}_client_secret": intent["client_secret"], "redirect_status": status})
    parts = urlsplit(address)
    return parts._replace(query=f"{parts.query}&{query}" if parts.query else query).geturl()
