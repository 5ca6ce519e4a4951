"""Checkout pages that expired: whose they were, what they offered, and whether the user is to be reminded."""

from dataclasses import dataclass
from typing import Any

import stripe
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from activities.gateway import Stripe, StripeRefused, answers
from activities.snapshots import terms_of
from lifecycle.abandoned_checkouts import AbandonedCheckout, occasion_after
from lifecycle.plans import Catalogue
from lifecycle.statuses import Status

_STANDING = text(
    """
    select customers.stripe_customer_id, subscriptions.status, subscriptions.stripe_subscription_id
    from billing.users
    left join billing.customers on customers.user_id = users.id
    left join billing.subscriptions on subscriptions.user_id = users.id
    where users.key = billing.key_of_user(:user_id)
    """
)
_REMINDED = text(
    """
    select exists (
        select from billing.notifications
        where user_id = :user_id and kind = 'abandoned_checkout' and occasion = :occasion
    )
    """
)


@dataclass(frozen=True)
class ExpiredPage:
    """Which Checkout session, and of whom."""

    user_id: str
    session_id: str


class AbandonedCheckouts:
    """Looks at pages; changes nothing."""

    def __init__(self, stripe_client: Stripe, engine: AsyncEngine, catalogue: Catalogue) -> None:
        self._stripe = stripe_client
        self._engine = engine
        self._catalogue = catalogue

    @activity.defn(name="checkouts.abandoned")
    async def abandoned(self, page: ExpiredPage) -> AbandonedCheckout | None:
        """None when nobody is to be reminded: no rule, no such user, one who was reminded, has subscribed or still may.

        Stripe is asked for subscriptions, too: one that was just begun may be on its way to us.
        """
        standing = await self._to_be_reminded(page.user_id)
        if standing is None:
            return None
        session = await self._session(page.session_id)
        if session is None or not _is_of(session, page.user_id, standing):
            return None
        items: Any = session.line_items.data if session.line_items else []
        terms = terms_of(items[0].price, self._catalogue) if items and items[0].price else None
        if terms is None or not terms.policy.abandoned_checkout_reminder:
            return None
        if await self._subscribes(standing.stripe_customer_id):
            return None
        return AbandonedCheckout(page.session_id, terms, standing.stripe_subscription_id)

    async def _to_be_reminded(self, user_id: str) -> Row[Any] | None:
        async with self._engine.connect() as connection:
            standing = (await connection.execute(_STANDING, {"user_id": user_id})).one_or_none()
            if standing is None or Status(standing.status or Status.NONE).is_live:
                return None
            occasion = occasion_after(standing.stripe_subscription_id)
            known = (await connection.execute(_REMINDED, {"user_id": user_id, "occasion": occasion})).scalar()
        return None if known else standing

    async def _session(self, session_id: str) -> stripe.checkout.Session | None:
        try:
            with answers():
                return await self._stripe.v1.checkout.sessions.retrieve_async(session_id, {"expand": ["line_items"]})
        except StripeRefused as refusal:
            if refusal.code != "resource_missing":
                raise
            return None

    async def _subscribes(self, customer_id: str) -> bool:
        """There is a subscription, or another page on which there may be one any moment."""
        with answers():
            begun = await self._stripe.v1.subscriptions.list_async({"customer": customer_id, "limit": 100})
        if any(subscription.status != "incomplete_expired" for subscription in begun.data):
            return True
        with answers():
            pages = await self._stripe.v1.checkout.sessions.list_async(
                {"customer": customer_id, "status": "open", "limit": 1}
            )
        return bool(pages.data)


def _is_of(session: stripe.checkout.Session, user_id: str, standing: Row[Any]) -> bool:
    """Expired, and of this very user as the customer that they are now: who was forgotten has another."""
    marks = session.metadata.to_dict() if session.metadata else {}
    customer = session.customer if isinstance(session.customer, str) else getattr(session.customer, "id", None)
    is_theirs = marks.get("user_id") == user_id and customer == standing.stripe_customer_id
    return session.status == "expired" and customer is not None and is_theirs
