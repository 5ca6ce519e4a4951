"""What Temporal keeps, encrypted by us before it gets there: AES-GCM with keys that Temporal never sees.

Off unless an installation has keys. Keys rotate: the first one encrypts, all of them decrypt, and what was written in
clear before stays readable. https://docs.temporal.io/production-deployment/data-encryption
"""

import os
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

ENCODING = b"binary/encrypted"
KEY_ID = "encryption-key-id"
NONCE_BYTES = 12
"""96 random bits for each payload: https://csrc.nist.gov/pubs/sp/800/38/d/final, section 8.2.2 (2^32 for one key)."""


class CannotDecrypt(ValueError):
    """Its key is not among ours, or it was changed on the way. The message names the key, never the content."""


class Encryption(PayloadCodec):
    """A whole payload, with its metadata, inside another one that says only which key it needs."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """``keys``: id to 32 bytes; the first one encrypts."""
        self._ciphers = {name: AESGCM(key) for name, key in keys.items()}
        self._present = next(iter(keys))

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Each with a nonce of its own, so that nobody sees that two are equal."""
        return [self._encrypted(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """What is in clear passes as it is. Raises `CannotDecrypt`."""
        return [self.decrypted(payload) for payload in payloads]

    def _encrypted(self, payload: Payload) -> Payload:
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self._present].encrypt(nonce, payload.SerializeToString(), _bound_to(self._present))
        return Payload(metadata={"encoding": ENCODING, KEY_ID: self._present.encode()}, data=nonce + sealed)

    def decrypted(self, payload: Payload) -> Payload:
        """One of them."""
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        name = payload.metadata.get(KEY_ID, b"").decode(errors="replace")
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise CannotDecrypt(f"there is no key {name[:64]!r}: keep old keys for as long as Temporal keeps histories")
        nonce, sealed = payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:]
        try:
            return Payload.FromString(cipher.decrypt(nonce, sealed, _bound_to(name)))
        except (InvalidTag, ValueError):
            raise CannotDecrypt(f"what key {name[:64]!r} encrypted was changed, or it is another key") from None


def _bound_to(key_id: str) -> bytes:
    """Associated data: what says how to read it cannot be exchanged either."""
    return b"perennial/1 " + ENCODING + b" " + key_id.encode()
