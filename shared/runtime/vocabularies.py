"""Stable codes with labels for people: `/vocabularies` of each service, so that no frontend makes its own list."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel


class Term(BaseModel):
    """A code with its labels, and the law or standard that it comes from."""

    code: str
    it: str
    en: str
    source: str | None = None


class Vocabulary(BaseModel):
    name: str
    it: str
    en: str
    terms: tuple[Term, ...]


class VocabulariesOut(BaseModel):
    items: list[Vocabulary]


def vocabulary(name: str, it: str, en: str, terms: Sequence[Term | tuple[str, ...]]) -> Vocabulary:
    """Terms may be tuples `(code, it, en)` or `(code, it, en, source)`."""
    made = [
        t if isinstance(t, Term) else Term(**dict(zip(("code", "it", "en", "source"), t, strict=False))) for t in terms
    ]
    return Vocabulary(name=name, it=it, en=en, terms=tuple(made))
