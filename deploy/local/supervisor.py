"""Starts, watches and stops the processes of the stack, and tells a person at a terminal what happens."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from deploy.local import home as homes
from deploy.local.processes import Process, StartError, tail

# Waits before a crashed process is started again; one that held for STEADY seconds begins anew.
BACKOFF = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
STEADY = 30.0
LOG_BYTES = 20_000_000
_SHUTDOWN = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Server(Protocol):
    """Something that can be started, looked at and stopped; `start` after a crash keeps its port."""

    @property
    def log(self) -> Path: ...
    @property
    def process(self) -> Process | None: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...


class Stop(BaseException):
    """A person, or the system, wants the stack to end."""


@dataclass
class Watched:
    """One process: how often it was started again, and when it may be once more."""

    name: str
    server: Server
    port: int | None
    drains: bool = False
    since: float = 0.0
    restarts: int = 0
    failures: int = 0
    retry_at: float | None = None


@dataclass
class Supervisor:
    """The processes in the order of their start. Use as a context: leaving it stops them in the reverse order."""

    home: Path
    gateway: str = ""
    ready: bool = False
    watched: dict[str, Watched] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    def __enter__(self) -> Supervisor:
        self._wake, write = socket.socketpair()
        for end in (self._wake, write):
            end.setblocking(False)
        self._wake_write = write
        signal.set_wakeup_fd(write.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to wake `watch`
        for sig in _SHUTDOWN:
            signal.signal(sig, _stop)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            for sig in _SHUTDOWN:
                signal.signal(sig, self._kill_all)
            self._stop_all()
        finally:
            signal.set_wakeup_fd(-1)
            for sig in (*_SHUTDOWN, signal.SIGCHLD):
                signal.signal(sig, signal.SIG_DFL)
            self._wake.close()
            self._wake_write.close()

    @property
    def elapsed(self) -> float:
        """Seconds since the start began."""
        return time.monotonic() - self.began

    @contextlib.contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Say what is being done, and then how long it took."""
        began = time.monotonic()
        say(f"  {what:<42}", end="")
        try:
            yield
        except Stop:
            say("interrupted")
            raise
        except BaseException:
            say("failed")
            raise
        say(f"{time.monotonic() - began:6.2f} s")

    def start(self, name: str, server: Server, *, port: int | None = None, drains: bool = False) -> None:
        """Start a process and watch it from now on; those that drain are told to stop first, all at once."""
        self.watched[name] = Watched(name, server, port, drains)
        server.start()
        self.watched[name].since = time.monotonic()
        self.record()

    def wait_until_ready(self, answers: Callable[[str], bool], names: list[str], *, seconds: float = 60) -> list[str]:
        """Wait for the named services; StartError when one ends. Returns those that were not ready in time."""
        waiting = list(names)
        deadline = time.monotonic() + seconds
        while waiting and time.monotonic() < deadline:
            for name in waiting:
                process = self.watched[name].server.process
                if process is None or process.poll() is not None:
                    raise StartError(f"{name} ended while starting\n{tail(self.watched[name].server.log, 30)}")
            waiting = [name for name in waiting if not answers(name)]
            if waiting:
                time.sleep(0.05)
        return waiting

    def watch(self) -> None:
        """Look after the processes until Stop: report one that ended, start it again after a growing wait."""
        while True:
            for watched in self.watched.values():
                self._look_after(watched)
            retries = [watched.retry_at for watched in self.watched.values() if watched.retry_at is not None]
            patience = min([1.0, *(at - time.monotonic() for at in retries)])
            select.select([self._wake], [], [], max(0.0, patience))
            with contextlib.suppress(BlockingIOError):
                self._wake.recv(4096)

    def record(self) -> None:
        """Write who runs, for `token`, `down`, the tests, and the next start should this one be killed."""
        processes: dict[str, Any] = {}
        for watched in self.watched.values():
            process = watched.server.process
            if process is not None:
                processes[watched.name] = {
                    "pid": process.pid,
                    "born": homes.born(process.pid) or 0.0,
                    "port": watched.port,
                    "restarts": watched.restarts,
                    "log": str(watched.server.log),
                }
        homes.write_state(
            self.home,
            {
                "pid": os.getpid(),
                "born": homes.born(os.getpid()),
                "gateway": self.gateway,
                "ready": self.ready,
                "processes": processes,
            },
        )

    def _look_after(self, watched: Watched) -> None:
        now = time.monotonic()
        process = watched.server.process
        if watched.retry_at is not None:
            if now >= watched.retry_at:
                self._restart(watched)
        elif process is None or (code := process.poll()) is not None:
            if now - watched.since > STEADY:
                watched.failures = 0
            said = _indented(tail(watched.server.log, 8))
            self._fail(watched, f"{watched.name} ended ({_exit(code if process else None)}); its last words:\n{said}")
        else:
            _rotate(watched.server.log)

    def _restart(self, watched: Watched) -> None:
        watched.retry_at = None
        watched.restarts += 1
        try:
            watched.server.start()
        except StartError as error:
            self._fail(watched, f"{watched.name} did not start:\n{_indented(str(error))}")
            return
        watched.since = time.monotonic()
        self.record()
        process = watched.server.process
        self._tell(f"{watched.name} started again (process {process.pid if process else '-'})")

    def _fail(self, watched: Watched, what: str) -> None:
        wait = BACKOFF[min(watched.failures, len(BACKOFF) - 1)]
        watched.failures += 1
        watched.retry_at = time.monotonic() + wait
        self._tell(f"{what}\n    starting it again in {wait:.1f} s; all of it: {watched.server.log}")

    def _tell(self, what: str) -> None:
        say(f"[{time.strftime('%H:%M:%S')}] {what}")

    def _stop_all(self) -> None:
        if not self.watched:
            return
        say("\nStopping (Ctrl-C again: at once)")
        self.ready = False
        waiting = list(reversed(self.watched.values()))
        # The services were started last. Told together, they drain side by side while gateway and stores still serve.
        for watched in waiting:
            process = watched.server.process
            if watched.drains and process is not None and process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for watched in waiting:
            watched.server.stop()
        say(f"Stopped; data kept in {self.home} (make down clears it)")

    def _kill_all(self, _signal: int, _frame: FrameType | None) -> None:
        for watched in self.watched.values():
            process = watched.server.process
            if process is not None and process.poll() is None:
                process.kill()


def say(what: str, end: str = "\n") -> None:
    """Print at once; a terminal that was closed must not keep the stack from being stopped."""
    with contextlib.suppress(OSError):
        print(what, end=end, flush=True)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    for sig in _SHUTDOWN:  # the next one means "at once", and is for the shutdown to hear
        signal.signal(sig, signal.SIG_IGN)
    raise Stop


def _exit(code: int | None) -> str:
    if code is None:
        return "not running"
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"


def _indented(text: str) -> str:
    return "\n".join(f"    | {line}" for line in text.splitlines())


def _rotate(log: Path) -> None:
    """Keep one older file. Copied and cut: whoever appends goes on in the same file, from its new end."""
    try:
        if log.stat().st_size < LOG_BYTES:
            return
    except FileNotFoundError:
        return
    older = log.with_suffix(".log.1")
    with log.open("rb") as source, older.open("wb") as target:
        while chunk := source.read(1 << 20):
            target.write(chunk)
    os.truncate(log, 0)
