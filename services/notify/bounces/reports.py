"""What a mail server says of a mail that it could not deliver (RFC 3464, and text as qmail writes it), or a provider of
one that its reader called unwanted (RFC 5965); read within the same bounds as calendars' answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import Message
from uuid import UUID

from services.notify.bounces.rules import COMPLAINTS, Kind, kind_of, status_of
from services.notify.replies import mime
from services.notify.replies.rules import Refused

MOST_RECIPIENTS, MOST_IDS = 20, 5
MOST_TEXT = 20_000
"""Characters of a text in which a reason is looked for."""
OURS = re.compile(r"<([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})@[^\s<>]{1,255}>", re.IGNORECASE)
IN_TEXT = re.compile(r"^message-id:\s*(<[^\s<>]{1,300}>)", re.IGNORECASE | re.MULTILINE)
FAILURES = re.compile(
    r"qmail-send program|created automatically by mail delivery software|mail delivery (sub)?system|delivery has failed"
    r"|could not be delivered|undeliverable|mancato recapito|non recapitabile",
    re.IGNORECASE,
)
DAEMONS = re.compile(r"mailer-daemon|postmaster|mail delivery", re.IGNORECASE)
COPY = re.compile(r"^-{2,}.{0,60}(copy of the (original )?message|original message)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Report:
    """What is said of one mail. `recipients`: to whom it was, where that is said; `ids` and `paths`: the Message-IDs
    and envelope senders that the returned mail bears."""

    kind: Kind
    status: str = ""
    words: str = ""
    recipients: tuple[str, ...] = ()
    ids: tuple[UUID, ...] = ()
    paths: tuple[str, ...] = ()


def read(raw: bytes) -> Report | None:
    """None for whatever is no such report: absence notes, words, receipts, and what nobody's server writes."""
    try:
        message = mime.parsed(raw)
        parts = mime.parts(message)
    except Refused:
        return None
    kinds = {part.get_content_type(): part for part in reversed(parts)}
    if (feedback := kinds.get("message/feedback-report")) is not None:
        return _complaint(feedback, parts)
    if (status := kinds.get("message/delivery-status") or kinds.get("message/global-delivery-status")) is not None:
        return _returned(status, parts)
    return _in_words(message, parts)


def _complaint(feedback: Message, parts: list[Message]) -> Report | None:
    said = next(_blocks(feedback), None)
    if said is None or _value(said, "Feedback-Type").lower() not in COMPLAINTS:
        return None
    ids, paths = _marks(parts)
    recipients = tuple(_address(_text(value)) for value in said.get_all("Original-Rcpt-To", [])[:MOST_RECIPIENTS])
    first = _value(said, "Original-Mail-From")
    return Report(Kind.COMPLAINT, recipients=recipients, ids=ids, paths=(first, *paths) if first else paths)


def _returned(status: Message, parts: list[Message]) -> Report | None:
    """The worst of what is said of recipients: our mails have one."""
    found = [one for one in (_of_recipient(block) for block in _blocks(status)) if one is not None]
    if not found:
        return None
    worst = min(found, key=lambda one: list(Kind).index(one.kind))
    ids, paths = _marks(parts)
    return Report(worst.kind, worst.status, worst.words, worst.recipients, ids, paths)


def _of_recipient(block: Message) -> Report | None:
    action, words = _value(block, "Action").lower().partition(" ")[0], _value(block, "Diagnostic-Code")
    status = status_of(_value(block, "Status"), words)
    kind = kind_of(action, status)
    if kind is None:
        return None
    said = (_value(block, name) for name in ("Original-Recipient", "Final-Recipient"))
    return Report(kind, status, words.partition(";")[2].strip() or words, tuple(_address(one) for one in said if one))


def _in_words(message: Message, parts: list[Message]) -> Report | None:
    """qmail's notice, and those of servers that write no report: only of a daemon, with a status or words for one."""
    text = next((mime.text(part)[:MOST_TEXT] for part in parts if part.get_content_type() == "text/plain"), "")
    failed = _value(message, "X-Failed-Recipients")
    if not failed and not (DAEMONS.search(_value(message, "From")) and FAILURES.search(text)):
        return None
    copy = COPY.search(text)
    notice, returned = (text[: copy.start()], text[copy.start() :]) if copy else (text, text)
    status = status_of("", notice)
    kind = kind_of("failed" if status else "", status)
    if kind is None:
        return None
    line = next((line for line in notice.splitlines() if status in line), "")
    ids, paths = _marks(parts)
    own = _ids(IN_TEXT.findall(returned))
    recipients = tuple(_address(one) for one in failed.split(",")[:MOST_RECIPIENTS] if one.strip())
    return Report(kind, status, line, recipients, (ids + own)[:MOST_IDS], paths)


def _blocks(part: Message) -> Iterator[Message]:
    """The groups of fields of a report, however the parser took them: as messages or as one text."""
    payload = part.get_payload()
    if isinstance(payload, list):
        yield from (block for block in payload[: MOST_RECIPIENTS + 1] if isinstance(block, Message))
        return
    for some in re.split(r"\n\s*\n", mime.text(part)[:MOST_TEXT].replace("\r\n", "\n").strip())[: MOST_RECIPIENTS + 1]:
        yield mime.parsed(some.encode("utf-8", "replace") + b"\n\n")


def _marks(parts: list[Message]) -> tuple[tuple[UUID, ...], tuple[str, ...]]:
    """Which mail was returned: what its headers say, whole or alone."""
    ids: list[str] = []
    paths: list[str] = []
    for part in parts:
        for headers in _headers(part):
            ids.append(_value(headers, "Message-ID"))
            paths.append(_value(headers, "Return-Path"))
    return _ids(ids), tuple(path for path in paths if path)[:MOST_IDS]


def _headers(part: Message) -> Iterator[Message]:
    kind, payload = part.get_content_type(), part.get_payload()
    if kind in ("message/rfc822", "message/global") and isinstance(payload, list):
        yield from (inner for inner in payload[:1] if isinstance(inner, Message))
    elif kind in ("text/rfc822-headers", "message/rfc822", "message/global", "message/global-headers"):
        yield mime.parsed(mime.text(part)[:MOST_TEXT].encode("utf-8", "replace") + b"\n\n")


def _ids(values: Iterable[str]) -> tuple[UUID, ...]:
    found = (OURS.search(value) for value in values)
    return tuple(UUID(match[1]) for match in found if match)[:MOST_IDS]


def _value(message: Message, name: str) -> str:
    return _text(message.get(name, ""))


def _text(value: object) -> str:
    """A header may hold whatever bytes came."""
    return " ".join(str(value).encode("utf-8", "replace").decode().split())


def _address(value: str) -> str:
    """`rfc822;maria@example.org` -> `maria@example.org`."""
    return value.rpartition(";")[2].strip().strip("<>").lower()
