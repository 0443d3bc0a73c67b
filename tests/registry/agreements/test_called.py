"""Co-programming, co-design and funding calls: from the notice to what came of it."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

from uuid_utils.compat import uuid7

from services.registry.agreements.rules import Kind
from shared.contracts.events import MinutesApproved
from tests.harness import Running
from tests.registry.agreements.scene import Agreements, member, procedure, speaker, tax_code
from tests.registry.commitments.scene import day, let_pass
from tests.registry.conftest import Room, problem

CRITERIA = [
    {"code": "quality", "title": "Qualità della proposta", "points": 60},
    {"code": "network", "title": "Rete", "points": 40},
]


async def test_a_co_design_goes_from_its_notice_to_the_convention(registry: Running, room: Room) -> None:
    call, authority = await procedure(room, criteria=CRITERIA, threshold=60)
    ponti, rive, colli = [await member(room, name) for name in ("Ponti", "Rive", "Colli")]
    (anna, by_anna), (bruno, _) = await speaker(room, ponti, "Anna"), await speaker(room, rive, "Bruno")
    early = await call.comes(ponti)
    assert problem(early) == (409, "agreement-action-not-possible")
    opened = await call.does("open")
    assert (opened["state"], opened["officer"]["name"]) == ("open", "Funzionaria Di Prova")
    first = (await call.comes(ponti, anna, note="Con tre sportelli")).json()
    assert (first["state"], first["on_behalf"], first["note"]) == ("expressed", False, "Con tre sportelli")
    second = (await call.comes(rive)).json()
    assert second["on_behalf"] is True
    assert problem(await call.comes(ponti, anna)) == (409, "came-forward-already")
    assert problem(await call.comes(colli, anna)) == (403, "forbidden")
    own = await call.comes(authority)
    assert (problem(own), own.json()["detail"]) == ((409, "not-eligible"), "Non corrisponde: authority.")
    seen = {one["organisation"]["name"]: one["note"] for one in (await bruno.found(f"{call.path}/interests"))["items"]}
    assert seen == {"Ponti": None, "Rive": None}  # what others wrote is theirs
    assert problem(await call.evaluates(first, "admitted")) == (409, "agreement-action-not-possible")
    last = day(registry, 10)
    await let_pass(registry, 10)
    assert (await room.found(call.path))["state"] == "open"  # the deadline itself is in time
    await let_pass(registry, 1)
    found = await room.found(call.path)
    assert (found["state"], found["interests"]["expressed"]) == ("evaluation", 2)
    assert (await call.told())[-1] == ("advanced", "evaluation")
    late = await call.comes(colli)
    assert (problem(late), last in late.json()["detail"]) == ((409, "deadline-passed"), True)
    undecided = await call.asks("convene")
    assert problem(undecided) == (409, "interests-unevaluated")
    assert {error["path"] for error in undecided.json()["errors"]} == {
        f"/interests/{first['id']}",
        f"/interests/{second['id']}",
    }
    low = await call.evaluates(first, "admitted", scores={"quality": 30, "network": 29})
    assert (problem(low), low.json()["errors"][0]["accepted"]) == ((422, "invalid-agreement"), ">= 60 points in all")
    admitted = await call.evaluates(first, "admitted", scores={"quality": 50, "network": 30.5})
    assert (admitted.json()["state"], admitted.json()["points"]) == ("admitted", 80.5)
    assert (await call.evaluates(second, "excluded")).status_code == 422
    excluded = await call.evaluates(second, "excluded", reason="Manca lo statuto")
    assert excluded.json()["reason"] == "Manca lo statuto"
    read = await anna.found(f"/interests/{second['id']}")
    assert (read["state"], read["reason"], read["points"]) == ("excluded", None, None)
    assert (await call.does("convene"))["state"] == "tables"
    untabled = await call.asks("conclude", {"outcome": "Progetto condiviso"})
    assert untabled.json()["errors"][0]["path"] == "/tables"
    minutes = MinutesApproved(
        id=uuid7(),
        version=3,
        network_id=room.id,
        meeting_id=uuid7(),
        number="1/2026",
        state="approved",
        quorate=True,
        present=4,
        entitled=5,
        held_on=date.fromisoformat(day(registry)),
    )
    await registry.tell(minutes)
    await registry.settled()
    await call.does("tables", {"held_on": day(registry), "title": "Primo tavolo", "minutes_id": str(minutes.id)})
    tabled = await call.does("tables", {"held_on": day(registry), "title": "Secondo", "record": "Budget condiviso"})
    assert [(one["minutes"], one["record"]) for one in tabled["tables"]] == [
        (f"/events/v1/minutes/{minutes.id}", None),
        (None, "Budget condiviso"),
    ]
    unknown = await call.asks("tables", {"held_on": day(registry), "title": "Terzo", "minutes_id": str(uuid7())})
    assert problem(unknown) == (409, "not-yet-known")
    convention = await Agreements.drafted(room, "convention", title="Convenzione")
    await convention.signed_by(authority, ponti)
    await convention.does("submit")
    unsigned = await call.asks("conclude", {"convention_id": convention.one["id"]})
    assert unsigned.json()["errors"][0]["path"] == "/convention_id"
    for organisation, mandate in ((ponti, by_anna["id"]), (authority, call.one["officer_mandate_id"])):
        await convention.does("signatures", {"organisation_id": organisation["id"], "mandate_id": mandate})
    concluded = await call.does("conclude", {"convention_id": convention.one["id"]})
    assert (concluded["state"], concluded["convention"]["name"]) == ("concluded", "Convenzione")
    assert [state for _, state in await call.told()] == [
        "open",
        "evaluation",
        "tables",
        "tables",
        "tables",
        "concluded",
    ]
    facts = await registry.published(f"registry.interest.{first['id']}.*")
    assert [(type_.split(".")[3], body["state"], body["points"]) for type_, body in facts] == [
        ("expressed", "expressed", None),
        ("evaluated", "admitted", 80.5),
    ]


async def test_a_funding_call_concerns_members_of_its_kinds_sections_and_territories(
    registry: Running, room: Room
) -> None:
    lecco = {"municipality": "E507"}
    odv: dict[str, Any] = {"kind": "association", "sections": [{"code": "odv"}]}
    fits = [await member(room, f"Odv {number}", tax_code=tax_code(number), **odv, **lecco) for number in (1, 2)]
    works = await member(room, "Odv che ci opera", tax_code=tax_code(3), territories=["LC"], **odv)
    aps = await member(
        room, "Aps", "association", tax_code=tax_code(4), sections=[{"code": "aps"}], municipality="E507"
    )
    ended = {"code": "odv", "since": "2020-01-01", "until": "2021-01-01"}
    past = await member(room, "Odv di ieri", "association", tax_code=tax_code(5), sections=[ended], **lecco)
    group = await member(room, "Gruppo", municipality="E507")
    away = await member(room, "Odv di Roma", tax_code=tax_code(6), **odv)
    call = await Agreements.drafted(
        room,
        "funding_call",
        deadline=day(registry, 5),
        kinds=["association"],
        sections=["odv"],
        places=["LC"],
        cents=50_000_000,
    )
    assert call.one["amount"] == {"cents": 50_000_000, "currency": "EUR"}
    names = [one["organisation"]["name"] for one in (await room.found(f"{call.path}/eligible"))["items"]]
    assert names == ["Odv 1", "Odv 2", "Odv che ci opera"]
    await call.does("open")
    facts = await registry.published("registry.agreement_audience.*.listed")
    (audience,) = [body for _, body in facts if body["agreement_id"] == call.one["id"]]
    assert set(audience["organisations"]) == {one["id"] for one in (*fits, works)}
    assert audience["part"] == 1
    for other, lacking in ((aps, "section"), (past, "section"), (group, "kind, section"), (away, "territory")):
        refused = await call.comes(other)
        assert (problem(refused), refused.json()["detail"]) == ((409, "not-eligible"), f"Non corrisponde: {lacking}.")
    one = (await call.comes(fits[0])).json()
    figures = await room.found(f"{call.path}/statistics")
    assert figures == {
        "eligible": {"count": 3, "of": 7, "share": 3 / 7},
        "interested": {"count": 1, "of": 3, "share": 1 / 3},
        "admitted": {"count": 0, "of": 1, "share": 0},
    }
    who = await room.found(f"{call.path}/eligible", interested=True)
    assert [(each["organisation"]["id"], each["interest"]) for each in who["items"]] == [(fits[0]["id"], "expressed")]
    tag = str((await room.get(f"/interests/{one['id']}")).headers["etag"])
    assert (await room.post(f"/interests/{one['id']}/withdraw", None, tag)).json()["state"] == "withdrawn"
    others = await room.found(f"{call.path}/eligible", interested=False)
    assert len(others["items"]) == 3
    again = await call.comes(fits[0], note="Di nuovo")
    assert (again.status_code, again.json()["id"], again.json()["state"]) == (201, one["id"], "expressed")
    await let_pass(registry, 6)
    assert (await call.does("conclude", {"outcome": "Nessun progetto finanziato"}))["state"] == "concluded"


async def test_a_deadline_moves_only_forward_and_its_evaluation_with_it(registry: Running, room: Room) -> None:
    call, _ = await procedure(room, "co_programming", deadline=day(registry, 2))
    await call.does("open")
    assert problem(await call.changed(deadline=day(registry, 1))) == (422, "invalid-agreement")
    assert (await call.changed(deadline=day(registry, 4))).status_code == 200
    await let_pass(registry, 3)
    assert (await room.found(call.path))["state"] == "open"
    await let_pass(registry, 2)
    assert (await room.found(call.path))["state"] == "evaluation"
    nobody = await call.asks("convene")
    assert nobody.json()["errors"][0]["path"] == "/interests"
    assert (await call.does("withdraw", {"reason": "Nessuna manifestazione"}))["state"] == "withdrawn"
    assert await call.told() == [
        ("opened", "open"),
        ("changed", "open"),
        ("advanced", "evaluation"),
        ("advanced", "withdrawn"),
    ]


async def test_of_two_at_once_one_comes_forward(registry: Running, room: Room) -> None:
    call, _ = await procedure(room)
    await call.does("open")
    one = await member(room, "Ponti")
    answers = await asyncio.gather(*(call.comes(one) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert {problem(answer)[1] for answer in answers if answer.status_code == 409} == {"came-forward-already"}


async def test_an_officer_without_a_mandate_and_missing_notices_are_refused(
    registry: Running, room: Room, other_room: Room
) -> None:
    _, foreign = await speaker(other_room, await member(other_room, "Altrove"))
    bad = await room.post(
        f"/networks/{room.slug}/agreements",
        {"kind": "co_design", "title": "Senza", "officer_mandate_id": foreign["id"]},
    )
    assert problem(bad) == (422, "mandate-unfit")
    for missing in ("authority_id", "act", "published_on", "deadline", "officer_mandate_id"):
        nothing: dict[str, Any] = {missing: None}
        call, _ = await procedure(room, **nothing)
        refused = await call.asks("open")
        assert (problem(refused), refused.json()["errors"][0]["path"]) == ((422, "invalid-agreement"), f"/{missing}")


async def test_hostile_values_are_refused_with_the_field(registry: Running, room: Room) -> None:
    wrongs: list[tuple[dict[str, Any], str]] = [
        ({"kind": "treaty"}, "/kind"),
        ({"title": "\0"}, "/title"),
        ({"deadline": "9999-12-31"}, "/deadline"),
        ({"deadline": "2026-02-30"}, "/deadline"),
        ({"places": ["nowhere"]}, "/territories"),
        ({"criteria": [{"code": "A B", "title": "x", "points": 1}]}, "/criteria/0/code"),
        ({"criteria": [{"code": "a", "title": "x", "points": 1}] * 2}, "/criteria"),
        ({"threshold": 1}, "/threshold"),
        ({"cents": -1}, "/cents"),
        ({"cents": 0.1}, "/cents"),
        ({"authority_id": str(uuid7())}, "/authority_id"),
        ({"body_id": str(uuid7())}, "/body_id"),
        ({"plan_id": str(uuid7())}, "/plan_id"),
        ({"since": day(registry)}, "/since"),
        ({"link": "javascript:alert(1)"}, "/link"),
        ({"kinds": ["aliens"]}, "/kinds/0"),
        ({"act": {"number": "1", "day": day(registry, 1), "authority": "x"}}, "/act/day"),
    ]
    for wrong, path in wrongs:
        body = {"kind": "funding_call", "title": "Avviso", **wrong}
        answer = await room.post(f"/networks/{room.slug}/agreements", body)
        assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, path), answer.text
    call, _ = await procedure(room)
    await call.does("open")
    nan = await call.evaluates((await call.comes(await member(room, "Uno"))).json(), "admitted", scores={"a": -1})
    assert nan.status_code == 422


async def test_lists_have_filters_and_a_member_sees_what_it_may_do(
    registry: Running, room: Room, other_room: Room
) -> None:
    call, authority = await procedure(room, title="Co-progettazione Città", territories=["E507"])
    await call.does("open")
    memorandum = await Agreements.drafted(room, "memorandum", title="Protocollo")
    mine = await member(room, "Mia")
    reader, _ = await speaker(room, mine, "Lettrice")

    async def found(**asked: Any) -> list[str]:
        return [one["title"] for one in (await room.found(f"/networks/{room.slug}/agreements", **asked))["items"]]

    assert await found() == ["Co-progettazione Città", "Protocollo"]
    assert await found(kind="memorandum") == await found(state="draft") == ["Protocollo"]
    for asked in (
        {"state": "open"},
        {"territory": "LC"},
        {"organisation": authority["id"]},
        {"q": "citta"},
        {"sort": "-deadline"},
        {"deadline_before": day(registry, 11)},
    ):
        assert await found(**asked) == ["Co-progettazione Città"], asked
    assert await found(organisation=mine["id"]) == await found(deadline_before=day(registry, 10)) == []
    await call.comes(mine, reader)
    assert await found(organisation=mine["id"]) == ["Co-progettazione Città"]
    assert problem(await room.get(f"/networks/{room.slug}/agreements", colour="red"))[0] == 422
    read = await reader.found(call.path)
    assert read["allowed_actions"] == ["come_forward"]
    assert problem(await reader.post(f"{call.path}/withdraw", {"reason": "x"}, await call.tag())) == (403, "forbidden")
    assert problem(await other_room.get(f"{call.path}/interests")) == (403, "forbidden")
    tag = await memorandum.tag()
    assert (await memorandum.changed(purpose="Scopo")).status_code == 200
    assert problem(await room.patch(memorandum.path, {"title": "Altro"}, tag)) == (412, "version-mismatch")
    csv = await registry.client.get(
        f"/registry/v1/networks/{room.slug}/agreements", headers={**room.headers, "accept": "text/csv"}
    )
    assert len(csv.text.splitlines()) == 3
    words = {one["name"]: one["terms"] for one in (await room.found("/vocabularies"))["items"]}
    sources = {term["code"]: term["source"] for term in words["agreement_kinds"]}
    assert sources["programme_agreement"] == "art. 34 d.lgs. 267/2000"
    assert sources["co_design"] == "art. 55 c. 3 d.lgs. 117/2017, DM 72/2021"
    assert set(sources) == set(Kind)
