"""Getting an invoice paid: the first try, the retries, and what follows the last one.

https://docs.stripe.com/billing/subscriptions/overview, https://docs.stripe.com/billing/revenue-recovery/smart-retries
"""

from typing import Any

from ..protocol.errors import StripeError
from ..world import World, visible
from . import cards, invoicing, lifecycle, manual_invoice, payments, pending_update
from .payments import DECLINED, REQUIRES_ACTION, SUCCEEDED

Object = dict[str, Any]
DAY = 86400
NO_METHOD, NOT_EXECUTED = "no_method", "not_executed"
HARD_DECLINES = {
    "authentication_required",
    "highest_risk_level",
    "incorrect_number",
    "lost_card",
    "pickup_card",
    "revocation_of_all_authorizations",
    "revocation_of_authorization",
    "stolen_card",
    "transaction_not_allowed",
}
"""https://docs.stripe.com/billing/revenue-recovery/smart-retries#hard-decline-codes"""


def finalize_and_collect(world: World, invoice: Object) -> None:
    """The hour of a draft is over."""
    if invoice["status"] == "draft" and invoice["auto_advance"]:
        invoicing.finalize(world, invoice)
        collect(world, invoice)


def retry(world: World, invoice: Object) -> None:
    if invoice["status"] == "open" and invoice["auto_advance"]:
        collect(world, invoice)


def collect(world: World, invoice: Object) -> str:
    """One try by Stripe itself, without the customer there; who pays by themselves is sent the invoice instead."""
    if invoice["status"] == "open" and invoice["amount_due"] == 0:
        settle_paid(world, invoice)
        return SUCCEEDED
    if invoice["collection_method"] == "send_invoice":
        manual_invoice.send(world, invoice)
        return NOT_EXECUTED
    world.store.edit(invoice)["_tries"] += 1
    method = payments.method_for(world, invoice)
    if method and method["id"] == invoice.get("_hopeless_method"):
        settle_failed(world, invoice, NOT_EXECUTED, scheduled=True)
        return NOT_EXECUTED
    return attempt(world, invoice, method, off_session=True, scheduled=True)


def attempt(world: World, invoice: Object, method: Object | None, *, off_session: bool, scheduled: bool) -> str:
    """Charge for an open invoice and let everything that depends on it follow."""
    intent = payments.intent_of(world, invoice)
    if intent is None:
        raise RuntimeError(f"invoice {invoice['id']} has nothing to pay with")
    outcome = payments.attempt(world, intent, method, off_session=off_session) if method else NO_METHOD
    if outcome == SUCCEEDED:
        settle_paid(world, invoice, scheduled=scheduled)
    else:
        if method and (outcome == REQUIRES_ACTION or _declined_for_good(intent)):
            world.store.edit(invoice)["_hopeless_method"] = method["id"]
        settle_failed(world, invoice, outcome, scheduled)
    return outcome


def _declined_for_good(intent: Object) -> bool:
    """Tries go on being planned and counted, but nothing is charged until there is another payment method."""
    error = intent["last_payment_error"] or {}
    return bool({error.get("code"), error.get("decline_code")} & HARD_DECLINES)


def _count_try(invoice: Object, scheduled: bool) -> None:
    """Whoever made it, the first try counts; after that only those that Stripe makes by itself.

    https://docs.stripe.com/api/invoices/object#invoice_object-attempt_count
    """
    if scheduled or not invoice["attempt_count"]:
        invoice["attempt_count"] += 1


def settle_paid(world: World, invoice: Object, out_of_band: bool = False, *, scheduled: bool = False) -> None:
    """open → paid, and the subscription recovers."""
    later = invoice["attempted"] or invoice["status_transitions"]["finalized_at"] != world.now(invoice["_clock"])
    with world.changing(invoice, "invoice.updated" if later else None):
        if invoice["amount_due"] and not out_of_band:
            _count_try(invoice, scheduled)
        invoice["attempted"] = True
        invoice["status"] = "paid"
        invoice.pop("status_details", None)
        invoice["amount_paid"], invoice["amount_remaining"] = invoice["amount_due"], 0
        if out_of_band:
            invoice["amount_paid_off_stripe"] = invoice["amount_due"]
        invoice["next_payment_attempt"], invoice["auto_advance"] = None, False
        invoice["status_transitions"] = {
            **invoice["status_transitions"],
            "paid_at": world.now(invoice["_clock"]),
        }
    world.deadlines.clear("collect", invoice)
    world.emit("invoice.paid", invoice)
    world.emit("invoice.payment_succeeded", invoice)
    _payment_paid(world, invoice, out_of_band)
    delinquency(world, invoice, behind=False)
    subscription = world.store.get(invoice["_subscription"] or "")
    if subscription:
        if pending_update.waits_for(subscription, invoice):
            pending_update.apply(world, subscription)
            lifecycle.schedule(world, subscription)
        lifecycle.payment_received(world, subscription, invoice)


