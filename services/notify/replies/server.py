"""Where the mail server hands over what people's calendars answer and what mail servers return: LMTP (RFC 2033), inside
the deployment.

250 is said once what the mail says is committed; a kill before it brings the mail again, which is then no news. What is
not said by a mail server's own refusals is bounded here: bytes, connections, commands, seconds.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import Envelope, Session
from prometheus_client import Counter

from services.notify.bounces import commands as bounce_commands
from services.notify.bounces import reports
from services.notify.bounces import rules as bounce_rules
from services.notify.replies import commands, mime, queries, rules
from services.notify.replies.rules import TEXTS, Refusal, Refused
from services.notify.settings import Settings
from shared.calendars import Reply, Unreadable, read_reply
from shared.runtime.clock import wall
from shared.runtime.context import Context
from shared.runtime.database import away

LARGEST = 1 << 20
"""Bytes of a mail: a reply takes some thousand, with a signature's pictures some hundred thousand."""
MOST_CONNECTIONS = 10
MOST_COMMANDS = 1_000
"""Of one kind on one connection: mail servers keep one for many mails."""
PATIENCE = 60.0
"""Seconds for the next command, or for all of a mail's text."""
PARSED_AT_ONCE = 2
RETURNED = "returned:"
"""Before the token of what came back; tokens of invitations have no colon."""
LINE_END, STUFFED, END = b"\r\n", b"\r\n.", b"\r\n.\r\n"

log = structlog.get_logger("replies")
heard = Counter(
    "trama_notify_calendar_replies_total", "Mails to invitations' addresses, by what came of them", ["outcome"]
)

returned = Counter(
    "trama_notify_returned_mails_total", "Mails to the addresses of bounces, by what came of them", ["outcome"]
)


async def receive(context: Context) -> None:
    """For ever, where a port is set: without one, invitations ask for no answer from calendars."""
    settings = context.settings
    assert isinstance(settings, Settings)
    if settings.lmtp_port is None or settings.reply_domain is None:
        return
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # the library's diary has people's addresses
    desk = Desk(context, settings.reply_domain, settings.bounce_key)
    server = await asyncio.get_running_loop().create_server(desk.connection, settings.lmtp_host, settings.lmtp_port)
    context.state["lmtp_port"] = server.sockets[0].getsockname()[1]
    log.info("receiving", host=settings.lmtp_host, port=context.state["lmtp_port"])
    try:
        await asyncio.Event().wait()
    finally:
        server.close()
        desk.hang_up()
        await server.wait_closed()


class Desk:
    """Answers the commands of all connections of this process."""

    def __init__(self, context: Context, domain: str, bounce_key: bytes) -> None:
        self.context, self.domain, self.bounce_key = context, domain, bounce_key
        self.connections: set[Connection] = set()
        self.parsing = asyncio.Semaphore(PARSED_AT_ONCE)

    def connection(self) -> Connection:
        return Connection(self)

    def hang_up(self) -> None:
        """Mails under way are not answered, and come again."""
        for connection in list(self.connections):
            if isinstance(connection.transport, asyncio.Transport):
                connection.transport.abort()

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's names)
        self, _server: LMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if envelope.rcpt_tos:  # LMTP answers for each recipient; the mail server hands the others over by themselves
            return TEXTS[Refusal.ONE_AT_A_TIME]
        if (bounced := bounce_rules.token_of(address, self.domain)) is not None:
            if bounced and bounce_rules.named(self.bounce_key, bounced) is None:
                return self.refused(Refusal.UNKNOWN)
            envelope.rcpt_tos.append(f"{RETURNED}{bounced}")
            return "250 2.1.5 OK"
        token = rules.token_of(address, self.domain)
        if token is None:
            return self.refused(Refusal.UNKNOWN)
        async with self.context.database.sessions() as session:
            known = await queries.known(session, token)
        if not known:
            return self.refused(Refusal.UNKNOWN)
        envelope.rcpt_tos.append(token)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: LMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        arrived = wall()
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        recipient = str(envelope.rcpt_tos[0])
        try:
            if recipient.startswith(RETURNED):
                return await self._returned(recipient.removeprefix(RETURNED), raw, arrived)
            async with self.parsing:  # in a thread: this loop serves requests too
                reply = await asyncio.to_thread(reply_in, raw, from_nobody=envelope.mail_from in ("", "<>"))
            if reply is None:
                heard.labels("ignored").inc()
                return "250 2.0.0 Ignorato / Ignored"
            return await self._taken(recipient, reply, arrived)
        except Refused as refused:
            return self.refused(refused.refusal)

    async def handle_exception(self, error: Exception) -> str:
        """Nothing is lost by an error of ours: the mail server keeps the mail, and tries again for days."""
        if away(error):
            log.warning("database_away", error=type(error).__name__)
        else:
            log.error("reply_failed", exc_info=error)
        return self.refused(Refusal.LATER)

    async def _taken(self, token: str, reply: Reply, arrived: datetime) -> str:
        context = self.context
        async with context.database.sessions() as session:
            fact = await commands.take(
                session,
                token,
                reply,
                public_url=context.settings.public_url,
                wall=arrived,
                now=context.clock.now(),
            )
            await session.commit()
        if fact is None:
            heard.labels("known_already").inc()
            return "250 2.0.0 Risposta gia' nota / Answer known already"
        context.wake()
        heard.labels("taken").inc()
        return "250 2.0.0 Risposta presa in carico / Answer taken"

    async def _returned(self, token: str, raw: bytes, arrived: datetime) -> str:
        """What is no report is taken and forgotten, too: it is absence notes and unwanted mail, to which a refusal
        would write."""
        async with self.parsing:
            report = await asyncio.to_thread(reports.read, raw)
        if report is None:
            returned.labels("ignored").inc()
            return "250 2.0.0 Ignorato / Ignored"
        context, key = self.context, self.bounce_key
        async with context.database.sessions() as session:
            taken = await bounce_commands.take(
                session,
                bounce_rules.named(key, token),
                report,
                key=key,
                domain=self.domain,
                arrived=arrived,
                now=context.clock.now(),
            )
            await session.commit()
        if taken.told:
            context.wake()
        returned.labels(taken.outcome).inc()
        return "250 2.0.0 Preso in carico / Taken"

    def refused(self, refusal: Refusal) -> str:
        heard.labels(str(refusal)).inc()
        return TEXTS[refusal]


