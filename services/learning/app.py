"""Learning put together: the only file that knows all of it."""

from services.learning.policy import policy
from services.learning.settings import Settings
from services.learning.store import mapper
from shared.access import listens as access_listens
from shared.runtime.context import Service


def service(settings: Settings) -> Service:
    return Service(
        name="learning",
        title="knowing, and showing what was learnt",
        settings=settings,
        policy=policy,
        metadata=mapper.metadata,
        listens=[access_listens],
    )
