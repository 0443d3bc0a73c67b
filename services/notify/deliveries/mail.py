"""A composed message as bytes on the wire (RFC 5322, 2045, 2047).

Some parts and ten headers are put together here, by hand: the standard library's `EmailMessage` takes 2.2 ms for them
and its older classes 0.6, as long as the whole SMTP transaction; this takes 0.1. What other software reads in them is
tested with the standard library's parser. Every value passes `one_line`: nothing can start another header.
"""

from __future__ import annotations

from base64 import b64encode, encodebytes
from binascii import b2a_qp
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from uuid import UUID

from services.notify.contacts.rules import domain_of

LONGEST_LINE = 78
LONGEST_VALUE = 250
"""Characters of a subject or a name: more is cut, nobody's mail program shows it."""
WORD = 36
"""Bytes in an RFC 2047 word: with its frame and the header's name it stays within a line."""


@dataclass(frozen=True, slots=True)
class Sender:
    """In whose name mails go out. Bounces return to the platform's `address`, unless each mail has an envelope's
    sender of its own (`bounces/rules.py`)."""

    name: str
    address: str
    reply_to: tuple[str, str] | None = None  # name and address


@dataclass(frozen=True, slots=True)
class Invitation:
    """A meeting for the reader's calendar: an iTIP message (RFC 5546) and the method that it says."""

    method: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """What one person is to read. `to` is a mailbox as it goes on the wire (see `contacts.rules.mailbox`). `author` is
    in whose name it is written when that is not the platform: a network that has decided how it signs."""

    to: str
    to_name: str
    language: str
    subject: str
    text: str
    html: str
    network: tuple[str, str] | None = None  # slug and title
    author: Sender | None = None
    invitation: Invitation | None = None
    unsubscribe: str | None = None


def written(mail: Mail, sender: Sender, id_: UUID, correlation: UUID | None, at: datetime) -> bytes:
    """The whole message. The Message-ID follows from the id of the delivery alone: a mail sent twice, because a kill
    came between the relay's answer and our record of it, is recognisable as the same one. A network that writes from
    its own address is the author, the platform the sender (RFC 5322, 3.6.2): docs/decisions/0011."""
    domain, boundary = domain_of(sender.address), f"={id_.hex}"  # `=` never begins a line of quoted-printable text
    author = mail.author or sender
    lines = [
        f"From: {mailbox(author.name, author.address)}",
        f"To: {mailbox(mail.to_name, mail.to)}",
        f"Subject: {unstructured(mail.subject)}",
        f"Date: {format_datetime(at)}",
        f"Message-ID: <{id_}@{domain}>",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/{"mixed" if mail.invitation else "alternative"};\r\n boundary="{boundary}"',
        f"Content-Language: {mail.language}",
        "Auto-Submitted: auto-generated",  # RFC 3834: no out-of-office answers, please
    ]
    if author.address != sender.address:
        lines.append(f"Sender: {mailbox(sender.name, sender.address)}")
    if author.reply_to:
        lines.append(f"Reply-To: {mailbox(*author.reply_to)}")
    if mail.network:
        slug, title = mail.network
        place = one_line(slug).replace(" ", "-")
        lines.append(f"List-Id: {mailbox(title, f'{place}.{domain}')}")
    if mail.unsubscribe:  # one line: what mail programs follow must not be folded; some 600 of the 998 characters
        lines.append(f"List-Unsubscribe: <{one_line(mail.unsubscribe)}>")
        lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    if correlation:
        lines.append(f"Trama-Correlation: {correlation}")
    lines += ["", *_parts(boundary, mail), f"--{boundary}--", ""]
    return "\r\n".join(lines).encode()


def needs_smtputf8(address: str) -> bool:
    return not address.isascii()


def one_line(text: str) -> str:
    """No control character, no line break: nothing that could start another header."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())


@lru_cache(maxsize=512)
def unstructured(text: str) -> str:
    """As it is when it is short and ASCII, RFC 2047 words when not."""
    text = one_line(text)[:LONGEST_VALUE]
    fits = text.isascii() and "=?" not in text and len("List-Id: ") + len(text) <= LONGEST_LINE
    return text if fits else _words(text)


def mailbox(display: str, address: str) -> str:
    """`"Maria Rossi" <maria@example.org>`. A name is quoted or encoded, so that it stays a name whatever is in it; an
    address that has no ASCII form makes the header raw UTF-8, as RFC 6532 has it for SMTPUTF8."""
    name = unstructured(display)
    if not name or name.startswith("=?"):
        quoted = name
    else:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        quoted = f'"{escaped}"'
    last_line = len(quoted) if "\n" not in quoted else LONGEST_LINE
    apart = last_line + len(address) + len("Reply-To:  <>") > LONGEST_LINE
    return f"{quoted}\r\n <{address}>" if apart else f"{quoted} <{address}>"


def _words(text: str) -> str:
    return "\r\n ".join(f"=?utf-8?b?{b64encode(chunk.encode()).decode()}?=" for chunk in _chunks(text))


def _chunks(text: str) -> Iterator[str]:
    """Pieces of at most WORD bytes that split no character."""
    piece, size = "", 0
    for character in text:
        length = len(character.encode())
        if size + length > WORD:
            yield piece
            piece, size = "", 0
        piece += character
        size += length
    yield piece


def _parts(boundary: str, mail: Mail) -> list[str]:
    """The text twice; with an invitation that as a third alternative, by which calendar programs show their buttons,
    and once more as a file, for programs that look for one (RFC 6047, 2.4)."""
    if mail.invitation is None:
        return [*text_part(boundary, "plain", mail.text), *text_part(boundary, "html", mail.html)]
    inner = f"=_{boundary[1:]}"
    method, calendar = mail.invitation.method, encoded(mail.invitation.content)
    return [
        f"--{boundary}",
        f'Content-Type: multipart/alternative;\r\n boundary="{inner}"',
        "",
        *text_part(inner, "plain", mail.text),
        *text_part(inner, "html", mail.html),
        f"--{inner}",
        f"Content-Type: text/calendar; charset=utf-8; method={method}",
        "Content-Transfer-Encoding: base64",
        "",
        calendar,
        f"--{inner}--",
        "",
        f"--{boundary}",
        'Content-Type: application/ics; name="riunione.ics"',
        'Content-Disposition: attachment; filename="riunione.ics"',
        "Content-Transfer-Encoding: base64",
        "",
        calendar,
    ]


def encoded(content: bytes) -> str:
    """Base64 in lines, for a part of a mail."""
    return encodebytes(content).decode("ascii").strip().replace("\n", "\r\n")


def text_part(boundary: str, subtype: str, text: str) -> list[str]:
    """Text as a part of a mail. Quoted-printable by the C function: lines within 76 characters, readable raw, safe
    through any relay."""
    return [
        f"--{boundary}",
        f"Content-Type: text/{subtype}; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
        "",
        b2a_qp(text.replace("\r\n", "\n").replace("\r", "\n").encode(), istext=True)
        .decode("ascii")
        .replace("\n", "\r\n"),
    ]
