"""What a file is, by what it holds and never by its name or by what its sender calls it."""

from __future__ import annotations

from collections.abc import Iterable

OFFICE = "application/vnd.openxmlformats-officedocument."
OPEN = "application/vnd.oasis.opendocument."
SIGNED = bytes.fromhex("06092a864886f70d010702")  # the object id of CMS signed data: a .p7m
MAGIC = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
)


def media_type_of(content: bytes, packed: Iterable[tuple[bytes, str]]) -> str | None:
    """None when it is nothing that is known. `packed` are the kinds of ZIP that are taken, each with what the names
    within it say: it is not unpacked."""
    for magic, media_type in MAGIC:
        if content.startswith(magic):
            return media_type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[:4] == b"PK\x03\x04":
        return next((media_type for name, media_type in packed if name in content), None)
    if content[:1] == b"\x30" and SIGNED in content[:64]:
        return "application/pkcs7-mime"
    return "text/plain" if _is_text(content) else None


def _is_text(content: bytes) -> bool:
    """Markup is none: a browser would take it for a page."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    plain = all(c >= " " or c in "\t\r\n\f" for c in text) and bool(text.strip())
    return plain and not text.lstrip("\ufeff \t\r\n").startswith("<")
