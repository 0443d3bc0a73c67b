"""Events put together: the only file that knows all of it."""

from services.events.attendance import pages as attendance_pages
from services.events.attendance import routes as attendance
from services.events.ballots import commands as ballot_commands
from services.events.ballots import listens as ballots_listens
from services.events.ballots import routes as ballots
from services.events.bodies import listens as bodies_listens
from services.events.contributions import commands as contributions_commands
from services.events.contributions import routes as contributions
from services.events.decisions import listens as decisions_listens
from services.events.decisions import routes as decisions
from services.events.documents import routes as documents
from services.events.feeds import listens as feeds_listens
from services.events.feeds import routes as feeds
from services.events.invitations import listens as invitations_listens
from services.events.invitations import routes as invitations
from services.events.mandates import listens as mandates_listens
from services.events.meetings import routes as meetings
from services.events.minutes import answering
from services.events.minutes import commands as minutes_commands
from services.events.minutes import listens as minutes_listens
from services.events.minutes import routes as minutes
from services.events.notices import routes as notices
from services.events.organisations import listens as organisations_listens
from services.events.people import listens as people_listens
from services.events.policy import policy
from services.events.polls import commands as poll_commands
from services.events.polls import listens as polls_listens
from services.events.polls import routes as polls
from services.events.public_meetings import pages as public_pages
from services.events.public_meetings import routes as public_meetings
from services.events.registrations import commands as registration_commands
from services.events.registrations import routes as registrations
from services.events.reports import listens as reports_listens
from services.events.reports import routes as reports
from services.events.rights import listens as rights_listens
from services.events.series import routes as series
from services.events.settings import Settings
from services.events.store import mapper
from shared.access import listens as access_listens
from shared.runtime.context import Service
from shared.territories import following
from shared.territories import listens as territories_listens

SLICES = (
    series,
    meetings,
    documents,
    notices,
    public_meetings,
    invitations,
    polls,
    registrations,
    attendance,
    ballots,
    decisions,
    minutes,
    contributions,
    reports,
    feeds,
)


def service(settings: Settings) -> Service:
    return Service(
        name="events",
        title="meeting, deciding, remembering",
        settings=settings,
        policy=policy,
        metadata=mapper.metadata,
        routers=[slice_.routes for slice_ in SLICES],
        listens=[
            access_listens,
            rights_listens,
            territories_listens,
            people_listens,
            organisations_listens,
            bodies_listens,
            mandates_listens,
            invitations_listens,
            ballots_listens,
            feeds_listens,
            polls_listens,
            minutes_listens,
            decisions_listens,
            reports_listens,
        ],
        dues={
            ballot_commands.DUE: ballot_commands.close_when_due,
            answering.OVER: answering.time_is_over,
            minutes_commands.FILE: minutes_commands.make_files,
            poll_commands.DUE: poll_commands.close_due,
            registration_commands.DUE: registration_commands.forget_due,
            contributions_commands.DUE: contributions_commands.close_when_due,
        },
        site=[attendance_pages.site, public_pages.site],
        followers=[following.follow],
        problems=[slice_.problems for slice_ in SLICES],
        vocabularies=[term for slice_ in SLICES for term in slice_.vocabularies],
    )
