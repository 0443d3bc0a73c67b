"""What courses and units are, and what becomes of a path when its course changes: without a database."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from services.learning.courses.pages import rendered
from services.learning.courses.rules import Course, Kind, NotPossibleNow, Unfit, Unit, edited, with_course
from services.learning.courses.tables import _read, written

ID = uuid7()


def course(*units: Unit) -> Course:
    return Course(uuid7(), "Corso", "", units)


def test_a_unit_without_a_kind_is_a_link_where_it_has_one_and_a_text_otherwise() -> None:
    assert (Unit("Una").kind, Unit("Una", url="https://example.org").kind) == (Kind.TEXT, Kind.LINK)


@pytest.mark.parametrize(
    ("unit", "path"),
    [
        ({"kind": Kind.VIDEO}, "/url"),
        ({"kind": Kind.LINK}, "/url"),
        ({"kind": Kind.LINK, "url": "https://example.org", "transcript": "x"}, "/transcript"),
        ({"kind": Kind.TEXT, "url": "https://example.org"}, "/url"),
        ({"kind": Kind.VIDEO, "url": "javascript:alert(1)"}, "/url"),
        ({"kind": Kind.LINK, "url": "https://regione.example@example.org/"}, "/url"),
        ({"kind": Kind.DOCUMENT}, "/document_id"),
        ({"kind": Kind.QUIZ}, "/quiz_id"),
        ({"kind": Kind.QUIZ, "quiz_id": ID, "counts_before": True}, "/counts_before"),
        ({"kind": Kind.MEETING}, ""),
        ({"kind": Kind.MEETING, "body_id": ID, "series_id": ID}, ""),
        ({"kind": Kind.TEXT, "meeting_id": ID}, "/meeting_id"),
        ({"title": ""}, "/title"),
    ],
)
def test_a_unit_has_what_its_kind_needs_and_nothing_of_anothers(unit: dict[str, Any], path: str) -> None:
    with pytest.raises(Unfit) as refused:
        course(Unit("Prima"), Unit(**{"title": "Seconda", **unit}))
    assert refused.value.path == f"/units/1{path}"


def test_a_quiz_comes_once() -> None:
    with pytest.raises(Unfit) as refused:
        course(*(Unit(title, kind=Kind.QUIZ, quiz_id=ID) for title in ("Uno", "Due")))
    assert (refused.value.path, refused.value.code) == ("/units/1/quiz_id", "repeated")


@pytest.mark.parametrize(
    "unit",
    [
        Unit("Una", "Testo", minutes=5),
        Unit("Video", url="https://example.org/v", kind=Kind.VIDEO, transcript="Buongiorno"),
        Unit("Riunione", kind=Kind.MEETING, series_id=ID, counts_before=True),
        Unit("Di un corso", kind=Kind.QUIZ, quiz_id=ID, course_id=uuid7()),
    ],
)
def test_a_unit_is_read_as_it_was_kept(unit: Unit) -> None:
    assert _read(written(unit)) == unit


def test_a_list_that_was_read_can_be_sent_back_and_changes_nothing() -> None:
    id_, theirs = uuid7(), (Unit("A"), Unit("B"))
    path = edited((), [(None, {"title": "Prima"}), (None, {"course_id": id_}), (None, {"title": "Poi"})], {id_: theirs})
    assert [(unit.title, unit.course_id) for unit in path] == [("Prima", None), ("A", id_), ("B", id_), ("Poi", None)]
    sent = [(unit.id, {name: value for name, value in vars(unit).items() if name != "id"}) for unit in path]
    assert edited(path, sent, {id_: theirs}) == path


@pytest.mark.parametrize(
    ("entries", "at", "code"),
    [
        ([(None, {"course_id": ID})], "/units/0/course_id", "unknown"),
        ([("known", {}), (None, {"title": "x"}), ("known", {})], "/units/2/course_id", "repeated"),
    ],
)
def test_a_path_takes_a_course_that_it_can_have_and_once(entries: list[Any], at: str, code: str) -> None:
    known = uuid7()
    wanted = [(None, {"course_id": known}) if id_ == "known" else (id_, content) for id_, content in entries]
    with pytest.raises(Unfit) as refused:
        edited((), wanted, {known: (Unit("A"),)})
    assert (refused.value.path, refused.value.code) == (at, code)


@given(before=st.integers(0, 3), old=st.integers(1, 4), new=st.integers(1, 4), after=st.integers(0, 3))
def test_a_course_that_changes_stays_in_its_place(before: int, old: int, new: int, after: int) -> None:
    id_ = uuid7()
    first, last = [Unit("x") for _ in range(before)], [Unit("z") for _ in range(after)]
    path = [*first, *(Unit(str(n), course_id=id_) for n in range(old)), *last]
    now = [Unit(f"neu {n}") for n in range(new)]
    found = with_course(path, id_, now)
    assert [unit.title for unit in found] == [*["x"] * before, *[unit.title for unit in now], *["z"] * after]
    assert [unit.id for unit in found if unit.course_id == id_] == [unit.id for unit in now]


def test_a_course_does_not_make_a_path_too_long() -> None:
    id_ = uuid7()
    path = [Unit("A", course_id=id_), *(Unit("x") for _ in range(99))]
    assert len(with_course(path, id_, [Unit("A")])) == 100
    with pytest.raises(Unfit):
        with_course(path, id_, [Unit("A"), Unit("B")])


def test_a_course_is_published_with_units_and_withdrawn_once() -> None:
    empty = course()
    with pytest.raises(Unfit):
        empty.publish(date(2026, 3, 1))
    one = course(Unit("A"))
    one.publish(date(2026, 3, 1))
    with pytest.raises(Unfit):
        one.change({"units": ()})
    one.withdraw()
    with pytest.raises(NotPossibleNow):
        one.withdraw()
    assert one.change({"title": "Corretto"}) is True


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Prima *riga*\n\n- uno\n- due", "<p>Prima <em>riga</em></p>\n<ul>\n<li>uno</li>\n<li>due</li>\n</ul>\n"),
        ("# Titolo\n###### Piccolo", "<h3>Titolo</h3>\n<h6>Piccolo</h6>\n"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"),
        ("[qui](javascript:alert(1))", "<p>[qui](javascript:alert(1))</p>\n"),
        ("[qui](data:text/html,x)", "<p>[qui](data:text/html,x)</p>\n"),
        ("![x](https://example.org/pixel.png)", None),
        ('<a href="https://example.org" onclick="x">qui</a>', None),
        (
            "[qui](https://example.org/a?b=1&c=2)",
            '<p><a href="https://example.org/a?b=1&amp;c=2" rel="noopener noreferrer nofollow">qui</a></p>\n',
        ),
        ("", ""),
    ],
)
def test_what_authors_write_is_shown_as_text_and_never_as_more(text: str, shown: str | None) -> None:
    found = str(rendered(text))
    assert shown is None or found == shown
    for bad in ("<script", "<img", "<a onclick", 'href="javascript', "<style", "<iframe"):
        assert bad not in found


@given(st.text(max_size=200))
def test_no_text_makes_an_element_that_is_not_allowed(text: str) -> None:
    assert "<script" not in str(rendered(text + "<script>x</script>"))
