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


class ErasureAnswered(ErasureAnswerState, fact="learning.erasure.answered"): ...


class AccessAnswered(AccessAnswerState, fact="learning.access.answered"): ...
