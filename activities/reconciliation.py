"""The books compared, both ways and page by page: Stripe's list of subscriptions beside our projection.

Both are walked from the youngest to the oldest. Stripe lists by creation (https://docs.stripe.com/api/subscriptions/list)
and the projection knows when each subscription began, so a page of the one lies beside a range of the other, and
what is on one side only is found without remembering more than a page.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import stripe
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.gateway import Stripe, StripeRefused, answers
from activities.open_payment import OpenPayment, invoice_that_counts
from activities.snapshots import Unreadable, facts_from, moment, terms_of
from database.reconciliation import (
    owners_of,
    rows_begun_between,
    rows_of_subscriptions,
    rows_of_users,
    users_among,
    users_in_motion,
)
from lifecycle.drift import (
    NOT_AT_STRIPE,
    PRICE,
    SECOND,
    UNKNOWN_HERE,
    UNKNOWN_USER,
    UNREADABLE,
    Account,
    differences,
)
from lifecycle.plans import Catalogue
from lifecycle.statuses import Status

if TYPE_CHECKING:
    from stripe.params import SubscriptionListParams

PAGE = 100
"""The most that Stripe lists at once."""
AT_ONCE = 4
"""Subscriptions that are asked for one by one at the same time."""
_EXPAND = ["latest_invoice"]
_OVER = {status.value for status in Status if status.is_over}


@dataclass(frozen=True)
class Finding:
    """One subscription compared; ``differs`` is empty when the books agree.

    ``lives``: by our books it runs, so it must have a workflow. ``flagged``: why a person should look already.
    """

    user_id: str
    subscription_id: str | None
    differs: tuple[str, ...] = ()
    lives: bool = True
    flagged: str | None = None
    seq: int = 0


@dataclass(frozen=True)
class Place:
    """Where a walk goes on: behind the subscription ``after`` at Stripe, and in our books below ``until``.

    ``ties`` are subscriptions of the very second ``until`` that were seen already; ``rest`` is set while the range
    beside the page is being worked off.
    """

    after: str | None = None
    until: str | None = None
    ties: tuple[str, ...] = ()
    rest: tuple[str, str] | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(kept: Mapping[str, Any] | None) -> "Place":
        if not kept:
            return Place()
        rest = kept["rest"]
        return Place(kept["after"], kept["until"], tuple(kept["ties"]), (rest[0], rest[1]) if rest else None)


@dataclass(frozen=True)
class Batch:
    """Some subscriptions compared, and where to go on after them; None: that was all."""

    findings: list[Finding] = field(default_factory=list)
    place: Place | None = None


@dataclass(frozen=True)
class _Beside:
    """The range of our books that lies beside a page of Stripe's list."""

    after: datetime | None
    until: datetime | None
    seen: list[str]


