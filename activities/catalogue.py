"""The plan catalogue in Stripe: products and prices, found again by lookup key."""

from typing import TYPE_CHECKING

import stripe

from activities.gateway import Stripe, StripeRefused, answers
from activities.keys import harmless
from lifecycle.plans import Catalogue, Plan, Terms

if TYPE_CHECKING:
    from stripe.params import PriceCreateParams, ProductCreateParams


class Prices:
    """Finds the Stripe price of a plan; ids are remembered for the life of the process."""

    def __init__(self, stripe_client: Stripe) -> None:
        self._stripe = stripe_client
        self._known: dict[tuple[str, int, str], str] = {}

    async def id_of(self, terms: Terms) -> str:
        """Stripe's id of a price; kept with its amount, so that a new amount is looked up anew.

        Raises `StripeRefused`: ``price_missing`` when the catalogue was never pushed, ``price_differs`` when Stripe
        would charge another amount than the one that the customer was shown, or tax it otherwise.
        """
        key = (terms.lookup_key, terms.amount, terms.currency)
        if key not in self._known:
            with answers():
                prices = await self._stripe.v1.prices.list_async({"lookup_keys": [terms.lookup_key], "active": True})
            if not prices.data:
                raise StripeRefused("price_missing", terms.lookup_key)
            if not (_is_priced_as(prices.data[0], terms) and _is_taxed_as(prices.data[0], terms)):
                raise StripeRefused("price_differs", terms.lookup_key)
            self._known[key] = prices.data[0].id
        return self._known[key]


async def push_catalogue(stripe_client: Stripe, catalogue: Catalogue) -> list[str]:
    """Make in Stripe what is missing, and answer its names; pushing twice changes nothing.

    A new amount, or another way of taxing it, becomes a new price that takes over the lookup key; whoever has the old
    price keeps it.
    https://docs.stripe.com/products-prices/manage-prices#lookup-keys
    """
    made: list[str] = []
    for plan in catalogue.plans:
        product_id = f"perennial_{plan.code.lower()}"
        if await _push_product(stripe_client, product_id, plan):
            made.append(f"product {plan.name}")
        for terms in catalogue.all_terms():
            if terms.plan == plan.code and await _push_price(stripe_client, product_id, terms):
                made.append(f"price {terms.lookup_key}")
    return made


async def _push_product(stripe_client: Stripe, product_id: str, plan: Plan) -> bool:
    try:
        with answers():
            await stripe_client.v1.products.retrieve_async(product_id)
    except StripeRefused as refusal:
        if refusal.code != "resource_missing":
            raise
    else:
        return False
    params: ProductCreateParams = {
        "id": product_id,
        "name": plan.name,
        "description": plan.description or plan.name,
        "metadata": {"plan": plan.code},
    }
    products, name = stripe_client.v1.products, f"perennial/product/{product_id}"
    with answers():
        await harmless(name, lambda key: products.create_async(params, {"idempotency_key": key}))
    return True


async def _push_price(stripe_client: Stripe, product_id: str, terms: Terms) -> bool:
    with answers():
        found = await stripe_client.v1.prices.list_async({"lookup_keys": [terms.lookup_key], "active": True})
    if found.data and _is_priced_as(found.data[0], terms) and _is_taxed_as(found.data[0], terms):
        return False
    replaced = found.data[0].id if found.data else "first"
    params: PriceCreateParams = {
        "product": product_id,
        "unit_amount": terms.amount,
        "currency": terms.currency,
        "recurring": {"interval": terms.interval.value},
        "lookup_key": terms.lookup_key,
        "transfer_lookup_key": True,
        "metadata": {"plan": terms.plan, "interval": terms.interval.value},
    }
    if terms.tax:
        params["tax_behavior"] = terms.tax.value
    prices = stripe_client.v1.prices
    what = f"{terms.amount}{terms.currency}{terms.tax or ''}"
    name = f"perennial/price/{terms.lookup_key}/{what}/after/{replaced}"
    with answers():
        await harmless(name, lambda key: prices.create_async(params, {"idempotency_key": key}))
    return True


def _is_priced_as(price: stripe.Price, terms: Terms) -> bool:
    return (price.unit_amount, price.currency) == (terms.amount, terms.currency)


def _is_taxed_as(price: stripe.Price, terms: Terms) -> bool:
    """How a price is taxed can be said once: https://docs.stripe.com/api/prices/update#update_price-tax_behavior"""
    return terms.tax is None or price.tax_behavior == terms.tax
