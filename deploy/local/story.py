"""What a scenario needs to be told: clients, the clock, mails, progress, checks whose figures were read back over HTTP,
and a summary."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from shared.runtime import clock

SERVICES = ("registry", "mapping", "events", "learning", "notify")
PATIENCE = 90.0
"""Seconds for which a request is repeated while a part of the platform is away: a demo survives a kill."""
AWAY = {502, 503, 504}


class ScenarioFailed(Exception):
    """The platform answered otherwise than the story needs to go on; the message says what was asked and answered."""


@dataclass
class Client:
    """Somebody who speaks to the platform: JSON in, JSON out, any refusal ends the story.

    Every POST carries an Idempotency-Key, so that one whose answer was lost can be repeated and happens once.
    """

    http: httpx.Client

    def get(self, path: str, **params: Any) -> Any:
        return self._answer(self.send("GET", path, params=params)).json()

    def created(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._answer(self.send("POST", path, json=body)).json()

    def acted(self, path: str, body: Mapping[str, Any] | None = None, of: str | None = None) -> Any:
        """An action on something that has versions: `of` is its path, by default what `path` acts upon. Done again when
        it was overtaken by what fell due meanwhile."""
        for _ in range(3):
            seen = self._answer(self.send("GET", of or path.rsplit("/", 1)[0])).headers.get("etag")
            answer = self.send("POST", path, json=body or {}, headers={"If-Match": seen} if seen else {})
            if answer.status_code != 412:
                break
        return self._answer(answer).json()

    def changed(self, path: str, body: Mapping[str, Any] | None = None, *, method: str = "PATCH", **rest: Any) -> Any:
        """An update under the version that is read just before, and again when it was overtaken."""
        more = {"json": body} if body is not None else rest
        for _ in range(3):
            seen = self._answer(self.send("GET", path.removesuffix("/logo"))).headers["etag"]
            answer = self.send(method, path, headers={"If-Match": seen}, **more)
            if answer.status_code != 412:
                break
        return self._answer(answer).json()

    def refused(self, path: str, body: Mapping[str, Any], of: str | None = None) -> tuple[int, str]:
        """(status, type of the problem) of what must not be possible; `of` as for `acted`."""
        for _ in range(3):
            seen = self._answer(self.send("GET", of)).headers.get("etag") if of else None
            answer = self.send("POST", path, json=body, headers={"If-Match": seen} if seen else {})
            if answer.status_code != 412:
                break
        return answer.status_code, str(answer.json().get("type", "")).rsplit(":", 1)[-1]

    def all(self, path: str, **params: Any) -> list[Any]:
        """Every page of a list."""
        items: list[Any] = []
        after: str | None = None
        while True:
            page = self.get(path, **params, limit=200, **({"after": after} if after else {}))
            items += page["items"]
            after = page["next"]
            if after is None:
                return items

    def uploaded(self, path: str, fields: Mapping[str, str], file: tuple[str, bytes, str]) -> Any:
        """A form with a file: its name, content and media type."""
        return self._answer(self.send("POST", path, data=dict(fields), files={"file": file})).json()

    def imported(self, network: str, file: Path, *, commit: bool, of: str = "organisations") -> Any:
        """Uploads a list and waits until it is previewed (or done, with `commit`)."""
        answer = self.send(
            "POST",
            f"/registry/v1/networks/{network}/imports?of={of}",
            files={"file": (file.name, file.read_bytes(), "text/csv")},
            data={"commit": str(commit).lower()},
        )
        return self._import_over(self._answer(answer).json()["id"])

    def committed(self, import_id: str) -> Any:
        self._answer(self.send("POST", f"/registry/v1/imports/{import_id}/commit"))
        return self._import_over(import_id, over=("done", "failed"))

    def _import_over(self, import_id: str, over: tuple[str, ...] = ("previewed", "done", "failed")) -> Any:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            state = self.get(f"/registry/v1/imports/{import_id}")
            if state["status"] in over:
                return state
            time.sleep(0.05)
        raise ScenarioFailed(f"the import {import_id} did not end within {PATIENCE:.0f} s")

    def send(self, method: str, path: str, **rest: Any) -> httpx.Response:
        """The answer, whatever it says; asked again while a part of the platform is away."""
        headers = dict(rest.pop("headers", {}))
        if method == "POST":
            headers.setdefault("Idempotency-Key", str(uuid4()))
        end = time.monotonic() + PATIENCE
        while True:
            try:
                answer = self.http.request(method, path, headers=headers, **rest)
            except httpx.TransportError as error:
                if time.monotonic() > end:
                    raise ScenarioFailed(f"{method} {path}: {error}") from error
            else:
                on_its_way = answer.status_code == 409 and "retry-after" in answer.headers
                if not (answer.status_code in AWAY or on_its_way) or time.monotonic() > end:
                    return answer
            time.sleep(0.1)

    def _answer(self, response: httpx.Response) -> httpx.Response:
        if response.is_error:
            request = response.request
            raise ScenarioFailed(f"{request.method} {request.url.path}: {response.status_code} {response.text[:500]}")
        return response


@dataclass
class Platform:
    """Where the platform runs: its gateway, the clock of all its processes, and who issues tokens there."""

    url: str
    clock_file: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def now(self) -> datetime:
        return clock.Clock(self.clock_file).now().astimezone(clock.ROME)

    def set_clock(self, instant: datetime) -> None:
        clock.set(self.clock_file, instant)

    def token(self, role: str, network: str | None) -> str:
        environment = {**self.environment, "ROLE": role, "NETWORK": network or ""}
        command = [sys.executable, "-m", "deploy.local", "token"]
        end = time.monotonic() + PATIENCE
        while True:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return done.stdout.strip()
            if time.monotonic() > end or not ("50" in done.stderr or "gateway" in done.stderr):
                raise ScenarioFailed(f"no token for {role}: {done.stderr.strip()}")
            time.sleep(0.2)


@dataclass
class Story:
    """One run of the demo against a platform."""

    platform: Platform
    tell: Callable[[str], None] = lambda text: print(text, flush=True)
    before: Callable[[str], None] = lambda _: None  # what happens before each step: the fault proofs kill here
    points: dict[str, dict[str, Any]] = field(default_factory=dict)
    links: list[tuple[str, str]] = field(default_factory=list)
    shown: list[tuple[str, Sequence[tuple[str, Any]]]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _total: int = 0
    _done: int = 0

    @property
    def url(self) -> str:
        return self.platform.url

    # Who speaks

    def token(self, role: str, network: str | None = None) -> str:
        return self.platform.token(role, network)

    def client(self, token: str | None = None) -> Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return Client(httpx.Client(base_url=self.url, headers=headers, timeout=30))

    def signed_in(self, email: str) -> Client:
        """Somebody with a mailbox of their own, by the link that is mailed to them."""
        stranger = self.client()
        stranger.created("/registry/v1/sign-in", {"email": email})
        self.settled()
        link = self.link_mailed(email, "/registry/v1/sign-in/link")
        answer = stranger.send("POST", link, headers={"Accept": "application/json"})
        if answer.is_error:
            raise ScenarioFailed(f"{email} cannot sign in: {answer.status_code} {answer.text[:300]}")
        return self.client(answer.json()["access_token"])

    # When

    def now(self) -> datetime:
        return self.platform.now()

    def today(self) -> str:
        return self.now().date().isoformat()

    def until(self, instant: datetime) -> None:
        """Time passes: all that falls due meanwhile is done before the story goes on. Never backwards."""
        if instant > self.now():
            self.platform.set_clock(instant)
        self.settled()

    def settled(self, within: float = 120) -> None:
        """Waits until nothing is on its way between the services, seen twice."""
        calm, end = 0, time.monotonic() + within
        client = httpx.Client(base_url=self.url, timeout=30)
        while calm < 2:
            if time.monotonic() > end:
                raise ScenarioFailed(f"facts are still on their way after {within:.0f} s")
            calm = calm + 1 if all(self._quiet(client, name) for name in SERVICES) else 0
            time.sleep(0.05)

    def _quiet(self, client: httpx.Client, service: str) -> bool:
        try:
            return client.get(f"/{service}/health/ready").json().get("settled") is True
        except (httpx.TransportError, ValueError):
            return False

    # What was mailed

    def mails(self, to: str) -> list[Any]:
        """All that a mailbox got, the oldest first. A kill may send a mail again, under the same Message-ID: mail
        programs show it once, and so does this."""
        client = self.client()
        listing = client.get("/mail/messages.json", to=to, limit=500)
        mails = [client.get(f"/mail/messages/{item['id']}.json") for item in reversed(listing["items"])]
        return list({header(mail, "Message-ID"): mail for mail in mails}.values())

    def link_mailed(self, to: str, path: str) -> str:
        """The newest link to `path` in a mailbox; a mail that broke in the middle comes again after a minute."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for mail in reversed(self.mails(to)):
                found: list[str] = re.findall(rf"\S*{re.escape(path)}\?\S+", mail["text"])
                if found:
                    return found[-1]
            time.sleep(0.1)
        raise ScenarioFailed(f"no mail to {to} has a link to {path}")

    # What is told to whom runs the demo

    def step(self, text: str, total: int = 0) -> None:
        self._total, self._done = total, 0
        self.before(text)
        self.tell(f"  {self.now():%d/%m/%Y} · {text}")

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
        self.links.append((text, path if "://" in path else f"{self.url}{path}"))

    def summary(self) -> str:
        lines = ["", "Riepilogo"]
        for point, entry in self.points.items():
            plain = {name: value for name, value in entry["figures"].items() if not isinstance(value, (dict, list))}
            figures = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in plain.items())
            lines.append(f"  {'✓' if entry['ok'] else '✗'} {point}: {figures}")
        for title, rows in self.shown:
            lines += ["", title, *(f"  {name:<40} {value:>12}" for name, value in rows)]
        lines += ["", *(f"  {text}: {url}" for text, url in self.links)]
        lines += [f"  ! {failure}" for failure in self.failures]
        return "\n".join(lines)

    def write(self, file: Path) -> None:
        file.write_text(json.dumps(self.points, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def at(day: str | date, hour: str = "18:00") -> datetime:
    """`2024-10-20` at six in the evening in Italy."""
    return datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=clock.ROME)


def header(mail: Mapping[str, Any], name: str) -> str:
    """Header names have no case."""
    return next(str(value) for known, value in mail["headers"].items() if known.lower() == name.lower())
