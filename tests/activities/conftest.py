"""What sending letters needs: a post office and the activities."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.emails import Emails
from database.session import make_engine
from local.mailbox.letterbox import Letterbox
from settings import Settings
from tests.activities.post_office import PostOffice
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


@pytest.fixture
def emails(engine: AsyncEngine, settings: Settings) -> Emails:
    return Emails(engine, settings)
