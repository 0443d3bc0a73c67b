"""Kinds of files: what is taken, by what it holds, and what is done with it. The child process imports it too, and
little else."""

from shared.sniffing import OFFICE, OPEN

LARGEST = 50 << 20
"""Bytes of a file."""
FILES = "PDF, P7M, PNG, JPEG, WebP, DOCX, XLSX, PPTX, ODT, ODS, ODP, text"
PACKED = (
    (b"word/document.xml", f"{OFFICE}wordprocessingml.document"),
    (b"xl/workbook.xml", f"{OFFICE}spreadsheetml.sheet"),
    (b"ppt/presentation.xml", f"{OFFICE}presentationml.presentation"),
    (f"mimetype{OPEN}text".encode(), f"{OPEN}text"),
    (f"mimetype{OPEN}spreadsheet".encode(), f"{OPEN}spreadsheet"),
    (f"mimetype{OPEN}presentation".encode(), f"{OPEN}presentation"),
)
PDF, TEXT = "application/pdf", "text/plain"
ENDINGS: dict[str, tuple[str, ...]] = {
    PDF: (".pdf",),
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
    TEXT: (".txt", ".csv", ".md"),
}
"""A reader's computer goes by the ending: a text that is called `.bat` is run by it."""
SHOWN = frozenset({PDF, "image/png", "image/jpeg", "image/webp"})
"""What a browser may show by itself; everything else is given to be kept."""
SEARCHABLE = frozenset({PDF, TEXT, f"{OFFICE}wordprocessingml.document", f"{OPEN}text"})
"""Of the others only title and description are found."""
EICAR = b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE"
"""What every scanner calls harmful, so that a scanner can be tried."""
