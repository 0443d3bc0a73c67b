"""Where a request becomes a transaction: who asks, one session, one commit, one answer.

```python
@routes.post("/bodies/{body_id}/mandates", status_code=201, response_model=MandateOut)
async def confer(body_id: UUID, body: ConferBody, at: At) -> Response:
    return await at.command(commands.confer, body_id, body, out=MandateOut.of)

@routes.get("/networks/{network}/mandates", response_model=PageOut[MandateOut])
async def mandates(network: str, at: At, after: After = None, limit: Limit = 50) -> Response:
    return await at.page(queries.mandates, network, after=after, limit=limit, out=MandateOut.of)
```

Commands and queries are called as `fn(session, actor, *args, now=now, **kw)`; `network_id(session, network)` of
`shared.access.loading` turns a slug into an id. `At` refuses strangers; `Anyone` lets them in as `ANONYMOUS`.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Any, TypeVar
from uuid import UUID

import orjson
from fastapi import Depends, Request
from fastapi.dependencies.utils import get_flat_params
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response, StreamingResponse

from shared.access import keys, loading
from shared.access.actor import ANONYMOUS, Actor
from shared.access.loading import KeyInvalid
from shared.access.tokens import Identity, TokenInvalid
from shared.messaging.context import Cause, caused_by
from shared.runtime import csv, idempotency
from shared.runtime.clock import wall
from shared.runtime.context import Context
from shared.runtime.database import disconnected
from shared.runtime.door import Visit
from shared.runtime.idempotency import Answer
from shared.runtime.paging import LARGEST, Page
from shared.runtime.problems import (
    FieldError,
    Invalid,
    NotYetKnown,
    if_match_missing,
    invalid,
    language_of,
    origin_refused,
    rate_limited,
    unauthenticated,
)
from shared.runtime.seen import seen
from shared.runtime.telemetry import LIMITED

R = TypeVar("R")
WAIT = 2.0
"""Seconds that a request waits for a fact on its way."""
PAUSE = 0.025
ETAG = re.compile(r'(?:W/)?"(\d{1,9})(?:-[0-9a-z]{1,32}){0,2}"')
"""A version; a read adds a mark of what was shown, and a gateway that compresses the name of how."""
KEY = re.compile(r"[\x21-\x7e]{1,255}")


class Edge:
    """One request at the edge of the service."""

    __slots__ = ("_actor", "_now", "context", "identity", "request", "visit")

    def __init__(self, context: Context, request: Request, visit: Visit) -> None:
        self.context, self.request, self.visit = context, request, visit
        self.identity: Identity | None = None
        self._actor: Actor | None = None
        self._now: datetime | None = None

    @property
    def now(self) -> datetime:
        """The domain clock's instant, the same throughout the request."""
        if self._now is None:
            self._now = self.context.clock.now()
        return self._now

    @property
    def language(self) -> str:
        return language_of(self.request.headers.get("accept-language"))

    @property
    def address(self) -> str:
        """Whence the request comes: what strangers are limited by."""
        return self.request.client.host if self.request.client else "unknown"

    @property
    def actor(self) -> Actor:
        """Who asks. Grants are read in the command's or query's own transaction, so it is known from there on."""
        if self._actor is None:
            raise RuntimeError("the actor is given to commands and queries; before them only `at.identity` is known")
        return self._actor

    def if_match(self) -> int:
        """The version that the caller saw. Problem 428 without If-Match, 422 for one that is not ours."""
        given = self.request.headers.get("if-match")
        if given is None:
            raise if_match_missing()
        found = ETAG.fullmatch(given.strip())
        if found is None:
            raise Invalid("If-Match", "form", '"<version>", as the ETag of the last read')
        return int(found[1])

    async def command(
        self,
        fn: Callable[..., Awaitable[R]],
        *args: Any,
        out: Callable[[R], Any] | None = None,
        location: Callable[[R], str] | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
        **kw: Any,
    ) -> Response:
        """Runs `fn(session, actor, *args, now=now, **kw)` in one transaction and answers with `out(result)`.

        The answer is made inside the transaction, with the route's status and the ETag of `result.version`; 204 without
        a body when there is nothing to say. With an Idempotency-Key it is stored by the same commit. Something that is
        not known yet is waited for, up to 2 s. With `repeatable=False` the answer is never stored, whatever the caller
        sends: it holds what must not be kept, and the same request sent again acts again.
        """

        async def attempt() -> Response:
            answer = await self._transaction(fn, args, kw, out, location, headers, repeatable)
            self.context.wake()
            return Response(answer.body, answer.status, answer.headers)

        return await self._patiently(attempt)

    async def _transaction(
        self,
        fn: Any,
        args: Any,
        kw: Any,
        out: Any,
        location: Any,
        headers: Mapping[str, str] | None,
        repeatable: bool,
    ) -> Answer:
        key = self._idempotency_key() if repeatable else None
        async with self.session() as session:
            actor = self.actor
            cause = Cause(
                correlation=self.visit.correlation, traceparent=self.visit.traceparent, actor=actor.id, at=self.now
            )
            with caused_by(cause):
                if key is not None and actor.id is not None:
                    before = await idempotency.claim(session, actor.id, key, self.visit.fingerprint())
                    if before is not None:
                        return Answer(before.status, {**before.headers, "idempotency-replayed": "true"}, before.body)
                result = await fn(session, actor, *args, now=self.now, **kw)
                if session.new or session.dirty or session.deleted:
                    await session.flush()
                more = {**(headers or {}), **({"location": location(result)} if location else {})}
                answer = self._answer(result, out, more)
                if key is not None and actor.id is not None:
                    await idempotency.store(session, actor.id, key, answer)
                await session.commit()
        return answer

    async def query(self, fn: Callable[..., Awaitable[R]], *args: Any, **kw: Any) -> R:
        """The result of `fn(session, actor, *args, now=now, **kw)` in a read-only transaction, after `?seen=`."""

        async def attempt() -> R:
            async with self.session(read_only=True) as session:
                await self._seen(session)
                return await fn(session, self.actor, *args, now=self.now, **kw)

        return await self._patiently(attempt)

    async def read(
        self, fn: Callable[..., Awaitable[R]], *args: Any, out: Callable[[R], Any] | None = None, **kw: Any
    ) -> Response:
        """Answers with `out(result)` of a query, with an ETag of `result.version`, or 304 when the caller has just this
        answer. The version alone does not say so: figures, names and what the caller may do change without it."""

        async def rendered(session: AsyncSession, actor: Actor, *a: Any, now: datetime, **k: Any) -> Answer:
            return self._answer(await fn(session, actor, *a, now=now, **k), out, {})

        answer = await self.query(rendered, *args, **kw)
        version = answer.headers.get("etag")
        if version is None:
            return Response(answer.body, answer.status, answer.headers)
        tag = f'{version[:-1]}-{blake2b(answer.body, digest_size=6).hexdigest()}"'
        if tag in self.request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers={"etag": tag})
        return Response(answer.body, answer.status, {**answer.headers, "etag": tag})

    async def page(
        self,
        fn: Callable[..., Awaitable[Page[R]]],
        *args: Any,
        out: Callable[[R], BaseModel],
        model: type[BaseModel] | None = None,
        after: str | None = None,
        limit: int = 50,
        **kw: Any,
    ) -> Response:
        """Answers with a page: `{"items", "next"}`. With `Accept: text/csv` everything from `after` on, as it is read.

        `fn` is a query with `after` and `limit` that gives a Page; `model` names the columns when `out` is no
        classmethod of it.
        """
        if not self._wants_csv():
            found = await self.query(fn, *args, after=after, limit=limit, **kw)
            body = b'{"items":[' + b",".join(_json(out(item)) for item in found.items)
            body += b'],"next":' + orjson.dumps(found.next) + b"}"
            return Response(body, headers={"vary": "Accept"}, media_type="application/json")
        columns = csv.columns(model or _model_of(out))
        pages = self._pages(fn, args, kw, after)
        first = await anext(pages)  # before the status is sent: a refusal must still be a problem

        async def text() -> AsyncIterator[bytes]:
            yield csv.lines([columns])
            yield csv.lines(csv.row(out(item), columns) for item in first.items)
            async for further in pages:
                yield csv.lines(csv.row(out(item), columns) for item in further.items)

        return StreamingResponse(text(), headers={"vary": "Accept"}, media_type=csv.MEDIA_TYPE)

    async def _pages(self, fn: Any, args: Any, kw: Any, after: str | None) -> AsyncIterator[Page[Any]]:
        """Each page in a transaction of its own: a slow reader must not hold one open."""
        while True:
            found = await self.query(fn, *args, after=after, limit=LARGEST, **kw)
            yield found
            if found.next is None:
                return
            after = found.next

    def _wants_csv(self) -> bool:
        accept = self.request.headers.get("accept", "")
        return accept.startswith("text/csv")

    @asynccontextmanager
    async def session(self, *, read_only: bool = False) -> AsyncIterator[AsyncSession]:
        """A session whose actor is loaded. Its first statement is tried again once on a connection that had died."""
        for attempt in (1, 2):
            session = self.context.database.sessions()
            try:
                if read_only:
                    await session.connection(execution_options={"postgresql_readonly": True})
                self._actor = await self._load(session)
            except Exception as error:
                await session.close()
                if attempt == 2 or not disconnected(error):
                    raise
            except BaseException:
                await session.close()
                raise
            else:
                break
        async with session:
            yield session

    async def _load(self, session: AsyncSession) -> Actor:
        identity = self.identity
        if identity is None:
            return ANONYMOUS
        if identity.person_id is not None:
            return await loading.person(session, identity)
        actor, _ = await loading.key(session, identity, wall())
        return actor

    async def _patiently(self, attempt: Callable[[], Awaitable[R]]) -> R:
        until, pause = time.monotonic() + WAIT, PAUSE
        while True:
            try:
                return await attempt()
            except NotYetKnown:
                if time.monotonic() + pause > until:
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.2)

    async def _seen(self, session: AsyncSession) -> None:
        wanted = self.request.query_params.get("seen")
        if wanted is None:
            return
        try:
            fact = UUID(wanted)
        except ValueError:
            raise Invalid("?seen", "form", "the id of a fact, a UUID") from None
        if not await seen(session, self.context, fact):
            raise NotYetKnown("?seen")

    def _idempotency_key(self) -> str | None:
        key = self.request.headers.get("idempotency-key")
        if key is None:
            return None
        if self.request.method != "POST":
            return None  # the other methods are idempotent by themselves
        if not KEY.fullmatch(key):
            raise Invalid("Idempotency-Key", "form", "1 to 255 visible ASCII characters")
        return key

    def _answer(self, result: Any, out: Callable[[Any], Any] | None, more: Mapping[str, str]) -> Answer:
        shown = out(result) if out is not None else result
        status = getattr(self.request.scope.get("route"), "status_code", None) or 200
        headers = dict(more)
        version = getattr(result, "version", None)
        if isinstance(version, int):
            headers["etag"] = f'"{version}"'
        if shown is None:
            return Answer(204 if status == 200 else status, headers, b"")
        headers["content-type"] = "application/json"
        return Answer(status, headers, _json(shown))


