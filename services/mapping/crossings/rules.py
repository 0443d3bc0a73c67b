"""Crossings: how much delegates think that a resource can do for a need in a field, from 1 to 10, cohort by cohort.

The grid is fields x needs x resources; each respondent fills in one sheet. A score that is missing, or of somebody with
no opinion, is no zero. Figures are worked out once, at the close: nobody votes looking at them, and nobody reads one
sheet off the difference that it made. No figure stands for fewer than `LEAST` scores, nor can such a one be worked out
of those shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from uuid_utils.compat import uuid7

LEAST = 5
"""Respondents of a cohort, and scores of a cell, under which nothing is shown of them."""
MOST_CELLS = 2_000
MOST_TERMS = 100
MOST_COHORTS = 12
MOST_SCORES = 10_000
"""In one request."""
MOST_TOLD = 40_000
"""Bytes of best crossings that the fact of the close carries; there are more only when many are tied."""
MOST_ERRORS = 50
"""Wrong cells that one answer names."""
EVERYBODY = ""
"""All cohorts together, where a group is named by its cohort."""


class State(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class UnknownCrossing(Exception):
    """No crossing has this id, or none that the caller may know of."""


class UnknownSheet(Exception):
    """The crossing has no such sheet."""


class BallotTaken(Exception):
    """Another crossing has this ballot's scores."""


class BadCrossing(Exception):
    """A grid that cannot be: `path`, `code` and `accepted` say where, why and what would do."""

    def __init__(self, path: str, code: str, accepted: object) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code, self.accepted = path, code, accepted


class NotOpen(Exception):
    """Closed: no sheet is taken, nothing is changed."""


class StillOpen(Exception):
    """There are results once it is closed."""


class Scored(Exception):
    """There are sheets: what they score stays as it was. `path` names what was to change."""

    def __init__(self, path: str, accepted: object) -> None:
        super().__init__(path)
        self.path, self.accepted = path, accepted


