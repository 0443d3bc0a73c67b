"""Files as people send them, and as nobody should."""

from __future__ import annotations

import io
import zipfile
import zlib

from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

from deploy.local.papers import pdf

PLAN = pdf(
    "Piano di zona", ["Il piano di zona dell'ambito di Lecco.", "La domiciliarità degli anziani è una priorità."]
)
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def written(writer: PdfWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def copied() -> PdfWriter:
    writer = PdfWriter()
    writer.append(PdfReader(io.BytesIO(PLAN)))
    return writer


def with_script() -> bytes:
    """JavaScript that runs when the document is opened."""
    writer = copied()
    action = {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(1)")}
    writer.root_object[NameObject("/OpenAction")] = DictionaryObject(action)
    return written(writer)


def locked(user: str) -> bytes:
    """Wants the password `user` to be opened; an empty one only protects it from being changed."""
    writer = copied()
    writer.encrypt(user, "owner", algorithm="RC4-128")
    return written(writer)


def with_object(content: bytes) -> bytes:
    """With one more object than anybody needs."""
    return PLAN.replace(b"xref\n", b"99 0 obj\n" + content + b"\nendobj\nxref\n", 1)


def hidden(content: bytes) -> bytes:
    """In a packed stream of objects, where searching the file itself finds nothing."""
    packed = zlib.compress(content)
    return with_object(
        b"<< /Type /Obj#53tm /N 1 /First 4 /Filter /FlateDecode /Length %d >>\nstream\n%b\nendstream"
        % (len(packed), packed)
    )


def archive(**entries: str) -> bytes:
    """A ZIP; `__` in a name stands for a slash, `_` for a dot."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in entries.items():
            packed.writestr(name.replace("__", "/").replace("_", "."), content)
    return out.getvalue()


W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
DOCX = archive(
    word__document_xml=f'<w:document xmlns:w="{W}"><w:body><w:p><w:r><w:t>Il tavolo </w:t></w:r><w:r><w:t>di sistema'
    "</w:t></w:r></w:p><w:p><w:r><w:t>si riunisce</w:t></w:r></w:p></w:body></w:document>"
)
