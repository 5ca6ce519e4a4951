"""The present life of a subscription: what is known, what waits, and how each decision is written down."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from temporalio import workflow

from activities.orders import Entry, Saving, TakenBack
from lifecycle.abandoned_checkouts import reminder_of
from lifecycle.adoption import left_as_it_stands, met_in_the_middle
from lifecycle.causes import with_declined_choice
from lifecycle.disputes import Dispute, after_dispute
from lifecycle.events import NOT_OF_STRIPE, EventHint
from lifecycle.facts import Facts
from lifecycle.intents import Cancel, Forget, Outcome, Request, Result
from lifecycle.letters import letters_due, trial_refused
from lifecycle.moves import Move
from lifecycle.notifications import NotificationDue
from lifecycle.refunds import Refund, after_refund
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription
from workflows import effects, showing, steps, timeline
from workflows.carried import OUTCOMES_KEPT, STEPS_SHOWN, Carried, Clock
from workflows.looking import Seen, look_at_checkouts, look_at_disputes, look_at_refunds, look_at_stripe

NOT_DONE = "This could not be done; support knows."
STRIPE_SAYS_SO_ITSELF = timedelta(minutes=5)
"""How long after a deadline of Stripe's we wait for its event before we go and look."""
LOOK_AGAIN_AFTER = timedelta(hours=1)
"""How long we leave a deadline alone that has passed without anything new at Stripe."""
_NOT_REMEMBERED = {Move.PLAN_CHANGED, Move.PLAN_CHANGE_PLANNED}
"""Moves that a recovery cannot tell: a row that was not saved for long keeps no terms to compare with."""


