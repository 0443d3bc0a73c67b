"""What a service does with others' facts: functions marked as projections or reactions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from sqlalchemy import Table

from shared.contracts.envelope import FACTS, Fact
from shared.messaging.context import Cause

F = TypeVar("F", bound=Fact)
F_co = TypeVar("F_co", bound=Fact, covariant=True)
Kind = Literal["projections", "reactions"]
Function = TypeVar("Function", bound=Callable[..., Awaitable[None]])


class NotYet(Exception):
    """Raised by a handler when something that it needs has not arrived; the fact is tried again soon."""


@dataclass(frozen=True, slots=True)
class Received(Generic[F_co]):
    """A fact as it arrived. `cause` is what facts staged because of it should name: `with caused_by(received.cause)`.

    When a batch has one fact, or all of its facts share a correlation, the wrapper has set that already.
    """

    fact: F_co
    fact_id: UUID
    generation: int
    occurred_at: datetime
    cause: Cause
    because_of: UUID | None = None
    """The fact that led to this one, if one did."""

    @property
    def rank(self) -> tuple[int, int]:
        """Orders the facts of one aggregate, also when its service was restored from a backup."""
        return self.generation, self.fact.version


@dataclass(frozen=True, slots=True)
class Handler:
    """A marked function; `types` are the wire names that it is given, `tables` the ones that only it fills."""

    function: Callable[..., Awaitable[None]]
    kind: Kind
    classes: tuple[type[Fact], ...]
    tables: tuple[Table, ...] = ()

    @property
    def types(self) -> frozenset[str]:
        return frozenset(name for name, fact in FACTS.items() if issubclass(fact, self.classes))


def projects(*facts: type[Fact], tables: Sequence[Table] = ()) -> Callable[[Function], Function]:
    """Mark `async def f(session, facts, now) -> None` as a projection of these facts (a base class: of all its kinds).

    It is given facts repeatedly and in any order, so each write is guarded by rank (`upsert_newest`). It may be run
    again from the beginning with `tables` emptied; so it sends nothing and stages nothing.
    """
    return _mark("projections", facts, tuple(tables))


def reacts(*facts: type[Fact]) -> Callable[[Function], Function]:
    """Mark `async def f(session, facts, now) -> None` as a reaction: each fact once, in the order of its aggregate."""
    return _mark("reactions", facts, ())


def _mark(kind: Kind, facts: tuple[type[Fact], ...], tables: tuple[Table, ...]) -> Callable[[Function], Function]:
    def mark(function: Function) -> Function:
        function.__dict__["__handler__"] = Handler(function, kind, facts, tables)
        return function

    return mark


def handlers_of(modules: Iterable[ModuleType]) -> tuple[Handler, ...]:
    """The handlers that the modules define, in the order in which they are written."""
    found: dict[int, Handler] = {}
    for module in modules:
        for member in vars(module).values():
            handler: Any = getattr(member, "__dict__", {}).get("__handler__")
            if isinstance(handler, Handler):
                found[id(handler)] = handler
    return tuple(found.values())


def newest(facts: Iterable[Received[F]]) -> list[Received[F]]:
    """The newest fact of each aggregate, sorted by its id, so that two batches lock rows in the same order."""
    best: dict[UUID, Received[F]] = {}
    for received in facts:
        known = best.get(received.fact.id)
        if known is None or received.rank > known.rank:
            best[received.fact.id] = received
    return [best[key] for key in sorted(best)]
