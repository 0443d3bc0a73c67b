"""Mandates as the secretariat gives them: over HTTP, with what the other services are told."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.runtime import clock
from shared.runtime.clock import ROME
from tests.harness import Running
from tests.registry.conftest import Caller, Room, problem


def day(registry: Running, days: int = 0) -> str:
    """A day from today's, by the clock of the platform."""
    return (registry.context.clock.today() + timedelta(days=days)).isoformat()


async def let_pass(registry: Running, days: int) -> None:
    """The clock goes on to the first minute of a later day in Italy."""
    first = datetime.combine(registry.context.clock.today() + timedelta(days=days), time(0, 1), ROME)
    assert registry.context.settings.clock_file is not None
    clock.set(registry.context.settings.clock_file, first)
    await registry.settled()


async def told(registry: Running, mandate: Any) -> list[tuple[str, str]]:
    """(fact, state) of everything said about a mandate, in order."""
    facts = await registry.published(f"registry.mandate.{mandate['id']}.*")
    assert [body["version"] for _, body in facts] == sorted({body["version"] for _, body in facts})
    return [(type_.split(".")[3], body["state"]) for type_, body in facts]


async def grants(registry: Running, person: Any) -> list[dict[str, Any]]:
    """The newest list of a person's grants that was told."""
    facts = await registry.published(f"registry.grant.{person['id']}.changed")
    newest: list[dict[str, Any]] = facts[-1][1]["grants"]
    return newest


async def holders(room: Room, on: str, **filters: Any) -> list[str]:
    page = await room.found(f"/networks/{room.slug}/mandates", on=on, **filters)
    return [item["person"]["name"] for item in page["items"]]


async def test_a_mandate_for_later_is_designated_starts_by_itself_and_ends_by_itself(
    registry: Running, room: Room
) -> None:
    person, organisation = await room.person(), await room.organisation()
    since, until = day(registry, 2), day(registry, 4)
    mandate = await room.mandate(person, "referent", since, until=until, organisation_id=organisation["id"])
    assert (mandate["state"], mandate["ends"], mandate["version"]) == ("designated", until, 1)
    assert mandate["person"]["name"] == "Giulia Serra"
    assert mandate["organisation"]["name"] == "Ponti"
    assert await told(registry, mandate) == [("designated", "designated")]
    await let_pass(registry, 1)
    assert len(await told(registry, mandate)) == 1
    await let_pass(registry, 1)
    assert (await room.found(f"/mandates/{mandate['id']}"))["state"] == "in_office"
    await let_pass(registry, 2)
    assert (await room.found(f"/mandates/{mandate['id']}"))["state"] == "ended"
    assert await told(registry, mandate) == [
        ("designated", "designated"),
        ("started", "in_office"),
        ("ended", "ended"),
    ]


async def test_who_holds_over_is_told_to_and_keeps_the_grant(registry: Running, room: Room) -> None:
    person = await room.person()
    until = day(registry, 1)
    mandate = await room.mandate(person, "secretariat", day(registry), until=until, holds_over=True)
    await let_pass(registry, 1)
    assert (await room.found(f"/mandates/{mandate['id']}"))["state"] == "holding_over"
    assert (await told(registry, mandate))[-1] == ("held_over", "holding_over")
    assert [(grant["role"], grant["until"]) for grant in await grants(registry, person)] == [("secretariat", None)]


async def test_a_clock_that_jumps_tells_every_turn_in_order(registry: Running, room: Room) -> None:
    mandate = await room.mandate(await room.person(), "secretariat", day(registry, 10), until=day(registry, 20))
    await let_pass(registry, 400)
    assert [fact for fact, _ in await told(registry, mandate)] == ["designated", "started", "ended"]


