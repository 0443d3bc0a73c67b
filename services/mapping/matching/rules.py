"""Which resource answers which need, how well, and why.

A match is the sum of four reasons, at most 100 points: the theme (40), the territory (30), the time (20) and whom the
resource is for (10). What fails in any of them is no match at all, however well the others fit. The points are the same
whichever side one asks from.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

NEAR = 50.0
"""Kilometres beyond which a resource of other municipalities is no answer."""
SOON = timedelta(days=30)


class Because(StrEnum):
    """What speaks for a match."""

    THEME = "theme"
    ANY_THEME = "any_theme"
    HERE = "here"
    EVERYWHERE = "everywhere"
    DISTANCE = "distance"
    AVAILABLE = "available"
    ENDS_SOON = "ends_soon"
    STARTS_SOON = "starts_soon"
    FOR_ALL = "for_all"
    FOR_THIS_KIND = "for_this_kind"
    FOR_SOME = "for_some"


@dataclass(frozen=True, slots=True)
class Reason:
    """One of the four, its points, and what the sentence for people needs."""

    because: Because
    points: int
    km: int | None = None
    day: date | None = None
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    reasons: tuple[Reason, ...]

    @property
    def score(self) -> int:
        return sum(reason.points for reason in self.reasons)


@dataclass(frozen=True, slots=True)
class Demand:
    """A need: its theme, its municipality and all that this lies in, and the kind of the organisation that is to answer
    (None while nobody is)."""

    theme: str
    municipality: str
    lies_in: frozenset[str]
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A resource: offered in `territories` (none: everywhere), from `since` until `until` (exclusive), to organisations
    of these kinds (none: to all)."""

    themes: frozenset[str]
    territories: frozenset[str]
    since: date | None
    until: date | None
    available_to: frozenset[str]


Distance = Callable[[str, str], float | None]
"""Kilometres between two municipalities; None when one of them is none."""


def match(demand: Demand, offer: Offer, on: date, distance: Distance) -> Match | None:
    """Whether and why the offer answers the demand on a day; None when it does not."""
    reasons = (
        _theme(demand.theme, offer.themes),
        _place(demand, offer.territories, distance),
        _time(offer.since, offer.until, on),
        _audience(demand.kind, offer.available_to),
    )
    found = tuple(reason for reason in reasons if reason is not None)
    return Match(found) if len(found) == len(reasons) else None


def _theme(theme: str, themes: Collection[str]) -> Reason | None:
    if theme in themes:
        return Reason(Because.THEME, 40)
    return None if themes else Reason(Because.ANY_THEME, 15)


def _place(demand: Demand, territories: Collection[str], distance: Distance) -> Reason | None:
    if not territories:
        return Reason(Because.EVERYWHERE, 15)
    if not demand.lies_in.isdisjoint(territories):
        return Reason(Because.HERE, 30)
    away = [km for code in territories if (km := distance(demand.municipality, code)) is not None]
    km = min(away, default=NEAR)
    return Reason(Because.DISTANCE, round(25 * (1 - km / NEAR)), km=round(km)) if km < NEAR else None


def _time(since: date | None, until: date | None, on: date) -> Reason | None:
    if until is not None and until <= on:
        return None
    if since is not None and since > on:
        return Reason(Because.STARTS_SOON, 10, day=since) if since - on <= SOON else None
    if until is not None and until - on <= SOON:
        return Reason(Because.ENDS_SOON, 15, day=until)
    return Reason(Because.AVAILABLE, 20, day=until)


def _audience(kind: str | None, available_to: Collection[str]) -> Reason | None:
    if not available_to:
        return Reason(Because.FOR_ALL, 10)
    if kind is None:
        return Reason(Because.FOR_SOME, 5, kinds=tuple(sorted(available_to)))
    return Reason(Because.FOR_THIS_KIND, 10, kinds=(kind,)) if kind in available_to else None
