"""A network's list of people: who they are, for whom they act, as what, where and since when."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from services.registry.imports import jobs, worker
from shared.runtime import jobs as working
from tests.registry.desk import Desk, figures, table
from tests.registry.imports.scene import corrected, field_of, undo, upload

HEADER = ("Nome", "Cognome", "Email", "Telefono", "Ente", "Codice fiscale ente", "Ruolo", "Regione", "Dal", "Al")
OF = "representatives"


def row(given: str, family: str, ente: Any, **more: str) -> tuple[str, ...]:
    """`ente`: a member, named by its tax code; or a text, by its name."""
    cells = {
        "email": f"{given}.{family}@example.org".lower(),
        "phone": "",
        "role": "rappresentante",
        "region": "",
    } | more
    code, name = (ente["tax_code"], "") if isinstance(ente, dict) else ("", ente)
    days = (more.get("since", ""), more.get("until", ""))
    return (given, family, cells["email"], cells["phone"], name, code, cells["role"], cells["region"], *days)


async def mandates(desk: Desk) -> list[Any]:
    return list((await desk.get(f"/networks/{desk.slug}/mandates", limit=200))["items"])


async def people(desk: Desk) -> list[Any]:
    return list((await desk.get(f"/networks/{desk.slug}/people", limit=200))["items"])


async def problems(desk: Desk, state: Any) -> list[str]:
    return [line["problem"] for line in await desk.report(state["id"])]


async def member(desk: Desk, name: str = "ACLI", state: str = "active") -> Any:
    return await desk.register(name=name, state=state)


async def test_rows_become_people_with_dated_mandates_and_the_report_names_them(desk: Desk) -> None:
    acli, csv_net = await member(desk), await member(desk, "CSVnet")
    rows = [
        row("Giulia", "Serra", acli, region="Lombardia", since="1/1/2026", until="31/12/2027"),
        row("Paolo", "Riva", "CSVNET", role="Referente"),
        row("Anna", "Villa", csv_net, role="Coordinatrice regionale", region="Veneto"),
    ]
    state = await upload(desk, table(rows, HEADER), OF, commit=True)
    assert figures(state) == (3, 0, 0, 0)
    found = {one["person"]["name"]: one for one in await mandates(desk)}
    assert {name: (one["role"], one["organisation"]["name"]) for name, one in found.items() if one["organisation"]} == {
        "Giulia Serra": ("representative", "ACLI"), "Paolo Riva": ("referent", "CSVnet"),
        "Anna Villa": ("coordinator", "CSVnet"),
    }  # fmt: skip
    giulia = found["Giulia Serra"]
    assert (giulia["since"], giulia["until"]) == ("2026-01-01", "2028-01-01")
    report = await desk.report(state["id"])
    assert {line["mandate_id"] for line in report} == {one["id"] for one in found.values()}
    assert {line["person_id"] for line in report} == {one["person"]["id"] for one in found.values()}


async def test_each_person_and_each_mandate_is_told_once_and_their_grants_with_it(desk: Desk) -> None:
    acli = await member(desk)
    rows = [row("Giulia", "Serra", acli), row("Giulia", "Serra", acli, region="Lombardia")]
    await upload(desk, table(rows, HEADER), OF, commit=True)
    assert [type_ for type_, _ in await desk.told("person")] == ["trama.registry.person.registered.v1"]
    assert len([type_ for type_, _ in await desk.told("mandate") if "designated" in type_]) == 2
    (person,) = await people(desk)
    grants = await desk.running.sql("select role from grants where person_id = :id", id=person["id"])
    assert [role for (role,) in grants] == ["representative", "representative"]
    ((_, fact),) = await desk.told("import")
    assert (fact["of"], fact["created"]) == (OF, 2)


async def test_the_same_list_again_finds_everything_there(desk: Desk) -> None:
    acli = await member(desk)
    content = table([row("Giulia", "Serra", acli), row("Rossi", "Ugo", acli, since="2026-02-01")], HEADER)
    await upload(desk, content, OF, commit=True)
    await desk.running.settled()  # the mandates that begin today have begun
    before = (await people(desk), await mandates(desk))
    assert figures(await upload(desk, content, OF, commit=True)) == (0, 0, 2, 0)
    assert (await people(desk), await mandates(desk)) == before


async def test_several_share_a_mailbox_and_some_have_only_a_phone(desk: Desk) -> None:
    acli = await member(desk)
    office = "segreteria@example.org"
    rows = [
        row("Giulia", "Serra", acli, email=office),
        row("Paolo", "Riva", acli, email=office),
        row("Anna", "Villa", acli, email="", phone="0341 123456"),
        row("Anna", "Villa", acli, email="", phone="+39 0341 123456"),
        row("Ugo", "Rossi", acli, email=""),
    ]
    state = await upload(desk, table(rows, HEADER), OF, commit=True)
    assert figures(state) == (3, 0, 1, 1)
    assert sorted((one["name"], one["email"]) for one in await people(desk)) == [
        ("Anna Villa", None), ("Giulia Serra", office), ("Paolo Riva", office),
    ]  # fmt: skip
    assert (await problems(desk, state))[4] == "email: manca un recapito: email o telefono"


async def test_rows_are_refused_one_by_one_with_their_reasons_and_the_others_taken(desk: Desk) -> None:
    acli = await member(desk)
    await member(desk, "Omonima")
    await member(desk, "OMONIMA")
    gone = await member(desk, "Uscita")
    path = f"/memberships/{gone['membership']['id']}/withdraw"
    assert (await desk.ask("POST", path, headers={"if-match": '"1"'}, json={})).status_code == 200
    rows = [
        row("Giulia", "Serra", acli),
        row("Paolo", "Riva", "Sconosciuta"),
        row("Anna", "Villa", "Omonima"),
        row("Ugo", "Rossi", gone),
        row("Ada", "Neri", acli, role="segreteria"),
        row("Eva", "Bo", acli, role="coordinatrice"),
        row("Ivo", "Bo", ""),
        row("", "", acli),
        row("Leo", "Re", acli, email="no"),
        row("Mia", "Re", acli, since="31/02/2026"),
        row("Noa", "Re", acli, role="referente", region="Veneto"),
        ("Totale", *[""] * 9),
    ]
    state = await upload(desk, table(rows, HEADER), OF, commit=True)
    assert figures(state) == (1, 0, 0, 11)
    said = await problems(desk, state)
    for number, words in enumerate(
        [
            "", "«Sconosciuta» non è tra gli aderenti", "più aderenti si chiamano", "non è tra gli aderenti",
            "non è un ruolo che un elenco possa dare", "manca il territorio, che il ruolo richiede",
            "manca l'ente, che il ruolo richiede", "manca il nome", "«no» non è un indirizzo",
            "«31/02/2026» non è un giorno", "il ruolo vale in tutta la rete", "riga di totali",
        ]
    ):  # fmt: skip
        assert words in said[number]
    assert len(await people(desk)) == 1, "who is refused is not entered"


async def test_an_office_of_one_is_given_once_in_a_file_and_in_the_register(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "BATCH", 1)
    acli = await member(desk)
    rows = [row("Giulia", "Serra", acli, role="referente"), row("Paolo", "Riva", acli, role="referente")]
    state = await upload(desk, table(rows, HEADER), OF)
    assert figures(state) == (1, 0, 0, 1)
    assert "somebody" not in (await problems(desk, state))[1]
    assert "il ruolo è già di un'altra persona" in (await problems(desk, state))[1]
    assert await people(desk) == []
    assert figures(await desk.commit(state["id"])) == (1, 0, 0, 1)
    assert figures(await upload(desk, table(rows[1:], HEADER), OF, commit=True)) == (0, 0, 0, 1)


async def test_repeated_rows_are_seen_across_batches_also_in_a_preview(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "BATCH", 2)
    acli = await member(desk)
    giulia = row("Giulia", "Serra", acli, since="2026-01-01")
    rows = [
        giulia,
        row("Paolo", "Riva", acli),
        row("Anna", "Villa", acli),
        giulia,
        row("Giulia", "Serra", acli, since="2026-03-01"),
    ]
    state = await upload(desk, table(rows, HEADER), OF)
    assert figures(state) == (3, 0, 1, 1)
    foreseen = await problems(desk, state)
    assert "in giorni diversi (dal 2026-01-01" in foreseen[4]
    assert figures(await desk.commit(state["id"])) == (3, 0, 1, 1)
    assert await problems(desk, state) == foreseen
    assert len(await people(desk)) == 3


async def test_columns_are_guessed_and_what_is_missing_is_asked_for(desk: Desk) -> None:
    acli = await member(desk)
    header = ("Nominativo", "E-mail", "Codice fiscale", "Carica", "Colore")
    state = await upload(
        desk, table([("Serra Giulia", "g@example.org", acli["tax_code"], "Delegata", "x")], header), OF
    )
    assert [field_of(state, letter)[0] for letter in "ABCDE"] == ["full_name", "email", "tax_code", "role", None]
    assert figures(state) == (1, 0, 0, 0)
    without = await upload(desk, table([("Serra Giulia", "g@example.org")], header[:2]), OF, commit=True)
    assert (without["state"], without["found"]["missing"]) == ("mapping", ["organisation"])
    again = await corrected(desk, without, constants={"organisation": "ACLI", "role": "referente", "since": "1/2/2026"})
    assert figures(again) == (1, 0, 0, 0)
    await desk.commit(again["id"])
    (mandate,) = await mandates(desk)
    assert (mandate["role"], mandate["since"], mandate["organisation"]["name"]) == ("referent", "2026-02-01", "ACLI")


async def test_a_tax_code_of_people_is_not_taken_for_the_organisations(desk: Desk) -> None:
    header = ("Nome e cognome", "Email", "Codice fiscale", "Ente")
    state = await upload(desk, table([("Giulia Serra", "g@example.org", "SRRGLI80A41F205B", "ACLI")], header), OF)
    assert field_of(state, "C") == (None, None)


async def test_what_the_file_said_of_people_is_kept_no_longer_than_needed(desk: Desk) -> None:
    acli = await member(desk)
    state = await upload(desk, table([row("Giulia", "Serra", acli), row("Ugo", "Bo", acli, email="no")], HEADER), OF)
    assert state["found"]["table"][0]["examples"] == ["Giulia", "Ugo"]
    state = await desk.commit(state["id"])
    assert state["found"]["table"][0] == {
        "number": 1, "letter": "A", "name": "Nome", "examples": [], "field": "given_name", "certainty": "named",
    }  # fmt: skip
    where = "where import_id = :id"
    assert await desk.running.sql(f"select from import_files {where}", id=state["id"]) == []
    kept = await desk.running.sql(f"select content, problem from import_rows {where} order by line", id=state["id"])
    assert [content for content, _ in kept] == [None, None]
    await desk.running.sql("update due set at = now() where kind = 'import' and subject_id = :id", id=state["id"])
    await desk.running.settled()
    assert [line["problem"] for line in await desk.report(state["id"])] == ["", ""]


async def test_undone_the_mandates_were_never_held_and_whom_it_entered_is_forgotten(desk: Desk) -> None:
    acli = await member(desk)
    known = row("Paolo", "Riva", acli)
    await upload(desk, table([known], HEADER), OF, commit=True)
    rows = [
        row("Giulia", "Serra", acli),
        row("Giulia", "Serra", acli, region="Lombardia"),
        row("Paolo", "Riva", acli, region="Veneto"),
    ]
    state = await upload(desk, table(rows, HEADER), OF, commit=True)
    assert figures(state) == (3, 0, 0, 0)
    state = await undo(desk, state["id"])
    assert (state["state"], state["undone"], state["kept"]) == ("undone", 3, 0)
    (paolo,) = [one for one in await people(desk) if one["name"]]
    assert paolo["name"] == "Paolo Riva"
    held = [one for one in await mandates(desk) if one["state"] != "ended"]
    assert [(one["person"]["name"], one["territory"]) for one in held] == [("Paolo Riva", None)]
    assert {one["end_reason"] for one in await mandates(desk) if one["state"] == "ended"} == {"mistake"}
    assert len([type_ for type_, _ in await desk.told("person") if type_.endswith("erased.v1")]) == 1
    assert len([type_ for type_, _ in await desk.told("mandate") if type_.endswith("ended.v1")]) == 3
    again = await upload(desk, table(rows, HEADER), OF, commit=True)
    assert figures(again) == (3, 0, 0, 0)


async def test_a_mandate_that_was_accepted_or_ended_since_stays_and_so_do_people_with_another_one(desk: Desk) -> None:
    acli = await member(desk)
    rows = [row("Giulia", "Serra", acli), row("Paolo", "Riva", acli)]
    state = await upload(desk, table(rows, HEADER), OF, commit=True)
    found = {one["person"]["name"]: one for one in await mandates(desk)}
    giulia, paolo = found["Giulia Serra"], found["Paolo Riva"]
    await desk.running.settled()
    tag = (await desk.ask("GET", f"/mandates/{giulia['id']}")).headers["etag"]
    assert (await desk.ask("POST", f"/mandates/{giulia['id']}/accept", headers={"if-match": tag})).status_code == 200
    more = {
        "person_id": paolo["person"]["id"],
        "role": "delegate",
        "organisation_id": acli["id"],
        "since": "2026-01-01",
    }
    assert (await desk.ask("POST", f"/networks/{desk.slug}/mandates", json=more)).status_code == 201
    state = await undo(desk, state["id"])
    assert (state["undone"], state["kept"]) == (1, 1)
    report = await desk.report(state["id"])
    assert report[0]["kept"] == "cambiato dopo l'importazione: mandate"
    assert sorted(one["name"] for one in await people(desk)) == ["Giulia Serra", "Paolo Riva"]


async def test_a_worker_that_is_killed_gives_nothing_twice(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "BATCH", 5)
    monkeypatch.setattr(working, "PAUSE", 0.0)
    acli = await member(desk)
    rows = [row(f"Nome{chr(97 + n)}", "Serra", acli) for n in range(20)]
    real, calls = jobs.advance, 0

    async def failing(*args: Any, **more: Any) -> None:
        nonlocal calls
        calls += 1
        await real(*args, **more)
        if calls == 2:
            raise OSError("killed before the commit")

    monkeypatch.setattr(jobs, "advance", failing)
    with capture_logs():
        state = await upload(desk, table(rows, HEADER), OF, commit=True)
    assert figures(state) == (20, 0, 0, 0)
    assert len(await people(desk)) == 20
    assert len([type_ for type_, _ in await desk.told("mandate") if "designated" in type_]) == 20


async def test_who_may_not_enter_people_may_not_import_them(desk: Desk) -> None:
    member_ = await desk.running.holder("member", desk.network_id)
    answer = await desk.ask(
        "POST", f"/networks/{desk.slug}/imports", params={"of": OF}, files={"file": ("a.csv", b"x")}, headers=member_
    )
    assert answer.status_code == 403
    key = {"title": "Solo importa", "scopes": ["registry:import"]}
    made = await desk.ask("POST", f"/networks/{desk.slug}/api-keys", json=key)
    assert made.status_code == 201, made.text
    bearer = {"authorization": f"Bearer {made.json()['credential']}"}
    for of, expected in ((OF, 403), ("organisations", 202)):
        answer = await desk.ask(
            "POST", f"/networks/{desk.slug}/imports", params={"of": of}, files={"file": ("a.csv", b"x")}, headers=bearer
        )
        assert answer.status_code == expected, answer.text


async def test_who_may_not_enter_people_reads_nothing_of_the_lists_that_others_sent(desk: Desk) -> None:
    content = table([row("Giulia", "Serra", await member(desk))], HEADER)
    people_, members = await upload(desk, content, OF), await upload(desk, "Denominazione\nPonti\n")
    key = {"title": "Solo importa", "scopes": ["registry:import"]}
    made = await desk.ask("POST", f"/networks/{desk.slug}/api-keys", json=key)
    bearer = {"authorization": f"Bearer {made.json()['credential']}"}
    path = f"/imports/{people_['id']}"
    for part in ("", "/preview", "/rows", "/rows.csv"):
        assert (await desk.ask("GET", path + part, headers=bearer)).status_code == 404
    assert (await desk.ask("POST", f"{path}/ticket", headers=bearer)).status_code == 404
    listed = await desk.ask("GET", f"/networks/{desk.slug}/imports", headers=bearer)
    assert [one["id"] for one in listed.json()["items"]] == [members["id"]]
    assert (await desk.ask("GET", f"/imports/{members['id']}/rows", headers=bearer)).status_code == 200
