"""Who has had a free trial: the user, the mailbox and the card, each claimed once and for good."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from lifecycle.trial_claims import ClaimKind, digest_of_card, digest_of_email

_EMAIL = text("select email from billing.users where key = billing.key_of_user(:user_id)")
_USED = text("select trial_used_at is not null from billing.customers where user_id = :user_id")
_CLAIM = text(
    """
    insert into billing.trial_claims (kind, digest, user_id) values (:kind, :digest, :user_id)
    on conflict (kind, digest) do nothing
    """
)
_REPEATED = text(
    """
    select exists (select from billing.customers where user_id = :user_id and trial_used_at is not null)
        and not exists (
            select from billing.subscriptions
            where user_id = :user_id and stripe_subscription_id = :subscription_id
        )
    """
)
_CLAIMED_BY = text("select user_id from billing.trial_claims where kind = :kind and digest = :digest")


async def has_used_trial(connection: AsyncConnection, user_id: str) -> bool:
    """Whether this user had a trial, or somebody else had one with the same mailbox."""
    if (await connection.execute(_USED, {"user_id": user_id})).scalar():
        return True
    email = (await connection.execute(_EMAIL, {"user_id": user_id})).scalar()
    return bool(email) and await _is_anothers(connection, user_id, ClaimKind.EMAIL, digest_of_email(str(email)))


async def trial_is_used(engine: AsyncEngine, user_id: str) -> bool:
    """`has_used_trial` on a connection of its own."""
    async with engine.connect() as connection:
        return await has_used_trial(connection, user_id)


async def trial_is_repeated(engine: AsyncEngine, user_id: str, subscription_id: str) -> bool:
    """Whether this user has had a trial, and not with this subscription."""
    values = {"user_id": user_id, "subscription_id": subscription_id}
    async with engine.connect() as connection:
        return bool((await connection.execute(_REPEATED, values)).scalar())


async def claim_by_email(connection: AsyncConnection, user_id: str) -> None:
    """The user's mailbox has had its trial; whoever claimed it first keeps it."""
    email = (await connection.execute(_EMAIL, {"user_id": user_id})).scalar()
    if email:
        values = {"kind": ClaimKind.EMAIL.value, "digest": digest_of_email(str(email)), "user_id": user_id}
        await connection.execute(_CLAIM, values)


async def claim_by_card(engine: AsyncEngine, user_id: str, fingerprint: str) -> bool:
    """This card has had its trial; False when it was another user's, whose claim stands."""
    digest = digest_of_card(fingerprint)
    async with engine.begin() as connection:
        await connection.execute(_CLAIM, {"kind": ClaimKind.CARD.value, "digest": digest, "user_id": user_id})
        return not await _is_anothers(connection, user_id, ClaimKind.CARD, digest)


async def card_is_anothers(engine: AsyncEngine, user_id: str, fingerprint: str) -> bool:
    """Whether another user had a trial with this card."""
    async with engine.connect() as connection:
        return await _is_anothers(connection, user_id, ClaimKind.CARD, digest_of_card(fingerprint))


async def _is_anothers(connection: AsyncConnection, user_id: str, kind: ClaimKind, digest: str) -> bool:
    owner = (await connection.execute(_CLAIMED_BY, {"kind": kind.value, "digest": digest})).scalar()
    return owner is not None and owner != user_id
