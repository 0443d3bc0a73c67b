"""Every service is listed wherever services are listed, and stands without the others."""

import re
import tomllib
from pathlib import Path

import pytest

from shared.messaging import topology

ROOT = Path(__file__).parents[2]
SERVICES = sorted(p.name for p in (ROOT / "services").iterdir() if p.is_dir() and not p.name.startswith("_"))
SLICE_FILES = {
    "__init__.py",
    "rules.py",
    "tables.py",
    "commands.py",
    "queries.py",
    "routes.py",
    "listens.py",
    "pages.py",
}
SERVICE_FILES = {"__init__.py", "__main__.py", "app.py", "settings.py", "store.py", "policy.py", "README.md"}


def test_the_topology_lists_every_service() -> None:
    assert sorted(topology.SERVICES) == SERVICES


def test_every_service_has_an_extra_and_a_locked_set_of_its_own() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert sorted(project["project"]["optional-dependencies"]) == SERVICES
    assert [name for name in SERVICES if not (ROOT / "requirements" / f"{name}.txt").exists()] == []


def test_locked_sets_name_no_host_and_hash_every_package() -> None:
    for locked in (ROOT / "requirements").glob("*.txt"):
        text = locked.read_text()
        assert "://" not in text, locked.name
        for package in re.findall(r"^[a-z0-9].*?(?=^[a-z0-9]|\Z)", text, re.MULTILINE | re.DOTALL):
            assert "--hash=sha256:" in package, f"{locked.name}: {package.splitlines()[0]}"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_the_files_that_every_service_has(service: str) -> None:
    folder = ROOT / "services" / service
    assert {p.name for p in folder.iterdir() if p.is_file()} == SERVICE_FILES
    assert (folder / "migrations" / "env.py").exists()
    heading, *_ = (folder / "README.md").read_text().splitlines()
    assert heading.startswith("# ")


@pytest.mark.parametrize("service", SERVICES)
def test_a_slice_uses_only_the_file_names_of_the_house(service: str) -> None:
    odd = [
        str(path.relative_to(ROOT))
        for slice_ in (ROOT / "services" / service).iterdir()
        if slice_.is_dir() and slice_.name not in {"migrations", "__pycache__"}
        for path in slice_.iterdir()
        if path.is_file() and path.suffix == ".py" and path.name not in SLICE_FILES and not path.name.startswith("_")
    ]
    allowed = set((ROOT / "tests" / "architecture" / "more_files.txt").read_text().split())
    assert set(odd) <= allowed, "name the file like its siblings, or say in more_files.txt that the slice needs it"


@pytest.mark.parametrize("service", SERVICES)
def test_every_slice_is_tested_in_a_folder_of_its_name(service: str) -> None:
    slices = {
        p.name
        for p in (ROOT / "services" / service).iterdir()
        if p.is_dir() and p.name != "migrations" and not p.name.startswith("_")
    }
    tested = {p.name for p in (ROOT / "tests" / service).iterdir() if p.is_dir() and list(p.glob("test_*.py"))}
    assert slices <= tested
