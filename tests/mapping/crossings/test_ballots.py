"""A ballot on a grid, as events tells it, becomes a crossing with the same figures, whatever comes first or twice."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.events import (
    BallotClosed,
    BallotCohort,
    BallotGrid,
    BallotOpened,
    GridPaper,
    GridPapersCounted,
)
from tests.harness import Running, until
from tests.mapping.alliance import Alliance
from tests.mapping.crossings import grid
from tests.mapping.inventory import Inventory

pytestmark = pytest.mark.timeout(240)
AXES = {
    "fields": tuple(f"Campo {n}" for n in range(1, 5)),
    "needs": tuple(f"Bisogno {n}" for n in range(1, 7)),
    "resources": tuple(f"Fonte {n}" for n in range(1, 6)),
}
CELLS = 120
COHORTS = {"aps_odv": ("APS e ODV", 57, 51), "others": ("Altri", 38, 32)}


class Told:
    """The facts of one ballot: 51 and 32 papers of 120 cells, in three parts."""

    def __init__(self, network: UUID, seed: int = 1) -> None:
        luck = random.Random(seed)
        self.id, self.network = uuid7(), network
        self.papers = [
            GridPaper(cohort=code, scores=tuple(luck.randint(1, 10) for _ in range(CELLS)))
            for code, (_, _, cast) in COHORTS.items()
            for _ in range(cast)
        ]
        luck.shuffle(self.papers)

    def state(self, fact: type[Any], version: int, **more: Any) -> Any:
        closed = fact is BallotClosed
        cohorts = tuple(
            BallotCohort(code=code, title=title, entitled=entitled, cast=cast if closed else 0)
            for code, (title, entitled, cast) in COHORTS.items()
        )
        given = {
            "question": "Quale fonte per quale bisogno?",
            "entitled": 95,
            "kind": "grid",
            "cohorts": cohorts,
            **more,
        }
        return fact(id=self.id, version=version, network_id=self.network, grid=BallotGrid(**AXES), **given)

    @property
    def opened(self) -> Any:
        return self.state(BallotOpened, 1)

    @property
    def closed(self) -> Any:
        return self.state(BallotClosed, 2, outcome="scored", cast=83)

    @property
    def parts(self) -> list[GridPapersCounted]:
        cut = [self.papers[:40], self.papers[40:80], self.papers[80:]]
        return [
            GridPapersCounted(
                id=uuid7(),
                version=1,
                network_id=self.network,
                ballot_id=self.id,
                part=number,
                parts=3,
                papers_in_all=83,
                papers=tuple(papers),
            )
            for number, papers in enumerate(cut, 1)
        ]


async def crossing_of(inventory: Inventory, told: Told) -> Any:
    page = await inventory.get("crossings", ballot=str(told.id))
    return page["items"][0] if page["items"] else None


async def closed_crossing(inventory: Inventory, told: Told) -> Any:
    async def is_closed() -> bool:
        found = await crossing_of(inventory, told)
        return found is not None and found["state"] == "closed"

    await until(is_closed, 60, "the crossing of the ballot")
    return await crossing_of(inventory, told)


async def the_same_figures(inventory: Inventory, told: Told, made: Any) -> None:
    """Worked out here from the scores that were told."""
    cells = await grid.cells(inventory, made)
    assert len(cells) == 3 * CELLS
    of_group = {
        "all": told.papers,
        **{code: [paper for paper in told.papers if paper.cohort == code] for code in COHORTS},
    }
    for place, cell in enumerate(sorted(cells, key=order)):
        values = [paper.scores[place % CELLS] or 0 for paper in of_group[cell["cohort"]]]
        assert cell["n"] == len(values)
        assert cell["mean"] == round(statistics.fmean(values), 4)
        assert cell["median"] == statistics.median(values)
        assert cell["deviation"] == round(statistics.stdev(values), 4)


def order(cell: Any) -> tuple[str, ...]:
    return (cell["cohort"], *(f"{int(cell[axis]['code'].lstrip('fnr')):03}" for axis in ("field", "need", "resource")))


@pytest.mark.parametrize("turn", ["in order", "reversed", "twice", "parts first"])
async def test_a_grid_that_was_scored_is_a_crossing_with_its_figures(mapping: Running, turn: str) -> None:
    inventory = await Inventory.of(await Alliance(mapping).founded())
    told = Told(inventory.alliance.id)
    parts = told.parts
    facts: Sequence[Any] = [told.opened, told.closed, *parts]
    if turn == "reversed":
        facts = [*reversed(parts), told.closed, told.opened]
    if turn == "twice":
        facts = [told.opened, told.closed, parts[1], parts[1], parts[0], told.closed, parts[2], parts[0], told.opened]
    if turn == "parts first":
        facts = [told.opened, parts[2], parts[0], told.closed, parts[1]]
    for fact in facts:
        await mapping.tell(fact)
    made = await closed_crossing(inventory, told)
    assert (made["ballot_id"], made["cells"]) == (str(told.id), CELLS)
    await the_same_figures(inventory, told, made)


async def test_a_crossing_opened_for_the_ballot_before_is_the_one_that_is_filled(mapping: Running) -> None:
    inventory = await Inventory.of(await Alliance(mapping).founded())
    told = Told(inventory.alliance.id)
    axes = {
        name: [{"code": f"{name[0]}{at}", "label": label} for at, label in enumerate(labels, 1)]
        for name, labels in AXES.items()
    }
    cohorts = [{"code": code, "label": title, "entitled": all_} for code, (title, all_, _) in COHORTS.items()]
    body = {"title": "Bisogni e fonti", **axes, "cohorts": cohorts, "ballot_id": str(told.id)}
    own = await inventory.post("crossings", body)
    for fact in (told.opened, told.closed, *told.parts):
        await mapping.tell(fact)
    made = await closed_crossing(inventory, told)
    assert (made["id"], made["title"]) == (own["id"], "Bisogni e fonti")
    await the_same_figures(inventory, told, made)


async def test_no_opinion_is_no_score_and_who_is_in_no_cohort_is_counted(mapping: Running) -> None:
    inventory = await Inventory.of(await Alliance(mapping).founded())
    told = Told(inventory.alliance.id)
    told.papers = [GridPaper(cohort=None, scores=(0, None, *([7] * 118))) for _ in range(6)]
    more: dict[str, Any] = {"cohorts": (), "entitled": 6}
    (part,) = [one.model_copy(update={"parts": 1, "papers_in_all": 6}) for one in told.parts[:1]]
    opened, closed = (
        told.state(BallotOpened, 1, **more),
        told.state(BallotClosed, 2, outcome="scored", **more),
    )
    for fact in (opened, closed, part):
        await mapping.tell(fact)
    made = await closed_crossing(inventory, told)
    first, second, third, *_ = sorted(await grid.cells(inventory, made, cohort="all"), key=order)
    assert (first["n"], first["no_opinion"], second["n"], second["no_opinion"]) == (0, 6, 0, 0)
    assert (third["n"], third["mean"]) == (6, 7.0)


async def test_a_ballot_that_came_to_nothing_leaves_a_closed_crossing_without_figures(mapping: Running) -> None:
    inventory = await Inventory.of(await Alliance(mapping).founded())
    told = Told(inventory.alliance.id)
    await mapping.tell(told.opened)
    await mapping.tell(told.state(BallotClosed, 2, outcome="cancelled"))
    made = await closed_crossing(inventory, told)
    assert made["state"] == "closed"
    assert all(cell["n"] == 0 for cell in await grid.cells(inventory, made))


async def test_other_ballots_are_no_crossings(mapping: Running) -> None:
    inventory = await Inventory.of(await Alliance(mapping).founded())
    told = Told(inventory.alliance.id)
    await mapping.tell(BallotOpened(id=told.id, version=1, network_id=told.network, question="Si approva?", entitled=3))
    await mapping.settled()
    assert await crossing_of(inventory, told) is None
