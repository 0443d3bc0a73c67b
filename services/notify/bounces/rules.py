"""What a mail that came back means: for its delivery, and for the address to which it went.

Each mail leaves with an envelope sender of its own, `bounce+<token>@<reply domain>`: the delivery's id and a print of
the address to which it went, authenticated, so that nothing is kept for it and nobody makes one up. It survives
programs that write addresses in small or in capital letters.
"""

from __future__ import annotations

import hmac
import re
from base64 import b32decode, b32encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from services.notify.deliveries.rules import Problem

LOCAL, DESK = "bounce", "bounces"
"""Of the addresses that name a delivery, and of the one for feedback loops and what was sent without such a one."""
PRINT, SEAL = 5, 10
"""Bytes: with the id's 16 and its prefix the local part stays within the 64 characters that mail allows."""
TOKEN = re.compile(r"[a-z2-7]{50}")

SOFT_MOST, SOFT_PERIOD = 3, timedelta(days=30)
"""So many different mails that came back for a while, within so long: nobody reads that mailbox."""


class Kind(StrEnum):
    HARD = "hard"  # there is no such mailbox, or it was closed
    SOFT = "soft"  # full, out of order, given up after days
    POLICY = "policy"  # this mail was refused, not its reader's mailbox
    DELAYED = "delayed"  # the mail server says that it keeps trying: for information
    COMPLAINT = "complaint"  # the reader called it unwanted


class Reason(StrEnum):
    """Why an address is mailed no more."""

    HARD = "hard"
    SOFT = "soft"
    COMPLAINT = "complaint"


class Release(StrEnum):
    """Why it is mailed again."""

    WORKS = "works"
    ASKED = "asked"
    MISTAKE = "mistake"


REASONS: dict[Reason, tuple[str, str]] = {
    Reason.HARD: ("la casella non esiste", "there is no such mailbox"),
    Reason.SOFT: ("la posta è tornata più volte in un mese", "mail came back several times within a month"),
    Reason.COMPLAINT: ("segnalato come indesiderato", "reported as unwanted"),
}
RELEASES: dict[Release, tuple[str, str]] = {
    Release.WORKS: ("la casella funziona di nuovo", "the mailbox works again"),
    Release.ASKED: ("la persona lo ha chiesto", "the person has asked for it"),
    Release.MISTAKE: ("era un errore", "it was a mistake"),
}

RETURNED: dict[Kind, Problem] = {
    Kind.HARD: Problem.RETURNED_UNKNOWN,
    Kind.SOFT: Problem.RETURNED_FOR_NOW,
    Kind.POLICY: Problem.RETURNED_REFUSED,
}
"""Nobody has read what came back so. What was complained of was read."""


@dataclass(frozen=True, slots=True)
class Named:
    """The delivery that an envelope's sender names, and the print of the address to which it went."""

    delivery_id: UUID
    print: bytes


def print_of(key: bytes, mailbox: str) -> bytes:
    """Of an address: whether a bounce is of the one that its person has now, without keeping the one of then."""
    return hmac.digest(key, b"to " + mailbox.strip().lower().encode(), sha256)[:PRINT]


def return_path(key: bytes, domain: str, delivery_id: UUID, mailbox: str) -> str:
    """The envelope's sender of the mail of this delivery to this address."""
    said = delivery_id.bytes + print_of(key, mailbox)
    token = b32encode(said + _seal(key, said)).decode().rstrip("=").lower()
    return f"{LOCAL}+{token}@{domain}"


def token_of(address: str, domain: str) -> str | None:
    """The token in an address of ours, `""` in that of the desk; None in all others."""
    local, _, at = address.strip().strip("<>").lower().rpartition("@")
    if at != domain.lower():
        return None
    if local == DESK:
        return ""
    prefix, _, token = local.partition("+")
    return token if prefix == LOCAL and TOKEN.fullmatch(token) else None


