"""The settings as an examination reads them: what is wrong is said, also where a program would refuse to start."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from commands.findings import Finding, of

if TYPE_CHECKING:
    from settings import Settings

PART = "Settings"
SOON = timedelta(days=14)
_OF_THE_STACK = "PERENNIAL_LOCAL_"


def examine_settings() -> tuple["Settings | None", list[Finding]]:
    """The settings, None when there are none to speak of, and what is to be said of them."""
    from pydantic import ValidationError, model_validator

    from settings import Settings

    class AsTheyAre(Settings):
        """Not refused for what production takes exception to: that is told below."""

        @model_validator(mode="after")
        def _fit_for_production(self) -> "AsTheyAre":
            return self

    _, _, fail = of(PART)
    try:
        settings = AsTheyAre()  # type: ignore[call-arg]  # from the environment
    except ValidationError as invalid:
        faults = invalid.errors(include_input=False, include_url=False)
        return None, [fail(f"{_name(*fault['loc'])} {fault['msg']}") for fault in faults] + _unknown(Settings)
    found = [*_judged(settings), *_files(settings), *_unknown(Settings)]
    return settings, found


def _judged(settings: "Settings") -> list[Finding]:
    import production

    ok, warn, fail = of(PART)
    found = production.findings(settings)
    if settings.mode == "local":
        grave = ", ".join(sorted({one.setting for one in found if one.is_grave}))
        words = "mode is local: for a laptop, with time travel and the local Stripe"
        return [warn(words, f"production would not start with the present {grave}" if grave else None)]
    if not found:
        return [ok("mode is production, and nothing is left open")]
    return [(fail if one.is_grave else warn)(f"{_name(one.setting)} {one.words}") for one in found]


def _files(settings: "Settings") -> list[Finding]:
    from lifecycle.plans import InvalidCatalogue, load_catalogue

    ok, _, fail = of(PART)
    found = []
    try:
        catalogue = load_catalogue(settings.plans_file)
        found.append(ok(f"the catalogue has {len(catalogue.plans)} plans"))
    except (OSError, InvalidCatalogue) as error:
        found.append(fail(f"{_name('plans_file')} cannot be read: {error}"))
    if settings.api_tls_certificate and settings.api_tls_key:
        found.append(_certificate(settings.api_tls_certificate, settings.api_tls_key))
    if settings.ca_file and not settings.ca_file.is_file():
        found.append(fail(f"{_name('ca_file')} is not there"))
    return found


def _certificate(certificate: Path, key: Path) -> Finding:
    import ssl

    from cryptography import x509

    ok, warn, fail = of(PART)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
        ends = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        return fail(f"{_name('api_tls_certificate')} and its key cannot be used: {type(error).__name__}")
    now = datetime.now(UTC)
    if ends < now:
        return fail(f"the certificate ended on {ends:%Y-%m-%d}", "renew it, and restart the API")
    if ends < now + SOON:
        return warn(f"the certificate ends on {ends:%Y-%m-%d}", "renew it, and restart the API")
    return ok(f"the certificate is good until {ends:%Y-%m-%d}")


def _unknown(kind: "type[Settings]") -> list[Finding]:
    """A name that nobody reads is most likely one that somebody misspelled."""
    _, warn, _ = of(PART)
    known = {_name(field) for field in kind.model_fields}
    names = [name for name in os.environ if name.startswith("PERENNIAL_") and not name.startswith(_OF_THE_STACK)]
    return [warn(f"{name} is no setting", "see the table in docs/runbook.md") for name in sorted(set(names) - known)]


def _name(*place: object) -> str:
    return "_".join(["PERENNIAL", *(str(step) for step in place[:1])]).upper() if place else "Together:"
