"""What learning tells: the paths that are open, who is on which, how far and until when. No name, no answer."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from shared.contracts.envelope import Fact
from shared.contracts.rights import AccessAnswerState, ErasureAnswerState


class PathState(Fact):
    """A learning path for one audience: representatives, communities or administrators. `enrolment` is rule (a mandate
    with one of `roles` enrols), invitation or open; `state` published or withdrawn."""

    title: str
    audience: str
    enrolment: str
    roles: tuple[str, ...] = ()
    units: int
    state: str


class PathPublished(PathState, fact="learning.path.published"): ...


class PathChanged(PathState, fact="learning.path.changed"): ...


class PathWithdrawn(PathState, fact="learning.path.withdrawn"): ...


class EnrolmentState(Fact):
    """A person on a path, because of a mandate or of their own. `state` is active, completed or ended (the mandate
    ended before the path was completed)."""

    path_id: UUID
    path_title: str
    audience: str
    person_id: UUID
    mandate_id: UUID | None = None
    state: str
    units_done: int
    units: int
    due: date | None = None


class Enrolled(EnrolmentState, fact="learning.enrolment.opened"): ...


class EnrolmentAdvanced(EnrolmentState, fact="learning.enrolment.advanced"): ...


class EnrolmentCompleted(EnrolmentState, fact="learning.enrolment.completed"): ...


class EnrolmentEnded(EnrolmentState, fact="learning.enrolment.ended"): ...


class GapState(Fact):
    """How much of a competence a group lacked before, and after: means in percent of what can be known, of the `n`
    people who were assessed both times, never fewer than five. `gain` is what was closed of what was missing, null
    when nothing was. The group is a body, a region (`territory`) or a cohort; all of the network when none is named."""

    assessment_id: UUID
    title: str
    competence: str
    body_id: UUID | None = None
    territory: str | None = None
    cohort: str | None = None
    n: int
    before: float
    after: float
    gain: float | None = None


class GapMeasured(GapState, fact="learning.gap.measured"): ...


class ErasureAnswered(ErasureAnswerState, fact="learning.erasure.answered"): ...


class AccessAnswered(AccessAnswerState, fact="learning.access.answered"): ...
