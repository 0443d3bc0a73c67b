"""A mail relay of the tests' own: a real SMTP server in the test's loop that misbehaves as told."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from functools import cached_property
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(frozen=True)
class Taken:
    """A mail as the relay accepted it."""

    to: str
    sender: str
    raw: bytes

    @cached_property
    def message(self) -> EmailMessage:
        read = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(read, EmailMessage)
        return read

    def part(self, subtype: str) -> str:
        body = self.message.get_body((subtype,))
        assert body is not None
        content: str = body.get_content()
        return content.replace("\r\n", "\n")

    @property
    def text(self) -> str:
        return self.part("plain")

    @property
    def said(self) -> str:
        """What it is about, without the footer that every mail has."""
        return self.text.split("\n-- \n")[0]


@dataclass
class FakeRelay:
    """`replies` of a recipient are given one after the other, then mail is accepted. A reply is a line ("451 later"),
    `"cut"` (the connection dies when the mail has been taken, before any answer) or `"hang"` (no answer at all)."""

    taken: list[Taken] = field(default_factory=list)
    replies: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    before_answer: Callable[[Taken], Any] | None = None
    passwords: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    connections: int = 0
    most_connections: int = 0
    open: int = 0
    port: int = 0
    most_allowed: int | None = None  # connections at a time; more are told 421
    forget: bool = False  # count mails, keep none
    count: int = 0
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    _server: asyncio.Server | None = None
    _sessions: set[SMTP] = field(default_factory=set)

    async def start(self) -> FakeRelay:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Gone, with its connections; `start` brings it back on the same port."""
        if self._server is not None:
            self._server.close()
            for session in list(self._sessions):
                _cut(session)
            await self._server.wait_closed()
        self._server = None

    def url(self, credentials: str = "") -> str:
        return f"smtp://{credentials}127.0.0.1:{self.port}"

    async def wait_for(self, count: int, within: float = 60) -> list[Taken]:
        """The mails, once at least so many have been taken."""
        async with asyncio.timeout(within), self.arrived:
            await self.arrived.wait_for(lambda: self.count >= count)
        return self.taken

    async def wait_until(self, condition: Callable[[], bool], within: float = 60) -> None:
        async with asyncio.timeout(within), self.arrived:
            await self.arrived.wait_for(condition)

    def _session(self) -> SMTP:
        relay = self

        class Counted(SMTP):
            def connection_made(self, transport: Any) -> None:
                relay.connections += 1
                relay.open += 1
                relay.most_connections = max(relay.most_connections, relay.open)
                relay._sessions.add(self)
                if relay.most_allowed is not None and relay.open > relay.most_allowed:
                    assert isinstance(transport, asyncio.Transport)
                    transport.write(b"421 4.7.0 too many connections\r\n")
                    transport.close()
                    return
                super().connection_made(transport)

            def connection_lost(self, error: Exception | None) -> None:
                relay.open -= 1
                relay._sessions.discard(self)
                if self.transport is not None:
                    super().connection_lost(error)

        authentication: dict[str, Any] = {"auth_required": True, "auth_require_tls": False}
        authentication["authenticator"] = self._authenticate
        return Counted(
            self,
            enable_SMTPUTF8=True,
            hostname="relay.test",
            **(authentication if self.passwords else {}),
            **self.options,
        )

    def _authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        return AuthResult(success=self.passwords.get(data.login.decode()) == data.password.decode(), handled=False)

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.replies[address] and self.replies[address][0][0].isdigit():
            return self.replies[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        for to in envelope.rcpt_tos:
            behaviour = self.replies[to].pop(0) if self.replies[to] else None
            if behaviour == "hang":
                await asyncio.Event().wait()
            taken = Taken(to, envelope.mail_from or "", raw)
            self.count += 1
            if not self.forget:
                self.taken.append(taken)
            if self.before_answer is not None:
                self.before_answer(taken)
            async with self.arrived:
                self.arrived.notify_all()
            if behaviour == "cut":
                _cut(server)
        return "250 2.0.0 taken"


def _cut(session: SMTP) -> None:
    assert isinstance(session.transport, asyncio.Transport)
    session.transport.abort()
