"""Erasures: how a person's data go, in all services, and in which order.

A dry run says what is there and touches nothing; when every service has answered it, the quarantine begins: nobody sees
the name any more, nor is the person written to, and it can still be called off. On `erase_on` everything is erased, or
retained with its ground. Who holds an office stays known while it lasts: the erasure waits, goes on by itself on the
day on which no office is held any more, and counts the days of the quarantine from when it was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from uuid_utils.compat import uuid7

DAYS = 30
"""Of quarantine, unless somebody says otherwise: a request must be answered within a month (art. 12(3) GDPR)."""
MOST_DAYS = 90


class Phase(StrEnum):
    DRY_RUN = "dry_run"
    WAITING = "waiting"  # an office is held
    QUARANTINE = "quarantine"
    RELEASE = "release"
    ERASE = "erase"


ASKED = frozenset({Phase.DRY_RUN, Phase.QUARANTINE, Phase.RELEASE, Phase.ERASE})
"""Phases that every service answers."""
LAST = frozenset({Phase.RELEASE, Phase.ERASE})
"""When every service has answered one of these, the erasure is closed."""


class UnknownErasure(Exception):
    """Nothing has this id that the caller may know of."""


class ErasureRuns(Exception):
    """The person has an erasure that is not closed."""

    def __init__(self, erasure_id: UUID) -> None:
        super().__init__(str(erasure_id))
        self.erasure_id = erasure_id


class NotInThisPhase(Exception):
    """The erasure has gone on, or is not there yet."""

    def __init__(self, phase: Phase, accepted: Sequence[Phase]) -> None:
        super().__init__(phase)
        self.phase, self.path, self.accepted = phase, "/phase", [str(each) for each in accepted]


class Unanswered(Exception):
    """Some services have not said what they hold, or whose texts hold the name: nobody could look at them."""

    def __init__(self, services: Sequence[str]) -> None:
        super().__init__(", ".join(services))
        self.services = list(services)


@dataclass(frozen=True, slots=True)
class Office:
    """A mandate because of which somebody must be known; `ends`: the first day without it, None while nobody knows."""

    mandate_id: UUID
    ends: date | None


@dataclass(eq=False)
class Erasure:
    """`network_id` is the network that entered the person first. Days are Italian ones."""

    person_id: UUID
    network_id: UUID
    opened_on: date
    opened_by: UUID | None = None
    correlation: UUID | None = None
    phase: Phase = Phase.DRY_RUN
    erase_on: date | None = None
    mandate_id: UUID | None = None  # of the office for which it waits
    mandate_ends: date | None = None
    person_version: int = 0
    closed_on: date | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    @property
    def open(self) -> bool:
        return self.closed_on is None

    @property
    def hidden(self) -> bool:
        """The person's name is out of sight."""
        return self.phase is Phase.QUARANTINE

    def begin(self, days: int, on: date, unanswered: Sequence[str]) -> None:
        """Fixes the day of the erasure. Raises NotInThisPhase, Unanswered; `follow` says whether it waits."""
        self._only(Phase.DRY_RUN)
        if unanswered:
            raise Unanswered(unanswered)
        self.erase_on = on + timedelta(days=days)

    def follow(self, on: date, office: Office | None) -> Phase | None:
        """The phase that comes next on that day, None when it is the same. While an office is held, it waits for it."""
        self.mandate_id, self.mandate_ends = (office.mandate_id, office.ends) if office else (None, None)
        assert self.erase_on is not None
        over = Phase.ERASE if self.erase_on <= on else Phase.QUARANTINE
        due = over if office is None else Phase.WAITING
        return None if due is self.phase else due

    def next_look(self, on: date) -> date:
        """The day on which it may go on. The end of an office without one is looked for every day."""
        assert self.erase_on is not None
        if self.phase is not Phase.WAITING:
            return self.erase_on
        return max(self.mandate_ends or on, on + timedelta(days=1))

    def release(self) -> None:
        """Calls it off. Raises NotInThisPhase once it is erasing."""
        self._only(Phase.DRY_RUN, Phase.WAITING, Phase.QUARANTINE)
        self.erase_on = self.mandate_id = self.mandate_ends = None
        self.phase = Phase.RELEASE

    def erase(self, on: date) -> None:
        """Everything goes now. Raises NotInThisPhase unless it was out of sight, or waits for an office to end."""
        self._only(Phase.WAITING, Phase.QUARANTINE)
        self.erase_on = on

    def _only(self, *accepted: Phase) -> None:
        if not self.open or self.phase not in accepted:
            raise NotInThisPhase(self.phase, accepted)

    def close(self, on: date, unanswered: Sequence[str]) -> bool:
        """All have answered the last phase; False when it is not over yet, or has been."""
        if not self.open or unanswered or self.phase not in LAST:
            return False
        self.closed_on = on
        return True


def actions(erasure: Erasure, *, may_erase: bool, themselves: bool) -> list[str]:
    """What the reader may do with it: people may call off what they asked for; the rest is the secretariat's."""
    if not erasure.open or erasure.phase in LAST:
        return []
    if not may_erase:
        return ["release"] if themselves else []
    further = {Phase.DRY_RUN: ["quarantine"], Phase.QUARANTINE: ["erase"]}
    return [*further.get(erasure.phase, []), "release"]
