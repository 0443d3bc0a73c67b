"""Events put together: the only file that knows all of it."""

from services.events.policy import policy
from services.events.settings import Settings
from services.events.store import mapper
from shared.access import listens as access_listens
from shared.runtime.context import Service


def service(settings: Settings) -> Service:
    return Service(
        name="events",
        title="meeting, deciding, remembering",
        settings=settings,
        policy=policy,
        metadata=mapper.metadata,
        listens=[access_listens],
    )
