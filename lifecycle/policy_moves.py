"""Moving a subscription to other rules than it was sold under: only an operator does that, by name."""

from dataclasses import replace

from lifecycle.lines import Line
from lifecycle.policy import Policy, changed_rules
from lifecycle.subscription import Subscription

POLICY_MOVED = "policy_moved"


def after_policy_move(subscription: Subscription, policy: Policy, by: str | None) -> tuple[Subscription, Line]:
    """The state under the new rules, and the line that names each rule that changed, before and after.

    Deadlines follow the new rules at once, but for a debt whose letters have told until when access stays: that day is
    kept, and the number of tries does not end the patience before it.
    """
    terms = subscription.terms
    if terms is None:
        raise ValueError("a subscription without terms has no rules to move from")
    promised = subscription.grace_promised_until
    if policy.has_less_patience_than(terms.policy):
        promised = subscription.grace_ends_at
    moved = replace(subscription, terms=replace(terms, policy=policy), grace_promised_until=promised)
    return moved, Line(POLICY_MOVED, _detail(subscription, moved, terms.policy, policy, by))


def _detail(before: Subscription, after: Subscription, old: Policy, new: Policy, by: str | None) -> dict[str, str]:
    detail = {"plan": after.terms.plan if after.terms else ""} | ({"by": by} if by else {})
    for name, (was, now) in changed_rules(old, new).items():
        detail |= {f"previous_{name}": was, name: now}
    if before.grace_ends_at and after.grace_ends_at:
        moments = {"previous_grace_ends_at": before.grace_ends_at, "grace_ends_at": after.grace_ends_at}
        detail |= {name: f"{moment:%Y-%m-%dT%H:%M:%SZ}" for name, moment in moments.items()}
    return detail