def reply_in(raw: bytes, *, from_nobody: bool) -> Reply | None:
    """The first answer in the mail's calendars. None for an absence note or a bounce without one: to refuse it would
    send a bounce to a machine, or to nobody. Raises Refused."""
    found = mime.read(raw)
    refusal = Refusal.NO_CALENDAR
    for calendar in found.calendars:
        try:
            return read_reply(calendar)
        except Unreadable as unreadable:
            refusal = rules.OF_UNREADABLE.get(unreadable.code, Refusal.NOT_A_REPLY)
    if found.automatic or from_nobody:
        return None
    raise Refused(refusal)


class Connection(LMTP):
    """One of the mail server's, of at most so many."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(
            desk,
            data_size_limit=LARGEST,
            enable_SMTPUTF8=True,
            hostname=desk.domain,
            ident="Trama LMTP",
            timeout=PATIENCE,
            command_call_limit=MOST_COMMANDS,
            loop=asyncio.get_running_loop(),
        )
        self.desk = desk

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if len(self.desk.connections) >= MOST_CONNECTIONS:
            assert isinstance(transport, asyncio.Transport)
            transport.write(b"421 4.7.0 Troppe connessioni / Too many connections\r\n")
            transport.close()
            return
        self.desk.connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.desk.connections.discard(self)
        if self.transport is not None:
            super().connection_lost(error)

    def eof_received(self) -> bool | None:
        return super().eof_received() if self.session is not None else None

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802
        """The library's own keeps each line as an object, and a line without end without bound; this keeps at most
        LARGEST bytes, whatever comes, and answers when all of it has come. Whoever sends text before it was asked for
        is not understood, so that no mail can hide another."""
        if await self.check_helo_needed():
            return
        assert self.envelope is not None
        if not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 RCPT first")
            return
        if arg or self._reader._buffer:  # type: ignore[attr-defined]
            await self.push("501 5.5.4 DATA alone, then wait")
            return
        # As if a line had ended before the first one: so a mail without any line ends like all others.
        self._reader.feed_data(LINE_END)
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        content = await self._content()
        envelope, status = self.envelope, self.desk.refused(Refusal.TOO_LARGE) if content is None else ""
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        if content is not None:
            assert self.session is not None
            envelope.content = content
            status = await self.desk.handle_DATA(self, self.session, envelope)
        await self.push(status)

    async def _content(self) -> bytes | None:
        """What comes before the lone dot, without the dots put before dots; None when it is more than is kept. Read in
        pieces, not in lines: ten megabytes of line ends would keep this process busy for half a minute."""
        whole, size, ended = bytearray(), 0, False
        while not ended:
            piece, ended = await self._piece()
            size += len(piece)
            if size <= LARGEST + len(END):
                whole += piece
            else:
                whole.clear()
        if not whole:
            return None
        return bytes(whole[: -len(END)] + LINE_END).replace(STUFFED, LINE_END).removeprefix(LINE_END)

    async def _piece(self) -> tuple[bytes, bool]:
        """Up to the end, or as much as is there and is not yet the end."""
        try:
            return await self._reader.readuntil(END), True
        except asyncio.LimitOverrunError as error:
            return await self._reader.read(error.consumed), False
