"""Keys of partner systems: `trama_<id in hexadecimal>_<secret>`. Only the hash of the secret is ever kept or told."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

FORM = re.compile(r"trama_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")
SCOPE = re.compile(r"[a-z]+:(\*|[a-z_.]+)")


def issue(key_id: UUID) -> tuple[str, str]:
    """A fresh key as its owner is shown it once, and the hash (hexadecimal SHA-256) of its 256 random bits."""
    secret = secrets.token_urlsafe(32)
    return f"trama_{key_id.hex}_{secret}", digest(secret)


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def parse(credential: str) -> tuple[UUID, str] | None:
    """The key's id and the hash of the secret that was shown; None when it is no API key."""
    found = FORM.fullmatch(credential)
    return (UUID(found[1]), digest(found[2])) if found else None


def good(row: Any, secret_sha256: str | None, now: datetime) -> bool:
    """The key in `row` (of `api_keys`) is in force at `now` (wall time) and, when a secret was shown, is shown rightly.

    The previous secret is good until `previous_until`: a partner rotates without an outage.
    """
    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        return False
    if secret_sha256 is None or hmac.compare_digest(row.secret_sha256, secret_sha256):
        return True
    previous = row.previous_sha256 if row.previous_until is not None and now < row.previous_until else None
    return previous is not None and hmac.compare_digest(previous, secret_sha256)
