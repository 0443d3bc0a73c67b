"""What mapping tells: places, resources, experiences, needs, whether they are still true, crossings, areas, and
municipalities that change."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from shared.contracts.envelope import Content, Fact
from shared.contracts.rights import AccessAnswerState, ErasureAnswerState


class ItemState(Fact):
    """Something on a network's map. `state` is draft, proposed, validated, returned, expired or closed, and
    `endorsed_on` when its own organisation stood by it; `visibility` is body, network, networks (those in
    `shared_with`) or public; `checked_on` is when somebody last said that it is true; from `expires_on` on it is no
    longer offered."""

    title: str
    organisation_id: UUID | None = None
    body_id: UUID | None = None
    municipality: str | None = None
    territories: tuple[str, ...] = ()
    state: str
    visibility: str
    shared_with: tuple[UUID, ...] = ()
    endorsed_on: date | None = None
    checked_on: date | None = None
    expires_on: date | None = None


class PlaceState(ItemState):
    """A casa della comunità, a civic centre, a laboratory, a clinic: `kind` is of the vocabulary of places."""

    kind: str
    activities: tuple[str, ...] = ()


class PlaceProposed(PlaceState, fact="mapping.place.proposed"): ...


class PlaceChanged(PlaceState, fact="mapping.place.changed"): ...


class PlaceValidated(PlaceState, fact="mapping.place.validated"): ...


class PlaceReturned(PlaceState, fact="mapping.place.returned"): ...


class PlaceExpired(PlaceState, fact="mapping.place.expired"): ...


class PlaceClosed(PlaceState, fact="mapping.place.closed"): ...


class ResourceState(ItemState):
    """What a body puts at others' disposal: `kind` is economic, knowledge, organisational, professional or relational;
    `available_to` are kinds of organisation, all when there is none."""

    kind: str
    themes: tuple[str, ...] = ()
    available_to: tuple[str, ...] = ()


class ResourceProposed(ResourceState, fact="mapping.resource.proposed"): ...


class ResourceChanged(ResourceState, fact="mapping.resource.changed"): ...


class ResourceValidated(ResourceState, fact="mapping.resource.validated"): ...


class ResourceReturned(ResourceState, fact="mapping.resource.returned"): ...


class ResourceExpired(ResourceState, fact="mapping.resource.expired"): ...


class ResourceClosed(ResourceState, fact="mapping.resource.closed"): ...


class ExperienceState(ItemState):
    """What a body did, with whom, where, since when and with which results."""

    themes: tuple[str, ...] = ()
    since: date | None = None


class ExperienceProposed(ExperienceState, fact="mapping.experience.proposed"): ...


class ExperienceChanged(ExperienceState, fact="mapping.experience.changed"): ...


class ExperienceValidated(ExperienceState, fact="mapping.experience.validated"): ...


class ExperienceReturned(ExperienceState, fact="mapping.experience.returned"): ...


class ExperienceExpired(ExperienceState, fact="mapping.experience.expired"): ...


class ExperienceClosed(ExperienceState, fact="mapping.experience.closed"): ...


class AbsenceDeclared(Fact, fact="mapping.absence.declared"):
    """The organisation says that it has no experience to report."""

    organisation_id: UUID
    declared_on: date


class NeedState(Fact):
    """A need that somebody brought to the place `place_id`: what was asked is told to nobody. `state` is collected,
    assigned, answered or withdrawn."""

    place_id: UUID | None = None
    municipality: str | None = None
    theme: str
    state: str
    organisation_id: UUID | None = None  # which is to answer
    person_id: UUID | None = None  # who is to answer for it
    collected_on: date
    assigned_on: date | None = None
    answered_on: date | None = None


class NeedCollected(NeedState, fact="mapping.need.collected"): ...


class NeedAssigned(NeedState, fact="mapping.need.assigned"): ...


class NeedAnswered(NeedState, fact="mapping.need.answered"): ...


class NeedWithdrawn(NeedState, fact="mapping.need.withdrawn"): ...


class FreshnessState(Fact):
    """Is the place, resource or experience `item_id` (`item` says which) still as the map shows it? Its organisation is
    asked and answers by `answer_by`: confirmed, changed or gone; without an answer (lapsed) it expires. A question is
    superseded when the item is dealt with in another way before."""

    item: str
    item_id: UUID
    title: str
    organisation_id: UUID | None = None
    asked_on: date
    answer_by: date
    answer: str | None = None


class FreshnessAsked(FreshnessState, fact="mapping.freshness.asked"): ...


class FreshnessAnswered(FreshnessState, fact="mapping.freshness.answered"): ...


class AreaState(Fact):
    """An ambito (`ambito`) or any other area of a network (`free`), as the municipalities in it: at most 2,000, by
    their cadastral codes. `code` is how filters name it (`area:casalasco`)."""

    code: str
    title: str
    kind: str
    municipalities: tuple[str, ...]


class AreaDefined(AreaState, fact="mapping.area.defined"): ...


class AreaChanged(AreaState, fact="mapping.area.changed"): ...


class AreaRemoved(Fact, fact="mapping.area.removed", tombstone=True): ...


class PastMunicipality(Content):
    """A name and a province that a municipality has no more since the day `until`."""

    name: str
    province: str
    since: date | None = None
    until: date | None = None


class MunicipalityUpdated(Fact, fact="mapping.municipality.updated"):
    """A municipality as ISTAT's newer list has it. One that is gone has `until`, the first day without it, and the
    codes of its successors. `past` are what it was called since the data that every service has."""

    code: str
    istat: str
    title: str
    italian_title: str
    other_title: str | None = None
    province: str
    nuts3: str
    since: date
    until: date | None = None
    successors: tuple[str, ...] = ()
    past: tuple[PastMunicipality, ...] = ()


class CrossingCohort(Content):
    """How many of a cohort's delegates have answered."""

    code: str
    title: str
    respondents: int
    entitled: int


