"""HTTP of previews: a message as its reader would see it, for the secretariat in whose network's name it goes."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.notify.deliveries.rules import Problem
from services.notify.inbox.routes import writer
from services.notify.previews import queries
from shared.runtime.edge import At

routes = APIRouter(tags=["previews"])


class PreviewOut(BaseModel):
    """The subject, the plain text and the HTML document of a message. Its links are the right ones with `preview` in
    place of what would make them good. Without words there is the `problem` for which it would not be sent."""

    model_config = ConfigDict(from_attributes=True)

    topic: str
    language: str | None
    subject: str | None
    text: str | None
    html: str | None
    problem: Problem | None


class PreviewBody(BaseModel):
    """A topic of the vocabulary, and the language of its reader."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"topic": "meeting-convened", "language": "it"}}
    )

    topic: str = Field(max_length=60)
    language: Literal["it", "en"] = "it"


@routes.get("/deliveries/{delivery_id}/preview", response_model=PreviewOut)
async def preview(delivery_id: UUID, at: At) -> Response:
    """One message as it would be written now, for its person and with links that open nothing."""
    return await at.read(queries.of_delivery, writer(at), delivery_id, out=PreviewOut.model_validate)


@routes.post("/networks/{network}/previews", response_model=PreviewOut)
async def sample(network: str, body: PreviewBody, at: At) -> Response:
    """Any kind of message with sample values, in the network's name and with its logo. Nothing is sent or kept."""
    return await at.read(
        queries.of_topic, writer(at), network, body.topic, body.language, out=PreviewOut.model_validate
    )
