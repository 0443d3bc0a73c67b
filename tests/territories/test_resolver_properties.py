"""What holds for every municipality and every name."""

from __future__ import annotations

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.territories import Municipality, load

ITALY = load()
municipalities = st.sampled_from(ITALY.municipalities)
siglas = st.sampled_from([p.sigla for p in ITALY.provinces])


def plain(name: str) -> str:
    """Upper case without accents, as tax files have it."""
    return "".join(c for c in unicodedata.normalize("NFKD", name.upper()) if not unicodedata.combining(c))


def test_every_name_without_accents_resolves_to_itself_in_its_province() -> None:
    for m in ITALY.municipalities:
        for name in {m.name, m.italian_name}:
            found = ITALY.resolve(plain(name), m.province)
            assert (found.municipality, found.how) == (m, "exact")


def test_every_name_resolves_to_itself_in_every_province_that_it_was_in() -> None:
    known = {p.sigla for p in ITALY.provinces} | {"CI", "FO", "PS"}
    for m in ITALY.municipalities:
        for sigla in known.intersection(m.formerly):
            found = ITALY.resolve(m.italian_name, sigla)
            # Another of that province may bear the name today, or have borne it: then it is that one, or nobody.
            assert found.municipality in (m, None) or found.how in ("exact", "former", "merged"), (m, sigla, found)


def test_without_a_province_a_name_is_itself_or_ambiguous() -> None:
    for m in ITALY.municipalities:
        found = ITALY.resolve(m.italian_name.upper())
        assert found.municipality is m or (found.reason == "ambiguous" and m in found.candidates)


@given(municipalities, st.data())
@settings(max_examples=300, deadline=None)
def test_one_lost_letter_never_leads_to_another_municipality(m: Municipality, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(m.italian_name) - 1))
    found = ITALY.resolve(m.italian_name[:at] + "?" + m.italian_name[at + 1 :], m.province)
    assert found.municipality in (m, None)


@given(st.one_of(st.text(max_size=30), municipalities.map(lambda m: m.name)), siglas)
@settings(max_examples=500, deadline=None)
def test_a_given_province_is_never_left_but_for_one_of_the_past(name: str, sigla: str) -> None:
    found = ITALY.resolve(name, sigla)
    if found.municipality and found.municipality.province != sigla:
        assert found.how in ("moved", "lost", "partial", "similar")
        assert sigla in found.municipality.formerly or found.how == "moved"


@given(st.text(max_size=40), st.one_of(st.none(), st.text(max_size=12)), st.one_of(st.none(), st.text(max_size=12)))
@settings(max_examples=500, deadline=None)
def test_no_text_breaks_it_and_no_answer_is_without_a_choice_or_a_reason(
    name: str, province: str | None, region: str | None
) -> None:
    found = ITALY.resolve(name, province, region)
    assert (found.municipality is None) == (found.how == "none") == bool(found.reason)
    assert ITALY.resolve(name, province, region) == found


@given(municipalities, st.data())
@settings(max_examples=200, deadline=None)
def test_what_is_only_similar_says_so(m: Municipality, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(m.italian_name) - 1))
    found = ITALY.resolve(m.italian_name[:at] + "X" + m.italian_name[at:], m.province)
    if found.municipality is not None and found.municipality is not m:
        assert found.how != "lost"
    if found.how == "similar":
        assert not found.certain
