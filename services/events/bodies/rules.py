"""Bodies as meetings need to know them: who belongs to them, and what their calls ask."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    FORMING = "forming"
    CONSTITUTED = "constituted"
    DISSOLVED = "dissolved"


class Composition(StrEnum):
    ONE_PER_MEMBER = "one_per_member"
    FIXED = "fixed"
    BY_TERRITORY = "by_territory"
    OPEN = "open"


SEATED = (Composition.ONE_PER_MEMBER, Composition.FIXED)
"""Who belongs to these bodies holds a seat; to the others, people belong themselves."""
