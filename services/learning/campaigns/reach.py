"""How many people a campaign reaches, counted without following anybody.

**What is counted.** Of each page and day, and of each campaign and day, how many different addresses opened it: an
estimate within about 1.6 % (one standard error), exact in practice below a hundred. A day is a day in Italy. Days are
not comparable with each other: who comes on two days counts twice, and a sum over days is of visits by day, never of
people. Several people behind one address (an office, a mobile operator) count once, so figures are rather too low; an
IPv6 subscriber is their first 48 bits, so that the many addresses of one line count once.

**What is not.** HEAD; what a browser fetches ahead of a click (`Sec-Purpose`, `Purpose`, `X-Moz`); programs that say
so in their User-Agent, or say nothing; answers other than the page; reloads, and the same address again on the same
day. A program that poses as a browser counts once a day for each address that it has: one client moves a figure by
one, however often it asks, and its requests are limited before they come here.

**How.** No cookie, no script, no third party, nothing in the browser. The address is hashed at once with 16 random
bytes of the day; the hash moves one of 4,096 registers of a HyperLogLog sketch, and is dropped. Neither addresses nor
hashes are kept, nor when, whence, or with which browser somebody came. The salt is in memory and in an unlogged table
(so that all processes count alike): it is in no write-ahead log and no base backup. A minute after midnight the salt
and the sketches are deleted; what stays is a number.

**What an operator could still learn.** On the day itself, with the running database: whether an address that they
know already *may* have opened a page (a register is as high as it would make it; for a page with many visitors that
is true of most addresses); after the day, nothing. The access log of a gateway in front, if it keeps addresses, is
another matter: it is none of this.

**What a kill loses.** Figures are merged into the database every `EVERY` seconds and when a process ends: a process
that is killed loses what came since, at most `EVERY` seconds. After a crash of PostgreSQL the day's salt is another
one (an unlogged table is then empty): who comes again counts a second time on that day.

**What it costs.** One statement per page and flush, whatever the traffic, none when no new address came; 4 kB in
memory and in the database for each page that was opened today.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address
from math import log
from uuid import UUID

import structlog
from sqlalchemy import delete, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.campaigns.tables import campaign_reach, campaign_salts, campaigns
from shared.access.actor import day
from shared.runtime.context import Context
from shared.runtime.database import away
from shared.runtime.edge import Edge

EVERY = 10.0
"""Seconds between two flushes."""
GRACE = timedelta(minutes=1)
"""After midnight, for what other processes counted before it."""
BITS = 12
REGISTERS = 1 << BITS
AHEAD = 64 - BITS
ALPHA = 0.7213 / (1 + 1.079 / REGISTERS)
PROGRAMS = re.compile(
    r"(?<!cu)bot\b|crawl|spider|slurp|preview|scan|monitor|uptime|probe|fetch|curl|wget|python|httpx|aiohttp|okhttp"
    r"|java/|go-http|libwww|headless|phantom|lighthouse|facebookexternalhit|whatsapp|telegram|embedly|validator|feed",
    re.IGNORECASE,
)

Key = tuple[UUID, date, UUID]
"""Campaign, day, and page (or the campaign again, for any of them)."""


def add(sketch: bytearray, hashed: int) -> None:
    """`hashed`: 64 evenly spread bits."""
    register, rest = hashed >> AHEAD, hashed & ((1 << AHEAD) - 1)
    rank = AHEAD - rest.bit_length() + 1
    if rank > sketch[register]:
        sketch[register] = rank


def merged(one: bytes | bytearray, other: bytes | bytearray) -> bytes:
    """Of what was counted apart, each address once."""
    return bytes(map(max, one, other))


def estimate(sketch: bytes | bytearray) -> int:
    """How many different values were added (Flajolet and others, 2007, with linear counting while few were)."""
    raw = ALPHA * REGISTERS * REGISTERS / sum(2.0**-rank for rank in sketch)
    empty = sketch.count(0)
    if raw <= 2.5 * REGISTERS and empty:
        return round(REGISTERS * log(REGISTERS / empty))
    return round(raw)


def subscriber(address: str) -> bytes:
    """Who has the address: of IPv6 the 48 bits that one line has at least."""
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return address.encode()
    if isinstance(known, IPv6Address):
        mapped = known.ipv4_mapped
        return mapped.packed if mapped is not None else known.packed[:6]
    return known.packed


def hashed(salt: bytes, address: str, page: UUID) -> int:
    """Another one for each page: the sketches of two pages do not tell that it was the same address."""
    return int.from_bytes(blake2b(subscriber(address), digest_size=8, key=salt, salt=page.bytes).digest(), "big")


def is_read_by_a_person(method: str, headers: Mapping[str, str]) -> bool:
    """As far as a request says so."""
    if method != "GET":
        return False
    ahead = (headers.get(name, "") for name in ("sec-purpose", "purpose", "x-purpose", "x-moz"))
    if any("prefetch" in value.lower() or "preview" in value.lower() for value in ahead):
        return False
    agent = headers.get("user-agent", "")
    return bool(agent) and PROGRAMS.search(agent) is None


@dataclass
class Counted:
    """What this process counted since the last flush."""

    salts: dict[date, bytes] = field(default_factory=dict)
    sketches: dict[Key, bytearray] = field(default_factory=dict)

    def count(self, salt: bytes, address: str, campaign: UUID, on: date, page: UUID) -> None:
        for subject in (page, campaign):
            sketch = self.sketches.setdefault((campaign, on, subject), bytearray(REGISTERS))
            add(sketch, hashed(salt, address, subject))

    def take(self) -> dict[Key, bytearray]:
        taken, self.sketches = self.sketches, {}
        return taken

    def put_back(self, taken: Mapping[Key, bytearray]) -> None:
        for key, sketch in taken.items():
            self.sketches[key] = bytearray(merged(self.sketches.get(key, bytes(REGISTERS)), sketch))


def counted(context: Context) -> Counted:
    found = context.state.setdefault("campaigns.reach", Counted())
    assert isinstance(found, Counted)
    return found


async def count(at: Edge, campaign: UUID, page: UUID) -> None:
    """A page is about to be answered."""
    if not is_read_by_a_person(at.request.method, at.request.headers):
        return
    own, on = counted(at.context), day(at.now)
    salt = own.salts.get(on) or await _salt_of(at.context, own, on)
    own.count(salt, at.address, campaign, on, page)


async def _salt_of(context: Context, own: Counted, on: date) -> bytes:
    """The day's, made by whichever process needs it first; once a day in each process."""
    async with context.database.sessions.begin() as session:
        made = insert(campaign_salts).values(day=on, salt=secrets.token_bytes(16))
        await session.execute(made.on_conflict_do_nothing())
        salt: bytes | None = await session.scalar(select(campaign_salts.c.salt).where(campaign_salts.c.day == on))
    assert salt is not None
    own.salts = {on: salt}
    return salt


