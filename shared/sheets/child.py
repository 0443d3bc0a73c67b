"""The child process of `workbook.py`: a workbook comes in, the rows of its first sheet go out as delimited text.

Only here is the library imported that reads workbooks: a service that reads none needs not install it. The exit status
says what was wrong.
"""

from __future__ import annotations

import csv
import io
import resource
import sys

from shared.sheets.files import MOST_COLUMNS, MOST_ROWS
from shared.sheets.workbook import DAMAGED, LOCKED, MEMORY, SECONDS, TEXT, TOO_MANY_ROWS, TOO_MUCH


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
            rows, sheet = 0, book.get_sheet_by_name(name)
            left = [""] * min(sheet.start[1], MOST_COLUMNS) if sheet.start else []  # empty columns at the left edge
            for row in sheet.iter_rows():
                if (rows := rows + 1) > MOST_ROWS:
                    return TOO_MANY_ROWS
                writer.writerow([*left, *(text_of(cell) for cell in row[: MOST_COLUMNS - len(left)])])
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
