"""From ISTAT's newer list of municipalities to what must be told: pure decisions.

The list says which municipalities there are, and not where those went that are gone. That is said by ISTAT's list of
variations or by the operator; what can only be guessed is shown as a guess, and applied when the operator agrees.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from services.mapping.territories.rules import fold
from shared.territories import AS_OF, Change, Listed, Period, Territories, Update, built, compare, listed

MOST_GONE = 500
"""More municipalities than ever ended in a year: the list was cut."""

How = Literal["stated", "variations", "name", "only"]
GUESSED: frozenset[How] = frozenset({"name", "only"})


class Refused(Exception):
    """The list cannot be applied; the texts say why, in Italian and English, and `codes` of which municipalities."""

    def __init__(self, it: str, en: str, codes: Iterable[str] = ()) -> None:
        super().__init__(en)
        self.it, self.en, self.codes = it, en, tuple(codes)


@dataclass(frozen=True, slots=True)
class Went:
    """Where a municipality that is gone went, and how that is known."""

    successors: tuple[str, ...]
    how: How


@dataclass(frozen=True)
class Plan:
    """What applying the list does: its `changes`, the state of each municipality that changes, where those that end
    went, and which of them nobody knows."""

    changes: Sequence[Change]
    updates: Sequence[Update]
    went: Mapping[str, Went]
    unknown: Sequence[str]

    @property
    def guessed(self) -> list[str]:
        return [code for code, went in self.went.items() if went.how in GUESSED]

    @property
    def touched(self) -> set[str]:
        """The codes of what ended or moved: what lies there has to be placed anew."""
        return {change.code for change in self.changes if change.kind in ("removed", "moved")}


def plan(
    italy: Territories,
    known: Mapping[str, Update],
    new: Sequence[Listed],
    since: date,
    *,
    stated: Mapping[str, Sequence[str]],
    variations: Mapping[str, Sequence[str]],
) -> Plan:
    """What turns `italy` (with the updates `known` in it) into `new` from `since` on. `stated` are successors by
    cadastral code, `variations` by ISTAT code. Raises Refused."""
    _check(italy, new, since)
    changes = compare(listed(italy.municipalities), new)
    gone = [change.was for change in changes if change.kind == "removed" and change.was]
    came = [change.now for change in changes if change.kind == "added" and change.now]
    if len(gone) > MOST_GONE:
        raise Refused(
            f"mancano {len(gone)} comuni: l'elenco è incompleto", f"{len(gone)} municipalities lack: the list was cut"
        )
    standing = {one.code for one in new}
    if wrong := sorted({code for codes in stated.values() for code in codes} - standing):
        raise Refused("successori che non sono nell'elenco", "successors that the list does not have", wrong)
    by_istat = {one.istat: one.code for one in new}
    went = {one.code: found for one in gone if (found := _went(one, came, stated, variations, by_istat))}
    updates = [_update(change, known.get(change.code), since, went) for change in _first(changes)]
    return Plan(changes, updates, went, [one.code for one in gone if one.code not in went])


def _check(italy: Territories, new: Sequence[Listed], since: date) -> None:
    if since <= AS_OF:
        raise Refused(
            f"i dati di questa versione sono del {AS_OF}: la decorrenza deve essere successiva",
            f"this release has the data of {AS_OF}: the day of effect must be later",
        )
    if strange := sorted({one.province for one in new if italy.province(one.province) is None}):
        raise Refused(
            "province che questa versione non conosce: occorre aggiornare il software",
            "provinces that this release does not know: the software must be updated",
            strange,
        )


def _first(changes: Iterable[Change]) -> list[Change]:
    """One change per municipality: its states before and after are the same in all of them."""
    return list({change.code: change for change in changes}.values())


def _went(
    gone: Listed,
    came: Collection[Listed],
    stated: Mapping[str, Sequence[str]],
    variations: Mapping[str, Sequence[str]],
    by_istat: Mapping[str, str],
) -> Went | None:
    if into := stated.get(gone.code):
        return Went(tuple(sorted(into)), "stated")
    if into := [by_istat[istat] for istat in variations.get(gone.istat, ()) if istat in by_istat]:
        return Went(tuple(sorted(into)), "variations")
    near = [one for one in came if one.province == gone.province]
    words = set(fold(gone.italian_name).split())
    if len(alike := [one for one in near if words <= set(fold(one.name).split())]) == 1:
        return Went((alike[0].code,), "name")
    return Went((near[0].code,), "only") if len(near) == 1 else None


def _update(change: Change, known: Update | None, since: date, went: Mapping[str, Went]) -> Update:
    if change.now is None:
        assert change.was is not None
        last = known or _as_it_was(change.was, since)
        into = went[change.code].successors if change.code in went else ()
        return replace(last, until=since, successors=into)
    now = _as_it_was(change.now, since)
    return replace(now, past=_past(change, known, since))


def _past(change: Change, known: Update | None, since: date) -> tuple[Period, ...]:
    """What it was called since the built data; a new ISTAT code alone is no new name."""
    past = known.past if known else ()
    last = past[-1].until if past else None
    was = change.was
    if known is not None and known.until is not None:  # it was gone, and is there again
        return (*past, Period(known.code, known.name, known.province, last, known.until))
    if was is None or (change.now and (was.name, was.province) == (change.now.name, change.now.province)):
        return past
    if known is not None and not past and known.since > AS_OF and built().municipality(change.code) is None:
        last = known.since
    return (*past, Period(was.code, was.name, was.province, last, since))


def _as_it_was(one: Listed, since: date) -> Update:
    return Update(
        code=one.code,
        istat=one.istat,
        name=one.name,
        italian_name=one.italian_name,
        other_name=one.other_name,
        province=one.province,
        nuts3=one.nuts3,
        since=since,
    )
