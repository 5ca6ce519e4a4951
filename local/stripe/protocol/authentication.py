"""Keys and versions (https://docs.stripe.com/api/authentication, https://docs.stripe.com/api/versioning)."""

import base64
import binascii
from collections.abc import Mapping

from ..world import API_VERSION
from .errors import StripeError, not_emulated


def api_key(headers: Mapping[str, str]) -> str:
    """The secret test key of a request, by Bearer or Basic."""
    key = _credential(headers.get("authorization", ""))
    if not key:
        raise _refused(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
            "https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/."
        )
    if key.startswith(("sk_live_", "rk_live_")):
        raise _refused("A live key was sent to the local Stripe. It takes only test keys (sk_test_...).")
    if key.startswith("rk_test_"):
        raise _refused("Restricted keys are not emulated by the local Stripe. Use a secret test key (sk_test_...).")
    if key.startswith("pk_"):
        raise _refused(
            "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list "
            "of your API keys at https://dashboard.stripe.com/account/apikeys.",
            "secret_key_required",
        )
    if not key.startswith("sk_test_"):
        raise _refused(f"Invalid API Key provided: {key[:7]}{'*' * max(len(key) - 11, 0)}{key[-4:]}")
    return key


def _credential(authorization: str) -> str:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def _refused(message: str, code: str | None = None) -> StripeError:
    return StripeError(401, message, code=code, replayable=False)


def check_version(headers: Mapping[str, str]) -> None:
    version = headers.get("stripe-version", API_VERSION)
    if version != API_VERSION:
        message = f"The local Stripe speaks API version {API_VERSION} only; this request asked for {version}."
        raise StripeError(400, message, code="local_stripe_not_emulated", replayable=False)
    for header in ("Stripe-Account", "Stripe-Context"):
        if headers.get(header):
            raise not_emulated(f"Connect ({header})")
