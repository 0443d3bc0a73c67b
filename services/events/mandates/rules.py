"""From which day until which a mandate is held, and in which territories it lies."""

from __future__ import annotations

from datetime import date

from shared import territories


def ends(since: date, until: date | None, *, holds_over: bool, ended_on: date | None) -> date | None:
    """The first day without it, as far as that is decided; None: open. A decided end wins over the term, which
    prorogatio leaves open."""
    if ended_on is not None:
        return max(since, ended_on)
    return None if holds_over else until


def held(since: date, ends: date | None, on: date) -> bool:
    return since <= on and (ends is None or on < ends)


def around(territory: str | None) -> list[str]:
    """The territory and those in which it lies: of a municipality (`E507`) also its province and its region."""
    if territory is None:
        return []
    italy = territories.load()
    municipality, province = italy.today(territory), italy.province(territory)
    if municipality is not None:
        own = dict.fromkeys([territory, municipality.code])  # what took the place of one that is gone, too
        return [*own, municipality.province_code, municipality.region]
    return [province.code, province.region] if province is not None else [territory]
