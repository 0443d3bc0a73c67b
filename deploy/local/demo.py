"""`make demo`: starts an empty platform of its own, tells the scenarios, checks their figures, sums them up.

Variables: `ONCE=1` stops after the summary instead of leaving the platform running; `JSON=<file>` writes the summary,
one entry per point. The exit code is 0 only if every check held. When TRAMA_HOME is one that `python -m deploy.trial`
made, the scenarios are told to the platform that it stands for, which must be empty and stays as it is.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from deploy.local import home as homes
from deploy.local.scenarios import alliance, communities, district, fare_legami, palestre
from deploy.local.story import Platform, ScenarioFailed, Story

SCENARIOS = (alliance, district, fare_legami, palestre, communities)
BEGINS = "2024-09-12T09:00"
"""The day of the alliance's first meeting; the story sets the clock forward from here."""


def main() -> int:
    if (state := homes.read_state(homes.path())).get("elsewhere"):
        return told(Story(Platform(str(state["gateway"]), homes.path() / "clock.json")))
    home = Path(os.environ.get("TRAMA_HOME", ".trama")).resolve() / "demo"
    os.environ["TRAMA_HOME"] = str(home)  # its own home: a demo never touches what `make up` keeps
    subprocess.run([sys.executable, "-m", "deploy.local", "down"], check=False, capture_output=True)
    os.environ["TRAMA_CLOCK"] = BEGINS
    stack = subprocess.Popen([sys.executable, "-m", "deploy.local", "up"])
    signal.signal(signal.SIGTERM, lambda *_: stack.send_signal(signal.SIGINT))
    try:
        return tell(stack, home)
    except KeyboardInterrupt:
        return 130
    finally:
        stop(stack)


def tell(stack: subprocess.Popen[bytes], home: Path) -> int:
    url = gateway(stack, home)
    failed = told(Story(Platform(url, home / "clock.json")))
    if os.environ.get("ONCE"):
        return failed
    print(f"\nLa piattaforma resta accesa: {url}   (Ctrl-C per spegnerla)", flush=True)
    return stack.wait() or failed


def told(story: Story) -> int:
    """Tells the scenarios and sums them up; 0 when every check held."""
    began = time.monotonic()
    try:
        for scenario in SCENARIOS:
            print(f"\n{scenario.TITLE}")
            scenario.tell(story)
    except (ScenarioFailed, LookupError, httpx.HTTPError) as failed:
        story.failures.append(f"{type(failed).__name__}: {failed}")
    print(story.summary())
    print(f"\n  {len(story.points)} punti in {time.monotonic() - began:.1f} s")
    if file := os.environ.get("JSON"):
        story.write(Path(file))
    return 1 if story.failures else 0


def gateway(stack: subprocess.Popen[bytes], home: Path) -> str:
    """The URL of the platform, once every service says that it is ready."""
    state = home / "state.json"
    while stack.poll() is None:
        if state.exists() and (found := json.loads(state.read_text())).get("ready"):
            return str(found["gateway"])
        time.sleep(0.1)
    raise SystemExit("The platform did not start; what it said is above, and in its logs: make logs")


def stop(stack: subprocess.Popen[bytes]) -> None:
    if stack.poll() is None:
        stack.send_signal(signal.SIGINT)
        stack.wait(60)


if __name__ == "__main__":
    sys.exit(main())
