"""When a commitment still asks something of somebody."""

from __future__ import annotations

from datetime import date

OUTSTANDING = ("open", "late")
"""States in which somebody still owes: what is late can be kept, too."""
LIST_OF_REPRESENTATIVES = "list_of_representatives"
"""The kind that is kept by sending a file: its link leads to the upload."""


def outstanding(state: str) -> bool:
    return state in OUTSTANDING


def overdue(state: str, due: date, today: date) -> bool:
    """The day `due` is over and nothing has come. A commitment that was moved to a later day is not overdue any more,
    whatever was told of it before."""
    return outstanding(state) and due < today
