"""HTTP of signing in, `/me`, and the registry's public keys."""

from __future__ import annotations

import hmac
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson
from fastapi import APIRouter, Cookie, Form, Query
from joserfc import jws
from joserfc.errors import JoseError
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import RedirectResponse, Response

from services.registry.access import commands, pages, queries
from services.registry.access.queries import Me
from services.registry.access.rules import (
    AddressUnverified,
    LinkSpent,
    NobodyKnown,
    SeveralPeople,
    SignInFailed,
    UnknownProvider,
)
from services.registry.people.rules import Person
from services.registry.settings import Settings
from shared.access import jwks, jwt, links, oidc, tokens
from shared.access.links import Link
from shared.access.oidc import Provider, Subject
from shared.access.roles import Level
from shared.runtime import sessions
from shared.runtime.browsers import HTML, Token, answered, as_json, wants_html, wants_json
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.me import GrantOut, NetworkRights
from shared.runtime.problems import link_used, problem
from shared.runtime.sessions import MaybeSeated, Seated
from shared.runtime.shapes import Ref

routes = APIRouter(tags=["sign-in"])
well_known = APIRouter(tags=["sign-in"])
site = APIRouter()

PURPOSE = "sign-in"
STATE = "trama-oidc"
"""Name of the cookie, and audience of the statement in it, that a browser carries to the provider and back."""
STATE_SECONDS = 600


class SignInBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=254)] = Field(
        examples=["giulia.serra@example.org"]
    )
    network: str | None = Field(default=None, max_length=63, examples=["case-della-comunita"])


class AcceptedOut(BaseModel):
    """The same whatever the address: who has one here gets a mail."""

    accepted: Literal[True] = True


class ProviderOut(BaseModel):
    """A provider to which a browser may be sent."""

    name: str
    title: str
    href: str


class WaysOut(BaseModel):
    mail: Literal[True] = True
    providers: list[ProviderOut]


class OidcBody(BaseModel):
    """An id token of a configured provider, issued to its configured client."""

    model_config = ConfigDict(extra="forbid")

    id_token: str = Field(max_length=jwt.LONGEST)
    provider: str | None = Field(default=None, max_length=32, description="Its name; by default found by the issuer")


def person_ref(person: Person | None) -> Ref | None:
    return Ref(id=person.id, name=person.name, href=f"/registry/v1/people/{person.id}") if person else None


