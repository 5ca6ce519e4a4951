"""Keys and versions (https://docs.stripe.com/api/authentication, https://docs.stripe.com/api/versioning)."""

import base64
import binascii
from collections.abc import Mapping

from ..world import API_VERSION
from .errors import StripeError


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


def _refused(message: str) -> StripeError:
    return StripeError(401, message, replayable=False)


def check_version(headers: Mapping[str, str]) -> None:
    version = headers.get("stripe-version", API_VERSION)
    if version != API_VERSION:
        message = f"The local Stripe speaks API version {API_VERSION} only; this request asked for {version}."
        raise StripeError(400, message, replayable=False)
    if headers.get("stripe-account"):
        raise StripeError(400, "Connect (Stripe-Account) is not emulated by the local Stripe.", replayable=False)