def _payment_paid(world: World, invoice: Object, out_of_band: bool) -> None:
    payment = payments.payment_of(world, invoice)
    if payment is None or payment["status"] == "canceled":
        return
    if out_of_band:
        payments.cancel_for(world, invoice, None)
        return
    world.store.edit(payment)
    payment["status"], payment["amount_paid"] = "paid", invoice["amount_due"]
    payment["status_transitions"]["paid_at"] = world.now(invoice["_clock"])
    world.emit("invoice_payment.paid", payment)


def settle_failed(world: World, invoice: Object, outcome: str, scheduled: bool) -> None:
    """Say so, plan the next try, and let the subscription fall behind."""
    subscription = world.store.get(invoice["_subscription"] or "")
    first = subscription is not None and subscription["status"] == "incomplete"
    waiting = subscription if pending_update.waits_for(subscription, invoice) else None
    last = False
    with world.changing(invoice, "invoice.updated"):
        _count_try(invoice, scheduled)
        invoice["attempted"] = True
        if first or (waiting and waiting["status"] != "paused"):
            invoice["auto_advance"] = False
        elif scheduled or invoice["_tries"] == 0:
            last = _plan_next_try(world, invoice)
    if outcome == REQUIRES_ACTION:
        world.emit("invoice.payment_action_required", invoice)
    world.emit("invoice.payment_failed", invoice)
    delinquency(world, invoice, behind=True)
    if waiting and waiting["_pending_update"].get("fails_past_due"):
        pending_update.apply(world, waiting, status="past_due")
        lifecycle.schedule(world, waiting)
    elif subscription and not first and not waiting:
        lifecycle.payment_failed(world, subscription, last)


def _plan_next_try(world: World, invoice: Object) -> bool:
    """The next try's moment, or True when there is none."""
    invoice["_tries"] = max(invoice["_tries"], 1)
    days = world.settings.retry_days
    if invoice["_tries"] > len(days) or not invoice["auto_advance"]:
        invoice["next_payment_attempt"] = None
        return bool(invoice["auto_advance"])
    at = world.now(invoice["_clock"]) + days[invoice["_tries"] - 1] * DAY
    invoice["next_payment_attempt"] = at
    world.deadlines.set("collect", invoice, at)
    return False


def delinquency(world: World, invoice: Object, behind: bool) -> None:
    """Set by a payment that failed; cleared when an invoice is paid or marked uncollectible, whatever others wait.

    https://docs.stripe.com/api/customers/object#customer_object-delinquent
    """
    customer = world.store.objects[invoice["customer"]]
    if customer["delinquent"] != behind:
        with world.changing(customer, "customer.updated"):
            customer["delinquent"] = behind


def payment_settled(world: World, intent: Object, outcome: str) -> None:
    """A payment intent was confirmed by itself: its invoice follows."""
    invoice = world.store.get(intent["_invoice"] or "")
    if invoice is None or invoice["status"] != "open":
        return
    if outcome == SUCCEEDED:
        settle_paid(world, invoice)
    else:
        settle_failed(world, invoice, outcome, scheduled=False)


def refusal(world: World, intent: Object, outcome: str, keeps_effects: bool) -> StripeError:
    """The 402 of a payment that did not succeed (https://docs.stripe.com/api/errors)."""
    if outcome == DECLINED:
        error = intent["last_payment_error"]
        decline = error.get("decline_code") or error["code"]
        return cards.decline(
            decline,
            keeps_effects=keeps_effects,
            charge=error.get("charge"),
            payment_intent=visible(intent) if keeps_effects else None,
            payment_method=error["payment_method"] if keeps_effects else None,
        )
    message = "Payment for this subscription requires additional user action before it can be completed successfully."
    return StripeError(
        402,
        message,
        type="card_error",
        code="subscription_payment_intent_requires_action",
        keeps_effects=keeps_effects,
        payment_intent=visible(intent) if keeps_effects else None,
    )
