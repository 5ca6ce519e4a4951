"""An installation that could not work says so before it starts."""

import pytest
from pydantic import ValidationError

from settings import Settings

PRODUCTION = {"database_url": "postgresql://host/name", "stripe_api_key": "sk_live_1", "auth_secret": "secret"}


@pytest.mark.parametrize("secrets", ["", " , "])
def test_production_needs_the_secret_of_its_webhook_endpoint(secrets: str) -> None:
    with pytest.raises(ValidationError, match="whsec_"):
        Settings.model_validate(PRODUCTION | {"stripe_webhook_secrets": secrets})


@pytest.mark.parametrize("kept", [{"project_members": "custom"}, {"project_members_file": "/membership.sql"}])
def test_a_query_of_ones_own_needs_its_file_and_a_file_its_query(kept: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="project_members_file goes with"):
        Settings.model_validate(PRODUCTION | {"mode": "local"} | kept)


def test_a_laptop_does_not() -> None:
    assert Settings.model_validate(PRODUCTION | {"mode": "local"}).stripe_webhook_secrets == ()
