"""Documents of meetings: links, and files that are what they say they are.

A file is taken by what it holds, never by its name or by what its sender calls it, and it is given back to be kept,
never to be shown as a page of the platform's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.sniffing import OFFICE, OPEN, media_type_of

LARGEST_FILE = 10 << 20
"""Bytes."""
MOST_DOCUMENTS = 50
FILES = "PDF, P7M, PNG, JPEG, WebP, DOCX, XLSX, PPTX, ODT, ODS, ODP, text"
PACKED = (
    (b"word/document.xml", f"{OFFICE}wordprocessingml.document"),
    (b"xl/workbook.xml", f"{OFFICE}spreadsheetml.sheet"),
    (b"ppt/presentation.xml", f"{OFFICE}presentationml.presentation"),
    (f"mimetype{OPEN}text".encode(), f"{OPEN}text"),
    (f"mimetype{OPEN}spreadsheet".encode(), f"{OPEN}spreadsheet"),
    (f"mimetype{OPEN}presentation".encode(), f"{OPEN}presentation"),
)
"""By what the names within a ZIP say: it is not unpacked."""
ENDINGS: dict[str, tuple[str, ...]] = {
    "application/pdf": (".pdf",),
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/webp": (".webp",),
    f"{OFFICE}wordprocessingml.document": (".docx",),
    f"{OFFICE}spreadsheetml.sheet": (".xlsx",),
    f"{OFFICE}presentationml.presentation": (".pptx",),
    f"{OPEN}text": (".odt",),
    f"{OPEN}spreadsheet": (".ods",),
    f"{OPEN}presentation": (".odp",),
    "application/pkcs7-mime": (".p7m",),
    "text/plain": (".txt", ".csv", ".md"),
}
"""By which the reader's computer decides what to do with a file: a text that is called `.bat` is run by it, and so are
the macros of a `.docm`."""
EICAR = b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE"
"""What every scanner calls harmful, so that a scanner can be tried; here it stands for what no scanner has seen."""


class UnknownDocument(Exception):
    """No document of the meeting has this id, or none that the caller may know of."""


class TooManyDocuments(Exception):
    def __init__(self) -> None:
        super().__init__(str(MOST_DOCUMENTS))
        self.most = MOST_DOCUMENTS


class NoSuchItem(Exception):
    """The agenda has no item of that number."""

    def __init__(self, items: int) -> None:
        super().__init__(f"of {items}")
        self.accepted = f"1 to {items}" if items else "nothing: the agenda is empty"


class Cancelled(Exception):
    """A cancelled meeting needs no more documents."""


class UnfitFile(Exception):
    """Empty, harmful, or of none of the kinds that are taken; `code` says which."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code, self.accepted = code, f"{FILES}, <= {LARGEST_FILE >> 20} MB"


class FileTooLarge(Exception):
    def __init__(self) -> None:
        super().__init__(f"more than {LARGEST_FILE}")
        self.most, self.accepted = LARGEST_FILE >> 20, f"<= {LARGEST_FILE} bytes"


@dataclass(eq=False)
class Document:
    """A link or a file that belongs to a meeting, or to one item of its agenda (numbered from 1). A `public` one of an
    open meeting is shown to everybody."""

    meeting_id: UUID
    title: str
    added_at: datetime
    item: int | None = None
    url: str | None = None
    file_name: str | None = None
    media_type: str | None = None
    size: int | None = None
    sha256: str | None = None
    public: bool = False
    added_by: UUID | None = None
    id: UUID = field(default_factory=uuid7)

    def hold(self, name: str, content: bytes) -> None:
        """It is this file. Raises UnfitFile, FileTooLarge."""
        if not content:
            raise UnfitFile("empty")
        if len(content) > LARGEST_FILE:
            raise FileTooLarge
        if EICAR in content:
            raise UnfitFile("harmful")
        media_type = media_type_of(content, PACKED)
        if media_type is None:
            raise UnfitFile("kind")
        self.file_name, self.media_type = file_name_of(name, media_type), media_type
        self.size, self.sha256 = len(content), sha256(content).hexdigest()


def file_name_of(given: str, media_type: str) -> str:
    """The last part of the name, whatever the system that sent it; with an ending of what the file is, after its own
    where that is another."""
    name = given.replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(c for c in name if c.isprintable() and not "\ud800" <= c <= "\udfff").strip() or "file"
    endings = ENDINGS[media_type]
    ends = next((name[-len(ending) :] for ending in endings if name.lower().endswith(ending)), endings[0])
    return name.removesuffix(ends)[: 120 - len(ends)] + ends


def require_item(item: int | None, items: int) -> None:
    if item is not None and not 1 <= item <= items:
        raise NoSuchItem(items)
