"""The child process of `texts.py`: a file comes in, what it is or the words in it go out. It has little memory and no
secret of the service's.

`check` answers one line of JSON, `{"media_type", "pages"}` or `{"refused": code}`; `text` a JSON string for each page.
Only here are the libraries imported that read files of strangers. The exit status says whether a limit was met.
"""

from __future__ import annotations

import ctypes
import io
import json
import re
import resource
import sys
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from services.learning.documents.kinds import PACKED, PDF, TEXT
from shared.sniffing import OPEN, media_type_of

MEMORY = 768 << 20  # of addresses; a PDF of 50 MB needs a third of it
SECONDS = 60  # of processor time
MOST_PAGES = 3_000
CHARACTERS = 4_000_000
PASSAGE = 4_000
DAMAGED, TOO_MUCH = 3, 6
INFLATED = 128 << 20
SPACE = b" \t\r\n\f\0"
STREAM = re.compile(rb"(?<!end)stream\r?\n")
ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
ACTIVE = re.compile(rb"/(?:JavaScript|JS|Launch)(?=[\s\x00()<>\[\]{}/%]|$)")
FILTER = re.compile(rb"/Filter\s*\[?\s*/(\w+)\s*\]?")
MACROS = ("vbaproject.bin", "basic/script-lc.xml")
HYPHEN = re.compile("[\ufffe\x02]\\s*")
UNKEPT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class Refused(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


# --- what a file is --------------------------------------------------------------------------------------------------


def check(content: bytes) -> dict[str, Any]:
    """Raises Refused."""
    if not content:
        raise Refused("empty")
    media_type = media_type_of(content, PACKED)
    if media_type is None:
        raise Refused("kind")
    pages = None
    if media_type == PDF:
        pages = check_pdf(content)
    elif content[:4] == b"PK\x03\x04":
        check_packed(content)
    elif media_type == "image/png" and b"IEND" not in content[-32:]:
        raise Refused("damaged")
    return {"media_type": media_type, "pages": pages}


def check_pdf(content: bytes) -> int:
    """The number of pages. What is hidden so that only a reader's own parser finds it is not found here either: this
    keeps out what is common, and no scanner is replaced by it. Raises Refused."""
    end = content.rfind(b"%%EOF")
    if end < 0:
        raise Refused("damaged")
    if content[end + 5 :].strip(SPACE):
        raise Refused("polyglot")
    with opened(content) as document:
        import pypdfium2.raw as pdfium

        if pdfium.FPDF_GetSecurityHandlerRevision(document) != -1:
            raise Refused("locked")
        if pdfium.FPDFDoc_GetJavaScriptActionCount(document) > 0:
            raise Refused("active")
        pages = len(document)
    if not pages:
        raise Refused("damaged")
    for part in readable_parts(content):
        if ACTIVE.search(ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), part)):
            raise Refused("active")
    return pages


def opened(content: bytes) -> Any:
    import pypdfium2

    try:
        return pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        raise Refused("locked" if "password" in str(error).lower() else "damaged") from error


def readable_parts(content: bytes) -> Iterator[bytes]:
    """What is outside of streams, and the streams that hold objects, unpacked. Raises Refused for those that cannot be
    looked into."""
    position, left = 0, INFLATED
    while (begin := STREAM.search(content, position)) is not None:
        yield content[position : begin.start()]
        close = content.find(b"endstream", begin.end())
        close = len(content) if close < 0 else close
        said = content[max(position, begin.start() - 1_000) : begin.start()]
        if b"/ObjStm" in ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), said):
            part = unpacked(said, content[begin.end() : close], left)
            left -= len(part)
            yield part
        position = min(close + len(b"endstream"), len(content))
    yield content[position:]


def unpacked(said: bytes, data: bytes, most: int) -> bytes:
    filters = FILTER.findall(said[said.rfind(b"obj") :])
    if not filters:
        return data
    if filters != [b"FlateDecode"]:
        raise Refused("too_much")
    inflating = zlib.decompressobj()
    try:
        part = inflating.decompress(data, most)
    except zlib.error as error:
        raise Refused("damaged") from error
    if inflating.unconsumed_tail:
        raise Refused("too_much")
    return part


def check_packed(content: bytes) -> None:
    """Raises Refused."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            names = [name.lower() for name in packed.namelist()]
            locked = any(entry.flag_bits & 1 for entry in packed.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise Refused("damaged") from error
    if locked:
        raise Refused("locked")
    if any(name.endswith(MACROS) for name in names):
        raise Refused("macros")


# --- the words in it -------------------------------------------------------------------------------------------------


def text_of(content: bytes, media_type: str) -> Iterator[str]:
    """Of each page; of a file without pages, of each few thousand characters."""
    if media_type == PDF:
        yield from text_of_pdf(content)
    elif media_type == TEXT:
        yield from passages(content.decode("utf-8-sig", "replace"))
    else:
        yield from passages(text_of_packed(content, media_type))


def text_of_pdf(content: bytes) -> Iterator[str]:
    with opened(content) as document:
        for number in range(min(len(document), MOST_PAGES)):
            page = document[number]
            words = page.get_textpage()
            yield HYPHEN.sub("", words.get_text_range(errors="ignore"))
            words.close()
            page.close()


def text_of_packed(content: bytes, media_type: str) -> str:
    """The paragraphs of DOCX or ODT. The parser's own guard stops entities that grow, and the limits what unpacks to
    much."""
    name = "content.xml" if media_type.startswith(OPEN) else "word/document.xml"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed, packed.open(name) as file:
            return "".join(_paragraphs(file))
    except (zipfile.BadZipFile, KeyError, zlib.error, ElementTree.ParseError, NotImplementedError) as error:
        raise Refused("damaged") from error


def _paragraphs(file: Any) -> Iterator[str]:
    for _, element in ElementTree.iterparse(file):  # noqa: S314 (a process of its own with limits)
        tag = element.tag.rsplit("}", 1)[-1]
        if tag in ("p", "h"):
            yield "".join(element.itertext()) + "\n"
            element.clear()


def passages(words: str) -> Iterator[str]:
    """Cut at a line's or a word's end where there is one near."""
    position = 0
    while position < len(words):
        end = min(position + PASSAGE, len(words))
        if end < len(words):
            near = max(words.rfind("\n", position + PASSAGE // 2, end), words.rfind(" ", position + PASSAGE // 2, end))
            end = near + 1 if near > 0 else end
        yield words[position:end]
        position = end


def cleaned(words: str) -> str:
    return UNKEPT.sub(" ", words.replace("\r\n", "\n")).strip()


def main(mode: str, media_type: str) -> int:
    content = sys.stdin.buffer.read()
    try:
        if mode == "check":
            sys.stdout.write(json.dumps(check(content)))
            return 0
        left = CHARACTERS
        for page in text_of(content, media_type):
            words = cleaned(page)[: min(left, 10 * PASSAGE)]
            sys.stdout.write(json.dumps(words) + "\n")
            left -= len(words)
    except Refused as refused:
        sys.stdout.write(json.dumps({"refused": refused.code}))
        return 0 if mode == "check" else DAMAGED
    except (MemoryError, ctypes.ArgumentError, OSError):
        return TOO_MUCH
    return 0


if __name__ == "__main__":
    for limit, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(limit, (most, most))
    sys.exit(main(sys.argv[1], sys.argv[2]))
