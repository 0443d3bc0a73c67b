"""Practices: ways of doing something that others may take up, from an idea to what has proven itself.

A practice is draft -> in_review -> published -> withdrawn; from review it may come back to its author with reasons.
What is published stays as it was published: a further text is written beside it (`revision`), reviewed in the same way,
and takes its place as the next edition. Whoever wrote a text does not approve it.

Each stage asks for something, by a rule of the network's (`Asks`): an idea says what is wrong and what is proposed;
what was tried says where and with which result; what is proven was taken up by others, or shows evidence.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from services.learning.courses.rules import is_web_address

MOST = 20
"""Trials, pieces of evidence, themes and networks of a text."""
REACHABLE = re.compile(r"@|(?:\d[\s./-]*){6}")
"""An address or a telephone number."""


THEMES = (
    ("active-ageing", "Anziani e invecchiamento attivo", "Older people and active ageing"),
    ("animation", "Animazione e rigenerazione urbana", "Urban animation and regeneration"),
    ("community-networks", "Reti di comunità", "Community networks"),
    ("culture", "Cultura e sport", "Culture and sport"),
    ("disability", "Disabilità", "Disability"),
    ("education", "Educazione e minori", "Education and minors"),
    ("energy", "Energie", "Energies"),
    ("environment", "Ambiente", "Environment"),
    ("family", "Famiglia e conciliazione", "Family and reconciliation with work"),
    ("health", "Salute", "Health"),
    ("housing", "Casa e abitare", "Housing"),
    ("migration", "Migrazioni e accoglienza", "Migration and reception"),
    ("poverty", "Contrasto alla povertà", "Fight against poverty"),
    ("solidarity-economy", "Economia solidale e acquisto collettivo", "Solidarity economy and purchasing"),
    ("tools", "Strumenti", "Tools"),
    ("value-chains", "Filiere", "Value chains"),
    ("work", "Lavoro", "Work"),
    ("youth", "Giovani", "Young people"),
)
"""The map's themes, by their codes there: what was done is found by the word under which it is mapped. A network may
use further ones, as on the map."""


class Stage(StrEnum):
    IDEA = "idea"
    TRIED = "tried"
    PROVEN = "proven"


class State(StrEnum):
    DRAFT = "draft"
    IN_REVIEW = "in_review"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class Revision(StrEnum):
    """Of a further text of what is published."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"


class Visibility(StrEnum):
    NETWORK = "network"
    NETWORKS = "networks"
    PUBLIC = "public"


class Verdict(StrEnum):
    """What was said about a text under review."""

    SUBMITTED = "submitted"
    TAKEN_BACK = "taken_back"
    COMMENT = "comment"
    RETURNED = "returned"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


class AdoptionState(StrEnum):
    ACTIVE = "active"
    ENDED = "ended"


class UnknownPractice(Exception):
    """No practice has this id, or none that the caller may see."""


class UnknownAdoption(Exception):
    """No adoption has this id, or none that the caller may see."""


class Unfit(Exception):
    """A value that does not go with the others; `path` names it, `accepted` what would do."""

    def __init__(self, path: str, code: str, accepted: Any) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code, self.accepted = path, code, accepted


class StageAsks(Unfit):
    """The stage that is claimed asks for more than the text has."""

    def __init__(self, stage: Stage, path: str, accepted: str) -> None:
        super().__init__(path, "stage_asks", accepted)
        self.stage = stage


class NotPossibleNow(Exception):
    """What was asked does not go with the practice's state."""

    def __init__(self, action: str, state: str) -> None:
        super().__init__(f"{action} while {state}")
        self.action, self.state = action, state


class OwnText(Exception):
    """Whoever wrote a text does not approve it."""


class TakenAlready(Exception):
    """A practice was written from this experience before."""

    def __init__(self, practice_id: UUID) -> None:
        super().__init__(practice_id)
        self.practice_id = practice_id
        self.path, self.code, self.accepted = "/experience_id", "taken", "an experience nobody has written up"
        self.more = {"practice": f"/learning/v1/practices/{practice_id}"}


class OwnPractice(Exception):
    """Those whose practice it is do not adopt it: they do it."""


class AdoptedAlready(Exception):
    """The organisation or the body does it already."""


class AdoptionOver(Exception):
    """It was ended before."""


@dataclass(frozen=True)
class Trial:
    """Where it was tried (`place`, a territory), since when, and what came of it."""

    place: str
    result: str
    since: date | None = None


@dataclass(frozen=True)
class Evidence:
    """Something that shows that it works: a report, a figure that is published."""

    title: str
    url: str


