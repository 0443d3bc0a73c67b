"""Lists as CSV for spreadsheets: UTF-8, comma, CRLF (RFC 4180), with cells that no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import io
import types
from collections.abc import Iterable, Sequence
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

MEDIA_TYPE = "text/csv; charset=utf-8"
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def cell(value: Any) -> Any:
    """A text that begins like a formula gets an apostrophe before it; numbers stay numbers, lists are joined by `|`.

    A mapping is a list of `name=value`.
    """
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return "" if value is None else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        value = [f"{name}={inner}" for name, inner in value.items()]
    if isinstance(value, list | tuple):
        value = "|".join(str(_shown(v)) for v in value)
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) or text.lstrip().startswith(FORMULA[:4]) else text


def _shown(value: Any) -> Any:
    return value.get("name") or value.get("code") or value.get("id") if isinstance(value, dict) else value


def lines(rows: Iterable[Sequence[Any]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([cell(value) for value in row] for row in rows)
    return out.getvalue().encode()


def columns(model: type[BaseModel], prefix: str = "") -> list[str]:
    """The column names of a model: its fields in order, those of an object within as `municipality.code`."""
    found: list[str] = []
    for name, info in model.model_fields.items():
        inner = _model(info.annotation)
        found += columns(inner, f"{prefix}{name}.") if inner else [prefix + name]
    return found


def _model(annotation: Any) -> type[BaseModel] | None:
    if get_origin(annotation) in (Union, types.UnionType):
        models = [m for m in map(_model, get_args(annotation)) if m]
        return models[0] if models else None
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def row(item: BaseModel, names: Sequence[str]) -> list[Any]:
    data = item.model_dump(mode="json")
    return [_at(data, name.split(".")) for name in names]


def _at(data: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        data = data.get(step) if isinstance(data, dict) else None
    return data
