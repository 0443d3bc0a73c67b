"""Child processes of the local stack: started, watched and stopped, and never left behind."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class StartError(Exception):
    """A server did not come up; the message holds the end of its log."""


def die_with_parent(sig: int = signal.SIGTERM) -> None:
    """Ask the kernel to send `sig` to the calling process when its parent is gone, even by SIGKILL.

    Called in the child, after its user was changed (a change of user clears the wish). Linux only; elsewhere the
    next start finds leftovers by the recorded process ids. The kernel watches the parent's *thread*: whoever starts
    servers does so from a thread that lives as long as they should.
    """
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(sig), 0, 0, 0)


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    user: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    parting: int = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own (a Ctrl-C in the terminal is ours to pass on), output appended to `log`.

    `user` needs root; `parting` is the signal that the child gets when this process dies.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(env) if env is not None else None,
            cwd=cwd,
            user=user,
            group="nogroup" if user and _has_group("nogroup") else user,
            extra_groups=[] if user else None,
            start_new_session=True,
            # Safe here: the function is one preloaded C call, no import and no lock in the forked child.
            preexec_fn=lambda: die_with_parent(parting),
        )


def _has_group(name: str) -> bool:
    import grp

    return any(group.gr_name == name for group in grp.getgrall())


def wait_ready(
    process: subprocess.Popen[bytes], ready: Callable[[], bool], *, what: str, log: Path, seconds: float = 30.0
) -> None:
    """Return as soon as `ready()` holds; raise StartError when the process ends before or the time is over."""
    end = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None:
            raise StartError(f"{what} ended with code {process.returncode} while starting\n{tail(log)}")
        if time.monotonic() > end:
            raise StartError(f"{what} was not ready within {seconds:.0f} s\n{tail(log)}")
        time.sleep(0.01)


def end(process: subprocess.Popen[bytes], sig: int = signal.SIGTERM, *, seconds: float = 10.0) -> None:
    """Stop a process politely, by force when it has not gone within `seconds`."""
    if process.poll() is None:
        process.send_signal(sig)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log file, without reading all of it."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 16_384))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(wanted: int | None = None) -> int:
    """`wanted` when nothing listens there, else a port that the kernel picks."""
    if wanted and is_free(wanted):
        return wanted
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
