"""Passwords and keys of the local stack: random, made once, kept under TRAMA_HOME/secrets, mode 0600."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from joserfc.jwk import ECKey, OctKey


def folder(home: Path) -> Path:
    path = home / "secrets"
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def password(home: Path, name: str) -> str:
    """The password called `name`, e.g. "postgres-registry"; made at the first call."""
    return once(folder(home) / name, lambda: secrets.token_urlsafe(24))


def once(path: Path, make: Callable[[], str], mode: int = 0o600) -> str:
    """The text of `path`; `make()` is written first when it does not exist. Two callers at once agree on one text."""
    if not path.exists():
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
            file.write(make())
        with contextlib.suppress(FileExistsError):  # another process was first: its text holds
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text()


@dataclass(frozen=True)
class Keys:
    """Files of the signing keys (private JWK) and of the public key sets that verify them."""

    registry: Path
    registry_jwks: Path
    links: Path
    links_jwks: Path


def keys(home: Path) -> Keys:
    """ES256 keys of the registry's issuer and of notify's links, made once; private ones 0600, public sets 0644."""
    place = folder(home)
    files = Keys(
        place / "registry-key.json", place / "registry-jwks.json", place / "links-key.json", place / "links-jwks.json"
    )
    for private, public in ((files.registry, files.registry_jwks), (files.links, files.links_jwks)):
        key = ECKey.import_key(json.loads(once(private, _new_key)))
        # Written from the private key every time: a lost or stale public set heals at the next start.
        text = json.dumps({"keys": [key.as_dict(private=False)]})
        if not public.exists() or public.read_text() != text:
            draft = public.with_name(f".{public.name}.{os.getpid()}")
            draft.write_text(text)
            draft.chmod(0o644)
            draft.replace(public)
    return files


def badge_key(home: Path) -> Path:
    """File of the key with which learning signs credentials (a private JWK), made once, 0600."""
    path = folder(home) / "badge-key.json"
    once(path, _new_key)
    return path


def pact_keys(home: Path) -> Path:
    """File of the master keys with which the registry wraps the keys of pacts (a JWK set), made once, 0600."""
    path = folder(home) / "pact-keys.json"
    once(path, lambda: json.dumps({"keys": [OctKey.generate_key(256, auto_kid=True).as_dict(private=True)]}))
    return path


def webhook_keys(home: Path) -> Path:
    """File of the keys with which notify seals the secrets of webhooks (a JWK set), made once, 0600."""
    path = folder(home) / "webhook-keys.json"
    once(path, lambda: json.dumps({"keys": [OctKey.generate_key(256, auto_kid=True).as_dict(private=True)]}))
    return path


def _new_key() -> str:
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    return json.dumps(key.as_dict(private=True))
