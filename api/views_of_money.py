"""What the API shows of money that went back."""

from datetime import datetime

from pydantic import BaseModel, Field


class RefundView(BaseModel):
    """A refund as Stripe made it."""

    id: str = Field(examples=["re_3Q1w2E3r"])
    charge: str = Field(description="The payment that it belongs to.", examples=["ch_3Q1w2E3r"])
    amount: int = Field(description="In minor units.", examples=[400])
    currency: str = Field(examples=["usd"])
    status: str = Field(description="`pending` while the bank takes its time; may fail later.", examples=["succeeded"])
    reason: str | None = Field(examples=["requested_by_customer"])
    created_at: datetime = Field(examples=["2026-12-14T09:30:00Z"])
