"""What of a meeting is still worth telling."""

from __future__ import annotations

from datetime import datetime


def to_come(state: str, ends_at: datetime, now: datetime) -> bool:
    """It will take place, or does so at this moment."""
    return state == "convened" and now < ends_at


def about_to_begin(state: str, starts_at: datetime, now: datetime) -> bool:
    return state == "convened" and now < starts_at
