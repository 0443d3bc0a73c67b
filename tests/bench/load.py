"""A light load generator: raw keep-alive connections, one request at a time on each, as little work as can be."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

END = b"\r\n\r\n"
LENGTH = b"content-length: "


@dataclass
class Outcome:
    """`seconds` for which requests were sent, how long each answered one took, and the answers that were not 2xx."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    refused: list[bytes] = field(default_factory=list)

    def took(self, seconds: float, answer: bytes) -> None:
        self.latencies.append(seconds)
        if answer[9:10] != b"2":
            self.refused.append(answer)

    @property
    def rate(self) -> float:
        if self.refused:
            raise AssertionError(f"{len(self.refused)} requests were refused: {self.refused[0][:800]!r}")
        return len(self.latencies) / self.seconds


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    given = {"host": "127.0.0.1", **headers}
    if body:
        given |= {"content-type": "application/json", "content-length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


class Caller(asyncio.Protocol):
    """Sends its requests one after the other until `until`; notes how long each answer took."""

    def __init__(self, requests: Iterator[bytes], outcome: Outcome, until: float) -> None:
        self.requests, self.outcome, self.until = requests, outcome, until
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport  # uvloop's is no asyncio.Transport by class
        self.send()

    def send(self) -> None:
        following = next(self.requests, None) if time.perf_counter() < self.until else None
        if following is None:
            self.transport.close()
            return
        self.sent = time.perf_counter()
        self.transport.write(following)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not whole(self.buffer):
            return
        self.outcome.took(time.perf_counter() - self.sent, self.buffer)
        self.buffer = b""
        self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            if exc is None:
                self.ended.set_result(None)
            else:
                self.ended.set_exception(exc)


def whole(answer: bytes) -> bool:
    """The head is there, and as many bytes after it as it announces."""
    head = answer.find(END)
    if head < 0:
        return False
    at = answer.lower().find(LENGTH, 0, head)
    length = int(answer[at + len(LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
    return len(answer) >= head + len(END) + length


async def press(port: int, each: Sequence[Iterator[bytes]], seconds: float) -> Outcome:
    """One connection for each iterator of requests, all at once, for so long."""
    outcome = Outcome()
    began = time.perf_counter()
    until = began + seconds
    loop = asyncio.get_running_loop()
    callers = [
        (await loop.create_connection(lambda requests=requests: Caller(requests, outcome, until), "127.0.0.1", port))[1]  # type: ignore[misc]
        for requests in each
    ]
    await asyncio.gather(*(caller.ended for caller in callers))
    outcome.seconds = time.perf_counter() - began
    return outcome


class Pace:
    """Requests sent when they are due, whatever became of the last one, over connections that are kept."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.outcome = Outcome()
        self.idle: list[Line] = []
        self.lines: list[Line] = []

    async def run(self, requests: Iterator[bytes], per_second: float, seconds: float, note: Callable[[], None]) -> None:
        """`note` is called just before each request is sent."""
        answers = []
        began = time.perf_counter()
        for number in range(int(per_second * seconds)):
            await asyncio.sleep(max(0.0, began + number / per_second - time.perf_counter()))
            line = self.idle.pop() if self.idle else await self._line()
            note()
            answers.append(line.ask(next(requests)))
        await asyncio.gather(*answers)
        self.outcome.seconds = time.perf_counter() - began

    def close(self) -> None:
        for line in self.lines:
            line.transport.close()

    async def _line(self) -> Line:
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(lambda: Line(self), "127.0.0.1", self.port)
        self.lines.append(line)
        return line


class Line(asyncio.Protocol):
    """One kept connection of a Pace."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def ask(self, request: bytes) -> asyncio.Future[None]:
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sent = time.perf_counter()
        self.transport.write(request)
        return self.answered

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not whole(self.buffer):
            return
        self.pace.outcome.took(time.perf_counter() - self.sent, self.buffer)
        self.buffer = b""
        self.pace.idle.append(self)
        self.answered.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """The server closes a connection that was not needed for some seconds."""
        if self in self.pace.idle:
            self.pace.idle.remove(self)
        elif not self.answered.done():
            self.answered.set_exception(exc or ConnectionResetError("closed while a request was under way"))
