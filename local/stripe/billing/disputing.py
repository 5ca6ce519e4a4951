"""A dispute from the bank's word to its end (https://docs.stripe.com/disputes/how-disputes-work)."""

from typing import Any

from ..protocol.errors import invalid
from ..world import World
from . import funds
from .new_dispute import new_dispute

Object = dict[str, Any]
OVER = ("won", "lost", "warning_closed")
INQUIRIES = ("warning_needs_response", "warning_under_review", "warning_closed")
SETTLES_AFTER = 1
"""Seconds from evidence that Stripe's tests know to the outcome; Stripe takes about five."""


def open_dispute(world: World, charge: Object, reason: str, amount: int, inquiry: bool = False) -> Object:
    """The bank disputes a charge, or asks about it first; only a dispute takes the money away."""
    dispute = world.store.put(new_dispute(world, charge, reason, amount, inquiry))
    world.store.edit(charge)["disputed"] = True
    world.emit("charge.dispute.created", dispute)
    if not inquiry:
        _withdraw(world, dispute)
    return dispute


def open_by_card(world: World, charge: Object, kind: str) -> None:
    """What Stripe's test cards bring about (https://docs.stripe.com/testing#disputes)."""
    inquiry = kind == "inquiry"
    open_dispute(world, charge, "fraudulent" if inquiry else kind, charge["amount"], inquiry)


def _withdraw(world: World, dispute: Object) -> None:
    words = f"Chargeback withdrawal for {dispute['charge']}"
    fee, category = funds.DISPUTE_FEE, "dispute"
    taken = funds.move(world, "adjustment", dispute, -dispute["amount"], words, fee, reporting_category=category)
    world.store.edit(dispute)["balance_transactions"] = [taken]
    world.emit("charge.dispute.funds_withdrawn", dispute)


def submit(world: World, dispute: Object) -> None:
    """The evidence goes to the bank. What Stripe's tests know as decisive is answered a moment later.

    https://docs.stripe.com/testing#disputes
    """
    status = "warning_under_review" if dispute["status"] in INQUIRIES else "under_review"
    details = dispute["evidence_details"]
    details |= {"submission_count": details["submission_count"] + 1, "submission_method": "manual"}
    details["past_due"] = world.now(None) > (details["due_by"] or 0)
    dispute["status"] = status
    if dispute["evidence"]["uncategorized_text"] in ANSWERS:
        world.deadlines.set("settle_dispute", dispute, world.now(dispute["_clock"]) + SETTLES_AFTER)


def answer_evidence(world: World, dispute: Object) -> None:
    decide = ANSWERS.get(dispute["evidence"]["uncategorized_text"])
    if decide and dispute["status"] not in OVER:
        decide(world, dispute)


def win(world: World, dispute: Object) -> None:
    """The bank gives the money back, without the fee."""
    if dispute["status"] in INQUIRIES:
        return close_inquiry(world, dispute)
    words = f"Chargeback reversal for {dispute['charge']}"
    back = funds.move(world, "adjustment", dispute, dispute["amount"], words, reporting_category="dispute_reversal")
    world.store.edit(dispute)
    dispute["balance_transactions"] = [*dispute["balance_transactions"], back]
    dispute["status"], dispute["is_charge_refundable"] = "won", True
    world.emit("charge.dispute.funds_reinstated", dispute)
    _closed(world, dispute)


def lose(world: World, dispute: Object) -> None:
    if dispute["status"] in INQUIRIES:
        return close_inquiry(world, dispute)
    world.store.edit(dispute)["status"] = "lost"
    _closed(world, dispute)


def close_inquiry(world: World, dispute: Object) -> None:
    """It never became a dispute."""
    world.store.edit(dispute)["status"] = "warning_closed"
    _closed(world, dispute)


def escalate(world: World, dispute: Object) -> None:
    """The bank was not content: the inquiry becomes a dispute."""
    if dispute["status"] not in INQUIRIES:
        return
    with world.changing(dispute, "charge.dispute.updated"):
        dispute["status"], dispute["is_charge_refundable"] = "needs_response", False
        dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
    _withdraw(world, dispute)


def _closed(world: World, dispute: Object) -> None:
    world.deadlines.clear("settle_dispute", dispute)
    world.emit("charge.dispute.closed", dispute)
    world.emit("charge.updated", world.store.objects[dispute["charge"]], {})


def of_charge(world: World, charge: Object) -> Object | None:
    return next(iter(world.store.where("dispute", "charge", charge["id"])), None)


def refuse_unless_open(dispute: Object) -> None:
    if dispute["status"] in OVER:
        raise invalid("This dispute is already closed")


ANSWERS = {"winning_evidence": win, "losing_evidence": lose, "escalate_inquiry_evidence": escalate}
