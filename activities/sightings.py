"""What a look at Stripe shows that people need and histories must not hold: a card's face, an invoice's link."""

import stripe
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from database import tables
from database.trial_claims import claim_by_card


async def keep_card(engine: AsyncEngine, user_id: str, method: stripe.PaymentMethod) -> None:
    """Remember what the customer recognises the card by; unchanged cards cost no write."""
    card = getattr(method, "card", None)
    if card is None:
        return
    face = {"brand": card.brand, "last4": card.last4, "exp_month": card.exp_month, "exp_year": card.exp_year}
    row = insert(tables.cards).values(payment_method_id=method.id, user_id=user_id, **face)
    changed = tables.cards.c.exp_month.is_distinct_from(card.exp_month) | tables.cards.c.exp_year.is_distinct_from(
        card.exp_year
    )
    async with engine.begin() as connection:
        await connection.execute(
            row.on_conflict_do_update(index_elements=["payment_method_id"], set_=face, where=changed)
        )


def fingerprint_of(method: stripe.PaymentMethod) -> str | None:
    """What the same card has in common wherever it is used; None for what is no card."""
    card = getattr(method, "card", None)
    return getattr(card, "fingerprint", None)


async def claim_trial(engine: AsyncEngine, user_id: str, method: stripe.PaymentMethod) -> bool:
    """A trial runs with this card; False when another user had one with it before."""
    fingerprint = fingerprint_of(method)
    return fingerprint is None or await claim_by_card(engine, user_id, fingerprint)


async def keep_invoice_link(engine: AsyncEngine, user_id: str, invoice: stripe.Invoice) -> None:
    """Remember where an open invoice is paid."""
    if not invoice.id or not invoice.hosted_invoice_url:
        return
    row = insert(tables.invoice_links).values(invoice_id=invoice.id, user_id=user_id, url=invoice.hosted_invoice_url)
    async with engine.begin() as connection:
        await connection.execute(row.on_conflict_do_nothing())
