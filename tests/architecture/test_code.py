"""Habits of the house that no linter knows: read from the syntax tree of every module."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(p for folder in ("services", "shared") for p in (ROOT / folder).rglob("*.py"))
UNSAFE_ACKNOWLEDGEMENTS = {f"AckPolicy.{name}" for name in ("ACK_FIRST", "ACK", "REJECT_ON_ERROR", "NACK_ON_ERROR")}


def unsafe_acknowledgements(tree: ast.AST) -> Iterator[int]:
    """Lines that name a policy acknowledging before, or apart from, the commit; or a subscriber without any policy
    (FastStream's default is REJECT_ON_ERROR, which loses)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in UNSAFE_ACKNOWLEDGEMENTS:
            yield node.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "subscriber":
            policies = [k.value for k in node.keywords if k.arg == "ack_policy"]
            if not any(isinstance(p, ast.Attribute) and p.attr == "MANUAL" for p in policies):
                yield node.lineno


def wall_clock_reads(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            asks = node.func.attr in {"now", "utcnow", "today", "time", "monotonic"}
            if asks and not node.args:
                yield node.lineno


def commits(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit":
            yield node.lineno


def swallowed_exceptions(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and all(isinstance(line, ast.Pass) for line in node.body):
            yield node.lineno


def lost_cancellations(tree: ast.AST) -> Iterator[int]:
    """`asyncio.wait_for` of Python 3.11 forgets a cancellation that comes together with its result: a task that waits
    so in a loop cannot be stopped. `asyncio.timeout` does not."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "asyncio.wait_for":
            yield node.lineno


def found(check, paths: list[Path]) -> list[str]:  # type: ignore[no-untyped-def]
    return [f"{p.relative_to(ROOT)}:{line}" for p in paths for line in check(ast.parse(p.read_text()))]


def test_no_subscriber_acknowledges_before_its_work_is_committed() -> None:
    assert found(unsafe_acknowledgements, MODULES) == []


@pytest.mark.parametrize(
    "code",
    [
        "broker.subscriber('x', stream=s)",
        "broker.subscriber('x', ack_policy=AckPolicy.REJECT_ON_ERROR)",
        "broker.subscriber('x', ack_policy=AckPolicy.NACK_ON_ERROR)",
        "policy = AckPolicy.ACK_FIRST",
    ],
)
def test_an_unsafe_acknowledgement_would_be_found(code: str) -> None:
    assert list(unsafe_acknowledgements(ast.parse(code)))


def test_rules_are_told_the_time_and_never_ask_for_it() -> None:
    assert found(wall_clock_reads, [p for p in MODULES if p.name == "rules.py"]) == []


def test_commands_and_listeners_never_commit() -> None:
    assert (
        found(commits, [p for p in MODULES if p.name in {"commands.py", "queries.py", "listens.py", "rules.py"}]) == []
    )


def test_no_exception_is_caught_and_forgotten() -> None:
    assert found(swallowed_exceptions, MODULES) == []


def test_no_task_can_lose_its_cancellation() -> None:
    assert found(lost_cancellations, MODULES) == []


def test_no_module_says_utils_or_helpers() -> None:
    assert [str(p) for p in MODULES if p.stem in {"utils", "helpers", "common", "misc"}] == []
