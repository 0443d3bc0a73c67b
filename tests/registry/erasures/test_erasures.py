"""The register and the registry's own part; the other services answer as facts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.contracts import events, learning, mapping, notify
from shared.contracts.rights import ErasureAnswerState, Holding, Mention
from shared.runtime import clock
from tests.harness import Running
from tests.registry.conftest import Caller, Room, problem

OTHERS: Sequence[type[ErasureAnswerState]] = (
    mapping.ErasureAnswered,
    events.ErasureAnswered,
    learning.ErasureAnswered,
    notify.ErasureAnswered,
)
ZENOBIA = {"given_name": "Zenobia", "family_name": "Marcatore", "email": "zenobia@example.org", "phone": "0341 987654"}
TRACES = ("zenobia", "marcatore", "987654")


async def answered(
    registry: Running, erasure: Any, *, by: Sequence[type[ErasureAnswerState]] = OTHERS, **more: Any
) -> None:
    """The other services answer what was asked last."""
    asked = max(row.asked for row in await asked_of(registry, erasure))
    found = (Holding(what="invitations", count=2, outcome="found", ground="approved_minutes"),)
    said = {"erasure_id": erasure["id"], "person_id": erasure["person"]["id"], "phase": "dry_run", "holdings": found}
    await registry.tell(*(fact(id=erasure["id"], version=asked, **{**said, **more}) for fact in by))
    await registry.settled()


async def asked_of(registry: Running, erasure: Any) -> list[Any]:
    return await registry.sql("select * from erasure_answers where erasure_id = :id", id=UUID(erasure["id"]))


async def hidden_names(registry: Running, person: Any) -> list[Any]:
    return await registry.sql("select 1 from quarantined_people where person_id = :id", id=UUID(person["id"]))


async def opened(room: Room, person: Any) -> Any:
    return await room.made(f"/people/{person['id']}/erasure", {"phase": "dry_run"})


async def tag(room: Caller, erasure: Any) -> str:
    return (await room.get(f"/erasures/{erasure['id']}")).headers["etag"]


async def acted(room: Caller, erasure: Any, act: str, body: Any = None) -> Any:
    answer = await room.post(f"/erasures/{erasure['id']}/{act}", body, await tag(room, erasure))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def in_quarantine(registry: Running, room: Room, person: Any, days: int = 30) -> Any:
    erasure = await opened(room, person)
    await answered(registry, erasure)
    return await acted(room, erasure, "quarantine", {"days": days})


async def on_day(registry: Running, days: int) -> None:
    """The clock goes on by so many days, and what is due then is done."""
    assert registry.context.clock.path is not None
    clock.set(registry.context.clock.path, registry.context.clock.now() + timedelta(days=days))
    await registry.settled()


async def test_a_dry_run_asks_everybody_and_touches_nothing(registry: Running, room: Room) -> None:
    person = await room.post(f"/networks/{room.slug}/people", ZENOBIA)
    person = person.json()
    commitment = {"title": "Chiedere a Marcatore Zenobia", "kind": "action", "due": "2030-01-01"}
    mine = await room.made(f"/networks/{room.slug}/commitments", {**commitment, "person_id": person["id"]})
    erasure = await opened(room, person)
    assert (erasure["phase"], erasure["person"]["name"], erasure["closed_on"]) == ("dry_run", "Zenobia Marcatore", None)
    assert erasure["unanswered"] == ["events", "learning", "mapping", "notify", "registry"]
    await registry.settled()
    seen = await room.found(f"/erasures/{erasure['id']}")
    assert seen["unanswered"] == ["events", "learning", "mapping", "notify"]
    own = next(answer for answer in seen["answers"] if answer["service"] == "registry")
    held = {held["what"]: (held["count"], held["outcome"], held["ground"]) for held in own["holdings"]}
    assert held["person"] == (1, "found", None)
    assert held["commitments"] == (1, "found", "legal_obligation")
    assert {"what": "commitments", "column": "title", "id": mine["id"]} in own["mentions"]
    assert own["mentioned"] == len(own["mentions"])
    assert (await room.found(f"/people/{person['id']}"))["email"] == "zenobia@example.org"
    ((_, told),) = [f for f in await registry.published(f"registry.person.{person['id']}.*") if "sought" in f[0]]
    assert (told["family_name"], told["erasure_id"], told["asked"]) == ("Marcatore", erasure["id"], 1)
    ((type_, body),) = await registry.published(f"registry.erasure.{erasure['id']}.*")
    assert type_ == "trama.registry.erasure.opened.v1"
    assert not any(trace in json.dumps(body).lower() for trace in TRACES)


async def test_the_quarantine_waits_for_every_answer(registry: Running, room: Room) -> None:
    erasure = await opened(room, await room.person())
    await registry.settled()
    etag = await tag(room, erasure)
    refused = await room.post(f"/erasures/{erasure['id']}/quarantine", {}, etag)
    assert problem(refused) == (409, "erasure-unanswered")
    assert "events, learning, mapping, notify" in refused.json()["detail"]
    await answered(registry, erasure, by=OTHERS[:3])
    assert (await room.found(f"/erasures/{erasure['id']}"))["unanswered"] == ["notify"]
    mentions = (Mention(what="meetings", column="title", id=uuid4()),)
    await answered(registry, erasure, by=OTHERS[3:], mentions=mentions, mentioned=1)
    last = (await room.found(f"/erasures/{erasure['id']}"))["answers"]
    assert [len(answer["mentions"]) for answer in last if answer["service"] == "notify"] == [1]
    assert problem(await room.post(f"/erasures/{erasure['id']}/quarantine", {})) == (428, "if-match-missing")
    assert problem(await room.post(f"/erasures/{erasure['id']}/quarantine", {"days": 91}, etag)) == (422, "invalid")
    assert problem(await room.post(f"/erasures/{erasure['id']}/quarantine", {}, '"9"')) == (412, "version-mismatch")
    begun = await acted(room, erasure, "quarantine", {"days": 7})
    today = registry.context.clock.today()
    assert (begun["phase"], begun["hidden"], begun["erase_on"]) == (
        "quarantine",
        True,
        (today + timedelta(days=7)).isoformat(),
    )


async def test_out_of_sight_nobody_finds_the_person_and_called_off_all_is_back(registry: Running, room: Room) -> None:
    person = (await room.post(f"/networks/{room.slug}/people", ZENOBIA, **{"idempotency-key": "hidden"})).json()
    office = await room.mandate(person, "secretariat", "2020-01-01", until="2021-01-01")
    erasure = await in_quarantine(registry, room, person)
    assert erasure["person"]["name"] == ""
    assert (await room.found(f"/networks/{room.slug}/people"))["items"] == []
    assert (await room.found(f"/networks/{room.slug}/people", q="zenobia"))["items"] == []
    shown = await room.found(f"/people/{person['id']}")
    assert (shown["name"], shown["email"], shown["phone"], shown["erased_at"]) == ("", None, None, None)
    assert (await room.found(f"/mandates/{office['id']}"))["person"]["name"] == ""
    sought, newest = (await registry.published(f"registry.person.{person['id']}.*"))[-2:]
    assert (sought[0].split(".")[3], sought[1]["phase"], sought[1]["family_name"]) == (
        "sought",
        "quarantine",
        "Marcatore",
    )
    assert newest[0] == "trama.registry.person.changed.v1"
    assert not any(trace in json.dumps(newest[1]).lower() for trace in TRACES)
    etag = (await room.get(f"/people/{person['id']}")).headers["etag"]
    refused = await room.patch(f"/people/{person['id']}", {"given_name": "Eva"}, etag)
    assert problem(refused) == (409, "person-out-of-sight")
    appointed = {"person_id": person["id"], "role": "secretariat", "since": "2026-01-01"}
    assert (await room.post(f"/networks/{room.slug}/mandates", appointed)).status_code == 422
    repeated = await room.post(f"/networks/{room.slug}/people", ZENOBIA, **{"idempotency-key": "hidden"})
    assert repeated.json()["id"] != person["id"]  # the answer that named her is gone
    released = await acted(room, erasure, "release")
    assert (released["phase"], released["person"]["name"], released["erase_on"]) == (
        "release",
        "Zenobia Marcatore",
        None,
    )
    back = await room.found(f"/people/{person['id']}")
    assert (back["name"], back["email"], back["phone"]) == ("Zenobia Marcatore", "zenobia@example.org", "+390341987654")
    assert (await room.found(f"/mandates/{office['id']}"))["person"]["name"] == "Zenobia Marcatore"
    assert await hidden_names(registry, person) == []
    await answered(registry, erasure, phase="release")
    closed = await room.found(f"/erasures/{erasure['id']}")
    assert (closed["closed_on"], closed["unanswered"]) == (registry.context.clock.today().isoformat(), [])
    facts = await registry.published(f"registry.erasure.{erasure['id']}.*")
    assert [(type_.split(".")[3], body["phase"]) for type_, body in facts] == [
        ("opened", "dry_run"),
        ("advanced", "quarantine"),
        ("advanced", "release"),
        ("closed", "release"),
    ]
    correlations = {
        row.correlation
        for row in await registry.sql(
            "select headers->>'correlationid' as correlation from log where aggregate_id = :id", id=UUID(erasure["id"])
        )
    }
    assert correlations == {erasure["correlation"]}


async def test_on_its_day_everything_is_erased_or_retained_with_its_ground(registry: Running, room: Room) -> None:
    body = {"given_name": "Quirina", "family_name": "Segnata", "email": "quirina@example.org", "phone": "0341 445566"}
    person = (await room.post(f"/networks/{room.slug}/people", body)).json()
    await room.mandate(person, "secretariat", "2020-01-01", until="2021-01-01")
    erasure = await in_quarantine(registry, room, person, days=30)
    await on_day(registry, 29)
    assert (await room.found(f"/erasures/{erasure['id']}"))["phase"] == "quarantine"
    await on_day(registry, 1)
    erasing = await room.found(f"/erasures/{erasure['id']}")
    assert (erasing["phase"], erasing["closed_on"], erasing["stream"]["state"]) == ("erase", None, "waiting")
    own = [a for a in erasing["answers"] if (a["service"], a["phase"]) == ("registry", "erase")]
    held = {held["what"]: (held["outcome"], held["ground"]) for held in own[0]["holdings"]}
    assert held["person"] == ("erased", None)
    assert held["mandates"] == ("retained", "office_held")
    await answered(registry, erasure, phase="erase")
    assert (await room.found(f"/erasures/{erasure['id']}"))["closed_on"] is not None
    facts = await registry.published(f"registry.erasure.{erasure['id']}.*")
    assert [type_.split(".")[3] for type_, _ in facts] == ["opened", "advanced", "advanced", "closed"]
    told = await registry.published(f"registry.person.{person['id']}.*")
    assert told[-1][0] == "trama.registry.person.erased.v1"
    for table in await registry.sql("select table_name from information_schema.tables where table_schema = 'public'"):
        rows = await registry.sql(f'select t::text as row from "{table.table_name}" t')
        forms = ("quirina", "segnata", "445566", b"uirina".hex(), b"egnata".hex())
        assert not any(form in row.row.lower() for form in forms for row in rows), table.table_name


async def test_who_holds_an_office_is_erased_by_itself_when_it_ends(registry: Running, room: Room) -> None:
    person, today = await room.person("Ada", "Incarica"), registry.context.clock.today()
    ends = today + timedelta(days=60)
    await room.mandate(person, "secretariat", "2020-01-01", until=ends.isoformat())
    erasure = await in_quarantine(registry, room, person, days=30)
    assert (erasure["phase"], erasure["hidden"], erasure["waits_for"]["ends"]) == ("waiting", False, ends.isoformat())
    assert (await room.found(f"/people/{person['id']}"))["name"] == "Ada Incarica"
    assert problem(await room.post(f"/erasures/{erasure['id']}/erase", None, await tag(room, erasure))) == (
        409,
        "person-retained",
    )
    await on_day(registry, 59)
    assert (await room.found(f"/erasures/{erasure['id']}"))["phase"] == "waiting"
    await on_day(registry, 1)
    gone = await room.found(f"/erasures/{erasure['id']}")
    assert (gone["phase"], gone["person"]["name"], gone["waits_for"]) == ("erase", "", None)


async def test_an_office_that_ends_early_begins_the_quarantine_the_day_after(registry: Running, room: Room) -> None:
    person, today = await room.person("Ugo", "Incarico"), registry.context.clock.today()
    mandate = await room.mandate(person, "secretariat", today.isoformat())
    erasure = await in_quarantine(registry, room, person, days=30)
    assert erasure["waits_for"] == {
        "mandate_id": mandate["id"],
        "ends": None,
        "href": f"/registry/v1/mandates/{mandate['id']}",
    }
    await registry.settled()
    etag = (await room.get(f"/mandates/{mandate['id']}")).headers["etag"]
    assert (await room.post(f"/mandates/{mandate['id']}/end", {"reason": "resigned"}, etag)).status_code == 200
    await on_day(registry, 1)
    hidden = await room.found(f"/erasures/{erasure['id']}")
    assert (hidden["phase"], hidden["hidden"]) == ("quarantine", True)
    assert hidden["erase_on"] == (today + timedelta(days=30)).isoformat()
    erased = await acted(room, erasure, "erase")
    assert (erased["phase"], erased["person"]["name"]) == ("erase", "")


async def test_erasing_at_once_stands_in_the_register_too(registry: Running, room: Room) -> None:
    person = await room.person()
    assert (await room.delete(f"/people/{person['id']}", '"1"')).status_code == 200
    (erasure,) = (await room.found(f"/networks/{room.slug}/erasures"))["items"]
    assert (erasure["phase"], erasure["person"]["id"]) == ("erase", person["id"])
    assert erasure["unanswered"] == ["events", "learning", "mapping", "notify"]
    ((type_, body),) = await registry.published(f"registry.erasure.{erasure['id']}.*")
    assert (type_.split(".")[3], body["phase"], body["person_version"]) == ("opened", "erase", 2)


async def test_one_erasure_at_a_time_and_at_once_ends_the_one_that_runs(registry: Running, room: Room) -> None:
    person = await room.person()
    erasure = await in_quarantine(registry, room, person)
    again = await room.post(f"/people/{person['id']}/erasure", {})
    assert problem(again) == (409, "erasure-runs")
    assert erasure["id"] in again.json()["detail"]
    etag = (await room.get(f"/people/{person['id']}")).headers["etag"]
    assert (await room.delete(f"/people/{person['id']}", etag)).status_code == 200
    assert (await room.found(f"/erasures/{erasure['id']}"))["phase"] == "erase"
    assert await hidden_names(registry, person) == []


async def test_people_ask_for_their_own_and_call_it_off_and_do_no_more(registry: Running, room: Room) -> None:
    person = await room.person()
    themselves = Caller(registry, registry.signed_in(UUID(person["id"])))
    erasure = (await themselves.post("/me/erasure", {})).json()
    assert (erasure["person"]["id"], erasure["allowed_actions"]) == (person["id"], ["release"])
    await answered(registry, erasure)
    etag = await tag(themselves, erasure)
    assert problem(await themselves.post(f"/erasures/{erasure['id']}/quarantine", {}, etag)) == (403, "forbidden")
    assert (await themselves.post(f"/erasures/{erasure['id']}/release", None, etag)).status_code == 200
    assert problem(
        await themselves.post(f"/erasures/{erasure['id']}/release", None, await tag(themselves, erasure))
    ) == (
        409,
        "erasure-phase",
    )


async def test_the_register_is_seen_by_those_who_may_erase(registry: Running, room: Room, other_room: Room) -> None:
    person = await room.person()
    erasure = await opened(room, person)
    url = f"/erasures/{erasure['id']}"
    assert problem(await other_room.get(url)) == (404, "not-found")
    assert problem(await other_room.post(f"{url}/release", None, '"1"')) == (404, "not-found")
    coordinator = Caller(registry, await registry.holder("coordinator", room.id))
    assert problem(await coordinator.get(url)) == (404, "not-found")
    assert problem(await coordinator.post(f"/people/{person['id']}/erasure", {})) == (403, "forbidden")
    assert problem(await coordinator.get(f"/networks/{room.slug}/erasures")) == (403, "forbidden")
    assert problem(await other_room.post(f"/people/{person['id']}/erasure", {})) == (404, "not-found")
    assert problem(await room.get(f"/erasures/{uuid4()}")) == (404, "not-found")


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, 2),
        ({"phase": "dry_run"}, 1),
        ({"phase": ["dry_run", "erase"]}, 2),
        ({"phase": "quarantine"}, 0),
        ({"open": "true"}, 2),
        ({"open": "false"}, 0),
        ({"updated_since": "2999-01-01T00:00:00Z"}, 0),
    ],
)
async def test_the_register_is_filtered(room: Room, filters: Any, found: int) -> None:
    first, second = await room.person(), await room.person()
    await opened(room, first)
    await room.delete(f"/people/{second['id']}", '"1"')
    assert len((await room.found(f"/networks/{room.slug}/erasures", **filters))["items"]) == found


async def test_what_is_wrong_with_a_question_is_named(room: Room) -> None:
    person = await room.person()
    wrong = await room.post(f"/people/{person['id']}/erasure", {"phase": "erase"})
    assert (problem(wrong), wrong.json()["errors"][0]["path"]) == ((422, "invalid"), "/phase")
    assert problem(await room.get(f"/networks/{room.slug}/erasures", colour="red")) == (422, "invalid")
    assert problem(await room.get(f"/networks/{room.slug}/erasures", phase="gone")) == (422, "invalid")


async def test_answers_that_come_twice_or_late_change_nothing(registry: Running, room: Room) -> None:
    erasure = await in_quarantine(registry, room, await room.person())
    late = notify.ErasureAnswered(
        id=erasure["id"],
        version=1,
        erasure_id=erasure["id"],
        person_id=erasure["person"]["id"],
        phase="dry_run",
        holdings=(),
    )
    await registry.tell(late, late)
    await registry.settled()
    seen = await room.found(f"/erasures/{erasure['id']}")
    assert seen["unanswered"] == ["events", "learning", "mapping", "notify"]  # of the quarantine, as before
