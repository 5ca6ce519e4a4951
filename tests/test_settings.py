"""An installation that could not work, or should not, says so before it starts."""

from typing import Any

import pytest
from pydantic import ValidationError

import production
from settings import Settings

PRODUCTION: dict[str, Any] = {
    "database_url": "postgresql://perennial:pw@postgres/perennial",
    "stripe_api_key": "sk_live_1",
    "stripe_webhook_secrets": "whsec_Gg83jdkwl29dk3HHjw82mQ4z",
    "auth_secret": "Vq3xW8n0pLr5sT2uYb7cZd4eFg6hJk9m",
    "public_url": "https://billing.example.com",
    "app_url": "https://app.example.com",
    "trusted_proxies": "10.0.0.0/8",
}
WELL_KNOWN = "better-auth-secret-12345678901234567890"
"""What Better-Auth signs with when nobody sets a secret."""
FAR = "postgresql://u:pw@db.example.com/x"


def test_a_sound_installation_has_nothing_to_hear() -> None:
    assert production.findings(Settings.model_validate(PRODUCTION)) == []


@pytest.mark.parametrize("name", ["auth_url", "auth_jwks_url"])
def test_production_asks_for_keys_over_https_only(name: str) -> None:
    given = PRODUCTION | {"auth_url": "https://app.example.com"}
    assert Settings.model_validate(given).jwks_url == "https://app.example.com/api/auth/jwks"

    with pytest.raises(ValidationError, match="https"):
        Settings.model_validate(given | {name: "http://app.example.com"})


def test_keys_alone_do_not_say_whose_tokens_are_meant() -> None:
    with pytest.raises(ValidationError, match="auth_jwt_issuer"):
        Settings.model_validate(PRODUCTION | {"mode": "local", "auth_jwks_url": "https://app.example.com/jwks"})


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"stripe_webhook_secrets": ""}, "stripe_webhook_secrets"),
        ({"stripe_webhook_secrets": " , "}, "stripe_webhook_secrets"),
        ({"stripe_webhook_secrets": "a"}, "stripe_webhook_secrets"),
        ({"stripe_webhook_secrets": "changeme"}, "stripe_webhook_secrets"),
        ({"stripe_webhook_secrets": "whsec_"}, "stripe_webhook_secrets"),
        ({"stripe_webhook_secrets": "whsec_" + "a" * 32}, "stripe_webhook_secrets"),
        ({"stripe_webhook_secrets": "whsec_your-secret-of-the-endpoint"}, "stripe_webhook_secrets"),
        ({"stripe_webhook_secrets": "Gg83jdkwl29dk3HHjw82mQ4z"}, "stripe_webhook_secrets"),
        ({"stripe_webhook_secrets": f"{PRODUCTION['stripe_webhook_secrets']}, whsec_1"}, "stripe_webhook_secrets"),
        ({"auth_previous_secrets": "a"}, "auth_previous_secrets"),
        ({"auth_previous_secrets": f"{PRODUCTION['auth_secret']}, {WELL_KNOWN}"}, "auth_previous_secrets"),
        ({"codec_token": "a"}, "codec_token"),
        ({"codec_token": "a" * 64}, "codec_token"),
        ({"public_url": "http://billing.example.com"}, "public_url"),
        ({"app_url": "http://app.example.com"}, "app_url"),
        ({"auth_secret": "short"}, "auth_secret"),
        ({"auth_secret": "a" * 64}, "auth_secret"),
        ({"auth_secret": WELL_KNOWN}, "auth_secret"),
        ({"trusted_proxies": ""}, "stripe_api_key"),
        ({"trusted_proxies": "", "stripe_api_key": "rk_live_1"}, "stripe_api_key"),
        ({"trusted_proxies": "", "stripe_api_key": "sk_org_live_1"}, "stripe_api_key"),
        ({"trusted_proxies": "0.0.0.0/0"}, "trusted_proxies"),
        ({"trusted_proxies": "::/0"}, "trusted_proxies"),
        ({"trusted_proxies": "10.0.0.1, 0.0.0.0/1, 128.0.0.0/1"}, "trusted_proxies"),
        ({"allowed_origins": "https://app.example.com, http://app.example.com"}, "allowed_origins"),
        ({"allowed_return_origins": "http://app.example.com"}, "allowed_return_origins"),
        ({"auth_url": "http://app.example.com", "auth_jwks_url": "https://app.example.com/keys"}, "auth_url"),
        ({"stripe_api_url": "http://127.0.0.1:12111"}, "stripe_api_url"),
        ({"stripe_test_clocks": True}, "stripe_test_clocks"),
        ({"smtp_security": "none", "smtp_password": "pw"}, "smtp_security"),
        ({"temporal_address": "ns.tmprl.cloud:7233"}, "temporal_address"),
        ({"temporal_address": "[2600:1f18::1]:7233"}, "temporal_address"),
        ({"redis_url": "redis://:pw@cache.example.com:6379"}, "redis_url"),
        ({"redis_url": "rediss://:pw@cache.example.com/0?ssl_cert_reqs=none"}, "redis_url"),
        ({"redis_url": "rediss://:pw@cache.example.com/0?ssl_check_hostname=False"}, "redis_url"),
        ({"database_url": FAR}, "database_url"),
        ({"database_url": FAR + "?sslmode=prefer"}, "database_url"),
        ({"database_url": "postgresql://u:pw@8.8.8.8,10.0.0.1/x"}, "database_url"),
        ({"database_url": "postgresql://u:pw@/x?host=db.example.com"}, "database_url"),
        ({"database_url": "postgresql://u:pw@/x?hostaddr=8.8.8.8"}, "database_url"),
        ({"database_url": "postgresql://u:pw@postgres/x?hostaddr=10.0.0.1,2600:1f18::1"}, "database_url"),
    ],
)
def test_production_does_not_start_with(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named) as refused:
        Settings.model_validate(PRODUCTION | changes)

    for secret in ("sk_live_1", "pw@", PRODUCTION["auth_secret"], PRODUCTION["stripe_webhook_secrets"], WELL_KNOWN):
        assert secret not in refused.value.errors(include_input=False)[0]["msg"]
    Settings.model_validate(PRODUCTION | changes | {"mode": "local"})


