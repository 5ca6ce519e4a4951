"""A card that a customer hands over: theirs at Stripe, and the one that is charged."""

from typing import TYPE_CHECKING

import stripe

from activities.gateway import Stripe, StripeRefused, answers
from activities.keys import keyed, may_be_done

if TYPE_CHECKING:
    from stripe.params import CustomerUpdateParams


async def attach(stripe_client: Stripe, operation_id: str, customer_id: str, method: str) -> str:
    """Attach it and make it the customer's default; answers its id, which for a token of a test is another.

    Raises `StripeRefused` for one that cannot be used, and ``stripe.CardError`` when the bank says no.
    """
    attaching = f"{operation_id}/attach"
    if not (may_be_done(attaching) and await _is_attached(stripe_client, customer_id, method)):
        with answers(), keyed(attaching) as key:
            attached = await stripe_client.v1.payment_methods.attach_async(
                method, {"customer": customer_id}, {"idempotency_key": key}
            )
        method = attached.id
    await make_default(stripe_client, operation_id, customer_id, method)
    return method


async def use_for(stripe_client: Stripe, operation_id: str, subscription: stripe.Subscription, method: str) -> None:
    """Attach it, and charge it for this subscription from now on. Raises what `attach` raises."""
    customer = subscription.customer
    customer_id = customer if isinstance(customer, str) else customer.id
    method = await attach(stripe_client, operation_id, customer_id, method)
    with answers(), keyed(f"{operation_id}/of_subscription") as key:
        await stripe_client.v1.subscriptions.update_async(
            subscription.id, {"default_payment_method": method}, {"idempotency_key": key}
        )


async def make_default(stripe_client: Stripe, operation_id: str, customer_id: str, method: str) -> None:
    """Charged from now on for whatever names no card of its own."""
    default: CustomerUpdateParams = {"invoice_settings": {"default_payment_method": method}}
    with answers(), keyed(f"{operation_id}/default_payment_method") as key:
        await stripe_client.v1.customers.update_async(customer_id, default, {"idempotency_key": key})


async def detach(stripe_client: Stripe, operation_id: str, method: str) -> None:
    """Take a card off again; one that is off already stays so."""
    try:
        with answers(), keyed(f"{operation_id}/detach") as key:
            await stripe_client.v1.payment_methods.detach_async(method, None, {"idempotency_key": key})
    except StripeRefused:
        with answers():
            found = await stripe_client.v1.payment_methods.retrieve_async(method)
        if found.customer:
            raise


async def card_on_file(stripe_client: Stripe, customer_id: str) -> tuple[str | None, bool]:
    """The customer's default, else the card that was given last; and whether it is the default."""
    with answers():
        customer = await stripe_client.v1.customers.retrieve_async(customer_id)
    settings = getattr(customer, "invoice_settings", None)
    chosen = settings.default_payment_method if settings else None
    if chosen:
        return (chosen if isinstance(chosen, str) else chosen.id), True
    if getattr(customer, "deleted", False):
        return None, False
    with answers():
        given = await stripe_client.v1.customers.payment_methods.list_async(customer_id, {"limit": 1})
    return (given.data[0].id if given.data else None), False


async def _is_attached(stripe_client: Stripe, customer_id: str, method: str) -> bool:
    with answers():
        found = await stripe_client.v1.payment_methods.retrieve_async(method)
    return found.customer == customer_id
