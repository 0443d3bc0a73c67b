"""Endpoints' secrets at rest: AES-256-GCM under the platform's webhook key, bound to their endpoint.

Keys are a JWK set of symmetric keys, as the registry's for pacts: the first seals, the others open what they sealed
until it is sealed anew (`commands.reseal`, at each start). Each secret is 32 bytes, so no key of its own wraps it.
"""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE, SIZE, LONGEST_ID = 12, 32, 64


class Unreadable(Exception):
    """The key that would open it is not among those configured, or what is kept was tampered with."""


class Safe:
    """The keys by id; `current` seals. What is kept is the length of the key's id, its id, a nonce, the ciphertext."""

    def __init__(self, keys: Mapping[str, bytes], current: str) -> None:
        self.keys, self.current = {kid: AESGCM(key) for kid, key in keys.items()}, current

    def __repr__(self) -> str:
        return f"Safe(current={self.current!r})"

    def seal(self, endpoint_id: UUID, secret: bytes) -> bytes:
        kid, nonce = self.current.encode(), os.urandom(NONCE)
        return bytes([len(kid)]) + kid + nonce + self.keys[self.current].encrypt(nonce, secret, _bound(endpoint_id))

    def open(self, endpoint_id: UUID, sealed: bytes) -> bytes:
        """Raises Unreadable."""
        rest = sealed[1 + sealed[0] :]
        key = self.keys.get(key_of(sealed))
        if key is None:
            raise Unreadable("no such key")
        try:
            return key.decrypt(rest[:NONCE], rest[NONCE:], _bound(endpoint_id))
        except (InvalidTag, ValueError) as error:
            raise Unreadable(type(error).__name__) from None


def key_of(sealed: bytes) -> str:
    """The id of the key that sealed it."""
    return sealed[1 : 1 + sealed[0]].decode("utf-8", "replace")


def _bound(endpoint_id: UUID) -> bytes:
    return f"{endpoint_id} webhook secret".encode()


def safe(text: str) -> Safe:
    """From a JWK set of symmetric keys, 256 bits each with an id of its own. Raises ValueError, which never says what
    a key is."""
    try:
        given = [(str(key["kid"]), _secret(key)) for key in json.loads(text)["keys"]]
    except (KeyError, TypeError, ValueError):
        raise ValueError('not a JWK set of symmetric 256-bit keys: {"keys": [{"kty": "oct", "kid", "k"}]}') from None
    if not given or len({kid for kid, _ in given}) != len(given):
        raise ValueError("a JWK set without a key, or with two of the same kid")
    return Safe(dict(given), given[0][0])


def _secret(key: Mapping[str, str]) -> bytes:
    secret = urlsafe_b64decode(key["k"] + "=" * (-len(key["k"]) % 4))
    if key["kty"] != "oct" or len(secret) != SIZE or not 0 < len(str(key["kid"]).encode()) <= LONGEST_ID:
        raise ValueError
    return secret
