"""A grid that is scored: fields x needs x resources, one byte for each cell of a paper.

A byte is the score, `NO_OPINION` or `UNANSWERED`: neither of the latter is a zero, and neither enters a figure. Papers
are of one length and lie one after the other, so that the scores of a cell are a slice of them all: figures cost a
count of bytes, and no row of any table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import ceil, floor, sqrt
from typing import Any, NamedTuple

NO_OPINION, UNANSWERED = 0, 255
WORD = "no_opinion"
"""How no opinion is written, besides null."""
MOST_CELLS = 1_000
MOST_TERMS = 50
LEAST = 5
"""Scores that a cell needs to be named the best of its field, unless the ballot says otherwise."""


class Wrong(NamedTuple):
    """A value that a paper cannot have: where (a JSON pointer), why, and what would do."""

    path: str
    code: str
    accepted: object


@dataclass(frozen=True)
class Grid:
    """What is scored, whole numbers from `lowest` to `highest`. A cell is named by three numbers from 1, its field's,
    its need's and its resource's: `2.6.5`."""

    fields: tuple[str, ...]
    needs: tuple[str, ...]
    resources: tuple[str, ...]
    lowest: int = 1
    highest: int = 10
    minimum: int = LEAST

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Grid:
        values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in kept.items()}
        return cls(**values)

    @property
    def cells(self) -> int:
        return len(self.fields) * len(self.needs) * len(self.resources)

    @property
    def of_a_field(self) -> int:
        return len(self.needs) * len(self.resources)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """In the order of the cells: fields, then needs, then resources."""
        axes = (range(1, len(axis) + 1) for axis in (self.fields, self.needs, self.resources))
        fields, needs, resources = axes
        return tuple(f"{f}.{n}.{r}" for f in fields for n in needs for r in resources)

    @cached_property
    def places(self) -> Mapping[str, int]:
        return {key: cell for cell, key in enumerate(self.keys)}

    def terms(self, cell: int) -> tuple[str, str, str]:
        rest, resource = divmod(cell, len(self.resources))
        field, need = divmod(rest, len(self.needs))
        return self.fields[field], self.needs[need], self.resources[resource]

    def accepted(self, key: str) -> str:
        return f"{key}: a whole number from {self.lowest} to {self.highest}, or null for no opinion"

    def mark(self, score: object) -> int | None:
        """The byte of a score; None when it is none: 7.5, "8", true, 0 and 11 are not."""
        if score is None or score == WORD:
            return NO_OPINION
        return score if type(score) is int and self.lowest <= score <= self.highest else None

    def read(self, given: Mapping[str, object], path: str = "/cells") -> tuple[bytes, list[Wrong]]:
        """The paper that says what is given, and what is wrong with it, cell by cell."""
        marks, wrong = bytearray([UNANSWERED]) * self.cells, []
        for key, score in given.items():
            cell, here = self.places.get(key), f"{path}/{pointer(key)}"
            if cell is None:
                wrong.append(Wrong(here, "unknown", f"cells from {self.keys[0]} to {self.keys[-1]}"))
                continue
            mark = self.mark(score)
            if mark is None:
                wrong.append(Wrong(here, "score", self.accepted(key)))
            else:
                marks[cell] = mark
        return bytes(marks), wrong

    def shown(self, marks: bytes) -> dict[str, int | str]:
        """The cells that are answered, as they may be sent back."""
        said = zip(self.keys, marks, strict=True)
        return {key: WORD if mark == NO_OPINION else mark for key, mark in said if mark != UNANSWERED}

    def blank(self) -> bytes:
        return bytes([UNANSWERED]) * self.cells


def pointer(key: str) -> str:
    """A key, whatever was sent for one, as a step of a JSON pointer (RFC 6901)."""
    told = key[:100].encode(errors="replace").decode()
    return told.replace("~", "~0").replace("/", "~1")


def scores(marks: bytes) -> tuple[int | None, ...]:
    """As facts tell them: 0 is no opinion, null no answer."""
    return tuple(None if mark == UNANSWERED else mark for mark in marks)


# --- figures --------------------------------------------------------------------------------------------------------

EVERYBODY = ""
"""All papers together, where a group is named by its cohort."""


@dataclass(frozen=True, slots=True)
class Figure:
    """Of one cell in one group: `n` scores with the sum `total`. The deviation is that of a sample (None under two
    scores), the quartiles are interpolated. `rank` is the cell's in its field, 1 for the best, None where too few
    scored it; `tied` when another one has the same mean."""

    cohort: str
    cell: int
    n: int
    no_opinion: int
    unanswered: int
    total: int = 0
    lower: float | None = None
    median: float | None = None
    upper: float | None = None
    deviation: float | None = None
    rank: int | None = None
    tied: bool = False

    @property
    def mean(self) -> float | None:
        return self.total / self.n if self.n else None


def figures(grid: Grid, groups: Mapping[str, bytes]) -> list[Figure]:
    """Every cell of every group, zeroes included; `groups` are the papers of each, one after the other."""
    found: list[Figure] = []
    for cohort, papers in groups.items():
        cells = [_figure(grid, cohort, cell, papers[cell :: grid.cells]) for cell in range(grid.cells)]
        for start in range(0, grid.cells, grid.of_a_field):
            found += _ranked(cells[start : start + grid.of_a_field], grid.minimum)
    return found


def _figure(grid: Grid, cohort: str, cell: int, column: bytes) -> Figure:
    counts = {score: column.count(score) for score in range(grid.lowest, grid.highest + 1)}
    n = sum(counts.values())
    made = Figure(cohort, cell, n, column.count(NO_OPINION), column.count(UNANSWERED))
    if not n:
        return made
    total = sum(score * count for score, count in counts.items())
    squares = sum(score * score * count for score, count in counts.items())
    deviation = sqrt((n * squares - total * total) / (n * (n - 1))) if n > 1 else None
    lower, median, upper = (quantile(counts, n, Fraction(share, 4)) for share in (1, 2, 3))
    return replace(made, total=total, lower=lower, median=median, upper=upper, deviation=deviation)


def quantile(counts: Mapping[int, int], n: int, share: Fraction) -> float:
    """Interpolated between the two scores beside it, as `percentile_cont` does."""
    place = share * (n - 1)
    below, above = _nth(counts, floor(place)), _nth(counts, ceil(place))
    return float(below + (above - below) * (place - floor(place)))


def _nth(counts: Mapping[int, int], place: int) -> int:
    for score in sorted(counts):
        place -= counts[score]
        if place < 0:
            return score
    raise ValueError("beyond the last score")


def _ranked(cells: Sequence[Figure], minimum: int) -> Iterable[Figure]:
    """By the exact mean, the highest first, equal ones together."""
    means = {one.cell: Fraction(one.total, one.n) for one in cells if one.n and one.n >= minimum}
    for one in cells:
        own = means.get(one.cell)
        if own is None:
            yield one
        else:
            alike = sum(mean == own for mean in means.values())
            yield replace(one, rank=1 + sum(mean > own for mean in means.values()), tied=alike > 1)
