"""What is done with files in the background: their words are read, and what nobody may read any more is removed.

Every process that listens runs both. An edition whose words are to be read is claimed with a lease. An object is
removed after its row says that it is erased, so a kill in between leaves it to be removed again; the sweep takes the
objects that no row names, when they are older than any upload can take.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ARRAY, Uuid, bindparam, insert, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.documents import texts
from services.learning.documents.commands import INDEX
from services.learning.documents.rules import Text
from services.learning.documents.store import ObjectMissing, Store, StoreAway, store_of
from services.learning.documents.tables import editions, pages
from services.learning.documents.texts import Unreadable
from shared.runtime import jobs
from shared.runtime.clock import wall
from shared.runtime.context import Context
from shared.runtime.database import sqlstate

KIND = "document_texts"
TRIES = 3
MOST = 1_000_000
"""Characters that the search of a whole document knows, about 400 pages; the rest is found by nothing."""
TOO_LONG = "54000"  # SQLSTATE: more words than a vector holds
EVERY = 2.0
SWEEP = timedelta(hours=1)
ORPHAN = timedelta(hours=24)
"""Age from which an object without a row is nobody's: no upload takes so long."""

log = structlog.get_logger(__name__)

CLAIM = text(
    f"""
    update document_editions set text_tries = text_tries + 1, text_lease = now() + interval '5 minutes'
    where id = (
        select id from document_editions
        where text = 'waiting' and erased_on is null and text_tries < {TRIES}
            and (text_lease is null or text_lease < now())
        order by id limit 1 for update skip locked)
    returning id, document_id, media_type, text_tries
    """  # noqa: S608 (a number of ours)
)
GIVEN_UP = text(
    "update document_editions set text = 'failed', text_lease = null"  # noqa: S608 (a number of ours)
    f" where text = 'waiting' and text_tries >= {TRIES} and text_lease < now()"
)
"""Whose reading has taken a process down with it, again and again."""
HELD = text("select text from document_editions where id = :id and erased_on is null for update")
ERASED = text("select id from document_editions where erased_on is not null and removed_at is null limit 100")
REMOVED = text("update document_editions set removed_at = now() where id = :id")
KNOWN = text("select id from document_editions where id = any(:ids)").bindparams(bindparam("ids", type_=ARRAY(Uuid)))


# --- words -----------------------------------------------------------------------------------------------------------


async def open_the_store(context: Context) -> None:
    """At the start of every process: one whose store cannot be opened ends, and says which variable is wrong."""
    store_of(context)


async def read_texts(context: Context) -> None:
    """Reads the words of what was uploaded, until cancelled."""
    await jobs.work_off(context, KIND, _one)


def wake(context: Context) -> None:
    """A file was committed in this process."""
    jobs.wake(context, KIND)


async def waiting(session: AsyncSession) -> int:
    """How many are still to be read: for readiness."""
    found = await session.scalar(text("select count(*) from document_editions where text = 'waiting'"))
    return int(found or 0)


async def _one(context: Context, _: UUID) -> bool:
    async with context.database.sessions.begin() as session:
        claimed: Any = (await session.execute(CLAIM)).first()
        if claimed is None:
            await session.execute(GIVEN_UP)
    if claimed is None:
        return False
    try:
        words = await texts.words(store_of(context), claimed.id, claimed.media_type)
        state = Text.READY if any(words) else Text.NONE
    except (Unreadable, ObjectMissing) as error:
        log.warning("document_text_failed", edition=str(claimed.id), error=str(error) or type(error).__name__)
        words, state = [], Text.FAILED
    except StoreAway:
        if claimed.text_tries < TRIES:
            await _release(context, claimed.id)
            raise
        words, state = [], Text.FAILED
    async with context.database.sessions.begin() as session:
        await _keep(session, claimed, words, state)
    return True


async def _release(context: Context, edition_id: UUID) -> None:
    async with context.database.sessions.begin() as session:
        await session.execute(update(editions).where(editions.c.id == edition_id).values(text_lease=None))


async def _keep(session: AsyncSession, claimed: Any, words: list[str], state: Text) -> None:
    """Unless somebody else was quicker, or the file was erased meanwhile."""
    await session.execute(text("select from documents where id = :id for update"), {"id": claimed.document_id})
    if await session.scalar(HELD, {"id": claimed.id}) != Text.WAITING:
        return
    rows = [{"edition_id": claimed.id, "page": page, "text": one} for page, one in enumerate(words, 1) if one]
    for at in range(0, len(rows), 200):
        await session.execute(insert(pages), rows[at : at + 200])
    await session.execute(
        update(editions).where(editions.c.id == claimed.id).values(text=state, text_lease=None, text_indexed=MOST)
    )
    await _index(session, claimed, MOST)


async def _index(session: AsyncSession, claimed: Any, most: int) -> None:
    """As much of the text as a vector holds: of words that are all different that is less."""
    try:
        async with session.begin_nested():
            await session.execute(update(editions).where(editions.c.id == claimed.id).values(text_indexed=most))
            await session.execute(INDEX, {"id": claimed.document_id})
    except DBAPIError as error:
        if sqlstate(error) != TOO_LONG:
            raise
        await _index(session, claimed, most // 2)


# --- what is to go ---------------------------------------------------------------------------------------------------


async def remove_erased(context: Context) -> None:
    """Removes the objects of what was erased, at once, and those of nobody, now and then; until cancelled."""
    swept = wall() - SWEEP
    while True:
        try:
            await removed(context)
            if wall() - swept >= SWEEP:
                swept = wall()
                await sweep(context.database, store_of(context), ORPHAN)
        except StoreAway:
            log.warning("document_store_waited_for")
        await asyncio.sleep(EVERY)


async def removed(context: Context) -> int:
    """How many objects were removed because their rows say that they are erased."""
    async with context.database.sessions() as session:
        ids = list((await session.execute(ERASED)).scalars())
    for id_ in ids:
        await store_of(context).remove(id_)
        async with context.database.sessions.begin() as session:
            await session.execute(REMOVED, {"id": id_})
    return len(ids)


async def sweep(database: Any, store: Store, age: timedelta) -> int:
    """Removes the objects older than `age` that no row names; gives how many."""
    gone = 0
    async for ids in store.older_than(wall() - age):
        async with database.sessions() as session:
            known = set((await session.execute(KNOWN, {"ids": ids})).scalars())
        for id_ in ids:
            if id_ not in known:
                await store.remove(id_)
                gone += 1
    if gone:
        log.info("document_orphans_removed", count=gone)
    return gone
