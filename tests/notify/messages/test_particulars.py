"""What is worth telling at a given moment, and how long its link lasts: without a database or a relay."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from services.notify.messages.asked import Asked, TooLate
from services.notify.messages.particulars import PARTICULARS
from services.notify.messages.queries import Known
from services.notify.messages.rules import TOPICS
from services.notify.pacts.queries import Following

NOW = datetime(2024, 9, 12, 9, 0, tzinfo=UTC)
WALL = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
IT = UUID(int=1)
START, END = NOW + timedelta(days=7), NOW + timedelta(days=7, hours=2)
DUE = date(2024, 9, 26)
MINTED: list[tuple[Any, ...]] = []


def mint(*of: Any, **claims: Any) -> str:
    MINTED.append((*of, claims))
    return "token"


AT_IT = {"body_id": str(IT), "agreement_id": str(IT), "organisation_id": str(IT)}


def known(**changed: Any) -> Known:
    """One thing of each kind, all of them with the id IT; `meeting__state="held"` changes a field of one."""
    rows: dict[str, dict[str, Any]] = {
        "contacts": {"given_name": "Maria", "family_name": "Rossi"},
        "organisations": {"title": "CNCA"},
        "bodies": {"title": "Comitato"},
        "networks": {"name": "Alleanza"},
        "commitments": {
            "title": "Elenco", "kind": "list_of_representatives", "due": DUE, "state": "open",
            "debtor_organisation_id": IT, "debtor_body_id": None, "debtor_person_id": None,
        },
        "meetings": {
            "title": "Riunione", "body_id": IT, "starts_at": START, "ends_at": END, "mode": "remote", "place": None,
            "call": 1, "agenda": [], "state": "convened", "sequence": 3,
        },
        "invitations": {
            "state": "issued", "answer": None, "organisation_id": None, "mandate_id": IT, "waiting": False,
        },
        "ballots": {
            "question": "Sì?", "outcome": None, "body_id": IT, "kind": "motion", "secret": False, "closes_at": START,
            "options": [], "entitled": 2, "cast": 1, "in_favour": 1, "against": 0, "abstained": 0,
        },
        "voters": {"state": "called", "organisation_id": None},
        "polls": {
            "title": "Incontro", "state": "open", "closes_at": START, "body_id": IT, "chosen": None,
            "options": [{"starts_at": START.isoformat(), "ends_at": END.isoformat()}],
        },
        "poll_requests": {"state": "asked"},
        "approvals": {"state": "asked"},
        "syntheses": {"title": "Sintesi", "number": 2, "contributions": 9, "body_id": None},
        "series": {"title": "Programma", "last_day": DUE, "planned": 18, "held": 3, "extensions": 1},
        "reports": {"title": "Relazione", "state": "released"},
        "minutes": {
            "state": "in_approval", "held_on": DUE, "number": None, "present": 1, "entitled": 2, "quorate": False,
        },
        "enrolments": {
            "path_title": "Percorso", "units": 3, "units_done": 1, "due": None, "state": "active", "attempt": 2,
        },
        "assessments": {"title": "Prima", "phase": "before", "closes_on": DUE, "state": "asked"},
        "credentials": {"title": "Attestato", "issued_on": DUE, "expires_on": DUE, "state": "issued"},
        "documents": {"title": "Piano", "edition": 2, "state": "published"},
        "news": {
            "title": "Bando", "summary": "Aperto", "link": "https://a.example/",
            "expires_at": END, "state": "published",
        },
        "practices": {"title": "Sportello", "state": "published", "revision": None, "adoptions": 2},
        "adoptions": {
            "practice_id": IT, "network_id": IT, "organisation_id": IT,
            "body_id": None, "since": DUE, "state": "active",
        },
        "map_questions": {"title": "Sportello", "item": "place", "answer": None, "answer_by": DUE},
        "map_needs": {
            "theme": "housing", "municipality": "D150", "state": "assigned", "organisation_id": IT, "person_id": None,
            "collected_on": DUE,
        },
        "agreements": {
            "title": "Avviso", "kind": "funding_call", "state": "open", "authority_id": None, "deadline": DUE,
        },
    }  # fmt: skip
    for name, value in changed.items():
        table, field = name.split("__")
        rows[table][field] = value
    made: dict[str, Any] = {table: {IT: SimpleNamespace(id=IT, **row)} for table, row in rows.items()}
    step = SimpleNamespace(id=IT, pact_id=IT, number=2, due=DUE)
    pact = SimpleNamespace(id=IT, code="PG-2024-0007", state="signed")
    group = SimpleNamespace(title="Gruppo", territory="E507", state="constituted", uncovered_since=DUE)
    codes = {(IT, IT): ["PG-2024-0007"], (None, IT): ["PG-2024-0008"]}
    following = Following({IT: pact}, {IT: step}, {IT: group}, codes)  # type: ignore[dict-item]
    return Known(**made, outstanding={(IT, DUE): [IT]}, following=following)


def asked(given: dict[str, Any] | None = None, now: datetime = NOW, **changed: Any) -> Asked:
    ids: tuple[str, ...] = (
        "commitment_id",
        "meeting_id",
        "invitation_id",
        "ballot_id",
        "minutes_id",
        "enrolment_id",
        "notice_id",
    )
    ids += ("assessment_request_id", "credential_id", "document_id", "news_id", "practice_id", "adoption_id")
    ids += ("pact_id", "step_id", "promoter_id", "group_id")
    ids += ("poll_id", "request_id", "voter_id", "approval_id", "synthesis_id", "series_id", "report_id")
    of_the_map = {"need_id": str(IT), "organisation_id": str(IT), "question_ids": [str(IT)], "item": "place"}
    return Asked(
        {**{name: str(IT) for name in ids}, **of_the_map, "title": "Sportello", **(given or {})},
        IT,
        known(**changed),
        "it",
        WALL,
        now,
        "http://t",
        mint,
        IT,
    )


def test_every_topic_has_its_particulars() -> None:
    assert set(PARTICULARS) == set(TOPICS)


@pytest.mark.parametrize(
    ("topic", "given", "changed"),
    [
        ("commitment-made", {}, {"commitments__state": "fulfilled"}),
        ("commitment-made", {}, {"commitments__state": "waived"}),
        ("commitment-reminder", {"due": DUE.isoformat()}, {"commitments__state": "fulfilled"}),
        ("commitment-reminder", {"due": DUE.isoformat()}, {"commitments__due": DUE + timedelta(days=1)}),
        ("commitment-reminder", {"due": DUE.isoformat()}, {"now": NOW + timedelta(days=15)}),
        ("commitment-late", {}, {}),
        ("commitment-late", {}, {"commitments__due": date(2024, 9, 12)}),
        ("commitment-late", {}, {"commitments__due": date(2024, 9, 1), "commitments__state": "waived"}),
        ("commitment-escalated", {"due": DUE.isoformat(), "commitment_id": None}, {}),
        ("commitment-climbed", {"due": DUE.isoformat(), **AT_IT}, {}),
        ("commitment-climbed", {"due": "2024-09-25", **AT_IT}, {"now": NOW + timedelta(days=15)}),
        (
            "commitment-climbed",
            {"due": DUE.isoformat(), **AT_IT},
            {"now": NOW + timedelta(days=15), "commitments__state": "waived"},
        ),
        ("agreement-opened", AT_IT, {"agreements__state": "evaluation"}),
        ("agreement-opened", AT_IT, {"now": NOW + timedelta(days=15)}),
        ("agreement-reminder", {"due": "2024-09-25", **AT_IT}, {}),
        ("meeting-convened", {}, {"meetings__state": "cancelled"}),
        ("meeting-convened", {}, {"invitations__state": "withdrawn"}),
        ("meeting-convened", {}, {"now": END}),
        ("meeting-cancelled", {}, {"now": END}),
        ("meeting-reminder", {"starts_at": START.isoformat()}, {"now": START}),
        ("meeting-reminder", {"starts_at": START.isoformat()}, {"meetings__starts_at": START + timedelta(days=1)}),
        ("meeting-reminder", {"starts_at": START.isoformat()}, {"meetings__state": "cancelled"}),
        ("meeting-reminder", {"starts_at": START.isoformat()}, {"invitations__state": "withdrawn"}),
        ("meeting-changed", {"sequence": 2}, {}),
        ("meeting-changed", {"sequence": 3}, {"meetings__state": "cancelled"}),
        ("meeting-changed", {"sequence": 3}, {"invitations__state": "withdrawn"}),
        ("invitation-waiting", {}, {"invitations__answer": "yes"}),
        ("invitation-waiting", {}, {"invitations__answer": "no", "invitations__waiting": True}),
        ("invitation-waiting", {}, {"invitations__answer": "yes", "invitations__waiting": True, "now": START}),
        ("invitation-admitted", {}, {"invitations__answer": "yes", "invitations__waiting": True}),
        ("invitation-admitted", {}, {"invitations__answer": "no"}),
        ("invitation-admitted", {}, {"invitations__answer": "yes", "invitations__state": "withdrawn"}),
        ("reply-refused", {"reason": "stale"}, {"now": END}),
        ("poll-asked", {}, {"polls__state": "closed"}),
        ("poll-asked", {}, {"now": START}),
        ("poll-asked", {}, {"poll_requests__state": "answered"}),
        ("poll-reminder", {"closes_at": END.isoformat()}, {}),
        ("poll-reminder", {"closes_at": START.isoformat()}, {"poll_requests__state": "withdrawn"}),
        ("poll-closed", {"outcome": "chosen", "chosen": 1}, {}),
        ("poll-closed", {"outcome": "chosen", "chosen": 2}, {"polls__state": "closed", "polls__chosen": 1}),
        ("poll-closed", {"outcome": "chosen", "chosen": 1}, {"polls__chosen": 1, "now": END}),
        ("poll-closed", {"outcome": "withdrawn", "chosen": None}, {}),
        ("ballot-called", {}, {"ballots__outcome": "carried"}),
        ("ballot-called", {}, {"voters__state": "voted"}),
        ("ballot-called", {}, {"voters__state": "withdrawn"}),
        ("ballot-called", {}, {"now": START}),
        ("ballot-reminder", {"closes_at": END.isoformat()}, {}),
        ("ballot-reminder", {"closes_at": START.isoformat()}, {"voters__state": "voted"}),
        ("ballot-closed", {}, {}),
        ("minutes-to-approve", {}, {"approvals__state": "approved"}),
        ("minutes-to-approve", {}, {"minutes__state": "draft"}),
        ("minutes-returned", {}, {}),
        ("synthesis-issued", {"number": 1}, {}),
        ("report-released", {}, {"reports__state": "withdrawn"}),
        ("invitation-withdrawn", {}, {}),
        ("invitation-withdrawn", {}, {"invitations__state": "withdrawn", "meetings__state": "cancelled"}),
        ("invitation-withdrawn", {}, {"invitations__state": "withdrawn", "now": END}),
        ("delegation-lapsed", {}, {"invitations__answer": "no"}),
        ("delegation-lapsed", {}, {"invitations__state": "withdrawn"}),
        ("delegation-lapsed", {}, {"now": START}),
        ("ballot-opened", {}, {"ballots__outcome": "carried"}),
        ("ballot-opened", {}, {"invitations__state": "withdrawn"}),
        ("minutes-submitted", {}, {"minutes__state": "approved"}),
        ("enrolled", {}, {"enrolments__state": "completed"}),
        ("enrolment-reminder", {"due": DUE.isoformat()}, {}),
        ("enrolment-reminder", {"due": "2024-09-25"}, {"enrolments__due": DUE}),
        ("enrolment-reminder", {"due": DUE.isoformat()}, {"enrolments__due": DUE, "enrolments__state": "completed"}),
        ("enrolment-reminder", {"due": DUE.isoformat()}, {"enrolments__due": DUE, "now": NOW + timedelta(days=15)}),
        ("enrolment-renewed", {"attempt": 1}, {}),
        ("enrolment-renewed", {"attempt": 2}, {"enrolments__state": "completed"}),
        ("assessment-asked", {}, {"assessments__state": "answered"}),
        ("assessment-asked", {}, {"assessments__state": "withdrawn"}),
        ("assessment-asked", {}, {"now": datetime(2024, 9, 26, 22, 0, tzinfo=UTC)}),
        ("assessment-reminder", {"due": "2024-09-25"}, {}),
        ("assessment-reminder", {"due": DUE.isoformat()}, {"assessments__closes_on": None}),
        ("assessment-reminder", {"due": DUE.isoformat()}, {"assessments__state": "answered"}),
        ("credential-issued", {}, {"credentials__state": "revoked"}),
        ("credential-issued", {}, {"now": datetime(2024, 9, 25, 22, 0, tzinfo=UTC)}),
        ("credential-revoked", {}, {}),
        ("document-revised", {"edition": 1}, {}),
        ("document-revised", {"edition": 2}, {"documents__state": "withdrawn"}),
        ("news-published", {}, {"news__state": "withdrawn"}),
        ("news-published", {}, {"now": END}),
        ("practice-submitted", {}, {}),
        ("practice-submitted", {}, {"practices__revision": "draft"}),
        ("practice-returned", {}, {"practices__revision": "in_review"}),
        ("practice-published", {}, {"practices__state": "withdrawn"}),
        ("practice-adopted", {}, {"adoptions__state": "ended"}),
        ("freshness-asked", {}, {"map_questions__answer": "confirmed"}),
        ("freshness-asked", {}, {"now": NOW + timedelta(days=15)}),
        ("need-assigned", {}, {"map_needs__state": "answered"}),
        ("need-assigned", {}, {"map_needs__person_id": IT}),
        ("need-assigned", {"organisation_id": None}, {}),
    ],
)
def test_what_has_no_use_any_more_is_not_told(topic: str, given: dict[str, Any], changed: dict[str, Any]) -> None:
    with pytest.raises(TooLate):
        PARTICULARS[topic](asked(given, **changed))


@pytest.mark.parametrize(
    ("topic", "given", "changed"),
    [
        ("commitment-made", {}, {"commitments__state": "late"}),
        ("commitment-reminder", {"due": DUE.isoformat()}, {}),
        ("commitment-reminder", {}, {"now": datetime(2024, 9, 26, 21, 59, tzinfo=UTC)}),
        ("commitment-late", {}, {"now": datetime(2024, 9, 26, 22, 0, tzinfo=UTC)}),
        ("commitment-escalated", {"due": DUE.isoformat(), "commitment_id": None}, {"now": NOW + timedelta(days=15)}),
        ("commitment-escalated", {}, {"now": NOW + timedelta(days=15)}),
        ("commitment-climbed", {"due": DUE.isoformat(), **AT_IT}, {"now": NOW + timedelta(days=15)}),
        ("agreement-opened", AT_IT, {"now": datetime(2024, 9, 26, 21, 59, tzinfo=UTC)}),
        ("agreement-reminder", {"due": DUE.isoformat(), **AT_IT}, {}),
        ("meeting-convened", {}, {"now": END - timedelta(seconds=1)}),
        ("meeting-cancelled", {}, {"meetings__state": "cancelled", "invitations__state": "withdrawn"}),
        ("meeting-reminder", {"starts_at": START.isoformat()}, {}),
        ("meeting-reminder", {}, {}),
        ("meeting-changed", {"sequence": 3}, {"now": END - timedelta(seconds=1)}),
        ("invitation-waiting", {}, {"invitations__answer": "yes", "invitations__waiting": True}),
        ("invitation-admitted", {}, {"invitations__answer": "yes"}),
        ("poll-asked", {}, {"now": START - timedelta(seconds=1)}),
        ("poll-reminder", {"closes_at": START.isoformat()}, {}),
        ("poll-closed", {"outcome": "chosen", "chosen": 1}, {"polls__state": "closed", "polls__chosen": 1}),
        ("poll-closed", {"outcome": "withdrawn", "chosen": None}, {"polls__state": "withdrawn"}),
        ("ballot-called", {}, {"now": START - timedelta(seconds=1)}),
        ("ballot-called", {}, {"ballots__closes_at": None}),
        ("ballot-reminder", {"closes_at": START.isoformat()}, {}),
        ("ballot-closed", {}, {"ballots__outcome": "tied"}),
        ("minutes-to-approve", {}, {}),
        ("minutes-returned", {}, {"minutes__state": "draft"}),
        ("synthesis-issued", {"number": 2}, {}),
        ("series-extended", {}, {}),
        ("report-released", {}, {}),
        ("invitation-withdrawn", {}, {"invitations__state": "withdrawn"}),
        ("delegation-lapsed", {}, {}),
        ("ballot-opened", {}, {"meetings__state": "held"}),
        ("minutes-submitted", {}, {}),
        ("minutes-approved", {}, {"minutes__state": "approved"}),
        ("enrolled", {}, {}),
        ("enrolment-reminder", {"due": DUE.isoformat()}, {"enrolments__due": DUE}),
        ("enrolment-renewed", {"attempt": 2}, {}),
        ("assessment-asked", {}, {"assessments__closes_on": None}),
        ("assessment-asked", {}, {"now": datetime(2024, 9, 26, 21, 59, tzinfo=UTC)}),
        ("assessment-reminder", {"due": DUE.isoformat()}, {}),
        ("credential-issued", {}, {"now": datetime(2024, 9, 25, 21, 59, tzinfo=UTC)}),
        ("credential-issued", {}, {"credentials__expires_on": None}),
        ("credential-revoked", {}, {"credentials__state": "revoked"}),
        ("document-revised", {"edition": 2}, {}),
        ("news-published", {}, {"now": END - timedelta(seconds=1)}),
        ("practice-submitted", {}, {"practices__state": "in_review"}),
        ("practice-submitted", {}, {"practices__revision": "in_review"}),
        ("practice-returned", {}, {"practices__state": "draft"}),
        ("practice-returned", {}, {"practices__revision": "draft"}),
        ("practice-published", {}, {}),
        ("practice-adopted", {}, {}),
        ("freshness-asked", {}, {"now": datetime(2024, 9, 26, 21, 59, tzinfo=UTC)}),
        ("item-returned", {}, {}),
        ("need-assigned", {}, {}),
        ("need-assigned", {"assignee_id": str(IT)}, {"map_needs__person_id": IT}),
    ],
)
def test_what_is_of_use_is_told(topic: str, given: dict[str, Any], changed: dict[str, Any]) -> None:
    assert PARTICULARS[topic](asked(given, **changed))


def test_a_move_is_told_as_long_as_it_stands() -> None:
    given = {"starts_at": START.isoformat(), "ends_at": END.isoformat(), "mode": "remote", "place": None}
    assert PARTICULARS["meeting-moved"](asked(given))
    others: list[dict[str, Any]] = [
        {"meetings__starts_at": START + timedelta(1)}, {"meetings__ends_at": END + timedelta(1)},
        {"meetings__place": "Lecco"}, {"meetings__mode": "hybrid"},
    ]  # fmt: skip
    for changed in others:
        with pytest.raises(TooLate):
            PARTICULARS["meeting-moved"](asked(given, **changed))
    with pytest.raises(TooLate):
        PARTICULARS["meeting-moved"](asked(given, meetings__state="cancelled"))


@pytest.mark.parametrize(
    ("topic", "audience", "purpose", "left", "claims"),
    [
        ("commitment-made", "registry", "representatives", timedelta(days=74, hours=14), {"person": str(IT)}),
        ("meeting-convened", "events", "rsvp", timedelta(days=7, hours=2), {}),
        ("ballot-opened", "events", "vote", timedelta(days=7, hours=2), {"invitation": str(IT)}),
        ("poll-asked", "events", "poll", timedelta(days=7), {}),
        ("ballot-called", "events", "vote", timedelta(days=7), {}),
        ("minutes-to-approve", "events", "approval", timedelta(days=60), {}),
        ("synthesis-issued", "events", "synthesis", timedelta(days=365), {"person": str(IT)}),
        ("enrolled", "learning", "learn", timedelta(days=180), {}),
        ("privacy-notice", "registry", "notice", timedelta(days=365), {}),
        ("assessment-asked", "learning", "assessment", timedelta(days=14, hours=13), {}),
        ("credential-issued", "learning", "credential", timedelta(days=365), {"person": str(IT)}),
        ("document-revised", "learning", "document", timedelta(days=180), {"person": str(IT)}),
        ("practice-adopted", "learning", "practice", timedelta(days=90), {"person": str(IT)}),
    ],
)
def test_a_clock_in_the_past_leaves_links_their_time(
    topic: str, audience: str, purpose: str, left: timedelta, claims: dict[str, str]
) -> None:
    """The domain stands at 2024, links expire by the wall clock of 2026."""
    MINTED.clear()
    words = PARTICULARS[topic](asked({"number": 2, "edition": 2}))
    assert [(audience, purpose, IT, WALL + left, claims)] == MINTED
    assert words["link"].startswith(f"http://t/{audience}/v1/")


def test_a_link_is_good_for_a_day_however_little_time_is_left() -> None:
    MINTED.clear()
    PARTICULARS["meeting-convened"](asked(now=END - timedelta(minutes=5)))
    assert MINTED[0][3] == WALL + timedelta(days=1)


def test_who_may_come_in_person_has_a_code_for_the_door() -> None:
    def door(topic: str = "meeting-convened", **changed: Any) -> Any:
        given = {"starts_at": START.isoformat()}
        return PARTICULARS[topic](asked(given, **{"meetings__mode": "hybrid", **changed}))["door"]

    MINTED.clear()
    assert door() == "http://t/events/v1/check-in/link?token=token"
    assert ("events", "check-in", IT, WALL + timedelta(days=7, hours=2), {}) in MINTED
    assert door("meeting-reminder", invitations__answer="perhaps")
    assert door("invitation-admitted", invitations__answer="yes")
    assert door(meetings__mode="remote") is None
    assert door("meeting-reminder", invitations__answer="no") is None
    assert door("invitation-waiting", invitations__answer="yes", invitations__waiting=True) is None
    assert door("delegation-lapsed") is None


def test_why_a_calendars_answer_was_not_taken_and_how_else_to_answer() -> None:
    words = PARTICULARS["reply-refused"](asked({"reason": "stale"}))
    assert (words["reason"].startswith("la tua risposta riguardava"), bool(words["link"])) == (True, True)
    for changed in ({"meetings__state": "cancelled"}, {"invitations__state": "withdrawn"}, {"now": START}):
        assert PARTICULARS["reply-refused"](asked({"reason": "begun"}, **changed))["link"] is None
    unknown = PARTICULARS["reply-refused"](asked({"reason": "new_one", "invitation_id": None}))
    assert (unknown["reason"], unknown["link"]) == ("non era possibile registrarla", None)


def test_the_date_that_was_chosen_is_said_in_words() -> None:
    given = {"outcome": "chosen", "chosen": 1}
    words = PARTICULARS["poll-closed"](asked(given, polls__state="closed", polls__chosen=1))
    assert words["chosen"] == "giovedì 19 settembre 2024, dalle 11:00 alle 13:00 (ora italiana)"


def test_news_link_to_pages_of_the_web_only() -> None:
    assert PARTICULARS["news-published"](asked())["link"] == "https://a.example/"
    for link in (None, "javascript:alert(1)", "data:text/html,x", "//a.example"):
        assert PARTICULARS["news-published"](asked(news__link=link))["link"] is None


def test_who_adopted_a_practice_is_named_with_their_network_when_it_is_another() -> None:
    words = PARTICULARS["practice-adopted"](asked())
    assert (words["adopter"], words["elsewhere"], words["adoptions"]) == ("CNCA", None, 2)
    of_a_body = PARTICULARS["practice-adopted"](asked(adoptions__organisation_id=None, adoptions__body_id=IT))
    assert of_a_body["adopter"] == "Comitato"
    assert PARTICULARS["practice-adopted"](replace(asked(), network_id=UUID(int=2)))["elsewhere"] == "Alleanza"


def test_a_debtor_is_named_whoever_it_is() -> None:
    def debtor(**changed: Any) -> Any:
        return PARTICULARS["commitment-made"](asked(**changed))["debtor"]

    nobody = {"commitments__debtor_organisation_id": None}
    assert debtor() == "CNCA"
    assert debtor(**nobody, commitments__debtor_body_id=IT) == "Comitato"
    assert debtor(**nobody, commitments__debtor_person_id=IT) == "Maria Rossi"
    erased = {"contacts__given_name": "", "contacts__family_name": ""}
    assert debtor(**nobody, commitments__debtor_person_id=IT, **erased) is None


def test_a_kind_other_than_a_list_leads_to_the_commitment() -> None:
    words = PARTICULARS["commitment-made"](asked(commitments__kind="action"))
    assert (words["uploads"], words["link"]) == (False, "http://t/registry/v1/commitments/link?token=token")


def test_days_left_never_fall_below_none() -> None:
    given = {
        "goal_id": str(IT), "title": "Sei", "reached": 3, "minimum": 4, "full": 6, "last_day": "2024-09-12",
        "state": "running", "next_best": None, "territory": None,
    }  # fmt: skip
    assert PARTICULARS["goal-advanced"](asked(given))["days_left"] == 0
    assert PARTICULARS["goal-decided"](asked(given, now=NOW + timedelta(days=3)))["days_left"] == 0
    english = replace(asked({**given, "next_best": "04"}), language="en")
    assert PARTICULARS["goal-advanced"](english)["next_best"] == "Trentino-Alto Adige/Südtirol"
