"""Asking whom a network can reach: a secretariat looks here for those without an address."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel
from sqlalchemy import Row
from starlette.responses import Response

from services.notify.contacts import queries
from shared.runtime.edge import At
from shared.runtime.paging import After, Limit, PageOut

routes = APIRouter(tags=["contacts"])


class PersonOut(BaseModel):
    id: UUID
    name: str
    href: str


class ContactOut(BaseModel):
    """How a person can be reached; `reachable` when there is an email address."""

    person: PersonOut
    language: str
    email: str | None
    email_verified: bool
    phone: str | None
    reachable: bool

    @classmethod
    def of(cls, row: Row[Any]) -> ContactOut:
        name = f"{row.given_name} {row.family_name}".strip()
        return cls(
            person=PersonOut(id=row.person_id, name=name, href=f"/registry/v1/people/{row.person_id}"),
            language=row.language,
            email=row.email,
            email_verified=row.email_verified,
            phone=row.phone,
            reachable=bool(row.reachable),
        )


@routes.get("/networks/{network}/contacts", response_model=PageOut[ContactOut])
async def contacts(
    network: str,
    at: At,
    reachable: Annotated[bool | None, Query(description="false: those whom no message reaches")] = None,
    q: Annotated[str | None, Query(max_length=100, description="part of the name")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The network's people and how each can be reached; as CSV with `Accept: text/csv`. For its secretariat."""
    return await at.page(queries.listed, network, reachable=reachable, q=q, after=after, limit=limit, out=ContactOut.of)
