from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).parents[2]
STANDIN = Path(__file__).with_name("standin.py")


def until(what: str, ask: Callable[[], bool], seconds: float = 30) -> None:
    """Ask until it holds; fails naming `what` after `seconds`."""
    end = time.monotonic() + seconds
    while not ask():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.02)


def checkout(place: Path) -> Path:
    """What the stack reads of the checkout, copied to where another user reaches it (ours may be closed to others)."""
    copy = place / "checkout"
    if not copy.exists():
        for folder in ("deploy", "shared", "tests/local"):
            shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@dataclass
class Local:
    """The stack with stand-in services, in a home of its own."""

    home: Path
    user: str | None = None
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    started: list[psutil.Process] = field(default_factory=list)

    def _command(self, command: str) -> list[str]:
        if self.user is None:
            return [sys.executable, str(STANDIN), command]
        return [sys.executable, str(checkout(self.home.parent) / STANDIN.relative_to(ROOT)), command, self.user]

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "TRAMA_HOME": str(self.home), "TRAMA_PORT": str(self.port), "PYTHONUNBUFFERED": "1"}

    @property
    def _output(self) -> Path:
        return Path(f"{self.home}.out")

    @property
    def said(self) -> str:
        return self._output.read_text()

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.home / "state.json").read_text())
        return state

    def up(self, **variables: str) -> None:
        """Start it and return when it says that it is ready."""
        environment = {**self._environment, **variables}
        with self._output.open("wb") as out:
            self.process = subprocess.Popen(self._command("up"), env=environment, stdout=out, stderr=out)
        process = self.process

        def ready() -> bool:
            assert process.poll() is None, self.said
            return "Ready in" in self.said

        until("the stack is ready", ready, 60)
        self.started += [psutil.Process(entry["pid"]) for entry in self.state["processes"].values()]

    def run(self, command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**self._environment, **variables}
        return subprocess.run(
            self._command(command), env=environment, capture_output=True, text=True, check=False, timeout=60
        )

    def pid(self, name: str) -> int:
        return int(self.state["processes"][name]["pid"])

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(40)

    def left(self) -> list[psutil.Process]:
        """Those of the processes ever started that still live."""
        return [each for each in self.started if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture
def local() -> Iterator[Callable[..., Local]]:
    """Makes stacks; whatever a test leaves is stopped and cleared."""
    made: list[Local] = []
    folder = Path(tempfile.mkdtemp(prefix="trama-test-", dir="/var/tmp"))
    folder.chmod(0o755)

    def make(mode: int = 0o755, user: str | None = None) -> Local:
        parent = folder / str(len(made))
        parent.mkdir()
        if user:
            shutil.chown(parent, user)
        parent.chmod(mode)
        made.append(Local(parent / "home", user))
        return made[-1]

    yield make
    for stack in made:
        stack.run("down")
        if stack.process is not None and stack.process.poll() is None:
            stack.process.kill()
    shutil.rmtree(folder)
