"""The import contracts hold, and would catch each of the imports that they forbid."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VIOLATIONS = {
    "a service imports another": (
        "services/mapping/presences/commands.py",
        "import services.registry.networks.rules",
        "Services never import each other",
    ),
    "shared imports a service": (
        "shared/runtime/planted.py",
        "import services.mapping.app",
        "shared imports no service",
    ),
    "a service imports the deployment": (
        "services/notify/deliveries/planted.py",
        "import deploy.local.postgres",
        "services import no deployment",
    ),
    "a rule imports the database": ("services/registry/mandates/rules.py", "import sqlalchemy", "rules are pure"),
    "a rule imports the web": ("services/mapping/coverage/rules.py", "import fastapi", "rules are pure"),
    "a sixth service goes unlinted": (
        "services/sixth/things/rules.py",
        "import services.registry.networks.rules",
        "Services never import each other",
    ),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for folder in ("services", "shared", "deploy"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.json", "*.csv")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_import_contracts_hold() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("violation", VIOLATIONS)
def test_a_forbidden_import_is_caught(violation: str, tree: Path) -> None:
    path, line, contract = VIOLATIONS[violation]
    planted = tree / path
    planted.parent.mkdir(parents=True, exist_ok=True)
    for parent in (planted.parent, planted.parent.parent):
        (parent / "__init__.py").touch()
    before = planted.read_text() if planted.exists() else ""
    planted.write_text(f"{before}\n{line}\n")
    done = lint(tree)
    assert done.returncode != 0
    assert contract in done.stdout
