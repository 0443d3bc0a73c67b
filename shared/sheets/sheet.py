"""An opened file: what it turned out to be, and its rows as often as they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from types import TracebackType
from typing import IO

from shared.sheets import files, workbook
from shared.sheets.files import Form, Record


@dataclass
class Sheet:
    """A table, used by one thread at a time. Close it: a workbook's text lies in a temporary file."""

    form: Form
    file: IO[bytes]

    def records(self) -> Iterator[Record]:
        """The rows from the first on, blank ones left out. Memory holds one at a time, and the file."""
        self.file.seek(0)
        lines = TextIOWrapper(self.file, self.form.encoding or "utf-8", newline="")
        try:
            yield from files.records(lines, self.form.delimiter or ",")
        finally:
            lines.detach()  # the file is read more than once: it stays open

    def close(self) -> None:
        self.file.close()

    def __enter__(self) -> Sheet:
        return self

    def __exit__(
        self, type_: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def opened(content: bytes) -> Sheet:
    """Recognises a file by its bytes and opens it. Takes seconds for a large workbook: call it in a thread.

    Raises Unreadable: empty, too_large, not_a_table, damaged, locked, bomb, encoding, too_many_rows. Reading the
    records may raise it too (too_many_columns).
    """
    form = files.recognise(content)
    return Sheet(form, BytesIO(content) if form.kind == "csv" else workbook.as_text(content))
