"""From the bytes of a file, as people really send them, to rows with the physical line on which each begins.

Nothing here trusts a name or a declared type: what a file is, is read from its bytes. Text is decoded by what its bytes
prove (BOM, valid UTF-8, NULs, the accents of the old code pages), never with replacement characters. A workbook is
weighed before it is opened, and opened by a child process with little memory (`workbook.py`).
"""

from __future__ import annotations

import codecs
import csv
import io
import struct
import zipfile
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

LARGEST_FILE = 20 * 1024 * 1024
LARGEST_UNPACKED = 256 * 1024 * 1024
LARGEST_RATIO = 200  # a sheet of repeated cells packs about 1:30, a bomb 1:1000
RATIO_FROM = 4 * 1024 * 1024  # below this size unpacked, a high ratio harms nobody
MOST_MEMBERS = 2_000
MOST_ROWS = 250_000
MOST_COLUMNS = 300
LONGEST_CELL = 32_767  # what Excel keeps in a cell
MOST_LINES_A_RECORD = 60  # a quoted field with more line breaks than this is a quote that was never closed
DELIMITERS = ";,\t|"
QUOTE = '"'


class Unreadable(Exception):
    """The file cannot be read: `reason` is a stable word, `values` what the sentence for people needs."""

    def __init__(self, reason: str, **values: object) -> None:
        super().__init__(reason)
        self.reason, self.values = reason, values


class FileTooLarge(Exception):
    """A file of more bytes than are taken was sent: known before it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.accepted = f"{LARGEST_FILE // 1024 // 1024} MB"


class Record(NamedTuple):
    """One row: the physical line on which it begins (the first of the file is 1) and its cells, stripped."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class Form:
    """How the bytes are to be read. `kind` is csv, xlsx, xls or ods; the rest is for csv only."""

    kind: str
    encoding: str = ""
    delimiter: str = ""


