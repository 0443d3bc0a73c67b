"""From which day until which a mandate is held."""

from __future__ import annotations

from datetime import date


def ends(since: date, until: date | None, *, holds_over: bool, ended_on: date | None) -> date | None:
    """The first day without it, as far as that is decided; None: open. A decided end wins over the term, which
    prorogatio leaves open."""
    if ended_on is not None:
        return max(since, ended_on)
    return None if holds_over else until


def held(since: date, ends: date | None, on: date) -> bool:
    return since <= on and (ends is None or on < ends)