class SignedIn(BaseModel):
    """A token for all services. `expires_in` in seconds; `person` is null for an administrator who is none."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 (a scheme)
    expires_in: int
    level: str
    person: Ref | None


class MeOut(BaseModel):
    id: UUID
    kind: Literal["person", "key"]
    person: Ref | None
    email: str | None
    email_verified: bool
    level: str
    admin: bool
    grants: list[GrantOut]
    scopes: list[str]
    networks: list[NetworkRights]
    rights: list[str]

    @classmethod
    def of(cls, me: Me) -> MeOut:
        actor, person = me.actor, me.person
        assert actor.id is not None
        return cls(
            id=actor.id,
            kind="person" if actor.person_id else "key",
            person=person_ref(person),
            email=person.email if person else None,
            email_verified=person.email_verified if person else False,
            level=actor.level.label,
            admin=actor.admin,
            grants=[GrantOut.model_validate(grant) for grant in me.grants],
            scopes=list(actor.scopes),
            networks=[NetworkRights(network_id=id_, slug=slug, rights=rights) for id_, slug, rights in me.rooms],
            rights=me.rights,
        )


@routes.get("/me", response_model=MeOut)
async def me(at: At) -> Response:
    """Who I am, my grants in force, and my rights."""
    return await at.read(queries.me, out=MeOut.of)


# --- mailed links ---------------------------------------------------------------------------------------------------


@routes.get("/sign-in", response_model=WaysOut)
async def ways(at: Anyone) -> WaysOut:
    """How one may sign in here: by mail always, and with the providers that are configured."""
    usable = [
        given for given in settings_of(at).oidc_providers if given.authorization_endpoint and given.token_endpoint
    ]
    return WaysOut(
        providers=[
            ProviderOut(name=given.name, title=given.title, href=f"/registry/v1/sign-in/oidc/{given.name}/start")
            for given in usable
        ]
    )


@routes.post("/sign-in", status_code=202, response_model=AcceptedOut)
async def sign_in(body: SignInBody, at: Anyone) -> Response:
    """Asks for a link by mail. The answer is the same whether or not anybody has this address."""
    at.identity = None  # whoever asks: nothing of it is kept under a caller's Idempotency-Key
    lasting = timedelta(minutes=settings_of(at).sign_in_minutes)
    return await at.command(commands.request_links, body.email, body.network, lasting, out=lambda _: AcceptedOut())


@routes.get("/sign-in/link", response_class=Response, responses=HTML)
async def show_link(token: Token, at: Anyone) -> Response:
    """A page that says whom the link lets in, with a button. Opening it does nothing."""
    at.identity = None

    async def shown() -> Response:
        person = await at.query(queries.usable, await link_of(token, at))
        return pages.confirm(at.language, person.name)

    return await answered(at, shown, partial(pages.failed, at.language), html=not wants_json(at))


@routes.post("/sign-in/link", response_model=SignedIn)
async def use_link(token: Token, at: Anyone) -> Response:
    """Signs in, once. Answers with a token; a browser gets a session, and goes on to its desk."""
    at.identity = None

    async def used() -> Response:
        sessions.require_own_site(at)
        person = await signed_in(at, commands.use_link, await link_of(token, at))
        return await welcome(at, person, Level.MAILBOX)

    return await answered(at, used, partial(pages.failed, at.language), html=wants_html(at))


async def link_of(token: str, at: Edge) -> Link:
    return await links.verify(token, "registry", PURPOSE, keys=at.context.link_keys)


# --- other providers ------------------------------------------------------------------------------------------------


@routes.post("/sign-in/oidc", response_model=SignedIn)
async def exchange(body: OidcBody, at: Anyone) -> Response:
    """Exchanges the id token of a configured provider for a token of ours."""
    at.identity = None
    provider = provider_of(at, body.provider) if body.provider else provider_by_issuer(at, body.id_token)
    return await enter(at, await oidc.verify(provider, body.id_token))


@routes.get("/sign-in/oidc/{provider}/start", status_code=303, response_class=Response)
async def start(provider: str, at: Anyone) -> Response:
    """Sends the browser to the provider (authorization code with PKCE)."""
    found = provider_of(at, provider)
    if found.authorization_endpoint is None or found.token_endpoint is None:
        raise UnknownProvider
    settings = settings_of(at)
    going = oidc.authorize(found, callback_url(settings, provider))
    statement = jwt.sign(
        settings.signing_key,
        {
            "iss": settings.issuer,
            "aud": STATE,
            "exp": int(time.time()) + STATE_SECONDS,
            "provider": provider,
            "state": going.state,
            "nonce": going.nonce,
            "verifier": going.code_verifier,
        },
    )
    answer = RedirectResponse(going.url, 303, {"cache-control": "no-store", "referrer-policy": "no-referrer"})
    answer.set_cookie(
        STATE,
        statement,
        max_age=STATE_SECONDS,
        path="/registry/v1/sign-in/oidc",
        secure=settings.public_url.startswith("https:"),
        httponly=True,
        samesite="lax",  # it comes back by a redirect from the provider
    )
    return answer


class Returned(BaseModel):
    """What providers put into the address to which they send the browser back."""

    code: str | None = Field(default=None, max_length=4096)
    state: str | None = Field(default=None, max_length=200)
    error: str | None = Field(default=None, max_length=200)
    error_description: str | None = None
    error_uri: str | None = None
    iss: str | None = None
    session_state: str | None = None
    scope: str | None = None
    authuser: str | None = None
    prompt: str | None = None
    hd: str | None = None


@routes.get("/sign-in/oidc/{provider}/callback", response_class=Response, responses=HTML)
async def callback(
    provider: str,
    at: Anyone,
    returned: Annotated[Returned, Query()],
    carried: Annotated[str | None, Cookie(alias=STATE, include_in_schema=False)] = None,
) -> Response:
    """Where the provider sends the browser back; answers with a page (or, if asked for, with a token)."""
    at.identity = None

    async def entered() -> Response:
        found, settings = provider_of(at, provider), settings_of(at)
        try:
            held = await jwt.verify(carried or "", at.context.verifier.keys, issuer=settings.issuer, audience=STATE)
        except jwt.TokenInvalid as error:
            raise SignInFailed from error
        same = hmac.compare_digest(str(held["state"]).encode(), (returned.state or "").encode())
        if not same or held["provider"] != provider or returned.code is None:
            raise SignInFailed
        try:
            subject = await oidc.exchange(
                found, returned.code, callback_url(settings, provider), held["verifier"], nonce=held["nonce"]
            )
        except oidc.TokenInvalid as error:
            raise SignInFailed from error
        return await enter(at, subject)

    answer = await answered(at, entered, partial(pages.failed, at.language), html=not wants_json(at))
    answer.delete_cookie(STATE, path="/registry/v1/sign-in/oidc")
    return answer


def callback_url(settings: Settings, provider: str) -> str:
    return f"{settings.public_url.rstrip('/')}/registry/v1/sign-in/oidc/{provider}/callback"


def provider_of(at: Edge, name: str) -> Provider:
    found = settings_of(at).providers.get(name)
    if found is None:
        raise UnknownProvider
    return found


def provider_by_issuer(at: Edge, id_token: str) -> Provider:
    """The provider that the token says it is from; the signature is still to be checked with that provider's keys."""
    try:
        claims = orjson.loads(jws.extract_compact(id_token.encode()).payload)
    except (JoseError, ValueError) as error:
        raise oidc.TokenInvalid("not a JWT") from error
    for provider in settings_of(at).providers.values():
        if isinstance(claims, dict) and provider.issuer == claims.get("iss"):
            return provider
    raise UnknownProvider


