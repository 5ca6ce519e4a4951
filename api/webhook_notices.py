"""What is odd about an event that Stripe signed: is it ours to act upon, and is it still known whether it was here?

All of them are answered with 2xx: Stripe would send again what it cannot mend, and switch the endpoint off at last.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import stripe
import structlog

import telemetry
from database.entries import Entry
from production import stripe_mode
from settings import Settings

log = structlog.get_logger(__name__)


def judged(settings: Settings, event: Mapping[str, Any], entry: Entry, now: datetime) -> Entry | None:
    """The entry to keep, which wakes nobody when the event is not ours; None when the ledger would not know it again.

    A live endpoint of a platform is sent test events as well, and those of connected accounts name them:
    https://docs.stripe.com/connect/webhooks
    """
    if entry.created_at < now - timedelta(days=settings.events_kept_days):
        return _noticed("forgotten", entry, None)
    mode = stripe_mode(settings.stripe_api_key.get_secret_value())
    if mode is not None and entry.livemode is not mode:
        return _noticed("other_mode", entry, replace(entry, wakes=False))
    if event.get("account") not in (None, settings.stripe_account):
        return _noticed("other_account", entry, replace(entry, wakes=False))
    if entry.api_version != stripe.api_version:
        telemetry.WEBHOOK_NOTICES.labels("other_api_version").inc()
        _tell_version(entry.api_version)
    return entry


def _noticed(notice: str, entry: Entry, kept: Entry | None) -> Entry | None:
    telemetry.WEBHOOK_NOTICES.labels(notice).inc()
    log.warning("webhook_not_ours", notice=notice, event_type=entry.type)
    return kept


@lru_cache(maxsize=32)
def _tell_version(version: str | None) -> None:
    """Once a version: an endpoint keeps its own until somebody makes it anew."""
    log.warning("webhook_api_version", endpoint=version, ours=stripe.api_version)
