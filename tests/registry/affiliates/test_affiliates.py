"""A rete associativa enters its affiliates in bulk."""

from __future__ import annotations

from typing import Any

import pytest

from services.registry.affiliates.rules import LARGEST_BATCH
from tests.registry.conftest import problem
from tests.registry.desk import Desk, tax_code


async def parent(desk: Desk, **more: Any) -> Any:
    body: dict[str, Any] = {
        "name": "Rete nazionale",
        "kind": "association",
        "sections": [{"code": "network"}],
        "state": "active",
    }
    return await desk.register(**body, **more)


async def enrol(desk: Desk, above: Any, items: list[Any], expect: int = 200, headers: Any = None, **more: Any) -> Any:
    path = f"/networks/{desk.slug}/organisations/{above['id']}/affiliates"
    answer = await desk.ask("POST", path, json={"items": items, **more}, headers=headers or {})
    assert answer.status_code == expect, answer.text
    return answer.json()


async def affiliates(desk: Desk, above: Any, **filters: Any) -> list[str]:
    found = await desk.get(f"/networks/{desk.slug}/organisations/{above['id']}/affiliates", **filters)
    return [one["name"] for one in found["items"]]


def outcomes(batch: Any) -> list[str]:
    return [row["outcome"] for row in batch["items"]]


def row(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "tax_code": tax_code(), **more}


async def test_affiliates_are_entered_updated_and_left_as_they_are(desk: Desk) -> None:
    above = await parent(desk)
    first, second = row("Comitato di Lecco", municipality="E507", pec="lecco@pec.example.org"), row("Comitato di Como")
    group = {"name": "Gruppo del lago", "municipality": "E507"}
    made = await enrol(desk, above, [first, second, group])
    assert outcomes(made) == ["created"] * 3
    assert (made["created"], made["updated"], made["unchanged"], made["rejected"]) == (3, 0, 0, 0)
    again = await enrol(desk, above, [first, {**second, "municipality": "C933"}, group])
    assert outcomes(again) == ["unchanged", "updated", "unchanged"]
    noted = await enrol(desk, above, [{**first, "phone": "0341 1"}])
    assert outcomes(noted) == ["updated"]
    assert await affiliates(desk, above) == ["Comitato di Como", "Comitato di Lecco", "Gruppo del lago"]
    found = await desk.get(f"/organisations/{made['items'][0]['organisation']['id']}")
    assert found["parent"]["name"] == "Rete nazionale"
    assert (found["membership"]["state"], found["membership"]["pec"]) == ("active", "lecco@pec.example.org")
    assert found["membership"]["phone"] == "0341 1"
    assert (await desk.get(f"/organisations/{made['items'][1]['organisation']['id']}"))["municipality"][
        "name"
    ] == "Como"
    listed = await desk.members(parent=above["id"])
    assert len(listed) == 3


async def test_what_a_row_leaves_empty_stays(desk: Desk) -> None:
    above = await parent(desk)
    first = row("Comitato", municipality="E507", kind="committee", email="uno@example.org")
    made = await enrol(desk, above, [first])
    assert outcomes(await enrol(desk, above, [{"name": "Comitato", "tax_code": first["tax_code"]}])) == ["unchanged"]
    found = await desk.get(f"/organisations/{made['items'][0]['organisation']['id']}")
    assert (found["kind"], found["municipality"]["code"]) == ("committee", "E507")


async def test_each_wrong_row_is_named_and_stops_no_other(desk: Desk) -> None:
    above = await parent(desk)
    other = await parent(desk, tax_code=tax_code())
    theirs = row("Altrui")
    await enrol(desk, other, [theirs])
    twice = row("Due volte")
    batch = await enrol(
        desk,
        above,
        [
            row("Buona"),
            {"name": "Senza cifre", "tax_code": "12345678901"},
            row("Luogo", municipality="Z999"),
            row("Sezioni", sections=[{"code": "odv"}, {"code": "aps"}]),
            row("Fondazione", kind="foundation", sections=[{"code": "odv"}]),
            row("Posta", email="nessuno"),
            row("Colore", colour="red"),
            twice,
            twice,
            {"name": "Se stessa", "tax_code": above["tax_code"]},
            theirs,
            {"name": "Comitato senza codice", "kind": "committee"},
            {"name": "  ", "tax_code": tax_code()},
        ],
    )
    told = {
        row["row"]: (row["problem"]["path"].split("/", 3)[3], row["problem"]["code"])
        for row in batch["items"]
        if row["problem"]
    }
    assert told == {
        2: ("tax_code", "component"),
        3: ("municipality", "unknown"),
        4: ("sections", "overlap"),
        5: ("sections", "not_for_kind"),
        6: ("email", "value_error"),
        7: ("colour", "extra_forbidden"),
        9: ("tax_code", "repeated"),
        10: ("tax_code", "itself"),
        11: ("tax_code", "other_parent"),
        12: ("tax_code", "missing"),
        13: ("name", "missing"),
    }
    assert (batch["created"], batch["rejected"]) == (2, 11)
    assert await affiliates(desk, above) == ["Buona", "Due volte"]


