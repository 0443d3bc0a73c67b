"""Quizzes: what is asked, how often one may try, and when an answer is right.

A quiz is a draft -> published -> withdrawn. What it asks and the mark that passes are an edition of it: changed once it
is published, they are the next one, and whoever has begun an attempt answers, and is marked by, the edition that they
saw. A question is right or not: who gives some of several right answers has not given the answer.

The right answers leave the server only as `told` says: never while there is something left to try.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import blake2b
from typing import Any
from uuid import UUID, uuid4

from uuid_utils.compat import uuid7

from services.learning.courses.rules import Unfit

MOST_QUESTIONS, MOST_OPTIONS = 100, 20
LEAST = 5
"""People of whom figures are shown: fewer could be told apart."""
LARGEST = Decimal(10) ** 12
DIGITS = re.compile(r"[+-]?[0-9]{1,12}([.,][0-9]{1,9})?")
AMBIGUOUS = re.compile(r"[+-]?[1-9][0-9]{0,2}(\.[0-9]{3})+")
GROUPED = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{3})+,[0-9]{1,9}")


class Asked(StrEnum):
    SINGLE = "single"
    MULTIPLE = "multiple"
    NUMERIC = "numeric"


class Feedback(StrEnum):
    """What is told of an attempt."""

    RESULT = "result"  # how many points, and whether that passes
    QUESTIONS = "questions"  # also which questions were right, with what their author says of each
    ANSWERS = "answers"  # also the right answers, once nothing is left to try


class State(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class UnknownQuiz(Exception):
    """No quiz has this id, or none that the caller may see."""


class UnknownAttempt(Exception):
    """No attempt has this id, or none that the caller may see."""


class NotAQuiz(Exception):
    """The unit is no quiz."""


class NotPossibleNow(Exception):
    """What was asked does not go with the quiz's state."""

    def __init__(self, action: str, state: State) -> None:
        super().__init__(f"{action} while {state}")
        self.action, self.state = action, state


class NoneLeft(Exception):
    """All attempts that the quiz allows are used up: the secretariat may grant another."""

    def __init__(self, allowed: int) -> None:
        super().__init__(f"{allowed} attempts")
        self.allowed = allowed


class StillLeft(Exception):
    """There is something left to try, or nothing left to pass: another attempt need not be granted."""


class PassedAlready(Exception):
    """The quiz is passed: there is nothing to try."""


class SubmittedAlready(Exception):
    """The attempt was handed in; what was answered stays."""


class Refused(Exception):
    """Answers that are none; `errors` are (question, code, accepted)."""

    def __init__(self, errors: Sequence[tuple[UUID, str, Any]]) -> None:
        super().__init__(f"{len(errors)} questions")
        self.errors = tuple(errors)


@dataclass(frozen=True)
class Option:
    """`id` is drawn by lot: an order of ids would say which was written first, which mostly is the right one."""

    text: str
    right: bool = False
    id: UUID = field(default_factory=uuid4)


@dataclass(frozen=True)
class Question:
    """`options` of a single or multiple choice; `value`, give or take `tolerance`, of a number. `feedback` is told with
    the mark, right or wrong: it must not hold the answer if that is to stay a secret."""

    kind: Asked
    text: str
    points: int = 1
    feedback: str = ""
    options: tuple[Option, ...] = ()
    value: Decimal | None = None
    tolerance: Decimal = Decimal(0)
    id: UUID = field(default_factory=uuid7)

    @property
    def right_options(self) -> frozenset[UUID]:
        return frozenset(option.id for option in self.options if option.right)


