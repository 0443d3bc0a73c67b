"""The domain clock: one for all processes, monotone, settable in the local profile.

The file holds an instant and the wall time at which it was set; time goes on from there. Tokens, retries, ids and
`recorded_at` do not use it: they are wall time.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

ROME = ZoneInfo("Europe/Rome")


def wall() -> datetime:
    return datetime.now(UTC)


class Clock:
    """`path`: the file that sets it, read again when it changes; None: wall time."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._changed = 0
        self._shift = timedelta()
        self._last = datetime.min.replace(tzinfo=UTC)

    def now(self) -> datetime:
        """The instant, in UTC; never before one that this clock has told."""
        if self.path is not None:
            self._read(self.path)
        self._last = max(self._last, wall() + self._shift)
        return self._last

    def today(self) -> date:
        """The day in Italy."""
        return self.now().astimezone(ROME).date()

    def _read(self, path: Path) -> None:
        try:
            changed = path.stat().st_mtime_ns
        except FileNotFoundError:
            return  # not set yet; a file that is removed leaves the clock where it was
        if changed != self._changed:
            self._shift = _shift(path)
            self._changed = changed


def _shift(path: Path) -> timedelta:
    held = json.loads(path.read_text())
    return datetime.fromisoformat(held["instant"]) - datetime.fromisoformat(held["anchor"])


def set(path: Path, instant: datetime) -> None:  # noqa: A001 (read as `clock.set`)
    """Every process that reads `path` is at `instant` from now on. Raises ValueError when that would be going back."""
    now = wall()
    if path.exists() and instant < now + _shift(path):
        raise ValueError(f"the clock stands at {now + _shift(path):%Y-%m-%dT%H:%M:%S%z} and never goes back")
    if not path.exists() and instant < now:
        raise ValueError("the clock never goes back")
    _write(path, instant, now)


def begin(path: Path, instant: datetime) -> None:
    """The first instant of a clock that nobody has read yet, in the past too; one that runs already stays as it is."""
    if not path.exists():
        _write(path, instant, wall())


def _write(path: Path, instant: datetime, now: datetime) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{uuid4().hex}")
    fresh.write_text(json.dumps({"instant": instant.isoformat(), "anchor": now.isoformat()}))
    os.replace(fresh, path)  # readers see the old one or the new one, never half  # noqa: PTH105
