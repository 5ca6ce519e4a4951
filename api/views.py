"""What the API shows: the bodies of its answers, and how they are made from rows."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from api.notices import NoticeView, view_notice
from database.reading import standing_in
from lifecycle.access import Access, AccessReason, access_at
from lifecycle.grants import Limit
from lifecycle.plans import Catalogue, Interval, Plan
from lifecycle.statuses import Status


class PriceView(BaseModel):
    """One price of a plan."""

    interval: Interval = Field(examples=["month"])
    amount: int = Field(description="Of one seat, in minor units of the currency (cents; whole yen).", examples=[1000])
    currency: str = Field(examples=["usd"])


class PlanView(BaseModel):
    """A plan as customers choose it."""

    code: str = Field(examples=["BASIC"])
    name: str = Field(examples=["Basic"])
    description: str = Field(examples=["For one person getting started."])
    trial_days: int = Field(description="Free days before the first charge, once a customer.", examples=[14])
    max_quantity: int = Field(description="How many seats may be had; 1: not sold by seats.", examples=[1])
    prices: list[PriceView] = Field(description="In every currency that it is sold in, the default one first.")
    features: list[str] = Field(description="Texts for people.", examples=[["3 projects", "100 tasks"]])
    grants: list[str] = Field(description="Features by the names that programs ask for.", examples=[["email_support"]])
    limits: dict[str, Limit] = Field(
        description="How many there may be, or `unlimited`; what is not named is none of it. Without `seats`, they are "
        "as many as are bought.",
        examples=[{"projects": 3, "tasks": 100}],
    )


class PlansView(BaseModel):
    """All plans, in the order to show them."""

    plans: list[PlanView]


class AccessView(BaseModel):
    """Whether the customer may use the product now."""

    granted: bool = Field(examples=[True])
    until: datetime | None = Field(description="When this turns by itself.", examples=["2026-12-14T09:30:00Z"])
    reason: AccessReason = Field(examples=["trial"])


class InvoiceView(BaseModel):
    """An invoice that is not paid yet."""

    amount: int | None = Field(description="What is due, in minor units.", examples=[1000])
    currency: str | None = Field(examples=["usd"])
    url: str | None = Field(
        description="Where the customer pays it.", examples=["https://invoice.stripe.com/i/acct_1/x"]
    )
    next_attempt_at: datetime | None = Field(
        description="When the card is tried again; null: not again.", examples=[None]
    )
    action_required: bool = Field(description="The customer must confirm at the bank.", examples=[False])


class CardView(BaseModel):
    """The card that the next charge will use."""

    brand: str | None = Field(examples=["visa"])
    last4: str | None = Field(examples=["4242"])
    exp_month: int | None = Field(examples=[12])
    exp_year: int | None = Field(examples=[2030])


UNIT_PRICE = "The price of one seat for one interval, in minor units."
TOTAL = "What one interval costs: `amount` times `quantity`, before discounts, credit and taxes."


class PlannedChangeView(BaseModel):
    """A change of plan that has not happened yet."""

    plan: str | None = Field(examples=["BASIC"])
    interval: str | None = Field(examples=["month"])
    amount: int | None = Field(description=UNIT_PRICE, examples=[1000])
    quantity: int = Field(description="How many seats.", examples=[1])
    total: int | None = Field(description=TOTAL, examples=[1000])
    at: datetime = Field(
        description="When it happens; or, with `pay_url`, until when it can be paid.", examples=["2026-12-14T09:30:00Z"]
    )
    pay_url: str | None = Field(description="Where an upgrade is paid that waits for its payment.", examples=[None])


class SubscriptionView(BaseModel):
    """A customer's subscription as it stands; times are UTC."""

    status: Status = Field(examples=["trialing"])
    plan: str | None = Field(examples=["BASIC"])
    interval: str | None = Field(examples=["month"])
    amount: int | None = Field(description=UNIT_PRICE, examples=[1000])
    quantity: int = Field(description="How many seats.", examples=[1])
    total: int | None = Field(description=TOTAL, examples=[1000])
    currency: str | None = Field(examples=["usd"])
    trial_ends_at: datetime | None = Field(examples=["2026-12-14T09:30:00Z"])
    current_period_ends_at: datetime | None = Field(examples=["2026-12-14T09:30:00Z"])
    cancel_at_period_end: bool = Field(examples=[False])
    cancel_at: datetime | None = Field(examples=[None])
    ended_at: datetime | None = Field(examples=[None])
    grace_ends_at: datetime | None = Field(description="Access ends then unless the invoice is paid.", examples=[None])
    planned_change: PlannedChangeView | None = Field(description="What the plan will be; null: it stays.")
    open_invoice: InvoiceView | None
    card: CardView | None
    access: AccessView
    notice: NoticeView | None = Field(description="What to show in the app now, the most urgent thing; null: nothing.")


class AmountView(BaseModel):
    """Money."""

    amount: int = Field(description="In minor units.", examples=[2000])
    currency: str = Field(examples=["usd"])


class ChargeView(AmountView):
    """Money that is charged; the amount includes tax where that is known."""

    tax: int | None = Field(
        description="How much of it is tax; null: Stripe calculates none, or does not know yet where the customer is.",
        examples=[None],
    )


class NextChargeView(ChargeView):
    """The charge that follows `due_now`: with the discounts that hold until then, and less what credit is left by then.

    A discount that the customer has not been given yet, and prices that change meanwhile, are not in it.
    """

    at: datetime = Field(examples=["2026-12-14T09:30:00Z"])


class PreviewTiming(StrEnum):
    """When what was asked for takes effect."""

    NOW = "now"
    PERIOD_END = "period_end"


