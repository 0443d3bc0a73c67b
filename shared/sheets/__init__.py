"""Spreadsheets as people really send them, CSV or workbooks: from bytes to rows with the line that the person sees.

```python
with sheets.opened(content) as sheet:                        # takes seconds for a workbook: in a thread
    sample = list(islice(sheet.records(), sheets.SAMPLE))
    header = sheets.header_of(sample, WORDS.columns_of)      # among the titles above it; none: `line` 0
    for record in sheets.below(sheet.records(), header):     # `records()` begins anew each time
        record.line, record.cells[header.columns["title"]]
```

`Unreadable(reason, **values)` says what is wrong with a file as a whole; `why_unreadable` says it to people. Which
column means what is guessed from `Words`, shown by `described`, and corrected by `chosen` and a `Correction`. The
library that reads workbooks (`python-calamine`, in the extra of whoever needs it) is loaded in a child process, and
only for one.
"""

from shared.sheets.columns import (
    AS_IT_IS,
    SAMPLE,
    Column,
    Correction,
    Header,
    UnknownColumn,
    Words,
    below,
    chosen,
    counted,
    described,
    header_of,
    plain,
)
from shared.sheets.files import LARGEST_FILE, MOST_ROWS, FileTooLarge, Form, Record, Unreadable
from shared.sheets.sheet import Sheet, opened
from shared.sheets.texts import why_unreadable

__all__ = [
    "AS_IT_IS",
    "LARGEST_FILE",
    "MOST_ROWS",
    "SAMPLE",
    "Column",
    "Correction",
    "FileTooLarge",
    "Form",
    "Header",
    "Record",
    "Sheet",
    "UnknownColumn",
    "Unreadable",
    "Words",
    "below",
    "chosen",
    "counted",
    "described",
    "header_of",
    "opened",
    "plain",
    "why_unreadable",
]
