"""What a scenario needs to be told: clients, progress, checks whose figures were read back over HTTP, and a summary."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

SERVICES = ("registry", "mapping", "events", "learning", "notify")


class ScenarioFailed(Exception):
    """The platform answered otherwise than the story needs to go on; the message says what was asked and answered."""


@dataclass
class Client:
    """Somebody who speaks to the platform: JSON in, JSON out, any refusal ends the story."""

    http: httpx.Client

    def _answer(self, response: httpx.Response) -> Any:
        if response.is_error:
            request = response.request
            raise ScenarioFailed(f"{request.method} {request.url.path}: {response.status_code} {response.text[:500]}")
        return response.json()

    def get(self, path: str) -> Any:
        return self._answer(self.http.get(path))

    def created(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._answer(self.http.post(path, json=body))

    def all(self, path: str) -> list[Any]:
        """Every page of a list."""
        items: list[Any] = []
        after: str | None = None
        while True:
            page = self._answer(self.http.get(path, params={"limit": 200, **({"after": after} if after else {})}))
            items += page["items"]
            after = page["next"]
            if after is None:
                return items

    def imported(self, network: str, file: Path, *, commit: bool) -> Any:
        """Uploads a list and waits until it is previewed (or done, with `commit`)."""
        answer = self.http.post(
            f"/registry/v1/networks/{network}/imports",
            files={"file": (file.name, file.read_bytes(), "text/csv")},
            data={"commit": str(commit).lower()},
        )
        return self._import_over(self._answer(answer)["id"])

    def committed(self, import_id: str) -> Any:
        self._answer(self.http.post(f"/registry/v1/imports/{import_id}/commit"))
        return self._import_over(import_id, over=("done", "failed"))

    def _import_over(self, import_id: str, over: tuple[str, ...] = ("previewed", "done", "failed")) -> Any:
        for _ in range(1200):
            state = self.get(f"/registry/v1/imports/{import_id}")
            if state["status"] in over:
                return state
            time.sleep(0.05)
        raise ScenarioFailed(f"the import {import_id} did not end within a minute")


@dataclass
class Story:
    """One run of the demo against the platform at `url`."""

    url: str
    points: dict[str, dict[str, Any]] = field(default_factory=dict)
    links: list[tuple[str, str]] = field(default_factory=list)
    shown: list[tuple[str, Sequence[tuple[str, Any]]]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _total: int = 0
    _done: int = 0

    def token(self, role: str, network: str | None = None) -> str:
        environment = {**os.environ, "ROLE": role, "NETWORK": network or ""}
        done = subprocess.run(
            [sys.executable, "-m", "deploy.local", "token"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ScenarioFailed(f"no token for {role}: {done.stderr.strip()}")
        return done.stdout.strip()

    def client(self, token: str) -> Client:
        return Client(httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=30))

    def today(self) -> str:
        return datetime.now(ZoneInfo("Europe/Rome")).date().isoformat()

    def mails(self, to: str) -> list[Any]:
        client = Client(httpx.Client(base_url=self.url, timeout=30))
        listing = client.get(f"/mail/messages.json?to={to}")
        return [client.get(f"/mail/messages/{item['id']}.json") for item in listing["items"]]

    def settled(self, within: float = 60) -> None:
        """Waits until nothing is on its way between the services, seen twice."""
        calm, end = 0, time.monotonic() + within
        client = httpx.Client(base_url=self.url, timeout=30)
        while calm < 2:
            if time.monotonic() > end:
                raise ScenarioFailed(f"facts are still on their way after {within:.0f} s")
            quiet = all(client.get(f"/{name}/health/ready").json().get("settled") for name in SERVICES)
            calm = calm + 1 if quiet else 0
            time.sleep(0.05)

    def step(self, text: str, total: int = 0) -> None:
        self._total, self._done = total, 0
        print(f"  · {text}", flush=True)

    def advance(self) -> None:
        self._done += 1
        if sys.stdout.isatty():
            end = "\n" if self._done == self._total else ""
            print(f"\r    {self._done}/{self._total}", end=end, flush=True)

    def check(self, point: str, figure: str, found: Any, expected: Any) -> None:
        """Notes a figure under its point; a difference fails the demo and does not stop it."""
        entry = self.points.setdefault(point, {"ok": True, "figures": {}})
        entry["figures"][figure] = found
        if found != expected:
            entry["ok"] = False
            entry.setdefault("expected", {})[figure] = expected
            self.failures.append(f"{point}.{figure}: {found!r} instead of {expected!r}")

    def show(self, title: str, rows: Sequence[tuple[str, Any]]) -> None:
        self.shown.append((title, rows))

    def link(self, text: str, path: str) -> None:
        self.links.append((text, f"{self.url}{path}"))

    def summary(self) -> str:
        lines = ["", "Riepilogo"]
        for point, entry in self.points.items():
            plain = {name: value for name, value in entry["figures"].items() if not isinstance(value, dict)}
            figures = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in plain.items())
            lines.append(f"  {'✓' if entry['ok'] else '✗'} {point}: {figures}")
        for title, rows in self.shown:
            lines += ["", title, *(f"  {name:<40} {value:>6}" for name, value in rows)]
        lines += ["", *(f"  {text}: {url}" for text, url in self.links)]
        lines += [f"  ! {failure}" for failure in self.failures]
        return "\n".join(lines)

    def write(self, file: Path) -> None:
        file.write_text(json.dumps(self.points, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
