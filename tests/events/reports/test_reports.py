"""Reports over HTTP and facts: figures counted again from what the tests told, versions, readers, the archive."""

from __future__ import annotations

import asyncio
import csv
import io
import zipfile
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import pypdf
import pytest
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from uuid_utils.compat import uuid7

from services.events.policy import Right
from services.events.reports import queries
from shared.access.actor import Actor
from shared.contracts.registry import OutcomeRecorded, OutcomeRemoved, ProjectOpened
from tests.events.contributions.test_contributions import opened, tagged, write, writer
from tests.events.hall import Hall
from tests.events.registrations.public import Fair
from tests.events.reports.programme import KINDS, REGION, Programme
from tests.events.reports.test_document import flat, metadata
from tests.events.room import Room, problem
from tests.harness import Running

pytestmark = pytest.mark.timeout(180)

EVERYBODY = ("present", "remote", "present", "excused", "remote", "absent", "present", "remote")


def text_of(pdf: bytes) -> str:
    return flat(" ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages))


async def test_every_figure_is_that_of_the_facts(room: Room) -> None:
    programme = await Programme.adopted(room)
    first = await programme.met(*EVERYBODY, decisions=3)
    await programme.met("absent", "present", "absent", "present", "present", "present", "present", "absent")
    await programme.kept(first, "fulfilled", "late")
    left = await programme.left("organisational_form", "management_model", "intervention")
    await programme.measured(40.0, 70.0, 0.5)
    crossing = await programme.crossed()
    await room.convened(programme.committee.id, series_id=programme.series["id"], days=20)
    await room.meeting(programme.committee.id, series_id=programme.series["id"], days=40)  # a draft says nothing
    report, said = await programme.reported(crossings=[str(crossing)])
    chapters = said["chapters"]

    part = chapters["participation"]
    there = programme.there()
    assert (part["held"], part["to_come"], part["second_calls"]) == (2, 1, 0)
    assert part["presences"] == len(there)
    assert part["remote"] == sum(mode == "remote" for _, mode in there)
    assert part["organisations"] == part["people"] == len({seat for seat, _ in there})
    for mode in ("excused", "absent"):
        assert part[mode] == sum(one == mode for roll in programme.rolls for one in roll)
    found = {one["kind"]: (one["organisations"], one["presences"]) for one in part["by_kind"]}
    assert found == programme.counted(programme.kinds)
    places = {one["territory"]["name"]: (one["organisations"], one["presences"]) for one in part["by_territory"]}
    assert places == programme.counted([REGION[town] for town in programme.towns])
    assert [(one["body"]["name"], one["meetings"], one["presences"]) for one in part["by_body"]] == [
        ("Gruppo di Lecco", 2, len(there))
    ]

    composition = chapters["composition"]
    assert (composition["organisations"], composition["delegates"]) == (8, 8)
    assert {one["kind"]: one["share"]["count"] for one in composition["by_kind"]} == KINDS
    assert {one["code"]: (one["share"]["count"], one["share"]["percent"]) for one in composition["groups"]} == {
        "associations": (4, 50), "community_foundations": (0, 0), "csv": (2, 25),
        "cooperatives_and_public": (1, 13), "others": (1, 13),
    }  # fmt: skip
    assert composition["percent_sum"] == 101

    owed = chapters["decisions"]["owed"]
    assert (chapters["decisions"]["adopted"], owed["made"]) == (3, 3)
    assert (owed["kept"]["count"], owed["kept_in_time"], owed["late"], owed["not_yet_known"]) == (1, 1, 1, 1)

    shown = chapters["crossings"]["items"][0]
    assert (shown["respondents"]["count"], shown["respondents"]["of"]) == (6, 7)
    assert (shown["of_organisations"]["count"], shown["of_organisations"]["of"]) == (6, 8)
    assert [(one["field"], one["mean"]) for one in shown["best"]] == [("Energie", 8.25)]

    gaps = [(one["group"]["name"], one["n"], one["gain"]) for one in chapters["knowledge"]["items"]]
    assert gaps == [("Rete di prova", 8, 0.5), ("Gruppo di Lecco", 8, 0.5)]
    assert {one["id"] for one in chapters["forms"]["items"]} == {str(left[0]), str(left[1])}
    assert [one["id"] for one in chapters["interventions"]["items"]] == [str(left[2])]
    assert (chapters["partnerships"]["empty"], chapters["contributions"]["empty"]) == (
        "none_recorded", "none_contributed",
    )  # fmt: skip
    assert report["empty"] == ["contributions", "partnerships"]


async def test_the_pdf_the_json_and_the_page_are_one(room: Room) -> None:
    programme = await Programme.adopted(room)
    await programme.met(*EVERYBODY, decisions=1)
    report, said = await programme.reported(title="Che cosa è stato fatto")
    raw = await room.get(f"/reports/{report['id']}.json")
    pdf = await room.get(f"/reports/{report['id']}.pdf")
    assert sha256(raw.content).hexdigest() == report["document_sha256"] == raw.headers["etag"].strip('"')
    assert sha256(pdf.content).hexdigest() == report["sha256"] == pdf.headers["etag"].strip('"')
    assert "pdfuaid:part" in metadata(pdf.content)
    text = text_of(pdf.content)
    assert report["document_sha256"] in text
    page = await room.running.client.get(
        f"/events/v1/reports/{report['id']}", headers={**room.headers, "accept": "text/html"}
    )
    html = flat(page.text)
    part, composition = said["chapters"]["participation"], said["chapters"]["composition"]
    for line in (
        f"Riunioni tenute: {part['held']}.",
        f"Presenze: {part['presences']}, di cui {part['remote']} a distanza",
        f"le {composition['organisations']} organizzazioni",
        "Nessun incrocio è stato chiuso.",
        "Fare la cosa 1",
    ):
        assert flat(line) in text, line
        assert flat(line) in html, line
    assert (said["title"], said["number"], said["made_at"][:10]) == (
        "Che cosa è stato fatto", 1, room.now.isoformat()[:10],
    )  # fmt: skip


async def test_made_again_it_is_another_one_and_the_first_stays_as_it_was(room: Room) -> None:
    programme = await Programme.adopted(room)
    await programme.met(*EVERYBODY)
    first, said = await programme.reported()
    await programme.met(*EVERYBODY)
    second, now = await programme.reported()
    assert (first["number"], second["number"]) == (1, 2)
    assert await room.found(f"/reports/{first['id']}.json") == said
    assert (said["chapters"]["participation"]["held"], now["chapters"]["participation"]["held"]) == (1, 2)
    listed = await room.items(f"/networks/{room.slug}/reports", series=programme.series["id"])
    assert [one["id"] for one in listed] == [first["id"], second["id"]]
    for statement in (
        "update report_files set pdf = ''",
        "update reports set sha256 = 'x'",
        "update reports set title = 'Altro'",
        "delete from reports",
        "truncate report_files",
        "truncate reports cascade",
    ):
        with pytest.raises(DBAPIError, match="final"):
            await room.running.sql(statement)
    assert await room.found(f"/reports/{first['id']}.json") == said
    await room.running.sql("update reports set made_by = gen_random_uuid()")  # somebody who was entered twice


async def test_two_at_once_get_two_numbers(room: Room) -> None:
    programme = await Programme.adopted(room)
    made = await asyncio.gather(*(programme.reported() for _ in range(3)))
    assert sorted(report["number"] for report, _ in made) == [1, 2, 3]


async def test_everybody_reads_it_once_it_is_released_and_nobody_after_its_withdrawal(room: Room) -> None:
    programme = await Programme.adopted(room)
    report, said = await programme.reported()
    client, public = room.running.client, f"/events/v1/reports/public/{report['id']}"
    every = (public, f"{public}.pdf", f"{public}.json")
    assert [(await client.get(url)).status_code for url in every] == [404, 404, 404]
    released = await room.made(f"/reports/{report['id']}/release", None, f'"{report["version"]}"')
    assert (released["state"], released["public_href"]) == ("released", public)
    page, pdf, figures = [await client.get(url) for url in every]
    assert (figures.json(), sha256(pdf.content).hexdigest()) == (said, report["sha256"])
    assert "Relazione finale: Palestre di capacità" in page.text
    assert f'href="{public}.pdf"' in page.text
    for answer, url in zip((page, pdf, figures), every, strict=True):
        assert answer.headers["cache-control"] == "public, max-age=60"
        again = await client.get(url, headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert problem(await room.post(f"/reports/{report['id']}/release", None, f'"{released["version"]}"')) == (
        409, "report-not-possible-now",
    )  # fmt: skip
    await room.made(f"/reports/{report['id']}/withdraw", None, f'"{released["version"]}"')
    assert [(await client.get(url)).status_code for url in every] == [404, 404, 404]
    facts = await room.running.published(f"events.report.{report['id']}.*")
    assert [(kind.split(".")[3], body["state"], body["version"]) for kind, body in facts] == [
        ("made", "made", 1), ("released", "released", 2), ("withdrawn", "withdrawn", 3),
    ]  # fmt: skip
    assert facts[0][1]["sha256"] == report["sha256"]
    assert facts[0][1]["series_id"] == programme.series["id"]


async def test_an_address_that_is_none_is_not_found(room: Room) -> None:
    client = room.running.client
    for name in (str(uuid7()), "x", "1.pdf", "%00.json", "../../etc/passwd"):
        assert (await client.get(f"/events/v1/reports/public/{name}")).status_code == 404, name
    page = await client.get(f"/events/v1/reports/public/{uuid7()}", headers={"accept-language": "en"})
    assert "Report not found" in page.text


async def test_who_may(events: Running, room: Room) -> None:
    programme = await Programme.adopted(room)
    report, _ = await programme.reported()
    member = await room.caller("representative")
    regional = await room.caller("coordinator", territory="03")
    stranger = await Room.founded(events)
    make, evidence = f"/series/{programme.series['id']}/reports", f"/series/{programme.series['id']}/evidence"
    for caller in (member, regional, stranger):
        assert problem(await caller.post(make, {})) == (403, "forbidden")
        assert problem(await caller.get(evidence)) == (403, "forbidden")
        assert problem(await caller.post(f"/reports/{report['id']}/release", None, '"1"')) == (403, "forbidden")
    assert problem(await member.get(f"/reports/{report['id']}"))[0] == 404
    assert problem(await stranger.get(f"/reports/{report['id']}.pdf"))[0] == 403
    assert await member.items(f"/networks/{room.slug}/reports") == []
    assert problem(await room.post(f"/reports/{report['id']}/release", None))[0] == 428
    assert problem(await room.post(f"/reports/{report['id']}/release", None, '"9"'))[0] == 412
    await room.made(f"/reports/{report['id']}/release", None, '"1"')
    found = await member.found(f"/reports/{report['id']}")
    assert (found["state"], found["allowed_actions"]) == ("released", [])
    assert (await member.get(f"/reports/{report['id']}.pdf")).status_code == 200


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({"title": "a\x00b"}, "/title"),
        ({"title": "x" * 201}, "/title"),
        ({"groups": [{"title": "Nessuno"}]}, "/groups/0"),
        ({"groups": [{"title": "A", "kinds": ["csv"]}] * 31}, "/groups"),
        ({"ballots": [str(UUID(int=7))]}, "/ballots/0"),
        ({"crossings": [str(UUID(int=7))]}, "/crossings/0"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_what_cannot_be_asked_is_refused(room: Room, asked: Any, path: str) -> None:
    programme = await Programme.adopted(room)
    answer = await room.post(f"/series/{programme.series['id']}/reports", asked)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["path"] == path


async def test_a_crossing_of_another_network_is_nobody_elses(events: Running, room: Room) -> None:
    other = await Programme.adopted(await Room.founded(events))
    theirs = await other.crossed()
    own = await Programme.adopted(room)
    answer = await room.post(f"/series/{own.series['id']}/reports", {"crossings": [str(theirs)]})
    assert problem(answer)[0] == 422


async def test_a_project_of_another_network_is_not_named(events: Running, room: Room) -> None:
    theirs, other = uuid7(), await Room.founded(events)
    days = {"since": room.today, "last_day": room.today + timedelta(9)}
    project = {"id": theirs, "version": 1, "network_id": other.id, "title": "Di altri", "state": "running"}
    await other.tell(ProjectOpened(**project, **days, budget_cents=1))
    frame = {"title": "Programma", "project_id": str(theirs)} | {name: day.isoformat() for name, day in days.items()}
    series = await room.made(f"/networks/{room.slug}/series", frame)
    report = await room.made(f"/series/{series['id']}/reports", {})
    assert (await room.found(f"/reports/{report['id']}.json"))["project"] is None


async def test_unknown_subjects_are_not_found(room: Room) -> None:
    assert problem(await room.post(f"/series/{uuid7()}/reports", {}))[0] == 404
    assert problem(await room.post(f"/networks/{room.slug}/projects/{uuid7()}/reports", {}))[0] == 404
    assert problem(await room.get(f"/series/{uuid7()}/evidence"))[0] == 404
    assert problem(await room.get(f"/reports/{uuid7()}"))[0] == 404


async def test_a_project_is_reported_with_all_of_its_programmes(room: Room) -> None:
    programme = await Programme.adopted(room)
    await programme.met(*EVERYBODY)
    await programme.left("partnership")
    path = f"/networks/{room.slug}/projects/{programme.project}"
    report = await room.made(f"{path}/reports", {})
    said = await room.found(f"/reports/{report['id']}.json")
    assert (said["subject"]["kind"], said["title"]) == ("project", "Relazione finale: Comunità in rete")
    assert said["programmes"] == ["Palestre di capacità"]
    assert (said["chapters"]["participation"]["held"], said["chapters"]["partnerships"]["count"]) == (1, 1)
    assert report["subject"]["href"] == f"/registry/v1/projects/{programme.project}"
    unknown = await room.get(f"{path}/evidence", action=str(uuid7()))
    assert problem(unknown)[0] == 422


async def statements(programme: Programme) -> int:
    """How many statements gather all that a report says."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    admin, now = Actor(person_id=uuid7(), admin=True), programme.room.now
    async with programme.room.running.context.database.sessions() as session:
        connection = (await session.connection()).sync_connection
        event.listen(connection, "before_cursor_execute", note)
        scope = await queries.of_series(session, admin, UUID(programme.series["id"]), Right.WRITE_REPORTS, now=now)
        await queries.gather(session, scope)
    return len(sent)


async def test_more_meetings_take_no_more_statements(room: Room) -> None:
    programme = await Programme.adopted(room)
    await programme.met(*EVERYBODY, decisions=1)
    few = await statements(programme)
    for _ in range(3):
        await programme.met(*EVERYBODY, decisions=2)
    await programme.left("intervention", "partnership")
    await programme.measured(40.0, 70.0, 0.5)
    assert await statements(programme) == few <= 16


async def test_the_archive_holds_the_evidence_and_its_sums(room: Room) -> None:
    programme = await Programme.adopted(room)
    await programme.met(*EVERYBODY, decisions=2)
    await programme.met(*EVERYBODY)
    left = await programme.left("intervention")
    report, _ = await programme.reported()
    path = f"/networks/{room.slug}/projects/{programme.project}/evidence"
    of_series = await room.get(f"/series/{programme.series['id']}/evidence")
    of_action = await room.get(path, action=str(programme.action))
    assert of_series.headers["content-type"] == "application/zip"
    assert of_series.headers["content-disposition"] == 'attachment; filename="prove-palestre-di-capacita.zip"'
    with zipfile.ZipFile(io.BytesIO(of_series.content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        listed = archive.read("SHA256SUMS").decode().splitlines()
        assert {line.split("  ")[1]: line.split("  ")[0] for line in listed} == {
            name: sha256(archive.read(name)).hexdigest() for name in names if name != "SHA256SUMS"
        }
        assert sha256(archive.read("relazione-1.pdf")).hexdigest() == report["sha256"]
        meetings = list(csv.DictReader(io.StringIO(archive.read("riunioni.csv").decode("utf-8-sig"))))
        assert [one["minutes_number"] for one in meetings] == [one["number"] for one in programme.minutes]
        rolls = [name for name in names if name.endswith("presenze.csv")]
        modes = [
            sorted(one["mode"] for one in csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig"))))
            for name in rolls
        ]
        assert modes == [sorted(roll) for roll in programme.rolls]
        minutes = [archive.read(name) for name in names if "/verbale-" in name]
        kept = [await room.get(f"/minutes/{one['id']}/pdf") for one in programme.minutes]
        assert minutes == [answer.content for answer in kept]
        decided = list(csv.DictReader(io.StringIO(archive.read("decisioni.csv").decode("utf-8-sig"))))
        assert [one["title"] for one in decided] == ["Fare la cosa 1", "Fare la cosa 2"]
        outcomes = list(csv.DictReader(io.StringIO(archive.read("esiti.csv").decode("utf-8-sig"))))
        assert [one["id"] for one in outcomes] == [str(one) for one in left]
        assert len([name for name in names if name.endswith("foglio-firme.pdf")]) == 2
    with zipfile.ZipFile(io.BytesIO(of_action.content)) as archive:
        assert [name for name in archive.namelist() if "/" in name] == [name for name in names if "/" in name]


async def test_what_is_told_late_twice_or_reversed_leaves_the_newest(room: Room) -> None:
    programme = await Programme.adopted(room)
    alike: dict[str, Any] = {
        "network_id": room.id, "project_id": programme.project, "kind": "intervention", "title": "Orto",
        "territory": "E507", "on": room.today + timedelta(0),
    }  # fmt: skip
    one, gone = uuid7(), uuid7()
    await room.tell(
        OutcomeRemoved(id=gone, version=2, network_id=room.id),
        OutcomeRecorded(id=gone, version=1, **alike),
        OutcomeRecorded(id=one, version=2, evidenced=True, **alike),
        OutcomeRecorded(id=one, version=1, **alike),
    )
    rows = await room.running.sql("select id, project_id, evidenced from outcomes where id in (:a, :b)", a=one, b=gone)
    assert {(row.id, row.project_id is not None, row.evidenced) for row in rows} == {
        (one, True, True), (gone, False, False),
    }  # fmt: skip


async def test_contributions_votes_without_a_meeting_and_the_public_are_in_it(room: Room) -> None:
    programme = await Programme.adopted(room)
    series, members = programme.series["id"], programme.committee.members
    collection = await opened(room, series_id=series)
    first = await write(writer(room, members[0].person_id), collection, "energies", "Otto volontari")
    second = await write(writer(room, members[1].person_id), collection, "tools", "Un furgone")
    await write(writer(room, members[1].person_id), collection, "tools", "Una sala")
    tags = await tagged(room, collection, (first, ["strength", "development"]), (second, ["strength"]))
    assert tags.status_code == 200, tags.text
    closes = (room.now + timedelta(days=5)).isoformat()
    call = {"question": "Si approva?", "body_id": str(programme.committee.id), "closes_at": closes}
    await room.made(f"/networks/{room.slug}/ballots", call)
    _, said = await programme.reported()
    found = said["chapters"]["contributions"]
    assert found["contributions"] == 3
    [one] = found["collections"]
    assert (one["contributors"], one["organisations"]) == (2, 2)
    assert {(cell["theme"], cell["tag"]): cell["count"] for cell in one["cells"]} == {
        ("Energie", "strength"): 1, ("Energie", "development"): 1, ("Strumenti", "strength"): 1,
        ("Strumenti", "untagged"): 1,
    }  # fmt: skip
    # nobody was invited to a meeting, and each of the eight was called to vote
    assert said["chapters"]["participation"]["empty"] == "no_meeting_held"
    assert (said["chapters"]["composition"]["organisations"], said["chapters"]["composition"]["delegates"]) == (8, 8)


async def test_outsiders_are_counted_beside_the_delegates(room: Room) -> None:
    programme = await Programme.adopted(room)
    meeting = await room.convened(programme.committee.id, series_id=programme.series["id"], open_to_public=True, days=1)
    fair = Fair(room, meeting)
    await fair.bound(2)
    codes = [await fair.registered(name) for name in ("Anna Rota", "Bruno Testa", "Carla Neri")]  # the third waits
    await Hall(room, programme.committee, meeting, {}).begin()
    await room.made(f"{fair.path}/check-in", {"code": codes[0]})
    etag = (await room.get(f"/meetings/{meeting['id']}")).headers["etag"]
    await room.made(f"/meetings/{meeting['id']}/close", etag=etag)
    _, said = await programme.reported()
    part = said["chapters"]["participation"]
    assert part["public"] == {"meetings": 1, "registered": 2, "attended": 1}
    assert (part["presences"], said["chapters"]["composition"]["organisations"]) == (0, 8)
