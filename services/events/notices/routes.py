"""HTTP of the notice that meetings are convened with."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.events.notices import commands, queries
from services.events.notices.queries import Notice
from services.events.notices.rules import MOST, UnknownBody
from services.events.policy import Right, policy
from shared.runtime.edge import At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.problems import not_found

routes = APIRouter(tags=["meetings"])
Days = Annotated[int, Field(ge=0, le=MOST, strict=True)]
IN_NETWORK: Any = {"days": 3, "assembly_days": 8}


class NoticeBody(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"days": 5}]})

    days: Days


class NetworkNoticeBody(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [IN_NETWORK]})

    days: Days
    assembly_days: Days | None = Field(default=None, description="Of assemblies; left out: 8")


class NoticeOut(BaseModel):
    """So many days must lie between a convocation and its meeting. `own`: it is this body's, or network's, own rule."""

    network_id: UUID
    body_id: UUID | None
    days: int
    assembly_days: int | None
    own: bool
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, notice: Notice, at: Edge) -> NoticeOut:
        ruler = policy.has(at.actor, Right.RULE_MEETINGS, network=notice.network_id, body=notice.body_id, on=at.now)
        can = ["change", *(["leave_to_network"] if notice.body_id and notice.own else [])]
        return cls(
            network_id=notice.network_id,
            body_id=notice.body_id,
            days=notice.days,
            assembly_days=notice.assembly_days,
            own=notice.own,
            version=notice.version,
            allowed_actions=can if ruler else [],
        )


@routes.get("/networks/{network}/notice-rule", response_model=NoticeOut)
async def of_network(network: str, at: At) -> Response:
    """With how much notice the network's bodies meet that have no rule of their own."""
    return await at.read(queries.of_network, network, out=lambda notice: NoticeOut.of(notice, at))


@routes.put("/networks/{network}/notice-rule", response_model=NoticeOut, openapi_extra=GUARDED)
async def ask_in_network(network: str, body: NetworkNoticeBody, at: At) -> Response:
    """Asks for so many days of notice. Needs If-Match, `"0"` before the first time."""
    return await at.command(
        commands.ask_in_network,
        network,
        expected=at.if_match(),
        out=lambda notice: NoticeOut.of(notice, at),
        **body.model_dump(),
    )


@routes.get("/bodies/{body_id}/notice-rule", response_model=NoticeOut)
async def of_body(body_id: UUID, at: At) -> Response:
    """With how much notice a body meets."""
    return await at.read(queries.of_body, body_id, out=lambda notice: NoticeOut.of(notice, at))


@routes.put("/bodies/{body_id}/notice-rule", response_model=NoticeOut, openapi_extra=GUARDED)
async def ask_in_body(body_id: UUID, body: NoticeBody, at: At) -> Response:
    """Asks for so many days of notice of this body's meetings. Needs If-Match, `"0"` before the first time."""
    return await at.command(
        commands.ask_in_body,
        body_id,
        days=body.days,
        expected=at.if_match(),
        out=lambda notice: NoticeOut.of(notice, at),
    )


@routes.delete("/bodies/{body_id}/notice-rule", status_code=204, openapi_extra=GUARDED)
async def leave_to_network(body_id: UUID, at: At) -> Response:
    """The network's rule counts again. Needs If-Match."""
    return await at.command(commands.leave_to_network, body_id, expected=at.if_match())


problems = {UnknownBody: not_found}
vocabularies = ()
