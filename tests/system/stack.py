"""The whole platform as `make up` starts it, driven from outside: processes, the gateway, nothing imported."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

ROOT = Path(__file__).parents[2]
SERVICES = ("registry", "mapping", "events", "learning", "notify")


class NotInTime(AssertionError):
    """Something that had to become true did not, within a generous ceiling."""


def wait_for(what: str, ready: Callable[[], Any], within: float = 60.0) -> Any:
    """The first true answer of `ready`, asked at short intervals; raises NotInTime naming `what`."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        answer = ready()
        if answer:
            return answer
        time.sleep(0.05)
    raise NotInTime(f"{what}: not within {within:.0f} s")


@dataclass
class Stack:
    """A running platform: its home, its state file, its gateway."""

    home: Path
    process: subprocess.Popen[bytes]
    environment: Mapping[str, str]

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.home / "state.json").read_text())
        return state

    @property
    def url(self) -> str:
        return str(self.state["gateway"])

    @property
    def lmtp(self) -> int:
        """The port at which answers from calendars are handed over."""
        return int(self.environment["TRAMA_LMTP_PORT"])

    def token(self, role: str, network: str | None = None) -> str:
        environment = {**self.environment, "ROLE": role, **({"NETWORK": network} if network else {})}
        done = subprocess.run(
            [sys.executable, "-m", "deploy.local", "token"],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def client(self, token: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)

    def readiness(self) -> dict[str, Any]:
        with self.client() as client:
            return {name: client.get(f"/{name}/health/ready").json() for name in SERVICES}

    def settled(self, within: float = 120.0) -> None:
        """Waits until no fact is on its way: nothing to relay, to listen to, to retry, or due."""

        def quiet() -> bool:
            try:
                return all(answer.get("settled") is True for answer in self.readiness().values())
            except (httpx.HTTPError, ValueError):
                return False

        # Twice: the first calm may fall between two services' work.
        wait_for("settled", quiet, within)
        wait_for("settled again", quiet, within)

    def lag(self, service: str, part: str) -> int:
        """What waits in one part of a service, as its readiness counts it."""
        lag = self.readiness()[service]["lags"][part]
        return sum(lag.values()) if isinstance(lag, dict) else int(lag)

    def published(self, service: str) -> int:
        """Facts that the stream has acknowledged to a service since it was started, from its metrics."""
        with self.client() as client:
            exposition = client.get(f"/{service}/metrics").text
        found = re.search(rf'trama_facts_published_total{{service="{service}"}} (\S+)', exposition)
        return int(float(found[1])) if found else 0

    def mails(self, to: str | None = None) -> list[dict[str, Any]]:
        with self.client() as client:
            listing = client.get("/mail/messages.json", params={"to": to} if to else {}).json()
            return [client.get(f"/mail/messages/{item['id']}.json").json() for item in listing["items"]]

    def kill(self, process: str) -> int:
        """SIGKILL of one process by its name in the state file; returns the pid that died."""
        pid = int(self.state["processes"][process]["pid"])
        os.kill(pid, signal.SIGKILL)
        return pid

    @contextmanager
    def paused(self, process: str) -> Iterator[None]:
        """SIGSTOP: the process hangs with its connections open, and goes on afterwards."""
        pid = int(self.state["processes"][process]["pid"])
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


@contextmanager
def running(home: Path, **variables: str) -> Iterator[Stack]:
    """Starts the platform in `home` on free ports, stops it with Ctrl-C's signal. It is ten in the morning there, at
    whatever hour the tests run: reminders go out at eight."""
    begins = f"{datetime.now(ZoneInfo('Europe/Rome')).date()}T10:00"
    own = {"TRAMA_HOME": str(home), "TRAMA_PORT": "0", "TRAMA_CLOCK": begins, "TRAMA_LMTP_PORT": str(_free_port())}
    environment = {**os.environ, **own, **variables}
    log = home.parent / f"{home.name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local", "up"], cwd=ROOT, env=environment, stdout=out, stderr=out
        )
    stack = Stack(home, process, environment)

    def up() -> bool:
        assert process.poll() is None, f"the stack ended while starting:\n{log.read_text()[-4000:]}"
        if not (home / "state.json").exists():
            return False
        try:
            return all(answer.get("ready") is True for answer in stack.readiness().values())
        except (httpx.HTTPError, ValueError, KeyError):
            return False

    try:
        wait_for("the stack is up", up, 90)
        yield stack
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        finally:
            process.kill()
            subprocess.run(
                [sys.executable, "-m", "deploy.local", "down"],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                check=False,
            )
