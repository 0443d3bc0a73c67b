"""Lists: every row once, in order, whatever the page size; filters that exist; CSV that no spreadsheet runs."""

from __future__ import annotations

import base64
import csv
import io
import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.runtime.csv import cell
from tests.harness import Running
from tests.runtime.test_edge import THINGS, kind, made

SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def walk(running: Running, by: dict[str, str], limit: int) -> list[list[dict[str, Any]]]:
    pages, after = [], None
    while True:
        query = {"limit": limit, **({"after": after} if after else {})}
        answer = await running.client.get(THINGS, params=query, headers=by)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json()["items"])
        after = answer.json()["next"]
        if after is None:
            return pages


@pytest.fixture
async def seven(running: Running, secretary: dict[str, str], network: UUID) -> list[str]:
    """Seven things, three of them of the same weight."""
    return [(await made(running, secretary, f"t{n}", weight=w))["id"] for n, w in enumerate([5, 1, 1, 9, 1, 3, 7])]


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8, 200])
async def test_pages_of_any_size_give_every_item_once_in_order(
    running: Running, secretary: dict[str, str], seven: list[str], limit: int
) -> None:
    pages = await walk(running, secretary, limit)
    items = [item for page in pages for item in page]
    assert sorted(i["id"] for i in items) == sorted(seven)
    assert items == sorted(items, key=lambda i: (i["weight"], UUID(i["id"])))
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert 0 < len(pages[-1]) <= limit


async def test_what_is_added_before_the_cursor_moves_nothing(
    running: Running, secretary: dict[str, str], seven: list[str]
) -> None:
    first = await running.client.get(THINGS, params={"limit": 3}, headers=secretary)
    await made(running, secretary, "new", weight=0)
    rest = await running.client.get(THINGS, params={"after": first.json()["next"]}, headers=secretary)
    assert {i["id"] for i in first.json()["items"] + rest.json()["items"]} == set(seven)


@given(
    st.one_of(
        st.text(min_size=1, max_size=60),
        st.binary(min_size=1, max_size=40).map(lambda b: base64.urlsafe_b64encode(b).decode()),
    )
)
@SLOW
async def test_a_cursor_that_is_none_of_ours_is_refused(
    running: Running, secretary: dict[str, str], cursor: str
) -> None:
    answer = await running.client.get(THINGS, params={"after": cursor}, headers=secretary)
    assert answer.status_code == 422


async def test_a_cursor_of_another_order_or_shape_is_refused(
    running: Running, secretary: dict[str, str], seven: list[str]
) -> None:
    cursor = (await running.client.get(THINGS, params={"limit": 1}, headers=secretary)).json()["next"]
    order, weight, id_ = json.loads(base64.urlsafe_b64decode(cursor + "=="))
    forgeries: list[Any] = [[order + 1, weight, id_], [order, "x", id_], [order, True, id_], [order, 1 << 70, id_]]
    for values in [*forgeries, [order, 1], {}, 3]:
        forged = base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")
        answer = await running.client.get(THINGS, params={"after": forged}, headers=secretary)
        assert (answer.status_code, kind(answer)) == (422, "invalid"), values
        assert answer.json()["errors"][0]["path"] == "?after"


async def test_the_size_of_a_page_has_limits(running: Running, secretary: dict[str, str]) -> None:
    for limit, accepted in ((0, ">= 1"), (201, "<= 200")):
        answer = await running.client.get(THINGS, params={"limit": limit}, headers=secretary)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["accepted"] == accepted


async def test_an_unknown_filter_is_refused_and_the_known_ones_are_named(
    running: Running, secretary: dict[str, str]
) -> None:
    answer = await running.client.get(THINGS, params={"nam": "lamp", "limit": 1}, headers=secretary)
    assert (answer.status_code, kind(answer)) == (422, "invalid")
    assert answer.json()["errors"] == [
        {"path": "?nam", "code": "unknown", "accepted": ["after", "limit", "name", "seen"]}
    ]


async def test_a_repeated_filter_means_or(running: Running, secretary: dict[str, str], seven: list[str]) -> None:
    answer = await running.client.get(THINGS, params={"name": ["t1", "t3"]}, headers=secretary)
    assert {i["name"] for i in answer.json()["items"]} == {"t1", "t3"}


async def test_a_spreadsheet_gets_all_of_it_and_no_formula(running: Running, secretary: dict[str, str]) -> None:
    for n in range(205):
        await running.sql("insert into things select gen_random_uuid(), id, :name, 1, 1 from networks", name=f"t{n}")
    await made(running, secretary, '=HYPERLINK("http://x")', weight=0)
    answer = await running.client.get(THINGS, headers={**secretary, "accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    header, *rows = list(csv.reader(io.StringIO(answer.text)))
    assert header == ["id", "name", "weight", "version"]
    assert len(rows) == 206
    assert [row[1] for row in rows if "HYPERLINK" in row[1]] == ['\'=HYPERLINK("http://x")']


async def test_an_empty_spreadsheet_has_its_columns(running: Running, secretary: dict[str, str]) -> None:
    answer = await running.client.get(THINGS, headers={**secretary, "accept": "text/csv"})
    assert answer.text == "id,name,weight,version\r\n"


async def test_a_refused_spreadsheet_is_a_problem(running: Running, network: UUID) -> None:
    stranger = running.signed_in()
    answer = await running.client.get(THINGS, headers={**stranger, "accept": "text/csv"})
    assert (answer.status_code, kind(answer)) == (403, "forbidden")


@given(st.text())
def test_no_cell_begins_like_a_formula(text: str) -> None:
    shown = str(cell(text))
    assert not shown.lstrip().startswith(("=", "+", "-", "@"))
    assert shown.removeprefix("'") == text.removeprefix("'")


def test_numbers_stay_numbers() -> None:
    assert [cell(-1), cell(0.5), cell(None), cell(True), cell("-1"), cell(["a", "b"])] == [
        -1,
        0.5,
        "",
        "true",
        "'-1",
        "a|b",
    ]
