"""Mails as nobody should write them: refused or taken, never a crash, never for long, never much room."""

from __future__ import annotations

import asyncio
import gc
import smtplib
import time
import tracemalloc
from base64 import b64encode
from collections.abc import Iterator

import pytest

from services.notify.replies import mime, server
from services.notify.replies.rules import Refused
from services.notify.replies.server import LARGEST, MOST_CONNECTIONS, reply_in
from tests.calendars.replies import Answer
from tests.notify.network import Network
from tests.notify.replies.desk import Invited, hand_over

pytestmark = pytest.mark.timeout(120)


def nested(depth: int, inside: bytes = b"x\r\n" * 10) -> bytes:
    opening = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (level, level) for level in range(depth)
    )
    return opening + b"Content-Type: text/plain\r\n\r\n" + inside


REPLY = Answer().calendar("google")
PART = b"MIME-Version: 1.0\r\nContent-Type: text/calendar; method=REPLY"


def hostile() -> Iterator[tuple[str, bytes]]:
    yield "nothing", b""
    yield "one line", b"\r\n"
    yield "no headers", REPLY
    yield "zeroes", b"\0" * LARGEST
    yield "noise", bytes(range(256)) * 4000
    yield "deep", nested(10_000)
    yield "deep enough", nested(39, b"\r\n" * 19_000)
    yield "only line ends", b"\r\n\r\n" + b"\r\n" * (LARGEST // 2 - 2)
    yield "digest", b'Content-Type: multipart/digest; boundary="b"\r\n\r\n' + b"--b\r\n\r\n" * 6_000
    yield "messages in messages", b"Content-Type: message/rfc822\r\n\r\n" * 20_000
    yield "long header", PART + b"; a=" + b";" * 900_000 + b"\r\n\r\n" + REPLY
    yield "folded header", PART + b"\r\n ;" * 15_000 + b"\r\n\r\n" + REPLY
    yield "many headers", b"X-A: b\r\n" * 19_000 + PART + b"\r\n\r\n" + REPLY
    yield "quotes", b'Content-Type: text/calendar; method="' + b'\\"' * 400_000 + b"\r\n\r\n" + REPLY
    yield "continued parameter", PART + b"".join(b"; n*%d*=a" % n for n in range(300)) + b"\r\n\r\n" + REPLY
    yield "charset of bytes", PART + b"; charset=zlib\r\n\r\n" + REPLY
    yield "unknown charset", PART + b"; charset=x-nobody\r\n\r\n" + REPLY
    yield "empty charset", PART + b'; charset=""\r\n\r\n' + REPLY
    yield "unknown encoding", PART + b"\r\nContent-Transfer-Encoding: x-nobody\r\n\r\n" + REPLY
    yield "wrong encoding", PART + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + REPLY
    yield "cut encoding", PART + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b64encode(REPLY)[:-3]
    yield "broken uuencode", PART + b"\r\nContent-Transfer-Encoding: uuencode\r\n\r\nbegin 666 x\r\n\xff\xff\r\nend\r\n"
    yield "no end", b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n' + PART + b"\r\n\r\n" + REPLY
    yield "empty boundary", b'Content-Type: multipart/mixed; boundary=""\r\n\r\n--\r\n' + PART + b"\r\n\r\n" + REPLY
    yield "no boundary", b"Content-Type: multipart/mixed\r\n\r\n--b\r\n" + PART + b"\r\n\r\n" + REPLY
    yield "archive", b"Content-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\nUEsDBBQAAAAI\r\n"
    yield (
        "headers of bytes",
        b"From: \xff\xfe <\x80@\x81>\r\nSubject: =?utf-8?b?////?=\r\n" + PART + b"\r\n\r\n" + REPLY,
    )
    yield (
        "utf-16",
        PART
        + b"; charset=utf-16\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + b64encode(REPLY.decode().encode("utf-16")),
    )


HOSTILE = dict(hostile())
READ = {
    "many headers",
    "charset of bytes",
    "unknown charset",
    "empty charset",
    "unknown encoding",
    "empty boundary",
    "no end",
    "headers of bytes",
    "utf-16",
    "continued parameter",
}
"""In these the answer is still found."""


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_is_read_or_refused_quickly(name: str) -> None:
    begun = time.monotonic()
    try:
        found = reply_in(HOSTILE[name], from_nobody=False)
    except Refused:
        found = None
    assert time.monotonic() - begun < 5
    assert (found is not None) == (name in READ)


def test_only_some_of_many_calendars_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    part = b"--b\r\nContent-Type: text/calendar\r\n\r\nnonsense\r\n"
    head = b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    assert len(mime.read(head + part * 50 + b"--b--\r\n").calendars) == mime.MOST_CALENDARS
    with pytest.raises(Refused):
        mime.read(head + part * 101 + b"--b--\r\n")


@pytest.mark.parametrize("name", ["zeroes", "deep", "noise", "headers of bytes", "many headers"])
async def test_the_server_goes_on_after_a_hostile_mail(room: Network, name: str) -> None:
    anna = await Invited.by(room)
    code, _ = await anna.send(HOSTILE[name])
    assert code in (500, 550, 552, 554)
    assert await anna.send(anna.answer().mail("google")) == (250, "")


async def test_a_mail_of_ten_megabytes_is_refused_by_its_size_before_it_is_sent(room: Network) -> None:
    anna = await Invited.by(room)

    def announced() -> tuple[int, bytes]:
        with smtplib.LMTP("127.0.0.1", room.running.context.state["lmtp_port"]) as desk:
            desk.ehlo_or_helo_if_needed()
            assert desk.esmtp_features["size"] == str(LARGEST)
            return desk.mail("anna@ponti.example", [f"SIZE={10 << 20}"])

    code, _ = await asyncio.to_thread(announced)
    assert code == 552
    assert await anna.told() == []


@pytest.mark.parametrize("line", [b"x" * 76 + b"\r\n", b"\r\n", b"x"], ids=["lines", "line ends", "no line end"])
async def test_a_mail_of_ten_megabytes_that_does_not_say_so_takes_no_room(room: Network, line: bytes) -> None:
    """With lines of any length, and with one that never ends."""
    anna = await Invited.by(room)
    mail = b"Subject: x\r\n\r\n" + line * ((10 << 20) // len(line)) + b"\r\n.\r\n"

    def sent() -> tuple[int, bytes]:
        with smtplib.LMTP("127.0.0.1", room.running.context.state["lmtp_port"]) as desk:
            desk.ehlo_or_helo_if_needed()
            desk.mail("anna@ponti.example")
            desk.rcpt(anna.organizer)
            desk.docmd("DATA")
            desk.send(mail)
            return desk.getreply()

    gc.collect()
    tracemalloc.start()
    try:
        code, said = await asyncio.to_thread(sent)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (code, said[:5]) == (552, b"5.3.4")
    assert most < 4 * LARGEST
    assert await anna.send(anna.answer().mail("google")) == (250, "")
    assert len(await anna.told()) == 1


async def test_dots_at_the_beginning_of_lines_are_taken_back(room: Network) -> None:
    anna = await Invited.by(room)
    mail = anna.answer().mail("outlook").replace(b"CLASS:PUBLIC", b".CLASS:PUBLIC\r\n..\r\n.")
    assert await anna.send(mail) == (250, "")


async def test_two_recipients_are_handed_over_one_by_one(room: Network) -> None:
    meeting = room.meeting()
    anna, bruno = [await Invited.by(room, meeting) for _ in range(2)]

    def both() -> list[int]:
        with smtplib.LMTP("127.0.0.1", room.running.context.state["lmtp_port"]) as desk:
            desk.ehlo_or_helo_if_needed()
            desk.mail("anna@ponti.example")
            return [desk.rcpt(one.organizer)[0] for one in (anna, bruno)]

    assert await asyncio.to_thread(both) == [250, 452]


async def test_several_mails_pass_on_one_connection(room: Network) -> None:
    anna = await Invited.by(room)
    mails = [anna.answer(partstat).mail("google") for partstat in ("ACCEPTED", "DECLINED", "TENTATIVE")]

    def all_of_them() -> None:
        with smtplib.LMTP("127.0.0.1", room.running.context.state["lmtp_port"]) as desk:
            for mail in mails:
                desk.sendmail("anna@ponti.example", [anna.organizer], mail)

    await asyncio.to_thread(all_of_them)
    assert len(await anna.told()) == 3


async def test_there_are_so_many_connections_and_no_more(room: Network) -> None:
    port = room.running.context.state["lmtp_port"]
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MOST_CONNECTIONS)]
    for reader, _ in opened:
        assert (await reader.readline()).startswith(b"220 ")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert (await reader.read()).startswith(b"421 4.7.0")
    writer.close()
    for _, other in opened:
        other.close()
        await other.wait_closed()
    anna = await Invited.by(room)
    assert await anna.send(anna.answer().mail("google")) == (250, "")


