"""HTTP of achievements and credentials: for the secretariat and holders, and for whoever verifies one."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from fastapi import APIRouter, Form, Path, Query
from pydantic import AwareDatetime, BaseModel
from starlette.responses import Response

from services.learning.credentials import badges, commands, pages, queries
from services.learning.credentials.badges import Issuer
from services.learning.credentials.commands import (
    AchievementBody,
    AchievementChange,
    GiveBody,
    NamingBody,
    RevokeBody,
)
from services.learning.credentials.queries import Counted, Held
from services.learning.credentials.rules import (
    HasIt,
    NoLonger,
    NotTheHolder,
    Retired,
    RevokedAlready,
    Standing,
    UnknownAchievement,
    UnknownCredential,
    actions,
)
from services.learning.paths.pages import failed
from services.learning.policy import Right, policy
from services.learning.settings import Settings
from shared.access import links
from shared.access.actor import day
from shared.runtime.browsers import HTML, Token, answered, as_json, wants_html, wants_json
from shared.runtime.clock import wall
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import not_found, problem
from shared.runtime.shapes import Ref
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["credentials"])

PURPOSE = "credential"
Code = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="The end of the address of its page")]
PDF: dict[int | str, dict[str, Any]] = {200: {"content": {"application/pdf": {}}}}
SVG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/svg+xml": {}}}}
JWT: dict[int | str, dict[str, Any]] = {200: {"content": {badges.MEDIA_TYPE: {}}}}
HARMLESS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    "x-content-type-options": "nosniff",
}


class AchievementOut(BaseModel):
    """`months` is how long a credential of it holds, null: for good. `good` are the credentials that hold today, of
    those `issued`. `badge` is its public description, `image` the drawing."""

    id: UUID
    network_id: UUID
    title: str
    description: str
    criteria: str
    months: int | None
    path_id: UUID | None
    good: int
    issued: int
    retired_on: date | None
    badge: str
    image: str
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, counted: Counted, at: Edge) -> AchievementOut:
        one = counted.achievement
        href = f"/learning/v1/achievements/{one.id}"
        rights = policy.allowed(at.actor, network=one.network_id, on=at.now)
        may = {
            "edit": Right.WRITE_ACHIEVEMENTS in rights,
            "retire": Right.WRITE_ACHIEVEMENTS in rights,
            "give": Right.GIVE_CREDENTIALS in rights,
        }
        return cls(
            id=one.id,
            network_id=one.network_id,
            title=one.title,
            description=one.description,
            criteria=one.criteria,
            months=one.months,
            path_id=one.path_id,
            good=counted.good,
            issued=counted.issued,
            retired_on=one.retired_on,
            badge=f"{href}/badge",
            image=f"{href}/badge.svg",
            href=href,
            version=one.version,
            allowed_actions=[name for name, yes in may.items() if yes and one.retired_on is None],
        )


class CredentialOut(BaseModel):
    """`standing` is today's: valid, expired (after `expires_on`) or revoked. `named`: the holder wants their name on
    `page`, which whoever has its address can read. `reason` and `revoked_for`: for the holder and for who gives."""

    id: UUID
    network_id: UUID
    achievement: Ref
    person: Ref | None
    path_id: UUID | None
    reason: str | None
    issued_on: date
    expires_on: date | None
    standing: Standing
    revoked_on: date | None
    revoked_for: str | None
    named: bool
    page: str
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, held: Held, at: Edge) -> CredentialOut:
        one = held.credential
        rights = policy.allowed(at.actor, network=one.network_id, on=at.now)
        return cls(
            id=one.id,
            network_id=one.network_id,
            achievement=Ref(
                id=held.achievement.id,
                name=held.achievement.title,
                href=f"/learning/v1/achievements/{held.achievement.id}",
            ),
            person=Ref.person(one.person_id, held.person) if one.person_id else None,
            path_id=one.path_id,
            reason=one.reason,
            issued_on=one.issued_on,
            expires_on=one.expires_on,
            standing=one.standing(day(at.now)),
            revoked_on=one.revoked_on,
            revoked_for=one.revoked_for,
            named=one.named,
            page=badges.page_of("/learning/v1", one.code),
            href=f"/learning/v1/credentials/{one.id}",
            version=one.version,
            allowed_actions=actions(one, at.actor.person_id, may_revoke=Right.GIVE_CREDENTIALS in rights),
        )


class VerifiedOut(BaseModel):
    """What anybody may know who has the address. `holder` is null unless they want their name there; `credential` is
    the signed form, `keys` those that verify it, `status` the signed list in which a revocation shows."""

    title: str
    description: str
    criteria: str
    issuer: str
    issued_on: date
    expires_on: date | None
    standing: Standing
    revoked_on: date | None
    holder: str | None
    credential: str
    certificate: str
    badge: str
    keys: str
    status: str

    @classmethod
    def of(cls, held: Held, issuer: Issuer, on: date) -> VerifiedOut:
        one, page = held.credential, badges.page_of(issuer.root, held.credential.code)
        return cls(
            title=held.achievement.title,
            description=held.achievement.description,
            criteria=held.achievement.criteria,
            issuer=issuer.name,
            issued_on=one.issued_on,
            expires_on=one.expires_on,
            standing=one.standing(on),
            revoked_on=one.revoked_on,
            holder=held.person if one.named else None,
            credential=f"{page}/credential.jwt",
            certificate=f"{page}/certificate.pdf",
            badge=f"{page}/badge.svg",
            keys=f"{issuer.root}/credentials/jwks.json",
            status=badges.status_url(issuer, (one.place or 0) // badges.BITS),
        )


def settings_of(at: Edge) -> Settings:
    return cast(Settings, at.context.settings)


def root_of(at: Edge) -> str:
    """Where verifiers reach this service."""
    return f"{settings_of(at).public_url.rstrip('/')}/learning/v1"


def issuer_of(at: Edge, network: Any) -> Issuer:
    return Issuer(root_of(at), network.id, network.name)


# --- for verifiers --------------------------------------------------------------------------------------------------


class KeysOut(BaseModel):
    keys: list[dict[str, Any]]


@routes.get("/credentials/jwks.json", response_model=KeysOut)
async def key_set(at: Anyone) -> Response:
    """The public keys (JWKS) with which credentials are and were signed."""
    at.identity = None
    return as_json(KeysOut(keys=await public_keys(at)))


async def public_keys(at: Edge) -> list[dict[str, Any]]:
    own = badges.public_key(root_of(at), settings_of(at).badge_key)
    kept = [key for key in await at.query(queries.keys) if key["kid"] != own["kid"]]
    return [own, *reversed(kept)]


@routes.get("/credentials/keys/{thumbprint}", response_model=dict[str, Any])
async def key_of(thumbprint: Code, at: Anyone) -> Response:
    """One of the public keys (JWK): what the `kid` of a credential leads to."""
    at.identity = None
    for key in await public_keys(at):
        if key["kid"].endswith(f"/{thumbprint}"):
            return plain(key)
    raise UnknownCredential(thumbprint)


@routes.get("/networks/{network}/issuer", response_model=dict[str, Any])
async def issuer(network: str, at: Anyone) -> Response:
    """A network as issuer of credentials: its profile as Open Badges 3.0 has it."""
    at.identity = None
    return plain(issuer_of(at, await at.query(queries.network, network)).profile())


@routes.get("/networks/{network}/credentials/status/{number}", response_class=Response, responses=JWT)
async def status(network: str, number: Annotated[int, Path(ge=0, le=1_000_000)], at: Anyone) -> Response:
    """A bitstring status list, signed: a credential whose bit is set was revoked. Good for a day."""
    at.identity = None
    found, revoked = await at.query(queries.revoked, network, number)
    body = badges.status_list(issuer_of(at, found), number, revoked, wall())
    return token_of(badges.signed(settings_of(at).badge_key, root_of(at), body))


@routes.get("/achievements/{achievement_id}/badge", response_model=dict[str, Any])
async def badge(achievement_id: UUID, at: Anyone) -> Response:
    """What can be earned, as Open Badges 3.0 has it: public, since every credential of it says the same."""
    at.identity = None
    found, network = await at.query(queries.public_achievement, achievement_id)
    return plain(badges.achievement_of(root_of(at), found, issuer_of(at, network)))


@routes.get("/achievements/{achievement_id}/badge.svg", response_class=Response, responses=SVG)
async def image(achievement_id: UUID, at: Anyone) -> Response:
    """Its drawing."""
    at.identity = None
    found, network = await at.query(queries.public_achievement, achievement_id)
    return svg(badges.drawing(found.title, network.name))


@routes.get("/credentials/verify/{code}", response_model=VerifiedOut, responses=HTML)
async def verify(code: Code, at: Anyone) -> Response:
    """For everybody who was given the address: what is attested, by whom, and whether it still holds. A page; JSON for
    programs. 410 when its holder was erased."""
    at.identity = None

    async def shown() -> Response:
        held, network = await at.query(queries.by_code, code)
        found = VerifiedOut.of(held, issuer_of(at, network), day(at.now))
        if wants_json(at):
            return as_json(found)
        return pages.verified(at.language, found.model_dump(), network)

    return await answered(at, shown, partial(pages.gone, at.language), html=not wants_json(at))


@routes.get("/credentials/verify/{code}/credential.jwt", response_class=Response, responses=JWT)
async def token(code: Code, at: Anyone) -> Response:
    """The signed credential (Open Badges 3.0, VC-JWT, ES256)."""
    at.identity = None
    return token_of(jwt_of(at, *await at.query(queries.by_code, code)), "credential.jwt")


@routes.get("/credentials/verify/{code}/badge.svg", response_class=Response, responses=SVG)
async def baked(code: Code, at: Anyone) -> Response:
    """The drawing with the signed credential in it, as backpacks of badges take it."""
    at.identity = None
    held, network = await at.query(queries.by_code, code)
    return svg(badges.baked(badges.drawing(held.achievement.title, network.name), jwt_of(at, held, network)))


@routes.get("/credentials/verify/{code}/certificate.pdf", response_class=Response, responses=PDF)
async def certificate(code: Code, at: Anyone) -> Response:
    """The certificate to be printed, with a code that leads back to its page; with a name only if its holder wants."""
    at.identity = None
    held, network = await at.query(queries.by_code, code)
    return await certificate_of(at, held, network, named=held.credential.named)


def jwt_of(at: Edge, held: Held, network: Any) -> str:
    body = badges.credential_of(issuer_of(at, network), held.achievement, held.credential, held.person)
    return badges.signed(settings_of(at).badge_key, root_of(at), body)


async def certificate_of(at: Edge, held: Held, network: Any, *, named: bool) -> Response:
    root = root_of(at)
    made = await asyncio.to_thread(pages.certificate, at.language, held, network, root, day(at.now), named)
    headers = {"content-disposition": 'inline; filename="certificate.pdf"', "cache-control": "no-store", **HARMLESS}
    return Response(made, headers=headers, media_type="application/pdf")


def token_of(signed: str, name: str | None = None) -> Response:
    headers = {"cache-control": "no-store"}
    if name is not None:
        headers["content-disposition"] = f'attachment; filename="{name}"'
    return Response(signed, headers=headers, media_type=badges.MEDIA_TYPE)


def svg(drawn: str) -> Response:
    return Response(drawn, headers={"cache-control": "no-store", **HARMLESS}, media_type="image/svg+xml")


class _Plain(BaseModel, extra="allow"):
    pass


def plain(found: dict[str, Any]) -> Response:
    return as_json(_Plain(**found))


# --- the holder's link ----------------------------------------------------------------------------------------------


@routes.get("/credentials/link", response_class=Response, responses=HTML)
async def show_link(token: Token, at: Anyone) -> Response:
    """The holder's page: what was attested to them, to be taken along, and whether their name is shown. Opening it does
    nothing."""
    at.identity = None

    async def opened() -> Response:
        link = await link_of(token, at)
        return await page_of(at, link, token)

    return await answered(at, opened, partial(pages.gone, at.language), html=not wants_json(at))


@routes.post("/credentials/link", response_model=CredentialOut)
async def use_link(
    token: Token, shown: Annotated[Literal["yes", "no"], Form(description="The name on the page")], at: Anyone
) -> Response:
    """The holder has decided whether their name is shown. A browser gets the page again."""
    at.identity = None

    async def used() -> Response:
        link = await link_of(token, at)
        done = await at.command(
            commands.name_by_link,
            link.subject,
            holder_of(link),
            shown == "yes",
            out=lambda held: CredentialOut.of(held, at),
        )
        return await page_of(at, link, token, saved=True) if wants_html(at) else done

    return await answered(at, used, partial(pages.gone, at.language), html=wants_html(at))


@routes.get("/credentials/link/certificate.pdf", response_class=Response, responses=PDF)
async def own_certificate(token: Token, at: Anyone) -> Response:
    """The holder's certificate, with their name."""
    at.identity = None

    async def made() -> Response:
        link = await link_of(token, at)
        held, network = await at.query(queries.by_link, link.subject, holder_of(link))
        return await certificate_of(at, held, network, named=True)

    return await answered(at, made, partial(failed, at.language), html=wants_html(at))


