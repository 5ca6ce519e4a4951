"""What activities need: the local Stripe, and for letters a post office."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.emails import Emails
from activities.gateway import Stripe, open_stripe
from database.session import make_engine
from local.mailbox.letterbox import Letterbox
from settings import Settings
from tests.activities.post_office import PostOffice
from tests.api.conftest import make_settings
from tests.fixtures.databases import as_service


@pytest_asyncio.fixture
async def post(tmp_path: Path) -> AsyncIterator[PostOffice]:
    office = PostOffice(Letterbox(tmp_path / "mail"))
    await office.open()
    yield office
    await office.close()


@pytest.fixture
def settings(database: str, post: PostOffice) -> Settings:
    smtp = {"smtp_port": post.port, "smtp_security": "none", "mail_from": "Perennial <billing@perennial.example>"}
    secrets = {"database_url": as_service(database), "stripe_api_key": "sk_test_1", "auth_secret": "secret"}
    return Settings(mode="local", **secrets, **smtp)


@pytest_asyncio.fixture
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(settings)
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture
async def stripe_client(local_stripe: str) -> AsyncIterator[Stripe]:
    settings = make_settings("postgresql://nobody@127.0.0.1/none", stripe_api_url=local_stripe)
    async with open_stripe(settings) as client:
        yield client


@pytest.fixture
def emails(engine: AsyncEngine, settings: Settings) -> Emails:
    return Emails(engine, settings)
