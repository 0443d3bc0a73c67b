"""What municipalities were, and what every service is told of what becomes of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from itertools import pairwise
from uuid import UUID

import pytest

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from services.learning.app import service
from services.learning.settings import Settings
from shared.contracts.mapping import MunicipalityUpdated, PastMunicipality
from shared.territories import Territories, built, load
from tests import harness
from tests.harness import Running


@pytest.mark.parametrize(
    ("code", "day", "name", "sigla"),
    [
        ("D704", date(1992, 4, 15), "Forlì", "FO"),
        ("D704", date(1992, 4, 16), "Forlì", "FC"),
        ("F478", date(1990, 1, 1), "Montecopiolo", "PS"),
        ("F478", date(2021, 6, 16), "Montecopiolo", "PU"),
        ("F478", date(2021, 6, 17), "Montecopiolo", "RN"),
        ("B745", date(2010, 1, 1), "Carbonia", "CI"),
        ("G015", date(1930, 1, 1), "Terranova Pausania", "SS"),
        ("G015", date(2010, 1, 1), "Olbia", "OT"),
        ("C056", date(2026, 2, 20), "Castegnero", "VI"),
    ],
)
def test_a_municipality_is_what_it_was_on_the_day(
    italy: Territories, code: str, day: date, name: str, sigla: str
) -> None:
    period = italy.history.on(code, day)
    assert period is not None
    assert (period.name, period.province) == (name, sigla)


def test_after_its_last_day_a_municipality_is_no_more_and_has_a_successor(italy: Territories) -> None:
    assert italy.history.on("C056", date(2026, 2, 21)) is None
    assert [m.code for m in italy.standing("C056")] == ["M439"]
    assert italy.history.predecessors("M439") == ("C056", "F838")


def test_periods_follow_each_other_and_the_last_of_a_standing_one_is_as_it_is_today(italy: Territories) -> None:
    codes = {period.code for period in italy.history.everything()}
    assert len(codes) > 5_000
    for code in codes:
        periods = italy.history.periods(code)
        assert all(p.since is not None and (p.until is None or p.since < p.until) for p in periods)
        assert all(a.until and b.since and a.until <= b.since for a, b in pairwise(periods))
        standing = italy.municipality(code)
        assert (periods[-1].until is None) == (standing is not None)
        if standing is not None:
            assert periods[-1].province == standing.province


def test_every_municipality_that_is_gone_leads_only_to_ones_that_stand(italy: Territories) -> None:
    for period in italy.history.everything():
        for code in italy.history.successors(period.code):
            assert italy.municipality(code) is not None


UPDATED = MunicipalityUpdated(
    id=UUID(int=1),
    version=1,
    code="C933",
    istat="013075",
    title="Como Lago",
    italian_title="Como Lago",
    province="CO",
    nuts3="ITC42",
    since=date(2027, 1, 1),
    past=(PastMunicipality(name="Como", province="CO", until=date(2027, 1, 1)),),
)


@pytest.fixture
async def learning(postgres: Postgres, nats: Nats, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    await harness.clear_streams(nats)
    url = await harness.service_database(postgres, "learning")
    async with harness.running(service, Settings, url, tmp_path_factory.mktemp("learning"), nats) as running:
        yield running


def named() -> str:
    found = load().municipality("C933")
    return found.name if found else ""


async def becomes(name: str) -> None:
    async def so() -> bool:
        return named() == name

    await harness.until(so, what=f"Como is called {name}")


async def test_another_service_follows_without_a_restart_and_an_older_fact_changes_nothing(learning: Running) -> None:
    await learning.tell(UPDATED)
    await becomes("Como Lago")
    old = load().resolve("Como", "CO")
    assert (old.municipality and old.municipality.code, old.how) == ("C933", "former")
    newer = UPDATED.model_copy(update={"version": 3, "title": "Como Nuova", "italian_title": "Como Nuova"})
    await learning.tell(newer, UPDATED.model_copy(update={"version": 2}))
    await becomes("Como Nuova")
    await learning.settled()
    assert named() == "Como Nuova"


async def test_a_process_that_stopped_leaves_the_built_data_behind(learning: Running) -> None:
    assert named() == "Como"
    await learning.tell(UPDATED)
    await becomes("Como Lago")


def test_without_changes_the_map_is_the_built_one() -> None:
    assert load() is built()


def test_what_was_kept_before_a_merger_is_found_and_shown_after_it(italy: Territories) -> None:
    found = italy.today("C056")
    assert found is not None
    assert found.code == "M439"
    assert italy.today("Z999") is None
    assert {"M439", "C056", "F838"} <= set(italy.codes_within("VI"))
    assert "C056" not in italy.codes_within("PD")
    assert italy.contains("VI", "C056")
    assert italy.contains("05", "C056")
    assert not italy.contains("12", "C056")
