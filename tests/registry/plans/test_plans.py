"""Plans as their secretariat has them: drafted, adopted, extended, over, closed, and what is told of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.runtime import clock
from tests.harness import Running
from tests.registry.commitments.scene import commitments, day, let_pass
from tests.registry.conftest import Caller, Room, problem

ACT = {"number": "Verbale 12", "day": "2021-03-01", "authority": "Assemblea dei Sindaci"}


class Plans:
    """A plan and its secretariat, which reads it again before each act."""

    def __init__(self, room: Room, plan: Any) -> None:
        self.room, self.plan, self.path = room, plan, f"/plans/{plan['id']}"

    @classmethod
    async def drafted(cls, room: Room, **more: Any) -> Plans:
        body = {"title": "Piano di zona", "since": "2021-01-01", "last_day": "2023-12-31", **more}
        return cls(room, await room.made(f"/networks/{room.slug}/plans", body))

    async def tag(self) -> str:
        return str((await self.room.get(self.path)).headers["etag"])

    async def asks(self, act: str, body: Any = None) -> Any:
        return await self.room.post(f"{self.path}/{act}", body, await self.tag())

    async def does(self, act: str, body: Any = None) -> Any:
        answer = await self.asks(act, body)
        assert answer.status_code in (200, 201), answer.text
        self.plan = answer.json()
        return self.plan

    async def objective(self, title: str, **more: Any) -> Any:
        return (await self.does("objectives", {"title": title, **more}))["objectives"][-1]

    async def decides(self, objective: Any, outcome: str, **more: Any) -> Any:
        return await self.does(f"objectives/{objective['id']}/decide", {"outcome": outcome, **more})

    async def told(self) -> list[tuple[str, str]]:
        facts = await self.room.running.published(f"registry.plan.{self.plan['id']}.*")
        versions = [body["version"] for _, body in facts]
        assert versions == sorted(set(versions))
        return [(type_.split(".")[3], body["state"]) for type_, body in facts]


async def set_day(registry: Running, on: str) -> None:
    """The clock goes on to noon of a day, if that is still to come."""
    assert registry.context.settings.clock_file is not None
    clock.set(registry.context.settings.clock_file, datetime.combine(date.fromisoformat(on), time(11), UTC))
    await registry.settled()


async def test_the_plan_of_lecco_is_extended_and_closes_with_every_objective_decided(
    registry: Running, room: Room
) -> None:
    """Scenario D3: "Fare Comunità", the plan of Lecco for 2021-2023, extended by a year."""
    ambito = await room.organisation("Impresa sociale Girasole")
    table = await room.made(
        f"/networks/{room.slug}/bodies", {"name": "Tavolo anziani", "kind": "working_group", "composition": "open"}
    )
    plans = await Plans.drafted(
        room,
        title="Piano di zona 2021-2023 «Fare Comunità»",
        guideline="DGR 4563/2021",
        territories=["LC"],
        funds=[
            {"title": "FNPS", "source": "Stato", "cents": 120_000_001, "year": 2021},
            {"title": "Quota dei Comuni", "source": "Comuni", "cents": 79_999_999},
        ],
        documents=[{"title": "Piano", "url": "https://example.org/piano.pdf"}],
    )
    assert (plans.plan["territories"], plans.plan["total"]) == (["097"], {"cents": 200_000_000, "currency": "EUR"})
    access = await plans.objective("Punti unici di accesso", indicator="Punti", target=4, organisation_id=ambito["id"])
    elderly = await plans.objective("Centri diurni", body_id=table["id"])
    housing = await plans.objective("Abitare")
    assert [one["owner"] and one["owner"]["name"] for one in plans.plan["objectives"]] == [
        "Impresa sociale Girasole",
        "Tavolo anziani",
        None,
    ]
    assert await plans.told() == []
    await plans.does("adopt", ACT)
    await registry.settled()
    found = await room.found(plans.path)
    assert (found["state"], found["adopted"]) == ("expired", ACT)  # 2023 is over: it asks what became of it
    prolonged = {"number": "DGR 1473/2023", "day": "2023-12-04", "authority": "Regione Lombardia"}
    await set_day(registry, day(registry, 1))
    last = day(registry, 3)
    extended = await plans.does("extend", {"act": prolonged, "last_day": last})
    assert (extended["state"], extended["last_day"], extended["extended_from"]) == ("adopted", last, "2023-12-31")
    assert extended["extensions"] == [{"act": prolonged, "before": "2023-12-31", "last_day": last}]
    await plans.decides(access, "achieved", actual=4)
    await plans.decides(elderly, "lapsed", reason="Fondi non rinnovati")
    early = await plans.asks("close", {})
    assert problem(early) == (409, "plan-not-over")
    await set_day(registry, day(registry, 4))
    assert (await room.found(plans.path))["state"] == "expired"
    undecided = await plans.asks("close", {})
    assert problem(undecided) == (409, "objectives-undecided")
    assert undecided.json()["errors"] == [
        {"path": f"/objectives/{housing['id']}", "code": "open", "accepted": ["achieved", "lapsed", "carried_over"]}
    ]
    assert "Abitare" in undecided.json()["detail"]
    await plans.decides(housing, "carried_over")
    missing = await plans.asks("close", {})
    assert problem(missing) == (422, "following-plan-missing")
    following = {"title": "Piano di zona che segue", "since": day(registry), "last_day": day(registry, 900)}
    closed = await plans.does("close", {"following": following})
    assert (closed["state"], closed["closed_on"]) == ("closed", day(registry))
    assert closed["outcomes"] == {"open": 0, "achieved": 1, "lapsed": 1, "carried_over": 1}
    assert closed["objectives"][0]["progress"] == 1
    assert closed["allowed_actions"] == []
    after = await room.found(closed["followed_by"]["href"].removeprefix("/registry/v1"))
    assert (after["state"], after["territories"], after["follows"]["id"]) == ("draft", ["097"], closed["id"])
    assert [(one["title"], one["outcome"], one["carried_from"]) for one in after["objectives"]] == [
        ("Abitare", "open", housing["id"])
    ]
    assert await plans.told() == [
        ("adopted", "adopted"),
        ("expired", "expired"),
        ("extended", "adopted"),
        ("changed", "adopted"),
        ("changed", "adopted"),
        ("expired", "expired"),
        ("changed", "expired"),
        ("closed", "closed"),
    ]
    facts = await registry.published(f"registry.plan.{closed['id']}.closed")
    assert [one["state"] for one in facts[0][1]["objectives"]] == ["achieved", "lapsed", "carried_over"]
    assert facts[0][1]["extended_from"] == "2023-12-31"


async def test_what_a_plan_asks_is_a_commitment_and_ends_with_the_objective_that_lapses(
    registry: Running, room: Room
) -> None:
    member, other = await room.organisation("Ponti"), await room.organisation("Rive")
    plans = await Plans.drafted(room, since=day(registry), last_day=day(registry, 5))
    kept, dropped = await plans.objective("Sportello"), await plans.objective("Trasporti")
    asked = {"title": "Aprire lo sportello", "due": day(registry, 90), "organisation_id": member["id"]}
    assert problem(await room.post(f"{plans.path}/commitments", asked)) == (409, "plan-action-not-possible")
    await plans.does("adopt", {**ACT, "day": day(registry)})
    nobody = await room.post(f"{plans.path}/commitments", {"title": "Aprire", "due": day(registry, 90)})
    assert problem(nobody) == (422, "one-debtor")
    first = await room.made(f"{plans.path}/commitments", {**asked, "objective_id": kept["id"]})
    second = await room.made(
        f"{plans.path}/commitments", {**asked, "organisation_id": other["id"], "objective_id": dropped["id"]}
    )
    third = await room.made(f"{plans.path}/commitments", asked)
    items = (await room.found(f"{plans.path}/commitments"))["items"]
    assert [(one["id"], one["objective"], one["debtor"]["name"], one["state"]) for one in items] == [
        (first["id"], kept["id"], "Ponti", "open"),
        (second["id"], dropped["id"], "Rive", "open"),
        (third["id"], None, "Ponti", "open"),
    ]
    assert {one["source"] for one in await commitments(room, room.slug)} == {"plan"}
    only = await room.found(f"{plans.path}/commitments", objective=kept["id"])
    assert [one["id"] for one in only["items"]] == [first["id"]]
    unknown = await room.post(f"{plans.path}/commitments", {**asked, "objective_id": str(uuid7())})
    assert unknown.status_code == 404
    await let_pass(registry, 6)
    await plans.decides(kept, "achieved")
    await plans.decides(dropped, "lapsed", reason="Non serve più")
    await plans.does("close", {})
    states = {one["id"]: one["state"] for one in await commitments(room, room.slug)}
    assert states == {first["id"]: "open", second["id"]: "waived", third["id"]: "open"}


async def test_a_draft_can_be_changed_and_thrown_away_an_adopted_plan_cannot(registry: Running, room: Room) -> None:
    plans = await Plans.drafted(room)
    one = await plans.objective("Uno")
    await plans.objective("Due", target=2.5, unit="posti")
    answer = await room.patch(f"{plans.path}/objectives/{one['id']}", {"actual": 3, "target": 6}, await plans.tag())
    assert answer.json()["objectives"][0]["progress"] == 0.5
    gone = await room.delete(f"{plans.path}/objectives/{one['id']}", await plans.tag())
    assert [left["title"] for left in gone.json()["objectives"]] == ["Due"]
    changed = await room.patch(plans.path, {"last_day": "2024-06-30", "documents": []}, await plans.tag())
    assert changed.json()["last_day"] == "2024-06-30"
    thrown = await Plans.drafted(room)
    await thrown.objective("Via")
    assert (await room.delete(thrown.path, await thrown.tag())).status_code == 204
    assert (await room.get(thrown.path)).status_code == 404
    await plans.does("adopt", ACT)
    await registry.settled()  # it has expired, too
    for refused in (
        await room.delete(plans.path, await plans.tag()),
        await room.delete(f"{plans.path}/objectives/{answer.json()['objectives'][1]['id']}", await plans.tag()),
        await plans.asks("adopt", ACT),
    ):
        assert problem(refused) == (409, "plan-action-not-possible")
        assert "extend" in refused.json()["detail"]
    moved = await room.patch(plans.path, {"last_day": "2030-01-01"}, await plans.tag())
    assert problem(moved) == (422, "invalid-plan")
    assert moved.json()["errors"][0]["path"] == "/last_day"


async def test_objectives_go_into_a_plan_that_is_there(registry: Running, room: Room, other_room: Room) -> None:
    plans = await Plans.drafted(room)
    one = await plans.objective("Abitare")
    later = await Plans.drafted(room, since="2024-01-01", last_day="2200-12-31")
    await later.objective("Prima c'era questo")
    await later.does("adopt", ACT)
    foreign = await Plans.drafted(other_room, since="2024-01-01", last_day="2026-12-31")
    await plans.does("adopt", ACT)
    await registry.settled()
    await plans.decides(one, "carried_over")
    for unfit in (plans.plan["id"], foreign.plan["id"], str(uuid7())):
        assert problem(await plans.asks("close", {"into": unfit})) == (422, "following-plan-unfit")
    closed = await plans.does("close", {"into": later.plan["id"]})
    assert closed["followed_by"]["id"] == later.plan["id"]
    after = await room.found(later.path)
    assert [(found["title"], found["position"]) for found in after["objectives"]] == [
        ("Prima c'era questo", 1),
        ("Abitare", 2),
    ]
    assert await later.told() == [("adopted", "adopted"), ("changed", "adopted")]


async def test_who_may_not_write_a_plan_does_not_learn_who_belongs_to_its_network(room: Room, other_room: Room) -> None:
    plans = await Plans.drafted(room)
    objective = await plans.objective("Nidi")
    path = f"{plans.path}/objectives"
    for owner in (await room.organisation("Ponti"), await other_room.organisation("Rive")):
        named = {"organisation_id": owner["id"]}
        added = await other_room.post(path, {"title": "Nidi", **named}, await plans.tag())
        changed = await other_room.patch(f"{path}/{objective['id']}", named, await plans.tag())
        assert [problem(answer) for answer in (added, changed)] == [(403, "forbidden")] * 2


async def test_what_a_draft_has_taken_over_or_an_agreement_names_is_not_thrown_away(
    registry: Running, room: Room
) -> None:
    before = await Plans.drafted(room, since="2019-01-01", last_day="2020-12-31")
    nurseries = await before.objective("Nidi")
    await before.does("adopt", {**ACT, "day": "2018-12-01"})
    await registry.settled()
    await before.decides(nurseries, "carried_over")
    closed = await before.does(
        "close", {"following": {"title": "Dopo", "since": "2021-01-01", "last_day": "2023-12-31"}}
    )
    after = Plans(room, closed["followed_by"])
    (taken,) = (await room.found(after.path))["objectives"]
    refused = await room.delete(f"{after.path}/objectives/{taken['id']}", await after.tag())
    assert problem(refused) == (422, "invalid-plan")
    assert problem(await room.delete(after.path, await after.tag())) == (409, "plan-needed")
    named = await Plans.drafted(room)
    body = {"kind": "memorandum", "title": "Protocollo", "plan_id": named.plan["id"]}
    await room.made(f"/networks/{room.slug}/agreements", body)
    assert problem(await room.delete(named.path, await named.tag())) == (409, "plan-needed")


async def test_lists_have_filters_and_members_read_what_only_the_secretariat_writes(
    registry: Running, room: Room, other_room: Room
) -> None:
    member = await room.organisation()
    lecco = await Plans.drafted(room, title="Piano di Lécco", territories=["E507"])
    await lecco.objective("Suo", organisation_id=member["id"])
    await lecco.does("adopt", ACT)
    await registry.settled()
    como = await Plans.drafted(room, title="Piano di Como", territories=["013"], since="2022-01-01")

    async def found(**asked: Any) -> list[str]:
        return [one["title"] for one in (await room.found(f"/networks/{room.slug}/plans", **asked))["items"]]

    assert await found() == ["Piano di Lécco", "Piano di Como"]
    assert await found(sort="-since") == ["Piano di Como", "Piano di Lécco"]
    assert await found(state="expired") == await found(organisation=member["id"]) == ["Piano di Lécco"]
    assert await found(territory="03") == ["Piano di Lécco", "Piano di Como"]
    assert await found(territory="LC") == await found(q="LECCO") == await found(on="2023-12-31") == ["Piano di Lécco"]
    assert await found(on="2024-01-01") == await found(q="100%") == []
    path = f"/networks/{room.slug}/plans"
    assert problem(await room.get(path, colour="red"))[0] == 422
    assert problem(await room.get(path, territory="ZZZ"))[0] == 422
    person = await room.person()
    await room.mandate(person, "referent", day(registry), organisation_id=member["id"])
    reader = Caller(registry, registry.signed_in(UUID(person["id"])))
    read = await reader.found(como.path)
    assert read["allowed_actions"] == []
    tag = await como.tag()
    assert problem(await reader.patch(como.path, {"title": "Mio"}, tag)) == (403, "forbidden")
    assert problem(await other_room.get(como.path)) == (403, "forbidden")
    assert problem(await room.patch(como.path, {"title": "Senza"})) == (428, "if-match-missing")
    await como.objective("Nuovo")
    assert problem(await room.patch(como.path, {"title": "Vecchio"}, tag)) == (412, "version-mismatch")


async def test_hostile_values_are_refused_with_the_field(registry: Running, room: Room) -> None:
    base = {"title": "Piano", "since": "2021-01-01", "last_day": "2023-12-31"}
    for wrong, path in (
        ({"title": ""}, "/title"),
        ({"title": "a\0b"}, "/title"),
        ({"last_day": "2020-12-31"}, "/last_day"),
        ({"since": "0001-01-01"}, "/since"),
        ({"territories": ["nowhere"]}, "/territories"),
        ({"funds": [{"title": "F", "source": "S", "cents": -1}]}, "/funds/0/cents"),
        ({"funds": [{"title": "F", "source": "S", "cents": 0.5}]}, "/funds/0/cents"),
        ({"documents": [{"title": "D", "url": "javascript:alert(1)"}]}, "/documents/0/url"),
        ({"owner": "me"}, "/owner"),
    ):
        answer = await room.post(f"/networks/{room.slug}/plans", {**base, **wrong})
        assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, path), answer.text
    plans = await Plans.drafted(room)
    stranger = {"title": "Di chi?", "organisation_id": str(uuid7())}
    refused = await plans.asks("objectives", stranger)
    assert (problem(refused), refused.json()["errors"][0]["path"]) == ((422, "debtor-unknown"), "/organisation_id")
    infinite = await plans.asks("objectives", {"title": "Tanti", "target": 1e13})
    assert infinite.status_code == 422
    future = await plans.asks("adopt", {**ACT, "day": day(registry, 1)})
    assert (problem(future), future.json()["errors"][0]["path"]) == ((422, "invalid-plan"), "/act/day")
