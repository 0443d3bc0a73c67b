"""Follow the logs of the stack, each line with the name of its process."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

_BEGINNING = 8_192


@dataclass
class _Followed:
    path: Path
    position: int

    def fresh(self) -> list[str]:
        """The whole lines that came since the last look; a file that was cut is read from its new start."""
        size = self.path.stat().st_size
        if size < self.position:
            self.position = 0
        with self.path.open("rb") as file:
            file.seek(self.position)
            chunk = file.read(1 << 20)
        whole = chunk.rfind(b"\n") + 1
        self.position += whole
        return chunk[:whole].decode(errors="replace").splitlines()


def follow(folder: Path, only: str | None) -> int:
    """Print the end of every log (or of that of the process `only`) and then what comes, until Ctrl-C."""
    if not folder.is_dir():
        print(f"no logs in {folder}: nothing has run yet (make up)", file=sys.stderr)
        return 1
    if only and not (folder / f"{only}.log").exists():
        names = ", ".join(sorted(path.stem for path in folder.glob("*.log")))
        print(f"no log of {only}; there are: {names}", file=sys.stderr)
        return 1
    followed: dict[Path, _Followed] = {}
    try:
        while True:
            for path in sorted(folder.glob(f"{only or '*'}.log")):
                size = path.stat().st_size
                file = followed.setdefault(path, _Followed(path, max(0, size - _BEGINNING)))
                for line in file.fresh():
                    print(f"{path.stem:>9} | {line}")
            sys.stdout.flush()
            time.sleep(0.3)
    except (KeyboardInterrupt, BrokenPipeError):
        return 0