def _json(shown: Any) -> bytes:
    if isinstance(shown, BaseModel):
        return type(shown).__pydantic_serializer__.to_json(shown, by_alias=True)
    return orjson.dumps(shown, default=_plain)


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)


def _model_of(out: Callable[..., BaseModel]) -> type[BaseModel]:
    owner = getattr(out, "__self__", out)
    if isinstance(owner, type) and issubclass(owner, BaseModel):
        return owner
    raise TypeError("name the `model` of the items, so that an empty list has its columns too")


async def edge(request: Request) -> Edge:
    """The edge of a request whose caller is known."""
    at = the_edge(request)
    await identify(at)
    if at.identity is None:
        raise unauthenticated()
    return at


async def anyone(request: Request) -> Edge:
    """The edge of a request that strangers may make; who shows a good token is known. A bad one counts as none, so that
    a frontend with an expired token can still sign in."""
    at = the_edge(request)
    try:
        await identify(at)
    except (TokenInvalid, KeyInvalid):
        at.identity = None
    return at


At = Annotated[Edge, Depends(edge)]
Anyone = Annotated[Edge, Depends(anyone)]


def the_edge(request: Request) -> Edge:
    """The edge of a request whose caller is still to be found out."""
    if request.scope["query_string"]:
        refuse_unknown(request)
    return Edge(request.app.state.context, request, request.scope["trama"])


