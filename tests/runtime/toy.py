"""A service made for these tests: things with a version, in networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, UploadFile
from pydantic import BaseModel, Field
from sqlalchemy import CheckConstraint, Column, Integer, MetaData, Table, Text, UniqueConstraint, Uuid, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import registry
from starlette.responses import Response
from uuid_utils.compat import uuid7

from shared.access import Actor, Policy, Role, links
from shared.access.loading import network_id
from shared.contracts.registry import NetworkFounded
from shared.messaging import stage
from shared.runtime import due
from shared.runtime.context import Service
from shared.runtime.edge import Anyone, At
from shared.runtime.paging import After, Limit, Page, PageOut, page
from shared.runtime.problems import Invalid, NotFound, NotYetKnown, Problems, expect, problem
from shared.runtime.settings import ServiceSettings
from shared.runtime.vocabularies import vocabulary


class Right(StrEnum):
    READ = "read"
    WRITE = "write"


policy = Policy({Right.READ: tuple(Role), Right.WRITE: (Role.SECRETARIAT,)}, service="toy")
mapper = registry(metadata=MetaData())


class Full(Exception):
    """A box holds so many things."""

    def __init__(self, most: int) -> None:
        super().__init__(f"at most {most}")
        self.most = most


@dataclass(eq=False)
class Thing:
    network_id: UUID
    name: str
    weight: int = 0
    id: UUID = field(default_factory=uuid7)
    version: int = 0


things = Table(
    "things",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("weight", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    UniqueConstraint("network_id", "name", name="things_name"),
    CheckConstraint("weight <> 13", name="things_weight"),
)
mapper.map_imperatively(Thing, things, version_id_col=things.c.version)


class ThingBody(BaseModel):
    name: str = Field(min_length=1, max_length=80)
    weight: int = Field(default=0, ge=0)


class ThingOut(BaseModel):
    id: UUID
    name: str
    weight: int
    version: int

    @classmethod
    def of(cls, thing: Thing) -> ThingOut:
        return cls(id=thing.id, name=thing.name, weight=thing.weight, version=thing.version)


async def make(session: AsyncSession, actor: Actor, network: str, body: ThingBody, now: datetime) -> Thing:
    where = await network_id(session, network)
    policy.require(actor, Right.WRITE, network=where, on=now)
    if body.name == "full":
        raise Full(7)
    if body.name == "later":
        raise NotYetKnown("/name", "later")
    if body.name == "explodes":
        raise RuntimeError("secret detail")
    thing = Thing(where, body.name, body.weight)
    session.add(thing)
    await session.flush()
    await stage(session, NetworkFounded(id=thing.id, version=thing.version, slug="x", title=thing.name, kind="toy"))
    return thing


async def change(
    session: AsyncSession, actor: Actor, thing_id: UUID, body: ThingBody, expected: int, now: datetime
) -> Thing:
    thing = await session.get(Thing, thing_id, with_for_update=True)
    if thing is None:
        raise NotFound
    policy.require(actor, Right.WRITE, network=thing.network_id, on=now)
    expect(expected, thing.version)
    thing.name, thing.weight = body.name, body.weight
    await session.flush()
    return thing


async def one(session: AsyncSession, actor: Actor, thing_id: UUID, now: datetime) -> Thing:
    thing = await session.get(Thing, thing_id)
    if thing is None:
        raise NotFound
    policy.require(actor, Right.READ, network=thing.network_id, on=now)
    return thing


async def many(
    session: AsyncSession,
    actor: Actor,
    network: str,
    after: str | None,
    limit: int,
    name: list[str] | None,
    now: datetime,
) -> Page[Thing]:
    where = await network_id(session, network)
    policy.require(actor, Right.READ, network=where, on=now)
    wanted = select(Thing).where(things.c.network_id == where)
    if name:
        wanted = wanted.where(things.c.name.in_(name))
    return await page(session, wanted, key=(things.c.weight, things.c.id), after=after, limit=limit)


async def act(session: AsyncSession, actor: Actor, link: links.Link, now: datetime) -> None:
    await links.use(session, link, now)


routes = APIRouter()
problems: Problems = {
    Full: problem("box-full", 409, it="Ne contiene al massimo {most}", en="It holds at most {most}", path="/name"),
    "things_name": problem("name-taken", 409, it="Nome già usato", en="The name is taken", path="/name"),
}


@routes.post("/networks/{network}/things", status_code=201, response_model=ThingOut)
async def post_thing(network: str, body: ThingBody, at: At) -> Response:
    return await at.command(make, network, body, out=ThingOut.of, location=lambda t: f"/toy/v1/things/{t.id}")


@routes.get("/networks/{network}/things", response_model=PageOut[ThingOut])
async def get_things(
    network: str, at: At, after: After = None, limit: Limit = 50, name: Annotated[list[str] | None, Query()] = None
) -> Response:
    return await at.page(many, network, after=after, limit=limit, name=name, out=ThingOut.of)


@routes.get("/things/{thing_id}", response_model=ThingOut)
async def get_thing(thing_id: UUID, at: At) -> Response:
    return await at.read(one, thing_id, out=ThingOut.of)


@routes.patch("/things/{thing_id}", response_model=ThingOut)
async def patch_thing(thing_id: UUID, body: ThingBody, at: At) -> Response:
    return await at.command(change, thing_id, body, at.if_match(), out=ThingOut.of)


@routes.post("/uploads")
async def upload(at: At, file: UploadFile, note: Annotated[str, Form()] = "") -> Response:
    content = await file.read()
    if note == "bad":
        raise Invalid("/note", "bad", ["good"])

    async def size(session: AsyncSession, actor: Actor, now: datetime) -> dict[str, int]:
        return {"bytes": len(content)}

    return await at.command(size)


@routes.post("/links/{token}")
async def follow(token: str, at: Anyone) -> Response:
    link = await links.verify(token, "toy", "confirm", keys=at.context.link_keys)
    return await at.command(act, link)


@routes.get("/whoever")
async def whoever(at: Anyone) -> dict[str, bool]:
    return {"known": at.identity is not None}


async def chime(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    await stage(session, *(NetworkFounded(id=i, version=1, slug="x", title="due", kind="toy") for i in ids))


def service(settings: ServiceSettings) -> Service:
    return Service(
        name="toy",
        settings=settings,
        policy=policy,
        routers=[routes],
        dues={"chime": chime},
        problems=[problems],
        vocabularies=[vocabulary("colours", "colori", "colours", [("red", "rosso", "red")])],
    )


__all__ = ["due", "service"]
