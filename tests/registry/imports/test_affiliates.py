"""A network of associations enrols its affiliates from a file."""

from __future__ import annotations

from uuid import uuid4

from tests.registry.desk import Desk, bodies, figures, table
from tests.registry.imports.scene import undo, upload


async def test_affiliates_become_members_with_their_parent(desk: Desk) -> None:
    parent = await desk.register(name="ACLI")
    rows = bodies(3)
    state = await upload(desk, table(rows), "affiliates", parent=parent["id"], commit=True)
    assert (figures(state), state["of"], state["parent_id"]) == ((3, 0, 0, 0), "affiliates", parent["id"])
    members = await desk.members(parent=parent["id"])
    assert sorted(member["tax_code"] for member in members) == sorted(row[0] for row in rows)
    told = [body for _, body in await desk.told("organisation") if body["parent_id"] == parent["id"]]
    assert {body["version"] for body in told} == {1}
    assert figures(await upload(desk, table(rows), "affiliates", parent=parent["id"], commit=True)) == (0, 0, 3, 0)


async def test_who_is_there_already_is_enrolled_and_an_undoing_lets_it_go(desk: Desk) -> None:
    parent = await desk.register(name="ACLI")
    known, new = bodies(2)
    await upload(desk, table([known]), commit=True)
    state = await upload(desk, table([known, new]), "affiliates", parent=parent["id"], commit=True)
    assert figures(state) == (1, 1, 0, 0)
    assert len(await desk.members(parent=parent["id"])) == 2
    await undo(desk, state["id"])
    assert await desk.members(parent=parent["id"]) == []
    states = {member["tax_code"]: member["membership"]["state"] for member in await desk.members()}
    assert (states[known[0]], states[new[0]]) == ("active", "withdrawn")


async def test_rows_that_cannot_be_affiliates_are_refused_and_the_others_taken(desk: Desk) -> None:
    top, middle, other = [await desk.register(name=name) for name in ("Nazionale", "Regionale", "Altra rete")]
    taken = await desk.register(name="Di altri", parent_id=other["id"], municipality="E507")
    answer = await desk.ask(
        "PATCH", f"/organisations/{middle['id']}", json={"parent_id": top["id"]}, headers={"if-match": '"1"'}
    )
    assert answer.status_code == 200, answer.text
    rows = [(one["tax_code"], one["name"], "Lecco", "LC") for one in (middle, top, taken)]
    state = await upload(desk, table([*rows, *bodies(1)]), "affiliates", parent=middle["id"], commit=True)
    assert figures(state) == (1, 0, 0, 3)
    problems = [row["problem"] for row in await desk.report(state["id"])]
    assert "sta sopra" in problems[0]
    assert "sta sopra" in problems[1]
    assert "affiliato di un altro ente" in problems[2]
    assert "parent" in problems[2]


async def test_the_parent_must_be_named_and_be_a_member(desk: Desk) -> None:
    parent = await desk.register(name="ACLI")
    stranger = await Desk.founded(desk.running)
    content = table(bodies(1))
    assert (await upload(desk, content, "affiliates", expect=422))["errors"][0]["path"] == "?parent"
    assert (await upload(desk, content, parent=parent["id"], expect=422))["errors"][0]["code"] == "not_allowed"
    for unknown in (str(uuid4()), (await stranger.register(name="Altrove"))["id"]):
        problem = await upload(desk, content, "affiliates", parent=unknown, expect=422)
        assert problem["type"] == "urn:trama:problem:parent-unknown"
    assert (await upload(desk, content, "colours", expect=422))["errors"][0]["path"] == "?of"
