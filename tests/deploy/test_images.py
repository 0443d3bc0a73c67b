"""What the Dockerfile puts into an image, as far as it can be said without building one."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
JOINED = re.sub(r"\\\n\s*", "", DOCKERFILE)
INSTRUCTIONS = [line for line in JOINED.splitlines() if line and not line.startswith("#")]
HEALTH = ROOT / "deploy" / "health.py"


def stages() -> dict[str, list[str]]:
    """Stage -> its instructions, FROM first."""
    found: dict[str, list[str]] = {}
    for line in INSTRUCTIONS:
        if line.startswith("FROM "):
            found[line.rpartition(" AS ")[2]] = [line]
        elif found:
            found[next(reversed(found))].append(line)
    return found


def copied() -> list[str]:
    """What is taken from the repository, all stages together."""
    return [
        source
        for line in INSTRUCTIONS
        if line.startswith("COPY ") and "--from=" not in line
        for source in line.split()[1:-1]
    ]


def test_a_service_holds_its_own_folder_what_is_shared_and_its_check() -> None:
    sources = [source for line in stages()["code"] if line.startswith("COPY ") for source in line.split()[1:-1]]
    assert sources == ["shared", "services/__init__.py", "services/${SERVICE}", "deploy/health.py"]
    assert [line for line in stages()["runtime"] if line.startswith("COPY ")] == [
        "COPY --from=packages /opt/trama /opt/trama",
        "COPY --from=code /app /app",
    ]


def test_packages_are_locked_hashed_and_never_compiled() -> None:
    installs = [line for line in INSTRUCTIONS if " install " in line and "pip" in line]
    assert len(installs) == 2
    for line in installs:
        assert {"--no-deps", "--require-hashes", "--only-binary"} <= set(line.split())
    assert "COPY requirements/${SERVICE}.txt requirements.txt" in stages()["packages"]
    assert "COPY requirements/mail.txt requirements.txt" in stages()["mail-code"]


@pytest.mark.parametrize("stage", ["runtime", "mail"])
def test_it_runs_as_a_numbered_user_without_a_shell_around_it(stage: str) -> None:
    lines = stages()[stage]
    assert "USER 10001:10001" in lines
    assert lines.index("USER 10001:10001") < next(i for i, line in enumerate(lines) if line.startswith("ENTRYPOINT"))
    for line in lines:
        if line.startswith(("ENTRYPOINT", "CMD")):
            assert line.split(" ", 1)[1].startswith("["), line
        if line.startswith("HEALTHCHECK"):
            assert "CMD [" in line
    assert any("exec python" in line or '"python"' in line for line in lines if line.startswith("ENTRYPOINT"))
    assert stages()["base"][0] == "FROM ${PYTHON_IMAGE} AS base"


def test_the_installer_is_not_in_what_runs() -> None:
    assert any(line.startswith("RUN rm -rf /usr/local/bin/pip*") for line in stages()["base"])
    for stage in ("runtime", "tools", "mail", "service"):
        assert not any("pip" in line for line in stages()[stage])


def test_without_a_target_a_service_is_built() -> None:
    assert stages()["service"] == ["FROM runtime AS service"]
    assert next(reversed(stages())) == "service"


def test_it_builds_where_no_registry_but_the_bases_is_reached() -> None:
    assert "syntax=" not in DOCKERFILE
    assert "--mount" not in DOCKERFILE
    assert not any(line.startswith("ADD ") for line in INSTRUCTIONS)
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.\d+-slim$", DOCKERFILE, re.MULTILINE)


def test_the_context_is_a_list_of_what_is_copied() -> None:
    """Everything is left out but what is named, and nothing is named that no image takes."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    kept = [line.removeprefix("!/") for line in lines if line.startswith("!")]
    assert all(line.startswith(("!/", "**/")) for line in lines[1:])
    for source in copied():
        assert any(PurePosixPath(source).is_relative_to(keep) for keep in kept), source
    for keep in kept:
        assert any(source.startswith(keep) for source in copied()), keep
    assert not any(keep in ("deploy", "deploy/secrets", "tests", "docs") for keep in kept)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", 0),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", 1),
        (b"200", 1),
        (b"", 1),
    ],
)
def test_the_check_believes_a_200_only(answer: bytes, code: int) -> None:
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer_once() -> None:
            connection, _ = server.accept()
            with connection:
                asked.append(connection.recv(1000))
                connection.sendall(answer)

        threading.Thread(target=answer_once, daemon=True).start()
        done = check(server.getsockname()[1])
    assert done.returncode == code
    assert asked[0].startswith(b"GET /registry/health/ready HTTP/1.0\r\n")


def test_the_check_fails_when_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert check(port).returncode != 0


def check(port: int) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-IS", str(HEALTH), "/registry/health/ready"]
    return subprocess.run(command, env={"TRAMA_HTTP_PORT": str(port)}, capture_output=True, check=False, timeout=30)
