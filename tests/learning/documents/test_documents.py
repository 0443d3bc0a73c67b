"""Documents over HTTP, as people and programs use them."""

from __future__ import annotations

from typing import Any

from deploy.local.papers import pdf
from tests.harness import until
from tests.learning.school import School

PLAN = pdf(
    "Piano di zona", ["Il piano di zona dell'ambito di Lecco.", "La domiciliarità degli anziani è una priorità."]
)
FIELDS = {"title": "Piano di zona 2021-2023", "kind": "plan", "territory": "097"}


async def add(school: School, expect: int = 201, content: bytes = PLAN, name: str = "piano.pdf", **fields: Any) -> Any:
    as_ = fields.pop("as_", None)
    return await school.done(
        "POST",
        f"/networks/{school.slug}/documents",
        expect,
        as_=as_,
        files={"file": (name, content, "application/octet-stream")},
        data={**FIELDS, **fields},
    )


async def revise(school: School, document: Any, expect: int = 201, content: bytes = PLAN, **fields: Any) -> Any:
    return await school.done(
        "POST", f"/documents/{document['id']}/editions", expect, files={"file": ("b.pdf", content)}, data=fields
    )


async def found(school: School, **asked: Any) -> Any:
    return (await school.done("GET", f"/networks/{school.slug}/documents", params=asked))["items"]


async def read(school: School, document: Any) -> Any:
    """The document when its words are known."""

    async def known() -> bool:
        shown = await school.done("GET", f"/documents/{document['id']}")
        return bool(shown["edition"]["text"] != "waiting")

    await until(known, what="the words of a document")
    return await school.done("GET", f"/documents/{document['id']}")


async def test_a_document_is_published_told_and_found_by_what_it_says(school: School) -> None:
    made = await add(school, description="Con gli allegati", name="../../piano.exe")
    assert made["edition"]["file"]["name"] == "piano.exe.pdf"
    assert made["edition"]["file"]["media_type"] == "application/pdf"
    assert made["edition"]["file"]["size"] == len(PLAN)
    assert made["edition"]["file"]["pages"] == 2
    await read(school, made)
    (hit,) = await found(school, q="domiciliarita degli anziani", territory="03", kind="plan")
    assert hit["found"] == {
        "page": 2,
        "headline": "<mark>domiciliarità</mark> degli <mark>anziani</mark> è una priorità",
    }
    assert await found(school, q="bicicletta") == []
    assert [kind for kind, _ in await school.told(made)] == ["published"]
