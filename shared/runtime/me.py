"""`/me`: who the service takes the caller for, and what they may do in it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from shared.access.actor import Actor
from shared.access.tables import networks
from shared.runtime.context import Service
from shared.runtime.edge import At


class GrantOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    role: str
    network_id: UUID
    organisation_id: UUID | None
    body_id: UUID | None
    territory: str | None
    since: date
    until: date | None


class NetworkRights(BaseModel):
    """What the caller may do in one network."""

    network_id: UUID
    slug: str | None
    rights: list[str]


class MeOut(BaseModel):
    id: UUID
    kind: Literal["person", "key"]
    level: str
    admin: bool
    grants: list[GrantOut]
    scopes: list[str]
    networks: list[NetworkRights]


def me_router(service: Service) -> APIRouter:
    router = APIRouter(tags=["about"])

    async def who(session: AsyncSession, actor: Actor, now: datetime) -> MeOut:
        ids = sorted(actor.networks(now))
        found: Any = await session.execute(select(networks.c.id, networks.c.slug).where(networks.c.id.in_(ids)))
        slugs = {row.id: row.slug for row in found}
        assert actor.id is not None
        return MeOut(
            id=actor.id,
            kind="person" if actor.person_id else "key",
            level=actor.level.label,
            admin=actor.admin,
            grants=[GrantOut.model_validate(grant) for grant in actor.current(now)],
            scopes=list(actor.scopes),
            networks=[
                NetworkRights(
                    network_id=id_, slug=slugs.get(id_), rights=service.policy.allowed(actor, network=id_, on=now)
                )
                for id_ in ids
            ],
        )

    @router.get("/me", response_model=MeOut, summary="Who I am here, and what I may do")
    async def me(at: At) -> Response:
        return await at.read(who)

    return router
