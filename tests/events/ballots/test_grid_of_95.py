"""The delegates of 95 organisations score a grid of 4 x 6 x 5 cells: 51 of one cohort, 32 of the other, 9,960 scores.
The figures are worked out again here, from the scores that were sent."""

from __future__ import annotations

import asyncio
import csv
import io
import random
import statistics
from fractions import Fraction
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from tests.events.ballots.forum import APS_ODV, LARGE, OTHERS, Forum, keys, scored
from tests.events.room import Room

pytestmark = pytest.mark.timeout(400)
KINDS = [{"sections": ["aps" if n % 2 else "odv"]} for n in range(57)] + [
    {"kind": kind}
    for kind, count in (("community_foundation", 11), ("csv", 10), ("cooperative", 6), ("committee", 11))
    for _ in range(count)
]


def raw(numbers: list[int], seed: int = 83) -> dict[int, dict[str, Any]]:
    """The paper of each voter."""
    luck = random.Random(seed)
    return {number: scored(LARGE, luck) for number in numbers}


def figures(papers: list[dict[str, int]], key: str) -> tuple[int, float, float, float]:
    """(n, mean, median, deviation) by the standard library."""
    values = [paper[key] for paper in papers]
    return len(values), statistics.fmean(values), statistics.median(values), statistics.stdev(values)


def best_of(papers: list[dict[str, int]], field: int) -> set[str]:
    means = {
        key: Fraction(sum(paper[key] for paper in papers), len(papers))
        for key in keys(LARGE)
        if key.startswith(f"{field}.")
    }
    return {key for key, mean in means.items() if mean == max(means.values())}


async def test_83_of_95_score_120_cells_each_and_the_figures_are_those_of_their_scores(room: Room) -> None:
    forum = await Forum.of(room, KINDS)
    ballot = await forum.grid(LARGE, cohorts=[APS_ODV, OTHERS])
    assert (ballot["entitled"], [one["entitled"] for one in ballot["cohorts"]]) == (95, [57, 38])
    first, second = list(range(51)), list(range(57, 57 + 32))
    sent = raw(first + second)
    counter = Statements(room)
    with counter:
        answers = await asyncio.gather(*(cast(forum, ballot, number, cells) for number, cells in sent.items()))
    assert {answer.status_code for answer in answers} == {200}
    assert counter.count <= 10 * 83, counter.count / 83
    closed = await forum.close(ballot)
    assert (closed["cast"], closed["entitled"], closed["result"]["outcome"]) == (83, 95, "scored")
    found = await room.found(f"/ballots/{ballot['id']}/results")
    assert found["scores"] == 9960
    shown = [(one["code"], one["cast"]["count"], one["cast"]["of"]) for one in found["groups"]]
    assert shown == [("all", 83, 95), ("aps_odv", 51, 57), ("others", 32, 38)]
    groups = {
        "all": list(sent.values()),
        "aps_odv": [sent[number] for number in first],
        "others": [sent[number] for number in second],
    }
    cells = await room.items(f"/ballots/{ballot['id']}/results/cells")
    assert len(cells) == 3 * 120
    for cell in cells:
        n, mean, median, deviation = figures(groups[cell["cohort"]], cell["cell"])
        assert (cell["n"], cell["no_opinion"], cell["unanswered"]) == (n, 0, 0)
        assert (cell["mean"], cell["median"], cell["deviation"]) == (round(mean, 4), median, round(deviation, 4))
    for group in found["groups"]:
        told = {best["number"]: {cell["cell"] for cell in best["cells"]} for best in group["best"]}
        assert told == {field: best_of(groups[group["code"]], field) for field in range(1, 5)}
    await the_facts_say_the_same(forum, ballot, groups)
    best = await room.items(f"/ballots/{ballot['id']}/results/cells", best=True)
    assert {one["rank"] for one in best} == {1}
    headers = {**room.headers, "accept": "text/csv"}
    url = f"/events/v1/ballots/{ballot['id']}/results/cells"
    text = (await room.running.client.get(url, headers=headers)).text
    rows = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
    assert len(rows) == 360


AT_ONCE = asyncio.Semaphore(20)
"""As many as a slow machine answers before who waits for a connection of the pool is told to come again."""


async def cast(forum: Forum, ballot: Any, number: int, cells: dict[str, int]) -> httpx.Response:
    async with AT_ONCE:
        return await forum.put(ballot, number, {"state": "cast", "cells": cells})


async def the_facts_say_the_same(forum: Forum, ballot: Any, groups: dict[str, list[dict[str, int]]]) -> None:
    """All papers are told once, of nobody, in an order that is not that of the voters."""
    parts = [body for _, body in await forum.told("ballot_papers") if body["ballot_id"] == ballot["id"]]
    assert sorted(part["part"] for part in parts) == list(range(1, parts[0]["parts"] + 1))
    papers = [(paper["cohort"], tuple(paper["scores"])) for part in parts for paper in part["papers"]]
    cells = keys(LARGE)
    wanted = [(code, tuple(paper[key] for key in cells)) for code in ("aps_odv", "others") for paper in groups[code]]
    assert sorted(papers) == sorted(wanted)
    assert papers != wanted
    assert all(part["papers_in_all"] == 83 for part in parts)
    (_, opened), (_, shut) = await forum.told("ballot", ballot["id"])
    assert (opened["grid"]["fields"], opened["outcome"]) == (LARGE["fields"], None)
    assert [(one["code"], one["cast"], one["entitled"]) for one in shut["cohorts"]] == [
        ("aps_odv", 51, 57),
        ("others", 32, 38),
    ]


class Statements:
    """Counts the statements that requests send while it is open; what runs beside them has other tables."""

    def __init__(self, room: Room) -> None:
        self.engine = room.running.context.database.engine.sync_engine
        self.count = 0

    def __enter__(self) -> None:
        event.listen(self.engine, "before_cursor_execute", self._counted)

    def __exit__(self, *_: object) -> None:
        event.remove(self.engine, "before_cursor_execute", self._counted)

    def _counted(self, _connection: Any, _cursor: Any, statement: str, *_: object) -> None:
        self.count += any(table in statement for table in ("grants", "ballots", "vote", "log (", "'paper '"))


async def test_no_opinion_and_no_answer_are_no_zeroes_and_equal_means_are_tied(room: Room) -> None:
    forum = await Forum.small(room, 6)
    grid = {"fields": ["Abitare"], "needs": ["Casa"], "resources": ["Bandi", "Fondazioni", "Soci"], "minimum": 2}
    ballot = await forum.grid(grid)
    for number in range(6):
        cells: dict[str, Any] = {"1.1.1": 2 * number % 4 + 4, "1.1.2": None if number > 1 else 5}
        await forum.cast(ballot, number, cells=cells)
    await forum.close(ballot)
    first, second, third = await room.items(f"/ballots/{ballot['id']}/results/cells")
    assert (first["n"], first["mean"], first["rank"], first["tied"]) == (6, 5.0, 1, True)
    assert (second["n"], second["no_opinion"], second["mean"], second["rank"]) == (2, 4, 5.0, 1)
    assert (third["n"], third["unanswered"], third["mean"], third["rank"]) == (0, 6, None, None)