async def test_nobody_becomes_the_affiliate_of_its_own_affiliate(desk: Desk) -> None:
    top = await parent(desk)
    below = row("Regionale")
    made = await enrol(desk, top, [below])
    regional = made["items"][0]["organisation"]
    batch = await enrol(desk, regional, [row("Locale"), {"name": "Rete nazionale", "tax_code": top["tax_code"]}])
    assert outcomes(batch) == ["created", "rejected"]
    assert batch["items"][1]["problem"]["code"] == "circle"


async def test_who_has_left_is_not_brought_back_by_a_list(desk: Desk) -> None:
    above = await parent(desk)
    one = row("Uscita")
    made = await enrol(desk, above, [one])
    membership = (await desk.get(f"/organisations/{made['items'][0]['organisation']['id']}"))["membership"]
    answer = await desk.ask("POST", f"/memberships/{membership['id']}/withdraw", json={}, headers={"if-match": '"1"'})
    assert answer.status_code == 200
    assert (await enrol(desk, above, [one]))["items"][0]["problem"]["code"] == "withdrawn"


async def test_the_referent_of_the_parent_enters_candidates_and_touches_only_its_own(desk: Desk) -> None:
    above = await parent(desk)
    free, joined = await desk.register(name="Libera", state="active"), row("Nuova")
    headers = await desk.running.holder("referent", desk.network_id, organisation_id=above["id"])
    batch = await enrol(desk, above, [joined, {"name": "Libera", "tax_code": free["tax_code"]}], headers=headers)
    assert outcomes(batch) == ["created", "rejected"]
    assert batch["items"][1]["problem"]["code"] == "not_affiliate"
    made = await desk.get(f"/organisations/{batch['items'][0]['organisation']['id']}")
    assert made["membership"]["state"] == "candidate"
    assert outcomes(await enrol(desk, above, [{**joined, "name": "Nuova sede"}], headers=headers)) == ["updated"]
    refused = await enrol(desk, above, [row("Altra")], expect=422, headers=headers, state="active")
    assert refused["type"].endswith("affiliate-state")
    # the secretariat takes the free one in
    assert outcomes(await enrol(desk, above, [{"name": "Libera", "tax_code": free["tax_code"]}])) == ["updated"]


async def test_others_may_not(desk: Desk) -> None:
    above, other = await parent(desk), await parent(desk, tax_code=tax_code())
    elsewhere = await desk.running.holder("referent", desk.network_id, organisation_id=other["id"])
    member = await desk.running.holder("member", desk.network_id, organisation_id=above["id"])
    for headers in (elsewhere, member):
        path = f"/networks/{desk.slug}/organisations/{above['id']}/affiliates"
        answer = await desk.ask("POST", path, json={"items": [row("X")]}, headers=headers)
        assert problem(answer) == (403, "forbidden")
    stranger = await Desk.founded(desk.running)
    answer = await stranger.ask("POST", f"/networks/{desk.slug}/organisations/{above['id']}/affiliates", json={
        "items": [row("X")]
    })  # fmt: skip
    assert answer.status_code == 403
    answer = await stranger.ask("POST", f"/networks/{stranger.slug}/organisations/{above['id']}/affiliates", json={
        "items": [row("X")]
    })  # fmt: skip
    assert answer.status_code == 404


async def test_an_affiliate_known_elsewhere_joins_and_its_record_stays(desk: Desk) -> None:
    other = await Desk.founded(desk.running)
    known = await other.register(name="Nota altrove")
    above = await parent(desk)
    batch = await enrol(desk, above, [{"name": "Altro nome", "tax_code": known["tax_code"]}])
    assert outcomes(batch) == ["created"]
    found = await desk.get(f"/organisations/{known['id']}")
    assert (found["name"], found["parent"]["id"]) == ("Nota altrove", above["id"])


async def test_each_is_told_once_and_seats_follow(desk: Desk) -> None:
    above = await parent(desk)
    body = {"name": "Comitato esecutivo", "kind": "executive_committee"}
    answer = await desk.ask("POST", f"/networks/{desk.slug}/bodies", json=body)
    assert answer.status_code == 201, answer.text
    await enrol(desk, above, [row(f"Ente {n}") for n in range(30)])
    joined = [body for type_, body in await desk.told("membership") if type_.endswith("activated.v1")]
    assert len({body["organisation_id"] for body in joined}) == len(joined) == 31
    assert len(await desk.told("seat")) == 31


@pytest.mark.parametrize("items", [[], [row("X")] * (LARGEST_BATCH + 1)])
async def test_a_batch_has_a_measure(desk: Desk, items: list[Any]) -> None:
    above = await parent(desk)
    assert (await enrol(desk, above, items, expect=422))["errors"][0]["path"].endswith("items")
