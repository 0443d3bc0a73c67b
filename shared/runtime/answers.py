"""What each exception is to the caller: the platform's own here, the slices' in their `problems`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException

from shared.access.jwks import KeysUnreadable
from shared.access.jwt import TokenExpired, TokenInvalid
from shared.access.links import LinkExpired, LinkInvalid, LinkUsed
from shared.access.loading import KeyInvalid, NetworkUnknown
from shared.access.policy import Forbidden
from shared.runtime import problems as p
from shared.runtime.database import away, constraint, sqlstate
from shared.runtime.problems import FieldError, Problem, ProblemOf, Problems

malformed = p.problem(
    "malformed",
    400,
    it="Richiesta illeggibile\nIl contenuto non si può leggere nel formato dichiarato.",
    en="Unreadable request\nThe content cannot be read in the declared format.",
)
other = {
    406: p.not_acceptable,
    404: p.not_found,
    401: p.unauthenticated,
    400: malformed,
    403: p.problem("refused", 403, it="Rifiutato", en="Refused"),
}

PLATFORM: dict[type[BaseException], ProblemOf] = {
    p.NotFound: p.not_found,
    p.NotYetKnown: p.not_yet_known,
    p.Stale: p.stale,
    p.Invalid: p.invalid,
    Forbidden: p.forbidden,
    NetworkUnknown: p.network_unknown,
    KeyInvalid: p.key_invalid,
    TokenExpired: p.token_expired,
    TokenInvalid: p.token_invalid,
    LinkExpired: p.link_expired,
    LinkUsed: p.link_used,
    LinkInvalid: p.link_invalid,
    KeysUnreadable: p.unavailable,
    StaleDataError: p.stale,
}

UNWRITABLE = "22"  # SQLSTATE class: a value that the database cannot hold (out of range, a NUL character, …)


class Answers:
    """The exceptions of one service's slices as problems, on top of the platform's."""

    def __init__(self, mappings: Iterable[Problems] = ()) -> None:
        self.by_class: dict[type[BaseException], ProblemOf] = dict(PLATFORM)
        self.by_constraint: dict[str, ProblemOf] = {}
        for mapping in mappings:
            for cause, made in mapping.items():
                if isinstance(cause, str):
                    self.by_constraint[cause] = made
                else:
                    self.by_class[cause] = made

    def __call__(self, error: BaseException) -> Problem:
        if isinstance(error, Problem):
            return error
        for cls in type(error).__mro__:
            if cls in self.by_class:
                return self.by_class[cls](error)
        if isinstance(error, RequestValidationError):
            return unreadable(error)
        if isinstance(error, HTTPException):
            return _of_http(error)
        return self._of_database(error)

    def _of_database(self, error: BaseException) -> Problem:
        if isinstance(error, IntegrityError):
            return self.by_constraint.get(constraint(error) or "", p.conflict)(error)
        if isinstance(error, DataError | UnicodeEncodeError) or sqlstate(error).startswith(UNWRITABLE):
            return p.invalid(None, errors=[FieldError("", "unwritable", "characters and numbers that can be stored")])
        return p.unavailable() if away(error) else p.internal()


def _of_http(error: HTTPException) -> Problem:
    limit = getattr(error, "limit", None)
    if error.status_code == 413:
        return p.too_large(None, accepted=limit)
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        return p.method_not_allowed(None, accepted=allowed, headers={"allow": allowed})
    made = other.get(error.status_code)
    if made is not None:
        return made()
    title = str(error.detail)
    return Problem(f"http-{error.status_code}", error.status_code, it=title, en=title, headers=error.headers)


def unreadable(error: RequestValidationError) -> Problem:
    """Pydantic's findings: where, which rule, and what would be accepted. The refused value is not repeated."""
    found = error.errors()
    if any(e["loc"] == ("body",) and isinstance(e.get("input"), bytes) for e in found):
        return p.unsupported_media_type(None, accepted="application/json", path="Content-Type")
    return p.invalid(None, errors=[FieldError(path(e["loc"]), e["type"], accepted(e)) for e in found])


def path(loc: tuple[int | str, ...]) -> str:
    """`/tax_code` in a body, `?limit` in the query, the name of a header, `{id}` in the path."""
    where, *rest = loc
    if where == "query":
        return f"?{rest[0]}" if rest else "?"
    if where in ("header", "cookie"):
        return str(rest[0]) if rest else str(where)
    if where == "path":
        return f"{{{rest[0]}}}" if rest else ""
    return "".join(f"/{part}" for part in rest)


_LIMITS: Mapping[str, str] = {
    "ge": ">= {}",
    "gt": "> {}",
    "le": "<= {}",
    "lt": "< {}",
    "min_length": "at least {} characters or items",
    "max_length": "at most {} characters or items",
    "pattern": "matching {}",
    "multiple_of": "a multiple of {}",
    "expected": "{}",
}
_SHAPES = {
    "missing": "a value",
    "uuid_parsing": "a UUID",
    "uuid_type": "a UUID",
    "date_from_datetime_parsing": "a day, YYYY-MM-DD",
    "date_from_datetime_inexact": "a day, YYYY-MM-DD",
    "date_parsing": "a day, YYYY-MM-DD",
    "date_type": "a day, YYYY-MM-DD",
    "datetime_parsing": "an instant with offset, 2026-01-31T10:00:00Z",
    "datetime_from_date_parsing": "an instant with offset, 2026-01-31T10:00:00Z",
    "timezone_aware": "an instant with offset, 2026-01-31T10:00:00Z",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "int_parsing": "an integer",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_parsing": "a number",
    "float_type": "a number",
    "string_type": "a string",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "json_invalid": "JSON",
    "extra_forbidden": "no further field",
}


def accepted(finding: Mapping[str, Any]) -> Any:
    """What would be accepted, in words or as the list of values."""
    context = finding.get("ctx") or {}
    if finding["type"] in ("enum", "literal_error"):
        return re.findall(r"'([^']*)'", str(context.get("expected", "")))
    for name, text in _LIMITS.items():
        if name in context:
            return text.format(context[name])
    shape = _SHAPES.get(finding["type"])
    if shape is not None:
        return shape
    return str(finding["msg"]).removeprefix("Value error, ")
