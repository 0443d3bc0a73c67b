"""What of a poll is still worth telling."""

from __future__ import annotations

from datetime import datetime

OPEN, CLOSED, WITHDRAWN = "open", "closed", "withdrawn"


def awaits(state: str, closes_at: datetime, now: datetime) -> bool:
    """Answers are still taken."""
    return state == OPEN and now < closes_at


def outcome(state: str, chosen: int | None) -> str | None:
    """What is told of a poll that is over: that it was withdrawn, or which date was chosen, which may be later than its
    end. One that only came to its end is no news: the convocation will be."""
    if state == WITHDRAWN:
        return "withdrawn"
    return "chosen" if chosen is not None else None
