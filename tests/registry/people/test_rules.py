from __future__ import annotations

from datetime import UTC, datetime

import pytest
from uuid_utils.compat import uuid7

from services.registry.people.rules import Person, Unfit, email_of, name_of, phone_of

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" Giulia.Serra@Comune.Lecco.IT ", "giulia.serra@comune.lecco.it"),
        ("Info@CAFFÈ.example.org", "info@caffè.example.org"),
        ("a+b@example.org", "a+b@example.org"),
    ],
)
def test_an_address_is_kept_in_one_form(typed: str, kept: str) -> None:
    assert email_of(typed) == kept


@pytest.mark.parametrize("typed", ["", "giulia", "giulia@", "@example.org", "a@b", "a b@example.org", "a@-x.org"])
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(Unfit) as refused:
        email_of(typed)
    assert refused.value.path == "/email"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("0341 123456", "+390341123456"),
        ("0341/12.34.56", "+390341123456"),
        ("347 1234567", "+393471234567"),
        ("+39 347 1234567", "+393471234567"),
        ("0039 0341 123456", "+390341123456"),
        ("+41 91 123 45 67", "+41911234567"),
    ],
)
def test_a_number_is_italian_unless_it_says_otherwise_and_keeps_its_zero(typed: str, kept: str) -> None:
    assert phone_of(typed) == kept


@pytest.mark.parametrize("typed", ["", "casa", "12", "+39 1", "0341 123456 int. 7", "9" * 30])
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(Unfit) as refused:
        phone_of(typed)
    assert refused.value.path == "/phone"


def test_a_name_typed_on_two_keyboards_is_one_name() -> None:
    assert name_of("  Nicolo\u0300   De  Luca ") == name_of("Nicolò De Luca") == "Nicolò De Luca"


def test_a_new_address_is_not_verified() -> None:
    person = Person(uuid7(), "Giulia", "Serra", email="a@example.org")
    assert person.verify_email(NOW)
    assert not person.verify_email(NOW)
    assert person.change(phone="+390341123456")
    assert person.email_verified
    assert not person.change(email="a@example.org")
    assert person.change(email="b@example.org")
    assert not person.email_verified


def test_an_erased_person_keeps_nothing_but_the_row() -> None:
    person = Person(uuid7(), "Giulia", "Serra", email="a@example.org", phone="+390341123456")
    person.verify_email(NOW)
    person.erase(NOW)
    assert (person.name, person.email, person.phone, person.email_verified) == ("", None, None, False)
