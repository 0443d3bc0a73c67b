"""The words: both languages complete, the same variables in both, readable on phones and by screen readers."""

import re
from datetime import UTC, datetime
from pathlib import Path

import jinja2
import pytest
from jinja2 import meta

from services.notify.messages.compose import PARTS
from services.notify.messages.rules import LANGUAGES, TOPICS
from services.notify.messages.words import TEMPLATES, environment

ENVIRONMENT = environment()
FAMILIES = sorted(TEMPLATES.glob("*.??.*"))
"""What some topics have in common, one file a language and part."""


def variables(path: str) -> set[str]:
    """What a template asks for, with those of the parts that it extends."""
    assert ENVIRONMENT.loader is not None
    source, _, _ = ENVIRONMENT.loader.get_source(ENVIRONMENT, path)
    tree = ENVIRONMENT.parse(source)
    own = meta.find_undeclared_variables(tree) - {"button", "plainly", "way"}  # macros of the parts
    return own.union(*(variables(used) for used in meta.find_referenced_templates(tree) if used))


def test_every_topic_has_its_folder_and_no_other_folder_is_there() -> None:
    assert {folder.name for folder in TEMPLATES.iterdir() if folder.is_dir()} == set(TOPICS)


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_a_topic_is_complete_in_both_languages(topic: str) -> None:
    for language in LANGUAGES:
        assert sorted(p.name for p in (TEMPLATES / topic / language).iterdir()) == sorted(PARTS)
    assert {p.name for p in (TEMPLATES / topic).iterdir()} == set(LANGUAGES)


def test_what_topics_have_in_common_is_there_in_both_languages() -> None:
    stems = {
        language: {p.name.replace(f".{language}.", ".") for p in FAMILIES if f".{language}." in p.name}
        for language in LANGUAGES
    }
    assert len(FAMILIES) == sum(len(names) for names in stems.values())
    assert stems["it"] == stems["en"]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_both_languages_use_the_same_variables(topic: str, part: str) -> None:
    italian, english = (variables(f"{topic}/{language}/{part}") for language in LANGUAGES)
    assert italian == english


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_text_and_html_say_the_same(topic: str, language: str) -> None:
    text, html = (variables(f"{topic}/{language}/body.{kind}") for kind in ("txt", "html"))
    assert text ^ html <= {"logo", "language"}  # of the layout


@pytest.mark.parametrize("path", sorted(str(p.relative_to(TEMPLATES)) for p in TEMPLATES.rglob("*.html")))
def test_nothing_is_fetched_from_elsewhere_and_nothing_but_the_logo_is_a_picture(path: str) -> None:
    source = (TEMPLATES / path).read_text().replace('<img class="logo" src="{{ logo }}" alt="{{ network }}"', "")
    assert not re.search(r"<(img|script|iframe|link|table)\b|url\(|@import|https?:", source)


def test_the_layout_names_its_language_and_fits_a_phone() -> None:
    layout = (TEMPLATES / "layout.html").read_text()
    assert '<html lang="{{ language }}"' in layout
    assert 'name="viewport"' in layout
    assert "<main>" in layout
    assert "<h1>" in layout


@pytest.mark.parametrize("path", sorted(str(p.relative_to(TEMPLATES)) for p in TEMPLATES.rglob("subject.txt")))
def test_a_subject_is_one_line(path: str) -> None:
    assert len((TEMPLATES / path).read_text().splitlines()) == 1


@pytest.mark.parametrize("path", sorted(str(p.relative_to(TEMPLATES)) for p in (*TEMPLATES.rglob("body.*"), *FAMILIES)))
def test_no_line_runs_into_the_next_one(path: str) -> None:
    """A line break right after a block is taken away: a block ends a line only when the line is a block alone."""
    for line in (TEMPLATES / path).read_text().splitlines():
        alone = re.fullmatch(r"\{%[^%]*%\}", line) or line.startswith("{% block title %}")
        assert alone or not line.endswith("%}"), line


def test_a_missing_variable_is_an_error_and_not_a_gap() -> None:
    with pytest.raises(jinja2.UndefinedError):
        ENVIRONMENT.get_template("sign-in/it/body.txt").render(language="it", given_name="Maria")


def test_what_people_are_called_is_escaped_in_html_only() -> None:
    known = {
        "language": "it",
        "given_name": "<b>Maria</b> & c",
        "network": None,
        "logo": None,
        "sender": "Trama",
        "link": "https://x",
        "expires_at": datetime(2026, 11, 22, 9, tzinfo=UTC),
        "footer": {"topic": "accesso", "owed": True, "preferences": "https://x", "unsubscribe": None},
    }
    assert "&lt;b&gt;Maria&lt;/b&gt; &amp; c" in ENVIRONMENT.get_template("sign-in/it/body.html").render(known)
    assert "<b>Maria</b> & c" in ENVIRONMENT.get_template("sign-in/it/body.txt").render(known)


def test_templates_are_shipped_with_the_slice() -> None:
    assert Path(__file__).parents[3] / "services/notify/messages/templates" == TEMPLATES
