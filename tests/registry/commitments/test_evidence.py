"""By what it can be seen that a commitment was kept: words, a link, a file."""

from __future__ import annotations

from hashlib import sha256
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.commitments.rules import LARGEST_FILE, PACKED, UnfitFile, file_name_of, file_of
from shared.sniffing import media_type_of
from tests.harness import Running
from tests.registry.commitments.scene import HTML, day, etag, link, promise, referent, told
from tests.registry.conftest import Caller, Room, problem

PDF = b"%PDF-1.7\n" + b"x" * 100
DOCX = b"PK\x03\x04" + b"\0" * 26 + b"[Content_Types].xml...word/document.xml..."
ODT = b"PK\x03\x04" + b"\0" * 26 + b"mimetypeapplication/vnd.oasis.opendocument.textPK"
P7M = bytes.fromhex("308006092a864886f70d010702a0800000")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PDF, "application/pdf"),
        (b"\x89PNG\r\n\x1a\n0000", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF0000WEBPVP8 ", "image/webp"),
        (DOCX, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (b"PK\x03\x04..xl/workbook.xml", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (ODT, "application/vnd.oasis.opendocument.text"),
        (P7M, "application/pkcs7-mime"),
        ("Città, più verbali".encode(), "text/plain"),
        (b"PK\x03\x04 anything else packed", None),
        (b"<html><script>alert(1)</script>", None),
        (b"\xef\xbb\xbf  <svg onload='x'/>", None),
        (b"MZ\x90\x00\x03", None),
        (b"\x7fELF\x02", None),
        (b"text\0with nul", None),
        (b"  \n ", None),
        (b"RIFF\0\0\0\0AVI ", None),
        (b"0\x80 no object id", None),
    ],
)
def test_a_file_is_what_it_holds(content: bytes, kind: str | None) -> None:
    assert media_type_of(content, PACKED) == kind


def test_a_file_has_a_size_and_a_checksum() -> None:
    file = file_of("C:\\verbali\\elenco.pdf", PDF)
    assert (file.name, file.size, file.sha256) == ("elenco.pdf", len(PDF), sha256(PDF).hexdigest())
    assert file_of("a", PDF + b"x" * (LARGEST_FILE - len(PDF))).size == LARGEST_FILE
    for content, code in ((b"", "empty"), (PDF + b"x" * (LARGEST_FILE + 1 - len(PDF)), "too_large"), (b"MZ\0", "kind")):
        with pytest.raises(UnfitFile) as refused:
            file_of("a.pdf", content)
        assert refused.value.code == code


@given(st.text())
def test_a_name_can_be_shown_whatever_was_sent(name: str) -> None:
    shown = file_name_of(name)
    assert 0 < len(shown) <= 120
    assert shown.isprintable()
    assert not {"/", "\\"} & set(shown)
    shown.encode()


async def sent(room: Caller, path: str, tag: str | None, content: bytes, name: str = "a.pdf", **fields: str) -> Any:
    headers = {**room.headers, **({"if-match": tag} if tag else {})}
    files = {"file": (name, content)}
    return await room.running.client.post(f"/registry/v1{path}", files=files, data=fields, headers=headers)


async def test_a_file_keeps_a_commitment_and_is_seen_by_those_it_concerns(registry: Running, room: Room) -> None:
    member, other = await room.organisation("Ponti"), await room.organisation("Rive")
    body = await room.made(
        f"/networks/{room.slug}/bodies", {"name": "Tavolo", "kind": "working_group", "composition": "open"}
    )
    mine, theirs = await referent(room, member, "Mia"), await referent(room, other, "Loro")
    sitting = await room.person("Siede", "Al Tavolo")
    await room.mandate(sitting, "member", day(registry), body_id=body["id"])
    one = await promise(room, member, creditor_body_id=body["id"])
    path = f"/commitments/{one['id']}"
    answer = await sent(mine, f"{path}/fulfil/file", await etag(mine, path), PDF, "Elenco 2026.pdf", evidence="Ecco")
    assert answer.status_code == 200, answer.text
    kept = answer.json()
    assert (kept["state"], kept["evidence"], kept["fulfilled_on"]) == ("fulfilled", "Ecco", day(registry))
    assert kept["file"] == {
        "name": "Elenco 2026.pdf",
        "media_type": "application/pdf",
        "size": len(PDF),
        "sha256": sha256(PDF).hexdigest(),
        "href": f"/registry/v1{path}/file",
    }
    assert await told(registry, one) == [("made", "open"), ("fulfilled", "fulfilled")]
    member_of_body = Caller(registry, registry.signed_in(UUID(sitting["id"])))
    for reader in (room, mine, member_of_body):
        shown = await reader.get(f"{path}/file")
        assert (shown.status_code, shown.content) == (200, PDF)
        assert shown.headers["content-type"] == "application/pdf"
        assert shown.headers["content-disposition"] == "attachment; filename*=UTF-8''Elenco%202026.pdf"
        assert shown.headers["x-content-type-options"] == "nosniff"
    assert (await theirs.get(path)).status_code == 200
    assert problem(await theirs.get(f"{path}/file")) == (403, "forbidden")
    again = await sent(mine, f"{path}/fulfil/file", await etag(mine, path), PDF)
    assert problem(again) == (409, "commitment-closed")


async def test_what_is_no_file_of_a_known_kind_is_refused(registry: Running, room: Room) -> None:
    one = await promise(room, await room.organisation())
    path = f"/commitments/{one['id']}"
    tag = await etag(room, path)
    for content, name in ((b"MZ\x90\x00", "elenco.pdf"), (b"", "elenco.pdf"), (b"<svg/>", "logo.svg")):
        answer = await sent(room, f"{path}/fulfil/file", tag, content, name)
        assert problem(answer) == (422, "evidence-file-unfit")
        assert answer.json()["errors"][0]["path"] == "/file"
    assert (await sent(room, f"{path}/fulfil/file", None, PDF)).status_code == 428
    assert (await sent(room, f"{path}/fulfil/file", tag, PDF, link="javascript:alert(1)")).status_code == 422
    assert (await room.get(f"{path}/file")).status_code == 404
    assert (await room.found(path))["state"] == "open"


async def test_who_has_the_link_can_send_a_file(registry: Running, room: Room) -> None:
    one = await promise(room, await room.organisation())
    page = link(registry, one["id"], "commitment")
    form = (await registry.client.get(page, headers=HTML)).text
    assert 'type="file"' in form
    refused = await registry.client.post(page, files={"file": ("a.exe", b"MZ\0\1")}, headers=HTML)
    assert refused.status_code == 422
    assert "Il file non si può prendere" in refused.text
    nothing = await registry.client.post(page, files={"file": ("", b"")}, data={"evidence": " "}, headers=HTML)
    assert nothing.status_code == 422
    done: httpx.Response = await registry.client.post(page, files={"file": ("a.pdf", PDF)}, headers=HTML)
    assert done.status_code == 200, done.text
    kept = await room.found(f"/commitments/{one['id']}")
    assert (kept["state"], kept["file"]["size"], kept["evidence"]) == ("fulfilled", len(PDF), None)
