"""What an act has caused: who may read how much of it, as JSON and as a page."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from services.notify.journeys.commands import keep
from services.notify.journeys.rules import Line, Scope, Step, steps_of, visible
from shared.access import tokens
from shared.access.roles import Level
from shared.contracts.envelope import Fact
from shared.contracts.events import (
    DecisionAdopted,
    MeetingConvened,
    MinutesApproved,
)
from shared.contracts.registry import Grant, MembershipActivated, PersonChanged
from shared.messaging import Received
from shared.messaging.context import Cause
from shared.runtime.clock import wall
from tests.harness import until
from tests.notify.network import Network

pytestmark = pytest.mark.timeout(120)
MINE, OTHERS = UUID(int=1), UUID(int=2)
AT = datetime(2026, 3, 1, tzinfo=UTC)


def line(number: int, causation: int | None = None, **more: Any) -> Line:
    known: dict[str, Any] = {"type": "events.meeting.convened", "network_id": UUID(int=99), **more}
    cause = UUID(int=causation) if causation else None
    return Line(
        id=UUID(int=number), causation=cause, aggregate_id=UUID(int=number), occurred_at=AT, recorded_at=AT, **known
    )


def shape(steps: list[Step]) -> list[Any]:
    return [(step.type.split(".")[2], len(step.lines), step.named, shape(step.steps)) for step in steps]


def test_facts_of_one_type_with_one_cause_are_one_step_under_it() -> None:
    lines = [
        line(1),
        *(line(n, 1, type="events.invitation.issued") for n in (2, 3)),
        line(4, 2, type="events.invitation.answered"),
        line(5, 3, type="events.invitation.answered"),
        line(6, 77, type="events.meeting.held"),
    ]
    seen = visible(lines, Scope(whole=True))
    assert shape(steps_of(reversed(lines), seen)) == [
        ("convened", 1, True, [("issued", 2, True, [("answered", 2, True, [])])]),
        ("held", 1, True, []),
    ]


def test_a_coordinator_sees_what_is_theirs_what_came_of_it_and_that_something_led_to_it() -> None:
    lines = [
        line(1, bodies=[OTHERS], type="events.minutes.approved"),
        line(2, 1, bodies=[MINE], type="events.decision.adopted"),
        line(3, 2, type="registry.commitment.made"),
        line(4, 2, bodies=[OTHERS], type="registry.commitment.late"),
        line(5, 4, type="registry.commitment.waived"),
        line(6, 1, type="events.invitation.issued"),
        line(7, 1, territories=["03"], type="mapping.place.proposed"),
    ]
    seen = visible(lines, Scope(bodies=frozenset({MINE}), territories=frozenset({"03"})))
    assert shape(steps_of(lines, seen)) == [
        ("approved", 1, False, [("adopted", 1, True, [("made", 1, True, [])]), ("proposed", 1, True, [])])
    ]
    assert visible(lines, Scope(territories=frozenset({"05"}))) == {}
    assert visible(lines, Scope()) == {}


class Act:
    """One act told to notify: each fact with the one that led to it."""

    def __init__(self) -> None:
        self.correlation = uuid7()
        self.received: list[Received[Fact]] = []

    def fact(self, fact: Fact, because_of: Received[Fact] | None = None) -> Received[Fact]:
        id_ = uuid7()
        cause = because_of.fact_id if because_of else None
        self.received.append(Received(fact, id_, 1, wall(), Cause(self.correlation, id_), cause))
        return self.received[-1]

    async def kept(self, room: Network) -> None:
        async with room.running.context.database.sessions.begin() as session:
            await keep(session, self.received)


def meeting_of(room: Network, body: UUID, title: str) -> MeetingConvened:
    return room.meeting(title=title, body_id=body)


async def read(room: Network, path: str, headers: dict[str, str]) -> Any:
    answer = await room.running.client.get(f"/notify/v1{path}", headers=headers)
    return answer.json() if answer.status_code == 200 else answer.status_code


async def test_each_reader_sees_their_part_and_no_other_networks(room: Network) -> None:
    mine, others, elsewhere = room.body(territory="097"), room.body(), uuid7()
    person = room.person(given_name="Olga")
    await room.running.tell(mine, others, person)
    await room.running.settled()
    act = Act()
    national = meeting_of(room, others.id, "Consiglio")
    regional = meeting_of(room, mine.id, "Coordinamento <Lecco>")
    root = act.fact(MinutesApproved(
        id=uuid7(), version=1, network_id=room.id, meeting_id=national.id, body_id=others.id, state="approved",
        quorate=True, present=1, entitled=2, held_on=date(2026, 1, 1),
    ))  # fmt: skip
    decided = act.fact(DecisionAdopted(
        id=uuid7(), version=1, network_id=room.id, meeting_id=national.id, minutes_id=root.fact.id, body_id=others.id,
        title="Segreta", kind="other", decided_on=date(2026, 1, 1),
    ), root)  # fmt: skip
    convened = act.fact(regional, root)
    act.fact(room.invited(regional, person), convened)
    act.fact(room.invited(regional, person), convened)
    act.fact(meeting_of(room, others.id, "Nascosta").model_copy(update={"network_id": elsewhere}), root)
    act.fact(PersonChanged(id=person.id, version=2, given_name="Olga", family_name="Neri"), root)
    await act.kept(room)
    path = f"/journeys/{act.correlation}"

    office = await room.running.holder("secretariat", room.id)
    whole = await read(room, path, office)
    (step,) = whole["steps"]
    assert (whole["whole"], whole["facts"], [n["name"] for n in whole["networks"]]) == (
        True, 5, [whole["networks"][0]["name"]],
    )  # fmt: skip
    assert (step["it"], step["en"]) == ("Verbale approvato", "Minutes approved")
    assert {s["type"] for s in step["steps"]} == {"events.decision.adopted", "events.meeting.convened"}
    by_type = {s["type"]: s for s in step["steps"]}
    assert by_type["events.decision.adopted"]["about"][0]["name"] == "Segreta"
    (invited,) = by_type["events.meeting.convened"]["steps"]
    assert (invited["count"], [p["name"] for p in invited["people"]]) == (2, ["Olga Rossi", "Olga Rossi"])

    regional_one = await room.running.holder("coordinator", room.id, territory="03")
    part = await read(room, path, await room.running.holder("coordinator", room.id, body_id=mine.id))
    assert part["whole"] is False
    (step,) = part["steps"]
    assert (step["about"], step["type"]) == ([], "events.minutes.approved")
    (below,) = step["steps"]
    assert below["about"][0]["name"] == "Coordinamento <Lecco>"
    assert below["steps"][0]["people"] == []
    assert "Segreta" not in str(part)
    assert decided.fact.id is not None
    assert await read(room, path, regional_one) == 404, "nothing in it is of Lombardia"
    assert await read(room, path, await room.running.holder("coordinator", elsewhere, body_id=mine.id)) == 404
    everything = await read(room, path, room.running.signed_in(admin=True))
    assert everything["facts"] == 7
    assert "Neri" not in str(everything)

    # The list: who may not read the first fact reads what it was, not about what.
    (item,) = (await read(room, f"/networks/{room.id}/journeys?subject={regional.id}", office))["items"]
    assert (item["correlation"], item["facts"], item["type"]) == (str(act.correlation), 5, "events.minutes.approved")
    assert (await read(room, f"/networks/{room.id}/journeys?type=registry.pact.signed", office))["items"] == []
    assert (await read(room, f"/networks/{room.id}/journeys?since=2199-01-01T00:00:00Z", office))["items"] == []
    everyone = (await read(room, f"/networks/{room.id}/journeys?limit=200", office))["items"]
    assert everyone[0]["correlation"] == str(act.correlation), "the newest first"
    own = await room.running.holder("coordinator", room.id, body_id=mine.id)
    of_mine = {a["correlation"]: a for a in (await read(room, f"/networks/{room.id}/journeys", own))["items"]}
    assert of_mine[str(act.correlation)]["about"] is None
    assert len(of_mine) == 2, "its founding, and this"

    # The page, without scripts, in both languages.
    page = await _page(room, act.correlation, role="secretariat")
    assert "Coordinamento &lt;Lecco&gt;" in page
    assert "Riunione convocata" in page
    assert "<script" not in page
    assert page.count("<ol") == page.count("</ol>") == 3
    english = await _page(room, act.correlation, role="coordinator", language="en", body_id=mine.id)
    assert "You see what concerns your bodies" in english
    assert "Segreta" not in english


async def _page(room: Network, correlation: UUID, *, role: str, language: str = "it", **bounds: Any) -> str:
    person = uuid7()
    await room.running.grant(person, Grant(role=role, network_id=room.id, since=date(2000, 1, 1), **bounds))
    issuer = room.running.context.settings.issuer
    held = tokens.sign(room.running.key, issuer, person, level=Level.MAILBOX, audience=tokens.PAGES)
    url = f"/notify/v1/journeys/{correlation}/page"
    stranger = await room.running.client.get(url, headers={"accept": "text/html"})
    assert (stranger.status_code, "/sign-in" in stranger.headers["location"]) == (303, True)
    answer = await room.running.client.get(
        url, headers={"cookie": f"trama-session={held}", "accept": "text/html", "accept-language": language}
    )
    assert answer.status_code == 200, answer.text
    assert re.search(rf'<html lang="{language}"', answer.text)
    return answer.text


async def test_what_people_were_told_stands_beside_what_told_it_and_what_notify_began_is_named(room: Network) -> None:
    secretary, acli = room.person(), room.organisation("ACLI")
    await room.running.tell(secretary, acli, room.secretary(secretary))
    commitment = room.commitment(debtor_organisation_id=acli.id)
    (fact_id,) = await room.running.tell(commitment)
    await room.mails(secretary)
    office = await room.running.holder("secretariat", room.id)
    journey = await read(room, f"/journeys/{fact_id}", office)
    (step,) = journey["steps"]
    (messages,) = step["messages"]
    assert (messages["topic"], messages["it"], messages["count"], messages["state"]) == (
        "commitment-made", "nuovo impegno", 1, "sent",
    )  # fmt: skip
    assert "@" not in str(journey)

    (own,) = await room.running.sql(
        "select id from log where network_id = :n and subject like 'notify.del%'", n=room.id
    )
    act = Act()
    known = MembershipActivated(
        id=uuid7(), version=1, network_id=room.id, organisation_id=acli.id, state="active", since=date(2026, 1, 1)
    )
    received = act.fact(known)
    act.received[0] = Received(known, received.fact_id, 1, wall(), received.cause, UUID(str(own.id)))
    await act.kept(room)
    (step,) = (await read(room, f"/journeys/{act.correlation}", office))["steps"]
    assert (step["it"], step["steps"][0]["about"][0]["name"]) == ("Messaggio inviato", "ACLI")


async def test_rebuilding_brings_the_same_timeline_and_tells_nobody(room: Network) -> None:
    secretary, acli = room.person(), room.organisation("ACLI")
    await room.running.tell(secretary, acli, room.secretary(secretary))
    commitment = room.commitment(debtor_organisation_id=acli.id)
    (fact_id,) = await room.running.tell(commitment)
    await room.mails(secretary)
    office = await room.running.holder("secretariat", room.id)
    before = await read(room, f"/journeys/{fact_id}", office)
    await room.running.sql("delete from told where network_id = :n", n=room.id)
    await room.running.sql("delete from acts where network_id = :n", n=room.id)
    assert await read(room, f"/journeys/{fact_id}", office) == 404
    await room.replay("registry")
    await until(lambda: _there(room, fact_id), 20, "kept again")
    await room.running.settled()
    assert await read(room, f"/journeys/{fact_id}", office) == before
    assert len(room.of(secretary)) == 1


async def _there(room: Network, fact_id: UUID) -> bool:
    return bool(await room.running.sql("select 1 from told where id = :id", id=fact_id))
