"""A bad network between two programs: what passes through it is delayed, cut, reset or swallowed as told."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections import Counter
from dataclasses import dataclass, field

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: on, 0 s. Closing then sends a reset instead of an end."""


@dataclass
class Proxy:
    """Listens on `port` and passes everything to `target`.

    `delay`: seconds, up to which each piece is held back. `cut_after`: bytes after which (at random, up to that) a
    connection is reset, in the middle of whatever it says. `swallow()`: the connections of that moment stay open and
    pass nothing any more, as when a cable is drawn; `reset()`: they are reset.
    """

    target: int
    port: int = 0
    delay: float = 0.0
    cut_after: int | None = None
    did: Counter[str] = field(default_factory=Counter)
    _server: asyncio.Server | None = None
    _pairs: set[_Pair] = field(default_factory=set)

    async def start(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self.reset()
        await self._server.wait_closed()

    def reset(self) -> None:
        for pair in list(self._pairs):
            self.did["reset"] += 1
            pair.reset()

    def swallow(self) -> None:
        for pair in self._pairs:
            self.did["swallowed"] += 1
            pair.deaf = True

    def heal(self) -> None:
        """From now on all is well, also for the connections that there are, but for those that were swallowed."""
        self.delay, self.cut_after = 0.0, None
        for pair in self._pairs:
            pair.left = None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.did["connections"] += 1
        try:
            onward = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.close()
            return
        left = None if self.cut_after is None else random.randint(1, self.cut_after)
        pair = _Pair(self, writer, onward[1], left)
        self._pairs.add(pair)
        try:
            await asyncio.gather(pair.pump(reader, onward[1]), pair.pump(onward[0], writer))
        finally:
            self._pairs.discard(pair)


@dataclass(eq=False)
class _Pair:
    proxy: Proxy
    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    left: int | None
    deaf: bool = False

    async def pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while piece := await source.read(65_536):
                if self.proxy.delay:
                    await asyncio.sleep(random.uniform(0, self.proxy.delay))
                if self.deaf:
                    continue
                if self.left is not None:
                    piece, self.left = piece[: self.left], self.left - len(piece)
                sink.write(piece)
                await sink.drain()
                if self.left is not None and self.left <= 0:
                    self.proxy.did["cut"] += 1
                    self.reset()
        except OSError:
            self.reset()
        finally:
            sink.close()

    def reset(self) -> None:
        for writer in (self.near, self.far):
            connection = writer.get_extra_info("socket")
            if connection is not None and not writer.is_closing():
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()
