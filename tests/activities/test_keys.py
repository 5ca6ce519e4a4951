"""Which idempotency key Stripe sees, from one attempt of an activity to the next, on a real Temporal server."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
import stripe
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.gateway import Stripe, StripeAway, answers, open_stripe
from activities.keys import harmless, is_spent_by, keyed, may_be_done
from settings import Settings
from workflows.payloads import DATA_CONVERTER


class Shop:
    """Makes a customer, then a product, each under a key of its own; notes what it tried. Every try has its trouble."""

    def __init__(self, stripe_client: Stripe, control: httpx.AsyncClient) -> None:
        self.stripe = stripe_client
        self.control = control
        self.troubles: list[int | str] = []
        self.path = "/v1/customers"
        self.keys: list[str] = []
        self.looked: list[bool] = []

    @activity.defn
    async def open(self, name: str) -> None:
        self.looked.append(may_be_done(f"{name}/customer"))
        await self.meet(self.troubles.pop(0) if self.troubles else None)
        with answers(), keyed(f"{name}/customer") as key:
            self.keys.append(key.removeprefix(name))
            await self.stripe.v1.customers.create_async({"name": name}, {"idempotency_key": key})
        with answers(), keyed(f"{name}/product") as key:
            self.keys.append(key.removeprefix(name))
            await self.stripe.v1.products.create_async({"name": name}, {"idempotency_key": key})

    async def meet(self, trouble: int | str | None) -> None:
        await self.control.post("/outage", json={"status": trouble, "count": 1, "method": "POST", "path": self.path})


@workflow.defn
class Opening:
    @workflow.run
    async def run(self, name: str) -> None:
        await workflow.execute_activity_method(
            Shop.open,
            name,
            start_to_close_timeout=timedelta(seconds=10),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=50), backoff_coefficient=1),
        )


@pytest_asyncio.fixture
async def shop(local_stripe: str) -> AsyncIterator[Shop]:
    settings = Settings(mode="local", database_url="postgresql://nobody", stripe_api_key="sk_test_1", auth_secret="s")
    impatient = {"stripe_api_url": local_stripe, "stripe_timeout_seconds": 0.5}
    async with (
        open_stripe(settings.model_copy(update=impatient)) as stripe_client,
        httpx.AsyncClient(base_url=f"{local_stripe}/_local", trust_env=False) as control,
    ):
        yield Shop(stripe_client, control)


async def opened(shop: Shop, temporal_server: str, *troubles: int | str) -> None:
    """The activity, attempt after attempt, until it succeeds."""
    shop.troubles = list(troubles)
    client = await Client.connect(temporal_server, namespace="billing", data_converter=DATA_CONVERTER)
    name = uuid4().hex
    async with Worker(
        client,
        task_queue=name,
        workflows=[Opening],
        activities=[shop.open],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        await client.execute_workflow(Opening.run, name, id=name, task_queue=name)


@pytest.mark.parametrize("trouble", ["reset", "hang", "lost", 409, 429])
async def test_without_an_answer_or_when_told_to_wait_the_key_stays(
    shop: Shop, temporal_server: str, trouble: int | str
) -> None:
    await opened(shop, temporal_server, trouble)
    assert shop.keys == ["/customer", "/customer", "/product"]
    assert shop.looked == [False, False]


@pytest.mark.parametrize("trouble", [500, "spoiled", 503])
async def test_after_a_failure_that_stripe_answers_the_next_attempt_looks_and_takes_the_next_key(
    shop: Shop, temporal_server: str, trouble: int | str
) -> None:
    await opened(shop, temporal_server, trouble, trouble, trouble)
    assert shop.keys == ["/customer", "/customer/2", "/customer/3", "/customer/4", "/product"]
    assert shop.looked == [False, True, True, True]


async def test_a_later_key_stays_as_well_while_there_is_no_answer(shop: Shop, temporal_server: str) -> None:
    await opened(shop, temporal_server, "reset", 500, "reset", "hang", 500)
    assert shop.keys == ["/customer"] * 2 + ["/customer/2"] * 3 + ["/customer/3", "/product"]
    assert shop.looked == [False] * 2 + [True] * 4


async def test_every_write_of_an_activity_has_generations_of_its_own(shop: Shop, temporal_server: str) -> None:
    shop.path = "/v1/products"
    await opened(shop, temporal_server, 500, 500)
    assert shop.keys == ["/customer", "/product", "/customer", "/product/2", "/customer", "/product/3"]


@pytest.mark.parametrize("trouble", [500, "spoiled"])
async def test_a_harmless_write_is_repeated_at_once_also_when_the_failure_is_an_old_one(
    shop: Shop, trouble: int | str
) -> None:
    name = uuid4().hex
    await shop.meet(trouble)

    first = await harmless(name, lambda key: customer(shop, key))
    second = await harmless(name, lambda key: customer(shop, key))

    assert first.id != second.id
    assert [key == name for key in shop.keys] == [True, False, True, False]
    assert len(set(shop.keys)) == 3


async def test_a_harmless_write_is_not_repeated_while_nobody_knows_whether_it_runs(shop: Shop) -> None:
    await shop.meet("reset")
    with pytest.raises(StripeAway), answers():
        await harmless(uuid4().hex, lambda key: customer(shop, key))
    assert len(shop.keys) == 1


async def customer(shop: Shop, key: str) -> stripe.Customer:
    shop.keys.append(key)
    return await shop.stripe.v1.customers.create_async({}, {"idempotency_key": key})


def test_a_gateways_page_is_no_answer_of_stripes() -> None:
    page = stripe.APIError("Invalid response body from API", "<html>Bad gateway</html>", 502, None, {})
    answer = {"error": {"type": "api_error", "message": "An unknown error occurred"}}
    assert not is_spent_by(page)
    assert [is_spent_by(stripe.APIError("", "", status, answer)) for status in (500, 503, 424, 409)] == [
        True, True, True, False,
    ]  # fmt: skip
    assert not is_spent_by(stripe.RateLimitError("", "", 429, {"error": {"code": "rate_limit"}}))
    assert not is_spent_by(stripe.APIConnectionError("reset"))
