"""Lists of representatives as associations send them: by their referent, by the secretariat, or by the mailed link."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx
import openpyxl
import pytest
from sqlalchemy import event

from tests.harness import Running
from tests.registry.commitments.scene import HTML, acted, day, etag, link, promise, referent, told
from tests.registry.conftest import Caller, Room, problem

HEADER = "Nome;Cognome;Email;Telefono;Regione;Dal;Al"
LIST = (
    HEADER,
    "Giulia;Serra;giulia.serra@example.org;;Lombardia;2026-02-01;31/12/2027",
    "Marco;Leone;;0341 123456;Piemonte;;",
    "Ana;Pérez;ana@example.org;+34 912 345 678;;12/9/2026;",
)


def content(lines: Sequence[str]) -> bytes:
    return "\r\n".join(lines).encode()


async def send(
    caller: Caller,
    commitment: Any,
    file: bytes,
    *,
    complete: bool = False,
    name: str = "elenco.csv",
    language: str = "it",
) -> httpx.Response:
    return await caller.running.client.post(
        f"/registry/v1/commitments/{commitment['id']}/representatives",
        files={"file": (name, file)},
        data={"complete": "true"} if complete else {},
        headers={**caller.headers, "accept-language": language},
    )


async def representatives(room: Room) -> list[Any]:
    items: list[Any] = (await room.found(f"/networks/{room.slug}/mandates", role="representative", limit=200))["items"]
    return items


async def held(room: Room) -> list[tuple[str, str, str | None]]:
    return [(one["id"], one["since"], one["until"]) for one in await representatives(room)]


async def counts(registry: Running) -> tuple[int, ...]:
    """Of everything that a list may make."""
    tables = ("people", "known_people", "mandates", "log", "representative_lists", "listed_people", "grants")
    return tuple([(await registry.sql(f"select count(*) as n from {table}"))[0].n for table in tables])


async def test_a_list_makes_dated_mandates_and_closes_its_commitment_when_complete(
    registry: Running, room: Room
) -> None:
    member = await room.organisation()
    one = await promise(room, member)
    answer = await send(room, one, content(LIST), complete=True)
    assert answer.status_code == 200, answer.text
    taken = answer.json()
    assert (taken["rows"], taken["created"], taken["unchanged"], taken["entered"]) == (3, 3, 0, 3)
    assert (taken["complete"], taken["state"]) == (True, "fulfilled")
    assert [item["person"]["name"] for item in taken["mandates"]] == ["Giulia Serra", "Marco Leone", "Ana Pérez"]
    found = {
        (item["person"]["name"], item["organisation"]["id"], item["territory"], item["since"], item["until"])
        for item in await representatives(room)
    }
    assert found == {
        ("Giulia Serra", member["id"], "03", "2026-02-01", "2028-01-01"),
        ("Marco Leone", member["id"], "01", day(registry), None),
        ("Ana Pérez", member["id"], None, "2026-09-12", None),
    }
    closed = await room.found(f"/commitments/{one['id']}")
    assert (closed["state"], closed["evidence"]) == ("fulfilled", "Elenco dichiarato completo: 3 righe.")
    assert await told(registry, one) == [("made", "open"), ("fulfilled", "fulfilled")]
    for item in taken["mandates"]:
        (fact, *_) = await registry.published(f"registry.mandate.{item['id']}.*")
        assert fact[0] == "trama.registry.mandate.designated.v1"
        (grants,) = await registry.published(f"registry.grant.{item['person']['id']}.changed")
        assert [grant["role"] for grant in grants[1]["grants"]] == ["representative"]
    people = {p["name"]: p for p in (await room.found(f"/networks/{room.slug}/people"))["items"]}
    assert people["Marco Leone"]["phone"] == "+390341123456"
    sent = (await room.found(f"/commitments/{one['id']}/representatives"))["items"]
    assert [(s["rows"], s["created"], s["unchanged"], s["complete"]) for s in sent] == [(3, 3, 0, True)]
    source = await registry.sql(
        "select count(*) as n from listed_people where list_id = :id and entered", id=UUID(taken["id"])
    )
    assert source[0].n == 3


async def test_the_same_list_again_finds_everything_there(registry: Running, room: Room) -> None:
    one = await promise(room, await room.organisation())
    first = (await send(room, one, content(LIST))).json()
    people, before = len(await registry.sql("select id from people")), await held(room)
    again = (await send(room, one, content(LIST))).json()
    assert (again["rows"], again["created"], again["unchanged"], again["entered"]) == (3, 0, 3, 0)
    assert [item["id"] for item in again["mandates"]] == [item["id"] for item in first["mandates"]]
    assert len(await registry.sql("select id from people")) == people
    assert await held(room) == before
    more = content([*LIST, "Nuova;Voce;nuova@example.org;;Lazio;;"])
    added = (await send(room, one, more, complete=True)).json()
    assert (added["created"], added["unchanged"], added["entered"], added["state"]) == (1, 3, 1, "fulfilled")
    assert problem(await send(room, one, more)) == (409, "commitment-closed")


async def test_people_are_known_by_mailbox_and_name_never_by_mailbox_alone(registry: Running, room: Room) -> None:
    one = await promise(room, await room.organisation())
    giulia = await room.person(email="insieme@example.org")
    marco = await room.person("Marco", "Leone", phone="0341 999")
    rows = [
        "Nominativo;Email;Tel.",
        "Serra GIULIA;Insieme@Example.org;",
        "Serra Anna;insieme@example.org;",
        "Marco Leone;;0341999",
        "Marco Leone;marco@example.org;0341 999",
    ]
    taken = (await send(room, one, content(rows))).json()
    ids = [item["person"]["id"] for item in taken["mandates"]]
    assert (ids[0], ids[2], taken["entered"]) == (giulia["id"], marco["id"], 2)
    assert len(set(ids)) == 4
    known = await room.found(f"/people/{marco['id']}")
    assert (known["email"], known["version"]) == (None, 1), "a file changes nothing of who is known already"


async def test_another_networks_people_are_not_known_here(registry: Running, room: Room, other_room: Room) -> None:
    there = await other_room.person(email="altrove@example.org")
    one = await promise(room, await room.organisation())
    taken = (await send(room, one, content(["Nome;Cognome;Email", "Giulia;Serra;altrove@example.org"]))).json()
    assert taken["entered"] == 1
    assert taken["mandates"][0]["person"]["id"] != there["id"]


async def test_one_bad_row_and_nothing_has_happened(registry: Running, room: Room) -> None:
    await room.organisation("Altra Associazione")
    one = await promise(room, await room.organisation("Ponti e Strade"))
    await registry.settled()
    before = await counts(registry)
    rows = [
        "Elenco dei rappresentanti 2026;;;;;;",
        "",
        "Nome;Cognome;E-mail;Cellulare;Provincia;Dal;Al;Ente",
        "Giulia;Serra;giulia@example.org;;LC;;;ponti e strade",
        ";Serra;giulia@example.org;;;;;Ponti",
        "Marco;Leone;non-un-indirizzo;12;Lecko;31/02/2026;;",
        "Anna;Neri;;;;2026-03-01;2026-02-01;",
        "Ugo;Blu;ugo@example.org;;;;;Altra Associazione",
        "Giulia;Serra;giulia@example.org;;Lecco;;;",
    ]
    refused = await send(room, one, content(rows), complete=True)
    assert problem(refused) == (422, "rows-refused")
    body = refused.json()
    assert [(error["path"], error["code"]) for error in body["errors"]] == [
        ("/lines/5/given_name", "missing"),
        ("/lines/6/email", "unfit"),
        ("/lines/6/phone", "unfit"),
        ("/lines/6/province", "unknown"),
        ("/lines/6/since", "unfit"),
        ("/lines/7/email", "missing"),
        ("/lines/7/until", "before"),
        ("/lines/8/organisation", "another"),
    ]
    assert body["errors"][1]["accepted"] == "nome@dominio.it"
    assert body["lines"][1] == {
        "line": 6,
        "column": "E-mail",
        "reason": "«non-un-indirizzo» non è un indirizzo",
        "accepted": "nome@dominio.it",
    }
    assert body["detail"].startswith("Nulla è stato preso")
    english = await send(room, one, content(rows), language="en")
    assert english.json()["lines"][1]["reason"] == "“non-un-indirizzo” is not an address"
    good = [row for at, row in enumerate(rows) if at < 4 or at == 8]
    good[4] = good[4].replace(";;;", ";1/1/2027;;")
    twice = await send(room, one, content(good))
    assert problem(twice) == (422, "rows-refused")
    assert [(e["path"], e["code"]) for e in twice.json()["errors"]] == [("/lines/5/row", "repeated")]
    assert "riga 4" in twice.json()["lines"][0]["reason"]
    assert await counts(registry) == before
    assert (await room.found(f"/commitments/{one['id']}"))["state"] == "open"


async def test_a_mandate_that_overlaps_is_stated(registry: Running, room: Room) -> None:
    member = await room.organisation()
    one = await promise(room, member)
    person = await room.person(email="giulia@example.org")
    await room.mandate(
        person, "representative", "2026-01-01", until="2027-01-01", organisation_id=member["id"], territory="03"
    )
    head = "Nome;Cognome;Email;Regione;Dal;Al"
    refused = await send(room, one, content([head, "Giulia;Serra;giulia@example.org;Lombardia;2026-06-01;2028-12-31"]))
    assert problem(refused) == (422, "rows-refused")
    assert refused.json()["errors"] == [{"path": "/lines/2/since", "code": "overlaps", "accepted": None}]
    assert "dal 2026-01-01, al 2026-12-31" in refused.json()["lines"][0]["reason"]
    same = await send(room, one, content([head, "Giulia;Serra;giulia@example.org;Lombardia;1/1/2026;31/12/2026"]))
    assert (same.json()["created"], same.json()["unchanged"]) == (0, 1)
    after = await send(room, one, content([head, "Giulia;Serra;giulia@example.org;Lombardia;1/1/2027;"]))
    assert (after.json()["created"], after.json()["unchanged"]) == (1, 0)


# --- who may ---------------------------------------------------------------------------------------------------------


async def test_an_association_sends_its_own_list_only(registry: Running, room: Room, other_room: Room) -> None:
    own, another = await room.organisation("Sua"), await room.organisation("Altrui")
    speaker = await referent(room, own)
    theirs, others = await promise(room, own), await promise(room, another)
    assert problem(await send(speaker, others, content(LIST))) == (403, "forbidden")
    assert problem(await send(other_room, theirs, content(LIST))) == (403, "forbidden")
    assert problem(await send(Caller(registry, {}), theirs, content(LIST))) == (401, "unauthenticated")
    assert (await send(speaker, theirs, content(LIST))).json()["created"] == 3


async def test_what_is_no_list_takes_none(registry: Running, room: Room) -> None:
    action = await promise(room, await room.organisation(), kind="action")
    person = await room.person()
    personal = await promise(room, None, person_id=person["id"])
    for one in (action, personal):
        assert problem(await send(room, one, content(LIST))) == (409, "not-a-list")


async def test_a_member_who_left_sends_nothing(registry: Running, room: Room) -> None:
    member = await room.organisation()
    one = await promise(room, member)
    await acted(room, f"/memberships/{member['membership']['id']}", "withdraw", {})
    assert problem(await send(room, one, content(LIST))) == (409, "commitment-closed")


# --- the link --------------------------------------------------------------------------------------------------------


async def test_the_link_shows_a_form_and_takes_a_list_until_the_commitment_is_closed(
    registry: Running, room: Room
) -> None:
    one = await promise(room, await room.organisation("Ponti & Strade"))
    url = link(registry, one["id"], "representatives")
    for _ in range(3):
        shown = await registry.client.get(url, headers=HTML)
        assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    for piece in (
        "Elenco dei rappresentanti",
        "Ponti &amp; Strade",
        room.slug.title(),
        '<input type="file" id="file" name="file" required',
        'name="complete" value="true"',
        'enctype="multipart/form-data"',
        '<html lang="it">',
    ):
        assert piece in shown.text
    assert "<script" not in shown.text
    english = await registry.client.get(url, headers={**HTML, "accept-language": "en"})
    assert "Send the list" in english.text

    first = await registry.client.post(url, files={"file": ("e.csv", content(LIST))}, headers=HTML)
    assert first.status_code == 200, first.text
    assert "Incarichi nuovi: 3" in first.text
    assert "resta aperto" in first.text
    assert "Giulia Serra" in first.text
    assert "Lombardia" in first.text
    assert "31 dicembre 2027" in first.text
    again = await registry.client.post(
        url, files={"file": ("e.csv", content(LIST))}, data={"complete": "true"}, headers=HTML
    )
    assert "Già presenti: 3" in again.text
    assert "dichiarato completo" in again.text
    assert (await room.found(f"/commitments/{one['id']}"))["state"] == "fulfilled"
    closed = await registry.client.get(url, headers=HTML)
    assert closed.status_code == 200
    assert "<form" not in closed.text
    assert "assolto il" in closed.text
    late = await registry.client.post(url, files={"file": ("e.csv", content(LIST))}, headers=HTML)
    assert (late.status_code, "L'impegno è chiuso" in late.text.replace("&#39;", "'")) == (409, True)


DIRTY = (
    "Associazione Ponti – elenco dei referenti regionali;;;;;;",
    "aggiornato al 10.9.2026;;;;;;",
    ";;;;;;",
    "N.;Cognome e nome;E-mail;Cell.;Regione di riferimento;Data decorrenza;Note",
    "1;D'Angelo Niccolò;Niccolò <n.dangelo@example.org>;-;Emilia Romagna;1.10.2026;",
    "2;DE LUCA Anna Maria;anna@example.org;333 1234567;Trentino;46296;da confermare",
    ";;;;;;",
    "2;DE LUCA Anna Maria;anna@example.org;333 1234567;Trentino;46296;",
    "3;DE LUCA Anna Maria;anna@example.org;;Friuli Venezia Giulia;1 ottobre 2026;",
)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp1252", "mac_roman"])
async def test_a_list_as_it_really_comes_is_taken_through_the_link(
    registry: Running, room: Room, encoding: str
) -> None:
    """With titles above, blank rows, a row said twice, one person for two regions, days in every form."""
    one = await promise(room, await room.organisation())
    url = link(registry, one["id"], "representatives")
    file = "\r\n".join(DIRTY).encode(encoding)
    taken = await registry.client.post(url, files={"file": ("Elenco.csv", file)}, headers={"accept": "text/html"})
    assert taken.status_code == 200, taken.text
    assert "Incarichi nuovi: 3. Già presenti: 1." in taken.text
    assert "Colonne non lette: N., Note." in taken.text
    found = {(m["person"]["name"], m["territory"], m["since"]) for m in await representatives(room)}
    assert found == {
        ("Niccolò D'Angelo", "08", "2026-10-01"),
        ("Anna Maria DE LUCA", "04", "2026-10-01"),
        ("Anna Maria DE LUCA", "06", "2026-10-01"),
    }
    assert len((await room.found(f"/networks/{room.slug}/people"))["items"]) == 2


async def test_markup_and_formulas_are_no_names_and_never_reach_a_page(registry: Running, room: Room) -> None:
    one = await promise(room, await room.organisation())
    url = link(registry, one["id"], "representatives")
    rows = ["Nome;Cognome;Email;<b>Note</b>", "<script>alert(1)</script>;Serra;<i>x</i>;", '"=1+1";Neri;n@example.org;']
    refused = await registry.client.post(url, files={"file": ("e.csv", content(rows))}, headers=HTML)
    assert refused.status_code == 422
    assert "<script>" not in refused.text
    assert "<i>" not in refused.text
    good = ["Nome;Cognome;Email;<b>Note</b>", "Giulia;Serra;g@example.org;"]
    taken = await registry.client.post(url, files={"file": ("e.csv", content(good))}, headers=HTML)
    assert taken.status_code == 200, taken.text
    assert "<b>" not in taken.text
    assert "&lt;b&gt;Note" in taken.text


async def test_the_link_speaks_json_to_programs(registry: Running, room: Room) -> None:
    one = await promise(room, await room.organisation())
    url = link(registry, one["id"], "representatives")
    json = {"accept": "application/json"}
    shown = (await registry.client.get(url, headers=json)).json()
    assert (shown["title"], shown["state"], shown["debtor"]) == (one["title"], "open", "Ponti")
    taken = await registry.client.post(
        url, files={"file": ("e.csv", content(LIST))}, data={"complete": "on"}, headers=json
    )
    assert (taken.status_code, taken.json()["created"], taken.json()["state"]) == (200, 3, "fulfilled")
    assert problem(await registry.client.post(url, files={"file": ("e.csv", content(LIST))}, headers=json)) == (
        409,
        "commitment-closed",
    )


async def test_the_page_of_a_refused_list_says_what_to_correct_in_each_line(registry: Running, room: Room) -> None:
    one = await promise(room, await room.organisation())
    url = link(registry, one["id"], "representatives")
    bad = content([HEADER, "<b>Giulia</b>;Serra;qui<script>;;Lombardya;;", ";;;;;;X"])
    page = await registry.client.post(url, files={"file": ("e.csv", bad)}, headers=HTML)
    assert page.status_code == 422
    assert "Nessuna riga è stata presa" in page.text
    assert 'data-label="Riga">2</th><td role="cell" data-label="Colonna">Email</td>' in page.text
    assert "«Lombardya» non è una regione" in page.text
    assert "Lombardia, 03" in page.text
    assert "<script>" not in page.text
    assert '<input type="file"' in page.text, "and the form to try again"
    good = await registry.client.post(url, files={"file": ("e.csv", content(LIST))}, headers=HTML)
    assert good.status_code == 200


@pytest.mark.parametrize(
    ("changed", "status", "type_", "words"),
    [
        ({"minutes": -1}, 410, "link-expired", "scaduto"),
        ({"audience": "events"}, 400, "link-invalid", "non è valido"),
        ({"token_purpose": "commitment"}, 400, "link-invalid", "non è valido"),
        ({"subject": UUID(int=7)}, 404, "not-found", "Non trovato"),
        ({"key": "another"}, 400, "link-invalid", "non è valido"),
    ],
)
@pytest.mark.parametrize("page", ["representatives", "commitment"])
async def test_another_link_does_not_open(
    registry: Running, room: Room, page: str, changed: dict[str, Any], status: int, type_: str, words: str
) -> None:
    one = await promise(room, await room.organisation())
    given = dict(changed)
    if given.get("key"):
        given = {"key": registry.key}
    if given.pop("token_purpose", None):
        other = "commitment" if page == "representatives" else "representatives"
        token = link(registry, one["id"], other).partition("token=")[2]
        url = f"/registry/v1/{'commitments' if page == 'commitment' else page}/link?token={token}"
    else:
        url = link(registry, one["id"], page, **given)
    upload = {"files": {"file": ("e.csv", content(LIST))}} if page == "representatives" else {"data": {"evidence": "x"}}
    assert problem(await registry.client.post(url, **upload, headers={"accept": "application/json"})) == (status, type_)
    for shown in (
        await registry.client.get(url, headers=HTML),
        await registry.client.post(url, **upload, headers=HTML),
    ):
        assert shown.status_code == status
        assert words in shown.text
        assert "segreteria della tua rete" in shown.text
    assert (await room.found(f"/commitments/{one['id']}"))["state"] == "open"


# --- files -----------------------------------------------------------------------------------------------------------


def workbook(rows: Sequence[Sequence[Any]]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


async def test_a_workbook_with_real_days_is_a_list_too(registry: Running, room: Room) -> None:
    from datetime import date

    one = await promise(room, await room.organisation())
    file = workbook(
        [
            ["Cognome e nome", "Indirizzo e-mail", "Cellulare", "Comune", "Decorrenza"],
            ["Serra Giulia", "giulia@example.org", 3331234567, "Lecco", date(2026, 4, 1)],
        ]
    )
    taken = (await send(room, one, file, name="elenco.xlsx")).json()
    (item,) = taken["mandates"]
    assert (item["person"]["name"], item["territory"], item["since"]) == ("Giulia Serra", "E507", "2026-04-01")


@pytest.mark.parametrize(
    ("file", "type_", "words"),
    [
        (b"", "file-refused", "vuoto"),
        (b"%PDF-1.4 x", "file-refused", "PDF"),
        (b"PK\x03\x04 half", "file-refused", "danneggiato"),
        (b"\x00\x01\x02\x03" * 50, "file-refused", "codifica"),
        (b"Nome;Cognome;Email\r\n", "file-refused", "righe"),
        (b"Nome;Cognome\r\nGiulia;Serra\r\n", "columns-missing", "Cognome"),
        (b"Email\r\ngiulia@example.org\r\n", "columns-missing", "Email"),
        (b"a" * 100_000, "columns-missing", "aaa"),
        (("Nome;Cognome;Email\r\n" + "A;B;a@example.org\r\n" * 2_001).encode(), "too-many-rows", "2000"),
        (("Nome;Cognome;Email\r\n" + "A;B;a@example.org\r\n" * 90_000).encode(), "too-many-rows", "2000"),
        ((";" * 400 + "\r\n").encode() * 3 + b"x", "file-refused", "colonne"),
    ],
)
async def test_a_file_that_is_no_list_is_refused_with_the_reason(
    registry: Running, room: Room, file: bytes, type_: str, words: str
) -> None:
    one = await promise(room, await room.organisation())
    refused = await send(room, one, file)
    assert problem(refused) == (422, type_)
    assert words in refused.text
    url = link(registry, one["id"], "representatives")
    page = await registry.client.post(url, files={"file": ("e.csv", file)}, headers=HTML)
    assert (page.status_code, words in page.text, '<input type="file"' in page.text) == (422, True, True)


async def test_a_workbook_that_unpacks_beyond_reason_is_not_opened(registry: Running, room: Room) -> None:
    one, out = await promise(room, await room.organisation()), io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"\0" * (64 << 20))
    refused = await send(room, one, out.getvalue(), name="elenco.xlsx")
    assert problem(refused) == (422, "file-refused")
    assert "non è stato aperto" in refused.text


async def test_too_large_a_file_is_refused(registry: Running, room: Room) -> None:
    one = await promise(room, await room.organisation())
    refused = await send(room, one, b"a;b\n" * (6 * 1024 * 1024))
    assert refused.status_code == 413


async def test_a_form_without_a_file_says_so(registry: Running, room: Room) -> None:
    """A browser without one that is `required` sends a part with an empty name."""
    one = await promise(room, await room.organisation())
    url = link(registry, one["id"], "representatives")
    part = b'Content-Disposition: form-data; name="file"; filename=""\r\nContent-Type: application/octet-stream'
    form = b"--x\r\n" + part + b"\r\n\r\n\r\n--x--\r\n"
    multipart = {"content-type": "multipart/form-data; boundary=x"}
    page = await registry.client.post(url, content=form, headers={**HTML, **multipart})
    assert (page.status_code, "Scegliere il file" in page.text) == (422, True)
    assert problem(await registry.client.post(url, content=form, headers=multipart)) == (422, "file-missing")
    empty = await registry.client.post(url, headers=HTML)
    assert (empty.status_code, "Scegliere il file" in empty.text) == (422, True)


# --- many, at once, and halfway --------------------------------------------------------------------------------------


def long_list(number: int) -> bytes:
    places = ("Lombardia", "Piemonte", "Lazio", "Sicilia", "")
    rows = [f"Nome{n};Cognome{n};n{n}@example.org;;{places[n % 5]};2026-01-01;" for n in range(number)]
    return content([HEADER, *rows])


async def test_the_number_of_statements_does_not_depend_on_the_number_of_rows(registry: Running, room: Room) -> None:
    one, another = (
        await promise(room, await room.organisation("Una")),
        await promise(room, await room.organisation("B")),
    )
    engine, statements = registry.context.database.engine.sync_engine, Counter[str]()

    def counted(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        statements[statement] += any(word in statement.lower() for word in TABLES)

    async def cost(commitment: Any, file: bytes) -> int:
        await registry.settled()  # what the list before made due has been told
        statements.clear()
        assert (await send(room, commitment, file)).status_code == 200
        return sum(number for statement, number in statements.items() if "told" not in statement)

    event.listen(engine, "before_cursor_execute", counted)
    try:
        few, many = await cost(one, long_list(5)), await cost(another, long_list(200))
        few_again, many_again = await cost(one, long_list(5)), await cost(another, long_list(200))
    finally:
        event.remove(engine, "before_cursor_execute", counted)
    assert many <= few
    assert many_again <= few_again


TABLES = ("into people", "known_people", "into mandates", "into grant", "from grants", "from mandates", "listed_people")


async def test_two_lists_at_once_enter_each_person_once(registry: Running, room: Room) -> None:
    one = await promise(room, await room.organisation())
    answers = await asyncio.gather(*(send(room, one, long_list(40)) for _ in range(3)))
    assert sorted(answer.json()["created"] for answer in answers) == [0, 0, 40]
    assert len(await representatives(room)) == 40
    assert len((await room.found(f"/networks/{room.slug}/people", limit=200))["items"]) == 40


async def test_a_list_that_breaks_halfway_leaves_nothing(
    registry: Running, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People, mandates, grants, facts, the commitment: one transaction. Its last step fails, and none of it stands."""
    one = await promise(room, await room.organisation())
    await registry.settled()
    before = await counts(registry)

    async def broken(*_: object) -> None:
        raise TimeoutError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr("services.registry.commitments.commands.close", broken)
        assert problem(await send(room, one, content(LIST), complete=True)) == (503, "unavailable")
    assert await counts(registry) == before
    assert (await send(room, one, content(LIST), complete=True)).json()["created"] == 3


