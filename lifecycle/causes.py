"""What a new look at Stripe is called: one status can be reached for several causes, and the facts tell them apart."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from lifecycle.facts import EndReason, Facts, Invoice, PlannedChange
from lifecycle.moves import Move, moves_to
from lifecycle.statuses import Status

if TYPE_CHECKING:
    from lifecycle.subscription import Subscription


def moves_between(before: "Subscription", facts: Facts) -> tuple[list[Move], str | None]:
    """The moves that led from what was known to what is seen now, and what was unexpected, if no move leads there."""
    if facts.status is before.status:
        return _while_staying(before, facts), None
    fitting = moves_to(before.status, facts.status)
    if not fitting:
        return [], f"Stripe says {facts.status} after {before.status}; no known move leads there"
    move = _by_cause(fitting, before, facts)
    besides = [beside for beside in _besides(before, facts) if (move, beside) not in _SAID_BY_THE_MOVE]
    return [move, *besides], None


_SAID_BY_THE_MOVE = {(Move.MOVED_TO_FREE_PLAN, Move.PLAN_CHANGED)}


def _by_cause(fitting: list[Move], before: "Subscription", facts: Facts) -> Move:
    """Several facts can lead to the same status; the cause tells them apart."""
    if Move.GAVE_UP in fitting and (before.gave_up_at or facts.end_reason is EndReason.PAYMENT_FAILED):
        return Move.GAVE_UP
    if Move.INVOICE_FORGIVEN in fitting and facts.invoice and facts.invoice.is_forgiven:
        return Move.INVOICE_FORGIVEN
    if Move.MOVED_TO_FREE_PLAN in fitting and _fell_back(before, facts):
        return Move.MOVED_TO_FREE_PLAN
    if Move.TRIAL_ENDED_WITHOUT_CARD in fitting and _trial_just_ended(before, facts):
        return Move.TRIAL_ENDED_WITHOUT_CARD
    return fitting[0]


def _trial_just_ended(before: "Subscription", facts: Facts) -> bool:
    ended, trial_end = facts.ended_at, before.trial_ends_at
    return ended is not None and trial_end is not None and ended >= trial_end and not before.is_canceling


def _fell_back(before: "Subscription", facts: Facts) -> bool:
    """The trial of a paid plan has ended on a free one."""
    was, now = before.terms, facts.terms
    return was is not None and now is not None and now.is_free and not was.is_free


def _while_staying(before: "Subscription", facts: Facts) -> list[Move]:
    moves = _besides(before, facts)
    if facts.status is Status.TRIALING and _later(facts.trial_ends_at, before.trial_ends_at):
        moves.append(Move.TRIAL_EXTENDED)
    if facts.status is Status.TRIALING and _later(before.trial_ends_at, facts.trial_ends_at):
        moves.append(Move.TRIAL_SHORTENED)
    if facts.status is Status.TRIALING and before.is_cardless:
        moves.append(Move.CARD_ADDED)
    if facts.status is Status.ACTIVE and _later(facts.period_starts_at, before.period_starts_at):
        moves.append(Move.RENEWED)
    if facts.status is Status.PAST_DUE and failed_again(before.invoice, facts.invoice):
        moves.append(Move.PAYMENT_FAILED_AGAIN)
    return moves


def _besides(before: "Subscription", facts: Facts) -> list[Move]:
    """What can change beside the status."""
    if not before.status.is_live or facts.status.is_over or facts.status is Status.INCOMPLETE:
        return []
    moves = []
    another_price = facts.price != before.price and (facts.terms is None or not facts.terms.is_same_offer(before.terms))
    if another_price or before.quantity not in {None, facts.quantity}:
        moves.append(Move.PLAN_CHANGED)
    moves += _plans(before, facts)
    if facts.is_leaving and not before.is_canceling:
        moves.append(Move.CANCELLATION_SCHEDULED)
    if before.is_canceling and not facts.is_leaving:
        moves.append(Move.CANCELLATION_UNDONE)
    return moves


def _plans(before: "Subscription", facts: Facts) -> list[Move]:
    """What the customer has in mind for later; a plan that came true is told as the change that it is."""
    was, now = before.planned, facts.planned
    if now and (now.price, now.quantity) == (facts.price, facts.quantity):
        return []  # the end of a trial or pause waits for its payment; the plan stays
    if now and (was is None or _wish(was) != _wish(now)):
        return [Move.PLAN_CHANGE_PLANNED]
    came_true = was is not None and (was.price, was.quantity) == (facts.price, facts.quantity)
    return [Move.PLAN_CHANGE_DROPPED] if was and not now and not came_true else []


def _wish(planned: PlannedChange) -> tuple[str, int, bool]:
    return planned.price, planned.quantity, planned.awaits_payment


def _later(new: datetime | None, old: datetime | None) -> bool:
    return new is not None and old is not None and new > old


def failed_again(before: Invoice | None, now: Invoice | None) -> bool:
    """Whether Stripe counts a try that failed since: of the same invoice, or of one that was billed since."""
    if now is None or not now.is_owed:
        return False
    if before is None or now.is_newer_than(before):
        return now.attempts > 0
    return now.id == before.id and now.attempts > before.attempts


def with_declined_choice(moves: Sequence[Move], after: "Subscription") -> list[Move]:
    """A card that the customer has just chosen was declined: told like any other failure, and once.

    Stripe counts only what it tries by itself. https://docs.stripe.com/api/invoices/object#invoice_object-attempt_count
    """
    is_late = after.status in {Status.PAST_DUE, Status.UNPAID} and after.invoice is not None
    is_told = Move.PAYMENT_FAILED in moves or Move.PAYMENT_FAILED_AGAIN in moves
    return [*moves, Move.PAYMENT_FAILED_AGAIN] if is_late and not is_told else [*moves]
