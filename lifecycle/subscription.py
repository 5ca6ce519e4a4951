"""One customer's subscription: what is known of it, what is due, and what a new look at Stripe makes of it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lifecycle.causes import moves_between
from lifecycle.expiring_cards import card_reminder_at
from lifecycle.facts import NO_CARD, Card, Facts, Invoice, PlannedChange
from lifecycle.moves import Move
from lifecycle.plans import Terms, terms_that_hold
from lifecycle.policy import AfterGrace
from lifecycle.statuses import Status

FIRST_PAYMENT_WINDOW = timedelta(hours=23)
"""Stripe keeps an unpaid first invoice open this long.
https://docs.stripe.com/billing/subscriptions/overview#subscription-statuses"""


@dataclass(frozen=True)
class Subscription:
    """The state that a workflow carries for years: ids, moments, amounts and rules, nothing personal.

    ``seq`` counts what was saved; it only grows, also from one life to the next, and guards the projection.
    ``trial_reminded_for`` is the end of the trial that the customer was already told of. ``past_due_since`` is the
    first failed charge: nothing but a payment resets it. ``gave_up_at`` is set before we end an unpaid subscription,
    so that the end which Stripe then reports is told for what it is. ``disputes`` and ``refunds`` hold the last known
    status of each, by its id. ``suspended_at`` ends access at once, for the dispute ``suspended_for``. ``tried_card``
    is the last card that we know was tried or put to use; ``offered_card`` is one that the customer has chosen since,
    and ``customer_default`` the one that the customer was last seen to prefer.
    ``left_unpaid_at`` is set when grace was over and the policy is to stop collecting instead of ending it.
    ``fallback`` is the free plan that a trial which has ended without a card goes on with.
    ``refunded_on_cancel`` is what was given back when the customer left, in minor units. ``card_reminded_for`` names
    the last occasion on which the customer heard that a card expires.
    ``quantity`` is the number of seats; None until a look has counted them. ``currency`` is what this customer is
    charged in, from the first subscription on and in every later life.
    ``has_discount``: what is charged next is less than the price.
    ``grace_promised_until`` is what letters about the open debt have said, when rules with less patience came since.
    """

    user_id: str
    status: Status = Status.NONE
    seq: int = 0
    trial_used: bool = False
    stripe_customer_id: str | None = None
    stripe_subscription_id: str | None = None
    price: str | None = None
    terms: Terms | None = None
    started_at: datetime | None = None
    period_starts_at: datetime | None = None
    period_ends_at: datetime | None = None
    trial_ends_at: datetime | None = None
    trial_reminded_for: datetime | None = None
    cancel_at_period_end: bool = False
    cancel_at: datetime | None = None
    cancel_reason: str | None = None
    ended_at: datetime | None = None
    past_due_since: datetime | None = None
    invoice: Invoice | None = None
    card: Card | None = None
    gave_up_at: datetime | None = None
    needs_attention: str | None = None
    disputes: dict[str, str] | None = None
    refunds: dict[str, str] | None = None
    suspended_at: datetime | None = None
    suspended_for: str | None = None
    forgotten_at: datetime | None = None
    planned: PlannedChange | None = None
    tried_card: str | None = None
    offered_card: str | None = None
    left_unpaid_at: datetime | None = None
    fallback: Terms | None = None
    refunded_on_cancel: int | None = None
    card_reminded_for: str | None = None
    quantity: int | None = None
    currency: str | None = None
    grace_promised_until: datetime | None = None
    customer_default: str | None = None
    has_discount: bool | None = None

    def after(
        self, facts: Facts, *, adopted_at: datetime | None = None
    ) -> tuple["Subscription", list[Move], str | None]:
        """What the facts make of it: the new state, the moves that led there, and what was unexpected, if anything.

        Facts are adopted even when no move fits: Stripe is the truth. The same facts twice change nothing.
        ``adopted_at`` says that we meet this subscription only now, in the middle of its life.
        """
        moves, surprise = moves_between(self, facts)
        owed, terms = facts.owed, terms_that_hold(self.terms, facts.terms)
        known = replace(
            self,
            status=facts.status,
            stripe_customer_id=facts.customer_id,
            stripe_subscription_id=facts.subscription_id,
            price=facts.price,
            terms=terms,
            trial_used=self.trial_used or facts.trial_ends_at is not None,
            started_at=facts.started_at,
            period_starts_at=facts.period_starts_at,
            period_ends_at=facts.period_ends_at,
            trial_ends_at=facts.trial_ends_at,
            cancel_at_period_end=facts.cancel_at_period_end,
            cancel_at=facts.cancel_at or (facts.period_ends_at if facts.cancel_at_period_end else None),
            cancel_reason=self.cancel_reason if facts.is_leaving or facts.status.is_over else None,
            ended_at=facts.ended_at,
            past_due_since=(late_since := self._past_due_since(facts, owed, adopted_at)),
            grace_promised_until=self.grace_promised_until if late_since else None,
            invoice=owed,
            card=facts.card,
            planned=facts.planned,
            quantity=facts.quantity,
            currency=terms.currency if terms else self.currency,
            tried_card=(tried := self._tried_card(facts, owed)),
            offered_card=self._offered_card(facts, owed, tried),
            customer_default=self.customer_default if facts.customer_default is None else facts.customer_default,
            has_discount=facts.has_discount,
            needs_attention=surprise or self.needs_attention,
            forgotten_at=None,
            fallback=self.terms.fallback if self.terms and Move.TRIAL_ENDED_WITHOUT_CARD in moves else None,
        )
        return known._as_promised(self.grace_ends_at), moves, surprise

    def _as_promised(self, grace_ends_at: datetime | None) -> "Subscription":
        """Another plan may have less patience; the day that letters about the open debt have named stands."""
        shorter = grace_ends_at and self.grace_ends_at and self.grace_ends_at < grace_ends_at
        return replace(self, grace_promised_until=grace_ends_at) if shorter else self

    def _past_due_since(self, facts: Facts, owed: Invoice | None, adopted_at: datetime | None) -> datetime | None:
        """Who is met when late already has the whole grace from now on."""
        if facts.status not in {Status.PAST_DUE, Status.UNPAID}:
            return None
        return self.past_due_since or adopted_at or (owed.late_since if owed else None) or facts.period_starts_at

    def _tried_card(self, facts: Facts, owed: Invoice | None) -> str | None:
        """Whatever card is there when we learn that an invoice is owed is the one that failed, or there was none.

        An older invoice that comes into view again was not tried by it: the card may have paid the one before.
        """
        is_news = self.tried_card is None or self.invoice is None or bool(owed and owed.is_newer_than(self.invoice))
        return (facts.card.id if facts.card else NO_CARD) if owed and is_news else self.tried_card

    def _offered_card(self, facts: Facts, owed: Invoice | None, tried: str | None) -> str | None:
        """A card to put to use: what the customer has just chosen, else one that came later than the one in use.

        While something is owed, also one in use that was not tried.
        """
        if facts.status.is_over:
            return None
        if self._has_just_chosen(facts):
            return facts.customer_default
        waiting = (facts.newer_card if self._goes_by_age(facts) else None) or (facts.card if owed else None)
        return waiting.id if waiting and waiting.id != tried else None

    def _goes_by_age(self, facts: Facts) -> bool:
        """Whether nothing tells a choice but the age of the cards: nobody has noted yet what the customer prefers.

        Not where the subscription is new to us: its own card was chosen for it, whatever else the customer has.
        """
        is_known = self.stripe_subscription_id == facts.subscription_id
        return facts.customer_default is None or (self.customer_default is None and is_known)

    def _has_just_chosen(self, facts: Facts) -> bool:
        """The customer prefers another card than before, perhaps an older one, and the subscription has one still."""
        preferred = facts.customer_default
        if not preferred or self.customer_default is None or (facts.card and facts.card.id == preferred):
            return False
        return preferred != self.customer_default or preferred == self.offered_card

    def forgotten(self, now: datetime) -> "Subscription":
        """The state without anything that leads to the person or to their customer in Stripe, which is gone."""
        gone = replace(self, stripe_customer_id=None, stripe_subscription_id=None, currency=None, forgotten_at=now)
        without_cards = replace(gone, card=None, tried_card=None, offered_card=None, customer_default=None)
        return replace(without_cards, invoice=None, planned=None)

    def next_life(self) -> "Subscription":
        """A customer whose subscription is over may begin again; what they used up stays used up."""
        return Subscription(
            user_id=self.user_id,
            seq=self.seq,
            trial_used=self.trial_used,
            stripe_customer_id=self.stripe_customer_id,
            needs_attention=self.needs_attention,
            disputes=self.disputes,
            refunds=self.refunds,
            currency=self.currency,
        )

    @property
    def seats(self) -> int:
        """How many times the price is charged; one until a look has counted them."""
        return 1 if self.quantity is None else self.quantity

    @property
    def total(self) -> int | None:
        """What one interval costs for all seats, in minor units of the terms' currency."""
        return self.terms.amount * self.seats if self.terms else None

    @property
    def trial_reminder_at(self) -> datetime | None:
        """When the customer hears that the trial ends; None when told already, or when nothing will be charged."""
        ends, terms = self.trial_ends_at, self.terms
        if self.status is not Status.TRIALING or ends is None or terms is None or self.is_canceling:
            return None
        if self.trial_reminded_for == ends:
            return None
        policy = terms.policy
        short = self.started_at is not None and ends - self.started_at <= timedelta(days=policy.trial_reminder_days)
        return ends - timedelta(days=policy.short_trial_reminder_days if short else policy.trial_reminder_days)

    @property
    def grace_ends_at(self) -> datetime | None:
        """Until when an unpaid customer keeps access; None when nothing is owed."""
        if self.past_due_since is None or self.terms is None:
            return None
        by_the_rules = self.past_due_since + timedelta(days=self.terms.policy.grace_days)
        return max(by_the_rules, self.grace_promised_until or by_the_rules)

    @property
    def first_payment_expires_at(self) -> datetime | None:
        """Until when a first payment may still come."""
        return self.started_at + FIRST_PAYMENT_WINDOW if self.started_at else None

    @property
    def deadlines(self) -> list[datetime]:
        """Every moment that is known to matter, ours and Stripe's, in order; some may have passed."""
        owed = self.invoice
        known = (
            self.trial_reminder_at,
            card_reminder_at(self),
            self.trial_ends_at if self.status is Status.TRIALING else None,
            self.first_payment_expires_at if self.status is Status.INCOMPLETE else None,
            self.period_ends_at if self.status.is_live else None,
            owed.next_attempt_at if owed else None,
            self.grace_ends_at,
            self.cancel_at if self.is_canceling else None,
            self.planned.at if self.planned else None,
        )
        return sorted(moment for moment in known if moment is not None)

    @property
    def is_free(self) -> bool:
        """It runs on a plan that costs nothing."""
        return self.status.is_live and self.terms is not None and self.terms.is_free

    @property
    def is_cardless(self) -> bool:
        """It runs and Stripe knows of no subscription: a trial without a card, or the pause that such a trial ended in.

        See `lifecycle.cardless`.
        """
        return self.status.is_live and self.stripe_subscription_id is None

    @property
    def is_suspended(self) -> bool:
        """Access is taken away, and the subscription is still to be ended."""
        return self.suspended_at is not None and self.status.is_live

    @property
    def is_canceling(self) -> bool:
        """A cancellation is scheduled and has not taken effect."""
        return self.cancel_at is not None and not self.status.is_over

    @property
    def stays_unpaid(self) -> bool:
        """The policy keeps what is unpaid when grace is over."""
        return self.terms is not None and self.terms.policy.after_grace is AfterGrace.UNPAID

    @property
    def tries_used_up(self) -> bool:
        """As many failed charges as the policy has patience for; what was promised under older rules is waited for."""
        owed, terms = self.invoice, self.terms
        if owed is None or terms is None or self.grace_promised_until:
            return False
        return owed.attempts >= terms.policy.max_payment_attempts
