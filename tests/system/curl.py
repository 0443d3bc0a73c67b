"""As much of curl as our pages use, for machines that have none: -sS, --fail-with-body, -H, -d, -F."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import httpx


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("-s", action="store_true")
    parser.add_argument("-S", action="store_true")
    parser.add_argument("--fail-with-body", action="store_true")
    parser.add_argument("-H", action="append", default=[])
    parser.add_argument("-d")
    parser.add_argument("-F", action="append", default=[])
    parser.add_argument("url")
    given = parser.parse_args()
    headers = dict(line.split(": ", 1) for line in given.H)
    fields = [part.split("=", 1) for part in given.F]
    files = {name: (Path(value[1:]).name, Path(value[1:]).read_bytes()) for name, value in fields if value[0] == "@"}
    data = {name: value for name, value in fields if value[0] != "@"}
    method = "POST" if given.d or given.F else "GET"
    answer = httpx.request(
        method, given.url, headers=headers, content=given.d, data=data or None, files=files or None, timeout=60
    )
    sys.stdout.buffer.write(answer.content)
    sys.stdout.flush()
    return 22 if given.fail_with_body and answer.status_code >= 400 else 0


if __name__ == "__main__":
    sys.exit(main())
