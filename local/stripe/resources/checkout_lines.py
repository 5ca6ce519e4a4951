"""What a checkout session sells, and what is due on the page (https://docs.stripe.com/api/checkout/sessions/line_items)."""

from typing import Any

from ..billing import balance, lines
from ..protocol.errors import invalid
from ..protocol.expansion import includable
from ..protocol.lists import page
from ..world import World
from . import prices, subscription_items
from .checkout_session import KIND

Object = dict[str, Any]
PATH = "/v1/checkout/sessions"


def price(world: World, session: Object, entries: list[Object]) -> None:
    """The lines and their sum: nothing for a subscription that begins with a trial."""
    if not entries:
        raise invalid("Missing required param: line_items.", "line_items", "parameter_missing")
    trial = bool(session["_data"].get("trial_period_days") or session["_data"].get("trial_end"))
    session["_lines"] = []
    for position, entry in enumerate(entries):
        sold = _price_of(world, session["mode"], entry, f"line_items[{position}]")
        quantity = _quantity(entry, position)
        if session["currency"] not in (None, sold["currency"]):
            raise invalid("All prices of a Checkout Session must use the same currency.", "line_items")
        session["currency"] = sold["currency"]
        amount = 0 if trial else lines.unit_amount(sold) * quantity
        session["_lines"].append(_line(world, sold, quantity, amount))
    session["amount_subtotal"] = session["amount_total"] = sum(one["amount_total"] for one in session["_lines"])
    session["total_details"] = {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0}
    refuse_too_little(session)


def _price_of(world: World, mode: str, entry: Object, param: str) -> Object:
    if mode == "subscription":
        return subscription_items.price_of(world, entry, param)
    if "price_data" in entry:
        found = prices.inline(world, entry["price_data"])
    elif "price" in entry:
        found = world.find("price", entry["price"], f"{param}[price]")
        if not found["active"]:
            raise invalid("The price specified is inactive. This field only accepts active prices.", f"{param}[price]")
    else:
        raise invalid(f"Missing required param: {param}[price].", f"{param}[price]", "parameter_missing")
    if found["type"] != "one_time":
        message = "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or "
        raise invalid(message + "use only one-time prices.", f"{param}[price]")
    return found


def _quantity(entry: Object, position: int) -> int:
    quantity: int = entry.get("quantity", 1)
    if quantity < 1:
        raise invalid("Invalid quantity: must be at least 1.", f"line_items[{position}][quantity]")
    return quantity


def refuse_too_little(session: Object) -> None:
    least, total = balance.smallest_charge(session["currency"]), session["amount_total"]
    if 0 < total < least:
        shown = lines.money(least, session["currency"])
        message = f"The Checkout Session's total amount due must add up to at least {shown} {session['currency']}"
        raise invalid(message, None, "amount_too_small")


def _line(world: World, price: Object, quantity: int, amount: int) -> Object:
    return {
        "id": world.new_id("li"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": lines.product_name(world, price),
        "metadata": {},
        "price": {name: value for name, value in price.items() if name[0] != "_"},
        "quantity": quantity,
    }


def list_line_items(world: World, id: str, params: Object) -> Object:
    return page(world.find(KIND, id).get("_lines", []), params, f"{PATH}/{id}/line_items")


@includable(KIND, "line_items")
def line_items(world: World, session: Object) -> Object:
    return page(session.get("_lines", []), {"limit": 100}, f"{PATH}/{session['id']}/line_items")
