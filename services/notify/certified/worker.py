"""The part of notify's process that hands certified mails to our provider and reads its receipts.

The line where a kill repeats a mail is between the provider's answer and the commit that says so: at most one mail, and
it carries the same Message-ID, which the receipts of both name.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import format_datetime
from hashlib import sha256
from urllib.parse import quote
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.certified import commands, rules
from services.notify.certified.mailbox import Away, Mailbox, Reader, Visit
from services.notify.certified.receipts import NoReceipt, read
from services.notify.certified.rules import CertifiedMail, File, Problem, Unknown
from services.notify.certified.tables import letter_files, letters
from services.notify.deliveries import rules as sending
from services.notify.deliveries import waking
from services.notify.deliveries.mail import encoded, text_part, unstructured
from services.notify.deliveries.rules import Outcome
from services.notify.deliveries.sending import patiently
from services.notify.deliveries.smtp import Answer, Lane, Relay, Unreachable
from services.notify.settings import Settings
from shared.runtime.clock import wall
from shared.runtime.context import Context

POLL, LEASE, EVERY = 1.0, timedelta(minutes=10), 3600.0
AGAIN = timedelta(minutes=1)
log = structlog.get_logger("certified")
heard = Counter("trama_notify_certified_receipts_total", "Messages in the certified mailbox", ["kind"])

CLAIM = text("""
    UPDATE certified_mails SET lease_until = :until, attempts = attempts + 1,
        first_try = coalesce(first_try, :at), version = version + 1
    WHERE id = (SELECT id FROM certified_mails WHERE state = 'queued' AND next_try <= :at
        AND (lease_until IS NULL OR lease_until <= :at) ORDER BY next_try, id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id
""")


async def send_certified(context: Context) -> None:
    """For ever, where there is a certified mailbox."""
    office = office_of(context)
    if office is not None:
        await office.send_all()


async def read_receipts(context: Context) -> None:
    """For ever, where there is a certified mailbox."""
    office = office_of(context)
    if office is not None:
        await office.read_all()


def office_of(context: Context) -> Office | None:
    settings = context.settings
    assert isinstance(settings, Settings)
    if settings.certified is None:
        return None
    return Office(context, *settings.certified, every=settings.pec_poll)


class Office:
    """Our provider: its relay, our address there, and our mailbox."""

    def __init__(self, context: Context, relay: Relay, address: str, mailbox: Mailbox, every: float) -> None:
        self.context, self.relay, self.address, self.mailbox, self.every = context, relay, address, mailbox, every
        self.domain = address.rpartition("@")[2].lower()
        self.lane = Lane(relay, self.domain)

    # --- out --------------------------------------------------------------------------------------------------------

    async def send_all(self) -> None:
        with waking.sender() as wake:
            while True:
                wake.clear()
                if await patiently(lambda _: self.send_one(), None):
                    continue
                await self.lane.close()
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL):
                        await wake.wait()

    async def send_one(self) -> bool:
        """The next mail that is due, to the provider; False when there is none, or the provider is away."""
        at = wall()
        async with self.context.database.sessions.begin() as session:
            mail_id = await session.scalar(CLAIM, {"at": at, "until": at + LEASE})
            if mail_id is None:
                return False
            to, message = await self._written(session, UUID(str(mail_id)), at)
        try:
            answer = await self.lane.send(self.address, to, message)
        except Unreachable as error:
            log.warning("provider_unreachable", reason=str(error))
            answer = None
        await patiently(lambda given: self._record(UUID(str(mail_id)), given, wall()), answer)
        self.context.wake()
        return answer is not None

    async def _written(self, session: AsyncSession, mail_id: UUID, at: datetime) -> tuple[str, bytes]:
        mail = await session.get_one(CertifiedMail, mail_id)
        letter = (await session.execute(select(letters).where(letters.c.id == mail.letter_id))).one()
        found = await session.execute(
            select(letter_files.c.name, letter_files.c.media_type, letter_files.c.content)
            .where(letter_files.c.letter_id == mail.letter_id)
            .order_by(letter_files.c.position)
        )
        assert mail.address is not None
        id_ = rules.message_id(mail_id, self.domain)
        files = [File(*row) for row in found]
        return mail.address, written(self.address, mail.address, id_, letter.subject, letter.text, files, at)

    async def _record(self, mail_id: UUID, answer: Answer | None, at: datetime) -> None:
        async with self.context.database.sessions.begin() as session:
            mail = await session.get_one(CertifiedMail, mail_id, with_for_update=True)
            if mail.state is not rules.State.QUEUED:  # its receipt was here first
                return
            if answer is None:  # the provider is away: it is no try
                mail.attempts, mail.next_try, mail.lease_until = mail.attempts - 1, at + AGAIN, None
            elif self._settle(mail, answer, at):
                await session.flush()
                await commands.tell(session, [mail], self.context.clock.now())

    def _settle(self, mail: CertifiedMail, answer: Answer, at: datetime) -> bool:
        """False when it is to be tried again."""
        if answer.outcome is Outcome.ACCEPTED:
            mail.sent(at)
            return True
        found = sending.verdict(answer.outcome, mail.attempts, mail.first_try or at, at, mail.id)
        if found.state is sending.State.QUEUED:
            mail.next_try, mail.lease_until, mail.reason = found.next_try, None, answer.reason
            return False
        refused = answer.outcome is Outcome.REFUSED
        mail.fail(Problem.PROVIDER_REFUSES if refused else Problem.GIVEN_UP, answer.reason, at)
        return True

    # --- in ---------------------------------------------------------------------------------------------------------

    async def read_all(self) -> None:
        reader, tidied = Reader(self.mailbox), 0.0
        loop = asyncio.get_running_loop()
        try:
            while True:
                more = await patiently(self.read_some, reader)
                if loop.time() - tidied > EVERY:
                    await patiently(lambda _: self._tidy(), None)
                    tidied = loop.time()
                if not more:
                    await asyncio.sleep(self.every)
        finally:
            reader.close()

    async def read_some(self, reader: Reader) -> bool:
        """The next messages, each receipt in the transaction that says how far was read; True when there are more."""
        async with self.context.database.sessions() as session:
            before = await commands.read_so_far(session, self.mailbox.name)
        try:
            visit = await asyncio.to_thread(reader.visit, *before)
            kept = await self._taken(visit)
            await asyncio.to_thread(reader.mark, kept)
        except Away as error:
            log.warning("mailbox_away", mailbox=repr(self.mailbox), error=str(error))
            return False
        async with self.context.database.sessions.begin() as session:
            told = await commands.give_up(session, wall(), self.context.clock.now())
        if kept or told:
            self.context.wake()
        return visit.more

    async def _taken(self, visit: Visit) -> list[int]:
        """The UIDs of receipts. A message that is none, or of no mail of ours, is passed over and stays unread."""
        kept = []
        for uid, raw in visit.messages:
            async with self.context.database.sessions.begin() as session:
                if raw is not None and await self._heard(session, raw):
                    kept.append(uid)
                await commands.read_up_to(session, self.mailbox.name, visit.uid_validity, uid)
        return kept

    async def _heard(self, session: AsyncSession, raw: bytes) -> bool:
        try:
            found = await asyncio.to_thread(read, raw)
            await commands.hear(session, raw, found, self.address, self.domain, wall(), self.context.clock.now())
        except (NoReceipt, Unknown) as error:
            heard.labels(type(error).__name__).inc()
            return False
        heard.labels(str(found.kind)).inc()
        return True

    async def _tidy(self) -> None:
        async with self.context.database.sessions.begin() as session:
            await commands.purge(session, wall())


PLAIN_NAME = re.compile(r"[A-Za-z0-9_.()-]{1,60}")
PIECE = re.compile(r"(?:%..|[^%]){1,20}")
"""Of an encoded file name: at most sixty characters, so that no line is longer than a header's may be."""


def written(sender: str, to: str, message_id: str, subject: str, body: str, files: list[File], at: datetime) -> bytes:
    """A plain message: what has legal value is best without decoration. The receipt of delivery is the complete one,
    with what was delivered. Put together by hand: the standard library takes words of RFC 2047 in what somebody has
    written for encoded ones, decodes them, and writes the line ends in them as new headers."""
    boundary = f"=_{sha256(message_id.encode()).hexdigest()[:32]}"
    lines = [
        f"From: {sender}",
        f"To: {to}",
        f"Subject: {unstructured(subject)}",
        f"Date: {format_datetime(at)}",
        f"Message-ID: {message_id}",
        "X-TipoRicevuta: completa",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/mixed;\r\n boundary="{boundary}"',
        "",
        *text_part(boundary, "plain", body),
    ]
    for file in files:
        lines += [
            f"--{boundary}",
            f"Content-Type: {file.media_type}",
            f"Content-Disposition: attachment;{_file_name(file.name)}",
            "Content-Transfer-Encoding: base64",
            "",
            encoded(file.content),
        ]
    return "\r\n".join([*lines, f"--{boundary}--", ""]).encode()


def _file_name(name: str) -> str:
    """As a parameter of a header (RFC 2231)."""
    if PLAIN_NAME.fullmatch(name):
        return f' filename="{name}"'
    pieces = PIECE.findall(f"utf-8''{quote(name, safe='')}")
    return ";".join(f"\r\n filename*{number}*={piece}" for number, piece in enumerate(pieces))