class TooManyScores(Exception):
    """More than `MOST_SCORES` in one request."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path, self.accepted = path, MOST_SCORES


class CohortFull(Exception):
    """More sheets of a cohort than it has delegates; `entitled` says how many it has."""

    def __init__(self, cohort: str, entitled: int, sheets: int) -> None:
        super().__init__(cohort)
        self.path, self.cohort, self.entitled, self.sheets = "/cohort", cohort, entitled, sheets
        self.accepted = f"at most {entitled} sheets of {cohort}, not {sheets}"


class Wrong(NamedTuple):
    """A value that a sheet cannot have: where, why, and what would do."""

    path: str
    code: str
    accepted: object


class Scoring(NamedTuple):
    """One cell of a sheet. `score` None: no opinion. `path` is where it stood in what was sent, if it is known."""

    field: str
    need: str
    resource: str
    score: object
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """What one delegate of `cohort` answered. `respondent` is any id that tells this delegate from others, the same
    when they answer again; None for a sheet of paper, which replaces none. `path` is where it stood in what was sent,
    if it is known."""

    cohort: str
    scorings: Sequence[Scoring]
    respondent: UUID | None = None
    path: str | None = None


@dataclass(eq=False, kw_only=True)
class Crossing:
    """`fields`, `needs` and `resources` are `{"code", "label"}`, `cohorts` also have `entitled`, how many delegates
    they have; `entitled` is how many there are in all. A cell is named in a field when it has `minimum` scores."""

    network_id: UUID
    title: str
    fields: list[dict[str, Any]]
    needs: list[dict[str, Any]]
    resources: list[dict[str, Any]]
    cohorts: list[dict[str, Any]]
    entitled: int
    opened_at: datetime
    lowest: int = 1
    highest: int = 10
    minimum: int = LEAST
    ballot_id: UUID | None = None
    state: State = State.OPEN
    closed_at: datetime | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    @property
    def cells(self) -> int:
        return len(self.fields) * len(self.needs) * len(self.resources)

    @property
    def grid(self) -> Grid:
        return Grid(
            _positions(self.fields),
            _positions(self.needs),
            _positions(self.resources),
            {cohort["code"] for cohort in self.cohorts},
            self.lowest,
            self.highest,
        )

    def check(self) -> None:
        """Raises BadCrossing."""
        for name in AXES:
            codes = [term["code"] for term in getattr(self, name)]
            for position, code in enumerate(codes):
                if code in codes[:position]:
                    raise BadCrossing(f"/{name}/{position}/code", "duplicate", "codes that differ from each other")
        if self.cells > MOST_CELLS:
            raise BadCrossing("/fields", "cells", f"at most {MOST_CELLS} cells (fields x needs x resources)")
        if self.lowest >= self.highest:
            raise BadCrossing("/highest", "scale", "a highest score above the lowest")
        everybody = sum(cohort["entitled"] for cohort in self.cohorts)
        if self.entitled < everybody:
            raise BadCrossing("/entitled", "fewer", f"at least {everybody}, the delegates of the cohorts")

    def require_open(self) -> None:
        """Raises NotOpen."""
        if self.state is not State.OPEN:
            raise NotOpen

    def close(self, now: datetime) -> None:
        """Raises NotOpen."""
        self.require_open()
        self.state, self.closed_at = State.CLOSED, now

    def change(self, given: Mapping[str, Any], entered: Mapping[str, int]) -> bool:
        """Takes the fields given; False when they say what it said already. Once there are sheets (`entered` of each
        cohort) the grid and its scale stay, labels do not. Without a given whole the cohorts' new one counts. Raises
        NotOpen, Scored, BadCrossing."""
        self.require_open()
        given = dict(given)
        if "cohorts" in given:
            given.setdefault("entitled", max(self.entitled, sum(one["entitled"] for one in given["cohorts"])))
        changed = {name: value for name, value in given.items() if getattr(self, name) != value}
        if any(entered.values()):
            self._keep(changed, entered)
        for name, value in changed.items():
            setattr(self, name, value)
        self.check()
        return bool(changed)

    def _keep(self, changed: Mapping[str, Any], entered: Mapping[str, int]) -> None:
        for name in ("fields", "needs", "resources"):
            codes = [term["code"] for term in getattr(self, name)]
            if name in changed and [term["code"] for term in changed[name]] != codes:
                raise Scored(f"/{name}", codes)
        for name in ("lowest", "highest"):
            if name in changed:
                raise Scored(f"/{name}", getattr(self, name))
        places = {cohort["code"]: cohort["entitled"] for cohort in changed.get("cohorts", self.cohorts)}
        for cohort, sheets in entered.items():
            if places.get(cohort, 0) < sheets:
                raise Scored("/cohorts", f"{cohort} with at least {sheets} delegates")

    def terms(self, cell: int) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """Field, need and resource of a cell."""
        rest, resource = divmod(cell, len(self.resources))
        first, need = divmod(rest, len(self.needs))
        return self.fields[first], self.needs[need], self.resources[resource]

    def trace(self, respondent: UUID) -> UUID:
        """By which a sheet is known again. The id itself is not kept: whoever reads the scores finds nobody."""
        return uuid5(self.id, respondent.hex)


AXES = ("fields", "needs", "resources", "cohorts")


def _positions(terms: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    return {term["code"]: position for position, term in enumerate(terms)}


@dataclass(frozen=True)
class Grid:
    """The codes of a crossing with their positions, for reading sheets."""

    fields: Mapping[str, int]
    needs: Mapping[str, int]
    resources: Mapping[str, int]
    cohorts: Collection[str]
    lowest: int
    highest: int

    def read(self, sheet: Sheet, path: str = "") -> tuple[dict[int, int | None], list[Wrong]]:
        """The scores of a sheet by cell, and what is wrong with it: every unknown code, every score that is no whole
        number of the scale, every cell that it has twice."""
        found: dict[int, int | None] = {}
        wrong = []
        if sheet.cohort not in self.cohorts:
            wrong.append(Wrong(f"{path}/cohort", "unknown", sorted(self.cohorts)))
        for position, scoring in enumerate(sheet.scorings):
            here = scoring.path or f"{path}/items/{position}"
            mistake = self._unknown(scoring, here) or self._bad(scoring, here)
            if mistake is None:
                cell = self.cell(scoring)
                if cell in found:
                    mistake = Wrong(here, "duplicate", f"{_name(scoring)} once in a sheet")
                else:
                    found[cell] = scoring.score  # type: ignore[assignment]  # _bad lets nothing else pass
            if mistake is not None:
                wrong.append(mistake)
        return found, wrong

    def cell(self, scoring: Scoring) -> int:
        across = len(self.resources)
        row = self.fields[scoring.field] * len(self.needs) + self.needs[scoring.need]
        return row * across + self.resources[scoring.resource]

    def _unknown(self, scoring: Scoring, path: str) -> Wrong | None:
        for name, axis in (("field", self.fields), ("need", self.needs), ("resource", self.resources)):
            if getattr(scoring, name) not in axis:
                return Wrong(f"{path}/{name}", "unknown", list(axis))
        return None

    def _bad(self, scoring: Scoring, path: str) -> Wrong | None:
        score = scoring.score
        if score is None or (type(score) is int and self.lowest <= score <= self.highest):
            return None
        accepted = f"{_name(scoring)}: a whole number from {self.lowest} to {self.highest}, or null for no opinion"
        return Wrong(f"{path}/score", "score", accepted)


def _name(scoring: Scoring) -> str:
    return f"{scoring.field} x {scoring.need} x {scoring.resource}"


def twice(sheets: Iterable[Sheet]) -> list[int]:
    """The positions of sheets whose respondent has one before in the same request: which of them holds?"""
    seen: set[UUID] = set()
    found = []
    for position, sheet in enumerate(sheets):
        if sheet.respondent is not None and sheet.respondent in seen:
            found.append(position)
        elif sheet.respondent is not None:
            seen.add(sheet.respondent)
    return found


def shown(counts: Mapping[str, int], groups: Collection[str] | None = None, least: int = LEAST) -> frozenset[str]:
    """Of which groups figures are shown, given how many each counts, `EVERYBODY` being all of them together; of
    `groups` only, where these are given.

    A group of fewer than `least` is not; nor are as many others, the smallest first, as it takes for what remains of
    everybody without those shown to be nobody or at least `least`.
    """
    whole = sum(counts.values())
    if whole < least:
        return frozenset()
    large = (group for group, count in counts.items() if count >= least and (groups is None or group in groups))
    kept = sorted(large, key=lambda group: (counts[group], group))
    while kept and 0 < whole - sum(counts[group] for group in kept) < least:
        kept.pop(0)
    return frozenset([EVERYBODY, *kept])


@dataclass(frozen=True, slots=True)
class Figure:
    """Of one cell in one group: `n` scores with the sum `total`, and how many had no opinion. The deviation is that of
    a sample (None under two scores); the quartiles are interpolated, the median being the middle one. `rank` is that
    of the cell in its field, 1 for the best, None when too few scored it; `tied` when another has the same mean."""

    cohort: str
    cell: int
    n: int
    no_opinion: int
    total: int | None = None
    median: float | None = None
    deviation: float | None = None
    lower: float | None = None
    upper: float | None = None
    rank: int | None = None
    tied: bool = False

    @property
    def mean(self) -> float | None:
        return None if self.total is None or not self.n else self.total / self.n

    def hidden(self) -> Figure:
        return Figure(self.cohort, self.cell, self.n, self.no_opinion)


def published(figures: Iterable[Figure], groups: Collection[str]) -> list[Figure]:
    """The figures of the groups that are shown, those of cells that too few scored without any value."""
    by_cell: dict[int, list[Figure]] = defaultdict(list)
    for figure in figures:
        by_cell[figure.cell].append(figure)
    found = []
    for cell in by_cell.values():
        kept = shown({one.cohort: one.n for one in cell if one.cohort != EVERYBODY}, groups)
        found += [one if one.cohort in kept else one.hidden() for one in cell if one.cohort in groups]
    return found


def ranked(figures: Iterable[Figure], cells_of_a_field: int, minimum: int) -> list[Figure]:
    """The same with their ranks: in each group and field by the exact mean, the highest first, equal ones together."""
    fields: dict[tuple[str, int], list[Figure]] = defaultdict(list)
    for figure in figures:
        fields[figure.cohort, figure.cell // cells_of_a_field].append(figure)
    found: list[Figure] = []
    for cells in fields.values():
        means = {one.cell: Fraction(one.total, one.n) for one in cells if one.total is not None and one.n >= minimum}
        found += [_placed(one, means) for one in cells]
    return found


def _placed(figure: Figure, means: Mapping[int, Fraction]) -> Figure:
    own = means.get(figure.cell)
    if own is None:
        return figure
    better = sum(mean > own for mean in means.values())
    alike = sum(mean == own for mean in means.values())
    values = {name: getattr(figure, name) for name in Figure.__dataclass_fields__}
    return Figure(**{**values, "rank": better + 1, "tied": alike > 1})
