"""What the templates of learning's topics are given, as in `particulars`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Row

from services.notify.messages import rules
from services.notify.messages.asked import Asked, TooLate, end_of
from services.notify.messages.words import countdown

# Paths and assessments


def enrolled(asked: Asked) -> dict[str, Any]:
    row = asked.known.enrolments[asked.id("enrolment_id")]
    if row.state != "active":
        raise TooLate
    return _path(asked, row)


def enrolment_renewed(asked: Asked) -> dict[str, Any]:
    """Not once it is taken again already, or is in another attempt."""
    row = asked.known.enrolments[asked.id("enrolment_id")]
    if row.state != "active" or row.attempt != asked.given["attempt"]:
        raise TooLate
    return _path(asked, row)


def enrolment_reminder(asked: Asked) -> dict[str, Any]:
    """Of the day that it was planned for."""
    row = asked.known.enrolments[asked.id("enrolment_id")]
    if row.state != "active" or row.due is None or row.due < asked.today or row.due.isoformat() != asked.given["due"]:
        raise TooLate
    return {
        **_path(asked, row),
        "units_done": row.units_done,
        "countdown": countdown(row.due, asked.today, asked.language),
    }


def _path(asked: Asked, row: Row[Any]) -> dict[str, Any]:
    until = end_of(row.due) + rules.COMMITMENT_LINK_LASTS if row.due else asked.now + rules.LEARNING_LINK_LASTS
    return {
        "path": row.path_title,
        "units": row.units,
        "due": row.due,
        "link": asked.link("learning", "enrolments/link", "learn", row.id, asked.until(until)),
    }


def assessment_asked(asked: Asked) -> dict[str, Any]:
    """Not once it is answered or withdrawn, or closed."""
    return _assessment(asked, asked.known.assessments[asked.id("assessment_request_id")])


def assessment_reminder(asked: Asked) -> dict[str, Any]:
    """Of the last day that it was planned for."""
    row = asked.known.assessments[asked.id("assessment_request_id")]
    if row.closes_on is None or row.closes_on.isoformat() != asked.given["due"]:
        raise TooLate
    return {**_assessment(asked, row), "countdown": countdown(row.closes_on, asked.today, asked.language)}


def _assessment(asked: Asked, row: Row[Any]) -> dict[str, Any]:
    if row.state != "asked" or (row.closes_on is not None and row.closes_on < asked.today):
        raise TooLate
    until: datetime = end_of(row.closes_on) if row.closes_on else asked.now + rules.LEARNING_LINK_LASTS
    return {
        "assessment": row.title,
        "after": row.phase == "after",
        "closes_on": row.closes_on,
        "link": asked.link("learning", "assessments/link", "assessment", row.id, asked.until(until)),
    }


# Credentials


def credential_issued(asked: Asked) -> dict[str, Any]:
    """On its page they choose whether their name is shown. Not once it was revoked."""
    row = asked.known.credentials[asked.id("credential_id")]
    if row.state != "issued" or (row.expires_on is not None and row.expires_on <= asked.today):
        raise TooLate
    until = asked.until(asked.now + rules.CREDENTIAL_LINK_LASTS)
    return {
        "credential": row.title,
        "issued_on": row.issued_on,
        "expires_on": row.expires_on,
        "link": asked.link("learning", "credentials/link", "credential", row.id, until, **_whose(asked)),
    }


def credential_revoked(asked: Asked) -> dict[str, Any]:
    row = asked.known.credentials[asked.id("credential_id")]
    if row.state != "revoked":
        raise TooLate
    return {"credential": row.title, "issued_on": row.issued_on, "home": asked.home}


# Documents and news


def document_revised(asked: Asked) -> dict[str, Any]:
    """Not once there is a later edition, which is told by itself, or the document is withdrawn."""
    row = asked.known.documents[asked.id("document_id")]
    if row.state != "published" or row.edition != asked.given["edition"]:
        raise TooLate
    until = asked.until(asked.now + rules.LEARNING_LINK_LASTS)
    return {
        "document": row.title,
        "edition": row.edition,
        "link": asked.link("learning", "documents/link", "document", row.id, until, **_whose(asked)),
    }


def news_published(asked: Asked) -> dict[str, Any]:
    """Not once it has expired or was withdrawn; in the words that it has now. Only a page of the web is linked."""
    row = asked.known.news[asked.id("news_id")]
    if row.state != "published" or (row.expires_at is not None and row.expires_at <= asked.now):
        raise TooLate
    web = row.link if row.link and urlsplit(row.link).scheme in ("http", "https") else None
    return {"title": row.title, "summary": row.summary, "link": web}


# Practices


def practice_submitted(asked: Asked) -> dict[str, Any]:
    """Not once the reviewers have decided."""
    row = asked.known.practices[asked.id("practice_id")]
    if "in_review" not in (row.state, row.revision):
        raise TooLate
    return _practice(asked, row)


def practice_returned(asked: Asked) -> dict[str, Any]:
    """Not once it was submitted again."""
    row = asked.known.practices[asked.id("practice_id")]
    if "draft" not in (row.state, row.revision):
        raise TooLate
    return _practice(asked, row)


def practice_published(asked: Asked) -> dict[str, Any]:
    """Not once it was withdrawn."""
    row = asked.known.practices[asked.id("practice_id")]
    if row.state != "published":
        raise TooLate
    return _practice(asked, row)


def practice_adopted(asked: Asked) -> dict[str, Any]:
    """Not once they do so no more."""
    known, row = asked.known, asked.known.adoptions[asked.id("adoption_id")]
    if row.state != "active":
        raise TooLate
    practice = known.practices[row.practice_id]
    adopter = known.organisations.get(row.organisation_id) or known.bodies.get(row.body_id)
    elsewhere = known.networks.get(row.network_id) if row.network_id != asked.network_id else None
    return {
        **_practice(asked, practice),
        "adopter": adopter and adopter.title,
        "elsewhere": elsewhere and elsewhere.name,
        "since": row.since,
        "adoptions": practice.adoptions,
    }


def _practice(asked: Asked, row: Row[Any]) -> dict[str, Any]:
    until = asked.until(asked.now + rules.PRACTICE_LINK_LASTS)
    return {
        "practice": row.title,
        "link": asked.link("learning", "practices/link", "practice", row.id, until, **_whose(asked)),
    }


def _whose(asked: Asked) -> dict[str, str]:
    return {"person": str(asked.person_id)} if asked.person_id else {}


PARTICULARS: Mapping[str, Callable[[Asked], dict[str, Any]]] = {
    rules.ENROLLED.code: enrolled,
    rules.ENROLMENT_REMINDER.code: enrolment_reminder,
    rules.ENROLMENT_RENEWED.code: enrolment_renewed,
    rules.ASSESSMENT_ASKED.code: assessment_asked,
    rules.ASSESSMENT_REMINDER.code: assessment_reminder,
    rules.CREDENTIAL_ISSUED.code: credential_issued,
    rules.CREDENTIAL_REVOKED.code: credential_revoked,
    rules.DOCUMENT_REVISED.code: document_revised,
    rules.NEWS_PUBLISHED.code: news_published,
    rules.PRACTICE_SUBMITTED.code: practice_submitted,
    rules.PRACTICE_RETURNED.code: practice_returned,
    rules.PRACTICE_PUBLISHED.code: practice_published,
    rules.PRACTICE_ADOPTED.code: practice_adopted,
}
