from __future__ import annotations

import os
from pathlib import Path

import pytest

from shared.territories import Territories, load


@pytest.fixture(scope="session")
def italy() -> Territories:
    return load()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of the real files; its absence is a failure, because a check that cannot run has not passed."""
    root = Path(__file__).parents[2]
    folder = (root / os.environ.get("TRAMA_REAL_DATA", "../shared/data")).resolve()
    assert folder.is_dir(), f"TRAMA_REAL_DATA does not name a folder: {folder}"
    return folder
