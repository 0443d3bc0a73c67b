"""HTTP of networks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from services.registry.networks import commands, queries
from services.registry.networks.rules import Kind, Language, Network, UnfitSlug
from services.registry.policy import Right, policy
from shared.access.actor import Actor
from shared.runtime.edge import At
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import problem
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["networks"])

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")
]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FoundBody(Body):
    slug: str = Field(max_length=63, examples=["case-della-comunita"])
    name: Name = Field(examples=["Alleanza per le Case della comunità"])
    kind: Kind = Kind.ALLIANCE
    language: Language = Language.ITALIAN


class ChangeBody(Body):
    """Only what is given changes."""

    name: Name = Field(default="", examples=["Alleanza per le Case della comunità"])
    kind: Kind = Kind.ALLIANCE
    language: Language = Language.ITALIAN


class NetworkOut(BaseModel):
    id: UUID
    slug: str
    name: str
    kind: Kind
    language: Language
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, network: Network, actor: Actor, on: datetime) -> NetworkOut:
        may_change = policy.has(actor, Right.CHANGE_NETWORK, network=network.id, on=on)
        return cls(
            id=network.id,
            slug=network.slug,
            name=network.name,
            kind=network.kind,
            language=network.language,
            href=f"/registry/v1/networks/{network.slug}",
            version=network.version,
            allowed_actions=["change"] if may_change else [],
        )


@routes.post("/networks", status_code=201, response_model=NetworkOut)
async def found(body: FoundBody, at: At) -> Response:
    """Founds a network. Administrators only."""
    return await at.command(
        commands.found,
        out=lambda network: NetworkOut.of(network, at.actor, at.now),
        location=lambda network: f"/registry/v1/networks/{network.slug}",
        **body.model_dump(),
    )


@routes.get("/networks", response_model=PageOut[NetworkOut])
async def networks(
    at: At,
    q: Annotated[str | None, Query(max_length=100, description="Part of the name")] = None,
    kind: Annotated[list[Kind], Query()] = [],  # noqa: B006 (FastAPI copies it)
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The networks in which the caller has a mandate; administrators see all. In the order of their slugs."""
    return await at.page(
        queries.listed,
        q=q,
        kind=kind,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=lambda network: NetworkOut.of(network, at.actor, at.now),
        model=NetworkOut,
    )


@routes.get("/networks/{network}", response_model=NetworkOut)
async def network(network: str, at: At) -> Response:
    """A network, by slug or id."""
    return await at.read(queries.get, network, out=lambda found: NetworkOut.of(found, at.actor, at.now))


@routes.patch("/networks/{network}", response_model=NetworkOut)
async def change(network: str, body: ChangeBody, at: At) -> Response:
    """Changes name, kind or language; the slug never changes. Needs If-Match."""
    changes: dict[str, Any] = body.model_dump(exclude_unset=True)
    return await at.command(
        commands.change,
        network,
        expected=at.if_match(),
        out=lambda changed: NetworkOut.of(changed, at.actor, at.now),
        **changes,
    )


problems = {
    UnfitSlug: problem(
        "slug-unfit",
        422,
        it="Nome breve non valido\nDa 2 a 63 lettere minuscole, cifre e trattini singoli; comincia con una lettera.",
        en="Unfit slug\n2 to 63 small letters, digits and single hyphens; it begins with a letter.",
        path="/slug",
        accepted="[a-z][a-z0-9]*(-[a-z0-9]+)*",
    ),
    "networks_slug": problem(
        "slug-taken",
        409,
        it="Nome breve già in uso\nUn'altra rete si chiama così.",
        en="Slug already in use\nAnother network has it.",
        path="/slug",
    ),
}

vocabularies = (
    vocabulary(
        "network_kinds",
        "Tipi di rete",
        "Kinds of network",
        [
            (Kind.ALLIANCE, "Alleanza", "Alliance"),
            (
                Kind.ASSOCIATION_NETWORK,
                "Rete associativa",
                "Association network",
                "art. 41 d.lgs. 117/2017",
            ),
            (Kind.DISTRICT, "Ambito territoriale sociale", "Social district", "art. 8 l. 328/2000"),
            (Kind.PARTNERSHIP, "Partenariato di progetto", "Project partnership"),
        ],
    ),
    vocabulary(
        "languages",
        "Lingue",
        "Languages",
        [(Language.ITALIAN, "Italiano", "Italian"), (Language.ENGLISH, "Inglese", "English")],
    ),
)
