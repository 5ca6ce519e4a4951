"""What callers may send: strict models, unknown fields refused, every text bounded."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from fastapi import Header
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema

from lifecycle.intents import CancelReason, RefundReason, Timing
from lifecycle.pricing import MOST_SEATS
from production import is_loopback, origin_of

LONGEST_URL = 2048
MOST_COUNTED = 10**12


def checked_url(url: str) -> str:
    """An absolute address of a page or an app (``myapp://done``); raises `ValueError` with what is wrong.

    Nothing that browsers and parsers read differently: no user name, backslash, space, control or non-ASCII
    character. Whether it is one of ours is for `api.checkout.check_addresses`.
    """
    if not all("!" <= character <= "~" for character in url) or "\\" in url:
        raise ValueError("must be an absolute address of printable ASCII characters without spaces or backslashes")
    if "@" in urlsplit(url).netloc:
        raise ValueError("must not name a user")
    try:
        origin_of(url)
    except ValueError:
        raise ValueError("must be an absolute address with a valid host and port") from None
    return url


def is_confidential(url: str) -> bool:
    """Whether nobody on the way can read it: anything but http, or this very machine."""
    parts = urlsplit(url)
    return parts.scheme != "http" or is_loopback(parts.hostname or "")


PlanCode = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_]{1,32}$"),
    Field(description="A plan's code from `GET /billing/plans`; upper or lower case.", examples=["PRO"]),
]
Currency = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z]{3}$", to_lower=True),
    Field(
        description="A currency that the plan is priced in (ISO 4217), upper or lower case. Without it: the one that "
        "the caller is charged in already, else the default one.",
        examples=["eur"],
    ),
]
IntervalName = Annotated[Literal["month", "year"], Field(description="How often the price is charged.")]
Url = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_URL),
    AfterValidator(checked_url),
    Field(json_schema_extra={"format": "uri"}),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,255}$",
        description="Your name for this request, up to 255 printable characters. The same key with the same request "
        "gives the same answer and is carried out once; with another request it is refused (422).",
        examples=["7f3d1c1e-upgrade"],
    ),
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Privileged(_Strict):
    """What an administrator asks for, and why."""

    audit_reason: str | None = Field(
        default=None,
        min_length=1,
        max_length=500,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="Why, for the audit: a ticket, not a name or an address. It is kept for good.",
        examples=["ticket 1234"],
    )


def asked_in(body: _Privileged) -> dict[str, Any]:
    """What makes two requests the same: everything but why."""
    return body.model_dump(mode="json", exclude={"audit_reason"})


class PolicyMoveBody(_Privileged):
    """Move a subscription to the rules of today."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"audit_reason": "ticket 1234"}]})


class Choice(_Strict):
    """What of the catalogue."""

    plan: PlanCode
    quantity: int | None = Field(
        default=None,
        ge=1,
        le=MOST_SEATS,
        description="How many seats, at most the plan's `max_quantity`. Without it: one; in a change, as many as now.",
        examples=[1],
    )
    currency: Currency | None = None

    @field_validator("plan")
    @classmethod
    def _in_capitals(cls, plan: str | None) -> str | None:
        return plan and plan.upper()


PromotionCode = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,100}$"),
    Field(description="A promotion code as the customer typed it.", examples=["WELCOME20"]),
]


PaymentMethodId = Annotated[
    str,
    StringConstraints(pattern=r"^(pm|card|src)_[A-Za-z0-9_]{1,120}$"),
    Field(description="A Stripe payment method of the customer's, collected by Stripe.js.", examples=["pm_1Q2w3E4r"]),
]


class SubscribeBody(Choice):
    """Begin a subscription."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"plan": "BASIC", "interval": "month", "trial_period_days": 14}]}
    )
    interval: IntervalName
    trial_period_days: int | None = Field(
        default=None, ge=0, le=730, description="Free days, at most the plan's own; without it, the plan's own trial."
    )
    payment_method: PaymentMethodId | None = Field(default=None, description="Needed when there is no trial.")
    promotion_code: PromotionCode | None = None


class ChangePlanBody(Choice):
    """Move to another plan or number of seats; what is left of what was paid is credited."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"plan": "PRO", "interval": "month"}]})
    interval: IntervalName | None = Field(default=None, description="Without it, the interval stays.")


CancelTiming = Annotated[
    Timing, Field(strict=False, description="Show what canceling then would do; nothing else can be asked beside it.")
]


