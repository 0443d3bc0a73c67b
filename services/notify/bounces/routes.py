"""HTTP of the list of addresses to which no mail goes. The addresses are read where contacts are; what mail servers
wrote is read nowhere."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from services.notify.bounces import commands, queries
from services.notify.bounces.queries import Shown
from services.notify.bounces.rules import REASONS, RELEASES, Reason, Release
from shared.runtime.edge import At
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["suppressions"])


class PersonRef(BaseModel):
    id: UUID
    name: str | None
    href: str


class SuppressionOut(BaseModel):
    """Somebody to whose address no mail goes: since when (wall time) and why; `status` is what the mail server said
    (RFC 3463). What is owed to them fails visibly, unless they only complained; other messages wait for them in their
    inbox."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "01936f5e-8a00-7000-8000-0000000000e1",
                "person": {
                    "id": "01936f5e-8a00-7000-8000-000000000002",
                    "name": "Maria Rossi",
                    "href": "/registry/v1/people/01936f5e-8a00-7000-8000-000000000002",
                },
                "reason": "hard",
                "status": "5.1.1",
                "since": "2026-11-22T09:00:00Z",
                "delivery": "01936f5e-8a00-7000-8000-0000000000d1",
                "released_at": None,
                "release": None,
                "allowed_actions": ["release"],
            }
        }
    )

    id: UUID
    person: PersonRef
    reason: Reason
    status: str
    since: datetime
    delivery: UUID
    released_at: datetime | None
    release: Release | None
    allowed_actions: list[str]

    @classmethod
    def of(cls, shown: Shown) -> SuppressionOut:
        row: Any = shown.row
        name = " ".join(filter(None, (row.given_name, row.family_name))) or None
        return cls(
            id=row.id,
            person=PersonRef(id=row.person_id, name=name, href=f"/registry/v1/people/{row.person_id}"),
            reason=row.reason,
            status=row.status,
            since=row.since,
            delivery=row.delivery_id,
            released_at=row.released_at,
            release=row.release,
            allowed_actions=list(shown.allowed_actions),
        )


class ReleaseBody(BaseModel):
    """Why the address is mailed again."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"reason": "works"}})

    reason: Release


@routes.get("/networks/{network}/suppressions", response_model=PageOut[SuppressionOut])
async def suppressions(
    network: str,
    at: At,
    reason: Annotated[list[Reason], Query(description="any of these")] = [],  # noqa: B006 (FastAPI copies it)
    person: Annotated[list[UUID], Query(description="any of these")] = [],  # noqa: B006
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The network's people to whose present address no mail goes; as CSV with `Accept: text/csv`. For its
    secretariat."""
    return await at.page(
        queries.listed, network, reason=reason, person=person, after=after, limit=limit, out=SuppressionOut.of
    )


@routes.get("/suppressions/{suppression_id}", response_model=SuppressionOut)
async def suppression(suppression_id: UUID, at: At) -> Response:
    """One entry, also after it was released."""
    return await at.read(queries.get, suppression_id, out=SuppressionOut.of)


@routes.post("/suppressions/{suppression_id}/release", response_model=SuppressionOut)
async def release(suppression_id: UUID, body: ReleaseBody, at: At) -> Response:
    """Mails go to the address again, whoever shares it; what failed meanwhile is retried by hand."""
    return await at.command(commands.release, suppression_id, body.reason, out=SuppressionOut.of)


vocabularies = (
    vocabulary(
        "suppression_reasons",
        "perché la posta a un indirizzo è sospesa",
        "why an address is mailed no more",
        [(reason, *words) for reason, words in REASONS.items()],
    ),
    vocabulary(
        "release_reasons",
        "perché si scrive di nuovo a un indirizzo",
        "why an address is mailed again",
        [(reason, *words) for reason, words in RELEASES.items()],
    ),
)
