"""The regions in order: told in facts, asked over HTTP."""

from __future__ import annotations

import pytest

from tests.harness import Running
from tests.mapping.alliance import Alliance

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
async def alliance(mapping: Running) -> Alliance:
    """Two members in Lazio, two in Lombardia of which one has a mandate there, one each in Molise and Umbria."""
    alliance = await Alliance(mapping).founded()
    for seat in ("H501", "H501", "F205", "B519", "G478"):
        await alliance.member(f"Ente di {seat}", seat)
    lecco = await alliance.member("Il Girasole", "E507", kind="consortium", territories=("C933",))
    await mapping.tell(alliance.mandate(lecco, "E507"))
    await mapping.settled()
    return alliance


async def test_presence_ranks_first_then_organisation_and_ties_are_shown(alliance: Alliance) -> None:
    items = await alliance.items("ranking")
    top = [(i["rank"], i["region"]["name"], i["organisations"]["count"], i["organised"]["count"]) for i in items[:4]]
    assert top == [(1, "Lombardia", 2, 1), (2, "Lazio", 2, 0), (3, "Umbria", 1, 0), (3, "Molise", 1, 0)]
    assert [i["reason"] for i in items[:5]] == ["organisation", "presence", "tie", "tie", "nobody"]
    assert [[t["code"] for t in i["tied_with"]] for i in items[:4]] == [[], [], ["14"], ["10"]]
    assert len(items) == 20
    assert {i["rank"] for i in items[4:]} == {5}


async def test_every_place_has_its_figures_and_says_why(alliance: Alliance) -> None:
    lombardia, lazio, *_ = await alliance.items("ranking")
    assert lombardia["organisations"] == {"count": 2, "of": 6, "share": 0.3333}
    assert lombardia["organised"] == {"count": 1, "of": 2, "share": 0.5}
    assert lombardia["population"]["share"] == pytest.approx(0.169, abs=0.002)
    assert lazio["explanation"] == "Più enti presenti che nella regione seguente"


async def test_the_reason_is_told_in_the_language_of_the_reader(alliance: Alliance) -> None:
    headers = {**await alliance.running.holder("member", alliance.id), "accept-language": "en"}
    items = (await alliance.get("ranking", headers)).json()["items"]
    assert items[2]["explanation"] == "A tie: as many organisations, as many mandates"


async def test_the_ranking_of_one_kind_counts_that_kind_only(alliance: Alliance) -> None:
    items = await alliance.items("ranking", kind="consortium")
    assert [(i["region"]["name"], i["organisations"]) for i in items[:1]] == [
        ("Lombardia", {"count": 1, "of": 1, "share": 1.0})
    ]
    assert [i["rank"] for i in items[1:]] == [2] * 19


async def test_a_network_without_members_ranks_all_regions_as_one_tie(mapping: Running) -> None:
    items = await (await Alliance(mapping).founded()).items("ranking")
    assert [i["rank"] for i in items] == [1] * 20
    assert {i["reason"] for i in items} == {"nobody"}
    assert items[0]["organisations"] == {"count": 0, "of": 0, "share": None}
