"""A programme that was told and lived through: who was invited, came and decided is written here, so that a report's
figures are counted again from it and not from the code that makes reports."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.contracts import Fact
from shared.contracts.learning import GapMeasured
from shared.contracts.mapping import CrossingBest, CrossingClosed, CrossingCohort
from shared.contracts.registry import (
    CommitmentFulfilled,
    CommitmentLate,
    OrganisationRegistered,
    OutcomeRecorded,
    OutcomeRemoved,
    ProjectOpened,
)
from tests.events.hall import Hall
from tests.events.room import Committee, Member, Room

LECCO, ROMA = "E507", "H501"
REGION = {LECCO: "Lombardia", ROMA: "Lazio"}
KINDS = {"association": 4, "csv": 2, "cooperative": 1, "firm": 1}


@dataclass
class Programme:
    """`kinds` and `towns` are of the organisation in each seat, `rolls` the modes recorded at each meeting."""

    room: Room
    committee: Committee
    project: UUID
    action: UUID
    series: Any
    kinds: list[str]
    towns: list[str]
    rolls: list[list[str]] = field(default_factory=list)
    halls: list[Hall] = field(default_factory=list)
    minutes: list[Any] = field(default_factory=list)

    @classmethod
    async def adopted(cls, room: Room) -> Programme:
        kinds = [kind for kind, count in KINDS.items() for _ in range(count)]
        towns = [LECCO if place % 3 else ROMA for place in range(len(kinds))]
        committee = await seated(room, kinds, towns)
        project, action = uuid7(), uuid7()
        await room.tell(
            ProjectOpened(
                id=project, version=1, network_id=room.id, title="Comunità in rete", state="running",
                since=room.today, last_day=room.today + timedelta(400), budget_cents=1,
            )
        )  # fmt: skip
        frame = {
            "title": "Palestre di capacità", "since": room.today.isoformat(), "bodies": [str(committee.id)],
            "last_day": (room.today + timedelta(300)).isoformat(), "project_id": str(project),
            "action_id": str(action),
        }  # fmt: skip
        drafted = await room.made(f"/networks/{room.slug}/series", frame)
        series = await room.made(f"/series/{drafted['id']}/adopt", {}, f'"{drafted["version"]}"')
        return cls(room, committee, project, action, series, kinds, towns)

    async def met(self, *roll: str, decisions: int = 0) -> Hall:
        """A meeting of the programme, held and minuted, with so many decisions that somebody owes."""
        starts = self.room.now + timedelta(hours=3)  # after the one before
        hall = await Hall.of(self.room, self.committee, series_id=self.series["id"], starts_at=starts)
        await hall.attend(*roll)
        for number in range(decisions):
            owner, due = self.committee.members[0].organisation_id, (self.room.today + timedelta(9)).isoformat()
            await hall.decide(f"Fare la cosa {number + 1}", organisation_id=str(owner), due=due)
        await hall.close()
        self.minutes.append(await hall.approved())
        self.rolls.append(list(roll))
        self.halls.append(hall)
        return hall

    async def kept(self, hall: Hall, *states: str) -> None:
        """What became of the meeting's decisions, in their order."""
        decided = await self.room.items(f"{hall.path}/decisions")
        facts: list[Fact] = []
        for decision, state in zip(decided, states, strict=False):
            fact = {"fulfilled": CommitmentFulfilled, "late": CommitmentLate}[state]
            facts.append(
                fact(
                    id=uuid7(), version=2, network_id=self.room.id, title=decision["title"], kind="action",
                    due=decision["due"], state=state, source="decision", source_id=UUID(decision["id"]),
                    fulfilled_on=self.room.today if state == "fulfilled" else None,
                    debtor_organisation_id=self.committee.members[0].organisation_id,
                )
            )  # fmt: skip
        await self.room.tell(*facts)

    async def left(self, *kinds: str) -> list[UUID]:
        """Outcomes of the programme's action in the committee, one more elsewhere, and one that was removed again."""
        alike = {"version": 1, "network_id": self.room.id, "on": self.room.today, "title": "Esito"}
        own = [
            OutcomeRecorded(
                id=uuid7(), kind=kind, project_id=self.project, action_id=self.action, body_id=self.committee.id,
                evidenced=True, **alike,
            )
            for kind in kinds
        ]  # fmt: skip
        elsewhere = OutcomeRecorded(id=uuid7(), kind=kinds[0], project_id=uuid7(), territory=LECCO, **alike)
        mistaken = OutcomeRecorded(
            id=uuid7(), kind=kinds[0], project_id=self.project, action_id=self.action, territory=LECCO, **alike
        )
        removed = OutcomeRemoved(id=mistaken.id, version=2, network_id=self.room.id)
        await self.room.tell(*own, elsewhere, mistaken, removed)
        return [one.id for one in own]

    async def measured(self, before: float, after: float, gain: float) -> None:
        alike = {
            "version": 1, "network_id": self.room.id, "title": "Bilancio", "n": 8, "before": before, "after": after,
            "gain": gain,
        }  # fmt: skip
        own, others = uuid7(), uuid7()
        await self.room.tell(
            GapMeasured(id=uuid7(), assessment_id=own, competence="Leggerlo", body_id=self.committee.id, **alike),
            GapMeasured(id=uuid7(), assessment_id=own, competence="Leggerlo", **alike),
            GapMeasured(id=uuid7(), assessment_id=own, competence="Leggerlo", body_id=uuid7(), **alike),
            GapMeasured(id=uuid7(), assessment_id=others, competence="Altro", body_id=uuid7(), **alike),
        )

    async def crossed(self, ballot: UUID | None = None) -> UUID:
        id_ = uuid7()
        await self.room.tell(
            CrossingClosed(
                id=id_, version=3, network_id=self.room.id, title="Incroci", ballot_id=ballot, cells=120, scores=720,
                state="closed", respondents=6, entitled=7,
                cohorts=(CrossingCohort(code="a", title="APS e ODV", respondents=4, entitled=4),),
                best=(CrossingBest(field="Energie", need="Casa", resource="Fondi", n=6, mean=8.25),),
            )
        )  # fmt: skip
        return id_

    async def reported(self, **asked: Any) -> tuple[Any, Any]:
        """A report and its figures."""
        report = await self.room.made(f"/series/{self.series['id']}/reports", asked)
        return report, await self.room.found(f"/reports/{report['id']}.json")

    # What there is to be counted

    def there(self) -> list[tuple[int, str]]:
        """(seat, mode) of each presence."""
        return [(seat, mode) for roll in self.rolls for seat, mode in enumerate(roll) if mode in ("present", "remote")]

    def counted(self, by: list[str]) -> dict[str, tuple[int, int]]:
        """Of each group of seats: how many of them came at least once, and how often in all."""
        came = Counter(by[seat] for seat in {seat for seat, _ in self.there()})
        often = Counter(by[seat] for seat, _ in self.there())
        return {group: (count, often[group]) for group, count in came.items()}


async def seated(room: Room, kinds: list[str], towns: list[str]) -> Committee:
    body = room.body("one_per_member", title="Gruppo di Lecco")
    facts: list[Fact] = [body]
    members = []
    for number, (kind, town) in enumerate(zip(kinds, towns, strict=True), 1):
        organisation = OrganisationRegistered(
            id=uuid7(), version=1, title=f"Ente {number}", kind=kind, municipality=town
        )
        seat = room.seat(body.id, organisation.title, organisation_id=organisation.id)
        person = room.person("Persona", f"Numero {number}")
        mandate = room.mandate(person.id, organisation_id=organisation.id, body_id=body.id, seat_id=seat.id)
        facts += [organisation, seat, person, mandate]
        members.append(Member(person.id, mandate, seat, organisation.id))
    await room.tell(*facts)
    return Committee(body.id, members)
