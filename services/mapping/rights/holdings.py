"""What mapping holds of people: a line for each column that names one; it has nobody's name. `tests/mapping/rights`
reads the tables and fails when a column is in no line and not among `NOBODY`."""

from __future__ import annotations

from services.mapping.experiences.tables import absences, experiences
from services.mapping.freshness.tables import freshness
from services.mapping.imports.tables import place_imports
from services.mapping.needs.tables import needs
from services.mapping.places.tables import places
from services.mapping.resources.tables import resources
from services.mapping.store import mapper
from shared.contracts.mapping import AccessAnswered, ErasureAnswered
from shared.rights import EVERYWHERE, Answerer, Ground, Held

ITEM = ("id", "network_id", "title", "kind", "state", "proposed_on")
NEED = ("id", "network_id", "place_id", "theme", "state", "collected_at", "assigned_at", "answered_at")
"""Of a need, which is somebody else's, its text is not given to who collected or follows it."""

HELD = (
    *EVERYWHERE,
    Held("places", places.c.proposed_by, Ground.ACCOUNTABILITY, shows=ITEM),
    Held("places", resources.c.proposed_by, Ground.ACCOUNTABILITY, shows=ITEM),
    Held("places", experiences.c.proposed_by, Ground.ACCOUNTABILITY, shows=ITEM),
    Held("places", absences.c.declared_by, Ground.ACCOUNTABILITY, shows=("id", "network_id", "declared_on")),
    Held(
        "places",
        freshness.c.answered_by,
        Ground.ACCOUNTABILITY,
        shows=("id", "network_id", "title", "answer", "answered_on"),
    ),
    Held("needs", needs.c.collected_by, Ground.ACCOUNTABILITY, shows=NEED),
    Held("needs", needs.c.person_id, Ground.ACCOUNTABILITY, shows=NEED),
    Held("acts", place_imports.c.requested_by, Ground.ACCOUNTABILITY, shows=("id", "file_name", "requested_at")),
)

NOBODY: frozenset[str] = frozenset()
"""Columns (`table.column`) whose name sounds like a person's, and whose rows name none."""

HOLDER = Answerer(
    service="mapping", held=HELD, metadata=(mapper.metadata,), erasure=ErasureAnswered, access=AccessAnswered
)
