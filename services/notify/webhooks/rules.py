"""Webhooks: which facts a partner's address is told, where it may be, when it is tried again, when it is given up.

A message to an endpoint is queued -> delivered, or failed (given up); it is the same message, with the same id, at each
try. Instants here are wall time: partners' machines live in it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import idna
import orjson
from uuid_utils.compat import uuid7

from services.notify.journeys.rules import confidential
from shared.contracts import FACTS

LONGEST_URL, LONGEST_TITLE, LONGEST_DESCRIPTION = 2_000, 200, 2_000
MOST_TYPES, MOST_ENDPOINTS, MOST_REPLAYED = 50, 2_000, 100_000
SECRET_PREFIX, SECRET_BYTES = "whsec_", 32
ANSWER_KEPT, LARGEST_BODY = 500, 64 * 1024
KEPT = timedelta(days=30)
"""How long what was told, and each try, can be read and told again by hand."""


class State(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"  # by its owner: what happens meanwhile waits
    DISABLED = "disabled"  # it has failed for days or is gone: what happens meanwhile is not queued


class Reason(StrEnum):
    """Why an endpoint is disabled."""

    GONE = "gone"  # it said 410
    FAILING = "failing"  # for days


class MessageState(StrEnum):
    QUEUED = "queued"
    DELIVERED = "delivered"
    FAILED = "failed"


class Outcome(StrEnum):
    """How one try ended."""

    DELIVERED = "delivered"  # 2xx
    REFUSED = "refused"  # any other status
    REDIRECTED = "redirected"  # 3xx, which is never followed
    GONE = "gone"  # 410
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"  # no such name, no connection, a certificate that is not its own, a broken answer
    NOT_ALLOWED = "not_allowed"  # the name leads where webhooks do not go
    UNREADABLE = "unreadable"  # what is to be told, or the secret, is not here


class Unknown(Exception):
    """No endpoint has this id, or none that the caller may know of."""


class TypeUnknown(Exception):
    """A pattern that no fact matches."""

    def __init__(self, position: int, pattern: str) -> None:
        super().__init__(pattern)
        self.path, self.pattern = f"/types/{position}", pattern
        self.accepted = "service.aggregate.fact with * for a whole word, as events.meeting.*"


class AddressUnfit(Exception):
    """A URL to which nothing is sent; `code` says why."""

    def __init__(self, code: str, accepted: str) -> None:
        super().__init__(code)
        self.path, self.code, self.accepted = "/url", code, accepted


class TooMany(Exception):
    """The network has as many endpoints as it may."""

    def __init__(self) -> None:
        super().__init__(MOST_ENDPOINTS)
        self.most = MOST_ENDPOINTS


class WrongState(Exception):
    """What is asked does not go with the endpoint's state."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.state = state


class PeriodUnfit(Exception):
    """Either one fact or a period, which ends after it begins and lies within what is kept."""

    def __init__(self, accepted: str) -> None:
        super().__init__(accepted)
        self.path, self.accepted = "/since", accepted


class NothingToReplay(Exception):
    """The fact is not kept, or is none of those that the endpoint may be told."""


class TooMuch(Exception):
    """A period with more facts than are queued at once."""

    def __init__(self) -> None:
        super().__init__(MOST_REPLAYED)
        self.most = MOST_REPLAYED


class Off(Exception):
    """The platform has no key to keep secrets with (TRAMA_WEBHOOK_KEYS_FILE): there are no webhooks here."""


