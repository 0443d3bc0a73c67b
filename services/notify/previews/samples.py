"""Something of each kind, all with one id: what every topic can be shown with before anything has happened.

The names are nobody's; days and hours are some weeks away from the day on which it is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from services.notify.digests.rules import Entry
from services.notify.messages import rules
from services.notify.messages.queries import Known
from services.notify.pacts.queries import Following
from shared.access.actor import ROME

IT, OTHER = UUID(int=1), UUID(int=2)
"""The network that looks is another thing: its rows come from where it is kept."""


def parameters(topic: str, now: datetime) -> dict[str, Any]:
    """What an intent of the topic would carry."""
    day = now.astimezone(ROME).date()
    due, start = day + timedelta(days=14), _start(day)
    ids = dict.fromkeys(IDS, str(IT))
    return {**ids, **COMMON, **_days(due, start), **OF_TOPIC.get(topic, lambda _: {})(day)}


IDS = (
    "import_id", "request_id", "commitment_id", "agreement_id", "organisation_id", "body_id", "meeting_id",
    "invitation_id", "ballot_id", "voter_id", "poll_id", "minutes_id", "approval_id", "synthesis_id", "series_id",
    "report_id", "goal_id", "notice_id", "enrolment_id", "assessment_request_id", "credential_id", "document_id",
    "news_id", "practice_id", "adoption_id", "need_id", "step_id", "pact_id", "promoter_id", "group_id", "digest_id",
    "rule_version_id", "endpoint_id", "item_id",
)  # fmt: skip
COMMON: Mapping[str, Any] = {
    "role": "referent", "territory": "03", "question_ids": [str(IT)], "item": "place", "title": "Sportello di comunità",
    "reason": "stale", "outcome": "chosen", "chosen": 1, "number": 1, "edition": 2, "attempt": 2, "sequence": 1,
    "mode": "hybrid", "place": "Via Roma 1, Lecco", "said": {}, "reached": 3, "minimum": 4, "full": 6,
    "state": "running", "next_best": "03", "file_name": "enti.csv", "rows": 120, "created": 117, "updated": 1,
    "unchanged": 0, "rejected": 2, "problems": [], "failed_because": None, "assignee_id": None, "status": 410,
}  # fmt: skip


def _days(due: date, start: datetime) -> dict[str, Any]:
    end = start + timedelta(hours=2)
    return {
        "due": due.isoformat(),
        "since": due.isoformat(),
        "until": None,
        "last_day": due.isoformat(),
        "starts_at": start.isoformat(),
        "ends_at": end.isoformat(),
        "closes_at": start.isoformat(),
        "expires_at": (start + timedelta(days=3650)).isoformat(),
    }


OF_TOPIC: Mapping[str, Any] = {
    rules.MANDATE_ENDED.code: lambda day: {
        "since": (day - timedelta(days=365)).isoformat(), "until": day.isoformat(),
    },
    rules.COMMITMENT_ESCALATED.code: lambda _: {"commitment_id": str(OTHER)},
    rules.COMMITMENT_CLIMBED.code: lambda day: {
        "commitment_id": str(OTHER), "due": (day - timedelta(days=7)).isoformat(),
    },
    rules.ENDPOINT_DISABLED.code: lambda day: {
        "title": "Sito della rete", "reason": "gone", "failing_since": f"{day - timedelta(days=3)}T09:00:00+00:00",
    },
    rules.COMMITMENT_LATE.code: lambda _: {"commitment_id": str(OTHER)},
}  # fmt: skip

STATES: Mapping[str, Mapping[str, Any]] = {
    rules.MEETING_CANCELLED.code: {"meetings": {"state": "cancelled"}},
    rules.INVITATION_WITHDRAWN.code: {"invitations": {"state": "withdrawn"}},
    rules.INVITATION_WAITING.code: {"invitations": {"answer": "yes", "waiting": True}},
    rules.INVITATION_ADMITTED.code: {"invitations": {"answer": "yes"}},
    rules.POLL_CLOSED.code: {"polls": {"state": "closed", "chosen": 1}},
    rules.BALLOT_CLOSED.code: {"ballots": {"outcome": "carried"}},
    rules.MINUTES_RETURNED.code: {"minutes": {"state": "draft"}},
    rules.MINUTES_APPROVED.code: {"minutes": {"state": "approved", "number": 7}},
    rules.CREDENTIAL_REVOKED.code: {"credentials": {"state": "revoked"}},
    rules.PRACTICE_SUBMITTED.code: {"practices": {"state": "in_review"}},
    rules.PRACTICE_RETURNED.code: {"practices": {"state": "draft"}},
}
"""What must have happened for a topic to be told."""


def _start(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=21), time(15, 30), ROME)


def known(topic: str, network: Any, language: str, now: datetime) -> Known:
    """One thing of each kind, in the state in which the topic is told of it. `network` is its own row."""
    day = now.astimezone(ROME).date()
    rows = _rows(day)
    for table, changed in STATES.get(topic, {}).items():
        rows[table] |= changed
    made: dict[str, Any] = {name: {IT: SimpleNamespace(id=IT, **row)} for name, row in rows.items()}
    late = SimpleNamespace(id=OTHER, **{**rows["commitments"], "due": day - timedelta(days=7), "state": "late"})
    made["commitments"][OTHER] = late
    made["contacts"][IT].language = language
    made["networks"] = {network.id: network}
    entry = Entry(IT, now, "Convocazione: Primo piano di lavoro", network.id, network.name, "Comitato esecutivo")
    return Known(**made, outstanding={}, following=_following(day), digests={IT: [entry]})


def _following(day: date) -> Following:
    step = SimpleNamespace(id=IT, pact_id=IT, number=2, due=day + timedelta(days=14))
    pact = SimpleNamespace(id=IT, code="PG-0007", state="signed")
    group = SimpleNamespace(title="Gruppo di lavoro", territory="E507", state="constituted", uncovered_since=day)
    codes = {(IT, IT): ["PG-0007"], (None, IT): ["PG-0008"]}
    pacts, steps, groups = (cast("Any", {IT: one}) for one in (pact, step, group))
    return Following(pacts, steps, groups, codes)


def _rows(day: date) -> dict[str, dict[str, Any]]:
    due, start = day + timedelta(days=14), _start(day)
    end = start + timedelta(hours=2)
    words = {"it": ["Il gruppo si è riunito."], "en": ["The group has met."]}
    return {
        "contacts": {"given_name": "Maria", "family_name": "Rossi", "email": None, "erased_at": None},
        "organisations": {"title": "Associazione Ponti"},
        "bodies": {"title": "Comitato esecutivo"},
        "commitments": {
            "title": "Elenco dei rappresentanti", "kind": "list_of_representatives", "due": due, "state": "open",
            "debtor_organisation_id": IT, "debtor_body_id": None, "debtor_person_id": None,
        },
        "meetings": {
            "title": "Primo piano di lavoro", "body_id": IT, "starts_at": start, "ends_at": end, "mode": "hybrid",
            "place": "Via Roma 1, Lecco", "call": 1, "agenda": ["Apertura", "Piano di lavoro"], "state": "convened",
            "sequence": 1,
        },
        "invitations": {
            "state": "issued", "answer": None, "organisation_id": IT, "mandate_id": IT, "waiting": False,
        },
        "ballots": {
            "question": "Approvate il piano di lavoro?", "outcome": None, "body_id": IT, "kind": "motion",
            "secret": False, "closes_at": start, "options": [], "entitled": 12, "cast": 9, "in_favour": 7, "against": 1,
            "abstained": 1,
        },
        "voters": {"state": "called", "organisation_id": IT},
        "polls": {
            "title": "Prossimo incontro", "state": "open", "closes_at": start, "body_id": IT, "chosen": None,
            "options": [{"starts_at": start.isoformat(), "ends_at": end.isoformat()}],
        },
        "poll_requests": {"state": "asked"},
        "approvals": {"state": "asked"},
        "syntheses": {"title": "Prima fase", "number": 1, "contributions": 120, "body_id": IT},
        "series": {"title": "Programma annuale", "last_day": due, "planned": 18, "held": 3, "extensions": 1},
        "reports": {"title": "Relazione finale", "state": "released"},
        "minutes": {
            "state": "in_approval", "held_on": day - timedelta(days=3), "number": None, "present": 9, "entitled": 12,
            "quorate": True,
        },
        "enrolments": {
            "path_title": "Rappresentare la rete", "units": 4, "units_done": 1, "due": due, "state": "active",
            "attempt": 2,
        },
        "assessments": {"title": "Coprogettare", "phase": "before", "closes_on": due, "state": "asked"},
        "credentials": {"title": "Facilitare incontri", "issued_on": day, "expires_on": None, "state": "issued"},
        "documents": {"title": "Piano di zona", "edition": 2, "state": "published"},
        "news": {
            "title": "Si apre l'avviso", "summary": "Le domande si presentano entro il mese.", "link": None,
            "expires_at": None, "state": "published",
        },
        "practices": {"title": "Portineria di quartiere", "state": "published", "revision": None, "adoptions": 2},
        "adoptions": {
            "practice_id": IT, "network_id": None, "organisation_id": IT, "body_id": None, "since": day,
            "state": "active",
        },
        "map_questions": {"title": "Sportello di comunità", "item": "place", "answer": None, "answer_by": due},
        "map_needs": {
            "theme": "housing", "municipality": "E507", "state": "assigned", "organisation_id": IT, "person_id": None,
            "collected_on": day,
        },
        "agreements": {
            "title": "Avviso di coprogettazione", "kind": "co_design", "state": "open", "authority_id": IT,
            "deadline": due,
        },
        "rule_versions": {
            "definition": {
                "name": "Quando un gruppo si riunisce",
                "template": {
                    "subject": {language: lines[0] for language, lines in words.items()},
                    "text": {language: lines[0] for language, lines in words.items()},
                },
            },
        },
    }  # fmt: skip
