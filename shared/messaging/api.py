"""Facts that a service could not take in, for its administrators: list, inspect, replay."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import BaseModel
from sqlalchemy import Row, and_, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from shared.messaging.tables import parked

State = Literal["parked", "dead"]


class ParkedOut(BaseModel):
    """A fact that a handler refused; `dead` ones are tried again only when somebody asks."""

    id: UUID
    consumer: str
    type: str
    subject: str
    reason: str
    attempts: int
    parked_at: datetime
    next_try: datetime | None
    dead_at: datetime | None


class ParkedWhole(ParkedOut):
    """With the headers, and the body as text; it may hold personal data until the person is erased."""

    headers: dict[str, str]
    body: str


class ParkedList(BaseModel):
    items: list[ParkedOut]
    next: str | None


def facts_router(
    session: Callable[..., Any], commit: Callable[[AsyncSession], Awaitable[None]], admin: Callable[..., Any]
) -> APIRouter:
    """Routes `/facts/parked` and `/facts/dead`, to be mounted under `/<service>/v1`.

    `session` and `admin` are FastAPI dependencies: one yields the service's AsyncSession, the other refuses everybody
    who is no administrator; `commit` ends a session's transaction. An unknown fact is a 404.
    """
    router = APIRouter(prefix="/facts", tags=["facts"], dependencies=[Depends(admin)])
    Given = Annotated[AsyncSession, Depends(session)]  # noqa: N806 (a type)

    @router.get("/{state}", summary="Facts that could not be handled")
    async def listed(
        state: State, session: Given, after: str | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
    ) -> ParkedList:
        query = select(parked).where(_in(state)).order_by(parked.c.fact_id, parked.c.consumer).limit(limit + 1)
        if after is not None:
            query = query.where(tuple_(parked.c.fact_id, parked.c.consumer) > tuple_(*_cursor(after)))
        rows = (await session.execute(query)).all()
        last = rows[limit - 1] if len(rows) > limit else None
        more = f"{last.fact_id}.{last.consumer}" if last is not None else None
        return ParkedList(items=[_out(row) for row in rows[:limit]], next=more)

    @router.get("/{state}/{id}", summary="One of them, whole")
    async def inspected(state: State, id: UUID, session: Given) -> list[ParkedWhole]:  # noqa: A002
        return [
            ParkedWhole(**_out(row).model_dump(), headers=row.headers, body=row.body.decode(errors="replace"))
            for row in await _found(session, state, id)
        ]

    @router.post("/{state}/{id}/replay", status_code=202, summary="Try it again now, as often as a new one")
    async def replayed(state: State, id: UUID, session: Given) -> ParkedList:  # noqa: A002
        rows = await _found(session, state, id)
        again = {
            "attempts": 0,
            "dead_at": None,
            "next_try": func.clock_timestamp(),
            "parked_at": func.clock_timestamp(),
        }
        await session.execute(update(parked).where(_in(state), parked.c.fact_id == id).values(again))
        await commit(session)
        return ParkedList(items=[_out(row) for row in rows], next=None)

    return router


async def _found(session: AsyncSession, state: State, fact_id: UUID) -> list[Row[Any]]:
    rows = (await session.execute(select(parked).where(and_(_in(state), parked.c.fact_id == fact_id)))).all()
    if not rows:
        raise HTTPException(404, f"no {state} fact {fact_id}")
    return list(rows)


def _in(state: State) -> Any:
    return parked.c.dead_at.is_(None) if state == "parked" else parked.c.dead_at.is_not(None)


def _cursor(after: str) -> tuple[UUID, str]:
    """A fact may be parked by two consumers, so its id alone does not say where a page ended."""
    fact_id, _, consumer = after.partition(".")
    try:
        return UUID(fact_id), consumer
    except ValueError:
        raise HTTPException(422, "after: not a cursor of this list") from None


def _out(row: Row[Any]) -> ParkedOut:
    return ParkedOut(
        id=row.fact_id,
        consumer=row.consumer,
        type=row.type,
        subject=row.subject,
        reason=row.reason,
        attempts=row.attempts,
        parked_at=row.parked_at,
        next_try=row.next_try if row.dead_at is None else None,
        dead_at=row.dead_at,
    )