async def test_a_grant_follows_in_the_same_breath_and_works_at_once(registry: Running, room: Room) -> None:
    person = await room.person()
    await room.mandate(person, "secretariat", day(registry))
    caller = Caller(registry, registry.signed_in(UUID(person["id"])))
    assert (await caller.get(f"/networks/{room.slug}/people")).status_code == 200
    (grant,) = await grants(registry, person)
    assert (grant["role"], grant["network_id"], grant["since"]) == ("secretariat", str(room.id), day(registry))


async def test_an_ended_mandate_stops_working_at_once(registry: Running, room: Room) -> None:
    person = await room.person()
    mandate = await room.mandate(person, "secretariat", day(registry))
    caller = Caller(registry, registry.signed_in(UUID(person["id"])))
    ended = await room.post(f"/mandates/{mandate['id']}/end", {"reason": "resigned"}, await etag(room, mandate))
    assert (ended.status_code, ended.json()["state"], ended.json()["end_reason"]) == (200, "ended", "resigned")
    assert problem(await caller.get(f"/networks/{room.slug}/people")) == (403, "forbidden")
    assert await grants(registry, person) == []
    assert (await told(registry, mandate))[-1] == ("ended", "ended")


async def test_an_end_for_later_changes_the_grant_now_and_the_state_then(registry: Running, room: Room) -> None:
    person = await room.person()
    mandate = await room.mandate(person, "secretariat", day(registry))
    last = day(registry, 3)
    body = {"reason": "resigned", "on": last}
    ended = await room.post(f"/mandates/{mandate['id']}/end", body, await etag(room, mandate))
    assert (ended.json()["state"], ended.json()["ends"]) == ("in_office", last)
    assert [grant["until"] for grant in await grants(registry, person)] == [last]
    await let_pass(registry, 3)
    assert [fact for fact, _ in await told(registry, mandate)] == ["designated", "started", "changed", "ended"]


async def etag(room: Room, mandate: Any) -> str:
    """The current ETag, once what was due has been told."""
    await room.running.settled()
    answer = await room.get(f"/mandates/{mandate['id']}")
    return str(answer.headers["etag"])


async def test_a_successor_takes_over_in_one_transaction(registry: Running, room: Room) -> None:
    organisation = await room.organisation()
    giulia, marco = await room.person(), await room.person("Marco", "Leone")
    old = await room.mandate(giulia, "referent", day(registry, -30), organisation_id=organisation["id"])
    body = {"person_id": marco["id"], "since": day(registry, 1)}
    answer = await room.post(f"/mandates/{old['id']}/replace", body, await etag(room, old))
    assert answer.status_code == 201, answer.text
    new = answer.json()
    assert answer.headers["location"] == f"/registry/v1/mandates/{new['id']}"
    assert (new["person"]["name"], new["role"], new["organisation"]) == ("Marco Leone", "referent", old["organisation"])
    assert await holders(room, day(registry)) == ["Giulia Serra"]
    assert await holders(room, day(registry, 1)) == ["Marco Leone"]
    assert [grant["until"] for grant in await grants(registry, giulia)] == [day(registry, 1)]
    assert [grant["since"] for grant in await grants(registry, marco)] == [day(registry, 1)]
    await let_pass(registry, 1)
    assert (await told(registry, old))[-1] == ("ended", "ended")
    assert (await told(registry, new))[-1] == ("started", "in_office")


async def test_a_second_referent_is_refused_with_the_holder(registry: Running, room: Room) -> None:
    organisation = await room.organisation()
    held = await room.mandate(
        await room.person(), "referent", day(registry), until=day(registry, 9), organisation_id=organisation["id"]
    )
    body = {
        "person_id": (await room.person("Marco"))["id"],
        "role": "referent",
        "organisation_id": organisation["id"],
        "since": day(registry, 8),
    }
    refused = await room.post(f"/networks/{room.slug}/mandates", body)
    assert problem(refused) == (409, "office-taken")
    assert held["id"] in refused.json()["detail"]
    assert day(registry, 9) in refused.json()["detail"]
    await room.made(f"/networks/{room.slug}/mandates", {**body, "since": day(registry, 9)})


