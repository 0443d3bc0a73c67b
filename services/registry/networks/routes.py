"""HTTP of networks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, UploadFile
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.registry.networks import commands, queries
from services.registry.networks.rules import (
    Kind,
    Language,
    Network,
    UnfitAddress,
    UnfitLogo,
    UnfitSlug,
    UnknownLogo,
)
from services.registry.policy import Right, policy
from shared.access.actor import Actor
from shared.runtime.edge import Anyone, At
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import not_found, problem
from shared.runtime.shapes import line
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["networks"])

Name = Annotated[str, line(200)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FoundBody(Body):
    slug: str = Field(max_length=63, examples=["case-della-comunita"])
    name: Name = Field(examples=["Alleanza per le Case della comunità"])
    kind: Kind = Kind.ALLIANCE
    language: Language = Language.ITALIAN


class ChangeBody(Body):
    """Only what is given changes. `sender_name` and `sender_address` sign the network's mails from then on; null takes
    them back, and the platform's sign again."""

    name: Name = Field(default="", examples=["Alleanza per le Case della comunità"])
    kind: Kind = Kind.ALLIANCE
    language: Language = Language.ITALIAN
    sender_name: Name | None = Field(default=None, examples=["Segreteria dell'Alleanza"])
    sender_address: str | None = Field(default=None, max_length=254, examples=["segreteria@example.org"])


class NetworkOut(BaseModel):
    id: UUID
    slug: str
    name: str
    kind: Kind
    language: Language
    sender_name: str | None
    sender_address: str | None
    logo: str | None
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
            sender_name=network.sender_name,
            sender_address=network.sender_address,
            logo=network.logo,
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
    """Changes name, kind, language or the sender of its mails; the slug never changes. Needs If-Match."""
    changes: dict[str, Any] = body.model_dump(exclude_unset=True)
    return await at.command(
        commands.change,
        network,
        expected=at.if_match(),
        out=lambda changed: NetworkOut.of(changed, at.actor, at.now),
        **changes,
    )


@routes.put("/networks/{network}/logo", response_model=NetworkOut, openapi_extra=GUARDED)
async def set_logo(network: str, file: UploadFile, at: At) -> Response:
    """The logo that mails and pages carry from now on: PNG, JPEG, WebP or GIF, drawn anew as a PNG of at most 512
    pixels, without whatever else the file carried. Needs If-Match."""
    return await at.command(
        commands.set_logo,
        network,
        await file.read(),
        expected=at.if_match(),
        out=lambda changed: NetworkOut.of(changed, at.actor, at.now),
    )


@routes.delete("/networks/{network}/logo", response_model=NetworkOut, openapi_extra=GUARDED)
async def remove_logo(network: str, at: At) -> Response:
    """Mails and pages carry the network's name alone again. Needs If-Match."""
    return await at.command(
        commands.remove_logo,
        network,
        expected=at.if_match(),
        out=lambda changed: NetworkOut.of(changed, at.actor, at.now),
    )


@routes.get("/logos/{fingerprint}", response_class=Response, responses={200: {"content": {"image/png": {}}}})
async def logo(fingerprint: Annotated[str, Path(pattern="^[0-9a-f]{64}$")], at: Anyone) -> Response:
    """The image of a logo, for anybody: it stands in mails. Under its address it never changes."""
    content = await at.query(queries.logo, fingerprint)
    return Response(content, media_type="image/png", headers={"cache-control": "public, max-age=31536000, immutable"})


problems = {
    UnknownLogo: not_found,
    UnfitAddress: problem(
        "sender-address-unfit",
        422,
        it="Indirizzo non valido\nLa casella della rete è un indirizzo email.",
        en="Unfit address\nThe network's own mailbox is an email address.",
        path="/sender_address",
        accepted="segreteria@example.org",
    ),
    UnfitLogo: problem(
        "logo-unfit",
        422,
        it="Logo non utilizzabile\nSi accetta un'immagine PNG, JPEG, WebP o GIF, fino a 25 milioni di pixel.",
        en="Unfit logo\nA PNG, JPEG, WebP or GIF image is accepted, of up to 25 million pixels.",
        path="/file",
        accepted="PNG, JPEG, WebP, GIF",
    ),
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
