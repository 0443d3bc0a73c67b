"""Connections that go only where webhooks may go.

The name is resolved here, once for each connection; every address that it has is judged (`rules.reachable`), and the
connection is made to one of those very addresses: a name that answers differently a moment later (rebinding) changes
nothing. TLS still verifies the name, not the address.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import httpcore

from services.notify.webhooks.rules import reachable

TRIED = 3
"""Addresses of one name, one after the other."""
Resolve = Callable[[str, int], Iterable[str]]
"""Blocking: the addresses of a name. Raises OSError."""


class NotAllowed(Exception):
    """The name leads, also, to an address where webhooks do not go."""


def resolve(host: str, port: int) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Guarded(httpcore.AsyncNetworkBackend):
    """The network as httpcore sees it. Names are resolved in `executor`: the threads that the loop lends to all would
    be held by names whose servers do not answer."""

    def __init__(self, executor: Executor, *, private: bool = False, resolve: Resolve = resolve) -> None:
        self.executor, self.private, self.resolve = executor, private, resolve
        self.network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the base class has it)
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises NotAllowed, httpcore.ConnectError, httpcore.ConnectTimeout."""
        addresses = await self.addresses(host.strip("[]"), port)
        for address in addresses[:-1]:
            try:
                return await self.network.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self.network.connect_tcp(str(addresses[-1]), port, timeout, local_address, socket_options)

    async def addresses(self, host: str, port: int) -> list[IPv4Address | IPv6Address]:
        """The first few, all of them judged."""
        try:
            given: Iterable[str] = [str(ip_address(host))]
        except ValueError:
            loop = asyncio.get_running_loop()
            try:
                given = await loop.run_in_executor(self.executor, partial(self.resolve, host, port))
            except (OSError, UnicodeError) as error:
                raise httpcore.ConnectError(f"the name has no address: {error}") from None
        found = [ip_address(address) for address in dict.fromkeys(given)]
        if not found:
            raise httpcore.ConnectError("the name has no address")
        for address in found:
            if not reachable(address, private=self.private):
                raise NotAllowed(host)
        return found[:TRIED]

    async def connect_unix_socket(self, path: str, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        raise NotAllowed(path)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
