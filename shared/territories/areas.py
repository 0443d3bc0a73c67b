"""From the province and region columns of a file to the territory in which a name is looked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from shared.territories.model import Municipality
from shared.territories.names import folded, key, words

if TYPE_CHECKING:
    from shared.territories.store import Territories

# Names that ISTAT does not list: of provinces that are no more or were renamed (their municipalities keep the sigla in
# `formerly`), and short ones in use.
FORMER_PROVINCES = {
    "Forlì": "FC",
    "Pesaro": "PU",
    "Sud Sardegna": "SU",
    "Carbonia-Iglesias": "CI",
    "Olbia-Tempio": "OT",
    "Gallura": "OT",
    "Massa": "MS",
    "Verbania": "VB",
    "Monza": "MB",
    "Monza e Brianza": "MB",
    "Barletta": "BT",
    "BAT": "BT",
    "Valle d'Aosta": "AO",
    "Aosta": "AO",
    "Reggio nell'Emilia": "RE",
    "Alto Adige": "BZ",
    "VCO": "VB",
    "Roma Capitale": "RM",
}
SHORT_REGIONS = {
    "Friuli V.G.": "06",
    "FVG": "06",
    "Friuli": "06",
    "Val d'Aosta": "02",
    "Trentino": "04",
    "Trentino A.A.": "04",
    "Abruzzi": "13",
}
FORMER_SIGLAS = frozenset({"FO", "PS", "CI"})
_ABROAD = frozenset({"EE", "ESTERO", "ESTERA", "STATOESTERO"})
_PREFIX = re.compile(
    r"^\s*(libero consorzio( comunale)?|citt[aà]'? metropolitana|provincia( autonoma)?|prov\.?|p\.?\s?a\.?"
    r"|regione( autonoma| siciliana)?|reg\.?)\s+(di\s+|del\s+|della\s+|dell')?",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"\(([^)]*)\)?")


@dataclass(frozen=True, slots=True)
class Area:
    """A territory to look in: the siglas of one province, or a region, or all Italy when both are empty."""

    siglas: frozenset[str] = frozenset()
    region: str = ""
    unreadable: bool = False  # something was given as province, and it is none
    abroad: bool = False

    @property
    def given(self) -> bool:
        """Whether the territory is a province: small enough that a likeness in it means something."""
        return bool(self.siglas)

    @property
    def wide(self) -> bool:
        """Whether it is all Italy."""
        return not self.siglas and not self.region

    def held(self, sigla: str) -> bool:
        """Whether a name that went with this sigla belongs here."""
        return not self.siglas or sigla in self.siglas

    def holds(self, m: Municipality, sigla: str, rank: int, *, now: bool) -> bool:
        """Whether a municipality lies in it today (`now`), or once did, itself or one that it succeeds."""
        if not self.siglas:
            return now and (not self.region or m.region == self.region)
        if now:
            return m.province in self.siglas
        return not self.siglas.isdisjoint(m.formerly) or (rank == 3 and sigla in self.siglas)


class Areas:
    """Reads provinces and regions as files write them."""

    def __init__(self, territories: Territories) -> None:
        self._sigla: dict[str, str] = {}
        self._region: dict[str, str] = {}
        self._region_of = {p.sigla: p.region for p in territories.provinces}
        for p in territories.provinces:
            for name in (p.sigla, p.code, p.historic_code, str(int(p.code)), str(int(p.historic_code))):
                self._sigla[key(name)] = p.sigla
            for name in (p.name, *p.name.split("/")):
                self._sigla[folded(name)] = p.sigla
        for name, sigla in FORMER_PROVINCES.items():
            self._sigla[folded(name)] = sigla
        for sigla in FORMER_SIGLAS:
            self._sigla[sigla] = sigla
        for r in territories.regions:
            for name in (r.name, *r.name.split("/"), r.code, r.code.lstrip("0")):
                self._region[folded(name)] = r.code
        for name, code in SHORT_REGIONS.items():
            self._region[folded(name)] = code
        self._formerly: dict[str, frozenset[str]] = {
            m.code: frozenset({m.region} | {self._region_of[s] for s in m.formerly if s in self._region_of})
            for m in territories.municipalities
            if m.formerly
        }
        self.parse = lru_cache(maxsize=4096)(self._parse)

    def _parse(self, province: str, region: str) -> Area:
        """The territory that the two columns name; the province decides, the region serves where there is none."""
        if key(province) in _ABROAD:
            return Area(abroad=True)
        code, hint = self._region_and_province(region)
        sigla = self._province(province) or hint
        if sigla:
            return Area(frozenset({sigla}), code)
        return Area(frozenset(), code, unreadable=bool(words(province)))

    def _province(self, text: str) -> str | None:
        for name in (text, _PREFIX.sub("", text), *_BRACKETS.findall(text), _BRACKETS.sub("", text)):
            sigla = self._sigla.get(key(name)) or self._sigla.get(folded(name))
            if sigla and name.strip():
                return sigla
        return None

    def _region_and_province(self, text: str) -> tuple[str, str | None]:
        """A region, and the province that some files write with it: "TRENTINO ALTO ADIGE (BOLZANO)", "P.A. TRENTO"."""
        bare = _BRACKETS.sub("", text)
        for name in (text, bare, _PREFIX.sub("", bare)):
            if code := self._region.get(folded(name)):
                inner = next((s for part in _BRACKETS.findall(text) if (s := self._province(part))), None)
                return code, inner
        if _PREFIX.match(text) and (sigla := self._province(text)):
            return self._region_of[sigla], sigla
        return "", None

    def agrees(self, m: Municipality, area: Area) -> bool:
        """Whether the region that was given is the municipality's, or one that it has left."""
        return not area.region or m.region == area.region or area.region in self._formerly.get(m.code, frozenset())
