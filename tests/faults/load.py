"""People who write without a pause: an HTTP client that costs little, and writers that never give up on a write."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from tests.registry.desk import bodies, table

LATER = {502, 503, 504}
"""The platform says: not now. Everything else that is not a success is a failure of the proof."""


class NoAnswer(Exception):
    """The connection broke before the answer was whole: the write may have been accepted or not."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    def json(self) -> Any:
        return json.loads(self.body)


class Caller:
    """One kept-alive HTTP/1.1 connection, one request at a time: a tenth of the processor time of a full client."""

    def __init__(self, url: str, token: str | None = None, patience: float = 60.0) -> None:
        address = urlsplit(url)
        assert address.hostname is not None
        self._host, self._port = address.hostname, address.port or 80
        self._usual = f"Host: {address.netloc}\r\nAccept-Language: en\r\n" + (
            f"Authorization: Bearer {token}\r\n" if token else ""
        )
        self._patience = patience
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """`body`: bytes as they are, or what becomes JSON; `headers` by name with _ for -. Raises NoAnswer."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        given = {"Content_Type": "application/json", **headers} if body is not None else headers
        lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in given.items()]
        head = f"{method} {path} HTTP/1.1\r\n{self._usual}{''.join(lines)}Content-Length: {len(content)}\r\n\r\n"
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._patience):
                return await self._exchange(head.encode() + content, began)
        except (OSError, EOFError, ValueError) as error:
            self.close()
            raise NoAnswer(f"{type(error).__name__}: {error}") from error

    async def _exchange(self, request: bytes, began: float) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, *lines = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name}
        content = await reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection") == "close":
            self.close()
        return Answer(int(status.split()[1]), headers, content, time.monotonic() - began)

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


@dataclass
class Lists:
    """A secretariat that sends a list of `rows` new bodies each second. `imports`: id of each accepted list -> the tax
    codes in it."""

    url: str
    token: str
    network: str
    rows: int = 500
    imports: dict[str, list[str]] = field(default_factory=dict)
    seconds: float = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        caller = Caller(self.url, self.token)
        began = at = time.monotonic()
        while not stop.is_set():
            await asyncio.sleep(at - time.monotonic())
            at = max(at + 1.0, time.monotonic())
            await self._send(caller)
        caller.close()
        self.seconds = time.monotonic() - began

    @property
    def codes(self) -> set[str]:
        return {code for codes in self.imports.values() for code in codes}

    @property
    def per_second(self) -> float:
        return len(self.codes) / self.seconds

    async def _send(self, caller: Caller) -> None:
        rows = bodies(self.rows)
        form, boundary = multipart(table(rows), "enti.csv"), f"multipart/form-data; boundary={BOUNDARY}"
        path, key = f"/registry/v1/networks/{self.network}/imports", str(uuid4())
        while True:
            try:
                answer = await caller.ask("POST", path, form, Content_Type=boundary, Idempotency_Key=key)
            except NoAnswer:
                answer = None
            if answer is not None and answer.status not in LATER:
                assert answer.status == 202, (answer.status, answer.body)
                self.imports[answer.json()["id"]] = [row[0] for row in rows]
                return
            await asyncio.sleep(0.1)


BOUNDARY = "5f0e3c1a"


def multipart(file: str, name: str) -> bytes:
    """A form that imports `file` at once."""
    part = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name="
    return (
        f'{part}"commit"\r\n\r\ntrue\r\n{part}"file"; filename="{name}"\r\nContent-Type: text/csv\r\n\r\n{file}\r\n'
        f"--{BOUNDARY}--\r\n"
    ).encode()


@dataclass
class Load:
    """Writers that enter people and change them, `rate` writes a second in all, until told to stop.

    A write that got no answer, or was asked to come later, is sent again with its Idempotency-Key (a change: after
    reading what became of it), so that at the end every write is known to be accepted. `accepted`: (id, version) of
    each 2xx; `newest`: id -> the newest of them.
    """

    url: str
    token: str
    network: str
    writers: int = 16
    rate: float = 150.0
    mandates: bool = False
    """Also give each person a mandate, of which notify mails them."""
    told: list[str] = field(default_factory=list)
    """Addresses of those who have one."""
    accepted: set[tuple[str, int]] = field(default_factory=set)
    newest: dict[str, int] = field(default_factory=dict)
    said: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    seconds: float = 0.0
    each_second: Counter[int] = field(default_factory=Counter)

    async def run(self, stop: asyncio.Event) -> None:
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(self.writers):
                group.create_task(self._write(stop, began + number / self.rate))
        self.seconds = time.monotonic() - began

    @property
    def per_second(self) -> float:
        return len(self.accepted) / self.seconds

    @property
    def busiest(self) -> int:
        """Writes accepted in the best second."""
        return max(self.each_second.values(), default=0)

    async def _write(self, stop: asyncio.Event, begin: float) -> None:
        caller = Caller(self.url, self.token)
        mine: list[str] = []
        at = begin
        try:
            while not stop.is_set():
                await asyncio.sleep(at - time.monotonic())
                # After an outage a writer does not make up for what it could not send.
                at = max(at + self.writers / self.rate, time.monotonic() - 1.0)
                if mine and random.random() < 0.5:
                    await self._change(caller, random.choice(mine[-5:]))
                else:
                    mine.append(await self._enter(caller))
        finally:
            caller.close()

    async def _enter(self, caller: Caller) -> str:
        key = str(uuid4())
        body = {"given_name": "Carla", "family_name": f"Prova {key[:8]}", "email": f"carla.{key}@example.org"}
        while True:
            answer = await self._ask(caller, "POST", f"/registry/v1/networks/{self.network}/people", body, key)
            if answer is not None:
                assert answer.status == 201, (answer.status, answer.body)
                person = self._accept(answer)
                if self.mandates:
                    await self._give_mandate(caller, person)
                    self.told.append(body["email"])
                return person
            await asyncio.sleep(0.1)

    async def _give_mandate(self, caller: Caller, person: str) -> None:
        body = {"person_id": person, "role": "secretariat", "since": "2020-01-01"}
        key = str(uuid4())
        while True:
            answer = await self._ask(caller, "POST", f"/registry/v1/networks/{self.network}/mandates", body, key)
            if answer is not None:
                assert answer.status == 201, (answer.status, answer.body)
                return
            await asyncio.sleep(0.1)

    async def _change(self, caller: Caller, person: str) -> None:
        path = f"/registry/v1/people/{person}"
        version = self.newest[person]
        while True:
            answer = await self._ask(
                caller, "PATCH", path, {"family_name": f"Prova {uuid4().hex[:8]}"}, version=version
            )
            if answer is not None and answer.status == 200:
                self._accept(answer)
                return
            assert answer is None or answer.status == 412, (answer.status, answer.body)
            await asyncio.sleep(0.1)
            found = await self._ask(caller, "GET", path)
            if found is not None and found.status == 200:
                version = found.json()["version"]

    async def _ask(
        self, caller: Caller, method: str, path: str, body: Any = None, key: str = "", version: int | None = None
    ) -> Answer | None:
        headers = {"Idempotency_Key": key} if key else {}
        if version is not None:
            headers["If_Match"] = f'"{version}"'
        try:
            answer = await caller.ask(method, path, body, **headers)
        except NoAnswer:
            self.said["no answer"] += 1
            return None
        self.said[f"{method} {answer.status}"] += 1
        self.slowest = max(self.slowest, answer.seconds)
        return None if answer.status in LATER else answer

    def _accept(self, answer: Answer) -> str:
        shown = answer.json()
        person, version = str(shown["id"]), int(shown["version"])
        self.accepted.add((person, version))
        self.newest[person] = max(version, self.newest.get(person, 0))
        self.each_second[int(time.monotonic())] += 1
        return person