class PreviewView(BaseModel):
    """What something would cost; nothing was changed."""

    timing: PreviewTiming = Field(examples=["now"])
    effective_at: datetime = Field(examples=["2026-11-24T09:30:00Z"])
    quantity: int = Field(description="How many seats the amounts are for.", examples=[1])
    due_now: ChargeView
    next_charge: NextChargeView
    preview_token: str | None = Field(
        description="Send it with the change, within 15 minutes, to be charged exactly this; null when subscribing.",
        examples=["eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.x"],
    )


class TimelineEntryView(BaseModel):
    """One thing that happened."""

    at: datetime = Field(examples=["2026-12-14T09:30:00Z"])
    entry: str = Field(description="What happened, in the past tense.", examples=["trial_converted"])
    cause: str = Field(
        description="What brought it about: an event, an intent, a timer or a person.", examples=["event"]
    )
    cause_id: str | None = Field(examples=["evt_1Q2w3E4r"])
    from_status: Status | None = Field(examples=["trialing"])
    to_status: Status | None = Field(examples=["active"])
    detail: dict[str, Any] = Field(examples=[{"plan": "BASIC"}])


_FOR_OPERATORS = {"policy", "max_payment_attempts", "letters", "by"}
"""How a rule was applied, and which operator acted: operators are told in full."""


def view_entry(row: Mapping[str, Any], *, in_full: bool = False) -> TimelineEntryView:
    """A line of the timeline as its customer reads it, or as operators do, ``in_full``."""
    own = {name: row[name] for name in TimelineEntryView.model_fields}
    hidden = set() if in_full else _FOR_OPERATORS
    if not in_full and row["cause"] == "person":
        own["cause_id"] = None
    own["detail"] = {name: value for name, value in row["detail"].items() if name not in hidden}
    return TimelineEntryView(**own)


class TimelineView(BaseModel):
    """A page of what happened, in the order asked for."""

    entries: list[TimelineEntryView]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page; null: there is none.")


class OperationView(BaseModel):
    """An intent and how it ended."""

    id: UUID = Field(examples=["0b8f4f0e-6c1e-4a38-9f0a-2d8f6c1e7b55"])
    kind: str = Field(examples=["subscribe"])
    status: str = Field(
        description="pending, succeeded, refused, declined, action_required or failed.", examples=["pending"]
    )
    code: str | None = Field(default=None, description="Why it did not succeed.", examples=[None])
    detail: str | None = Field(default=None, examples=[None])
    created_at: datetime = Field(examples=["2026-12-14T09:30:00Z"])
    completed_at: datetime | None = Field(default=None, examples=[None])


class AddressView(BaseModel):
    """An address of Stripe's to send the customer's browser to."""

    url: str = Field(examples=["https://checkout.stripe.com/c/pay/cs_test_1"])


class CheckoutView(AddressView):
    """A Checkout page."""

    id: str = Field(examples=["cs_test_1"])


class ReceivedView(BaseModel):
    """The event is on disk."""

    received: bool = Field(examples=[True])


class HealthView(BaseModel):
    """Whether the process runs and what it reaches."""

    status: str = Field(examples=["ok"])
    checks: dict[str, str] = Field(default_factory=dict, examples=[{"postgres": "ok", "temporal": "ok"}])


def view_plans(catalogue: Catalogue) -> PlansView:
    """The catalogue as customers see it."""
    return PlansView(plans=[_view_plan(catalogue, plan) for plan in catalogue.plans])


def view_subscription(row: Mapping[str, Any], now: datetime) -> SubscriptionView:
    """A row of the projection at ``now`` on the customer's clock."""
    invoice = card = planned = None
    if row["open_invoice_id"]:
        invoice = InvoiceView(
            amount=row["open_invoice_amount"],
            currency=row["currency"],
            url=row["open_invoice_url"],
            next_attempt_at=row["next_payment_attempt_at"],
            action_required=row["action_required"],
        )
    if row["card_last4"] or row["card_brand"]:
        card = CardView(**{name: row[f"card_{name}"] for name in CardView.model_fields})
    if row["planned_at"]:
        planned = PlannedChangeView(
            pay_url=row["planned_invoice_url"],
            total=_total(row, "planned_"),
            **{name: row[f"planned_{name}"] for name in ("plan", "interval", "amount", "at")},
            quantity=_seats(row, "planned_"),
        )
    own = {name: row[name] for name in SubscriptionView.model_fields if name in row}
    own |= {"quantity": _seats(row), "total": _total(row)}
    return SubscriptionView(
        **own,
        planned_change=planned,
        open_invoice=invoice,
        card=card,
        access=view_access(access_at(standing_in(row), now)),
        notice=view_notice(row, now),
    )


def _seats(row: Mapping[str, Any], which: str = "") -> int:
    """One where they were never counted."""
    quantity: int | None = row[f"{which}quantity"]
    return 1 if quantity is None else quantity


def _total(row: Mapping[str, Any], which: str = "") -> int | None:
    amount: int | None = row[f"{which}amount"]
    return None if amount is None else amount * _seats(row, which)


def view_access(access: Access) -> AccessView:
    """Access as everybody is told of it."""
    return AccessView(granted=access.granted, until=access.until, reason=access.reason)


def _view_plan(catalogue: Catalogue, plan: Plan) -> PlanView:
    prices = [
        PriceView(interval=interval, amount=amount, currency=currency)
        for currency, amounts in catalogue.prices_of(plan).items()
        for interval, amount in amounts.items()
    ]
    return PlanView(
        code=plan.code,
        name=plan.name,
        description=plan.description,
        trial_days=plan.trial_days,
        max_quantity=plan.max_quantity,
        prices=prices,
        features=list(plan.features),
        grants=list(plan.grants.features),
        limits=dict(plan.grants.limits),
    )
