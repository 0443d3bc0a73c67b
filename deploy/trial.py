"""`python -m deploy.trial [URL]`: makes the home of a trial in containers (compose.trial.yaml), before it is started.

With it `TRAMA_HOME=.trama/trial` is to `make token`, `make clock` and `make demo` what a home of the embedded
platform is: where the gateway listens, the clock, and (a link to deploy/secrets) the key that signs tokens. The
services see this folder, for its clock; where the link leads they do not see. `TRAMA_CLOCK` is the instant at which
the clock begins.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path

from deploy.local import home as homes
from deploy.local.__main__ import instant
from deploy.local.story import SERVICES
from shared.runtime import clock

SECRETS = homes.ROOT / "deploy" / "secrets"


def make(home: Path, url: str, secrets: Path, begins: datetime | None) -> None:
    """Done again it changes the URL only: a clock that runs is set with `make clock`."""
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o755)  # the services read the clock as another user
    link = home / "secrets"
    if not link.is_symlink():
        link.symlink_to(secrets)
    # Process 0 is nobody's: there is none here to be watched or ended.
    nobody = {"pid": 0, "born": 0, "port": 8000, "restarts": 0}
    homes.write_state(
        home, {"gateway": url, "ready": True, "elsewhere": True, "processes": dict.fromkeys(SERVICES, nobody)}
    )
    if begins is not None and not (home / "clock.json").exists():
        clock.begin(home / "clock.json", begins)


def main(arguments: list[str]) -> int:
    home = Path(os.environ.get("TRAMA_TRIAL") or homes.ROOT / ".trama" / "trial").absolute()
    url = arguments[0] if arguments else "http://127.0.0.1:8080"
    given = os.environ.get("TRAMA_CLOCK")
    make(home, url.rstrip("/"), SECRETS, instant(given) if given else None)
    print(f"TRAMA_HOME={home}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
