"""Reference data of Italy: municipalities, provinces, regions, their people and borders; the resolver of place names.

Read-only and without dependencies. `load()` gives the `Territories`; `boundaries(kind)` the simplified borders;
`read_situas` and `compare` read ISTAT's own list and say what it changes. Built by `shared.territories.build`.
"""

from shared.territories.boundaries import boundaries
from shared.territories.model import AGE_BANDS, Former, Kind, Municipality, Province, Region
from shared.territories.resolver import How, Reason, Resolution
from shared.territories.situas import Change, Listed, compare, listed, read_situas
from shared.territories.store import Territories, former_names, load

__all__ = [
    "AGE_BANDS",
    "Change",
    "Former",
    "How",
    "Kind",
    "Listed",
    "Municipality",
    "Province",
    "Reason",
    "Region",
    "Resolution",
    "Territories",
    "boundaries",
    "compare",
    "former_names",
    "listed",
    "load",
    "read_situas",
]
