"""What a file is, by what it holds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from uuid_utils.compat import uuid7

from services.events.documents.rules import (
    EICAR,
    ENDINGS,
    LARGEST_FILE,
    PACKED,
    Document,
    FileTooLarge,
    NoSuchItem,
    UnfitFile,
    file_name_of,
    require_item,
)
from shared.sniffing import MAGIC, media_type_of

NOW = datetime(2030, 10, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\x00\x00\x00\x00WEBP", "image/webp"),
        (
            b"PK\x03\x04..ppt/presentation.xml",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        ),
        (b"PK\x03\x04..mimetypeapplication/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text"),
        ("Ordine del giorno: così".encode(), "text/plain"),
        (b"PK\x03\x04..evil.exe", None),
        (b"MZ\x90\x00", None),
        (b"<html><script>alert(1)</script>", None),
        (b"\xef\xbb\xbf  <!doctype html>", None),
        (b"  \n", None),
        (b"\x00\x01", None),
        (b"GIF89a\x01\x00\x01\x00", None),
    ],
)
def test_the_kind_is_told_by_the_content(content: bytes, kind: str | None) -> None:
    assert media_type_of(content, PACKED) == kind


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"<html>", "kind"),
        (b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + EICAR + b"!$H+H*", "harmful"),
        (b"%PDF-1.7\n" + EICAR, "harmful"),
    ],
)
def test_an_unfit_file_is_refused_for_its_own_reason(content: bytes, code: str) -> None:
    with pytest.raises(UnfitFile) as refused:
        Document(uuid7(), "Bozza", NOW).hold("bozza.pdf", content)
    assert refused.value.code == code


def test_ten_megabytes_are_taken_and_a_byte_more_is_not() -> None:
    whole = b"%PDF-" + b" " * (LARGEST_FILE - 5)
    document = Document(uuid7(), "Bilancio", NOW)
    document.hold("bilancio.pdf", whole)
    assert (document.size, document.media_type) == (10 * 1024 * 1024, "application/pdf")
    with pytest.raises(FileTooLarge):
        Document(uuid7(), "Bilancio", NOW).hold("bilancio.pdf", whole + b" ")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("C:\\bozze\\uno.pdf", "uno.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("a\x00b\n.pdf", "ab.pdf"),
        ("/", "file.pdf"),
        ("Verbale.PDF", "Verbale.PDF"),
        ("x" * 200 + ".pdf", "x" * 116 + ".pdf"),
        ("conto\u202efdp.exe", "contofdp.exe.pdf"),
    ],
)
def test_a_file_name_is_the_last_part_of_what_was_sent(given: str, kept: str) -> None:
    assert file_name_of(given, "application/pdf") == kept


@pytest.mark.parametrize(
    ("given", "content", "kept"),
    [
        ("avvia.bat", b"del /q *", "avvia.bat.txt"),
        ("modulo.hta", b"alert(1)", "modulo.hta.txt"),
        ("elenco.csv", b"a,b", "elenco.csv"),
        ("statuto.docm", b"PK\x03\x04word/document.xml word/vbaProject.bin", "statuto.docm.docx"),
        ("foto.jpeg", b"\xff\xd8\xff\xe0", "foto.jpeg"),
    ],
)
def test_a_name_does_not_make_a_program_of_what_is_none(given: str, content: bytes, kept: str) -> None:
    document = Document(uuid7(), "Modulo", NOW)
    document.hold(given, content)
    assert document.file_name == kept


def test_every_kind_that_is_taken_has_an_ending() -> None:
    kinds = {media_type for _, media_type in (*MAGIC, *PACKED)} | {"image/webp", "application/pkcs7-mime", "text/plain"}
    assert set(ENDINGS) == kinds


def test_a_document_belongs_to_an_item_that_there_is() -> None:
    require_item(None, 0)
    require_item(2, 2)
    for item, items in ((1, 0), (3, 2), (0, 2)):
        with pytest.raises(NoSuchItem):
            require_item(item, items)
