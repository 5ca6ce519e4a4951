"""What an operator sees of a subscription in the Temporal Web UI."""

from datetime import datetime

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from lifecycle.subscription import Subscription

STATUS = SearchAttributeKey.for_keyword("SubscriptionStatus")
PLAN = SearchAttributeKey.for_keyword("Plan")
USER_ID = SearchAttributeKey.for_keyword("UserId")
CUSTOMER_ID = SearchAttributeKey.for_keyword("StripeCustomerId")
CANCEL_AT_PERIOD_END = SearchAttributeKey.for_bool("CancelAtPeriodEnd")
NEEDS_ATTENTION = SearchAttributeKey.for_bool("NeedsAttention")
ATTRIBUTES = (STATUS, PLAN, USER_ID, CUSTOMER_ID, CANCEL_AT_PERIOD_END, NEEDS_ATTENTION)


def show_search_attributes(subscription: Subscription) -> None:
    """Write those that changed: each write costs an action and tens of kilobytes of log in the visibility store."""
    shown = workflow.info().typed_search_attributes
    updates: list[SearchAttributeUpdate[str] | SearchAttributeUpdate[bool]] = []
    keywords = {
        STATUS: subscription.status.value,
        PLAN: subscription.terms.plan if subscription.terms else None,
        USER_ID: subscription.user_id,
        CUSTOMER_ID: subscription.stripe_customer_id,
    }
    for keyword, value in keywords.items():
        if value is not None and shown.get(keyword) != value:
            updates.append(keyword.value_set(value))
    flags = {
        CANCEL_AT_PERIOD_END: subscription.is_canceling,
        NEEDS_ATTENTION: subscription.needs_attention is not None,
    }
    for flag, is_set in flags.items():
        if shown.get(flag, False) != is_set:
            updates.append(flag.value_set(is_set))
    if updates:
        workflow.upsert_search_attributes(updates)


def show_details(subscription: Subscription, waits_for: str, steps: list[str]) -> None:
    """The page of this subscription: what it is, what it waits for, its last steps."""
    workflow.set_current_details(details(subscription, waits_for, steps))


def details(subscription: Subscription, waits_for: str, steps: list[str]) -> str:
    """Markdown for the Web UI; ids and moments only."""
    terms = subscription.terms
    seats = f" × {subscription.seats}" if subscription.seats != 1 else ""
    plan = f"{terms.plan} per {terms.interval}{seats}" if terms else "no plan"
    lines = [f"**{subscription.status}** · {plan} · user `{subscription.user_id}`", ""]
    if subscription.needs_attention:
        lines += [f"⚠️ **Needs attention:** {subscription.needs_attention}", ""]
    lines.append(f"Waits for: {waits_for}")
    lines += ["", *_facts(subscription), "", "Last steps:", "", *(f"- {step}" for step in reversed(steps))]
    return "\n".join(lines)


def _facts(subscription: Subscription) -> list[str]:
    facts = {
        "Stripe subscription": subscription.stripe_subscription_id,
        "Stripe customer": subscription.stripe_customer_id,
        "Trial ends": _shown(subscription.trial_ends_at),
        "Period ends": _shown(subscription.period_ends_at),
        "Ends": _shown(subscription.cancel_at),
        "Unpaid since": _shown(subscription.past_due_since),
        "Grace ends": _shown(subscription.grace_ends_at),
        "Open invoice": subscription.invoice.id if subscription.invoice else None,
    }
    return [f"- {name}: `{value}`" for name, value in facts.items() if value]


def _shown(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%d %H:%M UTC") if moment else None
