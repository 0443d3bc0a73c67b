"""Commitments as a secretariat keeps them: over HTTP, with what the other services are told."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from uuid_utils.compat import uuid7

from services.registry.commitments.rules import Kind, Rule
from tests.harness import Running
from tests.registry.commitments.scene import acted, commitments, day, etag, let_pass, promise, referent, rule, told
from tests.registry.conftest import Caller, Room, problem


async def test_seven_associations_with_two_commitments_each_owe_fourteen(registry: Running, room: Room) -> None:
    members = [await room.organisation(f"Associazione {n}") for n in range(7)]
    listing = await rule(room, due=day(registry, 30))
    report = await rule(room, kind="report_of_experiences", title="Relazione", due=day(registry, 90))
    assert (listing["made"], report["made"]) == (7, 7)
    owed = await commitments(room, room.slug, state="open")
    assert len(owed) == 14
    assert {one["debtor"]["id"] for one in owed} == {member["id"] for member in members}
    assert {(one["kind"], one["due"], one["source"], one["source_id"]) for one in owed} == {
        ("list_of_representatives", day(registry, 30), "rule", listing["id"]),
        ("report_of_experiences", day(registry, 90), "rule", report["id"]),
    }
    assert [one["id"] for one in owed] == sorted(one["id"] for one in owed)
    for one in (owed[0], owed[-1]):
        assert await told(registry, one) == [("made", "open")]
    summary = await room.found(f"/networks/{room.slug}/commitments/summary")
    assert (summary["total"], summary["states"]["open"]) == (14, {"count": 14, "of": 14, "share": 1.0})
    assert [(item["kind"], item["total"]) for item in summary["items"]] == [
        ("list_of_representatives", 7),
        ("report_of_experiences", 7),
    ]
    await acted(room, owed[0]["href"].removeprefix("/registry/v1"), "fulfil", {"evidence": "Arrivato per posta"})
    assert len(await commitments(room, room.slug, state="open")) == 13


async def test_an_empty_network_has_no_shares(room: Room) -> None:
    summary = await room.found(f"/networks/{room.slug}/commitments/summary")
    assert (summary["total"], summary["items"]) == (0, [])
    assert summary["states"]["open"] == {"count": 0, "of": 0, "share": None}


async def test_the_day_after_the_last_day_a_commitment_is_late_and_told_so_once(registry: Running, room: Room) -> None:
    one = await promise(room, await room.organisation(), days=2)
    await let_pass(registry, 2)
    assert await told(registry, one) == [("made", "open")]
    await let_pass(registry, 1)
    assert (await room.found(f"/commitments/{one['id']}"))["state"] == "late"
    await let_pass(registry, 30)
    assert await told(registry, one) == [("made", "open"), ("late", "late")]
    done = await acted(room, f"/commitments/{one['id']}", "fulfil", {"link": "https://example.org/elenco"})
    assert (done["state"], done["fulfilled_on"], done["link"]) == (
        "fulfilled",
        day(registry),
        "https://example.org/elenco",
    )
    assert await told(registry, one) == [("made", "open"), ("late", "late"), ("fulfilled", "fulfilled")]


async def test_a_day_that_is_moved_moves_what_is_due(registry: Running, room: Room) -> None:
    one = await promise(room, await room.organisation(), days=2)
    path = f"/commitments/{one['id']}"
    moved = await room.patch(path, {"due": day(registry, 5)}, await etag(room, path))
    assert (moved.status_code, moved.json()["due"], moved.json()["version"]) == (200, day(registry, 5), 2)
    await let_pass(registry, 4)
    assert (await room.found(path))["state"] == "open"
    await let_pass(registry, 2)
    assert await told(registry, one) == [("made", "open"), ("changed", "open"), ("late", "late")]


async def test_who_is_given_more_time_when_late_owes_it_in_time_again(registry: Running, room: Room) -> None:
    one = await promise(room, await room.organisation(), days=0)
    path = f"/commitments/{one['id']}"
    await let_pass(registry, 1)
    moved = await room.patch(path, {"due": day(registry, 1)}, await etag(room, path))
    assert moved.json()["state"] == "open"
    await let_pass(registry, 2)
    assert [fact for fact, _ in await told(registry, one)] == ["made", "late", "changed", "late"]


async def test_nothing_changes_without_the_version_that_was_read(registry: Running, room: Room) -> None:
    one = await promise(room, await room.organisation())
    path = f"/commitments/{one['id']}"
    body = {"title": "Altro"}
    assert problem(await room.patch(path, body)) == (428, "if-match-missing")
    assert problem(await room.patch(path, body, '"7"')) == (412, "version-mismatch")
    for act, given in (("fulfil", {"evidence": "x"}), ("waive", {"reason": "x"})):
        assert problem(await room.post(f"{path}/{act}", given)) == (428, "if-match-missing")
        assert problem(await room.post(f"{path}/{act}", given, '"7"')) == (412, "version-mismatch")
    same = await room.patch(path, {"title": one["title"]}, '"1"')
    assert (same.json()["version"], await told(registry, one)) == (1, [("made", "open")])


async def test_a_waiver_says_why_and_keeps_it_here(registry: Running, room: Room) -> None:
    one = await promise(room, await room.organisation(), note="Da chiedere a Giulia")
    path = f"/commitments/{one['id']}"
    for body in (None, {}, {"reason": ""}, {"reason": "  \n "}):
        refused = await room.post(f"{path}/waive", body, '"1"')
        assert problem(refused) == (422, "reason-missing")
        assert refused.json()["errors"][0]["path"] == "/reason"
    waived = await acted(room, path, "waive", {"reason": " Già dato nel piano di Giulia "})
    assert (waived["state"], waived["waived_on"]) == ("waived", day(registry))
    assert waived["waived"] == {"code": "decided", "reason": "Già dato nel piano di Giulia"}
    assert await told(registry, one) == [("made", "open"), ("waived", "waived")]
    rows = await registry.sql("select l::text as row from log l where aggregate_id = :id", id=UUID(one["id"]))
    assert rows
    assert not any("Giulia" in row.row for row in rows)


async def test_fulfilling_needs_something_that_shows_it(registry: Running, room: Room) -> None:
    one = await promise(room, await room.organisation())
    path = f"/commitments/{one['id']}/fulfil"
    for body in ({}, {"evidence": " "}, {"evidence": "", "on": day(registry)}):
        refused = await room.post(path, body, '"1"')
        assert problem(refused) == (422, "evidence-missing")
        assert refused.json()["errors"][0]["path"] == "/evidence"
    for body, field in (
        ({"evidence": "Fatto", "on": day(registry, 1)}, "/on"),
        ({"evidence": "Fatto", "on": day(registry, -1)}, "/on"),
        ({"link": "javascript:alert(1)"}, "/link"),
        ({"evidence": "x" * 5001}, "/evidence"),
    ):
        refused = await room.post(path, body, '"1"')
        assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, field)
    assert (await room.found(f"/commitments/{one['id']}"))["version"] == 1


async def test_what_is_closed_stays_closed(registry: Running, room: Room) -> None:
    one = await promise(room, await room.organisation(), days=1)
    path = f"/commitments/{one['id']}"
    assert (await room.found(path))["allowed_actions"] == ["change", "fulfil", "waive", "upload"]
    await acted(room, path, "fulfil", {"evidence": "Fatto"})
    assert (await room.found(path))["allowed_actions"] == []
    assert problem(await room.post(f"{path}/fulfil", {"evidence": "Ancora"}, '"2"')) == (409, "commitment-closed")
    assert problem(await room.post(f"{path}/waive", {"reason": "No"}, '"2"')) == (409, "commitment-closed")
    assert problem(await room.patch(path, {"title": "Altro"}, '"2"')) == (409, "commitment-closed")
    await let_pass(registry, 3)
    assert [fact for fact, _ in await told(registry, one)] == ["made", "fulfilled"]


@pytest.mark.parametrize(
    ("changed", "type_", "field"),
    [
        ({"organisation_id": None}, "one-debtor", "/organisation_id"),
        ({"person_id": "somebody"}, "one-debtor", "/organisation_id"),
        ({"organisation_id": "nobody"}, "debtor-unknown", "/organisation_id"),
        ({"organisation_id": None, "person_id": "nobody"}, "debtor-unknown", "/person_id"),
        ({"organisation_id": None, "body_id": "nobody"}, "debtor-unknown", "/body_id"),
        ({"creditor_body_id": "nobody"}, "debtor-unknown", "/creditor_body_id"),
        ({"organisation_id": "elsewhere"}, "debtor-unknown", "/organisation_id"),
        ({"due": "yesterday"}, "invalid-day", "/due"),
        ({"kind": "promise"}, "invalid", "/kind"),
        ({"title": " "}, "invalid", "/title"),
        ({"due": "domani"}, "invalid", "/due"),
        ({"organisation": "x"}, "invalid", "/organisation"),
    ],
)
async def test_what_cannot_be_owed_is_refused_with_the_field(
    registry: Running, room: Room, other_room: Room, changed: dict[str, Any], type_: str, field: str
) -> None:
    here, elsewhere = await room.organisation(), await other_room.organisation()
    meant = {
        "somebody": (await room.person())["id"],
        "nobody": str(uuid4()),
        "elsewhere": elsewhere["id"],
        "yesterday": day(registry, -1),
    }
    body = {"title": "Elenco", "kind": "action", "due": day(registry, 9), "organisation_id": here["id"]}
    refused = await room.post(
        f"/networks/{room.slug}/commitments", {**body, **{k: meant.get(v, v) for k, v in changed.items()}}
    )
    assert problem(refused) == (422, type_)
    assert refused.json()["errors"][0]["path"] == field


async def test_the_debtor_can_be_another_one(registry: Running, room: Room) -> None:
    one = await promise(room, await room.organisation(), kind="action")
    path = f"/commitments/{one['id']}"
    person = await room.person("Marco", "Leone")
    moved = await room.patch(path, {"person_id": person["id"]}, '"1"')
    assert moved.status_code == 200, moved.text
    assert moved.json()["debtor"] == {
        "type": "person",
        "id": person["id"],
        "name": "Marco Leone",
        "href": f"/registry/v1/people/{person['id']}",
    }
    assert problem(await room.patch(path, {"person_id": None}, '"2"')) == (422, "one-debtor")
    assert problem(await room.patch(path, {"organisation_id": str(uuid4())}, '"2"')) == (422, "debtor-unknown")
    member = await room.organisation("Ancora")
    await rule(room, due=day(registry, 3))
    (owed,) = await commitments(room, room.slug, source="rule", organisation=member["id"])
    refused = await room.patch(f"/commitments/{owed['id']}", {"person_id": person["id"]}, '"1"')
    assert problem(refused) == (409, "debtor-of-rule")


# --- who may ---------------------------------------------------------------------------------------------------------


async def test_each_may_do_what_is_theirs(registry: Running, room: Room, other_room: Room) -> None:
    own, another = await room.organisation("Sua"), await room.organisation("Altrui")
    speaker = await referent(room, own)
    theirs, others = await promise(room, own), await promise(room, another)
    assert (await speaker.found(f"/commitments/{theirs['id']}"))["allowed_actions"] == ["fulfil", "upload"]
    assert (await speaker.found(f"/commitments/{others['id']}"))["allowed_actions"] == []
    refused = await speaker.post(f"/commitments/{others['id']}/fulfil", {"evidence": "Io"}, '"1"')
    assert problem(refused) == (403, "forbidden")
    assert problem(await speaker.post(f"/commitments/{theirs['id']}/waive", {"reason": "No"}, '"1"')) == (
        403,
        "forbidden",
    )
    assert problem(await speaker.patch(f"/commitments/{theirs['id']}", {"title": "No"}, '"1"')) == (403, "forbidden")
    assert len(await commitments(speaker, room.slug)) == 2, "everybody in the network reads"
    await acted(speaker, f"/commitments/{theirs['id']}", "fulfil", {"evidence": "Mandato"})
    stranger = other_room
    assert problem(await stranger.get(f"/commitments/{others['id']}")) == (403, "forbidden")
    assert problem(await stranger.get(f"/networks/{room.slug}/commitments")) == (403, "forbidden")
    assert problem(await stranger.get(f"/commitments/{uuid4()}")) == (404, "not-found")
    assert problem(await stranger.post(f"/commitments/{others['id']}/fulfil", {"evidence": "x"}, '"1"')) == (
        403,
        "forbidden",
    )


async def test_people_read_and_fulfil_what_they_owe_themselves_also_without_a_mandate(
    registry: Running, room: Room
) -> None:
    person = await room.person("Marco", "Leone")
    one = await promise(room, None, person_id=person["id"], kind="document")
    caller = Caller(registry, registry.signed_in(UUID(person["id"])))
    shown = await caller.found(f"/commitments/{one['id']}")
    assert (shown["debtor"]["name"], shown["allowed_actions"]) == ("Marco Leone", ["fulfil"])
    await acted(caller, f"/commitments/{one['id']}", "fulfil", {"evidence": "Scritto"})
    nobody = Caller(registry, registry.signed_in(uuid7()))
    assert problem(await nobody.get(f"/commitments/{one['id']}")) == (403, "forbidden")


async def test_an_ended_mandate_fulfils_nothing(registry: Running, room: Room) -> None:
    own = await room.organisation()
    speaker = await referent(room, own)
    one = await promise(room, own)
    (mandate,) = (await room.found(f"/networks/{room.slug}/mandates", role="referent"))["items"]
    await room.running.settled()
    await acted(room, f"/mandates/{mandate['id']}", "end", {"reason": "resigned"})
    refused = await speaker.post(f"/commitments/{one['id']}/fulfil", {"evidence": "Io"}, '"1"')
    assert problem(refused) == (403, "forbidden")


# --- lists -----------------------------------------------------------------------------------------------------------


async def test_filters_pages_and_csv(registry: Running, room: Room) -> None:
    first, second = await room.organisation("Prima"), await room.organisation("Seconda")
    person = await room.person()
    await promise(room, first, days=3)
    await promise(room, second, days=1, kind="action", title="=1+1")
    await promise(room, None, days=2, person_id=person["id"], kind="document")
    find = f"/networks/{room.slug}/commitments"

    async def names(**filters: Any) -> list[str]:
        return [item["debtor"]["name"] for item in (await room.found(find, **filters))["items"]]

    assert await names(organisation=first["id"]) == ["Prima"]
    assert await names(person=person["id"]) == ["Giulia Serra"]
    assert await names(kind=["action", "document"]) == ["Seconda", "Giulia Serra"]
    assert await names(due_before=day(registry, 2)) == ["Seconda"]
    assert await names(sort="due") == ["Seconda", "Giulia Serra", "Prima"]
    assert await names(sort="-due") == ["Prima", "Giulia Serra", "Seconda"]
    assert await names(source="rule") == []
    assert await names(state=["late", "fulfilled"]) == []
    page = await room.found(find, sort="due", limit=2)
    rest = await room.found(find, sort="due", limit=2, after=page["next"])
    assert ([item["debtor"]["name"] for item in rest["items"]], rest["next"]) == (["Prima"], None)
    assert problem(await room.get(find, debtor="x")) == (422, "invalid")
    answer = await registry.client.get(f"/registry/v1{find}", headers={**room.headers, "accept": "text/csv"})
    header, *rows = answer.text.splitlines()
    assert header.startswith("id,network_id,title,kind,debtor.type,debtor.id,debtor.name")
    assert len(rows) == 3
    assert "'=1+1" in rows[1]


# --- rules -----------------------------------------------------------------------------------------------------------


async def test_who_joins_owes_what_the_rules_say_and_once_only(registry: Running, room: Room) -> None:
    await rule(room, days=30)
    past = await rule(room, kind="document", title="Statuto", due=day(registry, 1))
    candidate = await room.made(
        f"/networks/{room.slug}/organisations", {"name": "Nuova", "kind": "informal_group", "state": "candidate"}
    )
    assert await commitments(room, room.slug) == []
    membership = f"/memberships/{candidate['membership']['id']}"
    await let_pass(registry, 2)
    await acted(room, membership, "activate", {})
    (owed,) = await commitments(room, room.slug, organisation=candidate["id"])
    assert (owed["due"], owed["kind"]) == (day(registry, 30), "list_of_representatives")
    assert past["made"] == 0, "and its day has passed: nobody is late for what they could not know"
    await acted(room, membership, "suspend", {})
    await acted(room, membership, "resume", {})
    assert len(await commitments(room, room.slug, organisation=candidate["id"])) == 1


@pytest.mark.parametrize("joined", [-40, 0, 7])
@pytest.mark.parametrize("made_first", [True, False])
async def test_the_database_gives_the_days_that_the_rule_says(
    registry: Running, room: Room, joined: int, *, made_first: bool
) -> None:
    today = registry.context.clock.today()
    since = today + timedelta(days=joined)

    async def lay_down() -> list[Any]:
        return [await rule(room, days=30), await rule(room, kind="action", due=day(registry, 3))]

    laid = await lay_down() if made_first else []
    body = {"name": "Membro", "kind": "informal_group", "state": "active", "since": since.isoformat()}
    await room.made(f"/networks/{room.slug}/organisations", body)
    laid = laid or await lay_down()
    for one in laid:
        terms = {"due": one["due"] and date.fromisoformat(one["due"]), "days": one["days"]}
        expected = Rule(room.id, Kind(one["kind"]), "", today, **terms).due_for(since, today)
        (owed,) = await commitments(room, room.slug, kind=one["kind"])
        assert owed["due"] == (expected and expected.isoformat())


async def test_an_import_makes_the_new_members_owe(registry: Running, room: Room) -> None:
    from tests.registry.desk import Desk, bodies, table

    await rule(room, days=5)
    desk = Desk(registry, room.slug, room.id, room.headers)
    rows = bodies(30)
    assert (await desk.upload(table(rows)))["created"] == 30
    assert len(await commitments(room, room.slug, state="open")) == 30
    await desk.upload(table(rows))
    assert len(await commitments(room, room.slug)) == 30
    told_ = [
        body for _, body in await registry.published("registry.commitment.*.made") if body["network_id"] == str(room.id)
    ]
    assert len(told_) == 30


async def test_who_leaves_owes_nothing_more_and_owes_anew_when_back(registry: Running, room: Room) -> None:
    member, other = await room.organisation("Parte"), await room.organisation("Resta")
    await rule(room, due=day(registry, 20))
    by_hand = await promise(room, member, kind="action")
    done = await promise(room, member, kind="document")
    await acted(room, f"/commitments/{done['id']}", "fulfil", {"evidence": "Fatto"})
    await acted(room, f"/memberships/{member['membership']['id']}", "withdraw", {})
    left = await commitments(room, room.slug, organisation=member["id"])
    assert sorted((one["kind"], one["state"]) for one in left) == [
        ("action", "waived"),
        ("document", "fulfilled"),
        ("list_of_representatives", "waived"),
    ]
    assert {one["waived"]["code"] for one in left if one["waived"]} == {"organisation_left"}
    assert await told(registry, by_hand) == [("made", "open"), ("waived", "waived")]
    assert [one["state"] for one in await commitments(room, room.slug, organisation=other["id"])] == ["open"]
    await let_pass(registry, 21)
    assert await told(registry, by_hand) == [("made", "open"), ("waived", "waived")], "what was due finds it closed"


async def test_who_comes_back_owes_anew(registry: Running, room: Room) -> None:
    from tests.registry.desk import tax_code

    await rule(room, days=20)
    body = {"name": "Torna", "tax_code": tax_code(), "kind": "association", "state": "active"}
    member = await room.made(f"/networks/{room.slug}/organisations", body)
    await acted(room, f"/memberships/{member['membership']['id']}", "withdraw", {})
    await room.made(f"/networks/{room.slug}/organisations", body)
    found = await commitments(room, room.slug, organisation=member["id"])
    assert [one["state"] for one in found] == ["waived", "open"]


async def test_a_stopped_rule_binds_nobody_further(registry: Running, room: Room) -> None:
    await room.organisation("Prima")
    made = await rule(room, days=10)
    assert made["allowed_actions"] == ["stop"]
    path = f"/commitment-rules/{made['id']}"
    stopped = await acted(room, path, "stop")
    assert (stopped["stopped_on"], stopped["allowed_actions"]) == (day(registry), [])
    assert problem(await room.post(f"{path}/stop", None, await etag(room, path))) == (409, "rule-stopped")
    await room.organisation("Dopo")
    assert len(await commitments(room, room.slug, state="open")) == 1
    assert [one["id"] for one in (await room.found(f"/networks/{room.slug}/commitment-rules"))["items"]] == [made["id"]]


@pytest.mark.parametrize(
    ("term", "type_"),
    [
        ({}, "term-missing"),
        ({"due": 5, "days": 5}, "term-missing"),
        ({"due": -1}, "invalid-day"),
        ({"days": 0}, "invalid"),
    ],
)
async def test_a_rule_has_one_term(registry: Running, room: Room, term: dict[str, int], type_: str) -> None:
    given = {**term, **({"due": day(registry, term["due"])} if "due" in term else {})}
    body = {"kind": "action", "title": "Azione", **given}
    assert problem(await room.post(f"/networks/{room.slug}/commitment-rules", body)) == (422, type_)
    speaker = await referent(room, await room.organisation())
    assert problem(await speaker.post(f"/networks/{room.slug}/commitment-rules", {**body, "days": 3, "due": None})) == (
        403,
        "forbidden",
    )


async def test_members_who_join_while_a_rule_is_made_owe_it_all_the_same(registry: Running, room: Room) -> None:
    """Each sees the other: whoever commits first, nobody is forgotten and nobody owes twice."""

    async def join(n: int) -> None:
        await room.organisation(f"Insieme {n}")

    await asyncio.gather(*(join(n) for n in range(6)), rule(room, days=9), *(join(n) for n in range(6, 12)))
    owed = await commitments(room, room.slug)
    assert len(owed) == len({one["debtor"]["id"] for one in owed}) == 12


async def test_a_rule_repeated_with_its_key_is_one_rule(registry: Running, room: Room) -> None:
    await room.organisation()
    body = {"kind": "action", "title": "Azione", "days": 3}
    keyed = {"idempotency-key": uuid4().hex}
    first = await room.post(f"/networks/{room.slug}/commitment-rules", body, **keyed)
    again = await room.post(f"/networks/{room.slug}/commitment-rules", body, **keyed)
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert len(await commitments(room, room.slug)) == 1


async def test_days_beyond_all_reason_are_refused_with_the_field(registry: Running, room: Room) -> None:
    """The ends of the calendar have no instants: what falls due there could not be kept."""
    member, person = await room.organisation(), await room.person()
    one, network = await promise(room, member), f"/networks/{room.slug}"
    owed = {"title": "Elenco", "kind": "other", "organisation_id": member["id"]}
    held = {"person_id": person["id"], "role": "delegate", "organisation_id": member["id"]}
    group = {"name": "Gruppo", "kind": "working_group"}
    figures = {"title": "Obiettivo", "minimum": 1, "full": 1}
    for path, body, field in (
        (f"{network}/commitments", {**owed, "due": "9999-12-31"}, "/due"),
        (f"{network}/commitment-rules", {"title": "Elenco", "kind": "other", "due": "9999-12-31"}, "/due"),
        (f"{network}/mandates", {**held, "since": "0001-01-01"}, "/since"),
        (f"{network}/mandates", {**held, "since": day(registry), "until": "9999-12-31"}, "/until"),
        (f"{network}/bodies", {**group, "constituted_on": "0001-01-01"}, "/constituted_on"),
        (f"{network}/bodies", {**group, "seats": [{"title": "A", "role": "member", "since": "0001-01-01"}]}, SEAT),
        (f"{network}/goals", {**figures, "since": "0001-01-01", "last_day": day(registry)}, "/since"),
        (f"{network}/goals", {**figures, "last_day": "9999-12-31"}, "/last_day"),
        (f"{network}/organisations", {"name": "B", "kind": "informal_group", "since": "9999-12-31"}, "/since"),
    ):
        refused = await room.post(path, body)
        assert refused.status_code == 422, (path, body, refused.text)
        (error,) = refused.json()["errors"]
        assert error["path"] == field
        assert error["accepted"]
    later = await room.patch(f"/commitments/{one['id']}", {"due": "9999-12-31"}, '"1"')
    assert problem(later) == (422, "invalid-day")
    assert later.json()["errors"] == [{"path": "/due", "code": "day", "accepted": "<= 2200-12-31"}]


SEAT = "/seats/0/since"
