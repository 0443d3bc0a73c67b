"""Reference data of Italy: municipalities, provinces, regions, their people and borders; the resolver of place names.

Without dependencies. `load()` gives the `Territories` of today; `install` lays later changes over the built data;
`boundaries(kind)` gives the simplified borders;
`read_situas` and `compare` read ISTAT's own list and say what it changes. Built by `shared.territories.build`.
"""

from shared.territories.boundaries import boundaries
from shared.territories.changes import AS_OF, Update
from shared.territories.history import History, Period
from shared.territories.model import AGE_BANDS, Former, Kind, Municipality, Province, Region
from shared.territories.resolver import How, Reason, Resolution
from shared.territories.situas import Change, Listed, NotSituas, compare, listed, read_situas, read_variations
from shared.territories.store import Territories, built, former_names, install, installed, load

__all__ = [
    "AGE_BANDS",
    "AS_OF",
    "Change",
    "Former",
    "History",
    "How",
    "Kind",
    "Listed",
    "Municipality",
    "NotSituas",
    "Period",
    "Province",
    "Reason",
    "Region",
    "Resolution",
    "Territories",
    "Update",
    "boundaries",
    "built",
    "compare",
    "former_names",
    "install",
    "installed",
    "listed",
    "load",
    "read_situas",
    "read_variations",
]