@dataclass(frozen=True)
class Text:
    """All that is written, reviewed and published together."""

    title: str
    stage: Stage = Stage.IDEA
    themes: tuple[str, ...] = ()
    territory: str | None = None
    problem: str = ""
    done: str = ""
    results: str = ""
    needed: str = ""
    contact: str = ""
    trials: tuple[Trial, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    visibility: Visibility = Visibility.NETWORK
    shared_with: tuple[UUID, ...] = ()

    def changed(self, given: Mapping[str, Any]) -> Text:
        """With the values given. Raises Unfit."""
        made = Text(**{**{one.name: getattr(self, one.name) for one in fields(self)}, **given})
        require_consistent(made)
        return made

    def json(self) -> dict[str, Any]:
        """As it is kept: what JSON has no word for is text."""
        held = asdict(self)
        held["trials"] = [{**one, "since": one["since"] and one["since"].isoformat()} for one in held["trials"]]
        return {**held, "shared_with": [str(one) for one in self.shared_with]}

    @classmethod
    def of(cls, held: Mapping[str, Any]) -> Text:
        trials = (
            Trial(t["place"], t["result"], date.fromisoformat(t["since"]) if t["since"] else None)
            for t in held["trials"]
        )
        return cls(
            **{
                **held,
                "stage": Stage(held["stage"]),
                "themes": tuple(held["themes"]),
                "trials": tuple(trials),
                "evidence": tuple(Evidence(**one) for one in held["evidence"]),
                "visibility": Visibility(held["visibility"]),
                "shared_with": tuple(UUID(one) for one in held["shared_with"]),
            }
        )


TEXT = tuple(one.name for one in fields(Text))


def require_consistent(text: Text) -> None:
    """Raises Unfit."""
    if text.shared_with and text.visibility is not Visibility.NETWORKS:
        raise Unfit("/shared_with", "not_allowed", "only with visibility networks")
    if REACHABLE.search(text.contact):
        raise Unfit("/contact", "a_role", "a role, as «Segreteria del consorzio»: no address, no telephone number")
    for place, one in enumerate(text.evidence):
        if not is_web_address(one.url):
            raise Unfit(f"/evidence/{place}/url", "url", "an address that begins with https:// or http://")


@dataclass(frozen=True)
class Asks:
    """What a stage asks for in a network: trials of what was tried, and of what is proven so many adoptions by others,
    or so many pieces of evidence."""

    tried_trials: int = 1
    proven_trials: int = 1
    proven_adoptions: int = 2
    proven_evidence: int = 1

    def require(self, text: Text, adoptions: int) -> None:
        """Raises StageAsks for the first thing that the stage asks for and the text has not."""
        stage = text.stage
        for path, there in (("/problem", text.problem), ("/done", text.done)):
            if not there:
                raise StageAsks(stage, path, "some words")
        if stage is Stage.IDEA:
            return
        trials = self.tried_trials if stage is Stage.TRIED else self.proven_trials
        if len(text.trials) < trials:
            raise StageAsks(stage, "/trials", f"at least {trials}, each with its place and its result")
        if not text.results:
            raise StageAsks(stage, "/results", "some words")
        if stage is Stage.PROVEN and not self.proves(text, adoptions):
            asked = f"at least {self.proven_evidence}, or {self.proven_adoptions} adoptions by others"
            raise StageAsks(stage, "/evidence", asked)

    def proves(self, text: Text, adoptions: int) -> bool:
        return adoptions >= self.proven_adoptions or len(text.evidence) >= self.proven_evidence


@dataclass(eq=False)
class Practice:
    """The fields of `Text` are what is read; `proposed` is the next text of what is published."""

    network_id: UUID
    title: str
    stage: Stage = Stage.IDEA
    themes: tuple[str, ...] = ()
    territory: str | None = None
    problem: str = ""
    done: str = ""
    results: str = ""
    needed: str = ""
    contact: str = ""
    trials: tuple[Trial, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    visibility: Visibility = Visibility.NETWORK
    shared_with: tuple[UUID, ...] = ()
    organisation_id: UUID | None = None
    body_id: UUID | None = None
    experience_id: UUID | None = None
    written_by: UUID | None = None
    edited_by: UUID | None = None
    state: State = State.DRAFT
    revision: Revision | None = None
    proposed: Text | None = None
    edition: int = 0
    adoptions: int = 0
    submitted_at: datetime | None = None
    published_on: date | None = None
    within: tuple[str, ...] = ()
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    @property
    def text(self) -> Text:
        return Text(**{name: getattr(self, name) for name in TEXT})

    @property
    def newest(self) -> Text:
        """What its author works on."""
        return self.proposed or self.text

    @property
    def under_review(self) -> bool:
        return self.state is State.IN_REVIEW or self.revision is Revision.IN_REVIEW

    def actions(self) -> list[str]:
        """What its state allows; who may do it is the policy's to say."""
        written = self.state is State.DRAFT or self.revision is Revision.DRAFT
        possible = {
            "edit": self.state in (State.DRAFT, State.PUBLISHED) and not self.under_review,
            "delete": self.state is State.DRAFT and self.submitted_at is None,
            "submit": written,
            "take_back": self.under_review,
            "comment": self.under_review or (written and self.submitted_at is not None),
            "return": self.under_review,
            "approve": self.under_review,
            "withdraw": self.state is State.PUBLISHED,
            "adopt": self.state is State.PUBLISHED,
        }
        return [action for action, yes in possible.items() if yes]

    def require(self, action: str) -> None:
        """Raises NotPossibleNow."""
        if action not in self.actions():
            raise NotPossibleNow(action, self.state)

    def change(self, given: Mapping[str, Any], by: UUID | None) -> bool:
        """Takes the values given; False when nothing differs. Of what is published a further text is begun. Raises
        NotPossibleNow, Unfit."""
        self.require("edit")
        before, after = self.newest, self.newest.changed(given)
        if before == after:
            return False
        self.edited_by = by
        if self.state is State.PUBLISHED:
            self.proposed, self.revision = after, Revision.DRAFT
        else:
            self._read(after)
        return True

    def submit(self, asks: Asks, now: datetime) -> None:
        """For review. Raises NotPossibleNow, StageAsks."""
        self.require("submit")
        asks.require(self.newest, self.adoptions)
        self.submitted_at = now
        self._reviewed(Revision.IN_REVIEW, State.IN_REVIEW)

    def take_back(self) -> None:
        self.require("take_back")
        self._reviewed(Revision.DRAFT, State.DRAFT)

    def return_(self) -> None:
        self.require("return")
        self._reviewed(Revision.DRAFT, State.DRAFT)

    def approve(self, by: UUID | None, asks: Asks, on: date) -> Text:
        """The text that is out from now on. Raises NotPossibleNow, OwnText, StageAsks (adoptions may have ended since
        it was submitted)."""
        self.require("approve")
        if by is None or by in (self.written_by, self.edited_by):
            raise OwnText
        asks.require(self.newest, self.adoptions)
        if self.proposed is not None:
            self._read(self.proposed)
        self.state, self.revision, self.proposed = State.PUBLISHED, None, None
        self.edition += 1
        self.published_on = self.published_on or on
        return self.text

    def withdraw(self) -> None:
        self.require("withdraw")
        self.state, self.revision, self.proposed = State.WITHDRAWN, None, None

    def place_is(self, within: Sequence[str]) -> None:
        self.within = tuple(within)

    def _reviewed(self, revision: Revision, state: State) -> None:
        if self.state is State.PUBLISHED:
            self.revision = revision
        else:
            self.state = state

    def _read(self, text: Text) -> None:
        for name in TEXT:
            setattr(self, name, getattr(text, name))


def seen_from(practice: Practice, viewers: Collection[UUID], sharing: Collection[UUID]) -> bool:
    """Whether one of these networks sees what another one published; `sharing` are the networks that let them see all
    practices which are shared without saying with whom."""
    if practice.state is not State.PUBLISHED:
        return False
    if practice.visibility is Visibility.NETWORKS:
        named = bool(set(practice.shared_with) & set(viewers))
        return named or (not practice.shared_with and practice.network_id in sharing)
    return practice.visibility is Visibility.PUBLIC


@dataclass(eq=False)
class Adoption:
    """An organisation or a body of a network does as a practice says. With `named` those whose practice it is are told
    who; else they see that somebody does, and in which territory."""

    practice_id: UUID
    practice_network_id: UUID
    network_id: UUID
    since: date
    organisation_id: UUID | None = None
    body_id: UUID | None = None
    territory: str | None = None
    named: bool = False
    note: str = ""
    state: AdoptionState = AdoptionState.ACTIVE
    ended_on: date | None = None
    begun_by: UUID | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def end(self, on: date) -> None:
        """Raises AdoptionOver."""
        if self.state is AdoptionState.ENDED:
            raise AdoptionOver
        self.state, self.ended_on = AdoptionState.ENDED, max(on, self.since)


def adopt(practice: Practice, adoption: Adoption, on: date) -> Adoption:
    """Raises NotPossibleNow, Unfit, OwnPractice."""
    practice.require("adopt")
    if (adoption.organisation_id is None) == (adoption.body_id is None):
        raise Unfit("/organisation_id", "one_of", "exactly one of organisation_id, body_id")
    if adoption.since > on:
        raise Unfit("/since", "day", f"<= {on}")
    own = (adoption.organisation_id, adoption.body_id)
    if (practice.organisation_id and practice.organisation_id == own[0]) or (
        practice.body_id and practice.body_id == own[1]
    ):
        raise OwnPractice
    return adoption
