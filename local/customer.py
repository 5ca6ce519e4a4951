"""The demo's customer: what a good client does at the API and on Stripe's pages, patient while a part restarts."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

import httpx

from activities.gateway import Stripe
from local import betterauth
from local.patience import patiently
from local.time_travel import TimeTravel
from local.waiting import until

if TYPE_CHECKING:
    from stripe import RequestOptions

T = TypeVar("T")
ARRIVES_WITHIN_SECONDS = 120.0
"""Long enough for every part to die and come back, and for Stripe to try its webhooks again."""


class StoryWentWrong(Exception):
    """The demo did not go as it should; the message says at which step and what was there instead."""


@dataclass
class Customer:
    """The one whom the story is about."""

    user: betterauth.SignedInUser
    http: httpx.AsyncClient
    stripe: Stripe
    travel: TimeTravel
    mailbox: str
    letters_seen: int = 0

    async def asks(self, method: str, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        """A request to the API; tried again under the same Idempotency-Key while a part of the stack restarts."""
        headers = {"Authorization": f"Bearer {self.user.token}", "Idempotency-Key": str(uuid4())}
        answers: list[httpx.Response] = []

        async def is_answered() -> bool:
            try:
                answer = await self.http.request(method, f"/billing{path}", json=body, headers=headers)
            except httpx.TransportError:
                return False
            if answer.status_code in {202, 502, 503}:
                return False
            answers.append(answer)
            return True

        await until(is_answered, within=ARRIVES_WITHIN_SECONDS, what=f"{method} {path} was not answered")
        if answers[0].is_error:
            raise StoryWentWrong(f"{method} /billing{path} answered {answers[0].status_code}: {answers[0].text}")
        return dict(answers[0].json())

    async def stands(self) -> dict[str, Any]:
        """GET /billing/subscriptions/me"""
        return await self.asks("GET", "/subscriptions/me")

    async def becomes(self, status: str) -> dict[str, Any]:
        """Wait until the API says this status."""
        seen: dict[str, Any] = {}

        async def is_there() -> bool:
            seen.update(await self.stands())
            return bool(seen["status"] == status)

        await until(is_there, within=ARRIVES_WITHIN_SECONDS, what=f"the customer is not {status}")
        return seen

    async def waits(self, **duration: float) -> datetime:
        """Time passes for this customer."""
        await self.travel.fast_forward(self.user.id, timedelta(**duration))
        return await self.travel.now(self.user.id)

    async def new_letters(self) -> list[str]:
        """Subjects of the letters that came since the last look; at least one is waited for."""
        found: list[str] = []

        async def has_come() -> bool:
            answer = await at_home(lambda: self.http.get(f"{self.mailbox}/api/messages"))
            mine = [letter for letter in answer.json() if self.user.email in str(letter["to"])]
            mine.sort(key=lambda letter: str(letter["received_at"]))
            found[:] = [str(letter["subject"]) for letter in mine[self.letters_seen :]]
            return bool(found)

        await until(has_come, within=ARRIVES_WITHIN_SECONDS, what="no letter came")
        self.letters_seen += len(found)
        return found

    async def new_card(self, token: str) -> None:
        """On Stripe's portal page: another card for everything that comes."""
        stripe, subscription, keys = self.stripe.v1, await self.subscription(), [_key() for _ in range(3)]
        customer = str(subscription.customer)
        method = await at_stripe(lambda: stripe.payment_methods.attach_async(token, {"customer": customer}, keys[0]))
        default = {"invoice_settings": {"default_payment_method": method.id}}
        await at_stripe(lambda: stripe.customers.update_async(customer, default, keys[1]))  # type: ignore[arg-type]
        chosen = {"default_payment_method": method.id}
        await at_stripe(lambda: stripe.subscriptions.update_async(subscription.id, chosen, keys[2]))  # type: ignore[arg-type]

    async def latest_invoice(self) -> Any:
        """What was charged last, in Stripe's books."""
        invoice = str((await self.subscription()).latest_invoice)
        return await at_stripe(lambda: self.stripe.v1.invoices.retrieve_async(invoice))

    async def subscription(self) -> Any:
        """The subscription in Stripe's books."""
        mine = f"metadata['user_id']:'{self.user.id}'"
        return (await at_stripe(lambda: self.stripe.v1.subscriptions.search_async({"query": mine}))).data[0]


def at_stripe(call: Callable[[], Awaitable[T]]) -> Awaitable[T]:
    """What the customer does at Stripe, done once however often it has to be tried."""
    return patiently(call, within=ARRIVES_WITHIN_SECONDS, what="Stripe did not answer")


def at_home(call: Callable[[], Awaitable[T]]) -> Awaitable[T]:
    """The same for a part of our own."""
    return patiently(call, within=ARRIVES_WITHIN_SECONDS, what="a part of the stack did not answer")


def _key() -> "RequestOptions":
    return {"idempotency_key": str(uuid4())}
