"""Contributions over HTTP: who writes, who changes, how they are tagged, searched and counted."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from services.events.contributions import queries
from shared.contracts.registry import OrganisationRegistered, PersonErased, Section
from shared.runtime import clock
from tests.events.room import Caller, Room, problem
from tests.rights.asking import told

pytestmark = pytest.mark.timeout(180)

THEMES = [
    {"code": "energies", "it": "Energie", "en": "Energies"},
    {"code": "community-networks", "it": "Reti di comunità", "en": "Community networks"},
    {"code": "tools", "it": "Strumenti", "en": "Tools"},
    {"code": "value-chains", "it": "Filiere", "en": "Value chains"},
]
WORDS = "Otto volontari"


async def opened(room: Room, **more: Any) -> Any:
    """A collection of the network with the four themes, open."""
    made = await room.made(f"/networks/{room.slug}/collections", {"title": "Prima fase", "themes": THEMES, **more})
    return await room.made(f"/collections/{made['id']}/open", {}, f'"{made["version"]}"')


def writer(room: Room, person: UUID) -> Caller:
    return room.person_calling(person)


async def write(
    caller: Caller, collection: Any, theme: str = "energies", text: str = "Otto volontari", **more: Any
) -> Any:
    body = {"theme": theme, "text": text, **more}
    return await caller.made(f"/collections/{collection['id']}/contributions", body)


async def refused(caller: Caller, collection: Any, **body: Any) -> tuple[int, str]:
    path = f"/collections/{collection['id']}/contributions"
    return problem(await caller.post(path, {"theme": "energies", "text": "Otto volontari", **body}))


async def closed(room: Room, collection: Any) -> Any:
    etag = (await room.get(f"/collections/{collection['id']}")).headers["etag"]
    return await room.made(f"/collections/{collection['id']}/close", etag=etag)


async def delegate(room: Room, territory: str | None = None, **organisation: Any) -> tuple[UUID, UUID]:
    """A person with a mandate of an organisation, and the organisation."""
    known = {"title": "Ponti", "kind": "association", **organisation}
    own = OrganisationRegistered(id=uuid7(), version=1, **known)
    person = room.person()
    mandate = room.mandate(person.id, "delegate", organisation_id=own.id, territory=territory)
    await room.tell(own, person, mandate)
    return person.id, own.id


# --- who writes -----------------------------------------------------------------------------------------------------


async def test_whoever_holds_a_mandate_contributes_for_its_organisation(room: Room) -> None:
    collection = await opened(room)
    person, organisation = await delegate(room, "E507")
    made = await write(writer(room, person), collection)
    assert made["organisation"]["id"] == str(organisation)
    assert (made["person"]["name"], made["territory"], made["region"]) == ("Giulia Serra", "E507", "03")
    assert (made["entered_by"], made["tags"], made["allowed_actions"]) == (None, [], ["change", "take_back"])
    assert made["theme"] == THEMES[0]
    known = await room.found(f"/collections/{collection['id']}")
    assert (known["contributions"], known["contributors"], known["organisations"]) == (1, 1, 1)


async def test_without_a_mandate_or_after_it_ended_nobody_contributes(room: Room) -> None:
    collection = await opened(room)
    stranger = await room.caller("member")  # a grant is no mandate in a body
    assert await refused(stranger, collection) == (403, "contribution-not-entitled")
    person = room.person()
    mandate = room.mandate(person.id, "delegate", since=room.today - timedelta(days=9))
    await room.tell(person, mandate)
    made = await write(writer(room, person.id), collection)
    await room.tell(room.ended(mandate, room.today))
    assert await refused(writer(room, person.id), collection) == (403, "contribution-not-entitled")
    path, etag = f"/contributions/{made['id']}", f'"{made["version"]}"'
    changed = await writer(room, person.id).patch(path, {"text": "Altro"}, etag)
    assert problem(changed) == (403, "contribution-not-entitled")


async def test_a_mandate_that_begins_tomorrow_does_not_let_in_today(room: Room) -> None:
    collection = await opened(room)
    person = room.person()
    await room.tell(person, room.mandate(person.id, since=room.today + timedelta(days=1)))
    assert await refused(writer(room, person.id), collection) == (403, "contribution-not-entitled")


async def test_of_a_body_its_people_contribute_and_others_do_not(room: Room) -> None:
    committee = await room.committee(holders=2)
    collection = await opened(room, body_id=str(committee.id))
    assert (await write(writer(room, committee.members[0].person_id), collection))["organisation"]["name"] == "Ente 1"
    outside, _ = await delegate(room)
    assert await refused(writer(room, outside), collection) == (403, "contribution-not-entitled")


async def test_an_invitation_to_a_meeting_of_the_body_lets_in_who_has_no_seat(room: Room) -> None:
    committee = await room.committee(holders=1)
    collection = await opened(room, body_id=str(committee.id))
    guest, organisation = await delegate(room)
    assert await refused(writer(room, guest), collection) == (403, "contribution-not-entitled")
    meeting = await room.convened(committee.id)
    await invited(room, meeting, guest, organisation)
    assert (await write(writer(room, guest), collection))["organisation"]["id"] == str(organisation)


async def test_of_a_programme_the_people_of_its_bodies_contribute(room: Room) -> None:
    inside, outside = await room.committee(holders=1), await room.committee(holders=1)
    frame = {
        "title": "Palestre di capacità",
        "since": room.today.isoformat(),
        "last_day": (room.today + timedelta(days=300)).isoformat(),
        "bodies": [str(inside.id)],
        "quotas": [{"count": 18}],
    }
    series = await room.made(f"/networks/{room.slug}/series", frame)
    collection = await opened(room, series_id=series["id"])
    assert collection["series"]["name"] == "Palestre di capacità"
    made = await write(writer(room, inside.members[0].person_id), collection)
    assert made["organisation"]["name"] == "Ente 1"
    assert await refused(writer(room, outside.members[0].person_id), collection) == (403, "contribution-not-entitled")
    path = f"/networks/{room.slug}/collections"
    assert [one["id"] for one in await room.items(path, series=series["id"])] == [collection["id"]]
    async with room.running.context.database.sessions() as session:
        (counted,) = await queries.counts(session, series_id=UUID(series["id"]))
        assert (counted.contributions, counted.cells[0].contributions, len(counted.cells)) == (1, 1, 4)
        assert await queries.counts(session, series_id=uuid7()) == []


async def invited(room: Room, meeting: Any, person: UUID, organisation: UUID) -> None:
    await room.running.sql(
        "insert into invitations (id, meeting_id, network_id, person_id, organisation_id, state, version)"
        " values (uuidv7(), :meeting, :network, :person, :organisation, 'issued', 1)",
        meeting=meeting["id"],
        network=room.id,
        person=person,
        organisation=organisation,
    )


async def test_who_holds_several_mandates_says_by_which_one(room: Room) -> None:
    collection = await opened(room)
    person, first, second = room.person(), room.organisation("Ponti"), room.organisation("Rive")
    one, other = (room.mandate(person.id, organisation_id=id_) for id_ in (first.id, second.id))
    await room.tell(person, first, second, one, other)
    caller = writer(room, person.id)
    answer = await caller.post(f"/collections/{collection['id']}/contributions", {"theme": "tools", "text": "Sì"})
    assert problem(answer) == (422, "mandate-not-said")
    assert sorted(answer.json()["errors"][0]["accepted"]) == sorted([str(one.id), str(other.id)])
    made = await write(caller, collection, mandate_id=str(other.id))
    assert made["organisation"]["name"] == "Rive"
    assert await refused(caller, collection, mandate_id=str(uuid7())) == (403, "contribution-not-entitled")


async def test_the_coordination_enters_for_somebody_and_that_is_recorded(room: Room) -> None:
    collection = await opened(room)
    person, organisation = await delegate(room)
    path = f"/collections/{collection['id']}/contributions"
    made = await room.made(path, {"theme": "tools", "text": "Un furgone", "person_id": str(person)})
    assert (made["person"]["id"], made["organisation"]["id"]) == (str(person), str(organisation))
    assert made["entered_by"] is not None
    other, _ = await delegate(room)
    assert await refused(writer(room, other), collection, person_id=str(person)) == (403, "forbidden")
    assert await refused(room, collection, person_id=str(uuid7())) == (409, "not-yet-known")
    stranger = room.person()
    await room.tell(stranger)
    assert await refused(room, collection, person_id=str(stranger.id)) == (403, "contribution-not-entitled")


async def test_nobody_rewrites_what_another_wrote(room: Room) -> None:
    collection = await opened(room)
    person, _ = await delegate(room)
    own = await write(writer(room, person), collection)
    entered = await room.made(
        f"/collections/{collection['id']}/contributions",
        {"theme": "tools", "text": "Un furgone", "person_id": str(person)},
    )
    by_room = await room.patch(f"/contributions/{own['id']}", {"text": "Altro"}, f'"{own["version"]}"')
    assert problem(by_room) == (403, "contribution-not-theirs")
    etag = f'"{entered["version"]}"'
    changed = (await room.patch(f"/contributions/{entered['id']}", {"text": "Due furgoni"}, etag)).json()
    assert changed["text"] == "Due furgoni"
    mine = await writer(room, person).patch(f"/contributions/{entered['id']}", {"theme": "energies"}, '"2"')
    assert (mine.json()["theme"]["code"], mine.json()["version"]) == ("energies", 3)
    other, _ = await delegate(room)
    assert problem(await writer(room, other).get(f"/contributions/{own['id']}")) == (403, "forbidden")


async def test_others_see_their_own_and_the_coordination_all(room: Room) -> None:
    collection = await opened(room)
    people = [(await delegate(room))[0] for _ in range(2)]
    for person in people:
        await write(writer(room, person), collection)
    path = f"/collections/{collection['id']}/contributions"
    assert len(await room.items(path)) == 2
    (own,) = await writer(room, people[0]).items(path)
    assert own["person"]["id"] == str(people[0])


# --- while it is open -----------------------------------------------------------------------------------------------


async def test_a_closed_collection_takes_and_changes_nothing_and_may_be_opened_again(room: Room) -> None:
    collection = await opened(room)
    person, _ = await delegate(room)
    made = await write(writer(room, person), collection)
    shut = await closed(room, collection)
    assert (shut["state"], shut["open"], shut["allowed_actions"]) == (
        "closed",
        False,
        ["change", "open", "tag", "synthesise"],
    )
    path, etag = f"/contributions/{made['id']}", f'"{made["version"]}"'
    assert await refused(writer(room, person), collection) == (409, "collection-not-possible-now")
    changed = await writer(room, person).patch(path, {"text": "Altro"}, etag)
    assert problem(changed) == (409, "collection-not-possible-now")
    gone = await room.running.client.delete(
        f"/events/v1{path}", headers={**writer(room, person).headers, "if-match": etag}
    )
    assert problem(gone) == (409, "collection-not-possible-now")
    again = await room.made(f"/collections/{collection['id']}/open", {}, f'"{shut["version"]}"')
    assert (again["state"], again["closed_at"]) == ("open", None)
    assert (await writer(room, person).patch(path, {"text": "Altro"}, etag)).status_code == 200


async def test_its_end_closes_it_and_not_a_moment_later(room: Room) -> None:
    ends = room.now + timedelta(hours=2)
    collection = await opened(room, closes_at=ends.isoformat())
    person, _ = await delegate(room)
    await write(writer(room, person), collection)
    file = room.running.context.settings.clock_file
    assert file is not None
    clock.set(file, ends)
    assert await refused(writer(room, person), collection) == (409, "collection-not-possible-now")
    await room.running.settled()
    known = await room.found(f"/collections/{collection['id']}")
    assert (known["state"], known["closed_at"]) == ("closed", known["closes_at"])


async def test_an_end_that_is_moved_on_closes_it_then(room: Room) -> None:
    ends = room.now + timedelta(hours=2)
    collection = await opened(room, closes_at=ends.isoformat())
    later = ends + timedelta(hours=2)
    moved = await room.patch(
        f"/collections/{collection['id']}", {"closes_at": later.isoformat()}, f'"{collection["version"]}"'
    )
    assert moved.status_code == 200, moved.text
    file = room.running.context.settings.clock_file
    assert file is not None
    clock.set(file, ends + timedelta(minutes=1))
    await room.running.settled()
    assert (await room.found(f"/collections/{collection['id']}"))["state"] == "open"
    clock.set(file, later)
    await room.running.settled()
    assert (await room.found(f"/collections/{collection['id']}"))["state"] == "closed"


async def test_what_is_taken_back_is_gone(room: Room) -> None:
    collection = await opened(room)
    person, _ = await delegate(room)
    made = await write(writer(room, person), collection)
    headers = {**writer(room, person).headers, "if-match": f'"{made["version"]}"'}
    gone = await room.running.client.delete(f"/events/v1/contributions/{made['id']}", headers=headers)
    assert gone.status_code == 204
    assert (await room.get(f"/contributions/{made['id']}")).status_code == 404
    assert (await room.found(f"/collections/{collection['id']}"))["contributions"] == 0


async def test_a_version_that_was_not_seen_is_not_overwritten(room: Room) -> None:
    collection = await opened(room)
    person, _ = await delegate(room)
    made = await write(writer(room, person), collection)
    path, caller = f"/contributions/{made['id']}", writer(room, person)
    answers = await asyncio.gather(*(caller.patch(path, {"text": f"Testo {n}"}, '"1"') for n in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
    assert problem(await caller.patch(path, {"text": "Altro"})) == (428, "if-match-missing")


# --- drafts ---------------------------------------------------------------------------------------------------------


async def test_a_draft_is_its_coordinations_and_is_not_opened_without_themes(room: Room) -> None:
    made = await room.made(f"/networks/{room.slug}/collections", {"title": "Prima fase"})
    path = f"/collections/{made['id']}"
    assert (await (await room.caller("member")).get(path)).status_code == 404
    assert await (await room.caller("member")).items(f"/networks/{room.slug}/collections") == []
    nothing = await room.post(f"{path}/open", {}, f'"{made["version"]}"')
    assert problem(nothing) == (422, "collection-invalid")
    assert nothing.json()["errors"][0]["path"] == "/themes"
    twice = await room.patch(path, {"themes": [THEMES[0], THEMES[0]]}, f'"{made["version"]}"')
    assert (problem(twice), twice.json()["errors"][0]["path"]) == ((422, "collection-invalid"), "/themes/1/code")
    put = (await room.patch(path, {"themes": THEMES[:2]}, f'"{made["version"]}"')).json()
    assert ([theme["code"] for theme in put["themes"]], put["version"]) == (["energies", "community-networks"], 2)
    live = await room.made(f"{path}/open", {}, f'"{put["version"]}"')
    late = await room.patch(path, {"themes": THEMES}, f'"{live["version"]}"')
    assert problem(late) == (409, "collection-not-possible-now")
    assert [one["id"] for one in await (await room.caller("member")).items(f"/networks/{room.slug}/collections")] == [
        made["id"]
    ]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"title": ""}, "/title"),
        ({"title": "Fase", "closes_at": "2001-01-01T00:00:00Z"}, "/closes_at"),
        ({"title": "Fase", "closes_at": "9999-12-31T23:59:59Z"}, "/closes_at"),
        ({"title": "Fase", "series_id": "01936f5e-8a00-7000-8000-0000000000b1"}, "/series_id"),
        ({"title": "Fase", "themes": [{"code": "Energie!", "it": "E", "en": "E"}]}, "/themes/0/code"),
        ({"title": "Fase", "themes": [THEMES[0]] * 31}, "/themes"),
        ({"title": "Fa\x00se"}, "/title"),
    ],
)
async def test_what_a_collection_does_not_take(room: Room, body: dict[str, Any], path: str) -> None:
    answer = await room.post(f"/networks/{room.slug}/collections", body)
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, path)


@pytest.mark.parametrize("text", ["", "   ", "a\x00b", "x" * 5001])
async def test_what_a_contribution_does_not_take(room: Room, text: str) -> None:
    collection = await opened(room)
    person, _ = await delegate(room)
    assert await refused(writer(room, person), collection, text=text) == (422, "invalid")
    unknown = await writer(room, person).post(
        f"/collections/{collection['id']}/contributions", {"theme": "sport", "text": "Sì"}
    )
    assert problem(unknown) == (422, "theme-unknown")
    assert unknown.json()["errors"][0]["accepted"] == [theme["code"] for theme in THEMES]


# --- tags and counts ------------------------------------------------------------------------------------------------


async def tagged(room: Room, collection: Any, *items: tuple[Any, Sequence[str]]) -> Any:
    body = {"items": [{"contribution_id": made["id"], "tags": list(tags)} for made, tags in items]}
    return await room.post(f"/collections/{collection['id']}/tags", body)


async def test_many_are_tagged_at_once_and_counted_by_theme_with_the_zeroes(room: Room) -> None:
    collection = await opened(room)
    person, _ = await delegate(room)
    caller = writer(room, person)
    one = await write(caller, collection, "energies")
    two = await write(caller, collection, "energies", "Poche sedi")
    three = await write(caller, collection, "tools", "Un furgone")
    answer = await tagged(room, collection, (one, ["development", "strength"]), (two, ["weakness"]))
    assert answer.status_code == 200, answer.text
    rows = await room.items(f"/collections/{collection['id']}/counts")
    figures = {
        row["theme"]["code"]: tuple(
            row[n] for n in ("contributions", "strength", "weakness", "development", "untagged")
        )
        for row in rows
    }
    assert figures == {
        "energies": (2, 1, 1, 1, 0),
        "community-networks": (0, 0, 0, 0, 0),
        "tools": (1, 0, 0, 0, 1),
        "value-chains": (0, 0, 0, 0, 0),
    }
    assert list(figures) == [theme["code"] for theme in THEMES]
    seen = await room.found(f"/contributions/{one['id']}")
    assert (seen["tags"], seen["version"]) == (["strength", "development"], 2)
    await tagged(room, collection, (one, []), (three, ["strength"]))
    assert (await room.found(f"/contributions/{one['id']}"))["tags"] == []
    path = f"/collections/{collection['id']}/contributions"
    assert [item["id"] for item in await room.items(path, tag="untagged")] == [one["id"]]
    assert [item["id"] for item in await room.items(path, tag=["weakness", "strength"])] == [two["id"], three["id"]]


async def test_one_that_is_not_of_the_collection_leaves_all_untagged(room: Room) -> None:
    collection, other = await opened(room), await opened(room)
    person, _ = await delegate(room)
    mine, elsewhere = [await write(writer(room, person), one) for one in (collection, other)]
    answer = await tagged(room, collection, (mine, ["strength"]), (elsewhere, ["strength"]))
    assert (problem(answer), answer.json()["errors"][0]["path"]) == ((422, "invalid"), "/items/1/contribution_id")
    twice = await tagged(room, collection, (mine, ["strength"]), (mine, []))
    assert twice.json()["errors"][0]["code"] == "twice"
    assert (await room.found(f"/contributions/{mine['id']}"))["tags"] == []
    wrong = await tagged(room, collection, (mine, ["threat"]))
    assert wrong.json()["errors"][0]["accepted"] == ["strength", "weakness", "development"]
    assert problem(await tagged(room, collection)) == (422, "invalid")
    own = await writer(room, person).post(
        f"/collections/{collection['id']}/tags", {"items": [{"contribution_id": mine["id"], "tags": []}]}
    )
    assert problem(own) == (403, "forbidden")


async def test_a_text_that_changed_since_it_was_tagged_says_so(room: Room) -> None:
    collection = await opened(room)
    person, _ = await delegate(room)
    made = await write(writer(room, person), collection)
    await tagged(room, collection, (made, ["strength"]))
    seen = await room.found(f"/contributions/{made['id']}")
    assert seen["changed_since_tagged"] is False
    file = room.running.context.settings.clock_file
    assert file is not None
    clock.set(file, room.now + timedelta(minutes=1))
    changed = await writer(room, person).patch(f"/contributions/{made['id']}", {"text": "Altro"}, '"2"')
    assert (changed.json()["changed_since_tagged"], changed.json()["tags"]) == (True, ["strength"])


async def test_counts_by_kind_section_and_region_and_in_csv(room: Room) -> None:
    collection = await opened(room)
    aps = [Section(section="aps", since=date(2022, 1, 1)), Section(section="odv", since=date(2022, 1, 1))]
    lecco, _ = await delegate(room, "E507", sections=tuple(aps))
    turin, _ = await delegate(room, "01", kind="community_foundation")
    nowhere, _ = await delegate(room)
    made = [await write(writer(room, person), collection, "tools") for person in (lecco, turin, nowhere)]
    await tagged(room, collection, (made[0], ["strength"]), (made[1], ["strength"]))

    async def parted(by: str) -> dict[Any, tuple[int, int]]:
        rows = await room.items(f"/collections/{collection['id']}/counts", by=by)
        assert len(rows) == 4 * len({row["group"] for row in rows})
        assert sum(row["contributions"] for row in rows if row["theme"]["code"] != "tools") == 0
        return {
            row["group"]: (row["contributions"], row["strength"]) for row in rows if row["theme"]["code"] == "tools"
        }

    assert await parted("kind") == {"association": (2, 1), "community_foundation": (1, 1)}
    assert await parted("section") == {"": (2, 1), "aps": (1, 1), "odv": (1, 1)}
    assert await parted("region") == {"": (1, 0), "01": (1, 1), "03": (1, 1)}
    answer = await room.running.client.get(
        f"/events/v1/collections/{collection['id']}/counts?by=region", headers={**room.headers, "accept": "text/csv"}
    )
    rows = list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff")), delimiter=csv_delimiter(answer.text)))
    assert {row["group_name"] for row in rows} == {"", "Piemonte", "Lombardia"}
    path = f"/collections/{collection['id']}/contributions"
    assert [item["id"] for item in await room.items(path, territory="03")] == [made[0]["id"]]
    assert [item["id"] for item in await room.items(path, section="odv")] == [made[0]["id"]]
    assert [item["id"] for item in await room.items(path, kind="community_foundation")] == [made[1]["id"]]
    assert problem(await room.get(path, cohort="x")) == (422, "invalid")


def csv_delimiter(text: str) -> str:
    return ";" if ";" in text.splitlines()[0] else ","


async def test_texts_are_found_as_italian_is_written(room: Room) -> None:
    collection = await opened(room)
    person, _ = await delegate(room)
    one = await write(writer(room, person), collection, text="La povertà educativa nelle periferie")
    two = await write(writer(room, person), collection, text="Servono strumenti per i volontari")
    path = f"/collections/{collection['id']}/contributions"

    async def found(q: str) -> list[str]:
        return [item["id"] for item in await room.items(path, q=q)]

    assert await found("poverta") == [one["id"]]
    assert await found("POVERTÀ periferia") == [one["id"]]
    assert await found("strumento") == [two["id"]]
    assert await found("volontario OR educativa") == [one["id"], two["id"]]
    assert await found("strumenti -volontari") == []
    assert await found("50% '; drop table contributions; --") == []
    assert await found("dei") == [], "a word that says nothing finds nothing"


# --- what else happens ----------------------------------------------------------------------------------------------


async def test_an_erased_authors_text_stays_without_them(room: Room) -> None:
    collection = await opened(room)
    person, organisation = await delegate(room)
    made = await write(writer(room, person), collection)
    answer = await told(room.running, person, room.id, "erase", 9)
    held = {item["what"]: item["outcome"] for item in answer["holdings"]}
    assert held["contributions"] == "erased"
    await room.tell(PersonErased(id=person, version=9, network_id=room.id))
    seen = await room.found(f"/contributions/{made['id']}")
    assert (seen["person"], seen["text"], seen["organisation"]["id"]) == (None, "Otto volontari", str(organisation))
    assert (await room.found(f"/collections/{collection['id']}"))["contributions"] == 1


async def test_a_coordinator_collects_in_the_bodies_of_their_territory(room: Room) -> None:
    here, there = await room.committee(holders=1, territory="03"), await room.committee(holders=1, territory="01")
    coordinator = await room.caller("coordinator", territory="03")
    path, body = f"/networks/{room.slug}/collections", {"title": "Fase", "themes": THEMES}
    made = await coordinator.post(path, {**body, "body_id": str(here.id)})
    assert made.status_code == 201, made.text
    assert problem(await coordinator.post(path, {**body, "body_id": str(there.id)})) == (403, "forbidden")
    assert problem(await coordinator.post(path, body)) == (403, "forbidden")


async def test_the_same_request_again_contributes_once(room: Room) -> None:
    collection = await opened(room)
    person, _ = await delegate(room)
    headers = {**writer(room, person).headers, "idempotency-key": "una-volta"}
    path, body = f"/events/v1/collections/{collection['id']}/contributions", {"theme": "tools", "text": "Sì"}
    first, again = [await room.running.client.post(path, json=body, headers=headers) for _ in range(2)]
    assert first.json()["id"] == again.json()["id"]
    assert (await room.found(f"/collections/{collection['id']}"))["contributions"] == 1
