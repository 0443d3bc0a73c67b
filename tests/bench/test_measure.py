"""The bench's own arithmetic and plots; the figures themselves are `make bench`."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.bench import importing, load
from tests.bench.measure import Check, Figure, Series, in_turns, percentile, ratio
from tests.bench.svg import plot


async def test_turns_alternate_so_that_none_always_comes_after_the_same() -> None:
    done: list[str] = []

    async def measure(name: str) -> float:
        done.append(name)
        return float(len(done))

    series = await in_turns({"a": lambda: measure("a"), "b": lambda: measure("b")}, 3)
    assert done == ["a", "b", "b", "a", "a", "b"]
    assert series["a"].values == [1, 4, 5]


def test_a_ratio_pairs_the_turns_and_takes_the_middle_one() -> None:
    assert ratio(Series("product", [10, 50, 30]), Series("floor", [10, 100, 100])) == 0.5


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1)])
def test_a_percentile_is_the_value_that_so_many_do_not_exceed(share: float, expected: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == expected


@pytest.mark.parametrize(
    ("value", "sense", "holds"),
    [(0.6, "at least", True), (0.59, "at least", False), (2, "at most", True), (2.1, "at most", False)],
)
def test_a_bar_holds_on_its_own_side(value: float, sense: str, *, holds: bool) -> None:
    bar = 0.6 if sense == "at least" else 2
    assert Check("", value, bar, sense).holds is holds  # type: ignore[arg-type]


def test_a_plot_is_well_formed_and_says_its_figures_in_words() -> None:
    figure = Figure("k", "A & B", "facts/s", [Series("relay <ours>", [1200.0, 1300.0]), Series("raw", [2000.0])])
    root = ElementTree.fromstring(plot(figure))
    name = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{name}rect")) == 2
    assert root.findtext(f"{name}desc") == "relay <ours>: 1,250 facts/s; raw: 2,000 facts/s"


@pytest.mark.parametrize(
    ("answer", "whole"),
    [
        (b"HTTP/1.1 200 OK\r\n", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
    ],
)
def test_an_answer_is_whole_when_its_body_is_there(answer: bytes, *, whole: bool) -> None:
    assert load.whole(answer) is whole


def test_a_made_file_has_valid_tax_codes() -> None:
    codes = [line.split(";")[1].strip("'") for line in importing.made(20).decode().splitlines()[1:]]
    for code in codes:
        digits = list(map(int, code))
        doubled = sum(sum(divmod(2 * d, 10)) for d in digits[1:10:2])
        assert (sum(digits[0:10:2]) + doubled + digits[10]) % 10 == 0
    assert len(set(codes)) == 20
