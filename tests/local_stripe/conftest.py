"""One local Stripe for all stories here; when they are told, every shape that it showed is checked."""

from collections.abc import Iterator

import pytest

from tests.local_stripe.browser import browser, phone
from tests.local_stripe.receiver import Receiver
from tests.local_stripe.running import RunningStripe
from tests.local_stripe.shapes import complaints
from tests.local_stripe.shop import Shop

__all__ = ["browser", "phone"]


@pytest.fixture(scope="session")
def running_stripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStripe]:
    server = RunningStripe(tmp_path_factory.mktemp("stripe"))
    yield server
    recorded = server.control("recorded").json()
    assert server.stop() == 0
    assert complaints(recorded) == []


@pytest.fixture(scope="session")
def one_shop(running_stripe: RunningStripe) -> Shop:
    return Shop(running_stripe)


@pytest.fixture
def shop(one_shop: Shop) -> Iterator[Shop]:
    yield one_shop
    one_shop.retry_settings(retry_days=[3, 5, 7], after_last_retry="cancel")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()
