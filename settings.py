"""What an installation decides: one frozen object, built in the composition roots and handed down.

Every field is an environment variable with the prefix ``PERENNIAL_`` (``PERENNIAL_DATABASE_URL`` …).
Nothing is read at import; ``Settings()`` reads the environment once.
"""

import base64
import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ROOT = Path(__file__).resolve().parent

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
    auth_cookie_prefix: str = "better-auth"

    # Redis
    redis_url: SecretStr | None = None
    """``redis://`` or ``rediss://``: Better-Auth's sessions where they live there, rate limits, a cache. Optional."""

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

    @field_validator("stripe_webhook_secrets", "codec_origins", mode="before")
    @classmethod
    def _split_secrets(cls, value: object) -> object:
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

    @field_validator("database_url", mode="after")
    @classmethod
    def _name_the_driver(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        scheme, _, rest = url.partition("://")
        if scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
            raise ValueError("must be a postgresql:// address")
        return SecretStr(f"postgresql+psycopg://{rest}")

    @property
    def lets_travel_in_time(self) -> bool:
        """Whether a customer's clock may be ahead of the wall's; in production it is not, whatever a row says."""
        return self.mode == "local"

    @model_validator(mode="after")
    def _keep_the_laptop_out_of_production(self) -> Self:
        if self.mode == "production":
            if self.stripe_api_url:
                raise ValueError("stripe_api_url is for the local Stripe; unset it in production mode")
            if self.stripe_test_clocks:
                raise ValueError("stripe_test_clocks lets customers travel in time; unset it in production mode")
            if not self.stripe_webhook_secrets:
                raise ValueError(
                    "stripe_webhook_secrets is empty, so every webhook would be turned away; "
                    "set it to the signing secret of your endpoint (whsec_…)"
                )
        return self
