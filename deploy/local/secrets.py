"""Passwords and keys of the local stack: random, made once, kept under TRAMA_HOME/secrets, mode 0600."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path


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
