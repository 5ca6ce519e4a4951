"""The customer portal's sessions (https://docs.stripe.com/api/customer_portal/sessions)."""

from typing import Any

from stripe.params import billing_portal as sdk

from ..protocol.errors import invalid
from ..routing import Routes
from ..world import World
from . import portal_configuration, portal_flow

Object = dict[str, Any]
KIND = "billing_portal.session"
EMULATED = f"configuration customer {portal_flow.EMULATED} locale return_url"


def register(routes: Routes) -> None:
    portal_configuration.register(routes)
    routes.add("POST", "/v1/billing_portal/sessions", create, sdk.SessionCreateParams, EMULATED)


def create(world: World, params: Object) -> Object:
    """Made with the default configuration unless another is named."""
    if "customer" not in params:
        raise invalid("Missing required param: customer.", "customer", "parameter_missing")
    customer = world.find("customer", params["customer"], "customer")
    if "configuration" in params:
        configuration = world.find(portal_configuration.KIND, params["configuration"], "configuration")
        if not configuration["active"]:
            raise invalid("The configuration is not active.", "configuration")
    else:
        configuration = portal_configuration.default(world)
    session: Object = {
        "id": world.new_id("bps"),
        "object": KIND,
        "_clock": customer["_clock"],
        "configuration": configuration["id"],
        "created": world.now(customer["_clock"]),
        "customer": customer["id"],
        "customer_account": None,
        "flow": portal_flow.of(world, customer, configuration, params.get("flow_data")),
        "livemode": False,
        "locale": params.get("locale"),
        "on_behalf_of": None,
        "return_url": params.get("return_url") or configuration["default_return_url"],
        "url": "",
    }
    session["url"] = f"{world.url}/p/session/{session['id']}"
    world.store.put(session)
    world.emit("billing_portal.session.created", session)
    return session