async def link_of(token: str, at: Edge) -> links.Link:
    return await links.verify(token, "learning", PURPOSE, keys=at.context.link_keys)


def holder_of(link: links.Link) -> UUID | None:
    """The person to whom the link was sent."""
    try:
        return UUID(str(link.claims["person"])) if "person" in link.claims else None
    except ValueError as error:
        raise links.LinkInvalid("person") from error


async def page_of(at: Edge, link: links.Link, token: str, *, saved: bool = False) -> Response:
    held, network = await at.query(queries.by_link, link.subject, holder_of(link))
    found = VerifiedOut.of(held, issuer_of(at, network), day(at.now))
    return pages.own(at.language, held, found.model_dump(), network, token, root_of(at), saved=saved)


# --- achievements ---------------------------------------------------------------------------------------------------


@routes.post("/networks/{network}/achievements", status_code=201, response_model=AchievementOut)
async def create(network: str, body: AchievementBody, at: At) -> Response:
    """Something that can be earned: by completing a path, or given by hand."""
    return await at.command(
        commands.create,
        network,
        body,
        out=lambda one: AchievementOut.of(Counted(one, 0, 0), at),
        location=lambda one: f"/learning/v1/achievements/{one.id}",
    )


@routes.get("/networks/{network}/achievements", response_model=PageOut[AchievementOut])
async def achievements(
    network: str,
    at: At,
    path: Annotated[list[UUID], Query(max_length=100)] = [],  # noqa: B006 (FastAPI copies it)
    retired: bool | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """What can be earned in a network, and how often it was. JSON, or CSV with `Accept: text/csv`."""
    return await at.page(
        queries.achievements_of,
        network,
        path=path,
        retired=retired,
        after=after,
        limit=limit,
        out=lambda counted: AchievementOut.of(counted, at),
        model=AchievementOut,
    )


@routes.get("/achievements/{achievement_id}", response_model=AchievementOut)
async def achievement(achievement_id: UUID, at: At) -> Response:
    """What can be earned."""
    return await at.read(queries.achievement, achievement_id, out=lambda counted: AchievementOut.of(counted, at))


async def counted(session: Any, actor: Any, fn: Any, achievement_id: UUID, *args: Any, now: datetime, **kw: Any) -> Any:
    """A change of an achievement, and how often it was earned."""
    await fn(session, actor, achievement_id, *args, now=now, **kw)
    return await queries.achievement(session, actor, achievement_id, now=now)


@routes.patch("/achievements/{achievement_id}", response_model=AchievementOut)
async def change(achievement_id: UUID, body: AchievementChange, at: At) -> Response:
    """Changes what is given. Credentials that were issued say the new words, and keep their days. Needs If-Match."""
    return await at.command(
        counted,
        commands.change,
        achievement_id,
        body,
        expected=at.if_match(),
        out=lambda found: AchievementOut.of(found, at),
    )


@routes.post("/achievements/{achievement_id}/retire", response_model=AchievementOut, openapi_extra=GUARDED)
async def retire(achievement_id: UUID, at: At) -> Response:
    """Earned by nobody any more; what was issued holds. Needs If-Match."""
    return await at.command(
        counted, commands.retire, achievement_id, expected=at.if_match(), out=lambda found: AchievementOut.of(found, at)
    )


# --- credentials ----------------------------------------------------------------------------------------------------


@routes.post("/achievements/{achievement_id}/credentials", status_code=201, response_model=CredentialOut)
async def give(achievement_id: UUID, body: GiveBody, at: At) -> Response:
    """Gives it by hand, for a reason, to a person of the network."""
    return await at.command(
        commands.give,
        achievement_id,
        body,
        out=lambda held: CredentialOut.of(held, at),
        location=lambda held: f"/learning/v1/credentials/{held.credential.id}",
    )


@routes.get("/networks/{network}/credentials", response_model=PageOut[CredentialOut])
async def credentials(
    network: str,
    at: At,
    achievement: Annotated[list[UUID], Query(max_length=100)] = [],  # noqa: B006
    person: Annotated[list[UUID], Query(max_length=100)] = [],  # noqa: B006
    standing: Annotated[list[Standing], Query()] = [],  # noqa: B006
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """What was attested to whom. JSON, or CSV with `Accept: text/csv`."""
    return await at.page(
        queries.listed,
        network,
        achievement=achievement,
        person=person,
        standing=standing,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=lambda held: CredentialOut.of(held, at),
        model=CredentialOut,
    )


@routes.get("/me/credentials", response_model=PageOut[CredentialOut])
async def own(at: At, after: After = None, limit: Limit = 50) -> Response:
    """What was attested to me, in all networks."""
    return await at.page(
        queries.own, after=after, limit=limit, out=lambda held: CredentialOut.of(held, at), model=CredentialOut
    )


@routes.get("/credentials/{credential_id}", response_model=CredentialOut)
async def credential(credential_id: UUID, at: At) -> Response:
    """A credential, one's own or (the secretariat) anybody's."""
    return await at.read(queries.get, credential_id, out=lambda held: CredentialOut.of(held, at))


@routes.post("/credentials/{credential_id}/naming", response_model=CredentialOut)
async def naming(credential_id: UUID, body: NamingBody, at: At) -> Response:
    """Whether my name is shown on its page and in its signed form: the holder's choice alone; hidden at first."""
    return await at.command(commands.name, credential_id, body.shown, out=lambda held: CredentialOut.of(held, at))


@routes.post("/credentials/{credential_id}/revoke", response_model=CredentialOut, openapi_extra=GUARDED)
async def revoke(credential_id: UUID, body: RevokeBody, at: At) -> Response:
    """It holds no more, and whoever verifies it is told so; the reason is told to its holder alone. Needs If-Match."""
    return await at.command(
        commands.revoke, credential_id, body, expected=at.if_match(), out=lambda held: CredentialOut.of(held, at)
    )


problems = {
    UnknownAchievement: not_found,
    UnknownCredential: not_found,
    NoLonger: problem(
        "credential-gone",
        410,
        it="Questo attestato non esiste più\nChi lo aveva ha chiesto di cancellare i propri dati: non se ne può dire "
        "altro.",
        en="This credential exists no more\nIts holder asked for their data to be erased: nothing else can be said of "
        "it.",
    ),
    Retired: problem(
        "achievement-retired",
        409,
        it="Il riconoscimento è ritirato\nNon si rilascia e non si cambia più: scriverne un altro.",
        en="The achievement is retired\nIt is neither given nor changed any more: write another.",
    ),
    HasIt: problem(
        "credential-held",
        409,
        it="La persona ha già questo attestato\nNe ha uno valido: se ne rilascia un altro quando scade o è revocato.",
        en="The person holds this credential already\nThey have a good one: another is given once it has expired or is "
        "revoked.",
        code="held",
    ),
    RevokedAlready: problem(
        "credential-revoked",
        409,
        it="L'attestato è già revocato\nÈ stato revocato il {revoked_on}.",
        en="The credential is revoked already\nIt was revoked on {revoked_on}.",
    ),
    NotTheHolder: problem(
        "credential-not-own",
        403,
        it="Non è il proprio attestato\nSe il nome si mostra, lo decide solo chi lo porta.",
        en="Not one's own credential\nWhether a name is shown, its bearer alone decides.",
    ),
}
vocabularies = (
    vocabulary(
        "credential_standings",
        "Validità dell'attestato",
        "Standing of a credential",
        [
            (Standing.VALID, "Valido", "Valid"),
            (Standing.EXPIRED, "Scaduto", "Expired"),
            (Standing.REVOKED, "Revocato", "Revoked"),
        ],
    ),
)