async def identify(at: Edge) -> None:
    """Who shows which credential; counts the request against the caller's limit."""
    context, request = at.context, at.request
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    settings = context.settings
    if not credential:
        limited(at, f"ip:{at.address}", settings.anonymous_per_minute)
        if scheme:
            raise TokenInvalid("no credential")
        return
    try:
        identity = await _identity(context, scheme, credential)
        if identity.key_id is not None:
            await _identify_key(at, identity)
        else:
            limited(at, f"person:{identity.person_id}", settings.rate_per_minute)
    except (TokenInvalid, KeyInvalid):
        limited(at, f"ip:{at.address}", settings.anonymous_per_minute)
        raise
    at.identity = identity


async def _identity(context: Context, scheme: str, credential: str) -> Identity:
    if scheme.lower() != "bearer":
        raise TokenInvalid("scheme")
    shown = keys.parse(credential)
    if shown is not None:
        return Identity(key_id=shown[0], secret_sha256=shown[1])
    return await context.verifier.verify(credential)


async def _identify_key(at: Edge, identity: Identity) -> None:
    """A key has its own limit and may be bound to the sites that embed it."""
    async with at.context.database.sessions() as session:
        _, row = await loading.key(session, identity, wall())
    limited(at, f"key:{identity.key_id}", row.per_minute)
    origin = at.request.headers.get("origin")
    if origin is not None and origin not in row.origins:
        raise origin_refused(None, accepted=list(row.origins))


def limited(at: Edge, caller: str, per_minute: int) -> None:
    allowance = at.context.limiter.hit(caller, per_minute)
    at.visit.headers = [h for h in at.visit.headers if not h[0].startswith(b"ratelimit")] + allowance.headers()
    if allowance.exceeded:
        LIMITED.labels(at.context.service.name).inc()
        raise rate_limited(None, accepted=per_minute, headers={"retry-after": str(allowance.reset)})


_known: dict[Any, frozenset[str]] = {}


def refuse_unknown(request: Request) -> None:
    """A query parameter that the route does not know is refused: a mistyped filter must not widen a list."""
    route = request.scope["route"]
    known = _known.get(route.endpoint)
    if known is None:
        known = _known[route.endpoint] = frozenset(p.alias for p in get_flat_params(route.dependant)) | {"seen"}
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        allowed = sorted(p for p in known if p not in request.path_params)
        raise invalid(None, errors=[FieldError(f"?{name}", "unknown", allowed) for name in unknown])