class Comparison:
    """Reads both books; changes nothing."""

    def __init__(self, stripe_client: Stripe, engine: AsyncEngine, catalogue: Catalogue) -> None:
        self._stripe = stripe_client
        self._engine = engine
        self._catalogue = catalogue
        self._few = asyncio.Semaphore(AT_ONCE)

    async def batches(self, place: Place) -> AsyncIterator[Batch]:
        """Everything, from a place on, at most a hundred at a time."""
        while True:
            page, has_more = await self._page(place)
            beside = _range_beside(page, has_more, place)
            if place.rest is None:
                yield Batch(await self._compare_listed(page), replace(place, rest=_start_of(beside)))
            async for batch in self._only_ours(beside, place):
                yield batch
            if not has_more:
                yield Batch()
                return
            place = _after(page, place)
            yield Batch(place=place)

    async def of_user(self, user_id: str) -> list[Finding]:
        """One user: the subscription in our books, and all that run at Stripe for the same customer."""
        row = (await rows_of_users(self._engine, [user_id])).get(user_id)
        found = [await self._compare_row(row)] if row else []
        if row and row["stripe_customer_id"]:
            listed = await self._list({"customer": row["stripe_customer_id"], "limit": PAGE})
            others = [one for one in listed.data if one.id != row["stripe_subscription_id"]]
            found += await self._compare_listed(others)
        return found

    async def again(self, finding: Finding) -> Finding:
        """The same subscription as it stands in both books now."""
        row = (await rows_of_users(self._engine, [finding.user_id])).get(finding.user_id)
        if row is None or finding.subscription_id not in {None, row["stripe_subscription_id"]}:
            return replace(finding, flagged=row["needs_attention"] if row else None, seq=row["seq"] if row else 0)
        return await self._compare_row(row)

    async def _only_ours(self, beside: _Beside, place: Place) -> AsyncIterator[Batch]:
        """What runs by our books and is not on the page: canceled at Stripe, gone, or on a test clock."""
        until, before_user = beside.until, None
        if place.rest and place.rest[1]:
            until, before_user = datetime.fromisoformat(place.rest[0]), place.rest[1]
        while True:
            rows = await rows_begun_between(
                self._engine, after=beside.after, until=until, before_user=before_user, seen=beside.seen, limit=PAGE
            )
            if not rows:
                return
            last = rows[-1]
            until, before_user = last["started_at"] or last["created_at"], last["user_id"]
            findings = await asyncio.gather(*map(self._compare_row, rows))
            yield Batch(list(findings), replace(place, rest=(until.isoformat(), before_user)))

    async def _compare_listed(self, page: Sequence[stripe.Subscription]) -> list[Finding]:
        rows = await rows_of_subscriptions(self._engine, [one.id for one in page])
        found = [self._finding(rows[one.id], one, _latest(one)) for one in page if one.id in rows]
        suspects = [finding for finding in found if finding.differs]
        moving = await users_in_motion(self._engine, [finding.user_id for finding in suspects])
        settled = [finding for finding in found if not finding.differs]
        settled += [replace(finding, differs=()) for finding in suspects if finding.user_id in moving]
        doubtful = [rows[str(finding.subscription_id)] for finding in suspects if finding.user_id not in moving]
        looked_closely = await asyncio.gather(*map(self._compare_row, doubtful))
        unknown = [one for one in page if one.id not in rows and one.status not in {*_OVER, "incomplete"}]
        return [*settled, *looked_closely, *(await self._judge_unknown(unknown))]

    async def _compare_row(self, row: RowMapping) -> Finding:
        """Ask Stripe for this one, then read the row once more: whatever moved meanwhile is no difference."""
        if row["stripe_subscription_id"] is None:
            return _of_row(row, ())
        async with self._few:
            found = await self._retrieved(row["stripe_subscription_id"])
        fresh = (await rows_of_users(self._engine, [row["user_id"]])).get(row["user_id"], row)
        if found is None:
            return _of_row(fresh, (NOT_AT_STRIPE,) if fresh["status"] not in _OVER else ())
        finding = self._finding(fresh, found, await invoice_that_counts(self._stripe, found))
        if finding.differs and await users_in_motion(self._engine, [finding.user_id]):
            return replace(finding, differs=())
        return finding

    def _finding(self, row: RowMapping, found: stripe.Subscription, invoice: stripe.Invoice | None) -> Finding:
        latest = _latest(found)
        try:
            facts = facts_from(found, self._catalogue, known_price=None, invoice=invoice, payment=OpenPayment())
        except (Unreadable, IndexError, AttributeError, KeyError):
            return _of_row(row, (UNREADABLE,))
        if found.pending_update:  # the latest invoice is that of an upgrade, which need not be paid
            facts = replace(facts, invoice=None)
        is_renewing = latest is not None and latest.status == "draft"
        return _of_row(row, differences(_account(row), facts, is_renewing=is_renewing))

    async def _judge_unknown(self, unknown: Sequence[stripe.Subscription]) -> list[Finding]:
        """What runs at Stripe and not in our books: ours if it or its customer is; else another product's."""
        owners = await owners_of(self._engine, [_customer(one) for one in unknown])
        named = {one.id: _named_user(one) or owners.get(_customer(one)) for one in unknown}
        users = [user_id for user_id in named.values() if user_id]
        known, rows = await users_among(self._engine, users), await rows_of_users(self._engine, users)
        moving = await users_in_motion(self._engine, users)
        found = {one.id: one for one in unknown}
        findings = []
        for subscription_id, user_id in named.items():
            if user_id is None or user_id in moving:
                continue
            row = rows.get(user_id)
            what = [SECOND if row and row["status"] not in _OVER else UNKNOWN_HERE]
            what += [UNKNOWN_USER] * (user_id not in known) + [PRICE] * self._has_foreign_price(found[subscription_id])
            findings.append(
                Finding(
                    user_id,
                    subscription_id,
                    differs=tuple(what),
                    lives=False,
                    flagged=row["needs_attention"] if row else None,
                    seq=row["seq"] if row else 0,
                )
            )
        return findings

    def _has_foreign_price(self, found: stripe.Subscription) -> bool:
        items = found["items"].data
        return not items or terms_of(items[0].price, self._catalogue) is None

    async def _page(self, place: Place) -> tuple[list[stripe.Subscription], bool]:
        """A page behind the place; by its moment when Stripe has forgotten the subscription that the place names."""
        params: SubscriptionListParams = {"limit": PAGE}
        if place.after:
            params["starting_after"] = place.after
        try:
            found = await self._list(params)
        except StripeRefused:
            if place.until is None:
                raise
            until = int(datetime.fromisoformat(place.until).timestamp())
            found = await self._list({"limit": PAGE, "created": {"lte": until}})
        return list(found.data), found.has_more

    async def _list(self, params: "SubscriptionListParams") -> stripe.ListObject[stripe.Subscription]:
        with answers():
            return await self._stripe.v1.subscriptions.list_async(
                {**params, "expand": [f"data.{name}" for name in _EXPAND]}
            )

    async def _retrieved(self, subscription_id: str) -> stripe.Subscription | None:
        try:
            with answers():
                return await self._stripe.v1.subscriptions.retrieve_async(subscription_id, {"expand": _EXPAND})
        except StripeRefused as refusal:
            if refusal.code != "resource_missing":
                raise
            return None


