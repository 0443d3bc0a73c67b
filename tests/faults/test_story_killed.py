"""Six months of an alliance, told while the platform's processes are killed: it goes on, and ends the same."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local import demo
from deploy.local.scenarios import alliance
from deploy.local.story import Platform, Story
from tests.system.stack import Stack, running, wait_for

PROCESSES = ("registry", "mapping", "events", "learning", "notify", "nats", "postgres", "gateway", "mail")
INTO_THE_STEP = 0.15
"""Seconds after a step begins: its requests, facts and mails are on their way."""


class Killer:
    """Before each step that is named, lets the step begin and kills one process in the middle of it."""

    def __init__(self, stack: Stack, victims: Sequence[str], every: int) -> None:
        self.stack, self.every = stack, every
        self.waiting, self.killed, self.steps = list(victims), [], 0  # type: ignore[var-annotated]
        self.timers: list[threading.Timer] = []

    def before(self, step: str) -> None:  # noqa: ARG002 (the story names its steps)
        self.steps += 1
        if self.waiting and self.steps % self.every == 0:
            timer = threading.Timer(INTO_THE_STEP, self._kill, [self.waiting.pop(0)])
            self.timers.append(timer)
            timer.start()

    def _kill(self, process: str) -> None:
        died = self.stack.kill(process)
        self.killed.append(process)
        wait_for(f"{process} runs again", lambda: self.stack.state["processes"][process]["pid"] != died)


@contextmanager
def told(home: Path, victims: Sequence[str], every: int = 3) -> Iterator[tuple[Story, Killer]]:
    with running(home, TRAMA_CLOCK=demo.BEGINS) as stack:
        story = Story(Platform(stack.url, home / "clock.json", stack.environment), tell=lambda _: None)
        killer = Killer(stack, victims, every)
        story.before = killer.before
        alliance.tell(story)
        for timer in killer.timers:
            timer.join()
        yield story, killer


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_story_during_which_every_process_is_killed_once_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    with told(tmp_path / "home", PROCESSES) as (story, killer):
        assert sorted(killer.killed) == sorted(PROCESSES)
        assert story.failures == [], story.failures


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("process", PROCESSES)
def test_a_story_during_which_one_process_is_killed_again_and_again(tmp_path: Path, process: str) -> None:
    with told(tmp_path / "home", [process] * 8) as (story, killer):
        assert len(killer.killed) == 8
        assert story.failures == []