@dataclass(eq=False)
class Endpoint:
    """A partner's address in a network. `types` are patterns of fact names; `secret` and `previous` are sealed, the
    second signs too until `previous_until`. An endpoint that a key has made is that key's and the secretariat's."""

    network_id: UUID
    title: str
    url: str
    types: list[str]
    secret: bytes
    made_at: datetime
    description: str | None = None
    key_id: UUID | None = None
    previous: bytes | None = None
    previous_until: datetime | None = None
    state: State = State.ACTIVE
    reason: Reason | None = None
    changed_at: datetime | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def actions(self) -> list[str]:
        """What its state allows; who may do it is the policy's to say."""
        turn = "pause" if self.state is State.ACTIVE else "resume"
        return sorted(["change", "remove", "replay", "rotate", "test", turn])

    def change(self, at: datetime, given: Mapping[str, Any]) -> bool:
        """False when nothing differs."""
        changed = {name: value for name, value in given.items() if getattr(self, name) != value}
        for name, value in changed.items():
            setattr(self, name, value)
        if changed:
            self.changed_at = at
        return bool(changed)

    def pause(self, at: datetime) -> None:
        """Raises WrongState."""
        if self.state is not State.ACTIVE:
            raise WrongState(self.state)
        self.state, self.changed_at = State.PAUSED, at

    def resume(self, at: datetime) -> None:
        """Also of one that was disabled: its owner says that it works again. Raises WrongState."""
        if self.state is State.ACTIVE:
            raise WrongState(self.state)
        self.state, self.reason, self.changed_at = State.ACTIVE, None, at

    def disable(self, reason: Reason, at: datetime) -> None:
        self.state, self.reason, self.changed_at = State.DISABLED, reason, at

    def rotate(self, sealed: bytes, at: datetime, overlap: timedelta) -> None:
        """The new secret signs from now on; the one before it, too, for so long. A third is forgotten at once."""
        self.previous, self.previous_until = (self.secret, at + overlap) if overlap else (None, None)
        self.secret, self.changed_at = sealed, at


# --- which facts ------------------------------------------------------------------------------------------------------

SOURCES = ("registry", "mapping", "events", "learning")
OF_NO_NETWORK = ("registry.organisation", "mapping.municipality")
"""One record for all networks of the platform: an endpoint is told what happens in its own."""
PATTERN = re.compile(r"(\*|[a-z][a-z_]{0,49})\.(\*|[a-z][a-z_]{0,49})\.(\*|[a-z][a-z_]{0,49})")
TELLABLE = tuple(
    sorted(
        {
            fact.name
            for fact in FACTS.values()
            if fact.service() in SOURCES
            and f"{fact.service()}.{fact.aggregate()}" not in OF_NO_NETWORK
            and not confidential(fact)
        }
    )
)
"""Names of all facts that a webhook may be told: none with data of a person, none with a credential."""


def patterns(given: Sequence[str]) -> list[str]:
    """As they are kept, without repetitions. Raises TypeUnknown for one that no tellable fact matches."""
    for position, pattern in enumerate(given):
        if not PATTERN.fullmatch(pattern) or not matching((pattern,)):
            raise TypeUnknown(position, pattern)
    return list(dict.fromkeys(given))


@lru_cache(maxsize=4096)
def matching(given: tuple[str, ...]) -> frozenset[str]:
    """The names of facts that these patterns ask for; `*` stands for one whole word."""
    wanted = [pattern.split(".") for pattern in given]
    return frozenset(name for name in TELLABLE if any(_matches(name.split("."), one) for one in wanted))


def _matches(name: Sequence[str], pattern: Sequence[str]) -> bool:
    return all(asked in ("*", word) for word, asked in zip(name, pattern, strict=True))


# --- where -----------------------------------------------------------------------------------------------------------

LOWEST_PORT, PORTS = 1024, (443,)
"""Besides the port of HTTPS only those that no system service listens at."""
BROKEN = re.compile(r"[\x00-\x1f\x7f]")
UNPRINTABLE = re.compile(r"[^\x21-\x7e]|\\")