def _latest(found: stripe.Subscription) -> stripe.Invoice | None:
    return found.latest_invoice if isinstance(found.latest_invoice, stripe.Invoice) else None


def _range_beside(page: Sequence[stripe.Subscription], has_more: bool, place: Place) -> _Beside:
    return _Beside(
        after=moment(page[-1].created) if page and has_more else None,
        until=datetime.fromisoformat(place.until) if place.until else None,
        seen=[*place.ties, *(one.id for one in page)],
    )


def _start_of(beside: _Beside) -> tuple[str, str]:
    """The page itself is done; the range beside it is still to be read from its beginning."""
    return (beside.until.isoformat() if beside.until else "", "")


def _after(page: Sequence[stripe.Subscription], place: Place) -> Place:
    """Behind this page. Whoever began in its last second may also be on the next one."""
    until = moment(page[-1].created).isoformat()
    ties = [one.id for one in page if moment(one.created).isoformat() == until]
    return Place(page[-1].id, until, tuple([*place.ties, *ties] if until == place.until else ties))


def _of_row(row: RowMapping, differs: tuple[str, ...]) -> Finding:
    return Finding(
        user_id=row["user_id"],
        subscription_id=row["stripe_subscription_id"],
        differs=differs,
        lives=row["status"] not in _OVER,
        flagged=row["needs_attention"],
        seq=row["seq"],
    )


def _account(row: RowMapping) -> Account:
    return Account(
        status=row["status"],
        customer_id=row["stripe_customer_id"],
        plan=row["plan"],
        interval=row["interval"],
        amount=row["amount"],
        currency=row["currency"],
        quantity=1 if row["quantity"] is None else row["quantity"],
        trial_ends_at=row["trial_ends_at"],
        period_starts_at=row["current_period_starts_at"],
        period_ends_at=row["current_period_ends_at"],
        cancel_at_period_end=row["cancel_at_period_end"],
        cancel_at=row["cancel_at"],
        ended_at=row["ended_at"],
        open_invoice_id=row["open_invoice_id"],
        open_invoice_amount=row["open_invoice_amount"],
        next_payment_attempt_at=row["next_payment_attempt_at"],
    )


def _customer(subscription: stripe.Subscription) -> str:
    customer = subscription.customer
    return customer if isinstance(customer, str) else customer.id


def _named_user(subscription: stripe.Subscription) -> str | None:
    return subscription.metadata.to_dict().get("user_id") if subscription.metadata else None
