"""How many members are in each territory: told in facts, asked over HTTP."""

from __future__ import annotations

import csv
import io
import random
from collections import defaultdict
from typing import Any

import pytest

from services.mapping.coverage.queries import recount
from shared import territories
from tests.harness import Running
from tests.mapping.alliance import Alliance

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
async def alliance(mapping: Running) -> Alliance:
    """Lecco and Como for one member, which counts once in Lombardia; Roma for two, of which one has a mandate there."""
    alliance = await Alliance(mapping).founded()
    await alliance.member("Il Girasole", "E507", kind="consortium", territories=("C933", "097"))
    first, _ = [await alliance.member(title, "H501") for title in ("Amici", "Insieme")]
    await mapping.tell(alliance.mandate(first, "12"))
    await mapping.settled()
    return alliance


def counts(items: Any) -> dict[str, int]:
    return {i["territory"]["code"]: i["organisations"]["count"] for i in items if i["organisations"]["count"]}


async def test_every_region_is_shown_with_its_people_and_zeroes(alliance: Alliance) -> None:
    items = await alliance.items("coverage")
    assert len(items) == 20
    assert counts(items) == {"03": 1, "12": 2}
    assert sum(item["population"] for item in items) == sum(m.population for m in territories.load().municipalities)
    lazio = next(item for item in items if item["territory"]["code"] == "12")
    assert lazio["organisations"] == {"count": 2, "of": 3, "share": 0.6667}
    assert lazio["organised"] == {"count": 1, "of": 2, "share": 0.5}
    assert lazio["kinds"] == {"association": 2, "consortium": 0}
    assert lazio["white"] is False
    molise = next(item for item in items if item["territory"]["code"] == "14")
    assert molise["organisations"] == {"count": 0, "of": 3, "share": 0.0}
    assert molise["organised"] == {"count": 0, "of": 0, "share": None}
    assert molise["kinds"] == {"association": 0, "consortium": 0}
    assert molise["white"] is True


async def test_a_member_in_several_territories_counts_once_in_each_that_holds_them(alliance: Alliance) -> None:
    assert counts(await alliance.items("coverage", level="province")) == {"013": 1, "097": 1, "258": 2}
    assert len(await alliance.items("coverage", level="province")) == 110
    lombardia = await alliance.items("coverage", level="municipality", within="03", white="false")
    assert counts(lombardia) == {"C933": 1, "E507": 1}


async def test_a_kind_is_counted_alone_against_its_own_whole(alliance: Alliance) -> None:
    items = await alliance.items("coverage", kind="consortium")
    assert counts(items) == {"03": 1}
    lombardia = next(item for item in items if item["territory"]["code"] == "03")
    assert lombardia["organisations"] == {"count": 1, "of": 1, "share": 1.0}
    assert lombardia["kinds"] == {"consortium": 1}
    assert len(items) == 20


async def test_white_spots_of_a_province_are_its_other_municipalities(alliance: Alliance) -> None:
    italy = territories.load()
    white = await alliance.items("coverage", level="municipality", within="LC", white="true")
    assert {item["territory"]["code"] for item in white} == {m.code for m in italy.within("LC")} - {"E507"}
    assert all(item["white"] for item in white)


async def test_municipalities_come_in_pages_that_hold_each_once(alliance: Alliance) -> None:
    seen: list[str] = []
    after: dict[str, Any] = {}
    while True:
        page = (await alliance.get("coverage", None, level="municipality", within="03", limit=200, **after)).json()
        seen += [item["territory"]["code"] for item in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert sorted(seen) == sorted(m.code for m in territories.load().within("03"))


async def test_coverage_as_csv_has_every_territory(alliance: Alliance) -> None:
    headers = {**await alliance.running.holder("member", alliance.id), "accept": "text/csv"}
    answer = await alliance.get("coverage", headers, level="municipality")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == len(territories.load().municipalities)
    roma = next(row for row in rows if row["territory.code"] == "H501")
    assert (roma["organisations.count"], roma["kinds"]) == ("2", "association=2|consortium=0")


@pytest.mark.parametrize(
    ("asked", "path"), [({"level": "country"}, "?level"), ({"within": "ZZ"}, "?within"), ({"after": "no"}, "?after")]
)
async def test_what_cannot_be_asked_is_refused_by_name(alliance: Alliance, asked: dict[str, str], path: str) -> None:
    answer = await alliance.get("coverage", **asked)  # type: ignore[arg-type]
    assert answer.status_code == 422
    assert [error["path"] for error in answer.json()["errors"]] == [path]


async def test_counters_equal_a_count_from_nothing_after_a_year_of_changes(mapping: Running) -> None:
    """Three hundred members that come, move, change kind, gain and lose mandates, and go."""
    chance = random.Random(2026)
    codes = [m.code for m in territories.load().municipalities] + ["03", "097", "12", "258"]
    alliance = await Alliance(mapping).founded()
    seats: dict[Any, tuple[str, str, str]] = {}
    kinds = ["association", "firm", "foundation"]
    came, went = [], []
    for number in range(300):
        code, kind = chance.choice(codes), chance.choice(kinds)
        organisation = alliance.organisation(f"Ente {number}", code, kind=kind)
        membership = alliance.membership(organisation.id)
        seats[organisation.id, membership.id] = (code, kind, "active")
        came += [organisation, membership, alliance.mandate(organisation.id, chance.choice([*codes, None]))]
    for organisation_id, membership_id in chance.sample(sorted(seats), 150):
        code, kind, state = chance.choice(codes), chance.choice(kinds), chance.choice(["active", "withdrawn"])
        seats[organisation_id, membership_id] = (code, kind, state)
        went.append(alliance.organisation("Altro", code, organisation_id, kind=kind))
        went.append(alliance.membership(organisation_id, state, membership_id))
    chance.shuffle(came)
    await mapping.tell(*came, *went)
    await mapping.settled(60)
    async with mapping.context.database.sessions() as session:
        assert await recount(session) == []
    found = await alliance.get("presences", {**mapping.signed_in(admin=True), "accept": "text/csv"}, source="seat")
    shown = {row["organisation.id"]: row["territory.code"] for row in csv.DictReader(io.StringIO(found.text))}
    assert shown == {str(o): code for (o, _), (code, _, state) in seats.items() if state == "active"}
    by_region: dict[str, set[str]] = defaultdict(set)
    everything = await alliance.get("presences", {**mapping.signed_in(admin=True), "accept": "text/csv"})
    for row in csv.DictReader(io.StringIO(everything.text)):
        by_region[row["territory.region"]].add(row["organisation.id"])
    assert counts(await alliance.items("coverage")) == {region: len(members) for region, members in by_region.items()}
