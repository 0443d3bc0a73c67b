"""A composed message as bytes on the wire (RFC 5322), by the standard library's MIME classes.

The older `compat32` classes on purpose: `email.message.EmailMessage` costs 2.2 ms a mail where these cost 0.5, more
than the whole SMTP transaction. They do not refuse a line break in a header by themselves, so every value passes
`one_line`.
"""

from __future__ import annotations

from binascii import b2a_qp
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import compat32
from email.utils import format_datetime
from uuid import UUID

from services.notify.contacts.rules import domain_of

POLICY = compat32.clone(linesep="\r\n")
DISPLAY_LENGTH = 120


@dataclass(frozen=True, slots=True)
class Sender:
    """In whose name mails go out. `address` is also the envelope's sender, to which bounces return."""

    name: str
    address: str
    reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """What one person is to read. `to` is a mailbox as it goes on the wire (see `contacts.rules.mailbox`)."""

    to: str
    to_name: str
    language: str
    subject: str
    text: str
    html: str
    network: tuple[str, str] | None = None  # slug and title


def one_line(text: str) -> str:
    """No control character, no line break: nothing that could start another header."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def unstructured(name: str, text: str) -> str:
    """RFC 2047 words when it is not ASCII, folded behind the header's name."""
    return Header(one_line(text), _charset(text), header_name=name, maxlinelen=76).encode()


def mailbox_header(name: str, display: str, address: str) -> str:
    display = one_line(display)[:DISPLAY_LENGTH]
    if not address.isascii():  # SMTPUTF8: such an address has no ASCII form, so a raw UTF-8 header (RFC 6532)
        return f'"{_escaped(display)}" <{address}>'.encode().decode("ascii", "surrogateescape")
    if not display:
        return f"<{address}>"
    if display.isascii():
        return f'"{_escaped(display)}" <{address}>'
    return f"{Header(display, 'utf-8', header_name=name, maxlinelen=76).encode()}\n <{address}>"


def written(mail: Mail, sender: Sender, id_: UUID, correlation: UUID | None, at: datetime) -> bytes:
    """The whole message. The Message-ID follows from the id of the delivery alone: a mail sent twice, because a kill
    came between the relay's answer and our record of it, is recognisable as the same one."""
    domain = domain_of(sender.address)
    message = MIMEMultipart("alternative", boundary=f"={id_.hex}", policy=POLICY)
    message["From"] = mailbox_header("From", sender.name, sender.address)
    message["To"] = mailbox_header("To", mail.to_name, mail.to)
    if sender.reply_to:
        message["Reply-To"] = one_line(sender.reply_to)
    message["Subject"] = unstructured("Subject", mail.subject)
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{id_}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    message["Content-Language"] = mail.language
    if mail.network:
        slug, title = mail.network
        message["List-Id"] = mailbox_header("List-Id", title, f"{one_line(slug).replace(' ', '-')}.{domain}")
    if correlation:
        message["Trama-Correlation"] = str(correlation)
    message.attach(_part("plain", mail.text))
    message.attach(_part("html", mail.html))
    return message.as_bytes(policy=POLICY)


def needs_smtputf8(address: str) -> bool:
    return not address.isascii()


def _escaped(display: str) -> str:
    return display.replace("\\", "\\\\").replace('"', '\\"')


def _charset(text: str) -> str:
    return "us-ascii" if text.isascii() else "utf-8"


def _part(subtype: str, text: str) -> Message:
    """Quoted-printable by the C function, whole lines within 76 characters: readable raw, safe through any relay."""
    part = MIMENonMultipart("text", subtype, charset="utf-8", policy=POLICY)
    part["Content-Transfer-Encoding"] = "quoted-printable"
    part.set_payload(b2a_qp(text.encode(), istext=True).decode("ascii"))
    return part
