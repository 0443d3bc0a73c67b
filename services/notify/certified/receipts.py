"""Receipts of certified mail, as its technical rules write them (annex to DM 2 November 2005; RFC 6109, 4.4).

A receipt is a message with the headers X-Ricevuta and X-Riferimento-Message-ID and a part `daticert.xml`. The
provider's S/MIME signature around it is kept with it and not verified here: who needs it as evidence verifies the kept
bytes with the providers' list of AgID. So what is believed is bound: the receipt came to our own certified mailbox, it
names our address as the sender, a Message-ID that only this platform and the two providers know, and the recipient.
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email.message import Message
from enum import StrEnum
from typing import Any

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from services.notify.replies.mime import BOUNDARY, MOST_BOUNDARIES, MOST_MESSAGES, NESTED, Bounded
from shared.access.actor import ROME

LARGEST, LARGEST_DATA = 4 << 20, 256 * 1024
"""Bytes of a receipt (a complete one holds the whole message), and of its data."""
MOST_LINES, MOST_PARTS, LONGEST_WORDS = 100_000, 200, 500
DATA_FILE = "daticert.xml"


class Kind(StrEnum):
    ACCEPTED = "accettazione"
    NOT_ACCEPTED = "non-accettazione"
    TAKEN = "presa-in-carico"
    DELIVERED = "avvenuta-consegna"
    WARNING = "preavviso-errore-consegna"
    NOT_DELIVERED = "errore-consegna"
    VIRUS = "rilevazione-virus"


class NoReceipt(Exception):
    """An ordinary message, or one that only looks like a receipt: it changes nothing."""


@dataclass(frozen=True, slots=True)
class Read:
    """What a receipt says. `recipient` is whom a delivery or a failure is about; acceptance is about all."""

    kind: Kind
    message_id: str
    sender: str
    recipients: tuple[str, ...]
    recipient: str | None
    provider: str
    identifier: str
    at: datetime
    error: str | None
    detail: str

    def data(self) -> dict[str, Any]:
        return {
            "kind": str(self.kind),
            "message_id": self.message_id,
            "sender": self.sender,
            "recipients": list(self.recipients),
            "recipient": self.recipient,
            "provider": self.provider,
            "identifier": self.identifier,
            "at": self.at.isoformat(),
            "error": self.error,
            "detail": self.detail,
        }


def read(raw: bytes) -> Read:
    """Raises NoReceipt, whatever the bytes are."""
    try:
        _require_bounded(raw)
        message = email.message_from_bytes(raw, policy=Bounded())
        named = str(message.get("X-Ricevuta") or "").strip().lower()
        if named not in set(Kind):
            raise NoReceipt("no X-Ricevuta")
        return _read(fromstring(_data_of(message)), Kind(named), message)
    except (RecursionError, ValueError, LookupError, ParseError, DefusedXmlException) as error:
        raise NoReceipt(type(error).__name__) from None


def _require_bounded(raw: bytes) -> None:
    """What would keep the standard library's parser busy (`replies/mime.py`) is not parsed."""
    if len(raw) > LARGEST or raw.count(b"\n") > MOST_LINES:
        raise NoReceipt("too large")
    if len(BOUNDARY.findall(raw)) > MOST_BOUNDARIES or len(NESTED.findall(raw)) > MOST_MESSAGES:
        raise NoReceipt("nested")


def _data_of(message: Message) -> bytes:
    for part in _parts(message):
        if (part.get_filename() or "").lower() == DATA_FILE:
            content = part.get_payload(decode=True)
            if isinstance(content, bytes) and 0 < len(content) <= LARGEST_DATA:
                return content
    raise NoReceipt("no daticert.xml")


def _parts(message: Message) -> Iterator[Message]:
    """Not those inside of the attached message (postacert.eml): what a correspondent writes is no receipt."""
    waiting, seen = [message], 0
    while waiting and seen < MOST_PARTS:
        part = waiting.pop()
        seen += 1
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            waiting.extend(child for child in part.get_payload() if isinstance(child, Message))
        elif part.get_content_maintype() != "message":
            yield part


def _read(root: Any, kind: Kind, message: Message) -> Read:
    if root.tag != "postacert" or root.get("tipo") != kind:
        raise NoReceipt("header and data differ")
    message_id = _text(root, "dati/msgid") or str(message.get("X-Riferimento-Message-ID") or "").strip()
    header = str(message.get("X-Riferimento-Message-ID") or message_id).strip()
    if not message_id or header.strip("<>") != message_id.strip("<>"):
        raise NoReceipt("no message named, or two")
    everybody = tuple(_address(one.text) for one in root.findall("intestazione/destinatari")[:MOST_PARTS])
    about = [_address(one.text) for one in (*root.findall("dati/consegna"), *root.findall("dati/ricezione"))]
    error = root.get("errore", "nessuno")
    return Read(
        kind=kind,
        message_id=message_id.strip("<>"),
        sender=_address(_text(root, "intestazione/mittente")),
        recipients=everybody,
        recipient=about[0] if about else None,
        provider=_text(root, "dati/gestore-emittente")[:LONGEST_WORDS],
        identifier=_text(root, "dati/identificativo")[:LONGEST_WORDS],
        at=_instant(root),
        error=None if error == "nessuno" else error[:50],
        detail=_text(root, "dati/errore-esteso")[:LONGEST_WORDS],
    )


def _text(root: Any, path: str) -> str:
    found = root.findtext(path) or ""
    return " ".join("".join(c if c.isprintable() else " " for c in found).split())


def _address(text: str | None) -> str:
    return (text or "").strip().lower()[:320]


def _instant(root: Any) -> datetime:
    """`<data zona="+0100"><giorno>22/11/2026</giorno><ora>09:15:00</ora></data>`; without a zone it is Italy's."""
    read = datetime.strptime(f"{_text(root, 'dati/data/giorno')} {_text(root, 'dati/data/ora')}", "%d/%m/%Y %H:%M:%S")  # noqa: DTZ007
    given = root.find("dati/data").get("zona") or ""
    zone = re.fullmatch(r"([+-])(\d\d):?(\d\d)", given)
    if zone is None:
        return read.replace(tzinfo=ROME).astimezone(UTC)
    offset = timedelta(hours=int(zone[2]), minutes=int(zone[3])) * (-1 if zone[1] == "-" else 1)
    return read.replace(tzinfo=timezone(offset)).astimezone(UTC)
