"""`python -m shared.contracts.catalogue`: prints the catalogue of facts, docs/messages.md."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from itertools import groupby
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from shared.contracts import FACTS, Content, Fact

HEAD = """\
# The facts that services tell each other

Made by `make contracts` from `shared/contracts/`; do not edit. A fact is published on
`<service>.<aggregate>.<id>.<fact>`, carries the state of the aggregate after the change and the number of that state
(`version`), and has a JSON sample in `tests/contracts/samples/`. Days are `YYYY-MM-DD`, instants have an offset. Fields
with `?` may be null or missing.
"""


def catalogue() -> str:
    facts = sorted(
        FACTS.values(), key=lambda fact: (fact.service(), fact.aggregate(), _state(fact).__name__, fact.type)
    )
    lines = [HEAD]
    for service, told in groupby(facts, key=lambda fact: fact.service()):
        lines.append(f"## {service}\n")
        for state, same in groupby(told, key=_state):
            lines += _section(state, list(same))
    return "\n".join(lines)


def _section(state: type[Fact], facts: list[type[Fact]]) -> Iterator[str]:
    yield f"### {facts[0].aggregate()}\n"
    if state.__doc__ and state is not Fact:
        yield inspect.cleandoc(state.__doc__) + "\n"
    yield "| fact | type | |\n| --- | --- | --- |"
    for fact in facts:
        own = (
            inspect.cleandoc(fact.__doc__) if fact.__doc__ and "__doc__" in fact.__dict__ and fact is not state else ""
        )
        note = "tombstone" if fact.tombstone else " ".join(own.split())
        yield f"| `{fact.name.split('.')[2]}` | `{fact.type}` | {note} |"
    yield "\n| field | type |\n| --- | --- |"
    common = list(state.model_fields)
    for name in common:
        yield f"| `{name}` | {_kind(state, name)} |"
    for fact in facts:
        for name in fact.model_fields:
            if name not in common:
                yield f"| `{name}` (only `{fact.name.split('.')[2]}`) | {_kind(fact, name)} |"
    yield ""


def _state(fact: type[Fact]) -> type[Fact]:
    """The class that declares the fields which a family of facts shares."""
    base = fact.__mro__[1]
    return base if issubclass(base, Fact) and base is not Fact and not base.name else fact


def _kind(model: type[Content], name: str) -> str:
    return _name(model.model_fields[name].annotation)


def _name(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        named = [_name(a) for a in arguments if a is not NoneType]
        return " or ".join(named) + ("?" if NoneType in arguments else "")
    if origin is tuple:
        return f"list of {_name(arguments[0])}"
    if origin is not None:
        return f"{_name(origin)} of {', '.join(_name(a) for a in arguments)}"
    if inspect.isclass(annotation) and issubclass(annotation, Content):
        fields = ", ".join(f"{n}: {_kind(annotation, n)}" for n in annotation.model_fields)
        return f"{annotation.__name__} ({fields})"
    return {"str": "text", "int": "integer", "bool": "boolean", "datetime": "instant", "date": "day"}.get(
        getattr(annotation, "__name__", ""), getattr(annotation, "__name__", str(annotation))
    )


if __name__ == "__main__":
    sys.stdout.write(catalogue())
