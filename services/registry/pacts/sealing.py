"""Envelope encryption of what is written about people in pacts.

Each pact has a data key of its own; the platform's master key only wraps it. Destroying the wrapped key makes every
text of the pact unreadable, wherever copies of the ciphertext are. The master key may be replaced: new ones wrap, older
ones only unwrap until each data key has been wrapped anew.

Everything is AES-256-GCM. What a text is and to which pact it belongs are authenticated with it, so that nobody with
access to the database can put one text in another's place.
"""

from __future__ import annotations

import json
import os
import secrets
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE, SIZE = 12, 32
"""Bytes of a nonce, which stands before each ciphertext, and of a key."""


class Unreadable(Exception):
    """The key that would open it is not among those configured, or what is kept was tampered with."""


@dataclass(frozen=True)
class Wrapped:
    """A pact's key as it is kept: wrapped by the master key `key_id`."""

    key_id: str
    wrapped: bytes


@dataclass(frozen=True)
class PactKey:
    """The open key of one pact. `what` names the text: what was sealed as one thing cannot be read as another."""

    pact_id: UUID
    key: bytes = field(repr=False)

    def seal(self, what: str, text: str) -> bytes:
        return _seal(self.key, text.encode(), self._bound(what))

    def open(self, what: str, sealed: bytes) -> str:
        """Raises Unreadable."""
        return _open(self.key, sealed, self._bound(what)).decode()

    def _bound(self, what: str) -> bytes:
        return f"{self.pact_id}/{what}".encode()


class Vault:
    """The master keys by id; `current` wraps."""

    def __init__(self, keys: Mapping[str, bytes], current: str) -> None:
        self.keys, self.current = dict(keys), current

    def __repr__(self) -> str:
        return f"Vault(current={self.current!r})"

    def new_key(self, pact_id: UUID) -> tuple[PactKey, Wrapped]:
        key = PactKey(pact_id, secrets.token_bytes(SIZE))
        return key, self._wrap(key)

    def unwrap(self, pact_id: UUID, kept: Wrapped) -> PactKey:
        """Raises Unreadable."""
        master = self.keys.get(kept.key_id)
        if master is None:
            raise Unreadable(f"no master key {kept.key_id}")
        return PactKey(pact_id, _open(master, kept.wrapped, _binding(pact_id, kept.key_id)))

    def rewrap(self, pact_id: UUID, kept: Wrapped) -> Wrapped:
        """The same key, wrapped by the current master key. Raises Unreadable."""
        return self._wrap(self.unwrap(pact_id, kept))

    def _wrap(self, key: PactKey) -> Wrapped:
        wrapped = _seal(self.keys[self.current], key.key, _binding(key.pact_id, self.current))
        return Wrapped(self.current, wrapped)


def _binding(pact_id: UUID, key_id: str) -> bytes:
    return f"{pact_id} key {key_id}".encode()


def _seal(key: bytes, content: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, content, bound)


def _open(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], bound)
    except (InvalidTag, ValueError) as error:
        raise Unreadable(type(error).__name__) from None


# --- the master keys as operators keep them: a JWK set, the first one wraps ------------------------------------------


def vault(text: str) -> Vault:
    """From a JWK set of symmetric keys, 256 bits each with an id of its own. Raises ValueError, which never says what
    a key is."""
    try:
        found = json.loads(text)
        given = [(str(key["kid"]), _secret(key)) for key in found["keys"]]
    except (KeyError, TypeError, ValueError):
        raise ValueError('not a JWK set of symmetric 256-bit keys: {"keys": [{"kty": "oct", "kid", "k"}]}') from None
    if not given:
        raise ValueError("a JWK set without a key")
    if len({key_id for key_id, _ in given}) != len(given):
        raise ValueError("two keys with the same kid")
    return Vault(dict(given), given[0][0])


def _secret(key: Mapping[str, str]) -> bytes:
    secret = urlsafe_b64decode(key["k"] + "=" * (-len(key["k"]) % 4))
    if key["kty"] != "oct" or len(secret) != SIZE or not key["kid"]:
        raise ValueError
    return secret
