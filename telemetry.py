"""What an operator sees from outside: structured logs, and counters for Prometheus. No personal data in either."""

import logging
import re
import sys
from collections.abc import Iterable, MutableMapping
from functools import lru_cache
from typing import Any

import orjson
import structlog
from prometheus_client import Counter, Gauge, Histogram, start_http_server
from temporalio.runtime import LogForwardingConfig, LoggingConfig, PrometheusConfig, Runtime, TelemetryConfig
from temporalio.runtime import TelemetryFilter as Filter

from production import Finding
from settings import Settings

WEBHOOKS = Counter(
    "perennial_webhooks_total",
    "Webhook deliveries: pending, ignored and orphan are new rows; doubled was known; refused_* was not stored; away "
    "could not be stored and will come again",
    ["outcome"],
)
WEBHOOK_NOTICES = Counter(
    "perennial_webhook_notices_total",
    "What was odd about events that Stripe signed: other_mode (test at a live installation, or live at a test one), "
    "other_account and forgotten (older than the ledger) are not acted upon; other_api_version is",
    ["notice"],
)
RATE_LIMITED = Counter("perennial_rate_limited_total", "Requests that came too often (429), by limit", ["limit"])
LEDGER_LAG = Gauge(
    "perennial_ledger_lag_seconds", "Age of the oldest event that no workflow has been told of; 0 when there is none"
)
RECONCILED = Counter(
    "perennial_reconciled_total",
    "Subscriptions compared with Stripe: agreed, repaired, needs_person, or unreachable (no answer of its workflow)",
    ["verdict"],
)
RECONCILIATION_AGE = Gauge(
    "perennial_reconciliation_age_seconds",
    "Time since all subscriptions were last compared with Stripe; -1 when they never were",
)
OPERATIONS = Counter(
    "perennial_operations_total", "Intents of customers, by how they were answered", ["kind", "outcome"]
)
NOTIFICATIONS = Counter(
    "perennial_notifications_total", "Letters, by kind and what became of them", ["kind", "outcome"]
)
COPIES = Counter(
    "perennial_copies_total",
    "Reads of a user's own subscription that asked Redis first: found, not_found, or away (it did not answer)",
    ["outcome"],
)
REQUESTS = Histogram(
    "perennial_request_seconds",
    "Time from the request's head to the answer's end, by route template",
    ["method", "route", "status"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)

_SECRET_NAMES = ("secret", "password", "token", "authorization", "cookie", "api_key", "signature", "email")
_REDACTED = "[redacted]"
_PRIVATE = re.compile(
    r"[\w.+-]+@[\w-]+\.[\w.-]+"  # an e-mail address, or the password and host of a database's address
    r"|\b(?:sk|rk)_(?:test|live)_\w+|\bwhsec_\w+|\b\w+_secret_\w+"  # Stripe's keys and client secrets
    r"|(?<=Bearer )\S+|(?<=session_token=)[^\s;]+|\bprnl_[\w-]+|\beyJ[\w-]+\.[\w-]+\.[\w-]+"  # what lets somebody in
)
_HINTS = ("@", "sk_", "rk_", "whsec_", "_secret_", "Bearer ", "session_token=", "prnl_", "eyJ")
_EXTRAS = ("temporal_workflow", "temporal_activity")
"""What other libraries may add to a line: Temporal says which workflow and activity it was."""


def webhook_stored(status: str | None) -> None:
    """Count an event of the ledger: its status when it is new, None when it was known."""
    WEBHOOKS.labels(status or "doubled").inc()


def tell_findings(findings: Iterable[Finding]) -> None:
    """At the start: what is no reason not to, and should be known."""
    for finding in findings:
        structlog.get_logger(__name__).warning("setting", setting=finding.setting, finding=finding.words)


def serve_metrics(host: str, port: int) -> None:
    """Answer ``/metrics`` on a port of its own, never on the one that the world sees."""
    start_http_server(port, addr=host)


def make_temporal_runtime(metrics_address: str) -> Runtime:
    """Temporal's core with its own metrics on ``metrics_address`` (``host:port``) and its log in ours.

    Our counters of the same process live in `prometheus_client` and need a second port: `serve_metrics`.
    """
    return Runtime(
        telemetry=TelemetryConfig(
            metrics=PrometheusConfig(
                bind_address=metrics_address, counters_total_suffix=True, unit_suffix=True, durations_as_seconds=True
            ),
            logging=LoggingConfig(
                filter=Filter(core_level="WARN", other_level="ERROR"),
                forwarding=LogForwardingConfig(
                    logger=logging.getLogger("temporalio.core"),
                    append_target_to_name=False,
                    prepend_target_on_message=False,
                ),
            ),
        )
    )


def set_up_logging(settings: Settings) -> None:
    """One form for our lines and the libraries': JSON on stderr, or colours in a terminal.

    Ours do not pass through the standard library, which would double the price of a line; the libraries' come from
    there and get the same fields.
    """
    console = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(allow=_EXTRAS),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
    ]
    structlog.configure(
        processors=[*shared, *_last_steps(console)],
        logger_factory=_Lines,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_last_steps(console)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "sqlalchemy", "temporalio"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    for chatty in ("httpx", "httpcore", "stripe", "alembic"):  # they log addresses and parameters at info
        logging.getLogger(chatty).setLevel(logging.WARNING)


class _Lines:
    """Where our finished lines go; stderr is looked up each time, for tests exchange it."""

    def __init__(self, name: str = "perennial") -> None:
        self.name = name

    def msg(self, line: str) -> None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    debug = info = warning = error = critical = exception = msg


def redact(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank the fields whose name says that they are a secret or an address, wherever they came from."""
    for name in event:
        if _is_secret(name):
            event[name] = _REDACTED
    return event


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return any(secret in name.lower() for secret in _SECRET_NAMES)


def mask(_: object, __: str, line: str) -> str:
    """The last gate: whatever a library put into a message or an error, addresses and secrets do not get out."""
    if not any(hint in line for hint in _HINTS):  # searching every line would cost more than writing it
        return line
    return _PRIVATE.sub(_REDACTED, line)


def _last_steps(console: bool) -> list[Any]:
    """Exceptions without the values of local variables: those are where customers' data would leak."""
    if console:
        return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback), mask]
    without_values = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [structlog.processors.ExceptionRenderer(without_values), structlog.processors.JSONRenderer(_as_json), mask]


def _as_json(event: Any, default: Any, **_: object) -> str:
    return orjson.dumps(event, default=default).decode()
