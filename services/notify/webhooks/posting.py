"""One POST to a partner's machine, and what it answered, whatever it answers.

httpx's own engine (httpcore) without its client: no redirects, no proxies of the environment, no cookies, no
decompression of answers. Of an answer some kB are read; all of it, from the name's resolution to the last byte read,
has one deadline.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import httpcore
import httpx
from standardwebhooks import Webhook

from services.notify.webhooks.connecting import Guarded, NotAllowed, Resolve, resolve
from services.notify.webhooks.rules import Answer, Outcome, outcome_of, printable, retry_after
from shared.runtime.clock import wall

AGENT = "Trama-Webhooks/1 (+https://www.standardwebhooks.com)"
READ_AT_MOST = 8 * 1024
RESOLVERS = 32
KEPT_OPEN, IDLE = 256, 5.0
"""Connections kept for an endpoint's next message: how many, for how many seconds."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: to connect (TLS too), between two bytes, for the whole."""

    connect: float = 5
    read: float = 10
    total: float = 15


@dataclass(frozen=True, slots=True)
class Post:
    """What one endpoint is sent. `secrets` sign, the newest first."""

    endpoint_id: UUID
    url: str
    message_id: str
    content: bytes
    secrets: Sequence[bytes]


def headers(post: Post, at: datetime) -> dict[str, str]:
    """Those of Standard Webhooks; each try is signed anew, with its own instant."""
    text = post.content.decode()
    signatures = [Webhook(secret).sign(post.message_id, at, text) for secret in post.secrets]
    return {
        "webhook-id": post.message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
        "content-type": "application/json",
        "user-agent": AGENT,
        "accept": "*/*",
    }


class Poster:
    """Sends; several budgets (`patient` or not) share nothing that one of them could use up for the other."""

    def __init__(
        self,
        *,
        private: bool = False,
        patience: Patience = Patience(),
        resolve: Resolve = resolve,
        ssl_context: ssl.SSLContext | None = None,
        now: Callable[[], datetime] = wall,
    ) -> None:
        self.patience, self.now = patience, now
        self.tls = ssl_context or httpx.create_ssl_context()
        self.executors = [ThreadPoolExecutor(RESOLVERS, thread_name_prefix="webhook-names") for _ in range(2)]
        self.networks = [Guarded(executor, private=private, resolve=resolve) for executor in self.executors]
        self.idle: OrderedDict[tuple[UUID, str], tuple[httpcore.AsyncConnectionPool, float]] = OrderedDict()

    async def post(self, post: Post, *, patient: bool = False) -> Answer:
        """Never raises for what the endpoint does."""
        at, began = self.now(), time.monotonic()
        status, text, later, outcome = None, "", None, Outcome.UNREACHABLE
        try:
            async with asyncio.timeout(self.patience.total):
                status, answered, asked = await self._exchange(post, headers(post, at), patient)
                outcome, text, later = outcome_of(status), printable(answered), retry_after(asked, at)
        except (TimeoutError, httpcore.TimeoutException) as error:
            outcome, text = Outcome.TIMED_OUT, _why(error)
        except NotAllowed:
            outcome, text = Outcome.NOT_ALLOWED, "the name leads to an address that is not public"
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, OSError) as error:
            text = _why(error)
        return Answer(outcome, self.now(), round((time.monotonic() - began) * 1000), status, text, later)

    async def _exchange(self, post: Post, sent: dict[str, str], patient: bool) -> tuple[int, bytes, str | None]:
        key = (post.endpoint_id, post.url)
        pool = self._pool(key, patient)
        kept = False
        try:
            async with pool.stream(
                "POST",
                post.url,
                headers=[(name.encode(), value.encode()) for name, value in sent.items()]
                + [(b"host", _host(post.url)), (b"content-length", str(len(post.content)).encode())],
                content=post.content,
                extensions={
                    "timeout": {
                        "connect": self.patience.connect,
                        "read": self.patience.read,
                        "write": self.patience.read,
                        "pool": self.patience.connect,
                    }
                },
            ) as response:
                answered, whole = await _beginning(response)
                kept = whole
                asked = next((v.decode("latin-1") for n, v in response.headers if n.lower() == b"retry-after"), None)
                return response.status, answered, asked
        finally:
            if kept:
                self.idle[key] = pool, time.monotonic()
            else:
                await pool.aclose()

    def _pool(self, key: tuple[UUID, str], patient: bool) -> httpcore.AsyncConnectionPool:
        """The endpoint's own, of one connection: one pool for all would look through all at each message."""
        found = self.idle.pop(key, None)
        if found is not None:
            return found[0]
        return httpcore.AsyncConnectionPool(
            self.tls,
            max_connections=1,
            max_keepalive_connections=1,
            keepalive_expiry=IDLE,
            network_backend=self.networks[patient],
        )

    async def sweep(self) -> None:
        """Closes what has not been used for a while, or is too much."""
        now = time.monotonic()
        while self.idle:
            key, (pool, used) = next(iter(self.idle.items()))
            if len(self.idle) <= KEPT_OPEN and now - used < IDLE:
                return
            del self.idle[key]
            await pool.aclose()

    async def close(self) -> None:
        idle, self.idle = self.idle, OrderedDict()
        await asyncio.gather(*(pool.aclose() for pool, _ in idle.values()))
        for executor in self.executors:
            executor.shutdown(wait=False, cancel_futures=True)


async def _beginning(response: httpcore.Response) -> tuple[bytes, bool]:
    """The first kB of the answer, and whether that was all."""
    answered = bytearray()
    async for piece in response.aiter_stream():
        answered += piece
        if len(answered) > READ_AT_MOST:
            return bytes(answered[:READ_AT_MOST]), False
    return bytes(answered), True


def _host(url: str) -> bytes:
    return url.split("/", 3)[2].encode()


def _why(error: BaseException) -> str:
    return printable(f"{type(error).__name__}: {error}".encode())
