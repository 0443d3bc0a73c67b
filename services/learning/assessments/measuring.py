"""What an assessment measured: means of groups, what was missing and how much of it was closed; and which groups may be
shown so that nobody's answers can be worked out.

`before` and `after` are means over the people of a group of what each knew, in percent of what can be known. The gain
is the group's: what was closed of what was missing, `(after - before) / (100 - before)` of these means, and not the
mean of people's own gains, which is not defined for whoever knew everything before. Null when nothing was missing.
Figures are fractions until they are rounded once, half to even.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import combinations
from uuid import UUID

from services.learning.assessments.rules import Competence, Place

LEAST = 5
"""People of the smallest group that is shown."""
PLACES = 4
FULL = Fraction(100)
PRIME = (1 << 61) - 1


class Of(StrEnum):
    """What makes people a group."""

    ALL = "all"
    BODY = "body"
    REGION = "region"
    COHORT = "cohort"


@dataclass(frozen=True, order=True, slots=True)
class Group:
    of: Of
    key: str = ""


EVERYBODY = Group(Of.ALL)


@dataclass(frozen=True)
class Measured:
    """Somebody who was assessed both times."""

    place: Place
    before: Mapping[UUID, int]
    after: Mapping[UUID, int]

    @property
    def groups(self) -> frozenset[Group]:
        own = {EVERYBODY, *(Group(Of.BODY, str(body)) for body in self.place.bodies)}
        if self.place.region is not None:
            own.add(Group(Of.REGION, self.place.region))
        if self.place.cohort is not None:
            own.add(Group(Of.COHORT, self.place.cohort))
        return frozenset(own)


@dataclass(frozen=True)
class Figure:
    """Of a competence in a group; of one that is not shown there are no figures."""

    competence: str
    group: Group
    n: int | None = None
    before: float | None = None
    after: float | None = None
    gain: float | None = None

    @property
    def shown(self) -> bool:
        return self.n is not None


def figures(competences: Sequence[Competence], people: Sequence[Measured]) -> list[Figure]:
    """By competence, in their order, and group: everybody first. Takes a second for many people: in a thread."""
    members: dict[Group, set[int]] = {}
    for number, person in enumerate(people):
        for group in person.groups:
            members.setdefault(group, set()).add(number)
    open_ = shown({group: frozenset(numbers) for group, numbers in members.items()})
    order = sorted(members, key=lambda one: (list(Of).index(one.of), one.key))
    found: list[Figure] = []
    for competence in competences:
        levels = [(competence.level(person.before), competence.level(person.after)) for person in people]
        found += [
            measure(competence, group, [levels[number] for number in members[group]])
            if group in open_
            else Figure(competence.code, group)
            for group in order
        ]
    return found


def measure(competence: Competence, group: Group, levels: Sequence[tuple[Fraction, Fraction]]) -> Figure:
    """Of what its people knew before and after."""
    before, after = (mean(each) for each in zip(*levels, strict=True))
    return Figure(competence.code, group, len(levels), rounded(before), rounded(after), rounded(gain(before, after)))


def mean(values: Sequence[Fraction]) -> Fraction:
    """Levels are few, however many people there are: each is added once, so many times."""
    return sum((value * count for value, count in Counter(values).items()), Fraction()) / len(values)


def gain(before: Fraction, after: Fraction) -> Fraction | None:
    """What was closed of what was missing; negative when less is known after. None when nothing was missing."""
    return None if before == FULL else (after - before) / (FULL - before)


def rounded(value: Fraction | None) -> float | None:
    return None if value is None else float(round(value, PLACES))


# --- what may be shown ----------------------------------------------------------------------------------------------


def shown(groups: Mapping[Group, frozenset[int]]) -> frozenset[Group]:
    """The groups whose figures may be told together.

    None has fewer than five people. And nothing about fewer than five follows from those told: as long as a set of one
    to four people is a sum or difference of groups that are told (a body left out of all, what a region has beside its
    bodies, who is in both a body and a cohort), the smallest group that leads there is kept back too. In the end those
    that need not have been are told after all, the largest first.
    """
    kinds = Kinds.of(groups)
    told = {group for group, people in groups.items() if len(people) >= LEAST}
    kept_back: list[Group] = []
    while (traitor := _leads_to_few(kinds, told)) is not None:
        told.remove(traitor)
        kept_back.append(traitor)
    for group in sorted(kept_back[:-1], key=lambda one: (-len(groups[one]), one)):
        if _leads_to_few(kinds, {*told, group}) is None:
            told.add(group)
    return frozenset(told)


@dataclass(frozen=True)
class Kinds:
    """People who are in just the same groups are of one kind: no sum of groups tells them apart. `groups` has the kinds
    in each, `sizes` how many people are of each."""

    groups: Mapping[Group, frozenset[int]]
    sizes: Sequence[int]

    @classmethod
    def of(cls, groups: Mapping[Group, frozenset[int]]) -> Kinds:
        of_person: dict[int, list[Group]] = {}
        for group in sorted(groups):
            for person in groups[group]:
                of_person.setdefault(person, []).append(group)
        alike = Counter(tuple(own) for own in of_person.values())
        inside: dict[Group, set[int]] = {group: set() for group in groups}
        for number, own in enumerate(alike):
            for group in own:
                inside[group].add(number)
        return cls({group: frozenset(kinds) for group, kinds in inside.items()}, list(alike.values()))

    def size(self, kinds: Iterable[int]) -> int:
        return sum(self.sizes[kind] for kind in kinds)


def _leads_to_few(kinds: Kinds, told: Collection[Group]) -> Group | None:
    """Of the groups from which something about few people follows, the smallest; everybody last."""
    basis = _echelon([(group, dict.fromkeys(kinds.groups[group], 1)) for group in sorted(told)])
    for few in _few(kinds, told):
        rest, used = _reduced(dict.fromkeys(few, 1), {}, basis)
        if not rest:
            return min(used, key=lambda group: (group == EVERYBODY, kinds.size(kinds.groups[group]), group))
    return None


def _few(kinds: Kinds, told: Collection[Group]) -> list[frozenset[int]]:
    """The sets of one to four people that could be asked about: groups that are not told; people of one kind; what two
    groups have in common; and what a told group has beside the told ones of a sort within it."""
    groups = kinds.groups
    candidates = {inside for group, inside in groups.items() if group not in told}
    candidates |= {frozenset([kind]) for kind in range(len(kinds.sizes))}
    candidates |= {groups[one] & groups[other] for one, other in combinations(sorted(told), 2)}
    for group in told:
        for of in Of:
            within = [groups[other] for other in told if other.of is of and groups[other] < groups[group]]
            candidates.add(groups[group].difference(*within) if within else frozenset())
    return sorted((few for few in candidates if 0 < kinds.size(few) < LEAST), key=sorted)


Vector = dict[int, int]
Used = dict[Group, int]


def _echelon(rows: Iterable[tuple[Group, Vector]]) -> dict[int, tuple[Vector, Used]]:
    """By pivot, rows that span what the given ones do, each with the groups that it is made of. Modulo a prime, where
    whatever follows over the fractions follows too."""
    basis: dict[int, tuple[Vector, Used]] = {}
    for group, vector in rows:
        rest, used = _reduced(vector, {group: 1}, basis)
        if rest:
            pivot = min(rest)
            inverse = pow(rest[pivot], -1, PRIME)
            basis[pivot] = _scaled(rest, inverse), _scaled(used, inverse)
    return basis


def _reduced(vector: Vector, used: Used, basis: Mapping[int, tuple[Vector, Used]]) -> tuple[Vector, Used]:
    """What is left of a vector without the basis, and the groups that were used up to there."""
    rest, used = dict(vector), dict(used)
    done = -1
    while (pivot := min((at for at in rest if at > done and at in basis), default=None)) is not None:
        row, of_row = basis[pivot]
        factor = rest[pivot]
        _subtract(rest, row, factor)
        _subtract(used, of_row, factor)
        done = pivot
    return rest, used


def _scaled(values: Mapping, factor: int) -> dict:  # type: ignore[type-arg]
    return {key: value * factor % PRIME for key, value in values.items()}


def _subtract(values: dict, row: Mapping, factor: int) -> None:  # type: ignore[type-arg]
    for key, value in row.items():
        left = (values.get(key, 0) - factor * value) % PRIME
        if left:
            values[key] = left
        else:
            values.pop(key, None)
