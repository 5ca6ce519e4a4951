"""What the API shows of a cancellation before anybody says yes."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from api.views import AmountView, PreviewTiming


class VoidedInvoiceView(AmountView):
    """An open invoice that need not be paid any more."""

    url: str | None = Field(
        description="Where it is seen until then.", examples=["https://invoice.stripe.com/i/acct_1/x"]
    )


class CancellationPreviewView(BaseModel):
    """What canceling would do; nothing was changed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "timing": "now",
                    "effective_at": "2026-11-24T09:30:00Z",
                    "access_until": "2026-11-24T09:30:00Z",
                    "refund": {"amount": 667, "currency": "usd"},
                    "voided_invoices": [],
                    "drops_planned_change": True,
                }
            ]
        }
    )
    timing: PreviewTiming = Field(
        description="`now` also where `period_end` was asked for while an invoice is open.", examples=["period_end"]
    )
    effective_at: datetime = Field(description="When the subscription ends.", examples=["2026-12-14T09:30:00Z"])
    access_until: datetime | None = Field(
        description="When access ends; null: there is none now.", examples=["2026-12-14T09:30:00Z"]
    )
    refund: AmountView = Field(description="What is given back at once; `amount` 0: nothing.")
    voided_invoices: list[VoidedInvoiceView] = Field(description="Open invoices that are not charged any more.")
    drops_planned_change: bool = Field(description="A planned change of plan is forgotten.", examples=[False])
