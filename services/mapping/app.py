"""Mapping put together: the only file that knows all of it."""

from services.mapping.areas import routes as areas
from services.mapping.atlas import pages as atlas_pages
from services.mapping.atlas import routes as atlas
from services.mapping.coverage import routes as coverage
from services.mapping.crossings import listens as crossings_listens
from services.mapping.crossings import routes as crossings
from services.mapping.experiences import routes as experiences
from services.mapping.freshness import commands as freshness_commands
from services.mapping.freshness import routes as freshness
from services.mapping.imports import commands as imports_commands
from services.mapping.imports import queries as imports_queries
from services.mapping.imports import routes as imports
from services.mapping.imports import worker as imports_worker
from services.mapping.items import listens as items_listens
from services.mapping.items import routes as items
from services.mapping.matching import routes as matching
from services.mapping.members_map import routes as members_map
from services.mapping.nearest import routes as nearest
from services.mapping.needs import commands as needs_commands
from services.mapping.needs import routes as needs
from services.mapping.news import listens as news_listens
from services.mapping.organisations import listens as organisations_listens
from services.mapping.people import listens as people_listens
from services.mapping.places import routes as places
from services.mapping.policy import policy
from services.mapping.presences import listens as presences_listens
from services.mapping.presences import routes as presences
from services.mapping.ranking import routes as ranking
from services.mapping.resources import routes as resources
from services.mapping.rights import listens as rights_listens
from services.mapping.settings import Settings
from services.mapping.statistics import routes as statistics
from services.mapping.store import mapper
from services.mapping.territories import routes as territories
from services.mapping.yardsticks import routes as yardsticks
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
        routers=[
            territories.routes,
            presences.routes,
            areas.routes,
            coverage.routes,
            ranking.routes,
            yardsticks.routes,
            matching.routes,
            nearest.routes,
            members_map.routes,
            places.routes,
            resources.routes,
            experiences.routes,
            freshness.routes,
            needs.routes,
            imports.routes,
            crossings.routes,
            statistics.routes,
            atlas.routes,
        ],
        site=[atlas_pages.site],
        vocabularies=[
            *territories.vocabularies,
            *presences.vocabularies,
            *areas.vocabularies,
            *matching.vocabularies,
            *ranking.vocabularies,
            *items.vocabularies,
            *places.vocabularies,
            *resources.vocabularies,
            *freshness.vocabularies,
            *needs.vocabularies,
            *imports.vocabularies,
            *crossings.vocabularies,
            *statistics.vocabularies,
        ],
        listens=[
            access_listens,
            rights_listens,
            presences_listens,
            items_listens,
            people_listens,
            organisations_listens,
            news_listens,
            crossings_listens,
        ],
        problems=[
            areas.problems,
            yardsticks.problems,
            items.problems,
            places.problems,
            resources.problems,
            experiences.problems,
            freshness.problems,
            needs.problems,
            imports.problems,
            crossings.problems,
        ],
        dues={
            **freshness_commands.turns(),
            needs_commands.DUE: needs_commands.erase_texts,
            imports_commands.DUE: imports_commands.close,
        },
        workers=[imports_worker.run],
        backlogs={"place_imports": imports_queries.running},
        followers=[following.follow],
    )
