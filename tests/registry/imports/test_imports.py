"""Imports over HTTP, with the real worker, database and broker."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from uuid import UUID

import openpyxl
import pytest

from shared.access import links
from tests.registry.desk import HEADER, Desk, bodies, figures, table, tax_code


async def test_the_rows_of_a_file_become_members_and_the_report_says_so(desk: Desk) -> None:
    first, second = tax_code(), tax_code()
    state = await desk.upload(
        table([(first, "Associazione Alfa ODV", "Lecco", "LC"), (second, "Fondazione Beta", "CREMA", "CR")])
    )
    assert state["status"] == "done"
    assert (state["rows"], state["total"]) == (2, 2)
    assert figures(state) == (2, 0, 0, 0)
    members = {member["tax_code"]: member for member in await desk.members()}
    assert members[first]["municipality"] == {
        "code": "E507", "istat": "097042", "name": "Lecco", "province": "LC", "region": "03",
    }  # fmt: skip
    assert members[first]["kind"] == "association"
    assert [section["code"] for section in members[first]["sections"]] == ["odv"]
    assert members[second]["membership"]["state"] == "active"
    assert await desk.report(state["id"]) == [
        {
            "line": "2", "tax_code": first, "outcome": "created", "organisation_id": members[first]["id"],
            "municipality": "E507", "municipality_istat": "097042", "problem": "", "person_id": "", "mandate_id": "",
            "undone": "", "kept": "",
        },
        {
            "line": "3", "tax_code": second, "outcome": "created", "organisation_id": members[second]["id"],
            "municipality": "D142", "municipality_istat": "019035", "problem": "", "person_id": "", "mandate_id": "",
            "undone": "", "kept": "",
        },
    ]  # fmt: skip


async def test_each_new_organisation_is_told_once_with_its_membership_and_the_import_with_its_figures(
    desk: Desk,
) -> None:
    rows = bodies(3)
    codes = [row[0] for row in rows]
    state = await desk.upload(table([*rows, ("nessuno", "Ente senza codice", "Lecco", "LC")]))
    organisations = {
        body["id"]: (type_, body) for type_, body in await desk.told("organisation") if body["tax_code"] in codes
    }
    assert sorted(body["tax_code"] for _, body in organisations.values()) == sorted(codes)
    assert {(type_, body["version"]) for type_, body in organisations.values()} == {
        ("trama.registry.organisation.registered.v1", 1)
    }
    joined = await desk.told("membership")
    assert {body["organisation_id"] for _, body in joined} == set(organisations)
    assert {(type_, body["state"]) for type_, body in joined} == {("trama.registry.membership.activated.v1", "active")}
    ((type_, fact),) = await desk.told("import")
    assert type_ == "trama.registry.import.finished.v1"
    assert (fact["id"], fact["rows"], fact["created"], fact["rejected"]) == (state["id"], 4, 3, 1)
    assert fact["problems"] == [{"line": 5, "field": "tax_code", "reason": "né 11 cifre né 16 caratteri"}]


async def test_the_same_file_again_changes_nothing_and_tells_nothing_of_organisations(desk: Desk) -> None:
    content = table(bodies(5))
    await desk.upload(content)
    before = (await desk.members(), await desk.told("organisation"), await desk.told("membership"))
    again = await desk.upload(content)
    assert figures(again) == (0, 0, 5, 0)
    assert (await desk.members(), await desk.told("organisation"), await desk.told("membership")) == before


async def test_a_preview_writes_nothing_and_its_commit_does_what_it_said(desk: Desk) -> None:
    rows = [*bodies(2), ("12345678901", "Ente Errato", "Lecco", "LC"), (tax_code(), "Ente Perso", "Atlantide", "")]
    preview = await desk.upload(table(rows), commit=False)
    assert preview["status"] == "previewed"
    assert preview["allowed_actions"] == ["commit", "correct"]
    assert figures(preview) == (2, 0, 0, 2)
    assert await desk.members() == []
    foreseen = await desk.report(preview["id"])
    assert [row["organisation_id"] for row in foreseen] == ["", "", "", ""]
    done = await desk.commit(preview["id"])
    assert done["status"] == "done"
    assert figures(done) == (2, 0, 0, 2)
    assert len(await desk.members()) == 2
    report = await desk.report(preview["id"])
    assert [(row["line"], row["outcome"], row["problem"]) for row in report] == [
        (row["line"], row["outcome"], row["problem"]) for row in foreseen
    ]
    assert all(row["organisation_id"] for row in report[:2])


async def test_a_commit_sent_twice_is_done_once(desk: Desk) -> None:
    preview = await desk.upload(table(bodies(2)), commit=False)
    await desk.commit(preview["id"])
    assert figures(await desk.commit(preview["id"])) == (2, 0, 0, 0)
    assert len(await desk.told("import")) == 1


async def test_only_a_preview_can_be_committed(desk: Desk) -> None:
    failed = await desk.upload("nulla di nulla\r\n1\r\n", commit=False)
    answer = await desk.ask("POST", f"/imports/{failed['id']}/commit")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:trama:problem:not-previewed")


async def test_a_later_file_updates_what_it_states_and_erases_nothing(desk: Desk) -> None:
    code = tax_code()
    header = (*HEADER, "Email", "PEC")
    await desk.upload(table([(code, "Ente Vecchio", "Lecco", "LC", "uno@example.org", "")], header))
    state = await desk.upload(table([(code, "Ente Nuovo", "Merate", "LC", "", "due@pec.example.org")], header))
    assert figures(state) == (0, 1, 0, 0)
    (member,) = await desk.members()
    assert (member["name"], member["municipality"]["name"]) == ("Ente Nuovo", "Merate")
    assert (member["membership"]["email"], member["membership"]["pec"]) == ("uno@example.org", "due@pec.example.org")
    changed = [(t, b["version"]) for t, b in await desk.told("organisation") if b["tax_code"] == code]
    assert changed == [
        ("trama.registry.organisation.registered.v1", 1),
        ("trama.registry.organisation.changed.v1", 2),
    ]


async def test_of_rows_with_one_tax_code_the_first_wins_gaps_are_filled_and_contradictions_refused(
    desk: Desk,
) -> None:
    code = tax_code()
    header = (*HEADER, "Email")
    content = table(
        [
            (code, "Ente Doppio", "Lecco", "LC", ""),
            (code, "ENTE DOPPIO", "LECCO", "LC", ""),
            (code, "Ente Doppio", "Lecco", "LC", "ente@example.org"),
            (code, "Un altro nome", "Lecco", "LC", ""),
            (code, "Ente Doppio", "Merate", "LC", ""),
        ],
        header,
    )
    for outcomes in (["created", "unchanged", "updated"], ["unchanged", "unchanged", "unchanged"]):
        state = await desk.upload(content)
        report = await desk.report(state["id"])
        assert [row["outcome"] for row in report] == [*outcomes, "rejected", "rejected"]
        assert report[3]["problem"] == "tax_code: già alla riga 2 con un'altra denominazione («Ente Doppio»)"
        assert report[4]["problem"] == "tax_code: già alla riga 2 con un altro comune (E507)"
    (member,) = await desk.members()
    assert member["membership"]["email"] == "ente@example.org"


async def test_repeated_rows_are_seen_across_batches_also_in_a_preview(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.registry.imports.worker.BATCH", 2)
    rows = bodies(5)
    content = table([*rows, rows[0], (rows[1][0], "Un altro nome", "Lecco", "LC"), *bodies(2)])
    preview = await desk.upload(content, commit=False)
    assert figures(preview) == (7, 0, 1, 1)
    foreseen = await desk.report(preview["id"])
    assert foreseen[6]["problem"].startswith("tax_code: già alla riga 3")
    assert figures(await desk.commit(preview["id"])) == (7, 0, 1, 1)
    assert [row["problem"] for row in await desk.report(preview["id"])] == [row["problem"] for row in foreseen]


async def test_an_organisation_of_another_network_joins_and_keeps_its_one_record(desk: Desk) -> None:
    other = await Desk.founded(desk.running)
    content = table(bodies(1))
    await desk.upload(content)
    state = await other.upload(content)
    assert figures(state) == (1, 0, 0, 0)
    (here,), (there,) = await desk.members(), await other.members()
    assert here["id"] == there["id"]
    assert here["membership"]["id"] != there["membership"]["id"]
    (row,) = await other.report(state["id"])
    assert row["problem"] == "", "that another network knows it is not told"
    assert figures(await other.upload(content)) == (0, 0, 1, 0)


async def test_who_has_left_the_network_is_not_brought_back_by_an_old_file(desk: Desk) -> None:
    content = table(bodies(1))
    await desk.upload(content)
    (member,) = await desk.members()
    membership = member["membership"]
    answer = await desk.ask("POST", f"/memberships/{membership['id']}/withdraw", headers={"if-match": '"1"'})
    assert answer.status_code == 200
    assert figures(await desk.upload(content)) == (0, 0, 1, 0)
    (member,) = await desk.members()
    assert member["membership"]["state"] == "withdrawn"


async def test_informal_groups_are_known_again_by_name_and_place(desk: Desk) -> None:
    header = (*HEADER, "Tipo")
    content = table(
        [
            ("", "Gruppo di cammino", "Lecco", "LC", "Gruppo informale"),
            ("", "Gruppo di cammino", "Merate", "LC", "Gruppo informale"),
            ("", "Associazione senza codice", "Lecco", "LC", "Associazione"),
        ],
        header,
    )
    state = await desk.upload(content)
    assert figures(state) == (2, 0, 0, 1)
    assert [row["problem"] for row in await desk.report(state["id"])] == [
        "", "", "tax_code: manca il codice fiscale",
    ]  # fmt: skip
    assert figures(await desk.upload(content)) == (0, 0, 2, 1)
    assert {member["kind"] for member in await desk.members()} == {"informal_group"}


async def test_a_workbook_is_read_as_the_list_that_it_is(desk: Desk) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    code = tax_code()
    sheet.append(["Elenco dei soci", None, None])
    sheet.append([])
    sheet.append(["C.F.", "Ragione sociale", "Comune (sede)"])
    sheet.append([int(code), "Cooperativa sociale Arcobaleno", "Lecco"])
    content = io.BytesIO()
    book.save(content)
    state = await desk.upload(content.getvalue(), "soci.csv")
    assert figures(state) == (1, 0, 0, 0)
    assert state["found"]["kind"] == "xlsx"
    (row,) = await desk.report(state["id"])
    assert (row["line"], row["tax_code"]) == ("4", code)
    assert row["problem"] == f"tax_code: letto {code} da «{int(code)}»"


async def test_the_report_is_in_the_language_of_whoever_asked(desk: Desk) -> None:
    header = {"accept-language": "en"}
    state = await desk.upload(table([("1", "Body", "Lecco", "LC")]), headers=header)
    (row,) = await desk.report(state["id"])
    assert row["problem"] == "tax_code: “1” has neither 11 digits nor 16 characters"
    failed = await desk.upload("", headers=header)
    assert failed["problem"]["title"] == "The file is empty."


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Il file è vuoto."),
        (b"\xef\xbb\xbf\r\n\r\n", "Il file è vuoto."),
        (b"\x00\x01\x02\x03" * 200, "Il file non è testo in una codifica nota"),
        (b"%PDF-1.7 ...", "Il file è di tipo PDF"),
        (b"PK\x03\x04 cut short", "Il file è danneggiato o incompleto."),
        (b"Codice fiscale;Denominazione;Comune\r\n", "Il file non ha righe oltre all'intestazione."),
    ],
)
async def test_a_file_that_cannot_be_read_fails_with_the_reason_and_nothing_half_done(
    desk: Desk, content: bytes, said: str
) -> None:
    state = await desk.upload(content)
    assert state["status"] == "failed"
    assert said in state["problem"]["title"]
    assert figures(state) == (0, 0, 0, 0)
    assert await desk.members() == []
    ((type_, fact),) = await desk.told("import")
    assert type_ == "trama.registry.import.failed.v1"
    assert said in fact["reason"]


async def test_a_file_over_20_megabytes_is_refused_with_the_limit(desk: Desk) -> None:
    problem = await desk.upload(b"x" * (20 * 1024 * 1024 + 1), expect=413)
    assert problem["type"] == "urn:trama:problem:file-too-large"
    assert "20 MB" in problem["detail"]
    page = await desk.get(f"/networks/{desk.slug}/imports")
    assert page["items"] == []


async def test_a_file_of_100_megabytes_is_refused_with_a_problem(desk: Desk) -> None:
    problem = await desk.upload(b"x" * 100_000_000, expect=413)
    assert problem["errors"][0]["accepted"] is not None


async def test_the_same_upload_with_the_same_key_is_one_import(desk: Desk) -> None:
    content = table(bodies(1))
    first = await desk.upload(content, headers={"idempotency-key": "abc"})
    assert (await desk.upload(content, headers={"idempotency-key": "abc"}))["id"] == first["id"]
    problem = await desk.upload(table(bodies(1)), expect=422, headers={"idempotency-key": "abc"})
    assert problem["type"] == "urn:trama:problem:idempotency-key-reused"


async def test_only_those_who_may_import_see_imports(desk: Desk) -> None:
    state = await desk.upload(table(bodies(1)))
    stranger = await Desk.founded(desk.running)
    member = await desk.running.holder("member", desk.network_id)
    for headers, expected in ((stranger.headers, 404), (member, 404)):
        for path in (f"/imports/{state['id']}", f"/imports/{state['id']}/rows.csv"):
            answer = await desk.ask("GET", path, headers=headers)
            assert answer.status_code == expected
    answer = await desk.ask("POST", f"/networks/{desk.slug}/imports", files={"file": ("a.csv", b"x")}, headers=member)
    assert answer.status_code == 403
    assert (await desk.running.client.get(f"/registry/v1/imports/{state['id']}/rows.csv")).status_code == 401


async def test_a_signed_link_shows_the_report_it_was_made_for_and_no_other(desk: Desk) -> None:
    running = desk.running
    state, other = await desk.upload(table(bodies(1))), await desk.upload(table(bodies(1)))

    async def shown(import_id: str, **link: object) -> int:
        made = {"audience": "registry", "purpose": "import-report", "subject": UUID(state["id"])}
        expires = datetime.now(UTC) + timedelta(minutes=link.pop("minutes", 5))  # type: ignore[arg-type]
        token = links.mint(running.link_key, expires=expires, **{**made, **link})  # type: ignore[arg-type]
        path = f"/registry/v1/imports/{import_id}/rows.csv"
        return (await running.client.get(path, params={"token": token})).status_code

    assert await shown(state["id"]) == 200
    assert await shown(other["id"]) == 400
    assert await shown(state["id"], purpose="sign-in") == 400
    assert await shown(state["id"], audience="events") == 400
    assert await shown(state["id"], minutes=-5) == 410
    path = f"/registry/v1/imports/{state['id']}/rows.csv"
    assert (await running.client.get(path, params={"token": "x"})).status_code == 400


async def test_imports_are_listed_with_the_last_one_first(desk: Desk) -> None:
    ids = [(await desk.upload(table(bodies(1))))["id"] for _ in range(2)]
    page = await desk.get(f"/networks/{desk.slug}/imports", status="done")
    assert [item["id"] for item in page["items"]] == ids[::-1]


async def test_cells_that_a_spreadsheet_would_run_are_neutralised_in_the_report(desk: Desk) -> None:
    state = await desk.upload(table([("=cmd|' /C calc'!A1", "Ente", "Lecco", "LC")]))
    answer = await desk.ask("GET", f"/imports/{state['id']}/rows.csv")
    assert ",=" not in answer.text