async def enter(at: Edge, subject: Subject) -> Response:
    if (subject.issuer, subject.subject) in settings_of(at).administrators:
        return await welcome(at, None, Level.OIDC, admin=uuid5(NAMESPACE_URL, f"{subject.issuer}#{subject.subject}"))
    return await welcome(at, await signed_in(at, commands.enter, subject), Level.OIDC)


# --- what all ways have in common -----------------------------------------------------------------------------------


def settings_of(at: Edge) -> Settings:
    settings = at.context.settings
    assert isinstance(settings, Settings)
    return settings


async def signed_in(at: Edge, command: Callable[..., Awaitable[Person]], given: Link | Subject) -> Person:
    """The person whom the command let in. The token is made after its commit, and kept nowhere."""
    people: list[Person] = []
    await at.command(command, given, out=people.append)
    return people[-1]


async def welcome(at: Edge, person: Person | None, level: Level, *, admin: UUID | None = None) -> Response:
    """A session for a browser, which goes on to its page; a token for a program."""
    settings = settings_of(at)
    subject = admin or (person.id if person else None)
    assert subject is not None
    if wants_html(at):
        answer = sessions.onwards(at)
        sessions.begin(answer, at, settings.signing_key, subject, level, admin=admin is not None)
        return answer
    lifetime = timedelta(minutes=settings.token_minutes)
    token = tokens.sign(
        settings.signing_key, settings.issuer, subject, level=level, admin=admin is not None, lifetime=lifetime
    )
    made = SignedIn(
        access_token=token,
        expires_in=int(lifetime.total_seconds()),
        level=level.label,
        person=person_ref(person),
    )
    return as_json(made)


# --- at a browser -----------------------------------------------------------------------------------------------------

NextPage = Annotated[str | None, Query(alias="next", max_length=500)]


@site.get("/sign-in")
async def sign_in_page(at: MaybeSeated, wanted: NextPage = None) -> Response:
    """A form for one's address, and the providers that are configured. Who is signed in goes on."""
    if at.identity is not None and sessions.own_page(wanted):
        return RedirectResponse(str(wanted), 303)
    answer = pages.sign_in(at.language, (await ways(at)).providers)
    sessions.remember(answer, at, wanted)
    return answer


@site.post("/sign-in")
async def sign_in_form(at: Anyone, email: Annotated[str, Form(max_length=254)] = "") -> Response:
    """Asks for a link, and says the same whoever has this address."""
    at.identity = None
    given = email.strip()
    if not 3 <= len(given) <= 254 or "@" not in given:
        return pages.sign_in(at.language, (await ways(at)).providers, given=given, unfit=True)
    lasting = timedelta(minutes=settings_of(at).sign_in_minutes)
    await at.command(commands.request_links, given, None, lasting, out=lambda _: None)
    return pages.look_in_the_mail(at.language, settings_of(at).sign_in_minutes)


@site.post("/sign-out")
async def sign_out(at: Seated) -> Response:
    answer = RedirectResponse("/sign-in", 303, {"cache-control": "no-store"})
    sessions.end(answer, at)
    return answer


@well_known.get("/.well-known/jwks.json")
async def keys(at: Anyone) -> dict[str, Any]:
    """The public keys with which tokens of this platform are verified (RFC 7517)."""
    return jwks.public(settings_of(at).signing_key)


problems = {
    LinkSpent: link_used,
    NobodyKnown: problem(
        "nobody-known",
        403,
        it="Nessuno con questa identità\nNessuna persona registrata ha questo indirizzo: chiedere alla segreteria "
        "della propria rete.",
        en="Nobody with this identity\nNo person here has this address: ask the secretariat of your network.",
    ),
    SeveralPeople: problem(
        "several-people",
        409,
        it="Più persone con questo indirizzo\nL'indirizzo non dice chi sta entrando: chiedere un collegamento per "
        "posta, ne arriva uno per ciascuna.",
        en="Several people with this address\nThe address does not say who signs in: ask for a link by mail, one comes "
        "for each of them.",
    ),
    AddressUnverified: problem(
        "address-unverified",
        403,
        it="Indirizzo non verificato\nIl fornitore non garantisce l'indirizzo: verificarlo presso di lui, o entrare "
        "con un collegamento per posta.",
        en="Address not verified\nThe provider does not vouch for the address: verify it there, or sign in with a "
        "mailed link.",
    ),
    UnknownProvider: problem(
        "provider-unknown",
        404,
        it="Fornitore di identità sconosciuto\nNon è tra quelli configurati.",
        en="Unknown identity provider\nIt is none of those configured.",
    ),
    SignInFailed: problem(
        "sign-in-failed",
        400,
        it="Accesso non riuscito\nIl fornitore non ha confermato l'accesso, o è passato troppo tempo: "
        "cominciare da capo.",
        en="Signing in failed\nThe provider did not confirm it, or too much time has passed: start again.",
    ),
}
