from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from services.registry.api_keys import rules
from services.registry.api_keys.rules import (
    ApiKey,
    PastExpiry,
    Revoked,
    ScopeTooWide,
    UnfitOrigin,
    UnfitScope,
    check,
)
from services.registry.policy import Right
from shared.messaging import topology

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)


def key(**given: Any) -> ApiKey:
    return ApiKey(uuid7(), "Sito", "h1", **{"scopes": ["mapping:*"], **given})


def test_the_services_that_scopes_name_are_the_services() -> None:
    assert rules.SERVICES == topology.SERVICES


@pytest.mark.parametrize("scope", ["registry:read_people", "registry:*", "mapping:see_map", "notify:*"])
def test_a_scope_is_a_right_of_a_service_or_all_of_them(scope: str) -> None:
    check(key(scopes=[scope]), lambda _: True, NOW)


@pytest.mark.parametrize("scope", ["", "*", "registry", "registry:", "registry:fly", "other:*", "mapping: *"])
def test_an_unknown_scope_is_refused_with_its_place(scope: str) -> None:
    with pytest.raises(UnfitScope) as refused:
        check(key(scopes=["mapping:*", scope]), lambda _: True, NOW)
    assert refused.value.path == "/scopes/1"


def test_nobody_gives_a_key_more_than_they_have() -> None:
    def reader(right: Right) -> bool:
        return right is Right.READ_PEOPLE

    check(key(scopes=["registry:read_people"]), reader, NOW)
    for scope in ("registry:write_people", "registry:*"):
        with pytest.raises(ScopeTooWide):
            check(key(scopes=[scope]), reader, NOW)


@pytest.mark.parametrize(
    "origin", ["https://www.example.org", "https://example.org:8443", "http://localhost:3000", "http://127.0.0.1"]
)
def test_an_origin_is_what_a_browser_sends(origin: str) -> None:
    check(key(origins=[origin]), lambda _: True, NOW)


@pytest.mark.parametrize(
    "origin", ["*", "example.org", "https://example.org/", "https://EXAMPLE.org", "http://example.org", "null"]
)
def test_what_no_browser_sends_is_refused(origin: str) -> None:
    with pytest.raises(UnfitOrigin):
        check(key(origins=[origin]), lambda _: True, NOW)


def test_a_key_expires_in_the_future() -> None:
    check(key(expires_at=NOW + timedelta(seconds=1)), lambda _: True, NOW)
    with pytest.raises(PastExpiry):
        check(key(expires_at=NOW), lambda _: True, NOW)


def test_a_rotation_keeps_the_secret_in_force_for_the_grace_time_and_no_older_one() -> None:
    rotated = key()
    rotated.rotate("h2", timedelta(hours=1), NOW)
    assert (rotated.secret_sha256, rotated.previous_sha256, rotated.previous_until) == (
        "h2",
        "h1",
        NOW + timedelta(hours=1),
    )
    rotated.rotate("h3", timedelta(0), NOW)
    assert (rotated.secret_sha256, rotated.previous_sha256, rotated.previous_until) == ("h3", None, None)


def test_a_revoked_key_stays_revoked() -> None:
    revoked = key()
    revoked.revoke(NOW)
    assert revoked.actions() == []
    with pytest.raises(Revoked):
        revoked.rotate("h2", timedelta(0), NOW)
    with pytest.raises(Revoked):
        revoked.revoke(NOW)
