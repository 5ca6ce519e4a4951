"""Customers (https://docs.stripe.com/api/customers)."""

from typing import Any

from stripe import params as sdk

from ..billing import balance, lifecycle
from ..protocol.errors import invalid
from ..protocol.expansion import includable
from ..protocol.lists import PAGING, embedded, matching, page
from ..protocol.parameters import merged_metadata
from ..protocol.search import search as search_page
from ..routing import Routes
from ..world import World
from . import card_source, payment_methods, test_clocks

Object = dict[str, Any]
PLAIN = ("description", "email", "name", "phone", "address", "shipping", "preferred_locales", "tax_exempt")
EMULATED = """balance description email invoice_settings.default_payment_method metadata name phone address shipping
    preferred_locales source tax_exempt"""


def register(routes: Routes) -> None:
    routes.add("POST", "/v1/customers", create, sdk.CustomerCreateParams, f"{EMULATED} payment_method test_clock")
    routes.add("GET", "/v1/customers", list_, sdk.CustomerListParams, f"created email test_clock {PAGING}")
    routes.add("GET", "/v1/customers/search", search, sdk.CustomerSearchParams)
    routes.add("GET", "/v1/customers/{id}", retrieve, sdk.CustomerRetrieveParams)
    routes.add("POST", "/v1/customers/{id}", update, sdk.CustomerUpdateParams, EMULATED)
    routes.add("DELETE", "/v1/customers/{id}", delete, None)
    methods = "/v1/customers/{id}/payment_methods"
    routes.add("GET", methods, list_payment_methods, sdk.CustomerListPaymentMethodsParams, f"type {PAGING}")
    routes.add("GET", methods + "/{pm}", retrieve_payment_method, sdk.CustomerPaymentMethodRetrieveParams)


def create(world: World, params: Object) -> Object:
    clock = params.pop("test_clock", None)
    if clock:
        test_clocks.make_room_for_customer(world, clock)
    customer: Object = {
        "id": world.new_id("cus", 14),
        "object": "customer",
        "_clock": clock,
        "address": None,
        "balance": 0,
        "created": world.now(clock),
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": world.new_id("", 8)[1:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": clock,
    }
    world.store.put(customer)
    balance.write(world, customer, params.pop("balance", 0), "initial")
    mark = world.mark()
    method, source = params.pop("payment_method", None), params.pop("source", None)
    if method:
        attached = payment_methods.attach_to(world, payment_methods.resolve(world, method), customer)
        chosen = params.get("invoice_settings", {}).get("default_payment_method")
        if chosen == method:
            params["invoice_settings"]["default_payment_method"] = attached["id"]
    _apply(world, customer, params)
    if source:
        card_source.take(world, customer, source)
    world.emit("customer.created", customer, at=mark)
    return customer


def retrieve(world: World, id: str, params: Object) -> Object:
    found = world.store.get(id)
    return found if found and found.get("deleted") else world.find("customer", id)


def update(world: World, id: str, params: Object) -> Object:
    customer = world.find("customer", id)
    test_clocks.refuse_while_advancing(world, customer["_clock"])
    with world.changing(customer, "customer.updated"):
        if "balance" in params:
            balance.write(world, customer, params.pop("balance") - customer["balance"], "adjustment")
        if "source" in params:
            card_source.take(world, customer, params.pop("source"))
        _apply(world, customer, params)
    return customer


def _apply(world: World, customer: Object, params: Object) -> None:
    settings = params.pop("invoice_settings", None) or {}
    if "default_payment_method" in settings:
        chosen = settings["default_payment_method"] or None
        if chosen:
            payment_methods.owned(world, chosen, customer["id"], "invoice_settings[default_payment_method]")
        customer["invoice_settings"] = {**customer["invoice_settings"], "default_payment_method": chosen}
    if "metadata" in params:
        customer["metadata"] = merged_metadata(customer["metadata"], params["metadata"])
    if "email" in params and params["email"] and "@" not in params["email"]:
        raise invalid(f"Invalid email address: {params['email']}", "email", "email_invalid")
    for name in PLAIN:
        if name in params:
            customer[name] = params[name] if params[name] != "" else (None if name != "tax_exempt" else "none")
    for name in ("address", "shipping"):
        if customer[name] and name in params:
            customer[name] = _completed(name, customer[name])


def _completed(name: str, given: Object) -> Object:
    address = ("city", "country", "line1", "line2", "postal_code", "state")
    if name == "address":
        return {key: given.get(key) or None for key in address}
    nested = {key: given.get("address", {}).get(key) or None for key in address}
    return {"address": nested, "name": given.get("name"), "phone": given.get("phone")}


def delete(world: World, id: str, params: Object) -> Object:
    """Also cancels the customer's subscriptions at once (https://docs.stripe.com/api/customers/delete)."""
    customer = world.find("customer", id)
    test_clocks.refuse_while_advancing(world, customer["_clock"])
    for subscription in world.store.where("subscription", "customer", id):
        if subscription["status"] not in ("canceled", "incomplete_expired"):
            lifecycle.cancel(world, subscription, reason="cancellation_requested")
    for method in world.store.where("payment_method", "customer", id):
        payment_methods.release(world, method)
    world.emit("customer.deleted", customer)
    world.store.edit(customer)
    clock = customer["_clock"]
    customer.clear()
    customer.update({"id": id, "object": "customer", "deleted": True, "_clock": clock})
    return customer


def list_(world: World, params: Object) -> Object:
    """Customers on a test clock are listed only when asked for."""
    clock, email = params.get("test_clock"), params.get("email")
    keep = matching(params)
    return page(
        world.store.all("customer"),
        params,
        "/v1/customers",
        lambda one: (
            not one.get("deleted") and one["_clock"] == clock and (email is None or one["email"] == email) and keep(one)
        ),
    )


def search(world: World, params: Object) -> Object:
    found = [one for one in world.store.all("customer") if not one.get("deleted")]
    return search_page(found, params, "/v1/customers/search", ("created", "email", "name", "phone"))


def list_payment_methods(world: World, id: str, params: Object) -> Object:
    world.find("customer", id, "customer")
    methods = world.store.where("payment_method", "customer", id)
    return page(methods, params, f"/v1/customers/{id}/payment_methods", matching(params, "type"))


def retrieve_payment_method(world: World, id: str, pm: str, params: Object) -> Object:
    return payment_methods.owned(world, pm, id, "payment_method")


@includable("customer", "subscriptions")
def subscriptions(world: World, customer: Object) -> Object:
    live = [
        one
        for one in world.store.where("subscription", "customer", customer["id"])
        if one["status"] not in ("canceled", "incomplete_expired")
    ]
    return embedded(live, f"/v1/customers/{customer['id']}/subscriptions")
