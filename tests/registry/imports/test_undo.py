"""Taking an import back: as if it had never been, but for what somebody has done since."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from services.registry.imports import jobs, worker
from shared.runtime import jobs as working
from tests.registry.desk import HEADER, Desk, bodies, figures, table, tax_code
from tests.registry.imports.scene import undo, upload


def by_code(members: list[Any]) -> dict[str, Any]:
    return {member["tax_code"]: member for member in members}


async def kept(desk: Desk, state: Any) -> dict[str, str]:
    """By line, why it was kept."""
    return {row["line"]: row["kept"] for row in await desk.report(state["id"]) if row["undone"] == "false"}


async def test_what_it_made_leaves_the_network_and_what_it_changed_is_as_it_was(desk: Desk) -> None:
    known, header = tax_code(), (*HEADER, "Email", "Sezione")
    await upload(desk, table([(known, "Ente Vecchio", "Lecco", "LC", "a@example.org", "")], header), commit=True)
    before = by_code(await desk.members())[known]
    rows = [(known, "Ente Nuovo", "Merate", "LC", "b@example.org", "aps"), *((*row, "", "") for row in bodies(3))]
    state = await upload(desk, table(rows, header), commit=True)
    assert (figures(state), state["allowed_actions"]) == ((3, 1, 0, 0), ["undo"])
    state = await undo(desk, state["id"])
    assert (state["state"], state["undone"], state["kept"], state["done"], state["total"]) == ("undone", 4, 0, 4, 4)
    assert (figures(state), state["allowed_actions"]) == ((3, 1, 0, 0), [])
    members = by_code(await desk.members())
    for name in ("name", "municipality", "kind", "sections"):
        assert members[known][name] == before[name]
    assert members[known]["membership"]["email"] == "a@example.org"
    assert {m["membership"]["state"] for code, m in members.items() if code != known} == {"withdrawn"}
    assert {row["undone"] for row in await desk.report(state["id"])} == {"true"}


async def test_it_is_told_once_with_each_membership_and_each_record_that_went_back(desk: Desk) -> None:
    known = tax_code()
    await upload(desk, table([(known, "Ente Vecchio", "Lecco", "LC")]), commit=True)
    state = await upload(desk, table([(known, "Ente Nuovo", "Lecco", "LC"), *bodies(2)]), commit=True)
    await undo(desk, state["id"])
    again = await undo(desk, state["id"])
    assert again["state"] == "undone"
    ((_, fact),) = [told for told in await desk.told("import") if told[0] == "trama.registry.import.undone.v1"]
    assert (fact["rows"], fact["created"], fact["updated"], fact["rejected"]) == (3, 2, 1, 0)
    gone = [body for type_, body in await desk.told("membership") if type_.endswith("withdrawn.v1")]
    assert len(gone) == 2
    assert {body["version"] for body in gone} == {2}
    told = [
        (body["title"], body["version"]) for _, body in await desk.told("organisation") if body["tax_code"] == known
    ]
    assert told == [("Ente Vecchio", 1), ("Ente Nuovo", 2), ("Ente Vecchio", 3)]


async def test_what_was_changed_since_stays_and_the_report_says_which(desk: Desk) -> None:
    rows = bodies(4)
    state = await upload(desk, table(rows), commit=True)
    members = by_code(await desk.members())
    renamed, called, left = (members[row[0]] for row in rows[:3])
    answer = await desk.ask(
        "PATCH", f"/organisations/{renamed['id']}", json={"name": "Altro nome"}, headers={"if-match": '"1"'}
    )
    assert answer.status_code == 200, answer.text
    path = f"/memberships/{called['membership']['id']}"
    answer = await desk.ask("PATCH", path, json={"phone": "0341 1"}, headers={"if-match": '"1"'})
    assert answer.status_code == 200, answer.text
    answer = await desk.ask(
        "POST", f"/memberships/{left['membership']['id']}/suspend", headers={"if-match": '"1"'}, json={}
    )
    assert answer.status_code == 200, answer.text
    state = await undo(desk, state["id"])
    assert (state["undone"], state["kept"]) == (1, 3)
    assert await kept(desk, state) == {
        "2": "cambiato dopo l'importazione: title",
        "3": "cambiato dopo l'importazione: phone",
        "4": "cambiato dopo l'importazione: membership",
    }
    after = by_code(await desk.members())
    assert [after[row[0]]["membership"]["state"] for row in rows] == ["active", "active", "suspended", "withdrawn"]
    ((_, fact),) = [told for told in await desk.told("import") if told[0].endswith("undone.v1")]
    assert [problem["line"] for problem in fact["problems"]] == [2, 3, 4]


async def test_a_field_changed_since_stays_and_the_others_go_back(desk: Desk) -> None:
    code, header = tax_code(), (*HEADER, "Email")
    await upload(desk, table([(code, "Ente Vecchio", "Lecco", "LC", "")], header), commit=True)
    state = await upload(desk, table([(code, "Ente Nuovo", "Merate", "LC", "a@example.org")], header), commit=True)
    (member,) = await desk.members()
    answer = await desk.ask(
        "PATCH", f"/organisations/{member['id']}", json={"name": "Terzo nome"}, headers={"if-match": '"2"'}
    )
    assert answer.status_code == 200, answer.text
    state = await undo(desk, state["id"])
    (member,) = await desk.members()
    assert (member["name"], member["municipality"]["name"], member["membership"]["email"]) == (
        "Terzo nome",
        "Lecco",
        None,
    )
    assert await kept(desk, state) == {"2": "cambiato dopo l'importazione: title"}


async def test_a_member_for_whom_somebody_acts_stays(desk: Desk) -> None:
    state = await upload(desk, table(bodies(1)), commit=True)
    (member,) = await desk.members()
    body = {"given_name": "Giulia", "family_name": "Serra", "email": "g@example.org"}
    person = (await desk.ask("POST", f"/networks/{desk.slug}/people", json=body)).json()
    mandate = {"person_id": person["id"], "role": "referent", "organisation_id": member["id"], "since": "2020-01-01"}
    answer = await desk.ask("POST", f"/networks/{desk.slug}/mandates", json=mandate)
    assert answer.status_code == 201, answer.text
    state = await undo(desk, state["id"])
    assert "qualcuno agisce" in (await kept(desk, state))["2"]
    (member,) = await desk.members()
    assert member["membership"]["state"] == "active"


async def test_several_rows_about_one_organisation_go_back_together(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "BATCH", 2)
    code, header = tax_code(), (*HEADER, "Email")
    first, second = bodies(2)
    rows = [(code, "Ente", "Lecco", "LC", ""), (*first, ""), (*second, ""), (code, "Ente", "Lecco", "LC", "a@b.it")]
    state = await upload(desk, table(rows, header), commit=True)
    assert figures(state) == (3, 1, 0, 0)
    state = await undo(desk, state["id"])
    assert (state["undone"], state["kept"], state["done"]) == (4, 0, 4)
    assert {member["membership"]["state"] for member in await desk.members()} == {"withdrawn"}


async def test_the_same_file_brings_back_what_an_undoing_took_and_nothing_that_somebody_let_go(desk: Desk) -> None:
    rows = bodies(2)
    content = table(rows)
    state = await upload(desk, content, commit=True)
    await undo(desk, state["id"])
    again = await upload(desk, content, commit=True)
    assert figures(again) == (2, 0, 0, 0)
    members = by_code(await desk.members())
    assert {member["membership"]["state"] for member in members.values()} == {"active"}
    let_go = members[rows[0][0]]["membership"]
    answer = await desk.ask("POST", f"/memberships/{let_go['id']}/withdraw", headers={"if-match": '"3"'})
    assert answer.status_code == 200, answer.text
    assert figures(await upload(desk, content, commit=True)) == (0, 0, 2, 0)
    state = await undo(desk, again["id"])
    assert (state["undone"], state["kept"]) == (1, 1)


async def test_an_organisation_of_another_network_leaves_this_one_only(desk: Desk) -> None:
    other = await Desk.founded(desk.running)
    rows = bodies(1)
    await upload(other, table(rows), commit=True)
    state = await upload(desk, table([(rows[0][0], "Nuovo nome", "Lecco", "LC")]), commit=True)
    await undo(desk, state["id"])
    ((here,), (there,)) = await desk.members(), await other.members()
    assert (here["membership"]["state"], there["membership"]["state"]) == ("withdrawn", "active")
    assert there["name"] == rows[0][1]


async def test_what_members_owe_is_owed_no_more(desk: Desk) -> None:
    rule = {"kind": "report_of_experiences", "title": "Relazione", "due": "2030-01-31"}
    answer = await desk.ask("POST", f"/networks/{desk.slug}/commitment-rules", json=rule)
    assert answer.status_code == 201, answer.text
    state = await upload(desk, table(bodies(2)), commit=True)
    await undo(desk, state["id"])
    items = (await desk.get(f"/networks/{desk.slug}/commitments"))["items"]
    assert [item["state"] for item in items] == ["waived", "waived"]


async def test_only_what_was_done_can_be_undone_and_only_for_thirty_days(desk: Desk) -> None:
    preview = await upload(desk, table(bodies(1)))
    answer = await desk.ask("POST", f"/imports/{preview['id']}/undo")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:trama:problem:not-undoable")
    done = await desk.commit(preview["id"])
    await desk.running.sql("update imports set undo_until = now() where id = :id", id=done["id"])
    assert (await desk.ask("POST", f"/imports/{done['id']}/undo")).status_code == 409
    member = await desk.running.holder("member", desk.network_id)
    assert (await desk.ask("POST", f"/imports/{done['id']}/undo", headers=member)).status_code == 403


async def test_an_undoing_that_was_interrupted_goes_on_where_it_was(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "BATCH", 10)
    monkeypatch.setattr(working, "PAUSE", 0.0)
    state = await upload(desk, table(bodies(30)), commit=True)
    real, calls = jobs.take_back, 0

    async def failing(*args: Any, **more: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError("killed")
        await real(*args, **more)

    monkeypatch.setattr(jobs, "take_back", failing)
    with capture_logs():
        state = await undo(desk, state["id"])
    assert (state["state"], state["undone"], state["done"]) == ("undone", 30, 30)
    assert calls == 4
    assert len([type_ for type_, _ in await desk.told("membership") if type_.endswith("withdrawn.v1")]) == 30
