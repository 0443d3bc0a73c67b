"""What notify holds of people: a line for each column that names one. `tests/notify/rights` reads the tables and fails
when a column is in no line and not among `NOBODY`.

Whoever is out of sight has no address here: what is queued for them is not sent.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.assessments.tables import assessment_requests
from services.notify.bounces.tables import bounces, suppressions
from services.notify.commitments.tables import commitments
from services.notify.contacts.listens import EMPTY
from services.notify.contacts.tables import contacts
from services.notify.credentials.tables import credentials
from services.notify.deliveries.erasure import forget
from services.notify.deliveries.tables import deliveries
from services.notify.enrolments.tables import enrolments
from services.notify.inventory.tables import map_needs
from services.notify.meetings.tables import invitations, meetings, minutes, minutes_approvals
from services.notify.pacts.tables import pacts
from services.notify.polls.tables import poll_requests
from services.notify.practices.tables import practices
from services.notify.preferences.tables import choices, preferences
from services.notify.rules.tables import rule_versions
from services.notify.store import mapper
from services.notify.voters.tables import voters
from shared.access.tables import networks
from shared.contracts.notify import AccessAnswered, ErasureAnswered
from shared.messaging import upsert_newest
from shared.rights import EVERYWHERE, Answerer, Ground, Held, Hidden, of_row


async def hide(session: AsyncSession, hidden: Sequence[Hidden]) -> None:
    rows = [
        {
            "person_id": each.person_id,
            "network_id": each.network_id,
            **EMPTY,
            "erased_at": each.erased_at,
            "generation": each.generation,
            "version": each.version,
        }
        for each in hidden
    ]
    await upsert_newest(session, contacts, rows)
    await forget(session, [each.person_id for each in hidden if each.erased_at])


MEETING = {"meeting": of_row(meetings.c.title, meetings.c.id == invitations.c.meeting_id)}

HELD = (
    *EVERYWHERE,
    Held("person", contacts.c.person_id),
    # What was in them goes (`hide`); that something of a topic was sent on a day stays.
    Held(
        "deliveries",
        deliveries.c.person_id,
        Ground.ACCOUNTABILITY,
        shows=("id", "channel", "topic", "parameters", "state", "problem", "reason", "intended_at", "sent_at"),
    ),
    Held("returned", bounces.c.person_id, forget="delete", shows=("delivery_id", "kind", "status", "at")),
    Held(
        "returned",
        suppressions.c.person_id,
        forget="delete",
        shows=("id", "reason", "status", "since", "released_at", "release"),
    ),
    Held("acts", suppressions.c.released_by, forget={"released_by": None}, shows=("id", "released_at", "release")),
    Held("commitments", commitments.c.debtor_person_id, Ground.LEGAL_OBLIGATION),
    Held("invitations", invitations.c.person_id, Ground.APPROVED_MINUTES, beside=MEETING),
    Held("proxies", invitations.c.delegate_id, Ground.APPROVED_MINUTES, shows=("id", "meeting_id"), beside=MEETING),
    Held("invitations", poll_requests.c.person_id, Ground.ACCOUNTABILITY),
    Held("votes", voters.c.person_id, Ground.VOTE_CAST),
    Held("minutes", minutes_approvals.c.person_id, Ground.APPROVED_MINUTES),
    Held("minutes", minutes.c.drafted_by, Ground.APPROVED_MINUTES, shows=("id", "meeting_id", "state")),
    Held("needs", map_needs.c.person_id, Ground.ACCOUNTABILITY),
    Held("pacts", pacts.c.maker_id, Ground.ACCOUNTABILITY),
    Held("enrolments", enrolments.c.person_id, forget="delete"),
    Held("acts", rule_versions.c.changed_by, Ground.ACCOUNTABILITY, shows=("rule_id", "version", "since")),
    Held("preferences", preferences.c.person_id, forget="delete"),
    Held(
        "preferences",
        choices.c.person_id,
        forget="delete",
        beside={"network": of_row(networks.c.name, networks.c.id == choices.c.network_id)},
    ),
    Held("assessments", assessment_requests.c.person_id, forget="delete"),
    Held("credentials", credentials.c.person_id, forget="delete"),
    Held("practices", practices.c.author_id, forget={"author_id": None}, shows=("id", "title", "state")),
)

NOBODY: frozenset[str] = frozenset()
"""Columns (`table.column`) whose name sounds like a person's, and whose rows name none."""

HOLDER = Answerer(
    service="notify",
    held=HELD,
    metadata=(mapper.metadata,),
    silent=frozenset({"contacts"}),
    erasure=ErasureAnswered,
    access=AccessAnswered,
    hide=hide,
)
