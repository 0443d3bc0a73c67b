"""The record of a network, the notices that people are owed, and consents: over HTTP and facts."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from uuid_utils.compat import uuid7

from services.registry.processing.rules import tell_by
from shared.access import links
from shared.contracts.notify import DeliveryFailed, DeliverySent, DeliveryState
from tests.harness import Running
from tests.registry.conftest import Caller, Room, problem

HTML = {"accept": "text/html"}
RECORD = {
    "controller": "Alleanza per le Case, via Roma 1, Lecco",
    "contact": "privacy@alleanza.example",
    "purposes": ["Convocare le riunioni", "Tenere l'elenco dei rappresentanti"],
    "basis": "legitimate_interests",
    "retention_months": 24,
}


async def recorded(room: Room, etag: str | None = None, **changed: Any) -> Any:
    headers = {**room.headers, **({"if-match": etag} if etag else {})}
    url = f"/registry/v1/networks/{room.slug}/processing"
    return await room.running.client.put(url, json={**RECORD, **changed}, headers=headers)


async def notices(room: Room, **filters: Any) -> list[Any]:
    return (await room.found(f"/networks/{room.slug}/notices", **filters))["items"]  # type: ignore[no-any-return]


async def asked(registry: Running, room: Room) -> list[dict[str, Any]]:
    facts = await registry.published("registry.person.*.notice_due")
    return [body for _, body in facts if body["network_id"] == str(room.id)]


async def delivered(registry: Running, fact: type[DeliveryState], notice: str, topic: str = "privacy-notice") -> None:
    """As notify tells it: the delivery names the fact by which the registry asked."""
    [(fact_id,)] = await registry.sql("select fact_id from notices where id = :id", id=UUID(notice))
    told = fact(
        id=uuid7(), version=1, channel="email", topic=topic, state=fact.name[-6:], attempts=1, because_of=fact_id
    )
    await registry.tell(told)
    await registry.settled()


def link(registry: Running, notice_id: str, **changed: Any) -> str:
    given = {"audience": "registry", "purpose": "notice", "subject": UUID(notice_id), **changed}
    token = links.mint(registry.link_key, **given, expires=datetime.now(UTC) + timedelta(minutes=60))
    return f"/registry/v1/notices/link?token={token}"


async def test_without_a_record_a_network_enters_people_and_their_notices_wait(registry: Running, room: Room) -> None:
    url = f"/networks/{room.slug}"
    assert problem(await room.get(f"{url}/processing")) == (404, "no-processing-record")
    person = await room.person(email="giulia@example.org")
    [one] = await notices(room)
    today = registry.context.clock.today()
    assert (one["person"]["id"], one["state"], one["waits"]) == (person["id"], "owed", True)
    assert (one["entered_on"], one["due"]) == (today.isoformat(), tell_by(today).isoformat())
    assert await asked(registry, room) == []
    summary = await room.found(f"{url}/notices/summary")
    assert (summary["recorded"], summary["waiting"], summary["total"], summary["overdue"]) == (False, 1, 1, 0)


async def test_the_first_record_asks_for_every_notice_that_waited_and_a_change_asks_for_none(
    registry: Running, room: Room
) -> None:
    people = [await room.person(f"Anna {n}", email=f"anna{n}@example.org") for n in range(3)]
    await room.person("Senza", email=None, phone="0341 123456")
    answer = await recorded(room)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
    told = await asked(registry, room)
    assert {fact["id"] for fact in told} == {person["id"] for person in people}
    assert all("email" not in fact and "given_name" not in fact for fact in told)
    assert {one["state"] for one in await notices(room)} == {"asked", "unreachable"}
    assert {fact["processing_id"] for fact in told} == {answer.json()["id"]}
    changed = await recorded(room, '"1"', retention_months=36)
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert len(await asked(registry, room)) == 3
    facts = await registry.published(f"registry.processing.{answer.json()['id']}.*")
    assert [(type_.split(".")[3], told["retention_months"]) for type_, told in facts] == [
        ("recorded", 24),
        ("changed", 36),
    ]


async def test_a_record_that_is_there_is_changed_with_its_version_only(room: Room) -> None:
    await recorded(room)
    assert problem(await recorded(room, retention_months=12)) == (428, "if-match-missing")
    assert problem(await recorded(room, '"7"', retention_months=12))[0] == 412
    assert (await recorded(room, '"1"')).headers["etag"] == '"1"'  # nothing differs
    assert (await recorded(room, '"1"', retention_months=12)).headers["etag"] == '"2"'


@pytest.mark.parametrize(
    "wrong",
    [
        {"basis": "because"},
        {"retention_months": 0},
        {"purposes": []},
        {"controller": " "},
        {"contact": "a\x00b"},
        {"purposes": ["x" * 301]},
    ],
)
async def test_a_record_that_says_nothing_is_refused(room: Room, wrong: dict[str, Any]) -> None:
    assert (await recorded(room, **wrong)).status_code == 422
    assert (await room.get(f"/networks/{room.slug}/processing")).status_code == 404


async def test_what_a_record_said_on_a_day_can_be_read_later(registry: Running, room: Room) -> None:
    await recorded(room)
    await registry.sql(
        "update processing_terms t set recorded_at = '2020-01-01T22:59Z' from processings r"
        " where r.id = t.processing_id and r.network_id = :network",
        network=room.id,
    )
    await recorded(room, '"1"', basis="consent")
    url = f"/networks/{room.slug}/processing/history"
    assert [row["basis"] for row in (await room.found(url))["items"]] == ["consent", "legitimate_interests"]
    assert [row["version"] for row in (await room.found(url, on="2020-01-01"))["items"]] == [1]
    assert (await room.found(url, on="2019-12-31"))["items"] == []
    assert [row["version"] for row in (await room.found(url, on="9999-12-31"))["items"]] == [2]


async def test_who_comes_after_the_record_is_told_at_once_and_once(registry: Running, room: Room) -> None:
    await recorded(room)
    person = await room.person(email="nuova@example.org")
    assert [fact["id"] for fact in await asked(registry, room)] == [person["id"]]
    await room.mandate(person, "secretariat", registry.context.clock.today().isoformat())
    assert len(await asked(registry, room)) == 1


async def test_another_network_that_gives_a_mandate_owes_its_own_notice(
    registry: Running, room: Room, other_room: Room, admin: Caller
) -> None:
    person = await room.person(email="due@example.org")
    await recorded(other_room)
    body = {"person_id": person["id"], "role": "secretariat", "since": registry.context.clock.today().isoformat()}
    await admin.made(f"/networks/{other_room.slug}/mandates", body)
    assert [fact["id"] for fact in await asked(registry, other_room)] == [person["id"]]
    assert [one["state"] for one in await notices(room)] == ["owed"]


async def test_the_registry_learns_what_became_of_a_notice(registry: Running, room: Room) -> None:
    await recorded(room)
    await room.person("Arrivata", email="arrivata@example.org")
    await room.person("Persa", email="persa@example.org")
    await registry.settled()
    first, second = await notices(room)
    await delivered(registry, DeliverySent, first["id"])
    await delivered(registry, DeliveryFailed, second["id"])
    first, second = await notices(room)
    assert (first["state"], first["sent_at"] is not None, first["allowed_actions"]) == ("told", True, [])
    assert (second["state"], second["sent_at"]) == ("failed", None)
    await delivered(registry, DeliverySent, second["id"])  # tried again by hand
    assert [one["state"] for one in await notices(room)] == ["told", "told"]


async def test_another_mail_of_the_same_cause_settles_nothing(registry: Running, room: Room) -> None:
    await recorded(room)
    await room.person(email="altra@example.org")
    await registry.settled()
    [one] = await notices(room)
    await delivered(registry, DeliverySent, one["id"], topic="mandate-given")
    assert (await notices(room))[0]["state"] == "asked"


async def test_who_has_no_address_is_told_by_hand(registry: Running, room: Room) -> None:
    await recorded(room)
    await room.person(phone="0341 123456")
    [one] = await notices(room, state="unreachable")
    assert (one["has_email"], one["has_phone"], one["allowed_actions"]) == (False, True, ["hand", "waive"])
    today = registry.context.clock.today()
    url = f"/notices/{one['id']}/handed"
    late = await room.post(url, {"how": "handed", "on": (today + timedelta(1)).isoformat()}, '"1"')
    assert problem(late) == (422, "invalid-notice-day")
    assert late.json()["errors"][0]["path"] == "/on"
    assert problem(await room.post(url, {"how": "handed"}))[0] == 428
    done = await room.post(url, {"how": "handed"}, '"1"')
    assert (done.json()["state"], done.json()["handed_on"], done.json()["how"]) == ("told", today.isoformat(), "handed")
    assert problem(await room.post(url, {"how": "handed"}, '"2"')) == (409, "nothing-to-tell")
    assert await notices(room, state="unreachable") == []


async def test_a_new_address_makes_somebody_reachable(registry: Running, room: Room) -> None:
    await recorded(room)
    person = await room.person(phone="0341 123456")
    await room.patch(f"/people/{person['id']}", {"email": "ora@example.org"}, '"1"')
    assert [fact["id"] for fact in await asked(registry, room)] == [person["id"]]
    assert [one["state"] for one in await notices(room)] == ["asked"]


async def test_a_notice_is_waived_with_a_reason(room: Room) -> None:
    await room.person(email="informata@example.org")
    [one] = await notices(room)
    assert problem(await room.post(f"/notices/{one['id']}/waive", {}, '"1"')) == (422, "notice-reason-missing")
    done = await room.post(f"/notices/{one['id']}/waive", {"reason": "Ha firmato a marzo"}, '"1"')
    assert (done.json()["state"], done.json()["waiver_reason"]) == ("waived", "Ha firmato a marzo")


async def test_who_enters_themselves_is_owed_no_notice(registry: Running, room: Room) -> None:
    person = await room.person("Io", email="io@example.org")
    await registry.sql("update people set email_verified_at = now() where id = :id", id=UUID(person["id"]))
    since = registry.context.clock.today().isoformat()
    await room.mandate(person, "secretariat", since)
    await registry.settled()
    own = Caller(registry, registry.signed_in(UUID(person["id"])))
    again = await own.made(
        f"/networks/{room.slug}/people", {"given_name": "Io", "family_name": "Io", "email": "io@example.org"}
    )
    [one] = await notices(room, person=again["id"])
    assert (one["state"], one["waiver_code"]) == ("waived", "entered_themselves")


async def test_the_erased_are_told_nothing(registry: Running, room: Room) -> None:
    person = await room.person(email="via@example.org")
    await room.delete(f"/people/{person['id']}", '"1"')
    [one] = await notices(room)
    assert (one["state"], one["waiver_code"], one["person"]["name"]) == ("waived", "person_erased", "")
    await recorded(room)
    assert await asked(registry, room) == []


async def test_thousands_are_asked_for_in_batches(registry: Running, room: Room) -> None:
    """As an import leaves them: one statement for each step, not one for each person."""
    await registry.sql(
        "with new as (insert into people (id, network_id, given_name, family_name, language, email, version)"
        " select gen_random_uuid(), :network, 'Nome', 'Cognome', 'it', 'p' || n || '@example.org', 1"
        " from generate_series(1, 1200) n returning id), known as (insert into known_people (network_id, person_id)"
        " select :network, id from new) insert into notices"
        " (id, network_id, person_id, entered_on, due, state, version)"
        " select gen_random_uuid(), :network, id, current_date, current_date + 30, 'owed', 1 from new",
        network=room.id,
    )
    await recorded(room)
    assert len(await asked(registry, room)) == 1200
    summary = await room.found(f"/networks/{room.slug}/notices/summary")
    assert (summary["states"]["asked"], summary["states"]["owed"], summary["waiting"]) == (1200, 0, 0)


async def test_the_page_of_a_notice_says_what_art_14_asks_for(registry: Running, room: Room) -> None:
    await recorded(room, officer="dpo@alleanza.example", recipients=["Gli enti della rete"], source="Il tuo ente")
    await room.person("Lucia", "Bianchi", email="lucia@example.org")
    await registry.settled()
    [one] = await notices(room)
    url = link(registry, one["id"])
    page = await registry.client.get(url, headers=HTML)
    assert page.status_code == 200
    for said in (
        "Lucia Bianchi",
        "Alleanza per le Case, via Roma 1, Lecco",
        "privacy@alleanza.example",
        "dpo@alleanza.example",
        "Convocare le riunioni",
        "legittimo interesse",
        "lett. f",
        "24 mesi",
        "Il tuo ente",
        "Gli enti della rete",
        "Garante",
    ):
        assert said in page.text
    english = await registry.client.get(url, headers={**HTML, "accept-language": "en"})
    assert "legitimate interests" in english.text
    assert "24 months" in english.text
    shown = (await registry.client.get(url, headers={"accept": "application/json"})).json()
    assert (shown["basis"], shown["retention_months"], len(shown["rights"])) == ("legitimate_interests", 24, 4)
    assert (await notices(room))[0]["version"] == one["version"]  # opening it has done nothing


async def test_a_network_that_rests_on_consent_says_that_it_can_be_withdrawn(registry: Running, room: Room) -> None:
    await recorded(room, basis="consent", retention_months=1)
    await room.person(email="c@example.org")
    [one] = await notices(room)
    page = await registry.client.get(link(registry, one["id"]), headers=HTML)
    assert "revocare il consenso" in page.text
    assert "Un mese dopo" in page.text


async def test_a_link_for_something_else_shows_nothing(registry: Running, room: Room) -> None:
    await recorded(room)
    await room.person(email="d@example.org")
    [one] = await notices(room)
    for wrong in ({"purpose": "commitment"}, {"audience": "events"}):
        answer = await registry.client.get(link(registry, one["id"], **wrong), headers=HTML)
        assert answer.status_code == 400, wrong
    assert (await registry.client.get(link(registry, str(uuid4())), headers=HTML)).status_code == 404


async def test_only_the_secretariat_and_the_person_see_a_notice(registry: Running, room: Room) -> None:
    person = await room.person(email="e@example.org")
    [one] = await notices(room)
    own = Caller(registry, registry.signed_in(UUID(person["id"])))
    assert (await own.found(f"/notices/{one['id']}"))["allowed_actions"] == []
    assert (await own.post(f"/notices/{one['id']}/handed", {"how": "handed"}, '"1"')).status_code == 403
    member = Caller(registry, await registry.holder("member", room.id))
    assert (await member.get(f"/notices/{one['id']}")).status_code == 403
    assert (await member.get(f"/networks/{room.slug}/notices")).status_code == 403
    await recorded(room)
    assert (await member.found(f"/networks/{room.slug}/processing"))["allowed_actions"] == []
    url = f"/registry/v1/networks/{room.slug}/processing"
    assert (await registry.client.put(url, json=RECORD, headers=member.headers)).status_code == 403


async def test_notices_are_listed_by_their_last_day_and_those_that_are_late(registry: Running, room: Room) -> None:
    for n in range(3):
        await room.person(f"P{n}", email=f"p{n}@example.org")
    ids = [one["id"] for one in await notices(room)]
    for n, one in enumerate(ids):
        await registry.sql("update notices set due = :d where id = :id", d=date(2020, 1, 3 - n), id=UUID(one))
    assert [one["id"] for one in await notices(room, sort="due")] == ids[::-1]
    assert [one["overdue"] for one in await notices(room)] == [True] * 3
    assert [one["id"] for one in await notices(room, due_before="2020-01-02")] == [ids[2]]
    assert (await room.found(f"/networks/{room.slug}/notices/summary"))["overdue"] == 3
    assert (await room.get(f"/networks/{room.slug}/notices", colour="red")).status_code == 422
    room.headers = {**room.headers, "accept": "text/csv"}
    assert len((await room.get(f"/networks/{room.slug}/notices")).text.splitlines()) == 4


async def test_of_consents_sent_at_once_one_stands_and_the_others_are_told_so(room: Room) -> None:
    await recorded(room, basis="consent")
    person = await room.person()
    url = f"/networks/{room.slug}/consents"
    answers = await asyncio.gather(*(room.post(url, {"person_id": person["id"]}) for _ in range(8)))
    refused = [problem(answer) for answer in answers if answer.status_code != 201]
    assert refused == [(409, "consented-already")] * 7


async def test_consent_is_recorded_and_withdrawn_only_where_it_is_the_basis(registry: Running, room: Room) -> None:
    person = await room.person(email="f@example.org")
    url, body = f"/networks/{room.slug}/consents", {"person_id": person["id"], "how": "handed"}
    assert problem(await room.post(url, body)) == (404, "no-processing-record")
    await recorded(room)
    assert problem(await room.post(url, body)) == (409, "not-by-consent")
    await recorded(room, '"1"', basis="consent")
    one = await room.made(url, body)
    assert problem(await room.post(url, body)) == (409, "consented-already")
    own = Caller(registry, registry.signed_in(UUID(person["id"])))
    assert problem(await own.post(f"/consents/{one['id']}/withdraw", {}))[0] == 428
    done = await own.post(f"/consents/{one['id']}/withdraw", {}, '"1"')
    assert done.json()["withdrawn_on"] == registry.context.clock.today().isoformat()
    assert problem(await own.post(f"/consents/{one['id']}/withdraw", {}, '"2"')) == (409, "withdrawn-already")
    await own.made(url, {"person_id": person["id"]})
    assert len((await room.found(url, person=person["id"]))["items"]) == 2
    stranger = Caller(registry, registry.signed_in())
    assert (await stranger.post(url, body)).status_code == 403
    unknown = await room.post(url, {"person_id": str(uuid4())})
    assert problem(unknown)[0] == 404
