"""What a running service has at hand; made once by `create_app`, given to workers and to every request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncSession

from shared.access.jwks import PublicKeys
from shared.access.policy import Policy
from shared.access.tokens import PAGES, Verifier
from shared.runtime.answers import Answers
from shared.runtime.clock import Clock
from shared.runtime.database import Database
from shared.runtime.due import Handler
from shared.runtime.problems import Problems
from shared.runtime.ratelimit import Limiter
from shared.runtime.settings import ServiceSettings

if TYPE_CHECKING:
    from shared.runtime.broker import Broker
    from shared.runtime.vocabularies import Vocabulary


@dataclass(frozen=True)
class Service:
    """Everything that a service is made of; its `app.py` fills it in and nothing else knows all of it.

    `routers` are mounted under `/<name>/v1`, `pages` under `/<name>`, and `site`, the pages for people at a browser, as
    they are: the gateway knows their first path segments. `dues` maps a kind to the handler of what falls
    due. `workers` run in the background until they are cancelled, in the process that listens.
    """

    name: str
    settings: ServiceSettings
    policy: Policy
    title: str = ""
    metadata: MetaData | None = None
    routers: Sequence[APIRouter] = ()
    pages: Sequence[APIRouter] = ()
    site: Sequence[APIRouter] = ()
    listens: Sequence[ModuleType] = ()
    dues: Mapping[str, Handler] = field(default_factory=dict)
    problems: Sequence[Problems] = ()
    workers: Sequence[Worker] = ()
    followers: Sequence[Worker] = ()
    """Like `workers`, but in every process that serves or listens: what each must know by itself."""
    vocabularies: Sequence[Vocabulary] = ()
    backlogs: Mapping[str, Callable[[AsyncSession], Awaitable[int]]] = field(default_factory=dict)
    """Work of the service's own that should be done by now (mails to send), counted in readiness beside the lags."""
    own_me: bool = False
    """The service answers `/me` itself, with more than everybody's."""


@dataclass
class Context:
    """The service's running parts. `state` is the service's own: whatever its workers and routes share."""

    service: Service
    settings: ServiceSettings
    database: Database
    clock: Clock
    answers: Answers
    verifier: Verifier
    sessions: Verifier
    link_keys: PublicKeys
    limiter: Limiter
    broker: Broker | None = None
    state: dict[str, Any] = field(default_factory=dict)

    def wake(self) -> None:
        """Something was committed: the relay need not wait for its poll."""
        if self.broker is not None:
            self.broker.wake()

    @classmethod
    def of(cls, service: Service) -> Context:
        settings = service.settings
        database = Database(
            settings.database_url,
            pool_size=settings.pool_size,
            pool_timeout=settings.pool_timeout,
            statement_timeout=settings.statement_timeout,
            lock_timeout=settings.lock_timeout,
            name=f"trama-{service.name}",
        )
        keys = PublicKeys(settings.jwks_file)
        verifier, sessions = Verifier(keys, settings.issuer), Verifier(keys, settings.issuer, PAGES)
        links = PublicKeys(settings.link_jwks_file)
        clock = Clock(settings.clock_file)
        return cls(service, settings, database, clock, Answers(service.problems), verifier, sessions, links, Limiter())


Worker = Callable[[Context], Awaitable[None]]
