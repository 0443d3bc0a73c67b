"""The register of decisions: found by their words in Italian, by who owes them, by when they were taken, and by what
became of them since."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.registry import CommitmentFulfilled, CommitmentLate, CommitmentMade
from tests.events.hall import Hall
from tests.events.room import Room, problem

pytestmark = pytest.mark.timeout(180)


async def decided(room: Room) -> tuple[Hall, dict[str, Any]]:
    """A meeting whose approved minutes record four decisions, by their kind."""
    hall = await Hall.opened(room)
    due = (date.fromisoformat(hall.meeting["day"]) + timedelta(days=30)).isoformat()
    made = {
        "action": await hall.decide(
            "Aprire le caselle di posta nelle comunità",
            organisation_id=str(hall.members[0].organisation_id),
            due=due,
        ),
        "appointment": await hall.decide(
            "Nominare la coordinatrice", kind="appointment", person_id=str(hall.members[1].person_id), due=due
        ),
        "communication": await hall.decide("Ringraziare i partner", kind="communication"),
        "regulation": await hall.decide(
            "Adottare il regolamento delle assemblee", kind="regulation", body_id=str(hall.committee.id), due=due
        ),
    }
    await hall.attend("present", "present")
    await hall.close()
    await hall.approved()
    return hall, made


def commitment(room: Room, decision: Any, fact: type[Any] = CommitmentMade, **more: Any) -> Any:
    due = decision["due"] and date.fromisoformat(decision["due"])
    known = {"title": decision["title"], "kind": "task", "due": due, "state": "open", "version": 1}
    source = {"source": "decision", "source_id": UUID(decision["id"])}
    return fact(network_id=room.id, **{"id": uuid7(), **known, **source, **more})


async def kinds(room: Room, **sought: Any) -> list[str]:
    return [one["kind"] for one in await room.items(f"/networks/{room.slug}/decisions", **sought)]


async def test_words_are_found_in_any_form_and_with_or_without_accents(room: Room) -> None:
    await decided(room)
    assert await kinds(room, q="casella") == ["action"], "singular for plural"
    assert await kinds(room, q="comunita") == ["action"]
    assert await kinds(room, q="CASELLA comunità") == ["action"], "all words"
    assert await kinds(room, q="comunità regolamento") == []
    assert await kinds(room, q="comunità or regolamento") == ["action", "regulation"]
    assert await kinds(room, q='"regolamento delle assemblee"') == ["regulation"]
    assert await kinds(room, q='"assemblee regolamento"') == []
    assert await kinds(room, q="assemblee -regolamento") == []
    for hostile in ("' or 1=1 --", "!!!", "a & | b", '"', "\\", "%"):
        assert await kinds(room, q=hostile) == [], hostile
    for wrong in ("", "x" * 201):
        assert problem(await room.get(f"/networks/{room.slug}/decisions", q=wrong))[0] == 422


async def test_filters_narrow_and_several_values_widen(room: Room) -> None:
    hall, _ = await decided(room)
    day, body = date.fromisoformat(hall.meeting["day"]), str(hall.committee.id)
    organisation, person = str(hall.members[0].organisation_id), str(hall.members[1].person_id)
    assert await kinds(room, owner=organisation) == ["action"]
    assert await kinds(room, owner=[person, body]) == ["appointment", "regulation"]
    assert await kinds(room, kind=["action", "regulation"], owner=[organisation, person]) == ["action"]
    assert await kinds(room, since=day.isoformat(), kind="action") == ["action"]
    assert await kinds(room, since=(day + timedelta(days=1)).isoformat()) == []
    assert await kinds(room, until=day.isoformat()) == [], "the last day is not included"
    assert len(await kinds(room, until=(day + timedelta(days=1)).isoformat(), body=body)) == 4
    for wrong in ({"since": "0001-01-01"}, {"until": "9999-12-31"}, {"kind": "nothing"}, {"kept": "perhaps"}):
        assert problem(await room.get(f"/networks/{room.slug}/decisions", **wrong))[0] == 422, wrong
    assert problem(await room.get(f"/networks/{room.slug}/decisions", wanted="x"))[0] == 422


async def test_what_became_of_a_decision_is_shown_and_sought(room: Room) -> None:
    _, made = await decided(room)
    assert await kinds(room, kept="none") == ["action", "appointment", "communication", "regulation"]
    one = commitment(room, made["action"])
    late = commitment(room, made["appointment"])
    foreign = commitment(room, made["communication"], source="pact", due=room.today)
    await room.tell(one, late, foreign)
    found = await room.found(f"/decisions/{made['action']['id']}")
    assert (found["kept"], found["commitment"]["state"], found["commitment"]["href"]) == (
        "open", "open", f"/registry/v1/commitments/{one.id}",
    )  # fmt: skip
    kept = {**one.model_dump(), "version": 3, "state": "fulfilled", "fulfilled_on": room.today}
    await room.tell(CommitmentFulfilled(**kept), CommitmentLate(**{**late.model_dump(), "version": 2, "state": "late"}))
    await room.tell(CommitmentLate(**{**one.model_dump(), "version": 2, "state": "late"}))  # an older one comes later
    assert await kinds(room, kept="fulfilled") == ["action"]
    assert await kinds(room, kept="late") == ["appointment"]
    assert await kinds(room, kept=["late", "none"]) == ["appointment", "communication", "regulation"]
    assert (await room.found(f"/decisions/{made['action']['id']}"))["commitment"]["fulfilled_on"] == (
        room.today.isoformat()
    )


async def test_the_register_is_a_table_too_and_its_members_alone_read_it(room: Room) -> None:
    await decided(room)
    path = f"/networks/{room.slug}/decisions"
    answer = await room.running.client.get(f"/events/v1{path}", headers={**room.headers, "accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["kind"] for row in rows] == ["action", "appointment", "communication", "regulation"]
    assert {row["kept"] for row in rows} == {"none"}
    assert len(await (await room.caller("delegate")).items(path)) == 4
    other = await Room.founded(room.running)
    assert problem(await other.get(path))[0] == 403
