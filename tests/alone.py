"""`python -m tests.alone SERVICE...`: tests a service in a copy of the tree without the other services' folders.

What depends on a sibling, even through a test helper, cannot be imported there.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SERVICES = sorted(p.name for p in (ROOT / "services").iterdir() if p.is_dir() and not p.name.startswith("_"))


def alone(service: str) -> int:
    with tempfile.TemporaryDirectory(prefix=f"trama-{service}-") as folder:
        tree = Path(folder)
        tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        others = {f"{room}/{name}" for room in ("services", "tests") for name in SERVICES if name != service}
        for name in filter(None, tracked.split("\0")):
            if "/".join(name.split("/")[:2]) not in others and (ROOT / name).exists():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, tree / name)
        marks = "not browser and not real_data and not long"
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", f"tests/{service}", "-m", marks], cwd=tree
        ).returncode


if __name__ == "__main__":
    wanted = sys.argv[1:] or SERVICES
    if unknown := set(wanted) - set(SERVICES):
        sys.exit(f"no such service: {', '.join(sorted(unknown))}; there are {', '.join(SERVICES)}")
    sys.exit(max(alone(service) for service in wanted))