def address(url: str, *, insecure: bool) -> str:
    """The URL as it is kept: its host in ASCII and lower case. Raises AddressUnfit. Where the name leads is asked at
    each connection (`reachable`), not here. `insecure` (local profile): http too, and private hosts by their number."""
    if len(url) > LONGEST_URL:
        raise AddressUnfit("too_long", f"at most {LONGEST_URL} characters")
    if BROKEN.search(url.strip()):  # the parser would leave them out without a word
        raise AddressUnfit("form", "https://host/path on one line")
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise AddressUnfit("form", "https://host/path") from None
    if parts.scheme not in (("https", "http") if insecure else ("https",)):
        raise AddressUnfit("scheme", "https")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise AddressUnfit("form", "no user, no password, no fragment")
    if UNPRINTABLE.search(parts.path + parts.query):
        raise AddressUnfit("form", "path and query percent-encoded")
    if not insecure and port is not None and port not in PORTS and port < LOWEST_PORT:
        raise AddressUnfit("port", f"443, or {LOWEST_PORT} and above")
    named = _host(host, insecure=insecure)
    return urlunsplit((parts.scheme, named if port is None else f"{named}:{port}", parts.path or "/", parts.query, ""))


def _host(host: str, *, insecure: bool) -> str:
    try:
        literal = ip_address(host)
    except ValueError:
        return _name(host, insecure=insecure)
    if "%" in host or not reachable(literal, private=insecure):
        raise AddressUnfit("host", "a public host")
    return f"[{literal}]" if literal.version == 6 else str(literal)


def _name(host: str, *, insecure: bool) -> str:
    """A name of at least two labels whose last is no number: `127.1` and `0x7f000001` are addresses to resolvers."""
    try:
        name = idna.encode(host.rstrip("."), uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        raise AddressUnfit("host", "a host name") from None
    last = name.rpartition(".")[2]
    if re.fullmatch(r"\d+|0x[0-9a-f]*", last) or not (insecure or "." in name):
        raise AddressUnfit("host", "a public host")
    if not insecure and (last in ("localhost", "local", "internal") or name.endswith(".home.arpa")):
        raise AddressUnfit("host", "a public host")
    return name


NAT64 = IPv6Network("64:ff9b::/96")
NEVER: tuple[IPv4Network | IPv6Network, ...] = (
    IPv4Network("100.64.0.0/10"),  # carriers' own
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),  # 6to4 relays
    IPv6Network("64:ff9b:1::/48"),  # NAT64 of a network's own
    IPv6Network("2001::/32"),  # Teredo
    IPv6Network("2001:db8::/32"),
    IPv6Network("3fff::/20"),  # documentation, too
    IPv6Network("2002::/16"),  # 6to4
    IPv6Network("fec0::/10"),
    IPv6Network("::/96"),  # IPv4 in a form that nobody uses
)


def reachable(found: IPv4Address | IPv6Address, *, private: bool = False) -> bool:
    """Whether a webhook may be sent there: only to public addresses. IPv4 in IPv6 counts as what it stands for.
    `private` (local profile) lets loopback and private networks in, never link-local ones (clouds' metadata)."""
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return reachable(found.ipv4_mapped, private=private)
        if found in NAT64:
            return reachable(IPv4Address(found.packed[-4:]), private=private)
    if found.is_link_local or found.is_multicast or found.is_unspecified:
        return False
    if private and (found.is_loopback or (found.is_private and not found.is_reserved)):
        return True
    return found.is_global and not found.is_reserved and not any(found in never for never in NEVER)


# --- what ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """A fact as it is kept here."""

    id: UUID
    type: str
    subject: str
    version: int
    network_id: UUID | None
    correlation: UUID | None
    occurred_at: datetime
    body: Mapping[str, Any]


def payload(told: Told) -> bytes:
    """What is sent, at most 64 kB of JSON: `data` is the state after the fact, or only its id and version when the
    whole would not fit."""
    envelope = {
        "type": told.type,
        "timestamp": told.occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "data": told.body,
        "network": told.network_id and str(told.network_id),
        "subject": told.subject,
        "version": told.version,
        "correlation": told.correlation and str(told.correlation),
    }
    whole = orjson.dumps(envelope)
    if len(whole) <= LARGEST_BODY:
        return whole
    short = {"id": told.body.get("id"), "version": told.version, "too_large": True}
    return orjson.dumps({**envelope, "data": short})


