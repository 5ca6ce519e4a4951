"""The export as the contract describes it: the rows as they are kept, with the names that the tables have."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

MOMENT = "2026-12-14T09:30:00Z"


class _Row(BaseModel):
    """A row may have more fields than are named here; new ones come by themselves."""

    model_config = ConfigDict(extra="allow")


class ExportedCustomer(_Row):
    """Who the caller is to Stripe."""

    user_id: str = Field(examples=["kX3vY9"])
    stripe_customer_id: str | None = Field(examples=["cus_Q1w2E3r4"])
    trial_used_at: datetime | None = Field(examples=[MOMENT])
    currency: str | None = Field(description="What the caller is charged in; null: nothing so far.", examples=["usd"])
    created_at: datetime = Field(examples=[MOMENT])
    forgotten_at: datetime | None = Field(examples=[None])


class ExportedSubscription(_Row):
    """Where the subscription stands."""

    status: str | None = Field(examples=["active"])
    stripe_subscription_id: str | None = Field(examples=["sub_1Q2w3E4r"])
    plan: str | None = Field(examples=["BASIC"])
    interval: str | None = Field(examples=["month"])
    amount: int | None = Field(description="For one seat and one interval, in minor units.", examples=[1000])
    currency: str | None = Field(examples=["usd"])
    quantity: int | None = Field(description="How many seats; null: never counted, which is one.", examples=[1])
    card_brand: str | None = Field(examples=["visa"])
    card_last4: str | None = Field(examples=["4242"])
    updated_at: datetime = Field(examples=[MOMENT])


class ExportedLine(_Row):
    """One thing that happened, and why."""

    at: datetime = Field(examples=[MOMENT])
    entry: str = Field(examples=["renewed"])
    cause: str = Field(examples=["event"])
    cause_id: str | None = Field(examples=["evt_1Q2w3E4r"])
    detail: dict[str, Any] = Field(examples=[{"plan": "BASIC per month"}])


class ExportedOperation(_Row):
    """One thing that was asked, and how it ended."""

    id: UUID = Field(examples=["0b8f4f0e-6c1e-4a38-9f0a-2d8f6c1e7b55"])
    kind: str = Field(examples=["cancel"])
    idempotency_key: str = Field(examples=["7f3d1c1e-upgrade"])
    status: str = Field(examples=["succeeded"])
    created_at: datetime = Field(examples=[MOMENT])


class ExportedLetter(_Row):
    """One letter, and whether it was sent."""

    kind: str = Field(examples=["welcome"])
    status: str = Field(examples=["sent"])
    data: dict[str, Any] = Field(description="What it says.", examples=[{"plan": "BASIC"}])
    created_at: datetime = Field(examples=[MOMENT])
    sent_at: datetime | None = Field(examples=[MOMENT])


class ExportedCard(_Row):
    """What the caller recognises a card by."""

    payment_method_id: str = Field(examples=["pm_1Q2w3E4r"])
    brand: str | None = Field(examples=["visa"])
    last4: str | None = Field(examples=["4242"])
    exp_month: int | None = Field(examples=[12])
    exp_year: int | None = Field(examples=[2030])


class ExportedInvoiceLink(_Row):
    """Where an invoice of the caller's is seen and paid."""

    invoice_id: str = Field(examples=["in_1Q2w3E4r"])
    url: str = Field(examples=["https://invoice.stripe.com/i/acct_1/x"])


class ExportedTrialClaim(_Row):
    """What the caller's free trial was taken with, as a digest (SHA-256)."""

    kind: str = Field(examples=["email"])
    digest: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])
    claimed_at: datetime = Field(examples=[MOMENT])


class ExportedMembership(_Row):
    """A project that the caller owns or is in; who else is in it is not told."""

    project_id: str = Field(examples=["prj_7Hk2"])
    role: str = Field(examples=["owner"])
    added_at: datetime = Field(examples=[MOMENT])


class ExportedAct(_Row):
    """What somebody with the right to did with the caller's subscription; their id and reason stay theirs."""

    at: datetime = Field(examples=[MOMENT])
    act: str = Field(examples=["refund"])
    detail: dict[str, Any] = Field(examples=[{"amount": "400"}])
    operation_id: UUID | None = Field(examples=["0b8f4f0e-6c1e-4a38-9f0a-2d8f6c1e7b55"])


class ExportedEvent(_Row):
    """An event of Stripe's about the caller; its content is not kept."""

    id: str = Field(examples=["evt_1Q2w3E4r"])
    type: str = Field(examples=["invoice.paid"])
    created_at: datetime = Field(examples=[MOMENT])
    status: str = Field(examples=["applied"])


class ExportView(BaseModel):
    """Everything that is held on the caller. Rows have all fields that are kept, also those not named here."""

    exported_at: datetime = Field(examples=[MOMENT])
    user_id: str = Field(examples=["kX3vY9"])
    customer: ExportedCustomer | None
    subscription: ExportedSubscription | None
    timeline: list[ExportedLine]
    operations: list[ExportedOperation]
    letters: list[ExportedLetter]
    cards: list[ExportedCard]
    invoice_links: list[ExportedInvoiceLink]
    trial_claims: list[ExportedTrialClaim]
    memberships: list[ExportedMembership]
    audit: list[ExportedAct]
    events: list[ExportedEvent]


class ForgottenView(BaseModel):
    """Nothing is charged any more, and nothing personal is left."""

    forgotten: bool = Field(examples=[True])