def recognise(content: bytes) -> Form:
    """What kind of file this is. Raises Unreadable: empty, too_large, not_a_table, damaged, bomb, encoding."""
    if not content.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise Unreadable("empty")
    if len(content) > LARGEST_FILE:
        raise Unreadable("too_large", limit=LARGEST_FILE // 1024 // 1024)
    if content.startswith(b"PK"):
        return Form(weigh(content))
    if content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return Form("xls")
    for name, signs in NOT_TABLES.items():
        if content.startswith(signs):
            raise Unreadable("not_a_table", found=name)
    encoding = encoding_of(content)
    return Form("csv", encoding, delimiter_of(content, encoding))


NOT_TABLES: dict[str, tuple[bytes, ...]] = {
    "PDF": (b"%PDF",),
    "PNG": (b"\x89PNG",),
    "JPEG": (b"\xff\xd8\xff",),
    "GIF": (b"GIF8",),
    "gzip": (b"\x1f\x8b",),
    "7z": (b"7z\xbc\xaf\x27\x1c",),
    "RAR": (b"Rar!",),
    "RTF": (b"{\\rtf",),
    "HTML": (b"<!DOCTYPE html", b"<!doctype html", b"<html", b"<HTML"),
    "XML": (b"<?xml", b"\xef\xbb\xbf<?xml"),
}


# --- text ---------------------------------------------------------------------------------------------------------

# The bytes of accented Italian letters in the code pages that spreadsheets and old databases still write. A letter
# before one of them is what tells them apart: 0x85 is `à` in DOS and an ellipsis in Windows, 0xE0 is `à` in Windows.
ACCENTS: dict[str, bytes] = {
    "cp1252": b"\xe0\xe8\xe9\xec\xf2\xf9\xc0\xc8\xc9\xcc\xd2\xd9\x92",
    "cp850": b"\x85\x8a\x82\x8d\x95\x97\xb7\xd4\x90\xde\xe3\xeb",
    "mac_roman": b"\x88\x8f\x8e\x93\x98\x9d\xcb\xe9\x83\xed\xf1\xf4\xd5",
}
UNDEFINED_IN_CP1252 = b"\x81\x8d\x8f\x90\x9d"


def encoding_of(content: bytes) -> str:
    """A codec that decodes the whole content strictly. Raises Unreadable(encoding) for binary or broken text."""
    for mark, codec in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            if not _decodes(content, codec):
                raise Unreadable("encoding")
            return codec
    if b"\0" in content:
        unmarked = _utf16_without_mark(content)
        if unmarked is None or not _decodes(content, unmarked):
            raise Unreadable("encoding")
        return unmarked
    if _controls(content) > len(content) // 200:
        raise Unreadable("encoding")
    if _decodes(content, "utf-8"):
        return "utf-8"
    return _code_page(content)


def _decodes(content: bytes, codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        for start in range(0, len(content), 1 << 20):  # a decoded megabyte at a time: no second copy of the file
            decoder.decode(content[start : start + (1 << 20)])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _utf16_without_mark(content: bytes) -> str | None:
    sample = content[: 1 << 16]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > len(sample) // 4 and even < odd // 10:
        return "utf-16-le"
    if even > len(sample) // 4 and odd < even // 10:
        return "utf-16-be"
    return None


def _controls(content: bytes) -> int:
    return len(content) - len(content.translate(None, bytes(set(range(32)) - {9, 10, 13, 11, 12, 26})))


def _code_page(content: bytes) -> str:
    """One byte a character: Windows unless the accents after letters say DOS or old Macintosh more often."""
    votes = dict.fromkeys(ACCENTS, 0)
    before = 32
    for byte in content[: 1 << 21]:
        if byte > 127 and (65 <= before <= 90 or 97 <= before <= 122):
            for codec, accents in ACCENTS.items():
                votes[codec] += byte in accents
        before = byte
    best = max(votes, key=lambda codec: (votes[codec], codec == "cp1252"))
    if best == "cp1252" and any(byte in content for byte in UNDEFINED_IN_CP1252):
        return "latin-1"
    return best


def delimiter_of(content: bytes, encoding: str) -> str:
    """The delimiter that splits the first lines most often and most evenly; a semicolon when there is none."""
    lines = [line for _, line in zip(range(60), text_lines(content[: 1 << 18], encoding, cut=True), strict=False)]
    if lines and lines[0].lower().startswith("sep=") and len(lines[0].strip()) == 5:  # Excel's own hint
        return lines[0].strip()[4]
    best, most = ";", 0.0
    for delimiter in DELIMITERS:
        counts = [line.count(delimiter) for line in _outside_quotes(lines)]
        filled = [count for count in counts if count]
        if not filled:
            continue
        common = max(set(filled), key=filled.count)
        evenness = filled.count(common) / len(counts)
        if (score := evenness * (1 + min(common, 20) / 20)) > most:
            best, most = delimiter, score
    return best


def _outside_quotes(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if line.strip():
            yield "".join(line.split(QUOTE)[0::2])


def text_lines(content: bytes, encoding: str, *, cut: bool = False) -> Iterator[str]:
    """Physical lines with their ends; `cut` tolerates a last character that the cut broke."""
    return iter(io.TextIOWrapper(io.BytesIO(content), encoding, errors="ignore" if cut else "strict", newline=""))


def records(lines: Iterable[str], delimiter: str) -> Iterator[Record]:
    """Rows of a delimited text, blank ones left out.

    A quoted field may hold line breaks. A quote that is never closed costs its own line only: lines that make rows of
    the usual width by themselves, with quotes taken as plain characters, are such rows.
    """
    number = width = 0
    for group in _groups(iter(lines)):
        for offset, cells in _rows(group, delimiter, width):
            if any(cells):
                width = len(cells)
                yield Record(number + offset + 1, cells)
        number += len(group)


def _groups(source: Iterator[str]) -> Iterator[list[str]]:
    """Physical lines that belong together because a quote is open at the end of each but the last."""
    waiting: deque[str] = deque()
    while (line := waiting.popleft() if waiting else next(source, None)) is not None:
        group, odd = [line], line.count(QUOTE) % 2
        while odd and len(group) < MOST_LINES_A_RECORD:
            following = waiting.popleft() if waiting else next(source, None)
            if following is None:
                break
            group.append(following)
            odd = (odd + following.count(QUOTE)) % 2
        if odd:  # never closed
            waiting.extendleft(reversed(group[1:]))
            group = group[:1]
        yield group


def _rows(group: list[str], delimiter: str, width: int) -> Iterator[tuple[int, list[str]]]:
    plain = [line.rstrip("\r\n").split(delimiter) for line in group]
    if len(group) == 1 and QUOTE not in group[0]:
        yield 0, _stripped(plain[0])
        return
    begin = 0
    for end, cells in _quoted(group, delimiter):
        alone = plain[begin:end]
        odd_or_long = len(alone) > 1 or group[begin].count(QUOTE) % 2
        if not cells or (odd_or_long and all(len(row) == width for row in alone)):
            for offset, row in enumerate(alone, begin):
                yield offset, _stripped(row)
        else:
            yield begin, _stripped(cells)
        begin = end


def _quoted(group: list[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows as the csv module reads them, each with the number of lines read so far; no cells when it cannot."""
    reader = csv.reader(group, delimiter=delimiter)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error:  # a field beyond the module's limit
        yield len(group), []


def _stripped(cells: list[str]) -> list[str]:
    if len(cells) > MOST_COLUMNS:
        raise Unreadable("too_many_columns", limit=MOST_COLUMNS)
    return [cell.strip("\x00\x1a\ufeff\xa0 \t\r\n")[:LONGEST_CELL] for cell in cells]


# --- workbooks ----------------------------------------------------------------------------------------------------


def weigh(content: bytes) -> str:
    """The kind of workbook in a zip archive, after unpacking every member into nothing, block by block, so that what an
    archive declares of itself need not be believed. Raises Unreadable: damaged, bomb, not_a_table, locked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, struct.error, NotImplementedError, UnicodeDecodeError, OSError) as problem:
        raise Unreadable("damaged") from problem
    if len(members) > MOST_MEMBERS or sum(m.compress_size for m in members) > len(content):
        raise Unreadable("bomb")  # many files, or files that share their bytes
    kind = _kind_of_archive({m.filename for m in members})
    unpacked = 0
    for member in members:
        unpacked += _unpacked_size(content, member, LARGEST_UNPACKED - unpacked)
    return kind


def _kind_of_archive(names: set[str]) -> str:
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "content.xml" in names and "mimetype" in names:
        return "ods"
    raise Unreadable("not_a_table", found="ZIP")


def _unpacked_size(content: bytes, member: zipfile.ZipInfo, allowed: int) -> int:
    if member.flag_bits & 0x1:
        raise Unreadable("locked")
    start = member.header_offset
    if content[start : start + 4] != b"PK\x03\x04" or len(content) < start + 30:
        raise Unreadable("damaged")
    name, extra = struct.unpack("<HH", content[start + 26 : start + 30])
    packed = memoryview(content)[start + 30 + name + extra :][: member.compress_size]
    if member.compress_type == zipfile.ZIP_STORED:
        size = len(packed)
    elif member.compress_type == zipfile.ZIP_DEFLATED:
        size = _inflated(packed, min(allowed, max(RATIO_FROM, len(packed) * LARGEST_RATIO)))
    else:
        raise Unreadable("damaged")
    if size != member.file_size:
        raise Unreadable("damaged")
    return size


def _inflated(packed: memoryview, allowed: int) -> int:
    """Bytes after inflating. Raises Unreadable(bomb) as soon as they pass `allowed`."""
    inflate, size = zlib.decompressobj(-15), 0
    try:
        for start in range(0, len(packed), 1 << 16):
            block: bytes = bytes(packed[start : start + (1 << 16)])
            while block:
                size += len(inflate.decompress(block, 1 << 20))
                if size > allowed:
                    raise Unreadable("bomb")
                block = inflate.unconsumed_tail
        size += len(inflate.flush())
    except zlib.error as problem:
        raise Unreadable("damaged") from problem
    if not inflate.eof:
        raise Unreadable("damaged")  # cut short
    return size