async def keep_counting(context: Context) -> None:
    """Until cancelled; what is pending then is written, too."""
    log_ = structlog.get_logger("reach")
    try:
        while True:
            await asyncio.sleep(EVERY)
            try:
                await flush(context)
            except Exception as error:
                if not away(error):
                    raise
                log_.warning("database_away", error=type(error).__name__)
    finally:
        await flush(context)


async def flush(context: Context) -> None:
    """Merges what was counted into the database; forgets the days that are over. What cannot be written is kept."""
    own = counted(context)
    taken = own.take()
    try:
        async with context.database.sessions.begin() as session:
            if taken:
                await _merge(session, taken)
            await forget(session, context.clock.now())
    except BaseException:
        own.put_back(taken)
        raise
    today = day(context.clock.now())
    own.salts = {on: salt for on, salt in own.salts.items() if on >= today}


LOCK = text("select pg_advisory_xact_lock(hashtextextended('campaign reach', 0))")


async def _merge(session: AsyncSession, taken: Mapping[Key, bytearray]) -> None:
    """One process at a time: the first rows of a day have nothing to lock. Of a day that is over nothing is added."""
    await session.execute(LOCK)
    known = await session.scalars(select(campaigns.c.id).where(campaigns.c.id.in_({key[0] for key in taken})))
    there = set(known)
    r = campaign_reach.c
    found = await session.execute(
        select(r.campaign_id, r.day, r.page_id, r.sketch).where(
            tuple_(r.campaign_id, r.day, r.page_id).in_(list(taken))
        )
    )
    before = {(row.campaign_id, row.day, row.page_id): row.sketch for row in found}
    rows = []
    for key in sorted(taken):
        if key[0] not in there or (key in before and before[key] is None):
            continue
        sketch = merged(before.get(key) or bytes(REGISTERS), taken[key])
        if sketch != before.get(key):
            rows.append(
                {
                    "campaign_id": key[0],
                    "day": key[1],
                    "page_id": key[2],
                    "sketch": sketch,
                    "visitors": estimate(sketch),
                }
            )
    if rows:
        made = insert(campaign_reach)
        changed = {"sketch": made.excluded.sketch, "visitors": made.excluded.visitors}
        await session.execute(
            made.on_conflict_do_update(index_elements=["campaign_id", "day", "page_id"], set_=changed), rows
        )


async def forget(session: AsyncSession, now: datetime) -> None:
    """Salts and sketches of days that are over; the numbers stay."""
    over = day(now - GRACE)
    await session.execute(delete(campaign_salts).where(campaign_salts.c.day < over))
    r = campaign_reach
    await session.execute(update(r).where(r.c.sketch.is_not(None), r.c.day < over).values(sketch=None))
