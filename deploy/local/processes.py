"""Child processes of the local stack: started, watched and stopped, and never left behind."""

from __future__ import annotations

import ctypes
import multiprocessing
import multiprocessing.process
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class StartError(Exception):
    """A server did not come up; the message holds the end of its log."""


class Process(Protocol):
    """What the supervisor needs of a child, however it was started."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def send_signal(self, sig: int, /) -> None: ...
    def kill(self) -> None: ...
    def wait(self, timeout: float | None = None) -> int: ...


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


def wait_ready(process: Process, ready: Callable[[], bool], *, what: str, log: Path, seconds: float = 30.0) -> None:
    """Return as soon as `ready()` holds; raise StartError when the process ends before or the time is over."""
    end = time.monotonic() + seconds
    while not ready():
        code = process.poll()
        if code is not None:
            raise StartError(f"{what} ended with code {code} while starting\n{tail(log)}")
        if time.monotonic() > end:
            raise StartError(f"{what} was not ready within {seconds:.0f} s\n{tail(log)}")
        time.sleep(0.01)


def end(process: Process, sig: int = signal.SIGTERM, *, seconds: float = 10.0) -> None:
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
    """`wanted` when nothing listens there, else a free port below those that the system gives to outgoing connections.

    A server's port among the latter could be taken while the server restarts, even by its own clients: one that
    connects to a closed port of that range now and then meets itself.
    """
    if wanted and is_free(wanted):
        return wanted
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        if is_free(port):
            return port


class Forked:
    """A child that is a copy of this process: everything imported is there already, shared until written.

    Five services imported one by one take 15 s on two cores; forked from one parent they take the 3 s of the first.
    The parent must run no thread and no event loop.
    """

    def __init__(
        self, run: Callable[[], None], *, log: Path, environment: Mapping[str, str], close: Sequence[int] = ()
    ) -> None:
        self.log = log
        self.process: _ForkedProcess | None = None
        self._run = run
        self._environment = environment
        self._close = close

    def start(self) -> None:
        """Fork; the child begins at once. Its output is appended to the log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        assert threading.active_count() == 1, "a fork would copy the locks of other threads as they are"
        child = multiprocessing.get_context("fork").Process(target=self._child, args=(os.getpid(),))
        child.start()
        self.process = _ForkedProcess(child)

    def stop(self) -> None:
        self._end(signal.SIGTERM, 20)

    def kill(self) -> None:
        self._end(signal.SIGKILL, 5)

    def _end(self, sig: int, seconds: float) -> None:
        if self.process is not None:
            end(self.process, sig, seconds=seconds)
            self.process = None

    def _child(self, parent: int) -> None:
        os.setsid()  # a Ctrl-C in the terminal is the supervisor's to pass on
        die_with_parent()
        if os.getppid() != parent:  # it died before the wish was made
            return
        signal.set_wakeup_fd(-1)
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(sig, signal.SIG_DFL)
        output = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(output, 1)
        os.dup2(output, 2)
        for descriptor in (output, *self._close):
            os.close(descriptor)
        os.environ.update(self._environment)
        self._run()


class _ForkedProcess:
    """The part of subprocess.Popen that is used here, for a child of multiprocessing."""

    def __init__(self, child: multiprocessing.process.BaseProcess) -> None:
        self._child = child
        assert child.pid is not None
        self.pid = child.pid

    def poll(self) -> int | None:
        return self._child.exitcode

    def send_signal(self, sig: int) -> None:
        if self._child.exitcode is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        self._child.kill()

    def wait(self, timeout: float | None = None) -> int:
        self._child.join(timeout)
        code = self._child.exitcode
        if code is None:
            raise subprocess.TimeoutExpired(str(self._child.name), timeout or 0)
        return code


def run_together(
    jobs: Mapping[str, Forked], *, meanwhile: Callable[[], None] = lambda: None, seconds: float = 300
) -> None:
    """Run forked jobs side by side to their end, and `meanwhile` here; StartError with the log of one that failed."""
    for job in jobs.values():
        job.start()
    try:
        meanwhile()
        deadline = time.monotonic() + seconds
        for name, job in jobs.items():
            assert job.process is not None
            try:
                code = job.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise StartError(f"{name} was not done within {seconds:.0f} s\n{tail(job.log)}") from None
            if code:
                raise StartError(f"{name} failed with code {code}\n{tail(job.log)}")
    finally:
        for job in jobs.values():
            job.kill()
