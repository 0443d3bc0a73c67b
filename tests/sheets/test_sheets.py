"""Bytes to rows: whatever is sent, it is read or refused with a reason."""

from __future__ import annotations

import io
import struct
import zipfile

import openpyxl
import pytest

from shared.sheets import Form, Record, Unreadable, files, opened, texts, workbook
from shared.sheets.files import recognise, records

TEXT = "Codice fiscale;Denominazione;Comune\r\n94080470480;Caritas di Forlì – la città più bella;Forlì\r\n"


def rows(text: str, delimiter: str = ";") -> list[Record]:
    return list(records(io.StringIO(text, newline=""), delimiter))


@pytest.mark.parametrize(
    ("encoding", "recognised"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("cp1252", "cp1252"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
def test_the_encoding_is_read_from_the_bytes(encoding: str, recognised: str) -> None:
    content = TEXT.encode(encoding)
    form = recognise(content)
    assert form == Form("csv", recognised, ";")
    read = list(records(files.text_lines(content, form.encoding), form.delimiter))
    assert read[1].cells[1] == "Caritas di Forlì – la città più bella"


@pytest.mark.parametrize("encoding", ["cp850", "mac_roman", "latin-1"])
def test_old_code_pages_are_told_by_their_accents(encoding: str) -> None:
    content = TEXT.replace("–", "-").encode(encoding)
    found = recognise(content).encoding
    assert content.decode(found) == content.decode(encoding)


def test_controls_of_latin_1_do_not_stop_a_file_that_windows_cannot_decode() -> None:
    assert recognise(TEXT.replace("–", "-").encode("latin-1") + b"a;\x81;b\r\n").encoding == "latin-1"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\xff\xfea\x00\xd8", "encoding"),
        (bytes(range(256)) * 40, "encoding"),
        (b"\x01\x02\x03\x04abc", "encoding"),
        (b"%PDF-1.7", "not_a_table"),
        (b"\x89PNG\r\n", "not_a_table"),
        (b"<!DOCTYPE html><html>", "not_a_table"),
        (b"x" * (files.LARGEST_FILE + 1), "too_large"),
        (b"PK\x03\x04", "damaged"),
    ],
)
def test_what_is_no_table_is_refused_with_its_reason(content: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as refused:
        recognise(content)
    assert refused.value.reason == reason


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_the_delimiter_is_the_one_that_splits_lines_evenly(delimiter: str) -> None:
    text = delimiter.join(("cf", "nome", "comune")) + "\n" + delimiter.join(("1", '"Rossi, Bianchi; e altri"', "Lecco"))
    assert recognise(text.encode()).delimiter == delimiter


def test_excels_own_hint_of_the_delimiter_is_followed() -> None:
    assert recognise(b"sep=|\r\na;b|c;d\r\n").delimiter == "|"


def test_lines_are_physical_also_around_line_breaks_in_quotes_and_blank_lines() -> None:
    text = 'a;b\r\n\r\n"one\r\ntwo";x\r\n;;\r\ny;z\n'
    assert rows(text) == [Record(1, ["a", "b"]), Record(3, ["one\r\ntwo", "x"]), Record(6, ["y", "z"])]


def test_doubled_quotes_and_delimiters_within_quotes_are_text() -> None:
    assert rows('"ENTE ""ALFA""; ONLUS";x\n') == [Record(1, ['ENTE "ALFA"; ONLUS', "x"])]


def test_a_quote_that_is_never_closed_costs_its_own_line_only() -> None:
    text = 'a;b;c\n1;"OPEN;x\n' + "".join(f"{n};name {n};y\n" for n in range(2, 100))
    read = rows(text)
    assert [record.line for record in read] == list(range(1, 101))
    assert read[1].cells == ["1", '"OPEN', "x"]
    assert read[-1].cells == ["99", "name 99", "y"]


def test_two_quotes_left_open_do_not_swallow_the_rows_between_them() -> None:
    text = 'a;b;c\n1;"OPEN;x\n2;name;y\n3;OTHER";z\n4;"two\nlines";w\n'
    assert [record.line for record in rows(text)] == [1, 2, 3, 4, 5]


def test_a_text_without_any_line_break_is_not_read_into_one_cell_for_ever() -> None:
    (record,) = rows("x" * 200_000)
    assert len(record.cells[0]) == files.LONGEST_CELL


def test_too_many_columns_are_refused() -> None:
    with pytest.raises(Unreadable, match="too_many_columns"):
        rows(";" * 400)


# --- workbooks


def packed(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def book(table: list[list[object]]) -> bytes:
    made = openpyxl.Workbook()
    assert made.active is not None
    for row in table:
        made.active.append(row)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def text_of(content: bytes) -> str:
    with workbook.as_text(content) as text:
        return text.read().decode()


def test_a_renamed_workbook_is_recognised_by_its_bytes() -> None:
    assert recognise(book([["a"]])).kind == "xlsx"


def test_a_workbook_gives_a_line_for_each_row_and_cells_as_typed() -> None:
    content = book([["cf", "nome"], [], [1229650377.0, "due\nrighe"], [1.5, None]])
    assert text_of(content) == "cf,nome\n,\n1229650377,due righe\n1.5,\n"


def test_a_table_in_the_middle_of_a_sheet_keeps_its_lines_and_columns() -> None:
    content = book([[], [], [None, None, "cf", "nome"], [None, None, "1", "Ente"]])
    with opened(content) as sheet:
        assert list(sheet.records()) == [Record(3, ["", "", "cf", "nome"]), Record(4, ["", "", "1", "Ente"])]


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = packed({"xl/workbook.xml": b"<x/>", "xl/worksheets/sheet1.xml": b" " * 300_000_000})
    assert len(bomb) < 1_000_000
    with pytest.raises(Unreadable, match="bomb"):
        recognise(bomb)


def test_a_bomb_that_lies_about_its_size_is_found_by_unpacking_it() -> None:
    bomb = bytearray(packed({"xl/workbook.xml": b" " * 20_000_000}))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = bomb.index(signature) + offset
        bomb[at : at + 4] = struct.pack("<I", 10)
    with pytest.raises(Unreadable, match=r"bomb|damaged"):
        recognise(bytes(bomb))


def test_one_long_text_in_many_cells_ends_the_child_and_not_the_service() -> None:
    long = "x" * 32_000
    letters = [openpyxl.utils.get_column_letter(column) for column in range(1, 201)]
    cells = "".join(
        f'<row r="{n}">' + "".join(f'<c r="{at}{n}" t="s"><v>0</v></c>' for at in letters) + "</row>"
        for n in range(1, 2_000)
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    source = io.BytesIO(book([["x"]]))
    members = {}
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["xl/sharedStrings.xml"] = f'<sst xmlns="{main}"><si><t>{long}</t></si></sst>'.encode()
    members["xl/worksheets/sheet1.xml"] = (
        f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>'.encode()
    )
    content = packed(members)
    assert recognise(content).kind == "xlsx"
    with pytest.raises(Unreadable, match="bomb"):
        text_of(content)


@pytest.mark.parametrize("cut", [10, 200, -30])
def test_a_workbook_cut_short_is_damaged(cut: int) -> None:
    with pytest.raises(Unreadable, match="damaged"):
        recognise(book([["a", "b"]])[:cut])


def test_another_zip_archive_is_no_table() -> None:
    with pytest.raises(Unreadable) as refused:
        recognise(packed({"foto.jpg": b"x"}))
    assert refused.value.values["found"] == "ZIP"


def test_a_workbook_whose_parts_are_nonsense_is_damaged() -> None:
    with pytest.raises(Unreadable, match="damaged"):
        text_of(packed({"xl/workbook.xml": b"nonsense", "[Content_Types].xml": b"?"}))


@pytest.mark.parametrize("reason", sorted(texts.FILES))
def test_every_reason_has_a_sentence_in_both_languages_with_all_its_values(reason: str) -> None:
    values = {"limit": 1, "found": ["a"], "missing": ["title"]}
    it, en = (texts.why_unreadable(reason, values, language) for language in ("it", "en"))
    assert it != en
    assert "{" not in it + en
