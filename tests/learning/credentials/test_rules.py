"""How long a credential holds, and the bits and drawings made of it."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openbadgeslib.ob3.status import decode_encoded_list
from uuid_utils.compat import uuid7

from services.learning.credentials.badges import BITS, Issuer, bitstring, drawing, ends, status_entry
from services.learning.credentials.rules import (
    Achievement,
    Credential,
    Retired,
    RevokedAlready,
    Standing,
    give,
    later,
)
from services.learning.settings import Settings
from shared.access import jwks
from shared.runtime.settings import SettingsError

NOW = datetime(2026, 3, 12, 10, tzinfo=UTC)


def what(months: int | None = None) -> Achievement:
    return Achievement(uuid7(), "Titolo", "Testo", "Criterio", months)


@pytest.mark.parametrize(
    ("on", "months", "then"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 3, 12), 24, date(2028, 3, 12)),
    ],
)
def test_months_later_is_the_same_day_or_the_last_that_the_month_has(on: date, months: int, then: date) -> None:
    assert later(on, months) == then


def test_the_last_day_is_still_good() -> None:
    one = give(what(1), uuid7(), NOW, date(2026, 3, 12), reason="r", by=None)
    assert one.expires_on == date(2026, 4, 12)
    assert one.standing(date(2026, 4, 12)) is Standing.VALID
    assert one.standing(date(2026, 4, 13)) is Standing.EXPIRED
    assert ends(one) == datetime(2026, 4, 12, 22, tzinfo=UTC)  # midnight in Italy, in summer
    assert give(what(), uuid7(), NOW, date(2026, 3, 12), reason="r", by=None).expires_on is None


def test_what_is_revoked_is_revoked_whenever_it_would_expire_and_once() -> None:
    one = give(what(1), uuid7(), NOW, date(2026, 3, 12), reason="r", by=None)
    one.revoke(date(2026, 3, 13), "errore", None)
    assert one.standing(date(2030, 1, 1)) is Standing.REVOKED
    with pytest.raises(RevokedAlready):
        one.revoke(date(2026, 3, 14), "ancora", None)


def test_what_is_retired_is_given_to_nobody() -> None:
    retired = what()
    retired.retire(date(2026, 1, 1))
    with pytest.raises(Retired):
        give(retired, uuid7(), NOW, date(2026, 3, 12), reason="r", by=None)


@settings(max_examples=15)
@given(st.sets(st.integers(0, BITS - 1), max_size=50))
def test_the_bits_of_a_status_list_are_the_places_given_and_no_others(places: set[int]) -> None:
    encoded = bitstring(places)
    assert gzip.decompress(base64.urlsafe_b64decode(encoded[1:] + "=" * (-len(encoded[1:]) % 4)))
    bits = decode_encoded_list(encoded)
    assert len(bits) * 8 == BITS
    assert {at for at in range(BITS) if bits[at // 8] & (0x80 >> at % 8)} == places if places else not any(bits)


def test_a_place_beyond_a_list_is_in_the_next_one() -> None:
    issuer = Issuer("https://trama.example/learning/v1", uuid7(), "Rete")
    entry = status_entry(issuer, BITS + 3)
    assert (entry["statusListIndex"], entry["statusListCredential"][-2:]) == ("3", "/1")


@given(st.text(min_size=1, max_size=200), st.text(min_size=1, max_size=80))
def test_whatever_is_written_is_text_in_the_drawing(title: str, network: str) -> None:
    drawn = drawing(title, network)
    if title.isprintable() and network.isprintable():
        tags = {one.tag.rpartition("}")[2] for one in ElementTree.fromstring(drawn).iter()}
        assert tags <= {"svg", "circle", "path", "text"}
    assert "<script" not in drawn


def test_credentials_have_addresses_that_nobody_guesses() -> None:
    codes = {Credential(uuid7(), uuid7(), uuid7(), NOW, date(2026, 1, 1)).code for _ in range(100)}
    assert len(codes) == 100
    assert min(len(code) for code in codes) >= 22


def test_without_a_private_key_of_the_right_kind_learning_does_not_start_and_says_which_variable(
    tmp_path: Path,
) -> None:
    env = {"TRAMA_DATABASE_URL": "postgresql://x", "TRAMA_NATS_URL": "nats://x"}
    with pytest.raises(SettingsError, match="TRAMA_BADGE_KEY_FILE"):
        Settings.load(env)
    public = tmp_path / "public.json"
    public.write_text(json.dumps(jwks.new_key().as_dict(private=False)))
    for bad in (public, tmp_path / "missing.json"):
        with pytest.raises(SettingsError, match="TRAMA_BADGE_KEY_FILE"):
            Settings.load({**env, "TRAMA_BADGE_KEY_FILE": str(bad)})
