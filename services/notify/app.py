"""Notify put together: the only file that knows all of it."""

from __future__ import annotations

from services.notify.agreements import listens as agreements
from services.notify.assessments import listens as assessments
from services.notify.bodies import listens as bodies
from services.notify.bounces import routes as bounces
from services.notify.certified import listens as certified
from services.notify.certified import queries as certified_queries
from services.notify.certified import routes as certified_routes
from services.notify.certified.worker import read_receipts, send_certified
from services.notify.commitments import listens as commitments
from services.notify.contacts import listens as contacts
from services.notify.contacts.routes import routes as contacts_routes
from services.notify.credentials import listens as credentials
from services.notify.deliveries import queries as deliveries
from services.notify.deliveries.routes import problems as deliveries_problems
from services.notify.deliveries.routes import routes as deliveries_routes
from services.notify.deliveries.rules import PROBLEMS, STATES
from services.notify.deliveries.sending import Sending
from services.notify.digests import queries as digests
from services.notify.digests.commands import go_on
from services.notify.documents import listens as documents
from services.notify.enrolments import listens as enrolments
from services.notify.goals import listens as goals
from services.notify.inbox import pages as inbox_pages
from services.notify.inbox import routes as inbox
from services.notify.inventory import listens as inventory
from services.notify.journeys import listens as journeys
from services.notify.journeys import pages as journey_pages
from services.notify.journeys import routes as journey_routes
from services.notify.meetings import listens as meetings
from services.notify.messages import listens as messages
from services.notify.messages.compose import Writer
from services.notify.messages.queries import Known
from services.notify.messages.rules import ROLES, TOPICS
from services.notify.news import listens as news
from services.notify.organisations import listens as organisations
from services.notify.pacts import listens as pacts
from services.notify.policy import policy
from services.notify.polls import listens as polls
from services.notify.practices import listens as practices
from services.notify.preferences import routes as preferences
from services.notify.previews import routes as previews
from services.notify.programmes import listens as programmes
from services.notify.reminders import commands as reminder_commands
from services.notify.reminders import listens as reminders
from services.notify.reminders import routes as reminder_routes
from services.notify.replies.server import receive
from services.notify.rights import listens as rights
from services.notify.rules import commands as rule_commands
from services.notify.rules import listens as rules
from services.notify.rules import routes as rule_routes
from services.notify.settings import Settings
from services.notify.store import mapper
from services.notify.voters import listens as voters
from services.notify.webhooks import listens as webhooks
from services.notify.webhooks import queries as webhook_queries
from services.notify.webhooks import routes as webhook_routes
from services.notify.webhooks.worker import tell_partners
from shared.access import listens as access
from shared.runtime.context import Context, Service
from shared.runtime.vocabularies import Term, vocabulary
from shared.territories import following
from shared.territories import listens as territories

VOCABULARIES = [
    vocabulary("topics", "argomenti", "topics", [(t.code, *t.label) for t in TOPICS.values()]),
    vocabulary("states", "stati di una consegna", "states of a delivery", [(s, *words) for s, words in STATES.items()]),
    vocabulary(
        "problems", "perché non è inviata", "why it is not sent", [(p, *words) for p, words in PROBLEMS.items()]
    ),
    vocabulary("roles", "ruoli", "roles", [Term(code=code, it=it, en=en) for code, (it, en) in ROLES.items()]),
]


def service(settings: Settings) -> Service:
    return Service(
        name="notify",
        title="Notify: telling the right person, once",
        settings=settings,
        policy=policy,
        metadata=mapper.metadata,
        routers=[
            deliveries_routes,
            contacts_routes,
            previews.routes,
            bounces.routes,
            reminder_routes.routes,
            rule_routes.routes,
            journey_routes.routes,
            inbox_pages.site,  # before the messages by their id: its address would be read as one
            inbox.routes,
            preferences.routes,
            webhook_routes.routes,
            certified_routes.routes,
        ],
        site=[journey_pages.site],
        listens=[
            access,
            rights,
            territories,
            journeys,
            contacts,
            organisations,
            certified,
            bodies,
            agreements,
            commitments,
            meetings,
            polls,
            voters,
            programmes,
            goals,
            enrolments,
            assessments,
            credentials,
            documents,
            news,
            practices,
            pacts,
            inventory,
            messages,
            reminders,
            webhooks,
            rules,
        ],
        dues={
            digests.DUE: go_on,
            reminder_commands.DUE: reminder_commands.remind,
            rule_commands.DUE: rule_commands.tell_what_was_put_off,
        },
        problems=[
            deliveries_problems,
            reminder_routes.problems,
            rule_routes.problems,
            preferences.problems,
            inbox.problems,
            webhook_routes.problems,
            certified_routes.problems,
        ],
        workers=[send, receive, tell_partners, send_certified, read_receipts],
        followers=[following.follow],
        vocabularies=[
            *VOCABULARIES,
            *reminder_routes.vocabularies,
            *rule_routes.vocabularies,
            *journey_routes.vocabularies,
            *bounces.vocabularies,
            *preferences.vocabularies,
            *webhook_routes.vocabularies,
            *certified_routes.vocabularies,
        ],
        backlogs={"mails": deliveries.due, "webhooks": webhook_queries.due, "certified": certified_queries.due},
    )


def sending(context: Context) -> Sending[Known]:
    settings = context.settings
    assert isinstance(settings, Settings)
    return Sending(
        context.database.engine,
        context.database.sessions,
        settings.relay,
        settings.sender,
        Writer.of(settings),
        settings.pace,
        now=context.clock.now,
        after_commit=context.wake,
        return_path=settings.return_path,
    )


async def send(context: Context) -> None:
    await sending(context).run()
