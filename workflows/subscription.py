"""The story of one customer's subscription, for as long as it lives.

Message handlers take note and wait; the main loop acts, one thing at a time. Stripe's events are hints: the loop
looks at the present and reduces it by the rules in `lifecycle`.
"""

from collections.abc import Sequence
from dataclasses import replace

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    # The rules are pure and hold no clock; passing them through saves 9 ms and 120 kB for each cold workflow.
    from lifecycle.events import ACKNOWLEDGED, EventHint
    from lifecycle.expiring_cards import card_is_next
    from lifecycle.intents import (
        Cancel,
        Forget,
        MovePolicy,
        MoveTrialEnd,
        Outcome,
        RefundPayment,
        Request,
        Result,
        Subscribe,
    )
    from lifecycle.leaving import may_get_back
    from lifecycle.letters import letter
    from lifecycle.notifications import Notification
    from lifecycle.refusals import Refusal, check
    from lifecycle.statuses import Status
    from lifecycle.subscription import Subscription
    from workflows import cardless, effects, forgetting, leaving, moving_policies, refunding, reminding, timeline
    from workflows.carried import Carried
    from workflows.life import NOT_DONE, Life


@workflow.defn(name="Subscription")
class SubscriptionWorkflow:
    """One customer, one writer."""

    @workflow.init
    def __init__(self, carried: Carried) -> None:
        self.life = Life(carried)

    @workflow.run
    async def run(self, _: Carried) -> str:
        """From the first intent or event to the end; the answer is the last status."""
        if not self.life.has_begun:
            await self.life.begin()
        while not await self.is_over():
            if self.life.subscription.is_suspended and not self.life.has_ended_suspended:
                await self.end_suspended()
                continue
            if self.life.has_mail:
                await self.work_off_inbox()
                continue
            if self.life.card_may_have_come and self.life.subscription.is_cardless:
                await cardless.begin_at_stripe(self.life)
                continue
            await self.continue_as_new_when_due()
            if self.life.subscription.offered_card and workflow.patched("use-a-new-card"):
                await self.use_the_new_card()
                continue
            if self.life.subscription.left_unpaid_at and self.life.subscription.status is Status.ACTIVE:
                await self.collect_again()
                continue
            if card_is_next(self.life.subscription) and workflow.patched("remind-of-an-expiring-card"):
                await reminding.remind_of_card(self.life)
                continue
            match self.life.subscription.status:
                case Status.INCOMPLETE:
                    await self.first_payment()
                case Status.TRIALING:
                    await self.trial()
                case Status.ACTIVE:
                    await self.paid_period()
                case Status.PAST_DUE:
                    await self.dunning()
                case Status.UNPAID if workflow.patched("unpaid-has-an-end"):
                    await self.dunning()
                case _:
                    await self.standstill()
        return self.life.subscription.status.value

    async def first_payment(self) -> None:
        """The customer has 23 hours to confirm or pay; then Stripe lets it expire."""
        await self.life.look_after(self.life.subscription.first_payment_expires_at, "the first payment")

    async def trial(self) -> None:
        """Free until the trial ends; the customer hears about it before the first charge."""
        reminder = self.life.subscription.trial_reminder_at
        if reminder is None and self.life.subscription.is_cardless:
            if await self.life.quiet_until(self.life.subscription.trial_ends_at, "the end of the trial, or a card"):
                await cardless.end_trial(self.life, "timer", "the end of the trial")
        elif reminder is None:
            await self.life.look_after(self.life.subscription.trial_ends_at, "the end of the trial")
        elif await self.life.quiet_until(reminder, "the trial reminder"):
            await self.remind_of_trial_end()

    async def paid_period(self) -> None:
        """Paid up. Stripe renews; there is something to wait for only when the customer leaves."""
        leaving = self.life.subscription.cancel_at
        await self.life.look_after(leaving, "the end of the last period" if leaving else "Stripe's next renewal")

    async def dunning(self) -> None:
        """Stripe tries again and again; access stays through grace, then we give up."""
        now, subscription = self.life.clock.now(), self.life.subscription
        if subscription.left_unpaid_at or (subscription.status is Status.UNPAID and subscription.stays_unpaid):
            await self.standstill()
            return
        patience_ends = now if subscription.tries_used_up else subscription.grace_ends_at
        if patience_ends and self.life.look_not_before:
            patience_ends = max(patience_ends, self.life.look_not_before)
        if await self.life.quiet_until(patience_ends, "a payment, until grace ends"):
            await self.give_up()

    async def standstill(self) -> None:
        """Unpaid or paused: nothing happens by itself until somebody pays, resumes or cancels."""
        await self.life.look_after(self.life.subscription.cancel_at, "a payment, a new card or a cancellation")

    async def use_the_new_card(self) -> None:
        """The customer has chosen another card: it is used from now on, and pays at once what is owed."""
        offered = self.life.subscription
        self.life.subscription = replace(offered, tried_card=offered.offered_card, offered_card=None)
        is_declined = False
        try:
            is_declined = (await effects.use_card(offered)).declined is not None
        except effects.RefusedByStripe as refusal:
            self.life.flag(str(refusal))
        is_told = is_declined and workflow.patched("tell-of-a-declined-choice")
        await self.life.look("event", "a new card", choice_declined=is_told)

    async def remind_of_trial_end(self) -> None:
        """Said once for each end of trial; said again when the trial was extended."""
        before = self.life.subscription
        self.life.subscription = replace(before, trial_reminded_for=before.trial_ends_at)
        due = letter(Notification.TRIAL_ENDING, before, self.life.subscription)
        entry = timeline.reminded(self.life.subscription, self.life.clock.now())
        await self.life.save([entry], letters=[due])

    async def give_up(self) -> None:
        """Look once more, then end it; the open invoice is voided first, so a payment in that moment wins."""
        await self.life.look("timer", "the end of grace")
        if self.life.subscription.status not in {Status.PAST_DUE, Status.UNPAID}:
            return
        if self.life.subscription.stays_unpaid:
            await self.leave_unpaid()
            return
        self.life.subscription = replace(self.life.subscription, gave_up_at=self.life.clock.now())
        try:
            ended = await effects.give_up(self.life.subscription)
        except effects.RefusedByStripe as refusal:
            self.life.flag(str(refusal))
            ended = False
        if not ended:
            self.life.subscription = replace(self.life.subscription, gave_up_at=None)
        await self.life.look("timer", "the end of grace")

    async def leave_unpaid(self) -> None:
        """Grace is over and so is access; the subscription stays, and a payment brings it back."""
        try:
            if not await effects.leave_unpaid(self.life.subscription):
                await self.life.look("timer", "the end of grace")
                return
        except effects.RefusedByStripe as refusal:
            self.life.flag(str(refusal))
        self.life.subscription = replace(self.life.subscription, left_unpaid_at=self.life.clock.now())
        await self.life.save([self.life.entry("collection_stopped", "timer", "the end of grace")])

    async def collect_again(self) -> None:
        """Paid after all."""
        try:
            await effects.collect_again(self.life.subscription)
        except effects.RefusedByStripe as refusal:
            self.life.flag(str(refusal))
        self.life.subscription = replace(self.life.subscription, left_unpaid_at=None)
        await self.life.look("event", "the open invoice was paid")

    async def end_suspended(self) -> None:
        """The bank took a payment back: nothing more is charged, and the subscription ends before anything else."""
        self.life.has_ended_suspended = True  # tried once in each history; if Stripe refuses, a person is told
        subscription = self.life.subscription
        if subscription.is_cardless and workflow.patched("end-a-suspended-trial-of-ours"):
            await cardless.end_suspended(self.life)
            return
        try:
            await effects.end_disputed(subscription)
        except effects.RefusedByStripe as refusal:
            self.life.flag(str(refusal))
        await self.life.look("event", subscription.suspended_for or "")

    async def fall_back(self) -> None:
        """Stripe has ended a trial that no card came for; the customer goes on with the free plan."""
        ended = self.life.subscription
        self.life.subscription = replace(ended.next_life(), started_at=ended.ended_at)
        begun = await cardless.begin_free_plan(self.life, ended.fallback)
        if begun is None:
            concern = self.life.subscription.needs_attention
            self.life.subscription = replace(ended, fallback=None, needs_attention=concern)
        await self.life.look("timer", "the end of the trial", begun=begun)

    async def void_the_last_invoice(self) -> None:
        """Whoever has left is not charged again: not by a late retry, not through an old link."""
        try:
            await effects.give_up(self.life.subscription)
        except effects.RefusedByStripe as refusal:
            self.life.flag(str(refusal))
        await self.life.look("timer", "the last invoice")

    async def work_off_inbox(self) -> None:
        """One command at a time, in order; events need no order, one look answers them all."""
        if self.life.requests:
            await self.carry_out(self.life.requests[0])
        else:
            await self.life.look(*timeline.cause_of(self.life.hints))

    async def carry_out(self, request: Request) -> None:
        """An intent: refused when it no longer fits, else done in Stripe, saved, and only then answered."""
        if isinstance(request.intent, Forget):
            await forgetting.forget(self.life, request)
            self.life.requests.remove(request)
            return
        if isinstance(request.intent, MovePolicy):
            await moving_policies.move_policy(self.life, request, request.intent)
            self.life.requests.remove(request)
            return
        if isinstance(request.intent, Subscribe) and self.life.subscription.status.is_over:
            self.life.subscription = self.life.subscription.next_life()
        if isinstance(request.intent, MoveTrialEnd) and request.intent.by:
            self.life.note("trial_end_moved", "person", request.intent.by, operation=request.operation_id)
        if await cardless.carry_out(self.life, request):
            self.life.requests.remove(request)
            return
        outcome, begun = await self.done_or_refused(request)
        if isinstance(request.intent, Cancel) and outcome.result is Result.DONE:
            self.life.subscription = replace(self.life.subscription, cancel_reason=request.intent.reason)
        await self.life.look("intent", request.operation_id, begun=begun, answer=(request, outcome))
        self.life.requests.remove(request)

    async def done_or_refused(self, request: Request) -> tuple[Outcome, str | None]:
        """The state may have changed since the intent was accepted."""
        try:
            check(self.life.subscription, request.intent)
        except Refusal as refusal:
            return Outcome(Result.REFUSED, refusal.code, refusal.detail), None
        try:
            if isinstance(request.intent, RefundPayment):
                return await refunding.refund(self.life, request.operation_id, request.intent), None
            terms = self.life.subscription.terms
            if terms and may_get_back(self.life.subscription, request.intent, terms.policy):
                return await leaving.leave(self.life, request, terms.policy), None
            return await effects.carry_out(request, self.life.subscription, self.life.clock.now())
        except effects.RefusedByStripe as refusal:
            self.life.flag(str(refusal))
            return Outcome(Result.FAILED, "payment_provider_refused", NOT_DONE), None

    async def is_over(self) -> bool:
        """Nothing lives, nothing waits, and everybody who asked has been answered."""
        if self.life.has_mail or self.life.subscription.status.is_live:
            return False
        if self.life.subscription.invoice:
            await self.void_the_last_invoice()
        if self.life.subscription.fallback:
            await self.fall_back()
            return False
        return await self.life.comes_to_rest()

    async def continue_as_new_when_due(self) -> None:
        """Go on in a fresh history when this one is long enough; the inbox and the answers go along."""
        info = workflow.info()
        if info.get_current_history_length() < self.life.history_limit and not info.is_continue_as_new_suggested():
            return
        if await self.life.comes_to_rest():
            workflow.continue_as_new(self.life.carried())

    @workflow.update(description="Begin, change, cancel or resume; answered when it is done and saved.")
    async def ask(self, request: Request) -> Outcome:
        """Take an intent and wait for its outcome; the same operation twice is one."""
        known = {waiting.operation_id for waiting in self.life.requests} | self.life.outcomes.keys()
        if request.operation_id not in known:
            self.life.requests.append(request)
        await workflow.wait_condition(lambda: request.operation_id in self.life.outcomes)
        return self.life.outcomes[request.operation_id]

    @ask.validator
    def refuse_what_does_not_fit(self, request: Request) -> None:
        """Refused at the door: nothing is written to the history."""
        if request.operation_id in self.life.outcomes or self.life.requests or not self.life.has_begun:
            return  # answered before, or to be judged by a state that is not there yet
        try:
            check(self.life.subscription, request.intent)
        except Refusal as refusal:
            raise ApplicationError(refusal.detail, refusal.code.value, type="Refusal", non_retryable=True) from None

    @workflow.signal(description="Stripe's events about this customer, several at once; each is a hint to look.")
    def stripe_events(self, hints: Sequence[EventHint]) -> None:
        """Take note; one look will answer them all."""
        self.life.hints.extend(hints)

    @workflow.signal(description="A person has looked: take the flag NeedsAttention away.")
    async def acknowledge(self, by: str) -> None:
        """Clears the flag at the next look, which this asks for; ``by`` is the operator's id."""
        self.life.subscription = replace(self.life.subscription, needs_attention=None)
        self.life.hints.append(EventHint(id=by, type=ACKNOWLEDGED))

    @workflow.query(description="The whole state: ids, moments, amounts and rules.")
    def state(self) -> Subscription:
        """What the workflow knows now."""
        return self.life.subscription
