"""Reads the first sheet of a workbook in a child process of little memory, and gives it back as delimited text.

A workbook can be small, unpack to little and still fill a machine: one long text, and a million cells that point at it.
The limits of a process stop that, whatever the library does with it. The child is `python -m shared.sheets.child`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from typing import IO

from shared.sheets.files import MOST_ROWS, Unreadable

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
        command = [sys.executable, "-m", "shared.sheets.child"]
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
