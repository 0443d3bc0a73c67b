"""Facts between services: staged with the change, relayed, received once."""

from shared.messaging.context import Cause, caused_by
from shared.messaging.handlers import Handler, NotYet, Received, handlers_of, newest, projects, reacts
from shared.messaging.log import MAX_BODY, FactTooLarge, redact, stage
from shared.messaging.projections import upsert_newest
from shared.messaging.tables import metadata

__all__ = [
    "MAX_BODY",
    "Cause",
    "FactTooLarge",
    "Handler",
    "NotYet",
    "Received",
    "caused_by",
    "handlers_of",
    "metadata",
    "newest",
    "projects",
    "reacts",
    "redact",
    "stage",
    "upsert_newest",
]
