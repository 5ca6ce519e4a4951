"""What there is to import: Stripe's running subscriptions, page by page, each judged; nothing is written to Stripe."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING

import stripe
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.gateway import Stripe, answers
from activities.snapshots import seats_of, terms_of
from database.importing import Note, customers_of, users_by_address
from database.reconciliation import owners_of, rows_of_subscriptions, rows_of_users, users_among
from lifecycle.importing import Knowledge, Offered, judge
from lifecycle.plans import Catalogue
from lifecycle.statuses import Status

if TYPE_CHECKING:
    from stripe.params import SubscriptionListParams

PAGE = 100
_OVER = {status.value for status in Status if status.is_over}


class Survey:
    """Reads Stripe's list once, and our books beside it."""

    def __init__(
        self,
        stripe_client: Stripe,
        engine: AsyncEngine,
        catalogue: Catalogue,
        *,
        mapped: Mapping[str, str] | None = None,
        by_address: bool = False,
    ) -> None:
        """``mapped``: Stripe customer to user, as the operator says; ``by_address``: a verified address is enough."""
        self._stripe = stripe_client
        self._engine = engine
        self._catalogue = catalogue
        self._mapped = mapped or {}
        self._by_address = by_address

    async def pages(self) -> AsyncIterator[list[Note]]:
        """All that run at Stripe, a hundred at a time."""
        params: SubscriptionListParams = {"limit": PAGE, "expand": ["data.customer"]}
        while True:
            with answers():
                found = await self._stripe.v1.subscriptions.list_async(params)
            yield await self._judged([one for one in found.data if one.status not in _OVER])
            if not found.has_more:
                return
            params = {**params, "starting_after": found.data[-1].id}

    async def _judged(self, page: Sequence[stripe.Subscription]) -> list[Note]:
        offered = [self._offered(one) for one in page]
        ours = await rows_of_subscriptions(self._engine, [one.subscription_id for one in offered])
        known = await self._knowledge(offered)
        notes = []
        for one in offered:
            row = ours.get(one.subscription_id)
            verdict = judge(one, known)
            notes.append(
                Note(
                    one.subscription_id,
                    one.customer_id,
                    one.status,
                    one.offer,
                    user_id=row["user_id"] if row else verdict.user_id,
                    refusal=None if row else verdict.refusal,
                    is_foreign=not row and verdict.is_foreign,
                    is_done=row is not None,
                )
            )
        return notes

    def _offered(self, subscription: stripe.Subscription) -> Offered:
        items = subscription["items"].data
        terms = terms_of(items[0].price, self._catalogue) if items else None
        customer = subscription.customer
        known = customer if isinstance(customer, stripe.Customer) and not getattr(customer, "deleted", False) else None
        named = _named(subscription.metadata) or (_named(known.metadata) if known else None)
        address = known.email if known and self._by_address else None
        return Offered(
            subscription_id=subscription.id,
            customer_id=customer if isinstance(customer, str) else customer.id,
            status=subscription.status,
            prices=len(items),
            price=items[0].price.id if items else None,
            offer=f"{terms.plan} per {terms.interval}{_times(seats_of(items[0]))}" if terms else None,
            named=named,
            address=address.lower() if address else None,
        )

    async def _knowledge(self, offered: Sequence[Offered]) -> Knowledge:
        customers = [one.customer_id for one in offered]
        owners = await owners_of(self._engine, customers)
        by_address = await users_by_address(self._engine, [one.address for one in offered if one.address])
        named = [one.named for one in offered if one.named]
        users = list({*named, *owners.values(), *by_address.values(), *filter(None, map(self._mapped.get, customers))})
        rows = await rows_of_users(self._engine, users)
        return Knowledge(
            mapped=self._mapped,
            owners=owners,
            customers=await customers_of(self._engine, users),
            running={
                user: str(row["stripe_subscription_id"]) for user, row in rows.items() if row["status"] not in _OVER
            },
            users=frozenset(await users_among(self._engine, users)),
            by_address=by_address,
        )


def _times(quantity: int) -> str:
    return "" if quantity == 1 else f" × {quantity}"


def _named(metadata: "stripe.StripeObject | Mapping[str, str] | None") -> str | None:
    marks = metadata.to_dict() if isinstance(metadata, stripe.StripeObject) else (metadata or {})
    return marks.get("user_id")
