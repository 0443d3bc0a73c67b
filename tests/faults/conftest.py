from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.platform import Platform
from tests.system.stack import running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever is in this folder is a fault proof, so that a phase of the tests can be made of them and of others."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("faults")


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The whole platform as `make up` starts it, without a limit on how much one caller may write."""
    home = tmp_path_factory.mktemp("faults") / "home"
    with running(home, TRAMA_RATE_PER_MINUTE="1000000", TRAMA_ANONYMOUS_PER_MINUTE="1000000") as stack:
        yield Platform(stack, stack.token("admin"))
