"""Learning put together: the only file that knows all of it."""

from services.learning.assessments import commands as assessments_commands
from services.learning.assessments import listens as assessments_listens
from services.learning.assessments import routes as assessments
from services.learning.attendance import listens as attendance_listens
from services.learning.bodies import listens as bodies_listens
from services.learning.campaigns import commands as campaigns_commands
from services.learning.campaigns import pages as campaigns_pages
from services.learning.campaigns import reach
from services.learning.campaigns import routes as campaigns
from services.learning.courses import routes as courses
from services.learning.credentials import listens as credentials_listens
from services.learning.credentials import routes as credentials
from services.learning.credentials.keeping import keep_the_key
from services.learning.documents import commands as documents_commands
from services.learning.documents import keeping as documents_keeping
from services.learning.documents import routes as documents
from services.learning.enrolments import commands as enrolments_commands
from services.learning.enrolments import listens as enrolments_listens
from services.learning.enrolments import pages as enrolments_pages
from services.learning.enrolments import routes as enrolments
from services.learning.experiences import listens as experiences_listens
from services.learning.mandates import listens as mandates_listens
from services.learning.news import commands as news_commands
from services.learning.news import pages as news_pages
from services.learning.news import routes as news
from services.learning.organisations import listens as organisations_listens
from services.learning.paths import routes as paths
from services.learning.people import listens as people_listens
from services.learning.policy import policy
from services.learning.practices import listens as practices_listens
from services.learning.practices import pages as practices_pages
from services.learning.practices import routes as practices
from services.learning.quizzes import routes as quizzes
from services.learning.rights import listens as rights_listens
from services.learning.settings import Settings
from services.learning.store import mapper
from shared.access import listens as access_listens
from shared.runtime.context import Service
from shared.territories import following
from shared.territories import listens as territories_listens


def service(settings: Settings) -> Service:
    slices = (courses, paths, enrolments, quizzes, documents, assessments, credentials, practices, news, campaigns)
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
            attendance_listens,
            assessments_listens,
            credentials_listens,
            practices_listens,
        ],
        workers=[documents_keeping.read_texts, documents_keeping.remove_erased],
        backlogs={"document_texts": documents_keeping.waiting},
        dues={
            assessments_commands.DUE: assessments_commands.close_those_over,
            documents_commands.DUE: documents_commands.end_keeping,
            enrolments_commands.RENEWAL: enrolments_commands.renew,
            news_commands.PUBLISH: news_commands.publish_due,
            news_commands.EXPIRE: news_commands.expire_due,
            campaigns_commands.TURN: campaigns_commands.turn_due,
        },
        site=[enrolments_pages.site, practices_pages.site, news_pages.site, campaigns_pages.site],
        followers=[following.follow, keep_the_key, documents_keeping.open_the_store, reach.keep_counting],
        problems=[part.problems for part in slices],
        vocabularies=[term for part in slices for term in part.vocabularies],
    )
