"""Interlocutors as plain functions: the 21 institutions, and a log that is only appended to."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from services.registry.interlocutors.rules import (
    Channel,
    Contact,
    Interlocutor,
    NotYetHappened,
    Office,
    Uncorrectable,
    UnknownInstitution,
    institution_of,
    institutions,
    log,
    of_region,
)

TODAY = date(2024, 10, 2)


def interlocutor() -> Interlocutor:
    return Interlocutor(uuid7(), "03", "03", Office.PRESIDENT, date(2024, 9, 12))


def contact(held: Interlocutor, on: date = TODAY, corrects: Contact | None = None) -> Contact:
    return Contact(held.id, on, Channel.LETTER, "Lettera", TODAY, corrects_id=corrects.id if corrects else None)


def test_there_are_21_institutions_for_20_regions() -> None:
    found = institutions()
    assert len(found) == 21
    assert len({institution.region for institution in found.values()}) == 20


def test_trento_and_bolzano_stand_for_trentino_alto_adige() -> None:
    assert of_region("04") == ["021", "022"]
    assert [institution_of(code).name for code in of_region("04")] == ["Bolzano", "Trento"]
    assert {institution_of(code).kind for code in of_region("04")} == {"autonomous_province"}
    with pytest.raises(UnknownInstitution):
        institution_of("04")


def test_every_other_region_stands_for_itself() -> None:
    assert of_region("03") == ["03"]
    assert (institution_of("02").name, institution_of("02").kind) == ("Valle d'Aosta", "region")


@pytest.mark.parametrize("code", ["", "3", "21", "023", "E507", "Lombardia"])
def test_nothing_else_is_an_institution(code: str) -> None:
    with pytest.raises(UnknownInstitution):
        institution_of(code)


def test_the_last_contact_is_the_latest_day_whatever_the_order_of_the_entries() -> None:
    held = interlocutor()
    later = log(held, contact(held, TODAY), [])
    log(held, contact(held, TODAY - timedelta(days=9)), [later])
    assert (held.contacts, held.last_contact_on) == (2, TODAY)


def test_a_contact_of_tomorrow_is_refused_and_changes_nothing() -> None:
    held = interlocutor()
    with pytest.raises(NotYetHappened):
        log(held, contact(held, TODAY + timedelta(days=1)), [])
    assert (held.contacts, held.last_contact_on) == (0, None)


def test_a_corrected_entry_counts_no_longer() -> None:
    held = interlocutor()
    wrong = log(held, contact(held, TODAY), [])
    log(held, contact(held, TODAY - timedelta(days=3), wrong), [wrong])
    assert (held.contacts, held.last_contact_on) == (1, TODAY - timedelta(days=3))


def test_an_entry_is_corrected_once_then_its_correction_is() -> None:
    held = interlocutor()
    wrong = log(held, contact(held), [])
    better = log(held, contact(held, TODAY, wrong), [wrong])
    with pytest.raises(Uncorrectable):
        log(held, contact(held, TODAY, wrong), [wrong, better])
    log(held, contact(held, TODAY, better), [wrong, better])
    assert held.contacts == 1


def test_an_entry_of_another_log_cannot_be_corrected_here_nor_itself() -> None:
    held, other = interlocutor(), interlocutor()
    foreign, own = contact(other), contact(held)
    with pytest.raises(Uncorrectable):
        log(held, contact(held, TODAY, foreign), [own])
    own.corrects_id = own.id
    with pytest.raises(Uncorrectable):
        log(held, own, [])


@given(st.lists(st.tuples(st.integers(0, 400), st.none() | st.integers(0, 12)), max_size=12))
def test_the_figures_are_those_of_the_entries_that_nobody_corrected(script: list[tuple[int, int | None]]) -> None:
    held = interlocutor()
    entries: list[Contact] = []
    for days, which in script:
        corrected = entries[which] if which is not None and which < len(entries) else None
        try:
            entries.append(log(held, contact(held, TODAY - timedelta(days=days), corrected), entries))
        except Uncorrectable:
            continue
    gone = {entry.corrects_id for entry in entries}
    valid = [entry.happened_on for entry in entries if entry.id not in gone]
    assert (held.contacts, held.last_contact_on) == (len(valid), max(valid, default=None))
    assert bool(entries) == bool(valid)  # a correction takes the place of one entry, so something always counts
