"""Where a member is, decided without a database."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.mapping.presences.rules import Organisation, Presence, Source, change, presences
from services.mapping.territories.rules import Area, Level

NETWORK, ORGANISATION = UUID(int=1), UUID(int=2)
YESTERDAY = datetime(2026, 3, 1, tzinfo=UTC)
TODAY = YESTERDAY + timedelta(days=1)
AREAS = {
    "E507": Area("E507", "03", "097", "E507"),
    "C933": Area("C933", "03", "013", "C933"),
    "097": Area("097", "03", "097"),
    "03": Area("03", "03"),
}


def located(
    seat: str | None = None,
    works: tuple[str, ...] = (),
    mandated: tuple[str, ...] = (),
    changed_at: datetime = YESTERDAY,
) -> list[Presence]:
    organisation = Organisation(ORGANISATION, "Il Girasole", None, "consortium", [], seat, works, YESTERDAY)
    return presences(organisation, NETWORK, mandated, changed_at, AREAS.get)


def test_a_territory_is_one_presence_with_every_reason_for_it() -> None:
    (presence,) = located(seat="E507", works=("E507", "E507"), mandated=("E507",))
    assert presence.sources == (Source.SEAT, Source.WORKS, Source.MANDATE)
    assert presence.area == AREAS["E507"]


def test_seat_works_and_mandate_place_a_member_each_in_its_own_territory() -> None:
    found = {presence.area.code: presence.sources for presence in located("E507", ("097", "C933"), ("03",))}
    assert found == {"E507": (Source.SEAT,), "097": (Source.WORKS,), "C933": (Source.WORKS,), "03": (Source.MANDATE,)}


def test_a_code_that_nobody_knows_places_nobody() -> None:
    assert located("Z404", ("",), ("999",)) == []


def test_a_member_without_any_territory_is_nowhere() -> None:
    assert located() == []


@pytest.mark.parametrize("changed_at", [YESTERDAY - timedelta(days=1), YESTERDAY, TODAY])
def test_a_presence_changed_when_the_last_thing_it_comes_from_did(changed_at: datetime) -> None:
    (presence,) = located("E507", changed_at=changed_at)
    assert presence.changed_at == max(YESTERDAY, changed_at)


@pytest.mark.parametrize(
    ("code", "level", "chain"),
    [
        ("E507", Level.MUNICIPALITY, ["E507", "097", "03", "IT"]),
        ("097", Level.PROVINCE, ["097", "03", "IT"]),
        ("03", Level.REGION, ["03", "IT"]),
    ],
)
def test_an_area_lies_in_itself_and_in_all_above_it(code: str, level: Level, chain: list[str]) -> None:
    assert AREAS[code].level is level
    assert [code for _, code in AREAS[code].chain()] == chain
    assert AREAS[code].chain()[0][0] is level


def test_only_what_differs_is_written() -> None:
    before = {presence.key: presence for presence in located("E507", ("C933",))}
    after = located("E507", ("097",))
    step = change(before, after)
    assert step.gone == [(NETWORK, ORGANISATION, "C933")]
    assert [presence.area.code for presence in step.put] == ["097"]


def test_a_presence_whose_reason_changed_is_written_again() -> None:
    before = {presence.key: presence for presence in located("E507")}
    step = change(before, located("E507", mandated=("E507",)))
    assert step.gone == []
    assert [presence.sources for presence in step.put] == [(Source.SEAT, Source.MANDATE)]
