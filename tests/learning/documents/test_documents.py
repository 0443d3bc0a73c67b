"""Documents over HTTP, as people and programs use them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from uuid_utils.compat import uuid7

from deploy.local.papers import pdf
from services.learning.documents import commands, downloads, keeping, queries, uploads
from services.learning.documents.store import Place, Store, StoreAway, store_of
from shared.access import links
from shared.contracts.registry import BodyEstablished, Grant
from shared.runtime.clock import wall
from shared.runtime.settings import SettingsError
from tests.harness import until
from tests.learning.documents import files
from tests.learning.documents.files import PLAN
from tests.learning.school import School

FIELDS = {"title": "Piano di zona 2021-2023", "kind": "plan", "territory": "097"}
FIFTY = {"title": "Altro"}


async def send(school: School, path: str, content: bytes, name: str = "piano.pdf", **fields: Any) -> httpx.Response:
    more = {key: fields.pop(key) for key in ("as_", "version", "headers") if key in fields}
    sent = {"file": (name, content, "application/octet-stream")}
    return await school.ask("POST", path, files=sent, data=fields, **more)


async def add(school: School, expect: int = 201, content: bytes = PLAN, **fields: Any) -> Any:
    answer = await send(school, f"/networks/{school.slug}/documents", content, **{**FIELDS, **fields})
    assert answer.status_code == expect, answer.text
    return answer.json()


async def revise(school: School, document: Any, content: bytes, expect: int = 201, **fields: Any) -> Any:
    answer = await send(school, f"/documents/{document['id']}/editions", content, **fields)
    assert answer.status_code == expect, answer.text
    return answer.json()


async def found(school: School, as_: Any = None, **asked: Any) -> Any:
    return (await school.done("GET", f"/networks/{school.slug}/documents", as_=as_, params=asked))["items"]


async def read(school: School, document: Any) -> Any:
    """The document when its words are known."""
    shown: dict[str, Any] = {}

    async def known() -> bool:
        shown["is"] = await school.done("GET", f"/documents/{document['id']}")
        return bool(shown["is"]["edition"]["text"] != "waiting")

    await until(known, what="the words of a document")
    return shown["is"]


def file_of(document: Any, number: int = 1) -> str:
    return f"/documents/{document['id']}/editions/{number}/file"


async def kept(school: School) -> set[UUID]:
    """The objects in the store."""
    store = store_of(school.running.context)
    return {id_ async for ids in store.older_than(wall() + timedelta(minutes=1)) for id_ in ids}


async def reader(school: School, **bounds: Any) -> UUID:
    person = uuid7()
    await school.running.grant(person, Grant(role="representative", network_id=school.id, since="2000-01-01", **bounds))
    return person


# --- uploads ---------------------------------------------------------------------------------------------------------


async def test_a_document_is_published_told_and_found_by_what_it_says(school: School) -> None:
    made = await add(school, description="Con gli allegati", name="../../piano.exe", since="2021-01-01")
    file = made["edition"]["file"]
    assert (file["name"], file["media_type"]) == ("piano.exe.pdf", "application/pdf")
    assert (file["size"], file["pages"], len(file["sha256"])) == (len(PLAN), 2, 64)
    other = await add(
        school, title="Domiciliarità", content=b"Regole per i soggiorni, con la parola progettualit\xc3\xa0"
    )
    await read(school, made)
    await read(school, other)
    (hit,) = await found(school, q="domiciliarita degli anziani", territory="03", kind="plan")
    assert hit["found"] == {
        "page": 2,
        "headline": "<mark>domiciliarità</mark> degli <mark>anziani</mark> è una priorità",
    }
    both = await found(school, q="domiciliarità")
    assert [one["title"] for one in both] == ["Domiciliarità", FIELDS["title"]]  # a title weighs more
    assert (await found(school, q="progettualità"))[0]["found"]["page"] is None
    assert [one["id"] for one in await found(school, on="2020-12-31")] == [other["id"]]
    for q in ("'\\", "(((", "http://x.org/?a=1&b=2", "<->", '"zona di" -x or y', "\x02", "è & !piano"):
        await found(school, q=q)  # whatever is typed is words, and no query of the database's
    for asked in ({"q": "bicicletta"}, {"territory": "12"}, {"kind": "form"}, {"state": "withdrawn"}):
        assert await found(school, **asked) == []
    csv = await school.ask("GET", f"/networks/{school.slug}/documents", headers={"accept": "text/csv"})
    assert csv.text.splitlines()[0].startswith("id,network_id,title,kind")
    assert [kind for kind, _ in await school.told(made)] == ["published"]
    assert (await school.ask("GET", f"/networks/{school.slug}/documents", params={"colour": "red"})).status_code == 422


@pytest.mark.parametrize(
    ("status", "code", "content"),
    [
        (422, "eicar", b"%PDF-1.4\n" + files.EICAR),
        (415, "kind", b"<html><script>alert(1)</script></html>"),
        (422, "active", files.with_script()),
        (415, "empty", b""),
    ],
)
async def test_what_is_refused_says_why_and_leaves_nothing(
    school: School, status: int, code: str, content: bytes
) -> None:
    before = await kept(school)
    problem = await add(school, status, content)
    assert [(error["path"], error["code"]) for error in problem["errors"]] == [("/file", code)]
    assert problem["detail"]
    assert await kept(school) == before
    assert await found(school) == []


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/title", {"title": ""}),
        ("/territory", {"territory": "ZZZ"}),
        ("/colour", {"colour": "red"}),
        ("/until", {"since": "2024-01-01", "until": "2024-01-01"}),
        ("/body_id", {"visibility": "body"}),
        ("/retained_until", {"retained_until": "2001-01-01"}),
    ],
)
async def test_what_is_said_of_it_must_hold_together(school: School, path: str, fields: dict[str, Any]) -> None:
    before = await kept(school)
    problem = await add(school, 422, **fields)
    assert [error["path"] for error in problem["errors"]] == [path]
    assert await kept(school) == before


async def test_what_is_too_large_is_refused_while_it_comes(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "LARGEST", 100_000)
    taken: list[int] = []
    passed = uploads.Taken.passed

    def counted(self: uploads.Taken, chunk: bytes) -> None:
        taken.append(len(chunk))
        passed(self, chunk)

    monkeypatch.setattr(uploads.Taken, "passed", counted)

    async def form() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%PDF-1.4\n'
        for _ in range(40):
            yield bytes(10_000)
        yield b"\r\n--x--\r\n"

    before = await kept(school)
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = await school.ask("POST", f"/networks/{school.slug}/documents", content=form(), headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:trama:problem:document-too-large")
    assert sum(taken) < 120_000
    assert await kept(school) == before


async def test_who_may_not_upload_is_refused_before_the_first_byte(school: School) -> None:
    sent: list[int] = []

    async def form() -> AsyncIterator[bytes]:
        sent.append(1)
        yield b"--x\r\n"

    headers = {"content-type": "multipart/form-data; boundary=x"}
    path = f"/networks/{school.slug}/documents"
    stranger = await school.ask("POST", path, as_=await reader(school), content=form(), headers=headers)
    assert stranger.status_code == 403
    assert sent == []


async def test_the_same_upload_sent_again_makes_nothing_new(school: School) -> None:
    headers = {"idempotency-key": "once"}
    first = await add(school, headers=headers)
    before = await kept(school)
    again = await add(school, headers=headers)
    assert again["id"] == first["id"]
    assert await kept(school) == before
    assert len(await found(school)) == 1


async def test_a_kill_between_the_object_and_its_row_leaves_what_the_sweep_removes(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await add(school)
    before = await kept(school)

    async def dies(*_: Any, **__: Any) -> None:
        raise StoreAway  # whatever is no refusal: the row may have been committed all the same

    with monkeypatch.context() as patched:
        patched.setattr(commands, "publish", dies)
        await add(school, 503)
    (orphan,) = await kept(school) - before
    database, store = school.running.context.database, store_of(school.running.context)
    assert await keeping.sweep(database, store, keeping.ORPHAN) == 0  # an upload may be under way
    assert await keeping.sweep(database, store, timedelta(seconds=-1)) == 1
    assert await kept(school) == before - {orphan}
    assert (await school.ask("GET", file_of(made))).content == PLAN


# --- downloads -------------------------------------------------------------------------------------------------------


async def test_a_file_is_downloaded_whole_in_parts_or_not_again(school: School) -> None:
    made = await add(school, visibility="public")
    path, anyone = file_of(made), dict[str, str]()
    whole = await school.ask("GET", path, as_=anyone)
    assert (whole.status_code, whole.content) == (200, PLAN)
    assert whole.headers["content-disposition"].startswith("inline; ")
    assert whole.headers["x-content-type-options"] == "nosniff"
    tag = whole.headers["etag"]
    assert tag == f'"{made["edition"]["file"]["sha256"]}"'
    part = await school.ask("GET", path, headers={"range": "bytes=5-9", "if-range": tag}, as_=anyone)
    assert (part.status_code, part.content) == (206, PLAN[5:10])
    assert part.headers["content-range"] == f"bytes 5-9/{len(PLAN)}"
    beyond = await school.ask("GET", path, headers={"range": f"bytes={len(PLAN)}-"}, as_=anyone)
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(PLAN)}")
    assert (await school.ask("GET", path, headers={"if-none-match": tag}, as_=anyone)).status_code == 304
    head = await school.ask("HEAD", path, as_=anyone)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(PLAN)))
    text = await add(school, content=b"alert(1)", name="a.html", visibility="public")
    shown = await school.ask("GET", file_of(text), as_=anyone)
    assert shown.headers["content-type"] == "text/plain; charset=utf-8"
    assert shown.headers["content-disposition"].startswith('attachment; filename="a.html.txt"')
    assert (await school.ask("GET", file_of(made, 2))).status_code == 404


async def test_a_short_lived_link_needs_no_sign_in_and_ends_with_the_right(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, person = await add(school), await reader(school)
    given = await school.done("GET", f"/documents/{made['id']}/editions/1/link", as_=person)
    path = given["href"].removeprefix("/learning/v1")
    assert (await school.ask("GET", path, as_={})).content == PLAN
    assert (await school.ask("HEAD", path, as_={})).status_code == 200
    assert (await school.ask("GET", path[:-1] + ("0" if path[-1] != "0" else "1"), as_={})).status_code == 401
    other = await add(school, title="Altro", content=PLAN + b"\n")
    elsewhere = path.replace(made["id"], other["id"])
    assert (await school.ask("GET", elsewhere, as_={})).status_code == 401
    await school.running.grant(person, version=2)  # the mandate has ended
    assert (await school.ask("GET", path, as_={})).status_code == 404
    own = await school.done("GET", f"/documents/{made['id']}/editions/1/link")
    path = own["href"].removeprefix("/learning/v1")
    with monkeypatch.context() as patched:
        patched.setattr(downloads, "wall", lambda: wall() + timedelta(minutes=14))
        assert (await school.ask("GET", path, as_={})).status_code == 200
        patched.setattr(downloads, "wall", lambda: wall() + timedelta(minutes=15))
        assert (await school.ask("GET", path, as_={})).status_code == 401


# --- who may ---------------------------------------------------------------------------------------------------------


async def test_each_reads_and_writes_what_is_theirs(school: School) -> None:
    body, elsewhere = uuid7(), uuid7()
    about = {"kind": "working_group", "state": "constituted", "composition": "open", "version": 1}
    await school.tell(
        BodyEstablished(id=body, network_id=school.id, title="Tavolo di sistema", **about),
        BodyEstablished(id=elsewhere, network_id=uuid7(), title="Altrove", **about),
    )
    made = {
        "public": await add(school, visibility="public"),
        "network": await add(school, territory=""),
        "body": await add(school, visibility="body", body_id=str(body), territory=""),
        "withdrawn": await add(school, visibility="public", territory="E507"),
    }
    assert made["body"]["body"]["name"] == "Tavolo di sistema"
    assert made["network"]["edition"]["file"]["href"]
    await add(school, 422, body_id=str(elsewhere))
    gone = made["withdrawn"]
    await school.done("POST", f"/documents/{gone['id']}/withdraw", version=gone["version"])
    running, network = school.running, school.id
    callers: dict[str, tuple[Any, set[str], set[str]]] = {  # who, what they read, what they write
        "nobody": ({}, {"public"}, set()),
        "stranger": (await running.holder("secretariat", uuid7()), {"public"}, set()),
        "member": (await running.holder("representative", network), {"public", "network"}, set()),
        "of the body": (await running.holder("member", network, body_id=body), {"public", "network", "body"}, set()),
        "coordinator of Lombardia": (
            await running.holder("coordinator", network, territory="03"),
            {"public", "network", "withdrawn"},
            {"public", "withdrawn"},
        ),
        "coordinator of the body": (
            await running.holder("coordinator", network, body_id=body),
            {"public", "network", "body"},
            {"body"},
        ),
        "secretariat": (school.secretariat, set(made), set(made)),
    }
    for who, (headers, reads, writes) in callers.items():
        listed = {one["id"] for one in await found(school, as_=headers)}
        assert listed == {made[name]["id"] for name in reads}, who
        for name, document in made.items():
            answer = await school.ask("GET", f"/documents/{document['id']}", as_=headers)
            assert answer.status_code == (200 if name in reads else 404), (who, name)
            may = answer.json().get("allowed_actions", []) if name in reads else []
            assert ("change" in may) is (name in writes), (who, name)
            fetched = await school.ask("GET", file_of(document), as_=headers, headers={"range": "bytes=0-0"})
            assert fetched.status_code == (206 if name in reads else 404), (who, name)
    person, ids = await reader(school, body_id=body), [UUID(document["id"]) for document in made.values()]
    async with running.context.database.sessions() as session:
        theirs = await queries.readable_by(session, person, ids, now=running.context.clock.now())
    assert set(theirs) == {UUID(made[name]["id"]) for name in ("public", "network", "body")}
    lombardia = callers["coordinator of Lombardia"][0]
    await add(school, as_=lombardia, territory="E507")
    await add(school, 403, as_=lombardia, territory="D612")
    public = made["public"]
    patch = {"as_": lombardia, "version": public["version"], "json": {"territory": "12"}}
    await school.done("PATCH", f"/documents/{public['id']}", 403, **patch)


async def test_a_document_is_changed_by_who_saw_it_as_it_is(school: School) -> None:
    made = await add(school)
    path = f"/documents/{made['id']}"
    assert (await school.ask("PATCH", path, json=FIFTY)).status_code == 428
    changed = await school.done("PATCH", path, version=made["version"], json={"title": "Piano", "territory": "lc"})
    assert (changed["title"], changed["territory"], changed["version"]) == ("Piano", "097", made["version"] + 1)
    await school.done("PATCH", path, 412, version=made["version"], json=FIFTY)
    same = await school.done("PATCH", path, version=changed["version"], json={"title": "Piano"})
    assert same["version"] == changed["version"]
    assert len(await found(school, q="piano")) == 1
    assert await school.told(made) == [("published", "published"), ("changed", "published")]


# --- editions and readers --------------------------------------------------------------------------------------------


async def test_a_revision_tells_its_readers_and_keeps_the_old(school: School) -> None:
    made = await add(school)
    downloaded, followed, asked_not_to, left = [await reader(school) for _ in range(4)]
    for person in (downloaded, asked_not_to, left):
        assert (await school.ask("GET", file_of(made), as_=person)).status_code == 200
    assert (await school.ask("POST", f"/documents/{made['id']}/follow", as_=followed)).status_code == 204
    assert (await school.ask("DELETE", f"/documents/{made['id']}/follow", as_=asked_not_to)).status_code == 204
    assert (await school.ask("GET", file_of(made), as_=asked_not_to)).status_code == 200  # and stays of that mind
    await school.running.grant(left, version=2)
    second = pdf("Piano", ["Aggiornato con gli allegati"])
    await revise(school, made, PLAN, 409, note="uguale")
    await revise(school, made, second, 412, version=99)
    revised = await revise(school, made, second, note="Gli allegati", version=made["version"])
    assert [(one["number"], one["note"]) for one in revised["editions"]] == [(2, "Gli allegati"), (1, "")]
    assert revised["edition"]["number"] == 2
    assert (await school.ask("GET", file_of(made, 1))).content == PLAN
    assert (await school.ask("GET", file_of(made, 2))).content == second
    await read(school, made)
    assert len(await found(school, q="allegati")) == 1
    assert await found(school, q="domiciliarità") == []  # what counts is the newest
    assert await school.told(made) == [("published", "published"), ("revised", "published")]
    ((_, told),) = await school.running.published("learning.document_readers.*.told")
    assert told["people"] == sorted([str(downloaded), str(followed)])
    assert (told["document_id"], told["edition"], told["part"]) == (made["id"], 2, 1)


def mailed(school: School, document: Any, **claims: str) -> str:
    expires = wall() + timedelta(days=1)
    token = links.mint(school.running.link_key, "learning", "document", UUID(document["id"]), expires, **claims)
    return f"/documents/link?token={token}"


async def test_the_mailed_link_shows_what_is_new_and_its_button_downloads(school: School) -> None:
    made, person = await add(school), await reader(school)
    await revise(school, made, pdf("Piano", ["due"]), note="Con <b>gli allegati</b>")
    path = mailed(school, made, person=str(person))
    page = await school.ask("GET", path, as_={})
    assert page.status_code == 200
    assert "Con &lt;b&gt;gli allegati&lt;/b&gt;" in page.text
    assert FIELDS["title"] in page.text
    assert "Avvisami delle nuove edizioni" in page.text  # opening it has done nothing
    html = {"accept": "text/html"}
    led = await school.ask("POST", path, as_={}, data={"edition": "2"}, headers=html)
    assert led.status_code == 303
    fetched = await school.ask("GET", led.headers["location"].removeprefix("/learning/v1"), as_={})
    assert fetched.content.startswith(b"%PDF")
    assert "Non avvisarmi più" in (await school.ask("GET", path, as_={})).text  # who reads is told
    assert "Avvisami delle" in (await school.ask("POST", path, as_={}, data={"follow": "no"}, headers=html)).text
    assert (await school.done("GET", path, as_={"accept": "application/json"}))["following"] is False
    assert (await school.ask("GET", mailed(school, made), as_={})).status_code == 400
    assert (await school.ask("GET", mailed(school, made, person=str(uuid7())), as_={})).status_code == 404


async def test_a_public_document_has_a_page_for_everybody(school: School) -> None:
    public, own = await add(school, visibility="public"), await add(school)
    page = await school.ask("GET", f"/documents/{public['id']}/page", as_={"accept-language": "en"})
    assert page.status_code == 200
    assert f'href="/learning/v1{file_of(public)}"' in page.text
    assert "Download: piano.pdf" in page.text
    hidden = await school.ask("GET", f"/documents/{own['id']}/page", as_={})
    assert (hidden.status_code, hidden.headers["content-type"]) == (404, "text/html; charset=utf-8")


# --- the end ---------------------------------------------------------------------------------------------------------


async def test_a_file_goes_when_its_time_is_over_and_its_row_says_so(school: School) -> None:
    made = await add(school, retained_until=school.today(30))
    longer = await add(school, title="Più a lungo", retained_until=school.today(30))
    await school.done(
        "PATCH", f"/documents/{longer['id']}", version=longer["version"], json={"retained_until": school.today(60)}
    )
    await read(school, made)
    await read(school, longer)
    (before,) = [one for one in await kept(school) if str(one) in await editions(school, made)]
    await school.let_pass(30)
    assert (await school.ask("GET", file_of(made))).status_code == 200
    await school.let_pass(1)
    gone = await school.done("GET", f"/documents/{made['id']}")
    assert (gone["state"], gone["erased_on"], gone["edition"]["file"]) == ("withdrawn", school.today(), None)
    assert gone["allowed_actions"] == []
    assert (await school.ask("GET", file_of(made))).status_code == 410
    assert [one["id"] for one in await found(school, q="domiciliarità")] == [longer["id"]]

    async def removed() -> bool:
        return before not in await kept(school)

    await until(removed, what="the object to be removed")
    assert (await school.ask("GET", file_of(longer))).status_code == 200
    assert (await school.told(made))[-1] == ("withdrawn", "withdrawn")


async def editions(school: School, document: Any) -> set[str]:
    rows = await school.running.sql("select id from document_editions where document_id = :id", id=document["id"])
    return {str(row.id) for row in rows}


async def test_a_file_that_should_never_have_been_there_is_erased_at_once(school: School) -> None:
    made = await add(school)
    path = f"/documents/{made['id']}/erase"
    erased = await school.done("POST", path, version=made["version"])
    assert (erased["erased_on"], erased["editions"][0]["file"]) == (school.today(), None)
    await school.done("POST", path, 409, version=erased["version"])
    await revise(school, made, PLAN + b"\n", 409)
    assert (await school.ask("GET", file_of(made))).status_code == 410


async def test_a_store_that_cannot_be_opened_ends_the_process_and_names_the_variable(school: School) -> None:
    settings = school.running.context.settings.model_copy(update={"document_store": "/proc/documents"})
    with pytest.raises(SettingsError, match=r"^TRAMA_DOCUMENT_STORE: cannot be opened: \w+$"):
        await keeping.open_the_store(replace(school.running.context, settings=settings, state={}))


async def test_the_store_being_away_or_short_of_a_file_is_said(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await add(school)
    (object_,) = [one for one in await kept(school) if str(one) in await editions(school, made)]
    await read(school, made)
    await store_of(school.running.context).remove(object_)
    missing = await school.ask("GET", file_of(made))
    assert (missing.status_code, missing.json()["type"]) == (503, "urn:trama:problem:document-file-missing")
    away = Store.at(Place(None, "bucket", "", "http://127.0.0.1:1"))
    monkeypatch.setitem(school.running.context.state, "document_store", away)
    problem = await add(school, 503)
    assert problem["type"] == "urn:trama:problem:document-store-away"