class PreviewBody(ChangePlanBody):
    """What to show: the price of a plan, or what a cancellation would do. Exactly one of `plan` and `cancel`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"plan": "PRO", "interval": "month"}, {"cancel": "now"}],
            "oneOf": [{"required": ["plan"]}, {"required": ["cancel"]}],
        }
    )
    plan: PlanCode | SkipJsonSchema[None] = None  # type: ignore[assignment]
    cancel: CancelTiming | SkipJsonSchema[None] = None
    promotion_code: PromotionCode | None = Field(
        default=None, description="For a new subscription: show the price with this code. Refused in a change of plan."
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if self.plan is None and self.cancel is None:
            raise ValueError("either plan or cancel is needed")
        if "cancel" in self.model_fields_set and self.model_fields_set != {"cancel"}:
            raise ValueError("nothing else can be asked beside cancel")
        return self


class ApplyPlanBody(ChangePlanBody):
    """Move to another plan, perhaps as it was shown before."""

    preview_token: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_.-]{1,1024}$",
        description="From `POST /billing/subscriptions/preview`: be charged what that showed, or be refused.",
    )
    payment_method: PaymentMethodId | None = Field(
        default=None, description="A card to charge from now on; a free plan has none on file."
    )


class ConvertBody(_Strict):
    """Begin to pay."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"payment_method": "pm_1Q2w3E4r"}]})
    payment_method: PaymentMethodId | None = Field(default=None, description="Without it, the card on file.")


class TrialBody(_Privileged):
    """When the trial is to end."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ends_at": "2026-12-24T09:30:00Z"}]})
    ends_at: datetime | None = Field(
        strict=False,
        description="An aware moment ahead, within two years; null: now.",
        examples=["2026-12-24T09:30:00Z"],
    )

    @field_validator("ends_at", mode="before")
    @classmethod
    def _written_out(cls, moment: object) -> object:
        if moment is not None and not isinstance(moment, str):
            raise ValueError("must be a text as in 2026-12-24T09:30:00Z")
        return moment

    @field_validator("ends_at")
    @classmethod
    def _aware(cls, moment: datetime | None) -> datetime | None:
        if moment is not None and moment.tzinfo is None:
            raise ValueError("must name its offset from UTC, as in 2026-12-24T09:30:00Z")
        return moment


class CancelQuery(BaseModel):
    """When to cancel and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    timing: Timing = Field(
        default=Timing.PERIOD_END, description="`period_end` keeps access until what is paid is over."
    )
    reason: CancelReason | None = Field(default=None, description="Why, in Stripe's list.")


class CheckoutBody(Choice):
    """Open a Stripe Checkout page."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "plan": "PRO",
                    "interval": "year",
                    "success_url": "https://app.example.com/billing?done=1",
                    "cancel_url": "https://app.example.com/billing",
                }
            ]
        }
    )
    interval: IntervalName
    success_url: Url = Field(description="Where the customer returns after paying.")
    cancel_url: Url = Field(description="Where the customer returns without paying.")
    promotion_code: PromotionCode | None = None
    allow_promotion_codes: bool = Field(
        default=False, description="Let the customer type a promotion code on the page; not beside `promotion_code`."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.promotion_code and self.allow_promotion_codes:
            raise ValueError("allow_promotion_codes cannot be true beside a promotion_code")
        return self


class RefundBody(_Privileged):
    """Give a payment back, wholly or in part."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"amount": 400, "reason": "requested_by_customer"}]})
    invoice: str | None = Field(
        default=None,
        pattern=r"^in_[A-Za-z0-9_]{1,120}$",
        description="A paid invoice of this user's; without it, the last one that money was paid for.",
    )
    amount: int | None = Field(
        default=None, ge=1, le=10**12, description="In minor units; without it, all that is left."
    )
    reason: RefundReason | None = Field(default=None, strict=False, description="Why, in Stripe's list.")


class CheckBody(_Strict):
    """Ask whether a feature is there, or whether one more of something fits."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"feature": "projects"},
                {"feature": "tasks", "quantity": 5, "used": 90},
                {"feature": "priority_support"},
            ]
        }
    )
    feature: str = Field(
        pattern=r"^[a-z][a-z0-9_]{0,31}$", description="The name of a feature or a limit.", examples=["tasks"]
    )
    quantity: int = Field(
        default=1, ge=1, le=MOST_COUNTED, description="How many more; without `used`, how many in all."
    )
    used: int | None = Field(
        default=None,
        ge=0,
        le=MOST_COUNTED,
        description="How many there are already, as your app counts them. Not for `projects` and `seats` where they "
        "are counted here.",
    )


class MemberBody(_Strict):
    """What a person is to be in a project."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "member"}]})
    role: Literal["admin", "member"] = Field(description="`admin` may add and remove people.")


class PortalBody(_Strict):
    """Open Stripe's customer portal."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"return_url": "https://app.example.com/billing"}]})
    return_url: Url = Field(description="Where the customer returns.")