class CrossingBest(Content):
    """The cell of a field that has the highest mean in a cohort, in all when there is none; `tied` when another one has
    the same. Named by their labels; `n` scores."""

    cohort: str | None = None
    field: str
    need: str
    resource: str
    n: int
    mean: float
    tied: bool = False


class CrossingState(Fact):
    """The scores of field x need x resource that delegates of cohorts gave, from the ballot `ballot_id`: who may answer
    and has, never who gave which. `scores` are in when it is told."""

    title: str
    ballot_id: UUID | None = None
    cells: int
    scores: int
    state: str  # open or closed
    respondents: int = 0
    entitled: int | None = None
    cohorts: tuple[CrossingCohort, ...] = ()


class CrossingOpened(CrossingState, fact="mapping.crossing.opened"): ...


class CrossingChanged(CrossingState, fact="mapping.crossing.changed"): ...


class CrossingClosed(CrossingState, fact="mapping.crossing.closed"):
    """The figures are worked out: `best` are the best crossings per field and cohort, of which `best_left_out` more are
    tied than a message carries. Cohorts of too few respondents are not in it."""

    best: tuple[CrossingBest, ...] = ()
    best_left_out: int = 0


class RowProblem(Content):
    """Why a row of a file was refused; `line` is the physical line, the header being 1."""

    line: int
    field: str
    reason: str


class ImportState(Fact):
    """The outcome of an import of places."""

    requested_by: UUID | None = None
    file_name: str
    rows: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    problems: tuple[RowProblem, ...] = ()


class ImportFinished(ImportState, fact="mapping.import.finished"): ...


class ImportUndone(ImportState, fact="mapping.import.undone"):
    """What it created is gone again (`created`) and what it changed is as it was (`updated`), but for rows about what
    was changed since or is in use (`rejected`, the first of them in `problems`)."""


class ImportFailed(ImportState, fact="mapping.import.failed"):
    """The file as a whole could not be taken; `reason` is for people."""

    reason: str


class ErasureAnswered(ErasureAnswerState, fact="mapping.erasure.answered"): ...


class AccessAnswered(AccessAnswerState, fact="mapping.access.answered"): ...
