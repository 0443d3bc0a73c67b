"""What a webhook is told, where it may be, when it is tried again: without a database."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.webhooks import rules
from services.notify.webhooks.rules import (
    AddressUnfit,
    Answer,
    Endpoint,
    Lane,
    MessageState,
    Outcome,
    Reason,
    Told,
    TypeUnknown,
)

AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
HOUR, PATIENCE = timedelta(hours=1), timedelta(seconds=0.25)
GOOD = Answer(Outcome.DELIVERED, AT, 20, 200)


def failed(at: datetime = AT, outcome: Outcome = Outcome.REFUSED, **more: object) -> Answer:
    return Answer(outcome, at, 20, 503, **more)  # type: ignore[arg-type]


def test_the_ten_tries_come_after_the_delays_of_the_standard_and_then_it_is_given_up() -> None:
    at, instants = AT, [AT]
    for tries in range(1, 10):
        found = rules.verdict(failed(at), tries, 0)
        assert found.state is MessageState.QUEUED
        assert found.next_try is not None
        instants.append(at := found.next_try)
    assert [(b - a) / timedelta(seconds=1) for a, b in pairwise(instants)] == [
        5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400
    ]  # fmt: skip
    assert rules.verdict(failed(at), 10, 0).state is MessageState.FAILED
    assert rules.verdict(GOOD, 3, 0).state is MessageState.DELIVERED


@given(st.integers(1, 9), st.integers(0, 1 << 128))
def test_jitter_is_never_shorter_than_the_delay_nor_longer_than_a_tenth(tries: int, seed: int) -> None:
    found = rules.verdict(failed(), tries, seed).next_try
    assert found is not None
    delay = rules.DELAYS[tries - 1]
    assert delay <= found - AT < delay * 1.1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("Sun, 22 Nov 2026 09:10:00 GMT", 600),
        ("999999999", 86400),
        ("Sun, 22 Nov 2026 08:00:00 GMT", None),
        ("0", None),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("1e9", None),
        ("Sun, 22 Nov 2026 09:10:00", None),
        (None, None),
    ],
)
def test_what_the_endpoint_asks_for_is_waited_for_up_to_a_day(header: str | None, seconds: int | None) -> None:
    assert rules.retry_after(header, AT) == (None if seconds is None else timedelta(seconds=seconds))


def test_a_try_waits_for_what_was_asked_when_it_is_longer_than_the_schedule() -> None:
    assert rules.verdict(failed(retry_after=HOUR), 1, 0).next_try == AT + HOUR
    assert rules.verdict(failed(retry_after=timedelta(seconds=2)), 1, 0).next_try == AT + timedelta(seconds=5)


def test_the_breaker_opens_at_the_fifth_failure_for_longer_each_time_and_one_success_closes_it() -> None:
    lane, pauses = Lane(), []
    for _ in range(14):
        lane = lane.after(failed(), PATIENCE)
        pauses.append(None if lane.open_until is None else (lane.open_until - AT) / timedelta(seconds=1))
    assert pauses == [None] * 4 + [30, 60, 120, 240, 480, 960, 1800, 1800, 1800, 1800]
    assert lane.suspect
    assert lane.after(GOOD, PATIENCE) == Lane()
    slow = Answer(Outcome.DELIVERED, AT, 250, 200)
    assert lane.after(slow, PATIENCE) == Lane(suspect=True)
    assert Lane().after(failed(retry_after=HOUR), PATIENCE).open_until == AT + HOUR


def test_an_endpoint_is_given_up_after_five_days_of_failure_or_at_once_when_it_is_gone() -> None:
    lane = Lane().after(failed(), PATIENCE)
    assert lane.given_up(failed()) is None
    later = failed(AT + timedelta(days=5) - timedelta(seconds=1))
    assert lane.after(later, PATIENCE).given_up(later) is None
    last = failed(AT + timedelta(days=5))
    assert lane.after(last, PATIENCE).given_up(last) is Reason.FAILING
    assert Lane().given_up(failed(outcome=Outcome.GONE)) is Reason.GONE
    assert rules.verdict(failed(outcome=Outcome.GONE), 1, 0).state is MessageState.FAILED
    again = lane.after(GOOD, PATIENCE).after(last, PATIENCE)
    assert again.given_up(last) is None


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "delivered"), (204, "delivered"), (299, "delivered"), (300, "redirected"), (302, "redirected"),
        (400, "refused"), (404, "refused"), (410, "gone"), (429, "refused"), (500, "refused"), (199, "refused"),
    ],
)  # fmt: skip
def test_only_2xx_is_a_delivery(status: int, outcome: str) -> None:
    assert rules.outcome_of(status) == outcome


# --- which facts


def test_patterns_are_whole_words_and_match_something_that_may_be_told() -> None:
    assert rules.patterns(["events.meeting.*", "events.meeting.*"]) == ["events.meeting.*"]
    told = rules.matching(("events.meeting.*",))
    assert {"events.meeting.convened", "events.meeting.cancelled"} <= told
    assert all(name.startswith("events.meeting.") for name in told)
    assert rules.matching(("*.*.*",)) == set(rules.TELLABLE)
    assert rules.matching(("registry.mandate.ended", "events.*.convened")) == {
        "registry.mandate.ended",
        "events.meeting.convened",
    }


@pytest.mark.parametrize(
    "pattern",
    ["", "*", "events.*", "events.meet*.convened", "events.meeting.convened.v1", "events.meeting.eaten",
     "registry.person.*", "registry.person.registered", "registry.api_key.issued", "registry.grant.changed",
     "registry.organisation.*", "notify.delivery.*", "events.meeting.*\n", "EVENTS.MEETING.*"],
)  # fmt: skip
def test_other_patterns_are_refused_by_their_place(pattern: str) -> None:
    with pytest.raises(TypeUnknown) as refused:
        rules.patterns(["events.meeting.*", pattern])
    assert refused.value.path == "/types/1"


def test_nothing_of_a_person_may_be_told() -> None:
    assert not [name for name in rules.TELLABLE if name.startswith(("registry.person", "registry.grant"))]
    assert len(rules.TELLABLE) > 100


# --- where


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://partner.example/hook?a=1", "https://partner.example/hook?a=1"),
        ("https://Partner.EXAMPLE", "https://partner.example/"),
        ("https://comunità.example:8443/x", "https://xn--comunit-fwa.example:8443/x"),
        ("https://partner.example.:443/", "https://partner.example:443/"),
        ("https://8.8.8.8/x", "https://8.8.8.8/x"),
        ("https://[2606:4700::1111]/x", "https://[2606:4700::1111]/x"),
    ],
)
def test_a_public_address_is_kept_in_one_form(url: str, kept: str) -> None:
    assert rules.address(url, insecure=False) == kept


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://partner.example/", "scheme"), ("ftp://partner.example/", "scheme"), ("partner.example", "scheme"),
        ("https://user@partner.example/", "form"), ("https://user:pass@partner.example/", "form"),
        ("https://partner.example/#x", "form"), ("https://partner.example/a b", "form"),
        ("https://partner.example/à", "form"), ("https://partner.example\\@evil.example/", "form"),
        ("https://partner.example:22/", "port"), ("https://partner.example:99999/", "form"),
        ("https:///x", "host"), ("https://localhost/", "host"), ("https://db.internal/", "host"),
        ("https://intranet/", "host"), ("https://127.0.0.1/", "host"), ("https://127.1/", "host"),
        ("https://2130706433/", "host"), ("https://0x7f000001/", "host"), ("https://0177.0.0.1/", "host"),
        ("https://10.0.0.1/", "host"), ("https://[::1]/", "host"), ("https://[fe80::1%25eth0]/", "host"),
        ("https://[::ffff:10.0.0.1]/", "host"), ("https://169.254.169.254/latest/meta-data", "host"),
        ("https://①②⑦.⓪.⓪.①/", "host"), ("https://a..b.example/", "host"),
        ("https://" + "a" * 64 + ".example/", "host"),
        ("https://partner.example/" + "a" * 2000, "too_long"), ("https://[::1/", "form"),
        ("https://a\x00b.example/", "form"), ("https://partner.example/\r\nX-Header: 1", "form"),
        ("https://part\tner.example/", "form"), ("https://[3fff::1]/", "host"),
    ],
)  # fmt: skip
def test_another_address_is_refused_with_the_reason(url: str, code: str) -> None:
    with pytest.raises(AddressUnfit) as refused:
        rules.address(url, insecure=False)
    assert refused.value.code == code


def test_the_local_profile_takes_http_and_this_machine_but_never_metadata() -> None:
    assert rules.address("http://127.0.0.1:8123/x", insecure=True) == "http://127.0.0.1:8123/x"
    assert rules.address("http://localhost:80/", insecure=True) == "http://localhost:80/"
    with pytest.raises(AddressUnfit):
        rules.address("http://169.254.169.254/", insecure=True)


PUBLIC = ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
PRIVATE = ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "::1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1"]
NEVER = [
    "0.0.0.0", "::", "169.254.169.254", "fe80::1", "224.0.0.1", "ff02::1", "100.64.0.1", "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe", "255.255.255.255", "240.0.0.1",
]  # fmt: skip
ODD = ["64:ff9b:1::1", "2002:7f00:1::", "2001:0:1::1", "192.88.99.1", "fec0::1", "::7f00:1", "198.18.0.1", "192.0.0.1"]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_reached(address: str) -> None:
    assert rules.reachable(ip_address(address))


@pytest.mark.parametrize("address", PRIVATE + NEVER + ODD)
def test_no_other_address_is_reached_in_whatever_form(address: str) -> None:
    assert not rules.reachable(ip_address(address))


def test_the_local_profile_reaches_this_machine_and_private_networks_alone() -> None:
    assert all(rules.reachable(ip_address(address), private=True) for address in PRIVATE)
    assert not any(rules.reachable(ip_address(address), private=True) for address in NEVER)


# --- what


def told(**body: object) -> Told:
    known = {"id": str(UUID(int=5)), "version": 3, "title": "Assemblea"}
    return Told(UUID(int=9), "events.meeting.convened", f"events.meeting.{UUID(int=5)}.convened", 3, UUID(int=1),
                UUID(int=2), AT, {**known, **body})  # fmt: skip


def test_the_message_is_the_fact_with_whose_it_is_and_what_it_followed_from() -> None:
    assert json.loads(rules.payload(told())) == {
        "type": "events.meeting.convened",
        "timestamp": "2026-11-22T09:00:00Z",
        "data": {"id": str(UUID(int=5)), "version": 3, "title": "Assemblea"},
        "network": str(UUID(int=1)),
        "subject": f"events.meeting.{UUID(int=5)}.convened",
        "version": 3,
        "correlation": str(UUID(int=2)),
    }


def test_a_fact_that_does_not_fit_is_told_by_its_id() -> None:
    small = rules.payload(told(text="x" * 64_000))
    assert len(small) < rules.LARGEST_BODY
    assert json.loads(small)["data"]["text"]
    content = json.loads(rules.payload(told(text="x" * 65_300)))
    assert content["data"] == {"id": str(UUID(int=5)), "version": 3, "too_large": True}


def test_of_an_answer_what_can_be_printed_is_kept() -> None:
    assert rules.printable(b"no\r\n\x00\x1b[31m\xff such\tthing") == "no [31m\ufffd such thing"
    assert len(rules.printable(b"x" * 9000)) == rules.ANSWER_KEPT


# --- the endpoint


def endpoint() -> Endpoint:
    return Endpoint(UUID(int=1), "Sito", "https://partner.example/", ["events.meeting.*"], b"first", AT)


def test_after_a_rotation_both_secrets_sign_for_as_long_as_was_said() -> None:
    one = endpoint()
    one.rotate(b"second", AT, HOUR)
    assert (one.secret, one.previous, one.previous_until) == (b"second", b"first", AT + HOUR)
    one.rotate(b"third", AT, timedelta())
    assert (one.secret, one.previous, one.previous_until) == (b"third", None, None)


def test_a_disabled_endpoint_is_resumed_by_its_owner_and_an_active_one_is_not() -> None:
    one = endpoint()
    with pytest.raises(rules.WrongState):
        one.resume(AT)
    one.disable(Reason.FAILING, AT)
    with pytest.raises(rules.WrongState):
        one.pause(AT)
    assert "resume" in one.actions()
    one.resume(AT)
    assert (one.state, one.reason) == (rules.State.ACTIVE, None)
    assert "pause" in one.actions()
