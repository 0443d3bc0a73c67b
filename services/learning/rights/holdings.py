"""What learning holds of people: a line for each column that names one. `tests/learning/rights` reads the tables and
fails when a column is in no line and not among `NOBODY`."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.assessments.tables import assessments
from services.learning.assessments.tables import requests as assessment_requests
from services.learning.attendance.tables import attended
from services.learning.campaigns.tables import campaigns
from services.learning.credentials.tables import achievements, credentials
from services.learning.documents.tables import documents, editions, readers
from services.learning.enrolments.tables import attempts as enrolment_attempts
from services.learning.enrolments.tables import enrolments
from services.learning.mandates.tables import mandates
from services.learning.news.tables import news
from services.learning.paths.tables import paths
from services.learning.people.tables import people
from services.learning.practices.tables import adoptions, practice_reviews, practices
from services.learning.quizzes.tables import attempts, grants, quizzes
from services.learning.store import mapper
from shared.contracts.learning import AccessAnswered, ErasureAnswered
from shared.messaging import upsert_newest
from shared.rights import EVERYWHERE, Answerer, Ground, Held, Hidden, of_row


async def hide(session: AsyncSession, hidden: Sequence[Hidden]) -> None:
    rows = [
        {
            "id": each.person_id,
            "network_id": each.network_id,
            "given_name": "",
            "family_name": "",
            "erased_at": each.erased_at,
            "generation": each.generation,
            "version": each.version,
        }
        for each in hidden
    ]
    await upsert_newest(session, people, rows)


HELD = (
    *EVERYWHERE,
    Held("person", people.c.id),
    Held("mandates", mandates.c.person_id, Ground.OFFICE_HELD),
    # Emptied by their own slice when it hears that the person was erased: the figures stay.
    Held(
        "enrolments", enrolments.c.person_id, beside={"path": of_row(paths.c.title, paths.c.id == enrolments.c.path_id)}
    ),
    Held(
        "enrolments",
        enrolments.c.person_id,
        of=enrolment_attempts,
        on=enrolments.c.id == enrolment_attempts.c.enrolment_id,
    ),
    Held(
        "quiz_attempts",
        attempts.c.person_id,
        beside={"quiz": of_row(quizzes.c.title, quizzes.c.id == attempts.c.quiz_id)},
    ),
    Held("acts", grants.c.granted_by, Ground.ACCOUNTABILITY, shows=("id", "granted_at")),
    Held("attendances", attended.c.person_id),
    Held("acts", documents.c.added_by, Ground.ACCOUNTABILITY, shows=("id", "title", "added_at")),
    Held("acts", editions.c.added_by, Ground.ACCOUNTABILITY, shows=("id", "file_name", "added_at")),
    Held(
        "document_readings",
        readers.c.person_id,
        forget="delete",
        beside={"document": of_row(documents.c.title, documents.c.id == readers.c.document_id)},
    ),
    # Emptied by their own slice, which takes them out of audiences too: the figures of groups stay.
    Held(
        "assessments",
        assessment_requests.c.person_id,
        beside={
            "assessment": of_row(assessments.c.title, assessments.c.id == assessment_requests.c.assessment_id),
            "questions": of_row(
                type_coerce(assessments.c.competences, JSONB), assessments.c.id == assessment_requests.c.assessment_id
            ),
        },
    ),
    Held("acts", assessment_requests.c.entered_by, Ground.ACCOUNTABILITY, shows=("id", "answered_at")),
    # Emptied and revoked by their own slice: the page says that it is no more.
    Held(
        "credentials",
        credentials.c.person_id,
        beside={"achievement": of_row(achievements.c.title, achievements.c.id == credentials.c.achievement_id)},
    ),
    Held("acts", credentials.c.given_by, Ground.ACCOUNTABILITY, shows=("id", "issued_on")),
    Held("acts", credentials.c.revoked_by, Ground.ACCOUNTABILITY, shows=("id", "revoked_on")),
    Held("acts", practices.c.written_by, Ground.ACCOUNTABILITY, shows=("id", "title", "published_on")),
    Held("acts", practices.c.edited_by, Ground.ACCOUNTABILITY, shows=("id", "title")),
    Held("acts", practice_reviews.c.said_by, Ground.ACCOUNTABILITY, shows=("id", "verdict", "text", "at")),
    Held("acts", adoptions.c.begun_by, Ground.ACCOUNTABILITY, shows=("id", "since")),
    Held("acts", news.c.written_by, Ground.ACCOUNTABILITY, shows=("id", "title", "published_at")),
    Held("acts", campaigns.c.written_by, Ground.ACCOUNTABILITY, shows=("id", "title", "since")),
)

NOBODY: frozenset[str] = frozenset()
"""Columns (`table.column`) whose name sounds like a person's, and whose rows name none."""

HOLDER = Answerer(
    service="learning",
    held=HELD,
    metadata=(mapper.metadata,),
    silent=frozenset({"people"}),
    erasure=ErasureAnswered,
    access=AccessAnswered,
    hide=hide,
)