class Life:
    """State, inbox and pen of one workflow. There is one writer, the main loop, so there are no locks."""

    def __init__(self, carried: Carried) -> None:
        self.subscription = carried.subscription
        self.has_begun = carried.has_begun
        self.history_limit = carried.history_limit
        self.requests = list(carried.requests)
        self.hints = list(carried.hints)
        self.outcomes = dict(carried.outcomes)
        self.steps = list(carried.steps)
        self.clock = Clock(carried.now)
        self.last_saved = carried.subscription
        self.is_known_user = True
        self.look_not_before: datetime | None = None
        self.has_ended_suspended = False
        self.card_may_have_come = False
        self.noted: list[Entry] = []
        self.noted_letters: list[NotificationDue] = []
        self.letters_under_way: set[asyncio.Task[None]] = set()

    async def begin(self) -> None:
        """A new life starts with what outlived the one before."""
        known = await steps.begin(self.subscription.user_id)
        self.subscription = replace(
            known.remembered or self.subscription,
            seq=known.seq,
            trial_used=known.trial_used,
            stripe_customer_id=known.stripe_customer_id,
            disputes=known.disputes,
            refunds=known.refunds,
            currency=known.currency,
        )
        self.last_saved = self.subscription
        self.is_known_user = known.is_known_user
        self.history_limit = known.continue_as_new_after_events
        self.clock.set(known.now)
        self.has_begun = True
        if known.stripe_subscription_id:
            await self.look("recovery", "a running subscription without a workflow", begun=known.stripe_subscription_id)

    @property
    def has_mail(self) -> bool:
        """Somebody asked for something, or Stripe hinted at something."""
        return bool(self.requests or self.hints)

    @property
    def is_being_forgotten(self) -> bool:
        """Somebody has asked for it; no letter is begun any more but that about the end."""
        return any(isinstance(request.intent, Forget) for request in self.requests)

    async def quiet_until(self, moment: datetime | None, what: str) -> bool:
        """True when the moment came and nothing else; False when there is mail. Without a moment it waits for mail."""
        showing.show_details(
            self.subscription, what if moment is None else f"{what} ({moment:%Y-%m-%d %H:%M} UTC)", self.steps
        )
        if moment is None:
            await workflow.wait_condition(lambda: self.has_mail)
            return False
        remaining = moment - self.clock.now()
        if self.has_mail or remaining <= timedelta(0):
            return not self.has_mail
        try:
            await workflow.wait_condition(lambda: self.has_mail, timeout=remaining, timeout_summary=what)
        except TimeoutError:
            return True
        return False

    async def look_after(self, moment: datetime | None, what: str) -> None:
        """Wait for mail; when Stripe stays silent about a deadline of its own, go and look."""
        due = moment + STRIPE_SAYS_SO_ITSELF if moment else None
        if due and self.look_not_before:
            due = max(due, self.look_not_before)
        if await self.quiet_until(due, what):
            await self.look("timer", what)

    async def look(
        self,
        cause: str,
        cause_id: str,
        *,
        begun: str | None = None,
        answer: tuple[Request, Outcome] | None = None,
        choice_declined: bool = False,
    ) -> None:
        """Look at Stripe, make of it what the rules say, and write it down with all that follows.

        Every hint that waits is answered by this one look. ``begun`` names a subscription that was just made.
        ``choice_declined``: a card that the customer has chosen was declined just now.
        """
        hints, self.hints = self.hints, []
        self.card_may_have_come = bool(hints) and self.subscription.is_cardless
        flagged_for = self.last_saved.needs_attention
        seen = await look_at_stripe(self.subscription, hints, begun=begun, may_adopt=self.is_known_user)
        disputes, refunds = await look_at_disputes(hints), await look_at_refunds(hints)
        stands = seen.facts.subscription_id if seen.facts else self.subscription.stripe_subscription_id
        taken_back = [await self._taken_back(second, stands) for second in seen.seconds]
        if cause == "event" and not begun:
            seen = await self._without_repeated_trial(seen)
        seen = await self._without_superseded_change(seen)
        replaced = [await self._replaced(seen.replaced, cause, cause_id)] if seen.replaced else []
        is_another = seen.is_new and not begun and not self.subscription.is_cardless
        before = self.subscription.next_life() if is_another else self.subscription
        told, moves = self._adopt(before, seen, cause, choice_declined=choice_declined)
        self._settle_free_plan(before, answer)
        abandoned = [] if self.is_being_forgotten else await look_at_checkouts(self.subscription, hints)
        self.look_not_before = self.clock.now() + LOOK_AGAIN_AFTER if cause == "timer" and not moves else None
        entries = replaced + timeline.moved(told, before, self.subscription, self.clock.now(), cause, cause_id)
        entries += [entry for entry in taken_back if entry]
        entries += timeline.asked_for(hints, self.clock.now())
        entries += self._money_gone_back(disputes, refunds, cause, cause_id)
        entries += self._flagged(hints, flagged_for, cause, cause_id)
        is_quiet = told == [timeline.ADOPTIONS[timeline.IMPORT]]
        letters = [] if is_quiet else letters_due(before, replace(self.subscription, seq=before.seq + 1), moves)
        reminders = [reminder_of(one) for one in abandoned]
        entries += [self.entry(line.entry, cause, cause_id, **line.detail) for line, _ in reminders]
        await self.save(
            entries,
            letters=[*letters, *(letter for _, letter in reminders)],
            events=[hint.id for hint in hints if hint.type not in NOT_OF_STRIPE],
            answer=answer,
        )

    def _settle_free_plan(self, before: Subscription, answer: tuple[Request, Outcome] | None) -> None:
        """What was promised when the trial ended stays promised, whatever is heard meanwhile, until it has begun.

        Whoever leaves or is forgotten in that moment has not asked for it.
        """
        is_leaving = self.is_being_forgotten or (answer is not None and isinstance(answer[0].intent, Cancel))
        after = self.subscription
        is_over_still = after.status.is_over and after.stripe_subscription_id == before.stripe_subscription_id
        promised = None if is_leaving else after.fallback or (before.fallback if is_over_still else None)
        if promised != after.fallback and workflow.patched("a-free-plan-stays-promised"):
            self.subscription = replace(after, fallback=promised)

    async def save(
        self,
        entries: Sequence[Entry],
        *,
        letters: Sequence[NotificationDue] = (),
        events: Sequence[str] = (),
        answer: tuple[Request, Outcome] | None = None,
    ) -> None:
        """One transaction for everything; whoever waits is answered afterwards, so they can read what they did."""
        self.subscription = replace(self.subscription, seq=self.subscription.seq + 1)
        settled = {}
        if answer:
            request, outcome = answer
            settled[request.operation_id] = timeline.completed(outcome, self.subscription)
        letters = [*self.noted_letters, *letters]
        lines = timeline.in_order([*entries, *self.noted, *timeline.not_done(settled, self.clock.now())])
        lines = timeline.with_letters(lines, letters)
        self.noted, self.noted_letters = [], []
        saving = Saving(self.subscription, lines, list(events), list(letters), settled)
        try:
            saved = await steps.save(saving)
        except steps.Conflict:
            saving = self._without_what_is_not_ours(saving)
            saved = await steps.save(saving)
        self.last_saved = self.subscription
        self.steps = [*self.steps, *map(timeline.told, saving.entries)][-STEPS_SHOWN:]
        showing.show_search_attributes(self.subscription)
        if saved.notification_ids:
            task = asyncio.create_task(steps.send(saved.notification_ids))
            self.letters_under_way.add(task)
            task.add_done_callback(self.letters_under_way.discard)
        self.outcomes = dict(list({**self.outcomes, **saving.outcomes}.items())[-OUTCOMES_KEPT:])

    def _money_gone_back(
        self, disputes: Sequence[Dispute], refunds: Sequence[Refund], cause: str, cause_id: str
    ) -> list[Entry]:
        """What banks and operators took back, each told once."""
        entries: list[Entry] = []
        for dispute in disputes:
            self.subscription, lines = after_dispute(self.subscription, dispute, self.clock.now())
            entries += [self.entry(line.entry, cause, cause_id, **line.detail) for line in lines]
        for refund in refunds:
            self.subscription, lines = after_refund(self.subscription, refund)
            entries += [self.entry(line.entry, *refund.cause_or(cause, cause_id), **line.detail) for line in lines]
        return entries

    def _flagged(self, hints: Sequence[EventHint], flagged_for: str | None, cause: str, cause_id: str) -> list[Entry]:
        """A line when a person should look for a reason that is new."""
        for hint in hints:
            if hint.in_vain:
                self.flag(f"this differs from Stripe, and a look has not mended it: {hint.differs}")
        reason = self.subscription.needs_attention
        if reason is None or reason == flagged_for:
            return []
        return [self.entry("needs_attention", cause, cause_id, reason=reason)]

    async def decide(
        self,
        after: Subscription,
        moves: Sequence[Move],
        cause: str,
        cause_id: str,
        *,
        answer: tuple[Request, Outcome] | None = None,
    ) -> None:
        """Write down what was decided without a look at Stripe."""
        before, self.subscription = self.subscription, after
        entries = timeline.moved(moves, before, after, self.clock.now(), cause, cause_id)
        letters = letters_due(before, replace(after, seq=before.seq + 1), list(moves))
        await self.save(entries, letters=letters, answer=answer)

    async def _without_repeated_trial(self, seen: Seen) -> Seen:
        """Begun on Stripe's page by a person or with a card that has had a trial: it is ended before it cost anything.

        Whoever comes back pays from the first day.
        """
        trial = seen.facts
        if trial is None or not seen.is_new or not trial.has_had_its_trial or self.subscription.is_cardless:
            return seen
        try:
            await effects.end_now(trial.subscription_id, "trial_repeated")
        except effects.RefusedByStripe as refusal:
            self.flag(str(refusal))
            return seen
        self.subscription = replace(self.subscription, trial_used=True, stripe_customer_id=trial.customer_id)
        rule = "one trial a person" if trial.trial_is_repeated else "one trial a card"
        self.note("trial_refused", "event", trial.subscription_id, rule=rule)
        self.noted_letters.append(trial_refused(trial))
        return Seen(concern=seen.concern)

    async def _without_superseded_change(self, seen: Seen) -> Seen:
        """What was planned before an upgrade goes when the upgrade is granted, also one that the bank asked about."""
        facts = seen.facts
        if facts is None or facts.planned is None or facts.planned.superseded is None:
            return seen
        try:
            await effects.drop_superseded(facts.subscription_id, facts.planned.superseded)
        except effects.RefusedByStripe as refusal:
            self.flag(str(refusal))
        return replace(seen, facts=replace(facts, planned=None))

    async def _replaced(self, free: str, cause: str, cause_id: str) -> Entry:
        """A paid subscription was begun on Stripe's page in place of the free one.

        The free one may have been changed to another plan and paid in the same moment; then that is given back.
        """
        try:
            if workflow.patched("take-back-what-is-replaced"):
                taken = await effects.take_back(self.subscription, free)
                if taken.currency:
                    self.flag(f"{free} was paid for when another took its place: it was canceled, {_given(taken)}")
            else:
                await effects.end_now(free, "replaced")
        except effects.RefusedByStripe as refusal:
            self.flag(f"{free} was replaced and could not be ended: {refusal}")
        left = self.subscription.status
        return Entry(Move.REPLACED, self.clock.now(), cause, cause_id, left, Status.CANCELED, {"subscription": free})

    async def _taken_back(self, second: str, first: str | None) -> Entry | None:
        """The customer began twice; the first subscription stands, and a person hears of it."""
        try:
            taken = await effects.take_back(self.subscription, second)
        except effects.RefusedByStripe as refusal:
            self.flag(f"{second} runs beside {first} and could not be taken back: {refusal}")
            return None
        self.flag(f"{second} was begun beside {first}: it was canceled, {_given(taken)}")
        detail = {"second": second, "refunded": str(taken.refunded), "currency": taken.currency}
        return self.entry("second_subscription_taken_back", "event", second, **detail)

    def _adopt(
        self, before: Subscription, seen: Seen, cause: str, *, choice_declined: bool
    ) -> tuple[Sequence[str], list[Move]]:
        """Facts are adopted whatever they say; whom we meet in the middle of a life is met now.

        Answers what to tell in the timeline, and the moves that letters follow from.
        """
        self.subscription, moves = before, list[Move]()
        told: list[str] = []
        if seen.facts:
            met_at = self.clock.now() if seen.is_new and cause != "intent" else None
            self.subscription, moves, surprise = before.after(seen.facts, adopted_at=met_at)
            if met_at and timeline.begins_in_the_middle(cause, surprise):
                self.subscription, moves = self._met(before, seen.facts, met_at), []
                told = [timeline.ADOPTIONS[cause]]
            elif cause == "recovery" and before.status.is_live:
                moves = [move for move in moves if move not in _NOT_REMEMBERED]
                told = ["recovered"]
            elif choice_declined:
                moves = with_declined_choice(moves, self.subscription)
        if seen.concern:
            self.flag(seen.concern)
        return [*told, *moves], moves

    def _met(self, before: Subscription, facts: Facts, at: datetime) -> Subscription:
        met = met_in_the_middle(before, facts, at)
        untouched = left_as_it_stands(met, before)
        return untouched if untouched != met and workflow.patched("meeting-changes-nothing-at-stripe") else met

    def _without_what_is_not_ours(self, saving: Saving) -> Saving:
        """What was saved last stays; who asked is told that it failed, and a person has to untangle the two users."""
        concern = "another user has this Stripe customer or subscription"
        self.subscription = replace(self.last_saved, seq=saving.subscription.seq, needs_attention=concern)
        entry = self.entry("needs_attention", "conflict", self.subscription.stripe_subscription_id)
        failed = Outcome(Result.FAILED, "payment_provider_refused", NOT_DONE)
        return Saving(self.subscription, [entry], saving.events, [], dict.fromkeys(saving.outcomes, failed))

    def entry(self, name: str, cause: str, cause_id: str | None, **detail: str) -> Entry:
        """A line of the timeline that changes no status."""
        return Entry(name, self.clock.now(), cause, cause_id, detail=detail)

    def note(self, name: str, cause: str, cause_id: str | None, **detail: str) -> None:
        """A line that the next save writes."""
        self.noted.append(self.entry(name, cause, cause_id, **detail))

    def flag(self, reason: str) -> None:
        """A person should look at this subscription."""
        self.subscription = replace(self.subscription, needs_attention=reason)

    async def comes_to_rest(self) -> bool:
        """True once letters are out and everybody is answered; False when mail comes first, for it waits for nothing.

        Letters under way are given their minute; after that the sweep has them.
        """
        await workflow.wait_condition(
            lambda: self.has_mail or (not self.letters_under_way and workflow.all_handlers_finished())
        )
        return not self.has_mail

    def carried(self) -> Carried:
        """What the next run needs."""
        return Carried(
            subscription=self.subscription,
            has_begun=True,
            history_limit=self.history_limit,
            requests=self.requests,
            hints=self.hints,
            outcomes=self.outcomes,
            steps=self.steps,
            now=self.clock.now() if self.clock.travels else None,
        )


def _given(taken: TakenBack) -> str:
    """What went back of a subscription that was one too many, as an operator reads it."""
    if not taken.currency:
        return "nothing was paid"
    kept = f", {taken.kept} could not be given back" if taken.kept else ""
    return f"{taken.refunded} {taken.currency} (minor units) refunded{kept}"
