"""Invoice items (https://docs.stripe.com/api/invoiceitems): made here by hand, or by prorations."""

from typing import Any

from stripe import params as sdk

from ..billing import discounting, lines, manual_invoice, one_off_items
from ..billing.redemption import Sale
from ..protocol.errors import invalid, not_emulated
from ..protocol.lists import PAGING, matching, page
from ..protocol.parameters import merged_metadata
from ..routing import Routes
from ..world import World
from . import prices, test_clocks

Object = dict[str, Any]
PATH = "/v1/invoiceitems"
PRICE_DATA = "price_data.currency price_data.product price_data.unit_amount price_data.unit_amount_decimal"
CHANGES = f"""amount description discountable discounts metadata period {PRICE_DATA} pricing.price quantity
    unit_amount_decimal"""


def register(routes: Routes) -> None:
    create_ = f"{CHANGES} currency customer invoice subscription"
    routes.add("POST", PATH, create, sdk.InvoiceItemCreateParams, create_)
    routes.add("GET", PATH, list_, sdk.InvoiceItemListParams, f"created customer invoice pending {PAGING}")
    routes.add("GET", PATH + "/{id}", retrieve, sdk.InvoiceItemRetrieveParams)
    routes.add("POST", PATH + "/{id}", update, sdk.InvoiceItemUpdateParams, CHANGES)
    routes.add("DELETE", PATH + "/{id}", delete, None)


def create(world: World, params: Object) -> Object:
    """On the draft that is named, else on the next invoice of the subscription, else on the customer's next."""
    if "customer" not in params:
        raise invalid("Missing required param: customer.", "customer", "parameter_missing")
    customer = world.find("customer", params["customer"], "customer")
    test_clocks.refuse_while_advancing(world, customer["_clock"])
    invoice = _draft(world, params, customer)
    item = make(world, customer, params)
    world.emit("invoiceitem.created", item)
    if invoice:
        manual_invoice.add(world, invoice, item)
    return item


def make(world: World, customer: Object, params: Object) -> Object:
    """An item that is on no invoice yet."""
    currency: str = params.get("currency") or customer["currency"] or ""
    item = one_off_items.new_item(world, customer, currency.lower())
    subscription = params.get("subscription")
    if subscription:
        if world.find("subscription", subscription, "subscription")["customer"] != customer["id"]:
            raise invalid("The subscription does not belong to this customer.", "subscription")
        item["_subscription"] = subscription
        item["parent"] = {"subscription_details": {"subscription": subscription}, "type": "subscription_details"}
        world.store.reindex(item)
    _price(world, item, params)
    item["discountable"] = item["amount"] >= 0
    _plain(world, item, params)
    return item


def _draft(world: World, params: Object, customer: Object) -> Object | None:
    if "invoice" not in params:
        return None
    invoice = world.find("invoice", params["invoice"], "invoice")
    if invoice["customer"] != customer["id"]:
        raise invalid("The invoice does not belong to this customer.", "invoice")
    manual_invoice.refuse_unless_draft(invoice)
    return invoice


def _price(world: World, item: Object, params: Object) -> None:
    given = [name for name in ("amount", "pricing", "price_data", "unit_amount_decimal") if name in params]
    if len(given) > 1:
        raise invalid(f"You may only specify one of these parameters: {', '.join(given)}.", given[1])
    quantity: int = params["quantity"] if "quantity" in params else item["quantity"]
    if "pricing" in params or "price_data" in params:
        price = _one_time(world, params)
        item["currency"] = price["currency"]
        item["description"] = lines.product_name(world, price)
        details = {"price": price["id"], "product": price["product"]}
        one_off_items.set_amount(item, price["unit_amount_decimal"], quantity, details)
    elif "unit_amount_decimal" in params:
        one_off_items.set_amount(item, params["unit_amount_decimal"], quantity)
    elif "amount" in params:
        one_off_items.set_amount(item, str(params["amount"]), 1)
    elif item["pricing"] is None:
        raise invalid("You must pass an amount, a price or price_data.", "amount", "parameter_missing")
    elif "quantity" in params:
        pricing = item["pricing"]
        one_off_items.set_amount(item, pricing["unit_amount_decimal"], quantity, pricing.get("price_details"))
    if not item["currency"]:
        raise invalid("Missing required param: currency.", "currency", "parameter_missing")


def _one_time(world: World, params: Object) -> Object:
    if "price_data" in params:
        return prices.inline(world, params["price_data"])
    price = world.find("price", params["pricing"].get("price", ""), "pricing[price]")
    if price["type"] != "one_time":
        message = "The price specified is set to `type=recurring` but this field only accepts prices with "
        raise invalid(message + "`type=one_time`.", "pricing[price]")
    if not price["active"]:
        raise invalid("The price specified is inactive. This field only accepts active prices.", "pricing[price]")
    return price


def _plain(world: World, item: Object, params: Object) -> None:
    for name in ("description", "discountable"):
        if name in params:
            item[name] = params[name] if params[name] != "" else None
    if "period" in params:
        item["period"] = {"end": params["period"]["end"], "start": params["period"]["start"]}
    if "metadata" in params:
        item["metadata"] = merged_metadata(item["metadata"], params["metadata"])
    if "discounts" in params:
        customer = world.store.objects[item["customer"]]
        sale = Sale(customer, item["currency"], item["amount"], world.now(item["_clock"]))
        discounting.attach(world, item, params["discounts"], sale, invoice_item=item["id"])


def retrieve(world: World, id: str, params: Object) -> Object:
    return world.find("invoiceitem", id)


def update(world: World, id: str, params: Object) -> Object:
    """As long as its invoice is a draft."""
    item = world.find("invoiceitem", id)
    test_clocks.refuse_while_advancing(world, item["_clock"])
    invoice = world.store.get(item["invoice"] or "")
    if invoice:
        manual_invoice.refuse_unless_draft(invoice)
    if item["proration"] and params.keys() - {"description", "metadata"}:
        raise not_emulated("Changing the amount of a proration", min(params.keys() - {"description", "metadata"}))
    world.store.edit(item)
    if params.keys() & {"amount", "pricing", "price_data", "quantity", "unit_amount_decimal"}:
        _price(world, item, params)
    _plain(world, item, params)
    if invoice and not item["proration"]:
        manual_invoice.refresh(world, invoice, item)
    return item


def delete(world: World, id: str, params: Object) -> Object:
    item = world.find("invoiceitem", id)
    test_clocks.refuse_while_advancing(world, item["_clock"])
    invoice = world.store.get(item["invoice"] or "")
    if invoice:
        manual_invoice.refuse_unless_draft(invoice)
        manual_invoice.take_off(world, invoice, item)
    world.store.delete(item)
    world.emit("invoiceitem.deleted", item)
    return {"id": id, "object": "invoiceitem", "deleted": True}


def list_(world: World, params: Object) -> Object:
    same, pending, customer = matching(params, "customer", "invoice"), params.get("pending"), params.get("customer")

    def keep(one: Object) -> bool:
        return same(one) and (pending is None or (one["invoice"] is None) is pending)

    store = world.store
    found = store.where("invoiceitem", "customer", customer) if customer else store.all("invoiceitem")
    return page(found, params, PATH, keep)