@dataclass(eq=False)
class Quiz:
    network_id: UUID
    title: str
    intro: str
    questions: tuple[Question, ...]
    pass_percent: int
    attempts: int | None
    shuffled: bool
    feedback: Feedback
    state: State = State.DRAFT
    edition: int = 0
    published_on: date | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def __post_init__(self) -> None:
        require_fit(self.questions)

    def change(self, changes: Mapping[str, Any]) -> bool:
        """Takes the new values; False when nothing differs. What is asked of a published one is a new edition then.
        Raises Unfit."""
        changed = {name: value for name, value in changes.items() if getattr(self, name) != value}
        if self.state is not State.DRAFT and changed.get("questions") == ():
            raise Unfit("/questions", "too_short", "at least one question, since the quiz is published")
        require_fit(changed.get("questions", ()))
        for name, value in changed.items():
            setattr(self, name, value)
        if self.state is not State.DRAFT and changed.keys() & {"questions", "pass_percent"}:
            self.edition += 1
        return bool(changed)

    def publish(self, on: date) -> None:
        """From now on courses and paths may ask it. Raises Unfit without any question, NotPossibleNow."""
        self._possible("publish")
        if not self.questions:
            raise Unfit("/questions", "too_short", "at least one question, before the quiz is published")
        self.state, self.published_on, self.edition = State.PUBLISHED, on, 1

    def withdraw(self) -> None:
        """No further unit may ask it; those that do go on. Raises NotPossibleNow."""
        self._possible("withdraw")
        self.state = State.WITHDRAWN

    def actions(self) -> list[str]:
        possible = {
            "edit": True,
            "publish": self.state is State.DRAFT,
            "withdraw": self.state is State.PUBLISHED,
        }
        return [action for action, yes in possible.items() if yes]

    def _possible(self, action: str) -> None:
        if action not in self.actions():
            raise NotPossibleNow(action, self.state)


@dataclass(frozen=True)
class Edition:
    """What an attempt answers, and the mark that passes."""

    questions: tuple[Question, ...]
    pass_percent: int


