"""Projects over HTTP and facts: from the opening to the close, with FareLegami's figures."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.harness import Running
from tests.registry.conftest import Caller, Room, problem

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


class Desk:
    """A project as its secretariat works on it: each change with the version that it has seen."""

    def __init__(self, room: Room, shown: Any, lead: Any) -> None:
        self.room, self.shown, self.lead, self.version = room, shown, lead, shown["version"]

    @classmethod
    async def opened(cls, room: Room, **more: Any) -> Desk:
        lead = await room.organisation("Comune di Cremona")
        today = room.running.context.clock.today()
        body = {
            "title": "FareLegami", "since": (today - timedelta(400)).isoformat(), "lead_id": lead["id"],
            "last_day": (today + timedelta(700)).isoformat(), **more,
        }  # fmt: skip
        return cls(room, await room.made(f"/networks/{room.slug}/projects", body), lead)

    @property
    def url(self) -> str:
        return f"/projects/{self.shown['id']}"

    async def send(self, method: str, path: str = "", body: Any = None, caller: Caller | None = None) -> Any:
        who = caller or self.room
        answer = await who._send(method, f"{self.url}{path}", body, f'"{self.version}"', {})
        if answer.is_success:
            self.version = int(answer.headers["etag"].strip('"'))
        return answer

    async def did(self, method: str, path: str = "", body: Any = None, caller: Caller | None = None) -> Any:
        answer = await self.send(method, path, body, caller)
        assert answer.is_success, answer.text
        return answer.json()

    async def partner(self, title: str, **more: Any) -> Any:
        organisation = await self.room.organisation(title)
        await self.did("POST", "/partners", {"items": [{"organisation_id": organisation["id"], **more}]})
        return organisation

    async def source(self, kind: str, cents: int, title: str = "Fonte") -> str:
        made = await self.did("POST", "/sources", {"kind": kind, "cents": cents, "title": title})
        return str(made["sources"][-1]["id"])

    async def pledged(self, source: str, cents: int, organisation: Any = None, year: int | None = None) -> str:
        body = {"year": year or self.today.year, "cents": cents}
        if organisation:
            body["organisation_id"] = organisation["id"]
        await self.did("POST", f"/sources/{source}/pledges", body)
        return str((await self.room.found(f"{self.url}/pledges", limit=200))["items"][-1]["id"])

    @property
    def today(self) -> date:
        return self.room.running.context.clock.today()

    async def budget(self) -> Any:
        return await self.room.found(f"{self.url}/budget")

    async def told(self) -> list[tuple[str, Any]]:
        facts = await self.room.running.published(f"registry.project.{self.shown['id']}.*")
        assert [body["version"] for _, body in facts] == sorted({body["version"] for _, body in facts})
        return [(type_.split(".")[3], body) for type_, body in facts]


async def referent(room: Room, organisation: Any) -> Caller:
    holder = await room.running.holder("referent", room.id, organisation_id=UUID(organisation["id"]))
    return Caller(room.running, holder)


async def test_a_project_is_opened_read_and_told(room: Room) -> None:
    desk = await Desk.opened(
        room, cup="j47 h15 000440006", funder="Fondazione Cariplo", notice="Welfare in azione",
        decree_number="123/2014", decree_day="2014-12-15", territories=["D150", "D142"],
    )  # fmt: skip
    shown = await room.found(desk.url)
    assert (shown["cup"], shown["lead"]["name"], shown["state"]) == ("J47H15000440006", "Comune di Cremona", "running")
    assert (shown["decree"], shown["territories"]) == ({"number": "123/2014", "day": "2014-12-15"}, ["D142", "D150"])
    assert [(one["role"], one["organisation"]["id"]) for one in shown["partners"]] == [("lead", desk.lead["id"])]
    assert (shown["budget"], shown["stages"]["pledged"]["share"]) == ({"cents": 0, "currency": "EUR"}, None)
    assert shown["outcomes"] == {
        "organisational_form": 0, "management_model": 0, "partnership": 0, "intervention": 0,
    }  # fmt: skip
    [(fact, told)] = await desk.told()
    assert (fact, told["lead_id"], told["cup"], told["budget_cents"]) == (
        "opened", desk.lead["id"], "J47H15000440006", 0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "code", "path"),
    [
        ({"cup": "123"}, "project-invalid", "/cup"),
        ({"last_day": "2000-01-01"}, "project-invalid", "/last_day"),
        ({"since": "1200-01-01"}, "project-invalid", "/since"),
        ({"decree_number": "1"}, "project-invalid", "/decree_day"),
        ({"lead_id": str(uuid4())}, "project-invalid", "/lead_id"),
        ({"title": " "}, "invalid", "/title"),
        ({"title": "a\x00b"}, "invalid", "/title"),
        ({"territories": ["ZZ99"]}, None, None),
        ({"colour": "red"}, "invalid", "/colour"),
    ],
)
async def test_a_project_that_cannot_be_is_refused(room: Room, wrong: Any, code: str | None, path: str | None) -> None:
    lead = await room.organisation()
    body = {"title": "P", "since": "2026-01-01", "last_day": "2027-12-31", "lead_id": lead["id"], **wrong}
    answer = await room.post(f"/networks/{room.slug}/projects", body)
    assert answer.status_code == 422, answer.text
    if code:
        assert problem(answer)[1] == code
        assert answer.json()["errors"][0]["path"] == path


async def test_a_cup_is_of_one_project_of_the_network(room: Room, other_room: Room) -> None:
    await Desk.opened(room, cup="J47H15000440006")
    lead = await room.organisation("Altro")
    body = {
        "title": "Altro", "since": "2026-01-01", "last_day": "2027-01-01", "lead_id": lead["id"],
        "cup": "J47H15000440006",
    }  # fmt: skip
    refused = await room.post(f"/networks/{room.slug}/projects", body)
    assert problem(refused) == (409, "cup-taken")
    await Desk.opened(other_room, cup="J47H15000440006")


async def test_farelegami_is_covered_by_the_grant_pledges_and_fundraising_over_three_years(room: Room) -> None:
    """E5: EUR 3,300,000, of which 1,500,000 granted (45.45 %) and 1,800,000 from pledges and fundraising."""
    desk = await Desk.opened(room)
    years = [desk.today.year - 1, desk.today.year, desk.today.year + 1]
    action = (await desk.did("POST", "/actions", {
        "title": "Laboratori", "since": desk.shown["since"], "last_day": desk.shown["last_day"],
        "organisation_id": desk.lead["id"],
    }))["actions"][0]  # fmt: skip
    await desk.did("POST", "/budget-lines", {"title": "Laboratori", "cents": 200_000_000, "action_id": action["id"]})
    await desk.did("POST", "/budget-lines", {"title": "Coordinamento", "cents": 130_000_000})
    grant = await desk.source("grant", 150_000_000, "Fondazione Cariplo")
    partners = await desk.source("co_funding", 150_000_000, "Partner")
    collected = await desk.source("fundraising", 30_000_000, "Raccolta")
    for year in years:
        await desk.pledged(grant, 50_000_000, year=year)
        await desk.pledged(partners, 50_000_000, desk.lead, year)
    dinner = {"on": desk.today.isoformat(), "cents": 30_000_000, "title": "Cene solidali"}
    await desk.did("POST", f"/sources/{collected}/entries", dinner)
    found = await desk.budget()
    assert found["total"]["cents"] == 330_000_000
    granted = found["kinds"]["grant"]["pledged"]
    assert (granted["amount"]["cents"], granted["of"]["cents"], granted["share"]) == (150_000_000, 330_000_000, 0.4545)
    others = sum(found["kinds"][kind]["pledged"]["amount"]["cents"] for kind in ("co_funding", "fundraising"))
    assert others == 180_000_000
    assert (found["stages"]["pledged"]["share"], found["uncovered"]["amount"]["cents"]) == (1.0, 0)
    assert [(one["year"], one["stages"]["pledged"]["amount"]["cents"]) for one in found["years"]] == [
        (years[0], 100_000_000), (years[1], 130_000_000), (years[2], 100_000_000),
    ]  # fmt: skip
    assert found["stages"]["paid"]["amount"]["cents"] == 30_000_000
    by_source = {one["kind"]: one for one in found["sources"]}
    assert [one["year"] for one in by_source["grant"]["years"]] == years
    assert by_source["grant"]["expected"]["share"] == 0.4545
    assert by_source["fundraising"]["entries"][0]["title"] == "Cene solidali"
    fact, told = (await desk.told())[-1]
    assert (fact, told["budget_cents"], told["granted_cents"], told["pledged_cents"], told["paid_cents"]) == (
        "changed", 330_000_000, 150_000_000, 330_000_000, 30_000_000,
    )  # fmt: skip
    shown = await room.found(desk.url)
    assert shown["actions"][0]["budget"]["cents"] == 200_000_000


async def test_more_than_a_hundred_bodies_over_three_areas_are_counted_once(room: Room) -> None:
    """E1: Crema, Cremona and Casalmaggiore; one that works in two of them is in both, and once in all."""
    desk = await Desk.opened(room, territories=["D142", "D150", "B898"])
    areas = ["D142", "D150", "B898"]
    rows = await room.running.sql(
        "with made as ("
        " insert into organisations (id, title, kind, municipality, created_at, updated_at, version)"
        " select gen_random_uuid(), 'Ente ' || n, 'informal_group', 'E507', now(), now(), 1"
        " from generate_series(1, 104) n returning id), joined as ("
        " insert into memberships (id, network_id, organisation_id, state, since, created_at, updated_at, version)"
        " select gen_random_uuid(), :network, id, 'active', current_date, now(), now(), 1 from made)"
        " select id from made",
        network=room.id,
    )
    items = [
        {"organisation_id": str(row.id), "role": "partner", "territories": [areas[n % 3]]} for n, row in enumerate(rows)
    ]
    items[0]["territories"] = areas[:2]
    items[-1]["territories"] = []  # it works where its seat is, which is elsewhere
    await desk.did("POST", "/partners", {"items": items})
    found = await room.found(f"{desk.url}/bodies")
    assert (found["total"], found["several"], found["elsewhere"]) == (105, 1, 2)  # with the lead, which has no seat
    assert [(one["code"], one["name"], one["of"]) for one in found["items"]] == [
        ("B898", "Casalmaggiore", 105), ("D142", "Crema", 105), ("D150", "Cremona", 105),
    ]  # fmt: skip
    assert sum(one["count"] for one in found["items"]) == 105 + 1 - 2
    assert found["roles"] == {"lead": 1, "partner": 104, "supporter": 0}
    assert len((await desk.told())[-1][1]["partners"]) == 105


async def test_what_is_signed_is_owed_and_closed_when_all_of_it_is_paid(room: Room) -> None:
    desk = await Desk.opened(room)
    partner = await desk.partner("CISVOL")
    source = await desk.source("co_funding", 100_000)
    pledge = await desk.pledged(source, 60_000, partner)
    url = f"/pledges/{pledge}"
    due = (desk.today + timedelta(30)).isoformat()
    owed = f"/networks/{room.slug}/commitments"
    assert (await room.found(owed, organisation=partner["id"]))["items"] == []
    await desk.did("POST", f"{url}/sign", {"cents": 50_000, "due": due, "document": "https://example.org/atto.pdf"})
    [commitment] = (await room.found(owed, organisation=partner["id"]))["items"]
    assert (commitment["source"], commitment["source_id"], commitment["due"], commitment["state"]) == (
        "project", pledge, due, "open",
    )  # fmt: skip
    assert (commitment["kind"], commitment["title"]) == ("contribution", f"FareLegami: contributo {desk.today.year}")
    await desk.did("POST", f"{url}/pay", {"cents": 20_000})
    assert (await room.found(f"/commitments/{commitment['id']}"))["state"] == "open"
    found = await desk.did("POST", f"{url}/pay", {"cents": 30_000, "reference": "Mandato 118"})
    assert (await room.found(f"/commitments/{commitment['id']}"))["state"] == "fulfilled"
    stages = {name: found["stages"][name]["amount"]["cents"] for name in ("pledged", "signed", "paid")}
    assert stages == {"pledged": 60_000, "signed": 50_000, "paid": 50_000}
    [one] = (await room.found(f"{desk.url}/pledges"))["items"]
    assert [paid["amount"]["cents"] for paid in one["payments"]] == [20_000, 30_000]
    assert one["payments"][1]["reference"] == "Mandato 118"


async def test_an_amount_beyond_the_one_before_it_is_refused_and_says_what_would_do(room: Room) -> None:
    desk = await Desk.opened(room)
    pledge = await desk.pledged(await desk.source("grant", 100), 100)
    url = f"/pledges/{pledge}"
    for path, body, accepted in (
        (f"{url}/sign", {"cents": 101}, "1 to 100"),
        (f"{url}/pay", {"cents": 1}, "1 to 0"),
    ):
        refused = await desk.send("POST", path, body)
        assert problem(refused) == (422, "not-contained")
        assert refused.json()["errors"][0] == {"path": "/cents", "code": "range", "accepted": accepted}
    await desk.did("POST", f"{url}/sign", {"cents": 80})
    assert problem(await desk.send("PATCH", url, {"cents": 79})) == (422, "not-contained")
    await desk.did("POST", f"{url}/pay", {"cents": 80})
    assert problem(await desk.send("POST", f"{url}/pay", {"cents": 1})) == (422, "not-contained")
    for cents in (-1, 0, 1.5, "dieci", 10**17):
        assert (await desk.send("PATCH", url, {"cents": cents})).status_code == 422


async def test_what_is_pledged_beyond_the_budget_is_shown_and_so_is_what_is_not_covered(room: Room) -> None:
    desk = await Desk.opened(room)
    await desk.did("POST", "/budget-lines", {"title": "Tutto", "cents": 1_000})
    source = await desk.source("grant", 700)
    await desk.pledged(source, 600)
    found = await desk.budget()
    assert (found["uncovered"]["amount"]["cents"], found["uncovered"]["share"]) == (400, 0.4)
    assert (found["sources"][0]["open"]["cents"], found["sources"][0]["over_pledged"]["cents"]) == (100, 0)
    await desk.pledged(source, 900)
    found = await desk.budget()
    assert (found["uncovered"]["amount"]["cents"], found["over_pledged"]["amount"]["cents"]) == (0, 500)
    assert (found["sources"][0]["open"]["cents"], found["sources"][0]["over_pledged"]["cents"]) == (0, 800)
    shown = await room.found(desk.url)
    assert (shown["over_pledged"]["cents"], shown["stages"]["pledged"]["share"]) == (500, 1.5)


async def test_a_date_past_the_end_is_refused_until_an_act_extends_the_project(room: Room) -> None:
    desk = await Desk.opened(room)
    last = date.fromisoformat(desk.shown["last_day"])
    late = {"title": "Coda", "since": last.isoformat(), "last_day": (last + timedelta(1)).isoformat()}
    refused = await desk.send("POST", "/actions", late)
    assert problem(refused) == (409, "past-the-end")
    assert desk.shown["last_day"] in refused.json()["detail"]
    source = await desk.source("grant", 1)
    next_year = {"year": last.year + 1, "cents": 1}
    assert problem(await desk.send("POST", f"/sources/{source}/pledges", next_year)) == (409, "past-the-end")
    act = {"number": "45/2017", "day": desk.today.isoformat(), "last_day": (last + timedelta(400)).isoformat()}
    same = await desk.send("POST", "/extend", {**act, "last_day": last.isoformat()})
    assert problem(same) == (422, "project-invalid")
    extended = await desk.did("POST", "/extend", act)
    assert (extended["last_day"], extended["extensions"][0]["before"]) == (act["last_day"], desk.shown["last_day"])
    await desk.did("POST", "/actions", late)
    await desk.did("POST", f"/sources/{source}/pledges", next_year)
    assert [fact for fact, _ in await desk.told()].count("extended") == 1


async def test_every_change_needs_the_version_that_was_seen(room: Room) -> None:
    desk = await Desk.opened(room)
    line = {"title": "Riga", "cents": 1}
    assert problem(await room.post(f"{desk.url}/budget-lines", line)) == (428, "if-match-missing")
    assert problem(await room.post(f"{desk.url}/budget-lines", line, '"99"'))[0] == 412
    await desk.did("POST", "/budget-lines", line)
    assert problem(await room.post(f"{desk.url}/budget-lines", line, '"1"'))[0] == 412
    assert desk.version == 2


async def test_an_outcome_is_recorded_by_community_with_what_shows_it(registry: Running, room: Room) -> None:
    desk = await Desk.opened(room)
    body = await room.made(
        f"/networks/{room.slug}/bodies",
        {"name": "Comunità di Vho", "kind": "community_of_practice", "territory": "D150"},
    )
    today = desk.today.isoformat()
    made = {"kind": "organisational_form", "title": "Cooperativa di comunità", "on": today, "body_id": body["id"]}
    assert problem(await desk.send("POST", "/outcomes", made)) == (422, "project-invalid")
    one = await desk.did("POST", "/outcomes", {**made, "evidence": "Atto costitutivo"})
    elsewhere = {
        "kind": "intervention",
        "title": "Orto",
        "on": today,
        "territory": "D142",
        "link": "https://example.org",
    }
    await desk.did("POST", "/outcomes", elsewhere)
    wrong = await desk.send("POST", "/outcomes", {**made, "evidence": "x", "body_id": str(uuid4())})
    assert (problem(wrong), wrong.json()["errors"][0]["path"]) == ((422, "project-invalid"), "/body_id")
    url = f"/registry/v1{desk.url}/outcomes/{one['id']}/file"
    headers = {**room.headers, "if-match": f'"{desk.version}"'}
    sent = await registry.client.post(url, files={"file": ("../Atto.pdf", PDF)}, headers=headers)
    assert sent.status_code == 200, sent.text
    desk.version = int(sent.headers["etag"].strip('"'))
    assert (sent.json()["file"]["name"], sent.json()["file"]["size"]) == ("Atto.pdf", len(PDF))
    got = await registry.client.get(url, headers=room.headers)
    assert (got.content, got.headers["content-disposition"].split(";")[0]) == (PDF, "attachment")
    headers["if-match"] = f'"{desk.version}"'
    bad = await registry.client.post(url, files={"file": ("x.exe", b"MZ\x00\x01\x02")}, headers=headers)
    assert bad.status_code == 422
    listed = await room.found(f"/networks/{room.slug}/outcomes", body=body["id"])
    assert [(found["title"], found["body"]["name"]) for found in listed["items"]] == [
        ("Cooperativa di comunità", "Comunità di Vho")
    ]
    assert len((await room.found(f"{desk.url}/outcomes", territory="019"))["items"]) == 2
    assert (await room.found(desk.url))["outcomes"]["organisational_form"] == 1
    assert (await desk.told())[-1][1]["outcomes"] == [
        {"kind": "intervention", "count": 1}, {"kind": "organisational_form", "count": 1},
    ]  # fmt: skip
    await desk.did("DELETE", f"/outcomes/{one['id']}")
    assert (await registry.client.get(url, headers=room.headers)).status_code == 404


async def test_a_partner_pledges_and_signs_for_itself_and_for_nobody_else(room: Room) -> None:
    desk = await Desk.opened(room)
    partner, other = await desk.partner("CISVOL"), await desk.partner("Arcobaleno")
    source = await desk.source("co_funding", 1_000)
    theirs, leads = await referent(room, partner), await referent(room, desk.lead)
    own = {"year": desk.today.year, "cents": 100, "organisation_id": partner["id"]}
    path = f"/sources/{source}/pledges"
    assert (await desk.send("POST", path, {**own, "organisation_id": other["id"]}, theirs)).status_code == 403
    assert (await desk.send("POST", "/budget-lines", {"title": "R", "cents": 1}, theirs)).status_code == 403
    await desk.did("POST", path, own, theirs)
    [pledge] = (await theirs.found(f"{desk.url}/pledges"))["items"]
    await desk.did("POST", f"/pledges/{pledge['id']}/sign", {"cents": 100}, theirs)
    assert (await desk.send("POST", f"/pledges/{pledge['id']}/pay", {"cents": 100}, theirs)).status_code == 403
    await desk.did("POST", f"/pledges/{pledge['id']}/pay", {"cents": 100}, leads)
    assert (await theirs.found(desk.url))["allowed_actions"] == ["pledge", "sign"]
    assert "close" in (await leads.found(desk.url))["allowed_actions"]
    coordinator = Caller(room.running, await room.running.holder("coordinator", room.id))
    assert (await coordinator.found(desk.url))["allowed_actions"] == []
    assert (await desk.send("PATCH", "", {"title": "Altro"}, coordinator)).status_code == 403
    stranger = Caller(room.running, room.running.signed_in())
    assert (await stranger.get(desk.url)).status_code == 403


async def test_what_something_rests_on_is_not_taken_away(room: Room) -> None:
    desk = await Desk.opened(room)
    partner = await desk.partner("CISVOL")
    days = {"since": desk.shown["since"], "last_day": desk.shown["last_day"]}
    action = (await desk.did("POST", "/actions", {"title": "A", **days}))["actions"][0]
    await desk.did("POST", "/budget-lines", {"title": "R", "cents": 5, "action_id": action["id"]})
    source = await desk.source("co_funding", 10)
    pledge = await desk.pledged(source, 10, partner)
    for path in (f"/actions/{action['id']}", f"/sources/{source}", f"/partners/{partner['id']}"):
        assert problem(await desk.send("DELETE", path)) == (409, "in-use"), path
    alone = await desk.send("DELETE", f"/partners/{desk.lead['id']}")
    assert problem(alone) == (422, "project-invalid")
    await desk.did("POST", f"/pledges/{pledge}/sign", {"cents": 10})
    await desk.did("DELETE", f"/pledges/{pledge}")
    [owed] = (await room.found(f"/networks/{room.slug}/commitments", organisation=partner["id"]))["items"]
    assert owed["state"] == "waived"
    await desk.did("DELETE", f"/sources/{source}")
    await desk.did("DELETE", f"/partners/{partner['id']}")
    assert len((await room.found(desk.url))["partners"]) == 1


async def test_a_payment_entered_by_mistake_is_taken_back(room: Room) -> None:
    desk = await Desk.opened(room)
    pledge = await desk.pledged(await desk.source("grant", 100), 100)
    await desk.did("POST", f"/pledges/{pledge}/sign", {"cents": 100})
    await desk.did("POST", f"/pledges/{pledge}/pay", {"cents": 30})
    [one] = (await room.found(f"{desk.url}/pledges"))["items"]
    assert problem(await desk.send("DELETE", f"/pledges/{pledge}")) == (409, "in-use")
    found = await desk.did("DELETE", f"/pledges/{pledge}/payments/{one['payments'][0]['id']}")
    assert found["stages"]["paid"]["amount"]["cents"] == 0
    assert problem(await desk.send("DELETE", f"/pledges/{pledge}/payments/{uuid4()}"))[0] == 404


async def test_who_leads_can_change_and_somebody_always_does(room: Room) -> None:
    desk = await Desk.opened(room)
    partner = await desk.partner("Solco")
    two = await desk.send("POST", "/partners", {"items": [{"organisation_id": partner["id"], "role": "lead"}]})
    assert problem(two) == (422, "project-invalid")
    roles = [
        {"organisation_id": partner["id"], "role": "lead"},
        {"organisation_id": desk.lead["id"], "role": "partner"},
    ]
    changed = await desk.did("POST", "/partners", {"items": roles})
    assert changed["lead"]["name"] == "Solco"
    twice = await desk.send("POST", "/partners", {"items": [roles[0], roles[0]]})
    assert problem(twice) == (422, "project-invalid")


async def test_a_closed_project_takes_payments_and_nothing_else(room: Room) -> None:
    desk = await Desk.opened(room)
    pledge = await desk.pledged(await desk.source("grant", 100), 100)
    await desk.did("POST", f"/pledges/{pledge}/sign", {"cents": 100})
    closed = await desk.did("POST", "/close", {"note": "Rendicontato"})
    assert (closed["state"], closed["closed_on"], closed["allowed_actions"]) == (
        "closed", desk.today.isoformat(), ["pay"],
    )  # fmt: skip
    assert problem(await desk.send("POST", "/budget-lines", {"title": "R", "cents": 1})) == (409, "project-closed")
    assert problem(await desk.send("PATCH", "", {"title": "Altro"})) == (409, "project-closed")
    await desk.did("POST", f"/pledges/{pledge}/pay", {"cents": 100})
    facts = [fact for fact, _ in await desk.told()]
    assert (facts[0], facts[-2], facts[-1]) == ("opened", "closed", "changed")


async def test_projects_are_listed_by_what_one_looks_for(room: Room) -> None:
    first = await Desk.opened(room, territories=["D150"], cup="J47H15000440006")
    second = await Desk.opened(room, title="Altro Progètto", territories=["E507"])
    url = f"/networks/{room.slug}/projects"

    async def ids(**filters: Any) -> list[str]:
        return [one["id"] for one in (await room.found(url, **filters))["items"]]

    one, other = first.shown["id"], second.shown["id"]
    assert await ids() == [one, other]
    assert await ids(territory="019") == [one]
    assert await ids(q="progetto") == [other]
    assert await ids(q="%") == await ids(q="progett_") == []
    assert await ids(cup="j47h15000440006") == [one]
    assert await ids(organisation=second.lead["id"], role="lead") == [other]
    assert await ids(organisation=second.lead["id"], role="partner") == []
    assert await ids(state="closed") == []
    assert await ids(on="1999-01-01") == []
    assert (await room.get(url, colour="red")).status_code == 422
    assert problem(await room.get(url, cup="x"))[0] == 422
    room.headers = {**room.headers, "accept": "text/csv"}
    rows = list(csv.DictReader(io.StringIO((await room.get(url)).text)))
    assert [row["title"] for row in rows] == ["FareLegami", "Altro Progètto"]


async def test_parts_of_another_project_are_not_found(room: Room) -> None:
    first, second = await Desk.opened(room), await Desk.opened(room)
    source = await first.source("grant", 1)
    year = first.today.year
    assert problem(await second.send("POST", f"/sources/{source}/pledges", {"year": year, "cents": 1}))[0] == 404
    assert problem(await second.send("DELETE", f"/sources/{source}"))[0] == 404
    assert problem(await room.get(f"/projects/{uuid4()}"))[0] == 404
