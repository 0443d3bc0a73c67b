"""`python -m deploy.local up | down | logs | token | clock | status`; `make` calls it. Variables: see the README."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from deploy.local import home as homes


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.local")
    parser.add_argument("command", choices=["up", "down", "logs", "token", "clock", "status"])
    command = parser.parse_args(arguments).command
    # Each command imports what it needs: `down` must work when the services do not even import.
    commands = {"up": _up, "down": _down, "logs": _logs, "token": _token, "clock": _clock, "status": _status}
    return commands[command](homes.path())


def _up(home: Path) -> int:
    from deploy.local import stack
    from deploy.local.processes import StartError

    port = os.environ.get("TRAMA_PORT") or str(stack.DEFAULT_PORT)
    if not (port.isascii() and port.isdigit() and int(port) < 65536):
        print(f"TRAMA_PORT: expected a port, 0 for any free one, got {port!r}", file=sys.stderr)
        return 2
    try:
        _begin(home)
    except ValueError as error:
        print(f"TRAMA_CLOCK: {error}", file=sys.stderr)
        return 2
    try:
        return stack.up(home, int(port))
    except StartError as error:
        print(f"\nThe platform did not start: {error}", file=sys.stderr)
        return 1


def _begin(home: Path) -> None:
    """TRAMA_CLOCK: the instant at which the domain clock of an empty platform begins."""
    from deploy.local import postgres
    from shared.runtime import clock

    if given := os.environ.get("TRAMA_CLOCK"):
        if not (home / "clock.json").exists() and postgres.has_data(home):
            raise ValueError("only an empty platform can begin at another time: `make down` clears this one")
        clock.begin(home / "clock.json", instant(given))


def instant(text: str) -> datetime:
    """Of Italy when no offset is said."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"expected an instant like 2024-09-12T09:00, got {text!r}") from None
    return read if read.tzinfo else read.replace(tzinfo=ZoneInfo("Europe/Rome"))


def _clock(home: Path) -> int:
    """Tells the domain clock, or sets it forward with TO=<instant>."""
    from shared.runtime import clock

    file = (homes.running(home) or home) / "clock.json"
    try:
        if to := os.environ.get("TO"):
            clock.set(file, instant(to))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(clock.Clock(file).now().astimezone(clock.ROME).isoformat(timespec="seconds"))
    return 0


def _down(home: Path) -> int:
    for place in (home / "demo", home):  # the demo keeps a stack of its own inside
        if place != home and not place.exists():
            continue
        stopped = homes.stop_running(place)
        left = homes.clear(place)
        print(f"{place}: {'stopped and ' if stopped else ''}cleared", end="")
        print(f"; not ours, and left there: {', '.join(left)}" if left else "", flush=True)
    return 0


def _logs(home: Path) -> int:
    from deploy.local import logs

    return logs.follow((homes.running(home) or home) / "logs", os.environ.get("SERVICE") or None)


def _token(home: Path) -> int:
    from deploy.local import tokens

    try:
        print(tokens.token(home, os.environ.get("ROLE") or "admin", os.environ.get("NETWORK") or None))
    except tokens.NoToken as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _status(home: Path) -> int:
    place = homes.running(home)
    if place is None:
        print(f"nothing runs in {home}")
        return 1
    state = homes.read_state(place)
    print(f"{state.get('gateway', '')} ({'ready' if state.get('ready') else 'starting'}, {place})")
    for name, entry in state.get("processes", {}).items():
        alive = homes.born(entry["pid"]) is not None
        said = "runs" if alive else "ended"
        again = f"started again {entry['restarts']} times" if entry["restarts"] else ""
        print(f"  {name:<10} {said}  process {entry['pid']}, port {entry['port']} {again}".rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
