"""A paper as a browser sends it: fields of a form, to be read as the API's own requests are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.datastructures import FormData

from services.events.ballots.grids import WORD, pointer
from services.events.ballots.papers import PaperBody
from services.events.ballots.results import Results
from services.events.ballots.rules import MOST_ERRORS, Ballot, Kind, PaperRefused, Vote
from shared.access.roles import Level
from shared.runtime.problems import FieldError, Invalid

NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class View:
    """How a page is shown: the address it has, whose paper, how surely who votes is known, what was filled in, and what
    came of a closed ballot."""

    query: str
    paper: UUID | None
    level: Level
    form: FormData | None = None
    results: Results | None = None


@dataclass(frozen=True)
class Unasked:
    """Cells (by their place) that a paper to be cast leaves out, which may be meant or forgotten."""

    cells: Sequence[int]


@dataclass(frozen=True)
class Request:
    """What a form asks for; a paper that is wrong in itself is its refusal."""

    body: PaperBody | PaperRefused
    of: UUID | None
    seen: int | None
    draft: bool


def request_of(ballot: Ballot, form: FormData, paper: UUID | None) -> Request:
    """Raises Invalid."""
    whose, action, seen = text(form, "invitation_id"), text(form, "action") or "cast", text(form, "seen")
    try:
        of = UUID(whose) if whose else paper
    except ValueError:
        raise Invalid("/invitation_id", "uuid_parsing", "a UUID") from None
    if action not in ("cast", "draft"):
        raise Invalid("/action", "enum", ["cast", "draft"])
    if seen and not NUMBER.fullmatch(seen):
        raise Invalid("/seen", "int_parsing", "the version of the paper that was shown")
    return Request(_body(ballot, form, action), of, int(seen) if seen else None, action == "draft")


def _body(ballot: Ballot, form: FormData, action: str) -> PaperBody | PaperRefused:
    if ballot.kind is Kind.MOTION:
        given = text(form, "vote")
        if given not in tuple(Vote):
            raise Invalid("/vote", "enum", [str(choice) for choice in Vote])
        return PaperBody(state=action, vote=Vote(given))
    if ballot.kind is Kind.CHOICE:
        return PaperBody(state=action, choice=[_number(str(one)) for one in form.getlist("option")])
    counts = Counter(name for name, _ in form.multi_items())
    twice = [name for name in ballot.cells.keys if counts[name] > 1]
    if twice:
        errors = [FieldError(f"/cells/{pointer(name)}", "duplicate", f"{name} once") for name in twice]
        return PaperRefused(errors[:MOST_ERRORS], len(errors))
    said = {key: value for key in ballot.cells.keys if (value := text(form, key))}
    return PaperBody(
        state=action, cells={key: None if value == WORD else _number(value) for key, value in said.items()}
    )


def _number(given: str) -> Any:
    """A text that is no whole number stays one, and is refused as that."""
    return int(given) if NUMBER.fullmatch(given) else given


def text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def unanswered(ballot: Ballot, form: FormData) -> list[int]:
    """The cells that a form to be cast leaves out without saying that this is meant."""
    if ballot.kind is not Kind.GRID or text(form, "action") == "draft" or text(form, "incomplete"):
        return []
    return [cell for cell, key in enumerate(ballot.cells.keys) if not text(form, key)]
