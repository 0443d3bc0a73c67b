"""Mapping put together: the only file that knows all of it."""

from services.mapping.coverage import routes as coverage
from services.mapping.policy import policy
from services.mapping.presences import listens as presences_listens
from services.mapping.presences import routes as presences
from services.mapping.ranking import routes as ranking
from services.mapping.settings import Settings
from services.mapping.store import mapper
from services.mapping.territories import routes as territories
from shared.access import listens as access_listens
from shared.runtime.context import Service
from shared.territories import following


def service(settings: Settings) -> Service:
    return Service(
        name="mapping",
        title="where things are and what is missing",
        settings=settings,
        policy=policy,
        metadata=mapper.metadata,
        routers=[territories.routes, presences.routes, coverage.routes, ranking.routes],
        vocabularies=[*territories.vocabularies, *presences.vocabularies, *ranking.vocabularies],
        listens=[access_listens, presences_listens],
        followers=[following.follow],
    )
