"""An installation that could not work says so before it starts."""

import pytest
from pydantic import ValidationError

from settings import Settings

PRODUCTION = {"database_url": "postgresql://host/name", "stripe_api_key": "sk_live_1", "auth_secret": "secret"}


@pytest.mark.parametrize("secrets", ["", " , "])
def test_production_needs_the_secret_of_its_webhook_endpoint(secrets: str) -> None:
    with pytest.raises(ValidationError, match="whsec_"):
        Settings.model_validate(PRODUCTION | {"stripe_webhook_secrets": secrets})


def test_a_laptop_does_not() -> None:
    assert Settings.model_validate(PRODUCTION | {"mode": "local"}).stripe_webhook_secrets == ()


@pytest.mark.parametrize("name", ["auth_url", "auth_jwks_url"])
def test_production_asks_for_keys_over_https_only(name: str) -> None:
    given = PRODUCTION | {"stripe_webhook_secrets": "whsec_1", "auth_url": "https://app.example.com"}
    assert Settings.model_validate(given).jwks_url == "https://app.example.com/api/auth/jwks"

    with pytest.raises(ValidationError, match="https"):
        Settings.model_validate(given | {name: "http://app.example.com"})


def test_keys_alone_do_not_say_whose_tokens_are_meant() -> None:
    with pytest.raises(ValidationError, match="auth_jwt_issuer"):
        Settings.model_validate(PRODUCTION | {"mode": "local", "auth_jwks_url": "https://app.example.com/jwks"})