@dataclass(eq=False)
class Attempt:
    """One time that somebody answers a quiz. `answers`: option ids of each question, or the number as it was written;
    `marks`: points of each, which stay when the answers are erased."""

    quiz_id: UUID
    edition: int
    network_id: UUID
    enrolment_id: UUID
    round: int
    unit_id: UUID
    person_id: UUID | None
    number: int
    begun_at: datetime
    submitted_at: datetime | None = None
    answers: Mapping[UUID, Any] | None = None
    marks: Mapping[UUID, int] | None = None
    points: int | None = None
    of: int | None = None
    passed: bool | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    @property
    def percent(self) -> float | None:
        """To two places, downwards: 59.999 % is not 60."""
        if self.points is None or not self.of:
            return None
        return (self.points * 10_000 // self.of) / 100

    def submit(self, edition: Edition, answers: Mapping[UUID, Any], now: datetime) -> bool:
        """Takes the answers as `answered` made them, and marks them; True when that passes. Raises SubmittedAlready."""
        if self.submitted_at is not None:
            raise SubmittedAlready(self.id)
        self.answers, self.submitted_at = dict(answers), now
        self.marks = {q.id: q.points if right(q, answers[q.id]) else 0 for q in edition.questions}
        self.points, self.of = sum(self.marks.values()), sum(q.points for q in edition.questions)
        self.passed = self.points * 100 >= edition.pass_percent * self.of
        return self.passed


@dataclass(frozen=True)
class Standing:
    """How somebody stands with a quiz in one attempt of their enrolment; `allowed` is None without a limit. `open`: one
    of those used has not been handed in yet."""

    used: int
    allowed: int | None
    passed: bool
    open: bool = False

    @property
    def left(self) -> int | None:
        if self.passed:
            return 0
        return None if self.allowed is None else max(0, self.allowed - self.used)

    @property
    def over(self) -> bool:
        """Nothing is left to answer: what was begun last may still be handed in."""
        return self.passed or (self.left == 0 and not self.open)

    def require_another(self) -> None:
        """Raises PassedAlready, NoneLeft."""
        if self.passed:
            raise PassedAlready
        if self.allowed is not None and self.used >= self.allowed:
            raise NoneLeft(self.allowed)

    def require_none_left(self) -> None:
        """Raises StillLeft."""
        if self.passed or self.left != 0:
            raise StillLeft


@dataclass(frozen=True)
class Told:
    """What is told of an attempt that was handed in: of each question whether it was right, and the right answers."""

    questions: bool
    answers: bool


def told(feedback: Feedback, attempt: Attempt, standing: Standing) -> Told:
    """`standing` is today's: an answer that may still be wanted is not told, of an earlier attempt neither."""
    if attempt.submitted_at is None or feedback is Feedback.RESULT:
        return Told(questions=False, answers=False)
    return Told(questions=True, answers=feedback is Feedback.ANSWERS and standing.over)


def require_fit(questions: Sequence[Question]) -> None:
    """Raises Unfit."""
    for place, question in enumerate(questions):
        at = f"/questions/{place}"
        if question.kind is Asked.NUMERIC:
            _require_number(question, at)
        else:
            _require_options(question, at)


def _require_number(question: Question, at: str) -> None:
    if question.options:
        raise Unfit(f"{at}/options", "not_allowed", [str(Asked.SINGLE), str(Asked.MULTIPLE)])
    if question.value is None or not abs(question.value) < LARGEST:
        raise Unfit(f"{at}/value", "missing" if question.value is None else "too_large", "the right number")
    if not 0 <= question.tolerance < LARGEST:
        raise Unfit(f"{at}/tolerance", "range", "0 or more")


def _require_options(question: Question, at: str) -> None:
    if question.value is not None or question.tolerance:
        name = "value" if question.value is not None else "tolerance"
        raise Unfit(f"{at}/{name}", "not_allowed", [str(Asked.NUMERIC)])
    if not 2 <= len(question.options) <= MOST_OPTIONS:
        raise Unfit(f"{at}/options", "count", f"2 to {MOST_OPTIONS} options")
    texts = [option.text.casefold() for option in question.options]
    if len(set(texts)) < len(texts):
        raise Unfit(f"{at}/options", "repeated", "each option once")
    rights = len(question.right_options)
    if rights != 1 and (question.kind is Asked.SINGLE or rights == 0):
        raise Unfit(f"{at}/options", "right", "exactly one that is right" if rights else "one that is right")


def edited(questions: Sequence[Question], wanted: Sequence[Mapping[str, Any]]) -> tuple[Question, ...]:
    """The questions as somebody has edited them: those (and options) that name an id keep it, the others are new.
    Raises Unfit for an id that is none of theirs, or twice."""
    known = {question.id: question for question in questions}
    seen: set[UUID] = set()
    made = []
    for place, content in enumerate(wanted):
        at = f"/questions/{place}"
        id_ = content.get("id")
        _require_own(id_, known, seen, f"{at}/id")
        before = known[id_].options if id_ is not None else ()
        options = _edited_options(before, content.get("options") or (), at)
        rest = {name: value for name, value in content.items() if name not in ("id", "options")}
        made.append(Question(**rest, options=options, **({"id": id_} if id_ is not None else {})))
    return tuple(made)


def _edited_options(before: Sequence[Option], wanted: Sequence[Mapping[str, Any]], at: str) -> tuple[Option, ...]:
    known = {option.id: option for option in before}
    seen: set[UUID] = set()
    made = []
    for place, content in enumerate(wanted):
        id_ = content.get("id")
        _require_own(id_, known, seen, f"{at}/options/{place}/id")
        rest = {name: value for name, value in content.items() if name != "id"}
        made.append(Option(**rest, **({"id": id_} if id_ is not None else {})))
    return tuple(made)


def _require_own(id_: UUID | None, known: Mapping[UUID, Any], seen: set[UUID], at: str) -> None:
    if id_ is None:
        return
    if id_ not in known or id_ in seen:
        raise Unfit(
            at, "repeated" if id_ in seen else "unknown", "an id that is there already, once; none for a new one"
        )
    seen.add(id_)


def in_order(attempt: UUID, questions: Sequence[Question], *, shuffled: bool) -> list[Question]:
    """As one attempt sees them: in an order drawn by its id, the same whenever it is looked at."""
    if not shuffled:
        return list(questions)
    drawn = sorted(questions, key=lambda question: _lot(attempt, question.id))
    return [
        Question(**{**vars(q), "options": tuple(sorted(q.options, key=lambda option: _lot(attempt, option.id)))})
        for q in drawn
    ]


def _lot(attempt: UUID, of: UUID) -> bytes:
    return blake2b(attempt.bytes + of.bytes, digest_size=8).digest()


def answered(questions: Sequence[Question], given: Mapping[UUID, Any]) -> dict[UUID, Any]:
    """What is kept of the answers given: sorted option ids, or the number as a text with a point. Every question wants
    one: `{question: [options] | number}`. Raises Refused with all that is wrong."""
    errors: list[tuple[UUID, str, Any]] = []
    kept: dict[UUID, Any] = {}
    for question in questions:
        try:
            kept[question.id] = _answer(question, given.get(question.id))
        except _Wrong as wrong:
            errors.append((question.id, wrong.code, wrong.accepted))
    errors += [(id_, "unknown", "a question of this attempt") for id_ in given.keys() - {q.id for q in questions}]
    if errors:
        raise Refused(errors)
    return kept


class _Wrong(Exception):
    def __init__(self, code: str, accepted: Any) -> None:
        super().__init__(code)
        self.code, self.accepted = code, accepted


def _answer(question: Question, given: Any) -> Any:
    if question.kind is Asked.NUMERIC:
        if given is None or given == "" or isinstance(given, list):
            raise _Wrong("missing", "a number")
        if isinstance(given, str) and AMBIGUOUS.fullmatch(given.strip()):
            raise _Wrong("ambiguous", f"{given.strip().replace('.', '')} or {given.strip().replace('.', ',', 1)}")
        number = number_of(str(given))
        if number is None:
            raise _Wrong("number", "a number, such as 1250,5")
        return str(number)
    if not given or not isinstance(given, list):
        raise _Wrong("missing", "one of the options" if question.kind is Asked.SINGLE else "one or more of the options")
    chosen = set(given)
    if question.kind is Asked.SINGLE and len(chosen) > 1:
        raise _Wrong("one", "one of the options")
    if not chosen <= {str(option.id) for option in question.options}:
        raise _Wrong("unknown", "an option of the question")
    return sorted(chosen)


def number_of(given: str) -> Decimal | None:
    """`1250,5`, `1.250,5`, `1250.5` and `1 250,5` are one number: with a decimal comma as Italians write it, or a
    point. None: no number, or one with so many digits that it cannot be meant. What a person writes as `1.250` may be
    either, and is refused before it comes here."""
    text = re.sub(r"[\s\u202f\u00a0']", "", given)
    if GROUPED.fullmatch(text):
        text = text.replace(".", "")
    if not DIGITS.fullmatch(text):
        return None
    return Decimal(text.replace(",", "."))


def right(question: Question, answer: Any) -> bool:
    """Of an answer as `answered` keeps it."""
    if question.kind is Asked.NUMERIC:
        assert question.value is not None  # require_fit
        return abs(Decimal(answer) - question.value) <= question.tolerance
    return {UUID(option) for option in answer} == question.right_options


def written(question: Question) -> dict[str, Any]:
    """As it is kept: plain JSON."""
    return {
        "id": str(question.id),
        "kind": str(question.kind),
        "text": question.text,
        "points": question.points,
        "feedback": question.feedback,
        "options": [{"id": str(o.id), "text": o.text, "right": o.right} for o in question.options],
        "value": None if question.value is None else str(question.value),
        "tolerance": str(question.tolerance),
    }


def read(held: Mapping[str, Any]) -> Question:
    return Question(
        kind=Asked(held["kind"]),
        text=held["text"],
        points=held["points"],
        feedback=held["feedback"],
        options=tuple(Option(o["text"], o["right"], UUID(o["id"])) for o in held["options"]),
        value=None if held["value"] is None else Decimal(held["value"]),
        tolerance=Decimal(held["tolerance"]),
        id=UUID(held["id"]),
    )


def shares(counts: Iterable[tuple[UUID, int, int]], least: int = LEAST) -> dict[UUID, tuple[int | None, float | None]]:
    """(n, share right) of each question from (question, n, right): both None where fewer than `least` answered it."""
    return {id_: (None, None) if n < least else (n, round(rights / n, 4)) for id_, n, rights in counts}
