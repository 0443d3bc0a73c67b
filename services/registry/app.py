"""What the registry is made of. The only file that knows all of it."""

from services.registry.access import routes as access
from services.registry.access_requests import commands as access_request_commands
from services.registry.access_requests import listens as access_request_listens
from services.registry.access_requests import routes as access_requests
from services.registry.affiliates import routes as affiliates
from services.registry.agreements import commands as agreement_commands
from services.registry.agreements import listens as agreement_listens
from services.registry.agreements import routes as agreements
from services.registry.api_keys import routes as api_keys
from services.registry.bodies import commands as body_commands
from services.registry.bodies import pages as body_pages
from services.registry.bodies import queries as body_queries
from services.registry.bodies import routes as bodies
from services.registry.commitments import commands as commitment_commands
from services.registry.commitments import listens as commitment_listens
from services.registry.commitments import pages as commitment_pages
from services.registry.commitments import routes as commitments
from services.registry.constitutions import commands as constitution_commands
from services.registry.constitutions import listens as constitution_listens
from services.registry.constitutions import queries as constitution_queries
from services.registry.constitutions import routes as constitutions
from services.registry.desk import pages as desk
from services.registry.duplicates import routes as duplicates
from services.registry.erasures import commands as erasure_commands
from services.registry.erasures import listens as erasure_listens
from services.registry.erasures import routes as erasures
from services.registry.erasures import worker as erasure_worker
from services.registry.goals import commands as goal_commands
from services.registry.goals import pages as goal_pages
from services.registry.goals import routes as goals
from services.registry.imports import commands as import_commands
from services.registry.imports import pages as import_pages
from services.registry.imports import queries as import_queries
from services.registry.imports import routes as imports
from services.registry.imports import worker as import_worker
from services.registry.interlocutors import routes as interlocutors
from services.registry.mandates import commands as mandate_commands
from services.registry.mandates import routes as mandates
from services.registry.merges import routes as merges
from services.registry.networks import routes as networks
from services.registry.organisations import listens as organisation_listens
from services.registry.organisations import routes as organisations
from services.registry.pacts import commands as pact_commands
from services.registry.pacts import queries as pact_queries
from services.registry.pacts import routes as pacts
from services.registry.pacts import worker as pact_worker
from services.registry.people import routes as people
from services.registry.plans import commands as plan_commands
from services.registry.plans import routes as plans
from services.registry.policy import policy
from services.registry.processing import commands as processing_commands
from services.registry.processing import listens as processing_listens
from services.registry.processing import pages as processing_pages
from services.registry.processing import routes as processing
from services.registry.projects import routes as projects
from services.registry.representatives import routes as representatives
from services.registry.settings import Settings
from services.registry.sharings import routes as sharings
from services.registry.store import mapper
from shared.runtime.context import Service
from shared.territories import following
from shared.territories import listens as territories_listens


def service(settings: Settings) -> Service:
    slices = (
        networks,
        sharings,
        organisations,
        affiliates,
        merges,
        imports,
        people,
        duplicates,
        processing,
        mandates,
        bodies,
        constitutions,
        goals,
        interlocutors,
        commitments,
        plans,
        agreements,
        projects,
        representatives,
        pacts,
        api_keys,
        access,
        erasures,
        access_requests,
    )
    return Service(
        name="registry",
        title="Registry: who, with which authority",
        settings=settings,
        policy=policy,
        metadata=mapper.metadata,
        routers=[part.routes for part in slices],
        pages=[access.well_known],
        site=[
            access.site,
            desk.site,
            commitment_pages.site,
            body_pages.site,
            import_pages.site,
            goal_pages.site,
            processing_pages.site,
        ],
        dues={
            mandate_commands.DUE: mandate_commands.turn,
            body_queries.COVER: body_commands.follow_cover,
            pact_queries.DUE: pact_commands.follow_makers,
            constitution_queries.DUE: constitution_commands.follow,
            goal_commands.DUE: goal_commands.decide,
            commitment_commands.DUE: commitment_commands.turn,
            import_commands.DUE: import_commands.close,
            plan_commands.DUE: plan_commands.expire,
            agreement_commands.DUE: agreement_commands.turn,
            erasure_commands.DUE: erasure_commands.turn,
            erasure_commands.SEARCH: erasure_commands.search,
            access_request_commands.DUE: access_request_commands.turn,
            processing_commands.DUE: processing_commands.turn,
        },
        listens=[
            territories_listens,
            organisation_listens,  # after the changes that it reads
            constitution_listens,
            commitment_listens,
            agreement_listens,
            processing_listens,
            erasure_listens,
            access_request_listens,
        ],
        problems=[part.problems for part in slices],
        followers=[following.follow],
        workers=[import_worker.run, erasure_worker.run, pact_worker.rewrap_keys],
        vocabularies=[
            *networks.vocabularies,
            *sharings.vocabularies,
            *organisations.vocabularies,
            *merges.vocabularies,
            *imports.vocabularies,
            *people.vocabularies,
            *duplicates.vocabularies,
            *processing.vocabularies,
            *mandates.vocabularies,
            *bodies.vocabularies,
            *constitutions.vocabularies,
            *goals.vocabularies,
            *interlocutors.vocabularies,
            *commitments.vocabularies,
            *pacts.vocabularies,
            *plans.vocabularies,
            *projects.vocabularies,
            *agreements.vocabularies,
            *erasures.vocabularies,
            *access_requests.vocabularies,
        ],
        backlogs={"imports": import_queries.running},
        own_me=True,
    )
