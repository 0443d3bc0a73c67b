"""Counting whom a page reaches, without following anybody; without a database."""

from __future__ import annotations

import random
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from services.learning.campaigns.reach import (
    REGISTERS,
    Counted,
    add,
    estimate,
    hashed,
    is_read_by_a_person,
    merged,
    subscriber,
)

BROWSER = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36"}
TODAY = date(2026, 3, 1)
HASHES = st.integers(min_value=0, max_value=2**64 - 1)


def sketch(*values: int) -> bytes:
    made = bytearray(REGISTERS)
    for value in values:
        add(made, value)
    return bytes(made)


@pytest.mark.parametrize("n", [0, 1, 7, 60, 1_000, 20_000, 200_000])
def test_the_estimate_is_near_what_was_counted(n: int) -> None:
    values = random.Random(n)
    found = estimate(sketch(*(values.getrandbits(64) for _ in range(n))))
    assert abs(found - n) <= max(0.05 * n, 1 if n > 50 else 0)


@given(st.lists(HASHES), st.lists(HASHES))
def test_what_is_counted_apart_is_counted_once_together(one: list[int], other: list[int]) -> None:
    together = sketch(*one, *other)
    assert merged(sketch(*one), sketch(*other)) == together
    assert merged(together, sketch(*one)) == together
    assert sketch(*reversed(one), *one) == sketch(*one)


def test_a_line_of_ipv6_is_one_subscriber_and_neighbours_are_not() -> None:
    assert subscriber("2001:db8:1:2::3") == subscriber("2001:db8:1:ffff::9")
    assert subscriber("2001:db8:1::1") != subscriber("2001:db8:2::1")
    assert subscriber("::ffff:192.0.2.1") == subscriber("192.0.2.1") != subscriber("192.0.2.2")
    assert subscriber("fe80::1%eth0") == subscriber("fe80::1")
    assert subscriber("unknown") == b"unknown"


def test_an_address_leaves_another_mark_on_each_page_and_day() -> None:
    salt, page = b"s" * 16, uuid7()
    mark = hashed(salt, "192.0.2.1", page)
    assert mark == hashed(salt, "192.0.2.1", page)
    assert len({mark, hashed(b"t" * 16, "192.0.2.1", page), hashed(salt, "192.0.2.1", uuid7())}) == 3
    assert 0 <= mark < 2**64


@pytest.mark.parametrize(
    ("method", "more", "read"),
    [
        ("GET", {}, True),
        ("HEAD", {}, False),
        ("GET", {"sec-purpose": "prefetch;prerender"}, False),
        ("GET", {"purpose": "prefetch"}, False),
        ("GET", {"x-purpose": "preview"}, False),
        ("GET", {"x-moz": "prefetch"}, False),
        ("GET", {"user-agent": ""}, False),
        ("GET", {"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}, False),
        ("GET", {"user-agent": "WhatsApp/2.24.10"}, False),
        ("GET", {"user-agent": "curl/8.5.0"}, False),
        ("GET", {"user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Safari/604.1"}, True),
        ("GET", {"user-agent": "Mozilla/5.0 (Linux; Android 14; CUBOT X70) Chrome/126.0 Mobile Safari/537.36"}, True),
    ],
)
def test_programs_and_what_is_fetched_ahead_are_not_counted(method: str, more: dict[str, str], read: bool) -> None:
    assert is_read_by_a_person(method, {**BROWSER, **more}) is read


def test_one_client_moves_a_figure_by_one_and_two_pages_make_one_visit_of_a_campaign() -> None:
    counted, campaign, first, second = Counted(), uuid7(), uuid7(), uuid7()
    for _ in range(1_000):
        counted.count(b"s" * 16, "192.0.2.1", campaign, TODAY, first)
    counted.count(b"s" * 16, "192.0.2.1", campaign, TODAY, second)
    counted.count(b"s" * 16, "192.0.2.2", campaign, TODAY, second)
    figures = {key[2]: estimate(held) for key, held in counted.sketches.items()}
    assert figures == {first: 1, second: 2, campaign: 2}


def test_what_could_not_be_written_is_kept_with_what_came_meanwhile() -> None:
    counted, campaign, page = Counted(), uuid7(), uuid7()
    counted.count(b"s" * 16, "192.0.2.1", campaign, TODAY, page)
    taken = counted.take()
    assert counted.sketches == {}
    counted.count(b"s" * 16, "192.0.2.2", campaign, TODAY, page)
    counted.put_back(taken)
    assert estimate(counted.sketches[campaign, TODAY, page]) == 2
