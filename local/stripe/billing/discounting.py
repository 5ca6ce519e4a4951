"""Discounts on what they belong to: subscriptions, their items, customers, invoices.

A discount's object is kept when it is over: invoices that it reduced still name it.
https://docs.stripe.com/billing/subscriptions/coupons, https://docs.stripe.com/api/discounts
"""

from fractions import Fraction
from typing import Any

from ..protocol.errors import missing
from ..world import World
from .lines import unit_amount
from .redemption import Sale, redeem
from .reductions import reductions

Object = dict[str, Any]


def attach(world: World, owner: Object, entries: Any, sale: Sale, param: str = "discounts", **named: Any) -> None:
    """Set ``owner["discounts"]``: new ones are redeemed, known ones kept, all others end; empty means none."""
    before = list(owner["discounts"])
    after = [_one(world, entry, before, sale, f"{param}[{n}]", named) for n, entry in enumerate(entries or [])]
    owner["discounts"] = after
    for id in before:
        if id not in after:
            end(world, world.store.objects[id])


def _one(world: World, entry: Object, before: list[str], sale: Sale, param: str, named: Object) -> str:
    if entry.get("discount"):
        known = world.store.get(entry["discount"])
        if known is None or known["object"] != "discount":
            raise missing("discount", entry["discount"], f"{param}[discount]")
        return str(known["id"])
    discount = redeem(world, sale, entry, param, **named)
    if discount["end"] and discount["subscription"]:
        world.deadlines.set("expire_discount", discount, discount["end"])
    if discount["subscription"]:
        world.emit("customer.discount.created", discount)
    return str(discount["id"])


def end(world: World, discount: Object) -> None:
    """It reduces nothing from now on. Its owner is changed by whoever calls."""
    world.store.edit(discount)["_over"] = True
    world.deadlines.clear("expire_discount", discount)
    if not discount["invoice"] and not discount["invoice_item"]:
        world.emit("customer.discount.deleted", discount)


def expire(world: World, discount: Object) -> None:
    """The months of a repeating coupon are over."""
    subscription = world.store.get(discount["subscription"] or "")
    end(world, discount)
    if subscription:
        with world.changing(subscription, "customer.subscription.updated"):
            take_off(subscription, discount["id"])


def take_off(subscription: Object, id: str) -> None:
    for owner in (subscription, *subscription["items"]["data"]):
        owner["discounts"] = [one for one in owner["discounts"] if one != id]


def inherited(world: World, subscription: Object) -> list[str]:
    """A subscription's own discounts, else its customer's."""
    if subscription["discounts"]:
        return list(subscription["discounts"])
    discount = world.store.objects[subscription["customer"]]["discount"]
    return [discount["id"]] if discount else []


def use_up(world: World, subscription: Object, invoice: Object) -> None:
    """What is good for one invoice is gone with the first that it reduced."""
    for entry in invoice["total_discount_amounts"]:
        discount = world.store.objects[entry["discount"]]
        once = discount["_terms"]["duration"] == "once" and not discount.get("_over")
        if once and entry["amount"] and discount["subscription"] == subscription["id"]:
            take_off(world.store.edit(subscription), discount["id"])
            end(world, discount)


def apply(world: World, invoice: Object) -> int:
    """Reduce the lines, first by their own discounts and then by the invoice's; the sum of it all."""
    lines = invoice["lines"]["data"]
    for line in lines:
        line["discount_amounts"], line["pretax_credit_amounts"] = [], []
    ids = [id for line in lines for id in line["discounts"]]
    for id in dict.fromkeys(ids):
        _reduce(world, invoice, id, [line for line in lines if id in line["discounts"]])
    for id in invoice["discounts"]:
        _reduce(world, invoice, id, lines)
    totals: dict[str, int] = dict.fromkeys(invoice["discounts"], 0)
    for line in lines:
        for entry in line["discount_amounts"]:
            totals[entry["discount"]] = totals.get(entry["discount"], 0) + entry["amount"]
    invoice["total_discount_amounts"] = [{"amount": amount, "discount": id} for id, amount in totals.items()]
    invoice["total_pretax_credit_amounts"] = [
        {"amount": amount, "discount": id, "type": "discount"} for id, amount in totals.items()
    ]
    return sum(totals.values())


def _reduce(world: World, invoice: Object, id: str, lines: list[Object]) -> None:
    discount = world.store.objects[id]
    lines = [line for line in lines if line["discountable"] and line["amount"] > 0]
    parts = [(left_of(line), product_of(line)) for line in lines]
    for line, amount in zip(lines, reductions(discount, invoice["currency"], parts), strict=True):
        line["discount_amounts"].append({"amount": amount, "discount": id})
        line["pretax_credit_amounts"].append({"amount": amount, "discount": id, "type": "discount"})


def left_of(line: Object) -> int:
    return int(line["amount"] - sum(entry["amount"] for entry in line["discount_amounts"]))


def product_of(line: Object) -> str | None:
    details = (line["pricing"] or {}).get("price_details")
    return details["product"] if details else None


def share_to_charge(world: World, subscription: Object, item: Object) -> Fraction:
    """How much of an item's price is left with the discounts as they are now; prorations are made net of them.

    https://docs.stripe.com/billing/subscriptions/billing-mode: ``proration_discounts=included``
    """
    lasting = [id for id in inherited(world, subscription) if _lasts(world, id)]
    lines = [
        {
            "id": one["id"],
            "amount": unit_amount(one["price"]) * one.get("quantity", 1),
            "discountable": True,
            "discounts": [id for id in one["discounts"] if _lasts(world, id)],
            "pricing": {"price_details": {"product": one["price"]["product"]}},
        }
        for one in subscription["items"]["data"]
    ]
    apply(world, {"lines": {"data": lines}, "discounts": lasting, "currency": subscription["currency"]})
    line = next(line for line in lines if line["id"] == item["id"])
    return Fraction(left_of(line), line["amount"]) if line["amount"] else Fraction(1)


def _lasts(world: World, id: str) -> bool:
    return bool(world.store.objects[id]["_terms"]["duration"] != "once")


def share_billed(world: World, subscription: Object, item: Object) -> Fraction:
    """How much of its price the item was billed at: the latest line that charged for it tells."""
    for invoice in world.store.where("invoice", "_subscription", subscription["id"]):
        for line in invoice["lines"]["data"]:
            details = line["parent"]["subscription_item_details"]
            if details and details["subscription_item"] == item["id"] and line["amount"] > 0:
                made = world.store.get(details["invoice_item"] or "")
                if made:
                    return Fraction(*made.get("_share", (1, 1)))
                return Fraction(left_of(line), line["amount"])
    return Fraction(1)
