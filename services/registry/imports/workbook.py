"""Reads the first sheet of a workbook in a child process of little memory, and gives it back as delimited text.

A workbook can be small, unpack to little and still fill a machine: one long text, and a million cells that point at it.
The limits of a process stop that, whatever the library does with it. Run as
`python -m services.registry.imports.workbook < file > text`; its exit status says what was wrong.
"""

from __future__ import annotations

import csv
import io
import resource
import subprocess
import sys
import tempfile
from typing import IO

from services.registry.imports.files import MOST_COLUMNS, MOST_ROWS, Unreadable

MEMORY = 1024 * 1024 * 1024  # of addresses; a sheet of 200,000 rows needs a third of it
TEXT = 256 * 1024 * 1024  # of what comes out
SECONDS = 60  # of processor time
DAMAGED, TOO_MANY_ROWS, LOCKED, TOO_MUCH = 3, 4, 5, 6


def as_text(content: bytes) -> IO[bytes]:
    """A temporary file with the rows of the first sheet that has any, in UTF-8, delimited by commas, a line each.

    Takes seconds for a large sheet: call it in a thread. Raises Unreadable: damaged, locked, bomb, too_many_rows.
    """
    out = tempfile.TemporaryFile()  # noqa: SIM115 (the caller closes it)
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        command = [sys.executable, "-m", "services.registry.imports.workbook"]
        try:
            ended = subprocess.run(  # noqa: S603
                command, stdin=file, stdout=out, stderr=subprocess.DEVNULL, timeout=3 * SECONDS, check=False
            )
        except subprocess.TimeoutExpired as problem:
            out.close()
            raise Unreadable("bomb") from problem
    if ended.returncode:
        out.close()
        raise _why(ended.returncode)
    out.seek(0)
    return out


def _why(status: int) -> Unreadable:
    if status == TOO_MANY_ROWS:
        return Unreadable("too_many_rows", limit=MOST_ROWS)
    if status == LOCKED:
        return Unreadable("locked")
    return Unreadable("bomb" if status < 0 or status == TOO_MUCH else "damaged")  # below zero: the signal of a limit


def text_of(cell: object) -> str:
    """A cell as a person would have typed it: whole numbers without `.0`, days as YYYY-MM-DD, one line."""
    if isinstance(cell, bool):
        return "X" if cell else ""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return "" if cell is None else " ".join(str(cell).splitlines())


def main() -> int:
    """One line of text per row of the sheet, so that a line in the report is the row that the person sees."""
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    text = io.TextIOWrapper(sys.stdout.buffer, "utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n")
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
        for name in book.sheet_names:
            rows = 0
            for row in book.get_sheet_by_name(name).iter_rows():
                if (rows := rows + 1) > MOST_ROWS:
                    return TOO_MANY_ROWS
                writer.writerow([text_of(cell) for cell in row[:MOST_COLUMNS]])
            if rows:
                break
        text.flush()
    except (MemoryError, OSError):
        return TOO_MUCH
    except PasswordError:
        return LOCKED
    except (CalamineError, ValueError):
        return DAMAGED
    return 0


if __name__ == "__main__":
    for limit, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_FSIZE, TEXT)):
        resource.setrlimit(limit, (most, most))
    sys.exit(main())