async def test_a_withdrawal_during_an_upload_leaves_no_mandate_behind(registry: Running, room: Room) -> None:
    member = await room.organisation()
    one = await promise(room, member)
    path = f"/memberships/{member['membership']['id']}"
    tag = await etag(room, path)
    sent, left = await asyncio.gather(send(room, one, long_list(30)), room.post(f"{path}/withdraw", {}, tag))
    assert left.status_code == 200, left.text
    assert sent.status_code in (200, 409, 422)
    await registry.settled()
    assert {mandate["state"] for mandate in await representatives(room)} <= {"ended"}
    assert (await room.found(f"/commitments/{one['id']}"))["state"] == "waived"


async def test_a_person_is_entered_by_the_form_of_the_link_and_the_list_closed_without_a_file(
    registry: Running, room: Room
) -> None:
    organisation = await room.organisation()
    one = await promise(room, organisation)
    url = link(registry, one["id"], "representatives")
    shown = await registry.client.get(url, headers=HTML)
    for field in ("given_name", "family_name", "email", "phone", "territory", "since", "until"):
        assert f'name="{field}"' in shown.text
    empty = await registry.client.post(url, data={"complete": "true"}, headers=HTML)
    assert empty.status_code == 409
    assert "elenco è ancora vuoto" in empty.text
    person = {"given_name": "Maria", "family_name": "Rossi", "email": "maria@example.org", "territory": "Lombardia"}
    wrong = await registry.client.post(url, data={**person, "email": "maria@", "since": "2026-13-01"}, headers=HTML)
    assert wrong.status_code == 422
    assert "Posta elettronica" in wrong.text
    assert 'value="Rossi"' in wrong.text  # nothing has to be typed again
    taken = await registry.client.post(url, data=person, headers=HTML)
    assert taken.status_code == 200, taken.text
    assert "Maria Rossi" in taken.text
    assert (await room.found(f"/commitments/{one['id']}"))["state"] == "open"
    again = await registry.client.post(url, data=person, headers={"accept": "application/json"})
    assert (again.json()["created"], again.json()["unchanged"]) == (0, 1)
    closed = await registry.client.post(url, data={"complete": "true"}, headers=HTML)
    assert closed.status_code == 200, closed.text
    after = await room.found(f"/commitments/{one['id']}")
    assert (after["state"], after["evidence"]) == ("fulfilled", "Elenco dichiarato completo: 1 righe.")
    held = (await room.found(f"/networks/{room.slug}/mandates", organisation=organisation["id"]))["items"]
    assert [(mandate["person"]["name"], mandate["territory"]) for mandate in held] == [("Maria Rossi", "03")]


async def test_the_form_completes_the_list_with_its_last_person(registry: Running, room: Room) -> None:
    one = await promise(room, await room.organisation())
    url = link(registry, one["id"], "representatives")
    person = {"given_name": "Ada", "family_name": "Blu", "phone": "0341 123456", "complete": "true"}
    taken = await registry.client.post(url, data=person, headers={"accept": "application/json"})
    assert (taken.json()["state"], taken.json()["created"]) == ("fulfilled", 1)
    late = await registry.client.post(url, data=person, headers=HTML)
    assert late.status_code == 409
