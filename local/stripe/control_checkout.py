"""What a customer clicks on Stripe's pages, without the pages.

``POST /_local/checkout/sessions/{id}/complete`` {payment_method?: test token, address?: {country, postal_code, …}}
    Stands in for the hosted page: attaches the card, makes the subscription, answers the session. 402 when declined.
``POST /_local/checkout/sessions/{id}/expire``
    The session is over.
``POST /_local/payment_intents/{id}/authenticate`` {outcome?: "succeed" | "fail"}
    Stands in for the bank's 3-D Secure page; the same for ``/_local/setup_intents/{id}/authenticate``.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .control_protocol import acted, body_of, reply
from .resources import checkout_completion, checkout_sessions, payment_intents, setup_intents
from .world import World

CHALLENGES: dict[str, Any] = {
    "payment_intents": payment_intents.answer_challenge,
    "setup_intents": setup_intents.answer_challenge,
}


class ControlCheckout:
    def __init__(self, world: World) -> None:
        self.world = world

    def routes(self) -> list[Route]:
        session = "/_local/checkout/sessions/{id}"
        return [
            Route(f"{session}/complete", self.complete, methods=["POST"]),
            Route(f"{session}/expire", self.expire, methods=["POST"]),
            Route("/_local/{kind}/{id}/authenticate", self.authenticate, methods=["POST"]),
        ]

    async def complete(self, request: Request) -> Response:
        given, id = await body_of(request), request.path_params["id"]
        token, address = given.get("payment_method"), given.get("address")
        return acted(self.world, lambda: checkout_completion.complete(self.world, id, token, address))

    async def expire(self, request: Request) -> Response:
        return acted(self.world, lambda: checkout_sessions.expire(self.world, request.path_params["id"], {}))

    async def authenticate(self, request: Request) -> Response:
        passed = (await body_of(request)).get("outcome", "succeed") == "succeed"
        answer = CHALLENGES.get(request.path_params["kind"])
        if answer is None:
            return reply({"error": {"message": "Only payment_intents and setup_intents are authenticated."}}, 404)
        return acted(self.world, lambda: answer(self.world, request.path_params["id"], passed))