async def test_who_says_nothing_is_hung_up_on(room: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PATIENCE", 0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", room.running.context.state["lmtp_port"])
    async with asyncio.timeout(20):
        assert (await reader.read()).startswith(b"220 ")
    writer.close()


async def test_a_mail_that_never_ends_is_hung_up_on(room: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    anna = await Invited.by(room)
    monkeypatch.setattr(server, "PATIENCE", 0.5)
    reader, writer = await asyncio.open_connection("127.0.0.1", room.running.context.state["lmtp_port"])
    writer.write(f"LHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<{anna.organizer}>\r\nDATA\r\n".encode())
    async with asyncio.timeout(20):
        await reader.readuntil(b"354 ")
        dripping = asyncio.create_task(drip(writer))
        await reader.read()
        await dripping
    assert await anna.told() == []


async def drip(writer: asyncio.StreamWriter) -> None:
    """A line every now and then, for ever."""
    while not writer.is_closing():
        writer.write(b"x\r\n")
        await asyncio.sleep(0.05)


async def test_what_is_no_lmtp_is_not_understood(room: Network) -> None:
    code, _ = await hand_over(room, b"x", "nobody@reply.example")
    assert code == 550

    def web() -> bytes:
        with smtplib.LMTP("127.0.0.1", room.running.context.state["lmtp_port"]) as desk:
            return b" ".join(str(desk.docmd(word)[0]).encode() for word in ("EHLO x", "HELO x", "AUTH PLAIN x", "VRFY"))

    answers = (await asyncio.to_thread(web)).split()
    assert all(answer.startswith(b"5") for answer in answers)
