"""What is wrong with an upload, as every service answers it: a slice's `problems` begin with `**refusals`."""

from __future__ import annotations

from shared.runtime.problems import Problems, problem
from shared.sheets.columns import UnknownColumn
from shared.sheets.files import FileTooLarge

refusals: Problems = {
    FileTooLarge: problem(
        "file-too-large",
        413,
        it="File troppo grande\nUn file da importare può avere al massimo {accepted}.",
        en="File too large\nA file to import may have at most {accepted}.",
        path="/file",
    ),
    UnknownColumn: problem(
        "column-unknown",
        422,
        it="Il file non ha quella colonna\nPer il campo {field} si può scegliere una di queste: {accepted}.",
        en="The file has no such column\nFor the field {field} one of these can be chosen: {accepted}.",
    ),
}
