"""What events holds of people: a line for each column that names one. `tests/events/rights` reads the tables and fails
when a column is in no line and not among `NOBODY`.

Who was invited, came, voted or answers for a decision is what approved minutes say: it stays, without a name. Minutes
that can still be written are composed again, and say nothing where the name was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.attendance.tables import attendances, proxies, quorums
from services.events.ballots.tables import ballots, paper_drafts, voters, votes
from services.events.contributions.tables import collections, contributions, recipients, syntheses, versions
from services.events.decisions.tables import decisions
from services.events.documents.tables import documents
from services.events.feeds.tables import calendar_feeds
from services.events.invitations.tables import invitations
from services.events.mandates.tables import mandates
from services.events.meetings.tables import guests, meetings
from services.events.minutes.listens import compose_again
from services.events.minutes.tables import approvals, minutes
from services.events.minutes.tables import rules as minutes_rules
from services.events.people.tables import people
from services.events.polls.tables import poll_answers, poll_requests, polls
from services.events.registrations.tables import registrations
from services.events.reports.tables import reports
from services.events.series.tables import absences, series_extensions
from services.events.store import mapper
from shared.contracts.events import AccessAnswered, ErasureAnswered
from shared.contracts.registry import ErasureState
from shared.messaging import NotYet, upsert_newest
from shared.rights import EVERYWHERE, Answerer, Ground, Held, Hidden, of_row


async def hide(session: AsyncSession, hidden: Sequence[Hidden]) -> None:
    rows = [
        {
            "id": each.person_id,
            "given_name": "",
            "family_name": "",
            "generation": each.generation,
            "version": each.version,
        }
        for each in hidden
    ]
    await upsert_newest(session, people, rows)
    await compose_again(session, {each.person_id for each in hidden})


async def names_back(session: AsyncSession, released: Sequence[ErasureState]) -> None:
    """Minutes that can still be written say the names of those whose erasure was called off. Raises NotYet while the
    projection does not know them again."""
    for erasure in released:
        known = await session.scalar(select(people.c.version).where(people.c.id == erasure.person_id))
        if known is None or known < erasure.person_version:
            raise NotYet(f"person {erasure.person_id} in version {erasure.person_version}")
        await compose_again(session, {erasure.person_id})


def meeting(table: Table) -> dict[str, ColumnElement[Any]]:
    return {"meeting": of_row(meetings.c.title, meetings.c.id == table.c.meeting_id)}


def of_ballot(table: Table) -> dict[str, ColumnElement[Any]]:
    return {"question": of_row(ballots.c.question, ballots.c.id == table.c.ballot_id)}


def on_paper(table: Table) -> dict[str, ColumnElement[Any]]:
    """What somebody marked, two hexadecimal digits for each option or cell: a score, 00 no opinion, ff no answer."""
    return {**of_ballot(table), "paper": func.encode(table.c.marks, "hex")}


OF_BALLOT = of_ballot(votes)
VOTED = ("ballot_id", "invitation_id", "voter_id", "cast_by", "entered_by", "vote", "cohort", "weight", "cast_at")
OF_POLL = {"poll": of_row(polls.c.title, polls.c.id == poll_requests.c.poll_id)}
MINUTED = Ground.APPROVED_MINUTES
ANSWERABLE = Ground.ACCOUNTABILITY
ANONYMOUS = {"person_id": None, "mandate_id": None, "version": contributions.c.version + 1}
"""What somebody contributed stays without them: a synthesis and its counts rest on it."""
ACTED = ("id", "meeting_id", "recorded_at", "opened_at", "closed_at", "fixed_at", "approved_on", "answered_at")
REPORTED = ("id", "title", "made_at", "released_at", "withdrawn_at")

HELD = (
    *EVERYWHERE,
    Held("person", people.c.id),
    Held("mandates", mandates.c.person_id, Ground.OFFICE_HELD, mandates.c.ends),
    Held("invitations", invitations.c.person_id, MINUTED, beside=meeting(invitations)),
    Held("invitations", guests.c.person_id, MINUTED, beside=meeting(guests)),
    Held("calendar_feeds", calendar_feeds.c.person_id, forget="delete", shows=("id", "kind", "created_at", "read_on")),
    Held("attendances", attendances.c.person_id, MINUTED, beside=meeting(attendances)),
    Held("proxies", invitations.c.delegate_id, MINUTED, shows=("id", "meeting_id"), beside=meeting(invitations)),
    Held(
        "proxies",
        invitations.c.person_id,
        MINUTED,
        of=proxies,
        on=proxies.c.holder_id == invitations.c.id,
        beside=meeting(proxies),
    ),
    Held(
        "polls",
        poll_requests.c.person_id,
        forget="delete",
        of=poll_answers,
        on=poll_answers.c.request_id == poll_requests.c.id,
    ),
    Held("polls", poll_requests.c.person_id, forget="delete", beside=OF_POLL),
    Held("acts", poll_requests.c.answered_by, Ground.ACCOUNTABILITY, shows=ACTED),
    Held("acts", polls.c.opened_by, Ground.ACCOUNTABILITY, shows=("id", "title")),
    Held("acts", registrations.c.entered_by, Ground.ACCOUNTABILITY, shows=("meeting_id", "registered_at")),
    Held("acts", registrations.c.checked_in_by, Ground.ACCOUNTABILITY, shows=("meeting_id", "checked_in_at")),
    Held("votes", votes.c.person_id, Ground.VOTE_CAST, shows=VOTED, beside=on_paper(votes)),
    Held("votes", votes.c.entered_by, Ground.VOTE_CAST, shows=("ballot_id", "cast_at"), beside=OF_BALLOT),
    Held("votes", voters.c.person_id, Ground.VOTE_CAST, beside=of_ballot(voters)),
    Held(
        "votes",
        paper_drafts.c.person_id,
        forget="delete",
        shows=("ballot_id", "saved_at"),
        beside=on_paper(paper_drafts),
    ),
    Held("votes", votes.c.cast_by, Ground.VOTE_CAST, shows=("ballot_id", "cast_at"), beside=OF_BALLOT),
    Held("decisions", decisions.c.person_id, MINUTED, beside=meeting(decisions)),
    Held("acts", invitations.c.answered_by, MINUTED, shows=ACTED),
    Held("acts", meetings.c.waived_by, MINUTED, shows=("id", "convened_at")),
    Held("acts", documents.c.added_by, MINUTED, shows=("id", "meeting_id", "added_at")),
    Held("acts", attendances.c.recorded_by, MINUTED, shows=ACTED),
    Held("acts", proxies.c.recorded_by, MINUTED, shows=ACTED),
    Held("acts", quorums.c.fixed_by, MINUTED, shows=ACTED),
    Held("acts", ballots.c.opened_by, MINUTED, shows=ACTED),
    Held("acts", ballots.c.closed_by, MINUTED, shows=ACTED),
    Held("minutes", approvals.c.person_id, MINUTED, beside=meeting(approvals)),
    Held("acts", minutes_rules.c.set_by, MINUTED, shows=("body_id", "updated_at")),
    Held("minutes", minutes.c.drafted_by, MINUTED, shows=ACTED),
    Held("minutes", minutes.c.submitted_by, MINUTED, shows=ACTED),
    Held("minutes", minutes.c.approved_by, MINUTED, shows=ACTED),
    Held("acts", reports.c.made_by, Ground.ACCOUNTABILITY, shows=REPORTED),
    Held("acts", reports.c.released_by, Ground.ACCOUNTABILITY, shows=REPORTED),
    Held("acts", reports.c.withdrawn_by, Ground.ACCOUNTABILITY, shows=REPORTED),
    Held("contributions", contributions.c.person_id, forget=ANONYMOUS),
    Held("contributions", contributions.c.entered_by, ANSWERABLE, shows=("id", "collection_id", "written_at")),
    Held("acts", contributions.c.tagged_by, ANSWERABLE, shows=("id", "collection_id", "tagged_at")),
    Held("acts", collections.c.created_by, ANSWERABLE, shows=("id", "title", "opened_at")),
    Held("acts", syntheses.c.drafted_by, ANSWERABLE, shows=("id", "title")),
    Held("acts", versions.c.issued_by, ANSWERABLE, shows=("synthesis_id", "number", "issued_at")),
    Held("syntheses", recipients.c.person_id, ANSWERABLE),
    Held("absences", absences.c.person_id, forget="delete"),
    Held("acts", absences.c.recorded_by, forget={"recorded_by": None}, shows=("id",)),
    Held("acts", series_extensions.c.recorded_by, Ground.ACCOUNTABILITY, shows=("id", "act", "recorded_at")),
)

NOBODY = frozenset({"proxies.holder_id"})
"""Columns (`table.column`) whose name sounds like a person's, and whose rows name none."""

HOLDER = Answerer(
    service="events",
    held=HELD,
    metadata=(mapper.metadata,),
    silent=frozenset({"people"}),
    erasure=ErasureAnswered,
    access=AccessAnswered,
    hide=hide,
)
