"""Payment methods (https://docs.stripe.com/api/payment_methods): cards only."""

from typing import Any

from stripe import params as sdk

from ..billing import cards
from ..protocol.errors import invalid, missing, not_emulated
from ..protocol.lists import PAGING, matching, page
from ..routing import Routes
from ..world import World
from . import test_clocks
from .payment_method import apply, new

Object = dict[str, Any]


def register(routes: Routes) -> None:
    routes.add(
        "POST",
        "/v1/payment_methods",
        create,
        sdk.PaymentMethodCreateParams,
        "type card billing_details metadata allow_redisplay",
    )
    routes.add("GET", "/v1/payment_methods", list_, sdk.PaymentMethodListParams, f"customer type {PAGING}")
    routes.add("GET", "/v1/payment_methods/{id}", retrieve, sdk.PaymentMethodRetrieveParams)
    emulates = "billing_details metadata allow_redisplay card.exp_month card.exp_year"
    routes.add("POST", "/v1/payment_methods/{id}", update, sdk.PaymentMethodUpdateParams, emulates)
    routes.add("POST", "/v1/payment_methods/{id}/attach", attach, sdk.PaymentMethodAttachParams, "customer")
    routes.add("POST", "/v1/payment_methods/{id}/detach", detach, sdk.PaymentMethodDetachParams)


def create(world: World, params: Object) -> Object:
    if params.get("type", "card") != "card":
        raise not_emulated(f"The payment method type {params['type']}", "type")
    given = params.get("card")
    if not isinstance(given, dict):
        raise invalid("Missing required param: card.", "card", "parameter_missing")
    if "token" in given:
        known = cards.by_token(given["token"])
        if not known:
            raise missing("token", given["token"], "card[token]")
        name = known[0]
    else:
        number = given.get("number", "").replace(" ", "")
        if number not in cards.BY_NUMBER:
            raise not_emulated(f"The card number ending in {number[-4:]}", "card[number]")
        name = cards.BY_NUMBER[number]
    method = new(world, name, given)
    apply(method, params)
    return method


def resolve(world: World, id: str, param: str = "payment_method") -> Object:
    """A stored payment method, or a new one made from a test token such as ``pm_card_visa``."""
    known = cards.by_token(id)
    if known:
        return new(world, known[0])
    return world.find("payment_method", id, param)


def owned(world: World, id: str, customer: str, param: str) -> Object:
    method = world.store.get(id)
    if not method or method["object"] != "payment_method":
        raise missing("payment_method", id, param)
    if method["customer"] != customer:
        message = (
            f"The customer does not have a payment method with the ID {id}. "
            "The payment method must be attached to the customer."
        )
        raise invalid(message, param, "resource_missing")
    return method


def retrieve(world: World, id: str, params: Object) -> Object:
    return resolve(world, id, "payment_method")


def attach(world: World, id: str, params: Object) -> Object:
    if "customer" not in params:
        raise invalid("Missing required param: customer.", "customer", "parameter_missing")
    customer = world.find("customer", params["customer"], "customer")
    test_clocks.refuse_while_advancing(world, customer["_clock"])
    return attach_to(world, resolve(world, id), customer)


def attach_to(world: World, method: Object, customer: Object) -> Object:
    """Stripe checks the card with its bank, so a card that is declined cannot be attached."""
    if method["customer"] == customer["id"]:
        return method
    if method["customer"] is not None:
        raise invalid("The payment method you provided has already been attached to a customer.", "payment_method")
    if method.get("_used"):
        message = "This PaymentMethod was previously used without being attached to a Customer or was detached from a "
        raise invalid(message + "Customer, and may not be used again.", "payment_method")
    refused = cards.CARDS[method["_card"]].attach
    if refused:
        raise cards.decline(refused, keeps_effects=False)
    world.store.edit(method)
    method["customer"], method["_clock"] = customer["id"], customer["_clock"]
    method["card"]["checks"]["cvc_check"] = "pass"
    world.store.reindex(method)
    world.emit("payment_method.attached", method)
    return method


def detach(world: World, id: str, params: Object) -> Object:
    method = world.find("payment_method", id)
    if method["customer"] is None:
        raise invalid("The payment method you provided is not attached to a customer so detachment is impossible.")
    test_clocks.refuse_while_advancing(world, method["_clock"])
    customer = world.find("customer", method["customer"])
    release(world, method)
    if customer["invoice_settings"]["default_payment_method"] == id:
        with world.changing(customer, "customer.updated"):
            customer["invoice_settings"] = {**customer["invoice_settings"], "default_payment_method": None}
    if customer["default_source"] == id:
        with world.changing(customer, "customer.updated"):
            customer["default_source"] = None
    for subscription in world.store.where("subscription", "customer", customer["id"]):
        if subscription["default_payment_method"] == id:
            with world.changing(subscription, "customer.subscription.updated"):
                subscription["default_payment_method"] = None
    return method


def release(world: World, method: Object) -> None:
    previous = {"customer": method["customer"]}
    world.store.edit(method)
    method["customer"], method["_used"] = None, True
    world.store.reindex(method)
    world.emit("payment_method.detached", method, previous)


def update(world: World, id: str, params: Object) -> Object:
    method = world.find("payment_method", id)
    if method["customer"] is None:
        raise invalid("You must save this PaymentMethod to a customer before you can update it.", "payment_method")
    with world.changing(method, "payment_method.updated"):
        apply(method, params)
        if params.get("card"):
            method["card"] = {**method["card"], **params["card"]}
    return method


def list_(world: World, params: Object) -> Object:
    customer = params.get("customer")
    methods = world.store.where("payment_method", "customer", customer) if customer else []
    return page(methods, params, "/v1/payment_methods", matching(params, "type"))
