"""Which of Stripe's subscriptions may be adopted, and for whom; what is doubtful is refused with a reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Offered:
    """One running subscription at Stripe, as far as an import must know it.

    ``named`` is the user whom its metadata or its customer's names; ``offer`` its plan, interval and seats, None when
    its price is of none of our plans. ``address`` is the customer's e-mail address, only where it may tell the user.
    """

    subscription_id: str
    customer_id: str
    status: str
    prices: int
    price: str | None = None
    offer: str | None = None
    named: str | None = None
    address: str | None = None


@dataclass(frozen=True)
class Knowledge:
    """What we know of a page of them: who owns which customer, who exists, and who has what already."""

    mapped: Mapping[str, str] = field(default_factory=dict)
    """From the operator's file: Stripe customer to user."""
    owners: Mapping[str, str] = field(default_factory=dict)
    """Stripe customer to the user who has it here."""
    customers: Mapping[str, str] = field(default_factory=dict)
    """User to the Stripe customer they have here."""
    running: Mapping[str, str] = field(default_factory=dict)
    """User to the running subscription they have here."""
    users: frozenset[str] = frozenset()
    """Those whom Better-Auth knows."""
    by_address: Mapping[str, str] = field(default_factory=dict)
    """Verified e-mail address to its user."""


@dataclass(frozen=True)
class Judgement:
    """``user_id`` may have it, unless there is a ``refusal``; ``is_foreign``: nothing says that it is ours at all."""

    user_id: str | None = None
    refusal: str | None = None
    is_foreign: bool = False


def judge(offered: Offered, known: Knowledge) -> Judgement:
    """Whose it is, or why nobody's. Two of one user are found later, when all were seen."""
    claims = {
        "its metadata": offered.named,
        "the file": known.mapped.get(offered.customer_id),
        "our books": known.owners.get(offered.customer_id),
    }
    said = {who: user for who, user in claims.items() if user}
    by_address = known.by_address.get(offered.address or "")
    user_id = next(iter(said.values()), by_address)
    if user_id is None:
        foreign = offered.offer is None
        return Judgement(refusal="nothing says whose it is", is_foreign=foreign)
    if len(set(said.values())) > 1:
        words = ", ".join(f"{who} names {user}" for who, user in said.items())
        return Judgement(refusal=f"contradiction: {words}")
    return Judgement(user_id, _why_not(offered, user_id, known))


def _why_not(offered: Offered, user_id: str, known: Knowledge) -> str | None:
    other, running = known.customers.get(user_id), known.running.get(user_id)
    if user_id not in known.users:
        return f"there is no user {user_id}"
    if other not in {None, offered.customer_id}:
        return f"{user_id} has another Stripe customer, {other}"
    if running not in {None, offered.subscription_id}:
        return f"{user_id} has {running} here already"
    if offered.prices != 1:
        return f"it has {offered.prices} prices; one is supported"
    if offered.offer is None:
        return f"{offered.price} is a price of none of our plans; give it the metadata plan and interval"
    return None
