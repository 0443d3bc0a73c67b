"""Learning put together: the only file that knows all of it."""

from services.learning.bodies import listens as bodies_listens
from services.learning.credentials import listens as credentials_listens
from services.learning.credentials import routes as credentials
from services.learning.credentials.keeping import keep_the_key
from services.learning.documents import commands as documents_commands
from services.learning.documents import keeping as documents_keeping
from services.learning.documents import routes as documents
from services.learning.enrolments import listens as enrolments_listens
from services.learning.enrolments import routes as enrolments
from services.learning.experiences import listens as experiences_listens
from services.learning.mandates import listens as mandates_listens
from services.learning.organisations import listens as organisations_listens
from services.learning.paths import routes as paths
from services.learning.people import listens as people_listens
from services.learning.policy import policy
from services.learning.rights import listens as rights_listens
from services.learning.settings import Settings
from services.learning.store import mapper
from shared.access import listens as access_listens
from shared.runtime.context import Service
from shared.territories import following
from shared.territories import listens as territories_listens


def service(settings: Settings) -> Service:
    slices = (paths, enrolments, documents, credentials)
    return Service(
        name="learning",
        title="knowing, and showing what was learnt",
        settings=settings,
        policy=policy,
        metadata=mapper.metadata,
        routers=[part.routes for part in slices],
        listens=[
            access_listens,
            rights_listens,
            territories_listens,
            people_listens,
            mandates_listens,
            bodies_listens,
            organisations_listens,
            experiences_listens,
            enrolments_listens,
            credentials_listens,
        ],
        workers=[documents_keeping.read_texts, documents_keeping.remove_erased],
        backlogs={"document_texts": documents_keeping.waiting},
        dues={documents_commands.DUE: documents_commands.end_keeping},
        followers=[following.follow, keep_the_key],
        problems=[part.problems for part in slices],
        vocabularies=[
            *paths.vocabularies,
            *enrolments.vocabularies,
            *documents.vocabularies,
            *credentials.vocabularies,
        ],
    )
