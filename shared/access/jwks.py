"""Public keys from a file or a URL, read again when a token names a key that is not known yet."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

AGAIN = 5.0
"""Seconds between two readings, however many unknown keys are named."""
LARGEST = 1 << 18

PublicKey = ECKey | RSAKey


class KeysUnreadable(Exception):
    """The source of the public keys cannot be read now; nothing can be said about a token."""


class PublicKeys:
    """`source`: path of a JWKS file, or its http(s) URL; None: no key is known."""

    def __init__(self, source: str | None, *, timeout: float = 5) -> None:
        self.source, self.timeout = source, timeout
        self._keys: dict[str, PublicKey] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def find(self, kid: str) -> PublicKey | None:
        """The key of that id. Raises KeysUnreadable when it is unknown and the source cannot be read."""
        if kid not in self._keys and self.source is not None:
            async with self._reading:
                if kid not in self._keys and time.monotonic() - self._read_at > AGAIN:
                    self._keys = await asyncio.to_thread(self._read, self.source)
                    self._read_at = time.monotonic()
        return self._keys.get(kid)

    def _read(self, source: str) -> dict[str, PublicKey]:
        try:
            if source.startswith(("http://", "https://")):
                with urllib.request.urlopen(source, timeout=self.timeout) as answer:  # noqa: S310 (http or https, above)
                    raw = answer.read(LARGEST)
            else:
                raw = Path(source).read_bytes()
            return parse(json.loads(raw))
        except (OSError, ValueError, JoseError) as error:
            raise KeysUnreadable(f"{source}: {error}") from error


def parse(jwks: Mapping[str, Any]) -> dict[str, PublicKey]:
    """Keys by id. Only EC and RSA keys count: a symmetric key in a public set must never verify anything."""
    usable = [key for key in jwks["keys"] if key.get("kty") in ("EC", "RSA")]
    if not usable:
        return {}
    keys = KeySet.import_key_set({"keys": usable}).keys
    return {key.kid: key for key in keys if key.kid and isinstance(key, ECKey | RSAKey)}


def new_key() -> ECKey:
    """A fresh P-256 key whose id is its thumbprint."""
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    assert isinstance(key, ECKey)
    return key


def read_private(path: Path) -> ECKey:
    """A private key from a file with one JWK."""
    return ECKey.import_key(json.loads(path.read_text()))


def write_private(path: Path, key: ECKey) -> None:
    """Readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(key.as_dict(private=True)))


def public(*keys: ECKey) -> dict[str, Any]:
    """The JWKS to be published."""
    return {"keys": [key.as_dict(private=False) for key in keys]}
