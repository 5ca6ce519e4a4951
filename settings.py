"""What an installation decides: one frozen object, built in the composition roots and handed down.

Every field is an environment variable with the prefix ``PERENNIAL_`` (``PERENNIAL_DATABASE_URL`` …).
Nothing is read at import; ``Settings()`` reads the environment once.
"""

import base64
import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

import production

ROOT = Path(__file__).resolve().parent

Listed = Annotated[tuple[str, ...], NoDecode]
Rate = Annotated[str, Field(pattern=r"^([1-9][0-9]{0,8}/(second|minute|hour|day)|off)$")]
_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def _keys_in(listed: SecretStr | None) -> dict[str, bytes]:
    """Raises `ValueError` that names a key by its place only."""
    keys: dict[str, bytes] = {}
    parts = [part.strip() for part in listed.get_secret_value().split(",") if part.strip()] if listed else []
    for number, part in enumerate(parts, 1):
        name, _, encoded = part.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError:
            key = b""
        if not _KEY_ID.fullmatch(name) or len(key) != 32 or name in keys:
            raise ValueError(
                f"key {number} is not ID:BASE64 with an id of its own and 32 bytes: openssl rand -base64 32"
            )
        keys[name] = key
    return keys


class Settings(BaseSettings):
    """One installation of Perennial."""

    model_config = SettingsConfigDict(
        env_prefix="PERENNIAL_", frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    mode: Literal["local", "production"] = "production"
    """``local`` allows what a laptop needs (time travel, the local Stripe); production refuses it."""

    # PostgreSQL
    database_url: SecretStr
    """``postgresql://user:password@host:port/name``; the driver is added here."""
    database_service_role: str = Field(default="perennial_service", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")
    """The role of API, worker and commands, to which ``perennial migrate``, as the schema's owner, gives its rights."""
    database_pool_size: int = Field(default=10, ge=1)

    # Temporal
    temporal_address: str = "127.0.0.1:7233"
    temporal_namespace: str = "billing"
    temporal_task_queue: str = "subscriptions"
    temporal_profile: str | None = None
    """A profile of ``temporalio.envconfig`` (TLS, API key); when set it wins over the address."""
    continue_as_new_after_events: int = Field(default=100, ge=20)
    """Self-hosted: about a hundred events. On Temporal Cloud choose one billing period (about 20)."""

    payload_keys: SecretStr | None = None
    """``id:base64`` of 32 bytes, several separated by commas: what Temporal keeps is encrypted with the first (AES-GCM)
    and read with all. None: it is kept in clear, as JSON."""
    codec_origins: Annotated[tuple[str, ...], NoDecode] = ("http://127.0.0.1:8080", "http://localhost:8080")
    """Comma-separated origins of Temporal's Web UI, whose pages may ask ``perennial codec-server`` to decrypt."""
    codec_token: SecretStr | None = None
    """What callers of the codec server show as Bearer token; needed when it listens beyond this machine."""

    # Stripe
    stripe_account: str | None = None
    """``acct_…``: events of other accounts are kept and not acted upon. Without it, events of any connected account."""
    stripe_api_key: SecretStr
    stripe_api_url: str | None = None
    """Another address for Stripe's API: the local Stripe. Refused in production mode."""
    stripe_webhook_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    """Comma-separated; several at once while a secret is rotated."""
    stripe_timeout_seconds: float = Field(default=20, gt=0)
    stripe_test_clocks: bool = False
    """Give each new customer a test clock of its own, so that it can travel in time. Never in production."""

    # Users who leave for good
    forgotten_customers: Literal["delete", "strip"] = "delete"
    """What becomes of the Stripe customer of a user who is forgotten: deleted, or kept for bookkeeping without anything
    personal. Invoices stay in both cases, as they were written."""
    vanished_after_hours: int = Field(default=24, ge=0)
    """How long a user must be gone from the app's table before they are forgotten here."""
    identities_seconds: int = Field(default=300, ge=1)
    """How often users are compared with what Stripe was told of them."""

    # The webhook door
    webhook_tolerance_seconds: int = Field(default=300, ge=1)
    webhook_max_bytes: int = Field(default=1_048_576, ge=1024)
    relay_window_ms: int = Field(default=400, ge=0)
    """How long the relay waits for more events of the same customer before it signals once for all."""
    sweep_seconds: int = Field(default=60, ge=1)
    """How often undelivered ledger rows and unsent notifications are taken up again."""
    catch_up_seconds: int = Field(default=900, ge=1)
    """How often Stripe's Events API is asked for events that were never delivered to us."""

    reconcile_seconds: int = Field(default=86_400, ge=60)
    """How often every subscription is compared with Stripe; a round is spread over most of that time."""

    # Retention
    events_kept_days: int = Field(default=400, ge=31)
    """How long events that are dealt with are kept. Stripe sends for 3 days and keeps 30: a forgotten one would be new.

    https://docs.stripe.com/webhooks#retries, https://docs.stripe.com/api/events
    """
    operations_kept_days: int = Field(default=400, ge=31)
    """How long an Idempotency-Key is answered as it was the first time."""

    # E-mail
    smtp_host: str = "127.0.0.1"
    smtp_port: int = 1025
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_security: Literal["none", "starttls", "tls"] = "starttls"
    mail_from: str = "Perennial <billing@localhost>"

    # Sessions of Better-Auth
    auth_secret: SecretStr
    """Better-Auth's own secret (``BETTER_AUTH_SECRET``): signs the session cookie."""
    auth_previous_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    """Comma-separated; cookies signed with them are let in while the secret is changed in one program after the other.
    Better-Auth itself honours only the newest."""
    auth_cookie_prefix: str = "better-auth"
    auth_redis_prefix: str = "better-auth:"
    """What stands before the keys of Better-Auth's secondary storage: its ``keyPrefix``; ``none``: nothing does."""
    auth_url: str | None = None
    """Better-Auth's ``baseURL``: issuer and audience of its JWTs, whose keys are at ``{auth_url}/api/auth/jwks``.
    Without it no JWT is let in."""
    auth_jwks_url: str | None = None
    """Where the keys are, when it is another address."""
    auth_jwt_issuer: str | None = None
    auth_jwt_audience: str | None = None
    auth_cache_seconds: float = Field(default=5, ge=0, le=5)
    """How long a read may rely on who was let in before; a write asks every time."""

    # Redis
    redis_url: SecretStr | None = None
    """``redis://`` or ``rediss://``: Better-Auth's sessions where they live there, rate limits, a short cache."""
    cache_seconds: int = Field(default=5, ge=0, le=30)
    """How long a copy of what a user is shown of their own subscription lives in Redis; 0: there are no copies."""

    # Projects
    project_members: Literal["perennial", "better_auth_organizations", "better_auth_teams", "custom"] = "perennial"
    """Where it is kept who is in which project: in our own table, in Better-Auth's, or where your own query says."""
    project_members_file: Path | None = None
    """For ``custom``: a file with one SELECT of ``owner_id`` and ``role`` by ``:project_id`` and ``:user_id``."""

    # Who is let in, and over what
    public_url: str = "http://127.0.0.1:8000"
    """Where browsers and Stripe reach the API."""
    trusted_hosts: Listed = ()
    """Host names that a request may name beside the one of ``public_url``, ``*.example.com`` for all below; in local
    mode any, unless some are named."""
    trusted_proxies: Listed = ()
    """Addresses or networks (CIDR) whose word on the client's address and scheme is taken; without any, nobody's."""
    api_tls_certificate: Path | None = None
    """PEM, with the chain; with its key the API serves https itself."""
    api_tls_key: Path | None = None
    ca_file: Path | None = None
    """PEM: certificate authorities for Redis and SMTP instead of the system's."""
    allowed_origins: Listed = ()
    """Origins of web apps that may call with cookies; without any, the one of ``app_url``."""
    allowed_return_origins: Listed = ()
    """Where Stripe's pages may send customers back: origins, or ``myapp://`` of an app; without any, as ``app_url``."""

    # How often
    rate_reads: Rate = "600/minute"
    """Of one signed-in user; so many at once, and no more in any minute. ``off``: as many as they like."""
    rate_writes: Rate = "120/minute"
    rate_anonymous: Rate = "600/minute"
    """Of one address without a credential, or refused before anybody looked at it."""
    rate_failed_sign_ins: Rate = "60/minute"
    """Of one address with a credential that is none, or an API key that names nobody."""
    rate_webhooks: Rate = "6000/minute"
    """Of one address, deliveries whose signature does not hold; those that Stripe signed are never counted."""

    # What the world sees
    product_name: str = "Perennial"
    app_url: str = "http://127.0.0.1:3000"
    """The web app: links in notifications lead to ``{app_url}/billing``."""
    plans_file: Path = ROOT / "plans.toml"
    api_host: str = "127.0.0.1"
    api_port: int = 8000
    api_metrics_port: int = 9464
    worker_metrics_port: int = 9465
    worker_temporal_metrics_port: int = 9466
    """The Temporal SDK serves its metrics from a process-wide port of its own."""
    request_deadline_seconds: float = Field(default=10, gt=0)
    """How long a request waits for its outcome before it answers 202 with the operation's address."""
    request_max_bytes: int = Field(default=65_536, ge=1024)
    log_format: Literal["auto", "console", "json"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator(
        "stripe_webhook_secrets",
        "auth_previous_secrets",
        "codec_origins",
        *("trusted_hosts", "trusted_proxies", "allowed_origins", "allowed_return_origins"),
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("payload_keys", mode="after")
    @classmethod
    def _are_keys(cls, value: SecretStr | None) -> SecretStr | None:
        _keys_in(value)
        return value

    @property
    def encryption_keys(self) -> dict[str, bytes]:
        """Key id to key of 256 bits, the one that encrypts first; empty: nothing is encrypted."""
        return _keys_in(self.payload_keys)

    @field_validator("auth_redis_prefix")
    @classmethod
    def _without_a_prefix(cls, value: str) -> str:
        """An empty variable counts as one that is not set, so that no prefix needs a word."""
        return "" if value == "none" else value

    @field_validator("database_url", mode="after")
    @classmethod
    def _name_the_driver(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        scheme, _, rest = url.partition("://")
        if scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
            raise ValueError("must be a postgresql:// address")
        return SecretStr(f"postgresql+psycopg://{rest}")

    @property
    def jwks_url(self) -> str | None:
        """Where Better-Auth shows the public halves of the keys that sign its JWTs."""
        return self.auth_jwks_url or (f"{self.auth_url.rstrip('/')}/api/auth/jwks" if self.auth_url else None)

    @property
    def lets_travel_in_time(self) -> bool:
        """Whether a customer's clock may be ahead of the wall's; in production it is not, whatever a row says."""
        return self.mode == "local"

    @field_validator("public_url", "app_url")
    @classmethod
    def _addresses(cls, value: str) -> str:
        production.origin_of(value)
        return value.rstrip("/")

    @field_validator("allowed_origins", "allowed_return_origins")
    @classmethod
    def _origins(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(production.origin_of(value) for value in values)

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(production.network_of(value)) for value in values)

    @property
    def web_origins(self) -> tuple[str, ...]:
        """Whose pages may call with a customer's cookie: the web apps', and the API's own."""
        return (*(self.allowed_origins or (production.origin_of(self.app_url),)), production.origin_of(self.public_url))

    @property
    def return_origins(self) -> tuple[str, ...]:
        """Where a customer may return to from Stripe's pages."""
        return self.allowed_return_origins or (production.origin_of(self.app_url),)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Host names that requests may be for; none: any."""
        if self.mode == "local" and not self.trusted_hosts:
            return ()
        return (*self.trusted_hosts, urlsplit(self.public_url).hostname or "")

    @model_validator(mode="after")
    def _ask_who_is_in_a_project(self) -> Self:
        if (self.project_members == "custom") != (self.project_members_file is not None):
            raise ValueError("project_members_file goes with project_members = custom, and only with it")
        return self

    @model_validator(mode="after")
    def _know_whose_tokens(self) -> Self:
        if self.auth_jwks_url and not self.auth_url and not (self.auth_jwt_issuer and self.auth_jwt_audience):
            raise ValueError("auth_jwks_url needs auth_url, or auth_jwt_issuer and auth_jwt_audience")
        return self

    @model_validator(mode="after")
    def _certificate_and_key(self) -> Self:
        if (self.api_tls_certificate is None) != (self.api_tls_key is None):
            raise ValueError("api_tls_certificate and api_tls_key belong together; set both or none")
        return self

    @model_validator(mode="after")
    def _fit_for_production(self) -> Self:
        if self.mode == "production":
            grave = [f"{one.setting} {one.words}" for one in production.findings(self) if one.is_grave]
            if grave:
                raise ValueError("; ".join(grave))
        return self
