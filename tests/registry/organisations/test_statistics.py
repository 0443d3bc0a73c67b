"""How many members are what: counted once, shares never made to add up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.registry.desk import Desk


async def figures(desk: Desk, **filters: Any) -> Any:
    return await desk.get(f"/networks/{desk.slug}/organisations/statistics", **filters)


def counts(shares: Iterable[Any]) -> dict[str, int]:
    return {share["code"]: share["count"] for share in shares}


async def members(desk: Desk, number: int, **more: Any) -> None:
    for n in range(number):
        await desk.register(name=f"{more.get('kind')} {n}", state="active", **more)


async def test_the_split_of_95_is_shown_as_it_is(desk: Desk) -> None:
    split = {"association": 57, "community_foundation": 11, "csv": 10, "cooperative": 6, "other": 11}
    for kind, number in split.items():
        await members(desk, number, kind=kind)
    found = await figures(desk)
    assert (found["of"], counts(found["kinds"])) == (95, split)
    shares = {share["code"]: share["share"] for share in found["kinds"]}
    assert shares == {
        "association": 0.6,
        "community_foundation": 0.1158,
        "csv": 0.1053,
        "cooperative": 0.0632,
        "other": 0.1158,
    }
    assert round(sum(shares.values()), 4) == 1.0001
    assert found["kinds"][0] == {
        "code": "association",
        "it": "Associazione",
        "en": "Association",
        "count": 57,
        "of": 95,
        "share": 0.6,
    }


async def test_a_body_in_several_territories_is_counted_once_and_in_each_once(desk: Desk) -> None:
    await desk.register(name="Girasole", state="active", kind="consortium", ownership="mixed", municipality="E507",
                        territories=["097", "E507", "H501"])  # fmt: skip
    await desk.register(name="Sola", state="active", ownership="private", municipality="C933")
    await desk.register(name="Senza luogo", state="active")
    found = await figures(desk)
    assert found["of"] == 3
    assert counts(found["regions"]) == {"03": 2, "12": 1}
    assert counts(found["provinces"]) == {"097": 1, "013": 1, "258": 1}
    assert counts(found["ownerships"]) == {"mixed": 1, "private": 1, "unknown": 1}
    assert {share["code"]: share["share"] for share in found["regions"]} == {"03": 0.6667, "12": 0.3333}


async def test_sections_count_on_their_days(desk: Desk) -> None:
    sections = [{"code": "aps", "since": "2023-01-01"}, {"code": "network", "since": "2024-01-01"},
                {"code": "odv", "until": "2023-01-01"}]  # fmt: skip
    await desk.register(name="Rete", state="active", since="2020-01-01", kind="association", sections=sections)
    assert counts((await figures(desk))["sections"]) == {"aps": 1, "network": 1}
    assert counts((await figures(desk, on="2022-06-01"))["sections"]) == {"odv": 1}
    assert (await figures(desk, on="2019-06-01"))["of"] == 0


async def test_states_and_filters_choose_who_is_counted(desk: Desk) -> None:
    await desk.register(name="Attiva", state="active", municipality="E507", kind="association")
    await desk.register(name="Candidata", kind="csv")
    assert counts((await figures(desk))["kinds"]) == {"association": 1}
    assert counts((await figures(desk, state=["active", "candidate"]))["kinds"]) == {"association": 1, "csv": 1}
    assert (await figures(desk, territory="03"))["of"] == 1
    assert (await figures(desk, territory="12"))["of"] == 0
    assert (await figures(desk, kind="csv", state="candidate"))["of"] == 1


async def test_of_nothing_there_is_no_share(desk: Desk) -> None:
    found = await figures(desk)
    assert found["of"] == 0
    assert [found[what] for what in ("kinds", "sections", "ownerships", "regions", "provinces")] == [[]] * 5


async def test_an_unknown_filter_is_refused_and_strangers_are(desk: Desk) -> None:
    other = await Desk.founded(desk.running)
    path = f"/networks/{desk.slug}/organisations/statistics"
    assert (await desk.ask("GET", path, params={"colour": "red"})).status_code == 422
    assert (await other.ask("GET", path)).status_code == 403