def message_id(fact_id: UUID) -> str:
    """The same at each try, at each replay and at every endpoint: by it a receiver knows what it has already."""
    return f"msg_{fact_id.hex}"


def secret_text(secret: bytes) -> str:
    """As its owner is shown it, once."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


# --- when ------------------------------------------------------------------------------------------------------------

DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""After the first failed try, the second, ...: ten tries in a little over three days (Standard Webhooks)."""
JITTER = 0.1
OPENS_AFTER = 5
"""Failures in a row, of whatever messages, after which an endpoint is left alone for a while."""
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(minutes=30)
LONGEST_RETRY_AFTER = timedelta(hours=24)
DISABLED_AFTER = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one try. `text` is the beginning of what was answered, printable."""

    outcome: Outcome
    at: datetime
    latency_ms: int
    status: int | None = None
    text: str = ""
    retry_after: timedelta | None = None

    @property
    def good(self) -> bool:
        return self.outcome is Outcome.DELIVERED


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a try leaves its message with."""

    state: MessageState
    next_try: datetime | None = None


def verdict(answer: Answer, tries: int, seed: int) -> Verdict:
    """Of the try number `tries` (from 1). The delays are spread by up to a tenth, so that what failed at one instant
    does not come back at one; what the endpoint asked for (Retry-After) is waited for."""
    if answer.good:
        return Verdict(MessageState.DELIVERED)
    if tries > len(DELAYS) or answer.outcome is Outcome.GONE:
        return Verdict(MessageState.FAILED)
    delay = DELAYS[tries - 1] * (1 + JITTER * (seed % 1000) / 1000)
    return Verdict(MessageState.QUEUED, answer.at + max(delay, answer.retry_after or timedelta()))


@dataclass(frozen=True, slots=True)
class Lane:
    """How an endpoint has answered lately. It is left alone until `open_until`; then one try decides (half open: the
    lane is never given more than one at a time)."""

    failures: int = 0
    failing_since: datetime | None = None
    open_until: datetime | None = None
    suspect: bool = False

    def after(self, answer: Answer, patience: timedelta) -> Lane:
        """`suspect`: slower than `patience` or failing, so that it is served from the budget of those alone."""
        slow = answer.latency_ms >= patience / timedelta(milliseconds=1)
        if answer.good:
            return Lane(suspect=slow)
        failures = self.failures + 1
        pause = answer.retry_after
        if failures >= OPENS_AFTER:
            own = min(SHORTEST_PAUSE * 2 ** min(failures - OPENS_AFTER, 10), LONGEST_PAUSE)
            pause = max(own, pause or own)
        return Lane(failures, self.failing_since or answer.at, answer.at + pause if pause else None, True)

    def given_up(self, answer: Answer) -> Reason | None:
        """Why the endpoint is disabled by this answer, if it is."""
        if answer.outcome is Outcome.GONE:
            return Reason.GONE
        since = self.failing_since
        if not answer.good and since is not None and answer.at - since >= DISABLED_AFTER:
            return Reason.FAILING
        return None


def outcome_of(status: int) -> Outcome:
    if 200 <= status < 300:
        return Outcome.DELIVERED
    if status == 410:
        return Outcome.GONE
    return Outcome.REDIRECTED if 300 <= status < 400 else Outcome.REFUSED


def retry_after(header: str | None, at: datetime) -> timedelta | None:
    """How long the endpoint asked to be left alone, in seconds or as a date; at most a day, and never the past."""
    if header is None:
        return None
    if re.fullmatch(r"\d{1,9}", header.strip()):
        asked = timedelta(seconds=int(header))
    else:
        try:
            asked = parsedate_to_datetime(header) - at
        except (ValueError, TypeError, OverflowError):
            return None
    return min(asked, LONGEST_RETRY_AFTER) if asked > timedelta() else None


def printable(answered: bytes) -> str:
    """The first characters of an answer, on one line, with what cannot be shown left out."""
    text = answered.decode("utf-8", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:ANSWER_KEPT]
