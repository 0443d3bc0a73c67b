"""What a status means, what an address says, when a mailbox is mailed no more."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.bounces import rules
from services.notify.bounces.rules import SOFT_MOST, Kind, Named, Reason

KEY, OTHER = b"k" * 32, b"o" * 32
DOMAIN = "reply.example"


@given(st.uuids(), st.emails())
def test_an_envelopes_sender_names_its_delivery_and_address_in_any_letters(id_: UUID, to: str) -> None:
    path = rules.return_path(KEY, DOMAIN, id_, to)
    assert len(path.partition("@")[0]) <= 64
    for written in (path, path.upper(), f"<{path}>"):
        token = rules.token_of(written, DOMAIN)
        assert token is not None
        assert rules.named(KEY, token) == Named(id_, rules.print_of(KEY, to))
        assert rules.named(OTHER, token) is None


@given(st.integers(0, 49), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_token_with_another_letter_is_nobodys(place: int, letter: str) -> None:
    token = rules.token_of(rules.return_path(KEY, DOMAIN, UUID(int=7), "maria@example.org"), DOMAIN)
    assert token is not None
    changed = token[:place] + letter + token[place + 1 :]
    named = rules.named(KEY, changed)
    assert named is None or changed == token or named == rules.named(KEY, token)


@pytest.mark.parametrize(
    ("address", "token"),
    [
        ("bounces@reply.example", ""),
        ("BOUNCES@Reply.Example", ""),
        ("bounce+abc@reply.example", None),
        ("bounce@reply.example", None),
        ("bounces+x@reply.example", None),
        ("bounces@other.example", None),
        ("rsvp+" + "a" * 50 + "@reply.example", None),
        ("", None),
    ],
)
def test_other_addresses_name_nothing(address: str, token: str | None) -> None:
    assert rules.token_of(address, DOMAIN) == token
    assert rules.named(KEY, "not a token") is None


@pytest.mark.parametrize(
    ("action", "status", "kind"),
    [
        ("failed", "5.1.1", Kind.HARD),
        ("failed", "5.1.10", Kind.HARD),
        ("failed", "5.2.1", Kind.HARD),
        ("failed", "5.2.2", Kind.SOFT),
        ("failed", "5.4.4", Kind.SOFT),
        ("failed", "4.4.7", Kind.SOFT),
        ("failed", "", Kind.SOFT),
        ("failed", "5.0.0", Kind.SOFT),
        ("failed", "5.7.1", Kind.POLICY),
        ("failed", "5.6.0", Kind.POLICY),
        ("failed", "5.1.8", Kind.POLICY),
        ("failed", "5.1.7", Kind.POLICY),
        ("delayed", "4.4.1", Kind.DELAYED),
        ("delayed", "5.1.1", Kind.DELAYED),
        ("", "4.2.2", Kind.DELAYED),
        ("", "5.1.1", Kind.HARD),
        ("", "", None),
        ("delivered", "2.0.0", None),
        ("relayed", "2.0.0", None),
        ("expanded", "2.0.0", None),
    ],
)
def test_a_status_is_of_a_kind(action: str, status: str, kind: Kind | None) -> None:
    assert rules.kind_of(action, status) is kind


@pytest.mark.parametrize(
    ("given", "words", "status"),
    [
        ("5.1.1", "550 5.7.1 no", "5.1.1"),
        ("5.1.1 (bad destination mailbox)", "", "5.1.1"),
        ("5.0.0", "550 5.1.1 unknown", "5.1.1"),
        ("5.0.0", "550-5.2.2 storage", "5.2.2"),
        ("5.5.0", "smtp;550 5.5.0 Requested action not taken: mailbox unavailable", "5.1.1"),
        ("5.0.0", "dd This user doesn't have a yahoo.com account", "5.1.1"),
        ("5.0.0", "552 Mailbox is full", "5.2.2"),
        ("4.0.0", "quota exceeded", "4.0.0"),
        ("", "550 we do not like you", "5.0.0"),
        ("", "no such user", "5.1.1"),
        ("", "(#5.1.1)", "5.1.1"),
        ("", "connected to 10.5.1.1.", ""),
        ("", "host 192.5.1.1 said", ""),
        ("", "Buongiorno", ""),
    ],
)
def test_a_server_means_what_it_says_or_else_what_it_writes(given: str, words: str, status: str) -> None:
    assert rules.status_of(given, words) == status


def test_who_is_mailed_no_more() -> None:
    assert rules.suppressed_by(Kind.HARD, 0) is Reason.HARD
    assert rules.suppressed_by(Kind.COMPLAINT, 0) is Reason.COMPLAINT
    assert rules.suppressed_by(Kind.SOFT, SOFT_MOST - 1) is None
    assert rules.suppressed_by(Kind.SOFT, SOFT_MOST) is Reason.SOFT
    assert rules.suppressed_by(Kind.POLICY, SOFT_MOST) is None
    assert rules.suppressed_by(Kind.DELAYED, SOFT_MOST) is None


def test_what_is_owed_goes_to_who_complained_and_a_link_to_come_in_to_all() -> None:
    assert rules.mailed(None, owed=False, sign_in=False)
    assert rules.mailed(Reason.COMPLAINT, owed=True, sign_in=False)
    assert not rules.mailed(Reason.COMPLAINT, owed=False, sign_in=False)
    for reason in (Reason.HARD, Reason.SOFT):
        assert not rules.mailed(reason, owed=True, sign_in=False)
        assert rules.mailed(reason, owed=True, sign_in=True)


def test_of_several_reasons_the_one_that_stops_more_counts() -> None:
    assert rules.strongest([Reason.COMPLAINT, Reason.SOFT]) is Reason.SOFT
    assert rules.strongest([Reason.COMPLAINT, Reason.HARD, Reason.SOFT]) is Reason.HARD
    assert rules.strongest([]) is None
