from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.stack import ROOT, Stack, running


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("system") / "home") as started:
        yield started


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = Path(os.environ.get("TRAMA_REAL_DATA", ROOT.parent / "shared" / "data"))
    assert folder.is_dir(), f"{folder} is missing: set TRAMA_REAL_DATA to the folder of the real files"
    return folder
