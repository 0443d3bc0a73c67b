"""One command starts everything, keeps it running, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from functools import partial

import httpx
import psutil
import pytest

from deploy.local.postgres import Postgres
from tests.local.conftest import Local, until

Make = Callable[..., Local]
ROOT = os.geteuid() == 0


def database(stack: Local) -> Postgres:
    """The running cluster of the stack, to ask it something."""
    server = Postgres(stack.home)
    server._port = stack.state["processes"]["postgres"]["port"]
    return server


def restarted(stack: Local, name: str) -> bool:
    return bool(stack.state["processes"][name]["restarts"] == 1)


def test_a_restart_keeps_data_and_ports_and_down_clears_them(local: Make) -> None:
    stack = local()
    stack.up()
    first = stack.state
    database(stack).psql("create table kept (it int); insert into kept values (42)", "registry")
    assert stack.interrupt() == 0
    assert stack.left() == []

    stack.up()
    assert database(stack).psql("select it from kept", "registry").strip() == "42"
    assert stack.state["gateway"] == first["gateway"]
    assert {name: entry["port"] for name, entry in stack.state["processes"].items()} == {
        name: entry["port"] for name, entry in first["processes"].items()
    }

    (stack.home / "mine.txt").write_text("not the stack's")
    done = stack.run("down")
    assert done.returncode == 0, done.stderr
    assert stack.process is not None
    assert stack.process.wait(10) == 0
    assert stack.left() == []
    assert [entry.name for entry in stack.home.iterdir()] == ["mine.txt"]


def test_a_crashed_process_is_reported_and_started_again(local: Make) -> None:
    stack = local()
    stack.up(STUBBORN="notify")
    gateway = stack.state["gateway"]
    for name in ("registry", "nats", "postgres", "gateway", "mail"):
        before = stack.state["processes"][name]
        os.kill(before["pid"], signal.SIGKILL)
        until(f"{name} runs again", partial(restarted, stack, name))
        assert f"{name} ended (signal SIGKILL)" in stack.said
        assert stack.state["processes"][name]["port"] == before["port"]
    assert "| registry serves" in stack.said
    until("registry answers", lambda: httpx.get(f"{gateway}/registry/health/ready").status_code == 200)
    assert httpx.get(f"{gateway}/mail/messages.json").json()["items"] == []

    # One that will not stop is waited for, until somebody is impatient.
    stack.started += [psutil.Process(entry["pid"]) for entry in stack.state["processes"].values()]
    assert stack.process is not None
    stack.process.send_signal(signal.SIGINT)
    until("notify was asked", lambda: "no" in (stack.home / "logs" / "notify.log").read_text().splitlines())
    began = time.monotonic()
    assert stack.interrupt() == 0
    assert time.monotonic() - began < 10
    assert stack.left() == []


def test_one_stack_runs_in_a_home_and_says_where(local: Make) -> None:
    stack = local()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        stack.port = taken.getsockname()[1]
        stack.up()
        assert f"port {stack.port} is taken" in stack.said
    second = stack.run("up")
    assert second.returncode == 1
    assert f"already running at {stack.state['gateway']}" in second.stderr
    assert httpx.get(f"{stack.state['gateway']}/notify/health/ready").status_code == 200
    token = stack.run("token", ROLE="admin")
    assert token.stdout.count(".") == 2, token.stderr
    assert stack.run("token", ROLE="secretariat").stderr.startswith("which network?")

    # Killed, it leaves nobody in the way of the next.
    assert stack.process is not None
    stack.process.kill()
    stack.process.wait()
    stack.up()
    assert stack.interrupt() == 0
    assert stack.left() == []


def test_token_says_what_to_do_when_nothing_runs(local: Make) -> None:
    done = local().run("token", ROLE="admin")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "make up" in done.stderr


@pytest.mark.long
def test_a_home_closed_to_others_works(local: Make) -> None:
    stack = local(mode=0o700)
    stack.up()
    data = database(stack).data
    assert data.is_relative_to(stack.home) is not ROOT  # root's server runs as nobody, who could not get there
    assert psutil.Process(stack.pid("postgres")).username() != "root"
    assert stack.run("down").returncode == 0
    assert not data.parent.exists()
    assert not stack.home.exists()
    assert stack.left() == []


def test_a_normal_user_runs_it(local: Make) -> None:
    stack = local(mode=0o700, user="nobody" if ROOT else None)
    stack.up()
    users = {process.username() for process in stack.started}
    assert users == {"nobody" if ROOT else psutil.Process().username()}
    assert stack.interrupt() == 0
    assert stack.left() == []
