"""TRAMA_HOME: the one folder of a running stack. Who runs it, what was left behind, and how it is cleared."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

from deploy.local import postgres

ROOT = Path(__file__).parents[2]
# What the stack itself writes; anything else in the folder belongs to somebody else and is never removed.
_OURS = ("logs", "secrets", "nats", "mail", "gateway", "clock.json", "state.json", "lock")


class AlreadyRunning(Exception):
    """Another process runs the stack of this home; the message says where."""


def path() -> Path:
    """The folder named by TRAMA_HOME, or `.trama` in the project."""
    return Path(os.environ.get("TRAMA_HOME") or ROOT / ".trama").absolute()


@contextlib.contextmanager
def held(home: Path) -> Iterator[int]:
    """Hold the home, so that only one stack runs in it; raises AlreadyRunning.

    Gives the lock's descriptor: a forked child closes it, or it would hold the home after its parent's death.
    """
    home.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            state = read_state(home)
            where = state.get("gateway", "an address that it will print")
            raise AlreadyRunning(f"already running at {where} (process {state.get('pid')}, {home})") from None
        yield descriptor
    finally:
        with contextlib.suppress(OSError):
            os.close(descriptor)


def is_held(home: Path) -> bool:
    """Whether a stack runs in this home."""
    if not (home / "lock").exists():
        return False
    try:
        with held(home):
            return False
    except AlreadyRunning:
        return True


def running(home: Path) -> Path | None:
    """The home in which a stack runs: this one, or the demo's inside it. (This one also stands for one elsewhere.)"""
    if read_state(home).get("elsewhere"):
        return home
    return next((place for place in (home, home / "demo") if is_held(place)), None)


def read_state(home: Path) -> dict[str, Any]:
    """What the running, or the last, stack wrote: gateway, ready, pid, processes (name -> pid, port, restarts...)."""
    try:
        state: dict[str, Any] = json.loads((home / "state.json").read_text())
    except FileNotFoundError:
        return {}
    return state


def write_state(home: Path, state: Mapping[str, Any]) -> None:
    """Replace the state file; a reader sees the old one or the new one whole."""
    draft = home / f".state.{os.getpid()}"
    draft.write_text(json.dumps(state, indent=2))
    draft.replace(home / "state.json")


def born(pid: int) -> float | None:
    """When the process started (with its id this names it for good), or None when there is none."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def recorded(home: Path) -> list[psutil.Process]:
    """The processes of the state file that still live; a process that merely got an old id again is not among them."""
    alive = []
    for entry in read_state(home).get("processes", {}).values():
        when = born(entry["pid"])
        # Two clocks are compared, boot time and now: a second's difference is the same process.
        if when is not None and abs(when - entry["born"]) < 1:
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(entry["pid"])
                if process.status() != psutil.STATUS_ZOMBIE:
                    alive.append(process)
    return alive


def stop_leftovers(home: Path) -> int:
    """Stop what a stack that was killed left running; returns how many processes."""
    left = recorded(home)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            # SIGINT: for PostgreSQL the fast shutdown; the others end on it as well.
            process.send_signal(signal.SIGINT)
    for process in psutil.wait_procs(left, timeout=15)[1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=5)
    return len(left)


def stop_running(home: Path) -> bool:
    """Stop the stack of this home as Ctrl-C would, by force after a minute; returns whether one ran."""
    if not is_held(home):
        stop_leftovers(home)
        return False
    state = read_state(home)
    if state and (when := born(state["pid"])) is not None and abs(when - state["born"]) < 1:
        supervisor = psutil.Process(state["pid"])
        supervisor.send_signal(signal.SIGTERM)
        # The lock tells its end, not its process id: that one stays as long as its parent has not asked for it.
        if not _freed(home, seconds=60):
            supervisor.kill()
            _freed(home, seconds=10)
    stop_leftovers(home)
    return True


def _freed(home: Path, *, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while is_held(home):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def clear(home: Path) -> list[str]:
    """Remove all that the stack keeps, also what lies outside; returns the names of what is not ours and stays."""
    postgres.clear(home)
    for name in _OURS:
        entry = home / name
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)
    if not home.exists():
        return []
    left = sorted(entry.name for entry in home.iterdir())
    if not left:
        home.rmdir()
    return left