async def test_of_many_who_want_an_office_at_once_one_gets_it(registry: Running, room: Room) -> None:
    organisation = await room.organisation()
    people = [await room.person(f"Persona {n}") for n in range(8)]
    body = {"role": "referent", "organisation_id": organisation["id"], "since": day(registry)}
    answers = await asyncio.gather(
        *(room.post(f"/networks/{room.slug}/mandates", {**body, "person_id": person["id"]}) for person in people)
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert len(await holders(room, day(registry), role="referent")) == 1


async def test_the_database_too_allows_no_day_with_two_holders(registry: Running, room: Room) -> None:
    """Were the rule wrong, or passed by: the constraint stands."""
    organisation = await room.organisation()
    await room.mandate(await room.person(), "referent", day(registry), organisation_id=organisation["id"])
    with pytest.raises(Exception, match="mandates_one_referent"):
        await registry.sql(
            "insert into mandates (id, network_id, person_id, role, organisation_id, since, holds_over, told, version)"
            " select :id, network_id, person_id, role, organisation_id, since + 1, false, told, 1 from mandates"
            " where organisation_id = :organisation",
            id=uuid4(),
            organisation=UUID(organisation["id"]),
        )


async def test_the_database_reads_days_as_the_rule_does(registry: Running, room: Room) -> None:
    """`ends` and the filter by state are written twice, in Python and in SQL: they agree on every mandate and day."""
    today = date.fromisoformat(day(registry))
    made = []
    for until, holds_over, end in [
        (None, False, None),
        (4, False, None),
        (4, True, None),
        (4, True, 2),
        (4, True, 6),
        (None, False, 3),
        (4, False, 0),
    ]:
        more = {"until": (today + timedelta(days=until)).isoformat()} if until else {}
        mandate = await room.mandate(await room.person(), "secretariat", day(registry), holds_over=holds_over, **more)
        if end is not None:
            body = {"reason": "mistake", "on": (today + timedelta(days=end)).isoformat()}
            answer = await room.post(f"/mandates/{mandate['id']}/end", body, await etag(room, mandate))
            assert answer.status_code == 200, answer.text
        made.append(mandate["id"])
    for offset in range(-1, 8):
        on = day(registry, offset)
        by_state: dict[str, str] = {}
        for state in ("designated", "in_office", "holding_over", "ended"):
            page = await room.found(f"/networks/{room.slug}/mandates", on=on, state=state)
            by_state |= {item["id"]: state for item in page["items"]}
            assert all(item["state"] == state for item in page["items"]), on
        assert by_state.keys() == set(made)
        held = {item["id"] for item in (await room.found(f"/networks/{room.slug}/mandates", on=on))["items"]}
        assert held == {id_ for id_, state in by_state.items() if state in ("in_office", "holding_over")}
    rows = await registry.sql(
        "select ends, (case when ended_on is not null then ended_on when holds_over then null else until end) as wanted"
        " from mandates where network_id = :network",
        network=room.id,
    )
    assert len(rows) == 7
    assert all(row.ends == row.wanted for row in rows)


async def test_a_mandate_belongs_to_the_network_of_the_organisation(
    registry: Running, room: Room, other_room: Room
) -> None:
    elsewhere = await other_room.organisation()
    person = await room.person()
    body = {"person_id": person["id"], "role": "referent", "since": day(registry), "organisation_id": elsewhere["id"]}
    refused = await room.post(f"/networks/{room.slug}/mandates", body)
    assert problem(refused) == (422, "not-a-member")
    assert refused.json()["errors"][0]["path"] == "/organisation_id"
    assert (await room.found(f"/networks/{room.slug}/mandates"))["items"] == []
    assert await registry.published(f"registry.grant.{person['id']}.changed") == []


async def test_a_person_of_another_network_is_unknown(registry: Running, room: Room, other_room: Room) -> None:
    stranger = await other_room.person()
    body = {"person_id": stranger["id"], "role": "secretariat", "since": day(registry)}
    assert problem(await room.post(f"/networks/{room.slug}/mandates", body)) == (422, "person-unknown")


async def test_by_a_mandate_a_second_network_gets_to_know_a_person(
    registry: Running, admin: Caller, room: Room, other_room: Room
) -> None:
    person = await room.person()
    body = {"person_id": person["id"], "role": "secretariat", "since": day(registry)}
    await admin.made(f"/networks/{other_room.slug}/mandates", body)
    assert [item["id"] for item in (await other_room.found(f"/networks/{other_room.slug}/people"))["items"]] == [
        person["id"]
    ]
    assert {grant["network_id"] for grant in await grants(registry, person)} == {str(other_room.id)}


@pytest.mark.parametrize(
    ("wrong", "type_", "path"),
    [
        ({"role": "referent"}, "misplaced", "/organisation_id"),
        ({"role": "coordinator"}, "misplaced", "/territory"),
        ({"territory": "03"}, "misplaced", "/territory"),
        ({"role": "coordinator", "territory": "99"}, "territory-unknown", "/territory"),
        ({"until": "2020-01-01"}, "invalid-term", "/until"),
        ({"holds_over": True}, "invalid-term", "/holds_over"),
        ({"role": "king"}, "invalid", "/role"),
        ({"since": "domani"}, "invalid", "/since"),
        ({"since": None}, "invalid", "/since"),
        ({"person_id": "Giulia"}, "invalid", "/person_id"),
        ({"person_id": str(uuid4())}, "person-unknown", "/person_id"),
        ({"seat": 1}, "invalid", "/seat"),
    ],
)
async def test_what_is_wrong_with_a_mandate_is_named(
    registry: Running, room: Room, wrong: dict[str, Any], type_: str, path: str
) -> None:
    person = await room.person()
    body = {"person_id": person["id"], "role": "secretariat", "since": day(registry), **wrong}
    refused = await room.post(f"/networks/{room.slug}/mandates", body)
    assert problem(refused) == (422, type_)
    assert [error["path"] for error in refused.json()["errors"]] == [path]


async def test_a_stale_or_missing_etag_changes_nothing(registry: Running, room: Room) -> None:
    mandate = await room.mandate(await room.person(), "secretariat", day(registry))
    current = await etag(room, mandate)
    url = f"/mandates/{mandate['id']}/end"
    assert problem(await room.post(url, {"reason": "resigned"})) == (428, "if-match-missing")
    assert problem(await room.post(url, {"reason": "resigned"}, '"1"')) == (412, "version-mismatch")
    assert (await room.get(f"/mandates/{mandate['id']}")).headers["etag"] == current


async def test_a_repeated_key_gives_one_mandate_and_another_body_is_refused(registry: Running, room: Room) -> None:
    person = await room.person()
    body = {"person_id": person["id"], "role": "secretariat", "since": day(registry)}
    url = f"/networks/{room.slug}/mandates"
    first = await room.post(url, body, **{"idempotency-key": "una"})
    assert first.content == (await room.post(url, body, **{"idempotency-key": "una"})).content
    other = await room.post(url, {**body, "since": day(registry, 1)}, **{"idempotency-key": "una"})
    assert problem(other) == (422, "idempotency-key-reused")
    assert len((await room.found(url))["items"]) == 1


async def test_the_person_accepts_for_themselves_and_nobody_else_may(registry: Running, room: Room) -> None:
    person = await room.person()
    mandate = await room.mandate(person, "secretariat", day(registry, 5))
    holder = Caller(registry, registry.signed_in(UUID(person["id"])))
    stranger = Caller(registry, await registry.holder("member", room.id))
    assert (await holder.found(f"/mandates/{mandate['id']}"))["allowed_actions"] == ["accept"]
    url, tag = f"/mandates/{mandate['id']}/accept", '"1"'
    assert problem(await stranger.post(url, etag=tag)) == (403, "forbidden")
    accepted = await holder.post(url, etag=tag)
    assert (accepted.status_code, accepted.json()["accepted_on"]) == (200, day(registry))
    assert (await told(registry, mandate))[-1] == ("changed", "designated")
    assert problem(await holder.post(url, etag=accepted.headers["etag"])) == (409, "not-possible-now")


async def test_a_term_is_extended_and_prolonged(registry: Running, room: Room) -> None:
    person = await room.person()
    mandate = await room.mandate(person, "secretariat", day(registry), until=day(registry, 5))
    url = f"/mandates/{mandate['id']}"
    later = await room.post(f"{url}/extend", {"until": day(registry, 9)}, await etag(room, mandate))
    assert (later.status_code, later.json()["ends"]) == (200, day(registry, 9))
    over = await room.post(f"{url}/hold-over", etag=later.headers["etag"])
    assert (over.status_code, over.json()["ends"], over.json()["holds_over"]) == (200, None, True)
    assert [fact for fact, _ in await told(registry, mandate)] == ["designated", "started", "extended", "changed"]
    assert [grant["until"] for grant in await grants(registry, person)] == [None]


async def test_lists_are_filtered_and_paged(registry: Running, room: Room) -> None:
    organisation = await room.organisation()
    giulia, marco = await room.person(), await room.person("Marco")
    today = day(registry)
    given = [
        ("representative", giulia, {"organisation_id": organisation["id"], "territory": "03"}),
        ("representative", marco, {"organisation_id": organisation["id"], "territory": "097"}),
        ("representative", giulia, {"organisation_id": organisation["id"], "territory": "E507"}),
        ("delegate", giulia, {"organisation_id": organisation["id"]}),
        ("secretariat", marco, {}),
        ("coordinator", marco, {"territory": "05"}),
    ]
    made = [(await room.mandate(person, role, today, **more))["id"] for role, person, more in given]
    url = f"/networks/{room.slug}/mandates"

    async def ids(**filters: Any) -> list[str]:
        return [item["id"] for item in (await room.found(url, **filters))["items"]]

    assert await ids() == made
    assert await ids(role=["delegate", "coordinator"]) == made[3:4] + made[5:]
    assert await ids(person=giulia["id"]) == [made[0], made[2], made[3]]
    assert await ids(organisation=organisation["id"], person=marco["id"]) == [made[1]]
    assert await ids(territory="03") == made[:3]  # the region, a province and a municipality in it
    assert await ids(territory=["097", "05"]) == [made[1], made[2], made[5]]
    assert await ids(territory="LC") == [made[1], made[2]]
    assert await ids(territory="99") == []
    assert await ids(state="designated") == []
    first = await room.found(url, limit=4)
    rest = await room.found(url, limit=4, after=first["next"])
    assert [item["id"] for item in first["items"] + rest["items"]] == made
    assert rest["next"] is None
    assert problem(await room.get(url, colour="red")) == (422, "invalid")


async def test_a_list_can_be_taken_into_a_spreadsheet(registry: Running, room: Room) -> None:
    await room.mandate(await room.person("=Giulia"), "secretariat", day(registry))
    room.headers = {**room.headers, "accept": "text/csv"}
    answer = await room.get(f"/networks/{room.slug}/mandates")
    header, row = answer.text.splitlines()
    assert header.startswith("id,network_id,person.id,person.name")
    assert "'=Giulia Serra" in row


async def test_members_read_mandates_and_only_the_secretariat_gives_them(registry: Running, room: Room) -> None:
    person = await room.person()
    mandate = await room.mandate(person, "secretariat", day(registry))
    member = Caller(registry, await registry.holder("member", room.id))
    shown = await member.found(f"/mandates/{mandate['id']}")
    assert shown["allowed_actions"] == []
    body = {"person_id": person["id"], "role": "secretariat", "since": day(registry, 1)}
    assert problem(await member.post(f"/networks/{room.slug}/mandates", body)) == (403, "forbidden")
    assert problem(await member.get(f"/networks/{room.slug}/people")) == (403, "forbidden")


async def test_when_an_organisation_leaves_nobody_acts_for_it_any_longer(registry: Running, room: Room) -> None:
    organisation, another = await room.organisation(), await room.organisation("Reti")
    person = await room.person()
    today, later = day(registry), day(registry, 30)
    held = await room.mandate(person, "referent", today, organisation_id=organisation["id"])
    coming = await room.mandate(person, "delegate", later, organisation_id=organisation["id"])
    kept = await room.mandate(person, "delegate", today, organisation_id=another["id"])
    await registry.settled()
    memberships = (await room.found(f"/networks/{room.slug}/memberships"))["items"]
    (leaving,) = [m for m in memberships if m["organisation"]["id"] == organisation["id"]]
    gone = await room.post(f"/memberships/{leaving['id']}/withdraw", {}, f'"{leaving["version"]}"')
    assert gone.status_code == 200, gone.text
    states = {
        m["id"]: (m["state"], m["end_reason"]) for m in (await room.found(f"/networks/{room.slug}/mandates"))["items"]
    }
    assert states == {
        held["id"]: ("ended", "organisation_left"),
        coming["id"]: ("ended", "organisation_left"),
        kept["id"]: ("in_office", None),
    }
    assert [grant["organisation_id"] for grant in await grants(registry, person)] == [another["id"]]
    body = {"person_id": person["id"], "role": "referent", "since": later, "organisation_id": organisation["id"]}
    assert problem(await room.post(f"/networks/{room.slug}/mandates", body)) == (422, "not-a-member")


async def test_replacing_ending_and_time_passing_at_once_never_deadlock(registry: Running, room: Room) -> None:
    """Whatever comes first: each request is done or refused, at most one holder remains, the facts stay in order."""
    organisation = await room.organisation()
    people = [await room.person(f"Persona {n}") for n in range(6)]
    held = await room.mandate(
        people[0],
        "referent",
        day(registry),
        until=day(registry, 1),
        holds_over=True,
        organisation_id=organisation["id"],
    )
    tag = await etag(room, held)
    url = f"/mandates/{held['id']}"
    tomorrow = {"since": day(registry, 1)}
    answers, *_ = await asyncio.gather(
        asyncio.gather(
            *(room.post(f"{url}/replace", {"person_id": p["id"], **tomorrow}, tag) for p in people[1:]),
            room.post(f"{url}/end", {"reason": "resigned", "on": day(registry, 1)}, tag),
            room.post(f"{url}/accept", etag=tag),
        ),
        let_pass(registry, 1),
    )
    assert {answer.status_code for answer in answers} <= {200, 201, 409, 412, 422}
    assert sum(answer.is_success for answer in answers) <= 2  # the one that was first, and an acceptance before it
    await registry.settled()
    assert len(await holders(room, day(registry), role="referent")) <= 1
    await told(registry, held)


async def test_a_mandate_that_overlaps_is_refused_with_the_day_that_would_do(registry: Running, room: Room) -> None:
    person, organisation = await room.person(), await room.organisation()
    held = {"person_id": person["id"], "role": "delegate", "organisation_id": organisation["id"]}
    url, since, until = f"/networks/{room.slug}/mandates", day(registry, 5), day(registry, 9)
    first = await room.made(url, {**held, "since": since, "until": until})
    for days, error in (
        ({"since": day(registry, 8)}, {"path": "/since", "code": "held", "accepted": f"from {until}"}),
        ({"since": day(registry)}, {"path": "/until", "code": "held", "accepted": f"not after {since}"}),
    ):
        refused = await room.post(url, {**held, **days})
        assert problem(refused) == (409, "held-already")
        assert first["id"] in refused.json()["detail"]
        assert refused.json()["errors"] == [error]
    assert [item["id"] for item in (await room.found(url))["items"]] == [first["id"]], "nothing half done"
    await room.made(url, {**held, "since": until})
