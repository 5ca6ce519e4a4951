"""What banks tell Stripe of a card, under ``/_local``.

``POST /_local/payment_methods/{id}/automatically_update`` {exp_month, exp_year}
    The bank has renewed a saved card: https://docs.stripe.com/payments/cards/overview#automatic-card-updates
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .control_protocol import acted, body_of
from .protocol.errors import invalid
from .world import World


class ControlCards:
    def __init__(self, world: World) -> None:
        self.world = world

    def routes(self) -> list[Route]:
        return [Route("/_local/payment_methods/{id}/automatically_update", self.renew, methods=["POST"])]

    async def renew(self, request: Request) -> Response:
        given = await body_of(request)
        return acted(self.world, lambda: renewed(self.world, request.path_params["id"], given))


def renewed(world: World, id: str, given: dict[str, object]) -> dict[str, object]:
    method = world.find("payment_method", id)
    if method["customer"] is None:
        raise invalid("Only a card that is saved to a customer is updated.", "payment_method")
    if given.keys() != {"exp_month", "exp_year"}:
        raise invalid("exp_month and exp_year are needed.", "exp_month")
    with world.changing(method, "payment_method.automatically_updated"):
        method["card"] = {**method["card"], **given}
    return dict(method)
