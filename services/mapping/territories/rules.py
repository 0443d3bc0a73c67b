"""The administrative map: which code names what, and what lies in what."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

COUNTRY = "IT"


class Level(StrEnum):
    COUNTRY = "country"
    REGION = "region"
    PROVINCE = "province"
    MUNICIPALITY = "municipality"


@dataclass(frozen=True, slots=True)
class Area:
    """A territory by its code, with the codes of what it lies in, itself included; None for levels below its own."""

    code: str
    region: str
    province: str | None = None
    municipality: str | None = None

    @property
    def level(self) -> Level:
        if self.municipality:
            return Level.MUNICIPALITY
        return Level.PROVINCE if self.province else Level.REGION

    def chain(self) -> list[tuple[Level, str]]:
        """The area and all that it lies in, the smallest first."""
        levels = [(Level.MUNICIPALITY, self.municipality), (Level.PROVINCE, self.province), (Level.REGION, self.region)]
        return [(level, code) for level, code in levels if code] + [(Level.COUNTRY, COUNTRY)]


Locate = Callable[[str], Area | None]
"""The area that a code names, or None. Two digits are a region, three a province, a cadastral code a municipality."""


def fold(text: str) -> str:
    """Text as people type it into a search: lower case, no accents, one space between words, no punctuation."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(re.findall(r"\w+", bare))
