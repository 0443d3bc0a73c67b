"""The synthesis of a collection over HTTP: drafted, issued in versions that stand, sent to those it is for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError
from uuid_utils.compat import uuid7

from shared.contracts.registry import PersonMerged
from tests.events.contributions.test_contributions import delegate, opened, tagged, write, writer
from tests.events.room import Room, problem

pytestmark = pytest.mark.timeout(180)

TEXT = "## Energie\n\nI volontari ci sono.\n\n- otto a Lecco\n- due a Monza"


async def begun(room: Room, collection: Any, text: str = TEXT) -> Any:
    path = f"/collections/{collection['id']}/synthesis"
    return await room.made(path, {"title": "Sintesi della prima fase", "text": text})


async def issued(room: Room, synthesis: Any, **audience: Any) -> Any:
    path = f"/syntheses/{synthesis['id']}"
    etag = (await room.get(path)).headers["etag"]
    return await room.post(f"{path}/issue", {"audience": audience} if audience else {}, etag)


async def rewritten(room: Room, synthesis: Any, text: str) -> Any:
    path = f"/syntheses/{synthesis['id']}"
    etag = (await room.get(path)).headers["etag"]
    return (await room.patch(path, {"text": text}, etag)).json()


async def representative(room: Room, territory: str | None, role: str = "representative", **state: Any) -> UUID:
    person, organisation = room.person(), room.organisation()
    mandate = room.mandate(person.id, role, organisation_id=organisation.id, territory=territory, **state)
    await room.tell(person, organisation, mandate)
    return person.id


async def told(room: Room, aggregate: str, id_: Any = "*") -> list[Any]:
    return [body for _, body in await room.running.published(f"events.{aggregate}.{id_}.*")]


async def test_it_is_issued_to_the_representatives_for_the_regions_and_to_nobody_else(room: Room) -> None:
    collection = await opened(room)
    synthesis = await begun(room, collection)
    regional = [await representative(room, code) for code in ("03", "01", "021")]
    regional.append(await representative(room, "09", "referent"))
    await representative(room, None)
    await representative(room, "097")
    await representative(room, "03", "member")
    await representative(room, "05", since=room.today - timedelta(days=9), ended_on=room.today)
    await representative(room, "06", since=room.today + timedelta(days=1))
    answer = await issued(room, synthesis)
    assert answer.status_code == 200, answer.text
    version = answer.json()
    assert (version["number"], version["recipients"]) == (1, 4)
    path = f"/syntheses/{synthesis['id']}/versions/1/recipients"
    rows = await room.items(path)
    assert {row["person"]["id"] for row in rows} == {str(id_) for id_ in regional}
    assert {row["reach"] for row in rows} == {"regional"}
    await room.running.settled()
    (fact,) = await told(room, "synthesis", synthesis["id"])
    assert (fact["number"], fact["contributions"], fact["themes"][0]) == (1, 0, "energies")
    (sent,) = [body for body in await told(room, "synthesis_audience") if body["synthesis_id"] == synthesis["id"]]
    assert sorted(sent["people"]) == sorted(str(id_) for id_ in regional)
    assert (sent["number"], sent["part"]) == (1, 1)
    assert TEXT not in str(fact) + str(sent)
    member = await room.caller("member")
    assert problem(await member.get(path)) == (403, "forbidden")


@pytest.mark.parametrize(("name", "value"), [("role", "referent"), ("reach", "national")])
async def test_an_audience_that_repeats_itself_without_end_is_refused(room: Room, name: str, value: str) -> None:
    synthesis = await begun(room, await opened(room))
    asked: dict[str, Any] = {name: [value] * 50}
    refused = await room.get(f"/syntheses/{synthesis['id']}/audience", **asked)
    assert refused.status_code == 422, refused.text
    assert refused.json()["errors"][0]["path"] == f"?{name}"


async def test_an_audience_is_a_rule_that_can_be_tried_before(room: Room) -> None:
    collection = await opened(room)
    synthesis = await begun(room, collection)
    committee = await room.committee(holders=2)
    lecco = await representative(room, "E507")
    whole = await representative(room, None, "delegate")

    async def reached(**asked: Any) -> set[str]:
        rows = await room.items(f"/syntheses/{synthesis['id']}/audience", **asked)
        return {row["person"]["id"] for row in rows}

    sitting = {str(member.person_id) for member in committee.members}
    assert await reached(body=str(committee.id)) == sitting
    assert await reached(territory="03") == {str(lecco)}
    assert await reached(role="delegate", reach="national") == {str(whole)}
    assert await reached() == {str(lecco), *sitting}
    assert await reached(kind="comune") == set()
    assert problem(await issued(room, synthesis)) == (422, "synthesis-nobody-to-send-to")
    assert (await room.found(f"/syntheses/{synthesis['id']}"))["number"] == 0
    answer = await issued(room, synthesis, roles=["referent"], reaches=[], bodies=[str(committee.id)])
    assert (answer.json()["recipients"], answer.json()["audience"]["bodies"]) == (2, [str(committee.id)])
    wrong = await issued(room, synthesis, roles=["king"])
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["path"] == "/audience/roles/0"


async def test_counts_stay_as_they_were_when_it_was_issued(room: Room) -> None:
    collection = await opened(room)
    person, _ = await delegate(room, "03")
    one = await write(writer(room, person), collection)
    await tagged(room, collection, (one, ["strength"]))
    await representative(room, "03")
    synthesis = await begun(room, collection)
    version = (await issued(room, synthesis)).json()
    await write(writer(room, person), collection)
    await tagged(room, collection, (one, ["weakness"]))
    kept = await room.found(f"/syntheses/{synthesis['id']}/versions/1")
    assert kept == version
    assert [(row["theme"]["code"], row["contributions"], row["strength"]) for row in kept["counts"]][:2] == [
        ("energies", 1, 1),
        ("community-networks", 0, 0),
    ]
    assert kept["contributions"] == 1
    await rewritten(room, synthesis, TEXT + "\n- e uno a Como")
    second = (await issued(room, synthesis)).json()
    assert (second["number"], second["contributions"], second["counts"][0]["weakness"]) == (2, 2, 1)


async def test_what_was_issued_never_changes_whoever_tries(room: Room) -> None:
    collection = await opened(room)
    await representative(room, "03")
    synthesis = await begun(room, collection)
    await issued(room, synthesis)
    draft = await rewritten(room, synthesis, "Altro")
    assert (draft["text"], draft["draft"], draft["number"]) == ("Altro", True, 1)
    assert (await room.found(f"/syntheses/{synthesis['id']}/versions/1"))["text"] == TEXT
    for statement in (
        "update synthesis_versions set text = 'x' where synthesis_id = :id",
        "delete from synthesis_versions where synthesis_id = :id",
    ):
        with pytest.raises(DBAPIError, match="final"):
            await room.running.sql(statement, id=synthesis["id"])


async def test_others_read_what_was_issued_and_never_the_draft(room: Room) -> None:
    collection = await opened(room)
    synthesis = await begun(room, collection)
    path = f"/syntheses/{synthesis['id']}"
    member = await room.caller("member")
    assert (await member.get(path)).status_code == 404
    person = await representative(room, "03")
    await issued(room, synthesis)
    await rewritten(room, synthesis, "Altro")
    for reader in (member, room.person_calling(person)):
        seen = await reader.found(path)
        assert (seen["text"], seen["number"], seen["allowed_actions"]) == (TEXT, 1, [])
        compared = await reader.found(f"{path}/differences", older=1)
        assert [piece["kind"] for piece in compared["pieces"]] == ["same"]
    assert problem(await room.person_calling(uuid7()).get(path)) == (403, "forbidden")


async def test_the_same_text_is_not_issued_twice_and_a_collection_has_one_synthesis(room: Room) -> None:
    collection = await opened(room)
    await representative(room, "03")
    synthesis = await begun(room, collection, "")
    assert problem(await issued(room, synthesis)) == (409, "synthesis-nothing-to-issue")
    await rewritten(room, synthesis, TEXT)
    assert (await issued(room, synthesis)).status_code == 200
    assert problem(await issued(room, synthesis)) == (409, "synthesis-nothing-to-issue")
    again = await room.post(f"/collections/{collection['id']}/synthesis", {"title": "Altra"})
    assert (problem(again), synthesis["id"] in again.headers["location"]) == ((409, "synthesis-exists"), True)
    stale = await room.post(f"/syntheses/{synthesis['id']}/issue", {}, '"1"')
    assert problem(stale) == (412, "version-mismatch")
    assert problem(await room.post(f"/syntheses/{synthesis['id']}/issue", {})) == (428, "if-match-missing")


async def test_versions_are_compared_line_by_line(room: Room) -> None:
    collection = await opened(room)
    await representative(room, "03")
    synthesis = await begun(room, collection, "Uno\nDue\nTre")
    await issued(room, synthesis)
    await rewritten(room, synthesis, "Uno\nDue e mezzo\nTre\nQuattro")
    await issued(room, synthesis)
    path = f"/syntheses/{synthesis['id']}/differences"
    found = await room.found(path, older=1, newer=2)
    assert [(piece["kind"], piece["lines"]) for piece in found["pieces"]] == [
        ("same", ["Uno"]),
        ("removed", ["Due"]),
        ("added", ["Due e mezzo"]),
        ("same", ["Tre"]),
        ("added", ["Quattro"]),
    ]
    assert [one["number"] for one in await room.items(f"/syntheses/{synthesis['id']}/versions")] == [1, 2]
    assert (await room.get(path, older=3)).status_code == 404


async def test_the_page_and_the_pdf_of_a_link_show_the_last_version(room: Room) -> None:
    collection = await opened(room)
    person = await representative(room, "03")
    synthesis = await begun(room, collection, "Uno <script>alert(1)</script>")
    await issued(room, synthesis)
    await rewritten(room, synthesis, TEXT)
    await issued(room, synthesis)
    token = room.link("synthesis", synthesis["id"], person=str(person))
    client = room.running.client
    page = await client.get(f"/events/v1/syntheses/link?token={token}")
    assert (page.status_code, "otto a Lecco" in page.text, "Versione 2" in page.text) == (200, True, True)
    older = await client.get(f"/events/v1/syntheses/link?token={token}&number=1")
    assert "&lt;script&gt;" in older.text
    assert "<script>" not in older.text
    shown = await client.get(f"/events/v1/syntheses/link?token={token}", headers={"accept": "application/json"})
    assert (shown.json()["number"], shown.headers["cache-control"]) == (2, "no-store")
    pdf = await client.get(f"/events/v1/syntheses/link/pdf?token={token}")
    assert (pdf.headers["content-type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    own = await room.get(f"/syntheses/{synthesis['id']}/versions/2/pdf")
    assert own.content == pdf.content, "the same version is the same file"
    for purpose, subject in (("rsvp", synthesis["id"]), ("synthesis", uuid7())):
        refused = await client.get(f"/events/v1/syntheses/link?token={room.link(purpose, subject)}")
        assert refused.status_code in (400, 404)


async def test_what_a_duplicate_wrote_and_received_is_the_others_and_what_was_issued_stands(room: Room) -> None:
    collection = await opened(room)
    going, staying = await representative(room, "03"), await representative(room, "01")
    made = await write(writer(room, going), collection)
    synthesis = await begun(room, collection)
    assert (await issued(room, synthesis)).json()["recipients"] == 2
    await room.tell(PersonMerged(id=going, version=5, network_id=room.id, into_id=staying))
    assert (await room.found(f"/contributions/{made['id']}"))["person"]["id"] == str(staying)
    rows = await room.items(f"/syntheses/{synthesis['id']}/versions/1/recipients")
    assert [row["person"]["id"] for row in rows] == [str(staying)], "sent to one person, who had two records"
    assert (await room.found(f"/syntheses/{synthesis['id']}/versions/1"))["recipients"] == 2, "as it was then"


async def test_a_text_without_an_end_is_not_taken(room: Room) -> None:
    collection = await opened(room)
    path = f"/collections/{collection['id']}/synthesis"
    for text in ("x\n" * 3001 + "y", "x" * 50_001, "a\x00b"):
        answer = await room.post(path, {"title": "Sintesi", "text": text})
        assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "/text")
    assert problem(await (await room.caller("member")).post(path, {"title": "Sintesi"})) == (403, "forbidden")
