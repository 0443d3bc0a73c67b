"""What is known of everybody and everything that a batch of messages speaks of: one read for each kind of thing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Table, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.agreements.tables import agreements
from services.notify.assessments.tables import assessment_requests
from services.notify.bodies.tables import bodies
from services.notify.bounces.queries import suppressed
from services.notify.bounces.rules import Reason
from services.notify.commitments.queries import outstanding
from services.notify.commitments.tables import commitments
from services.notify.contacts.tables import contacts
from services.notify.credentials.tables import credentials
from services.notify.deliveries.outcomes import Claimed
from services.notify.digests.rules import Entry
from services.notify.documents.tables import documents
from services.notify.enrolments.tables import enrolments
from services.notify.inventory.tables import map_needs, map_questions
from services.notify.meetings.tables import ballots, invitations, meetings, minutes, minutes_approvals
from services.notify.messages.rules import COMMITMENT_ESCALATED
from services.notify.news.tables import news
from services.notify.organisations.tables import organisations
from services.notify.pacts.queries import Following, following
from services.notify.polls.tables import poll_requests, polls
from services.notify.practices.tables import adoptions, practices
from services.notify.preferences.queries import wishes
from services.notify.preferences.rules import Wishes
from services.notify.programmes.tables import reports, series, syntheses
from services.notify.rules.tables import rule_versions
from services.notify.rules.texts import people_said
from services.notify.voters.tables import voters
from shared.access.tables import networks

Rows = Mapping[UUID, Row[Any]]


@dataclass(frozen=True, slots=True)
class Known:
    """Rows of the projections by their id; `outstanding`: what a network is still owed of a day."""

    contacts: Rows
    networks: Rows
    organisations: Rows
    bodies: Rows
    commitments: Rows
    outstanding: Mapping[tuple[UUID, date], Sequence[UUID]]
    meetings: Rows
    invitations: Rows
    ballots: Rows
    minutes: Rows
    enrolments: Rows
    following: Following
    agreements: Rows
    map_questions: Rows
    map_needs: Rows
    replies: Mapping[UUID, str] = field(default_factory=dict, kw_only=True)
    """By invitation: the token of the address at which a calendar answers it; of what is mailed, when any is."""
    wishes: Mapping[UUID, Wishes] = field(default_factory=dict, kw_only=True)
    """Of those among the people who have decided anything."""
    digests: Mapping[UUID, Sequence[Entry]] = field(default_factory=dict, kw_only=True)
    polls: Rows = field(default_factory=dict, kw_only=True)
    poll_requests: Rows = field(default_factory=dict, kw_only=True)
    voters: Rows = field(default_factory=dict, kw_only=True)
    approvals: Rows = field(default_factory=dict, kw_only=True)
    syntheses: Rows = field(default_factory=dict, kw_only=True)
    series: Rows = field(default_factory=dict, kw_only=True)
    reports: Rows = field(default_factory=dict, kw_only=True)
    rule_versions: Rows = field(default_factory=dict, kw_only=True)
    suppressed: Mapping[UUID, Reason] = field(default_factory=dict, kw_only=True)
    """By person: why nothing is mailed to the address that they have."""
    documents: Rows = field(default_factory=dict, kw_only=True)
    news: Rows = field(default_factory=dict, kw_only=True)
    assessments: Rows = field(default_factory=dict, kw_only=True)
    credentials: Rows = field(default_factory=dict, kw_only=True)
    practices: Rows = field(default_factory=dict, kw_only=True)
    adoptions: Rows = field(default_factory=dict, kw_only=True)


async def known(session: AsyncSession, claimed: Sequence[Claimed]) -> Known:
    """Some twenty statements for a whole batch, and three for one that speaks of people and organisations only."""
    owed = await outstanding(session, _days(claimed))
    listed = {id_ for ids in owed.values() for id_ in ids}
    owing = await _rows(session, commitments, _named(claimed, "commitment_id") | listed)
    met = await _rows(session, meetings, _named(claimed, "meeting_id"))
    asked = await _rows(session, invitations, _named(claimed, "invitation_id"))
    called = await _rows(session, agreements, _named(claimed, "agreement_id"))
    voted = await _rows(session, ballots, _named(claimed, "ballot_id"))
    voting = await _rows(session, voters, _named(claimed, "voter_id"))
    polled = await _rows(session, polls, _named(claimed, "poll_id"))
    sent = await _rows(session, syntheses, _named(claimed, "synthesis_id"))
    adopted = await _rows(session, adoptions, _named(claimed, "adoption_id"))
    return Known(
        wishes=await wishes(session, {c.person_id for c in claimed}),
        contacts=await _rows(session, contacts, _people(claimed, owing.values())),
        networks=await _rows(
            session, networks, {c.network_id for c in claimed} | {row.network_id for row in adopted.values()}
        ),
        organisations=await _rows(
            session,
            organisations,
            _named(claimed, "organisation_id")
            | {row.debtor_organisation_id for row in owing.values()}
            | {row.organisation_id for row in asked.values()}
            | {row.authority_id for row in called.values()}
            | {row.organisation_id for row in voting.values()}
            | {row.organisation_id for row in adopted.values()},
        ),
        bodies=await _rows(
            session,
            bodies,
            _named(claimed, "body_id")
            | {row.debtor_body_id for row in owing.values()}
            | {row.body_id for rows in (met, voted, polled, sent, adopted) for row in rows.values()},
        ),
        commitments=owing,
        outstanding=owed,
        meetings=met,
        invitations=asked,
        ballots=voted,
        minutes=await _rows(session, minutes, _named(claimed, "minutes_id")),
        enrolments=await _rows(session, enrolments, _named(claimed, "enrolment_id")),
        following=await following(session, claimed),
        agreements=called,
        map_questions=await _rows(session, map_questions, _listed(claimed, "question_ids")),
        map_needs=await _rows(session, map_needs, _named(claimed, "need_id")),
        polls=polled,
        poll_requests=await _rows(session, poll_requests, _named(claimed, "request_id") if polled else ()),
        voters=voting,
        approvals=await _rows(session, minutes_approvals, _named(claimed, "approval_id")),
        syntheses=sent,
        series=await _rows(session, series, _named(claimed, "series_id")),
        reports=await _rows(session, reports, _named(claimed, "report_id")),
        rule_versions=await _rows(session, rule_versions, _named(claimed, "rule_version_id")),
        suppressed=await suppressed(session, {c.person_id for c in claimed}),
        documents=await _rows(session, documents, _named(claimed, "document_id")),
        news=await _rows(session, news, _named(claimed, "news_id")),
        assessments=await _rows(session, assessment_requests, _named(claimed, "assessment_request_id")),
        credentials=await _rows(session, credentials, _named(claimed, "credential_id")),
        practices=await _rows(session, practices, _named(claimed, "practice_id")),
        adoptions=adopted,
    )


async def _rows(session: AsyncSession, table: Table, ids: Iterable[UUID | None]) -> dict[UUID, Row[Any]]:
    wanted = {id_ for id_ in ids if id_}
    if not wanted:
        return {}
    key = next(iter(table.primary_key.columns))
    found = await session.execute(select(table).where(key.in_(wanted)))
    return {getattr(row, key.name): row for row in found}


def _named(claimed: Sequence[Claimed], parameter: str) -> set[UUID]:
    return {UUID(c.parameters[parameter]) for c in claimed if c.parameters.get(parameter)}


def _listed(claimed: Sequence[Claimed], parameter: str) -> set[UUID]:
    return {UUID(id_) for c in claimed for id_ in c.parameters.get(parameter) or ()}


def _people(claimed: Sequence[Claimed], owing: Iterable[Row[Any]]) -> set[UUID | None]:
    spoken_of = {person for c in claimed for person in people_said(c.parameters.get("said", {}))}
    return {c.person_id for c in claimed} | {row.debtor_person_id for row in owing} | spoken_of


def _days(claimed: Sequence[Claimed]) -> set[tuple[UUID, date]]:
    return {
        (c.network_id, date.fromisoformat(c.parameters["due"]))
        for c in claimed
        if c.topic == COMMITMENT_ESCALATED.code and c.network_id and not c.parameters.get("commitment_id")
    }