def named(key: bytes, token: str) -> Named | None:
    """What the token says; None when it was not made with this key."""
    if not TOKEN.fullmatch(token):
        return None
    raw = b32decode(token.upper() + "=" * (-len(token) % 8))
    said, seal = raw[: 16 + PRINT], raw[16 + PRINT :]
    return Named(UUID(bytes=said[:16]), said[16:]) if hmac.compare_digest(_seal(key, said), seal) else None


def _seal(key: bytes, said: bytes) -> bytes:
    return hmac.digest(key, b"from " + said, sha256)[:SEAL]


# --- what a status means ---------------------------------------------------------------------------------------------

STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
CODE = re.compile(r"(?<![\d.])([45])\d\d(?=[ -])")
WORDS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"quota|mailbox (is )?full|over its? (storage|size)|troppo piena|casella piena", re.IGNORECASE),
        "5.2.2",
    ),
    (
        re.compile(
            r"user (is )?unknown|unknown user|no such (user|mailbox|recipient)|no mailbox here|does not exist"
            r"|doesn.?t have an? \S+ account|mailbox unavailable|recipient (not found|rejected: user)"
            r"|address rejected: user",
            re.IGNORECASE,
        ),
        "5.1.1",
    ),
)
"""What servers say that give no status of their own, or one that says nothing."""
SAYS_NOTHING = frozenset({"5.0.0", "4.0.0", "5.5.0", "5.3.0", "5.4.0"})

HARD = frozenset({"1.1", "1.2", "1.3", "1.4", "1.6", "1.9", "1.10", "2.1"})
SOFT_SUBJECTS = frozenset({"0", "2", "3", "4"})


def status_of(given: str, words: str) -> str:
    """The enhanced status (RFC 3463) that a server means: the one given, unless that says nothing and its words more;
    `""` when there is none at all."""
    own = STATUS.search(given)
    said = own[0] if own else ""
    if said and said not in SAYS_NOTHING:
        return said
    if (other := STATUS.search(words)) and other[0] not in SAYS_NOTHING and other[1] != "2":
        return other[0]
    if said[:1] != "4":
        for pattern, meant in WORDS:
            if pattern.search(words):
                return meant
    if not said and (code := CODE.search(words)):
        return f"{code[1]}.0.0"
    return said


def kind_of(action: str, status: str) -> Kind | None:
    """Of a delivery status (RFC 3464): None of what was delivered, or says nothing. What has failed with a status of
    "later" was tried for days."""
    if action == "delayed":
        return Kind.DELAYED
    failed = action == "failed" or (not action and status[:1] in ("4", "5"))
    if not failed:
        return None
    if status[:1] == "4":
        return Kind.SOFT if action == "failed" else Kind.DELAYED
    detail = status[2:]
    if detail in HARD:
        return Kind.HARD
    return Kind.SOFT if not status or detail.partition(".")[0] in SOFT_SUBJECTS else Kind.POLICY


COMPLAINTS = frozenset({"abuse", "fraud", "virus", "opt-out", "opt-out-list"})
"""Feedback types (RFC 5965) by which a reader says that they do not want it; the others speak of something else."""


def suppressed_by(kind: Kind, soft: int) -> Reason | None:
    """Whether the address is mailed no more, `soft` mails to it having come back for a while by now."""
    match kind:
        case Kind.HARD:
            return Reason.HARD
        case Kind.COMPLAINT:
            return Reason.COMPLAINT
        case Kind.SOFT if soft >= SOFT_MOST:
            return Reason.SOFT
        case _:
            return None


def mailed(reason: Reason | None, *, owed: bool, sign_in: bool) -> bool:
    """Whether a mail goes to an address on the list. Who complained is owed what is owed; who asks for a link to come
    in waits at that mailbox."""
    return reason is None or sign_in or (owed and reason is Reason.COMPLAINT)


def strongest(reasons: Iterable[Reason]) -> Reason | None:
    """Of several for one address, the one that stops more."""
    return min(reasons, key=list(Reason).index, default=None)
