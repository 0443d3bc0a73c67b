"""The page on which a quiz is taken: how one stands and a button, then the questions, then what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import quote
from uuid import UUID

from babel.numbers import format_decimal
from starlette.datastructures import FormData
from starlette.responses import Response

from services.learning.courses.pages import rendered
from services.learning.quizzes import rules
from services.learning.quizzes.queries import Taking
from services.learning.quizzes.rules import MOST_OPTIONS, MOST_QUESTIONS, Asked, Attempt, Edition, Question, Refused
from shared.runtime.pages import Pages
from shared.runtime.problems import Invalid

PAGES = Pages(__file__)
MOST_FIELDS = MOST_QUESTIONS * MOST_OPTIONS + 10
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "back": "Torna al percorso",
        "mark": "Si supera con il {percent} % dei punti.",
        "unlimited": "Puoi provare quante volte vuoi.",
        "left": "Tentativi rimasti: {left} di {allowed}.",
        "begin": "Inizia il quiz",
        "again": "Prova di nuovo",
        "passed": "Superato: {percent} % ({points} punti su {of}).",
        "failed": "Non superato: {percent} % ({points} punti su {of}).",
        "attempt": "Tentativo {number}",
        "none": "I tentativi sono finiti. La segreteria della rete può concederne un altro.",
        "ended": "Questo percorso è finito: il quiz non si fa più.",
        "submit": "Consegna le risposte",
        "question": "Domanda {number} di {of}",
        "points": "punti",
        "point": "punto",
        "single": "Una sola risposta.",
        "multiple": "Una o più risposte.",
        "numeric": "Un numero; i decimali con la virgola, per esempio 12,5.",
        "number": "La tua risposta",
        "wrong": "Mancano delle risposte, o vanno corrette",
        "missing": "Manca la risposta.",
        "one": "Scegli una sola risposta.",
        "unknown": "Scegli fra le risposte proposte.",
        "not_number": "Scrivi un numero, per esempio 12,5.",
        "ambiguous": "Non è chiaro: scrivi {accepted}.",
        "or": " o ",
        "right": "Giusta",
        "not_right": "Sbagliata",
        "given": "La tua risposta:",
        "answer": "La risposta giusta:",
    },
    "en": {
        "back": "Back to the path",
        "mark": "{percent} % of the points pass.",
        "unlimited": "You may try as often as you like.",
        "left": "Attempts left: {left} of {allowed}.",
        "begin": "Begin the quiz",
        "again": "Try again",
        "passed": "Passed: {percent} % ({points} of {of} points).",
        "failed": "Not passed: {percent} % ({points} of {of} points).",
        "attempt": "Attempt {number}",
        "none": "No attempt is left. The secretariat of the network may grant another.",
        "ended": "This path has ended: the quiz can no longer be taken.",
        "submit": "Hand in the answers",
        "question": "Question {number} of {of}",
        "points": "points",
        "point": "point",
        "single": "One answer only.",
        "multiple": "One answer or more.",
        "numeric": "A number, for example 12.5.",
        "number": "Your answer",
        "wrong": "Some answers are missing or need correcting",
        "missing": "The answer is missing.",
        "one": "Choose one answer only.",
        "unknown": "Choose among the answers proposed.",
        "not_number": "Write a number, for example 12.5.",
        "ambiguous": "This is not clear: write {accepted}.",
        "or": " or ",
        "right": "Right",
        "not_right": "Wrong",
        "given": "Your answer:",
        "answer": "The right answer:",
    },
}
WORDS = {"number": "not_number", "ambiguous": "ambiguous", "one": "one", "unknown": "unknown"}


@dataclass(frozen=True)
class Sent:
    """What a form said: the attempt that it hands in (none: it begins one), and what was filled in by question."""

    attempt: UUID | None
    answers: Mapping[UUID, Any] = field(default_factory=dict)


def sent(form: FormData) -> Sent:
    """Raises Invalid. Fields of choices come as lists, however many; a number as the text that it is."""
    named = form.get("attempt")
    if not named:
        return Sent(None)
    try:
        attempt = UUID(str(named))
        answers: dict[UUID, Any] = {}
        for name in form:
            if name.startswith("number-"):
                answers[UUID(name.removeprefix("number-"))] = str(form.get(name)).strip()[:50]
            elif name.startswith("choice-"):
                answers[UUID(name.removeprefix("choice-"))] = [str(one)[:50] for one in form.getlist(name)]
    except ValueError:
        raise Invalid("/attempt", "uuid_parsing", "the form as the page has it") from None
    return Sent(attempt, answers)


@dataclass(frozen=True)
class Shown:
    """A question on the page: what was filled in, and what is wrong with it or came of it."""

    question: Question
    name: str
    given: Any
    error: str = ""
    right: bool | None = None
    feedback: str = ""
    answered: Sequence[str] = ()
    answer: Sequence[str] = ()


def quiz(
    language: str,
    found: Taking,
    network: Any,
    token: str,
    *,
    sent: Sent | None = None,
    refused: Refused | None = None,
) -> Response:
    """Refused answers come back as they were filled in, with an error summary."""
    texts = TEXTS[language]
    open_ = found.open if found.may_try else None
    return PAGES.page(
        language,
        found.quiz.title,
        "quiz.html",
        status=422 if refused else 200,
        network=network,
        texts=texts,
        found=found,
        intro=rendered(found.quiz.intro, below=1),
        mark=texts["mark"].format(percent=found.quiz.pass_percent),
        left=_left(texts, found),
        back=f"../link?token={quote(token)}",
        open=open_[0] if open_ else None,
        questions=_asked(language, found, *open_, sent, refused) if open_ else [],
        ended=found.named.enrolment.state == "ended",
        results=[_result(language, found, *one) for one in found.tried if one[0].submitted_at],
    )


def _left(texts: Mapping[str, str], found: Taking) -> str:
    standing = found.standing
    if standing.passed:
        return ""
    if standing.left is None:
        return texts["unlimited"]
    if standing.left == 0 and found.open is None:
        return texts["none"]
    return texts["left"].format(left=standing.left, allowed=standing.allowed)


def _asked(
    language: str, found: Taking, attempt: Attempt, edition: Edition, sent: Sent | None, refused: Refused | None
) -> list[Shown]:
    errors = {id_: (code, accepted) for id_, code, accepted in (refused.errors if refused else ())}
    given = sent.answers if sent else {}
    return [
        Shown(q, _name(q), given.get(q.id, ()), _error(language, *errors[q.id]) if q.id in errors else "")
        for q in rules.in_order(attempt.id, edition.questions, shuffled=found.quiz.shuffled)
    ]


def _name(question: Question) -> str:
    return f"{'number' if question.kind is Asked.NUMERIC else 'choice'}-{question.id}"


def _error(language: str, code: str, accepted: Any) -> str:
    texts = TEXTS[language]
    return texts[WORDS.get(code, "missing")].format(accepted=str(accepted).replace(" or ", texts["or"]))


def _result(language: str, found: Taking, attempt: Attempt, edition: Edition) -> dict[str, Any]:
    texts = TEXTS[language]
    told = rules.told(found.quiz.feedback, attempt, found.standing)
    of = texts["passed" if attempt.passed else "failed"]
    percent = format_decimal(attempt.percent or 0, locale=language)
    asked = rules.in_order(attempt.id, edition.questions, shuffled=found.quiz.shuffled)
    return {
        "title": texts["attempt"].format(number=attempt.number),
        "passed": attempt.passed,
        "line": of.format(percent=percent, points=attempt.points, of=attempt.of),
        "questions": [_told(language, q, attempt, told.answers) for q in asked] if told.questions else [],
    }


def _told(language: str, question: Question, attempt: Attempt, answers: bool) -> Shown:
    given = (attempt.answers or {}).get(question.id)
    return Shown(
        question,
        _name(question),
        given,
        right=(attempt.marks or {}).get(question.id, 0) > 0,
        feedback=question.feedback,
        answered=_words(language, question, given),
        answer=_words(language, question, _right(question)) if answers else (),
    )


def _right(question: Question) -> Any:
    return question.value if question.kind is Asked.NUMERIC else [str(option) for option in question.right_options]


def _words(language: str, question: Question, given: Any) -> list[str]:
    if given is None:
        return []
    if question.kind is Asked.NUMERIC:
        return [format_decimal(Decimal(str(given)), "#,##0.#########", locale=language)]
    return [option.text for option in question.options if str(option.id) in given]
