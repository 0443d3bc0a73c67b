"""A partner's machine: an HTTP/1.1 server on this one that answers as it is told, and keeps what came."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

Behaviour = Callable[["Heard"], "bytes | None"]
"""The raw answer; None: none ever comes."""


@dataclass(frozen=True)
class Heard:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


def answer(status: int = 200, body: bytes = b"ok", *more: str) -> bytes:
    head = [f"HTTP/1.1 {status} Said", f"content-length: {len(body)}", *more]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@dataclass
class Partner:
    behave: Behaviour = lambda _: answer()
    heard: list[Heard] = field(default_factory=list)
    hanging: int = 0
    port: int = 0
    server: asyncio.Server | None = None
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self, tls: ssl.SSLContext | None = None) -> Partner:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls, backlog=1024)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        assert self.server is not None
        self.server.close()

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def of(self, path: str) -> list[Heard]:
        return [heard for heard in self.heard if heard.path == path]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            while (heard := await self._request(reader)) is not None:
                self.heard.append(heard)
                said = self.behave(heard)
                if said is None:
                    self.hanging += 1
                    await reader.read()  # until the other side gives up
                    self.hanging -= 1
                    return
                writer.write(said)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return
        finally:
            self.tasks.discard(task)
            writer.close()

    async def _request(self, reader: asyncio.StreamReader) -> Heard | None:
        line = await reader.readline()
        if not line:
            return None
        headers: dict[str, str] = {}
        while (one := (await reader.readline()).decode().strip()) != "":
            name, _, value = one.partition(":")
            headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return Heard(line.decode().split()[1], headers, body)
