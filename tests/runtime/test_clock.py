"""One clock for all processes; it can be set forward, and never goes back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from shared.runtime import clock
from shared.runtime.clock import Clock, wall

YEAR = timedelta(days=365)


def test_without_a_file_it_is_wall_time() -> None:
    assert abs(Clock().now() - wall()) < timedelta(seconds=1)


def test_setting_it_moves_every_reader_and_time_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    readers = [Clock(path), Clock(path)]
    assert abs(readers[0].now() - wall()) < timedelta(seconds=1)
    there = wall() + YEAR
    clock.set(path, there)
    for reader in readers:
        told = reader.now()
        assert timedelta() <= told - there < timedelta(seconds=5)
        assert reader.now() > told


def test_it_never_goes_back(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    reader = Clock(path)
    clock.set(path, wall() + YEAR)
    before = reader.now()
    with pytest.raises(ValueError, match="never goes back"):
        clock.set(path, wall())
    path.unlink()
    assert reader.now() >= before
    path.write_text('{"instant": "2020-01-01T00:00:00+00:00", "anchor": "2026-01-01T00:00:00+00:00"}')
    assert reader.now() >= before


def test_it_cannot_be_set_into_the_past_of_wall_time(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="never goes back"):
        clock.set(tmp_path / "clock.json", wall() - timedelta(minutes=1))


def test_the_day_is_that_of_italy(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    reader = Clock(path)
    clock.set(path, datetime(2090, 7, 1, 22, 30, tzinfo=UTC))
    assert reader.today() == date(2090, 7, 2)


def test_a_clock_that_nobody_has_read_begins_in_the_past_and_then_only_goes_on(tmp_path: Path) -> None:
    file, first = tmp_path / "clock.json", datetime(2024, 9, 12, 9, tzinfo=UTC)
    clock.begin(file, first)
    told = clock.Clock(file)
    assert first <= told.now() < first + timedelta(minutes=1)
    clock.begin(file, first - timedelta(days=9))
    assert told.now() >= first
    with pytest.raises(ValueError, match="never goes back"):
        clock.set(file, first - timedelta(days=1))