@pytest.mark.parametrize(
    "changes",
    [
        {"stripe_api_key": "sk_test_1"},
        {"stripe_api_key": "pk_live_1"},
        {"stripe_api_key": "sk_test_1", "trusted_proxies": ""},
        {"temporal_address": "temporal:7233"},
        {"temporal_address": "10.1.2.3:7233"},
        {"smtp_security": "none", "smtp_host": "mail.example.com"},
        {"database_url": FAR + "?sslmode=require"},
    ],
)
def test_production_starts_and_warns_of(changes: dict[str, Any]) -> None:
    found = production.findings(Settings.model_validate(PRODUCTION | changes))

    assert found
    assert not any(one.is_grave for one in found)


@pytest.mark.parametrize(
    "changes",
    [
        {"database_url": FAR + "?sslmode=verify-full&sslrootcert=/etc/ca.pem"},
        {"database_url": "postgresql://u:pw@[fd00::1]:5432/x"},
        {"database_url": "postgresql://u:pw@/x?host=/run/postgresql"},
        {"temporal_address": "127.0.0.1:7233"},
        {"smtp_security": "none", "smtp_host": "mail"},
        {"redis_url": "rediss://:pw@cache.example.com:6379"},
        {"redis_url": "redis://:pw@redis:6379"},
        {"redis_url": "rediss://:pw@cache.example.com:6379?ssl_cert_reqs=required"},
        {"redis_url": "rediss://:pw@redis:6379?ssl_cert_reqs=none"},
        {"database_url": "postgresql://u:pw@/x?hostaddr=10.0.0.1"},
        {"trusted_proxies": "104.16.0.0/13, 2400:cb00::/32, fc00::/7"},
        {"allowed_origins": "https://app.example.com, http://localhost:5173"},
        {"allowed_return_origins": "myapp://, http://127.0.0.1:3000"},
        {"stripe_api_key": "sk_org_live_1"},
        {"auth_previous_secrets": "dE5fG6hI7jK8lM9nO0pQ1rS2tU3vW4xY"},
        {"codec_token": "dE5fG6hI7jK8lM9nO0pQ1rS2tU3vW4xY"},
        {"trusted_proxies": "", "api_tls_certificate": "/c.pem", "api_tls_key": "/k.pem"},
    ],
)
def test_production_is_content_with(changes: dict[str, Any]) -> None:
    assert production.findings(Settings.model_validate(PRODUCTION | changes)) == []


def test_everything_is_said_at_once() -> None:
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate(PRODUCTION | {"auth_secret": "x", "app_url": "http://a.example", "database_url": FAR})

    message = refused.value.errors()[0]["msg"]
    assert all(name in message for name in ("auth_secret", "app_url", "database_url"))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("trusted_proxies", "everybody"),
        ("trusted_proxies", "10.0.0.0/99"),
        ("allowed_origins", "app.example.com"),
        ("allowed_return_origins", "javascript://x"),
        ("allowed_return_origins", "https://good.example@evil.example"),
        ("rate_reads", "many"),
        ("rate_reads", "0/minute"),
        ("api_tls_certificate", "/only/one.pem"),
    ],
)
def test_a_setting_that_means_nothing_is_refused(setting: str, value: str) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(PRODUCTION | {"mode": "local", setting: value})


def test_origins_are_written_as_browsers_write_them() -> None:
    settings = Settings.model_validate(
        PRODUCTION | {"allowed_return_origins": "HTTPS://App.Example.com:443/billing, http://[::1]:3000, myapp://done"}
    )

    assert settings.return_origins == ("https://app.example.com", "http://[::1]:3000", "myapp://")
    assert settings.web_origins == ("https://app.example.com", "https://billing.example.com")
    assert settings.hosts == ("billing.example.com",)


@pytest.mark.parametrize("kept", [{"project_members": "custom"}, {"project_members_file": "/membership.sql"}])
def test_a_query_of_ones_own_needs_its_file_and_a_file_its_query(kept: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="project_members_file goes with"):
        Settings.model_validate(PRODUCTION | {"mode": "local"} | kept)
