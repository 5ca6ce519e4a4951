"""What operators are shown of a user, beyond what the user sees."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from api.views import SubscriptionView


class WholeSubscriptionView(SubscriptionView):
    """A subscription as operators see it."""

    user_id: str = Field(examples=["GsY0yLBB4zLToarydunGqDwSx19Vnx5J"])
    stripe_customer_id: str | None = Field(examples=["cus_1Q2w3E4r"])
    stripe_subscription_id: str | None = Field(examples=["sub_1Q2w3E4r"])
    cancel_reason: str | None = Field(description="Why it was canceled, in Stripe's list.", examples=[None])
    needs_attention: str | None = Field(description="What a person should look at.", examples=[None])


class LetterView(BaseModel):
    """A letter and what became of it."""

    id: UUID = Field(examples=["0b8f4f0e-6c1e-4a38-9f0a-2d8f6c1e7b55"])
    kind: str = Field(examples=["payment_failed"])
    occasion: str = Field(description="What makes it one of its kind.", examples=["in_1Q2w3E4r:1"])
    status: str = Field(description="pending, sent, skipped or failed.", examples=["sent"])
    attempts: int = Field(examples=[1])
    last_error: str | None = Field(description="What the mail server said last.", examples=[None])
    created_at: datetime = Field(examples=["2026-12-14T09:30:00Z"])
    sent_at: datetime | None = Field(examples=["2026-12-14T09:30:01Z"])


class LettersView(BaseModel):
    """Letters, the newest first."""

    letters: list[LetterView]
