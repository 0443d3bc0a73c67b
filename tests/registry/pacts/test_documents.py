"""The pact on paper: whole for who may read it, codes only for the others; nothing that somebody wrote is executed."""

from __future__ import annotations

import re
import zlib
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from services.registry.pacts import document
from services.registry.pacts.commands import Clear
from services.registry.pacts.queries import Shown
from services.registry.pacts.rules import Capacity, Kind, Obligation, Pact, Reason, Side, State, Step
from shared import typesetting
from tests.harness import Running
from tests.registry.conftest import Room, problem
from tests.registry.pacts.scene import DEED, NAME, OWN, STEP, Scene

pytestmark = pytest.mark.timeout(180)
ON = date(2026, 11, 11)
HOSTILE = (
    "#panic()",
    '#read("/etc/passwd")',
    '#import "@preview/x:0.1.0": *',
    "*grassetto* _corsivo_ $x^2$ `raw` <label> @ref",
    "] #panic() [",
    '" + panic() + "',
    "\\u{1F600} \\ // commento /* e */ ~ -- ---",
    "= Titolo\n- elenco\n+ numero\n/ termine: testo",
    "#{ while true {} }",
)


def paper(
    text: str = "Mette a disposizione un alloggio", language: str = "it", *, clear: bool = True
) -> dict[str, Any]:
    body, comune, maker = uuid7(), uuid7(), uuid7()
    signed: dict[str, Any] = {"signed_on": ON, "since": ON, "until": date(2027, 11, 11), "state": State.SIGNED}
    pact = Pact(uuid7(), 2026, 7, Kind.HOUSEHOLD, "E507", ON, body_id=body, maker_id=maker, **signed)
    obligations = [
        Obligation(pact.id, 1, Side.LOCAL_AUTHORITY, comune, due=ON, sealed=b"x"),
        Obligation(pact.id, 2, Side.BENEFICIARY, due=ON, sealed=b"x"),
    ]
    steps = [Step(pact.id, 1, date(2026, 12, 8), b"x")]
    shown = Shown(pact, obligations, steps, {body: "Gruppo", comune: "Comune di Lecco", maker: "Marta"}, {})
    read = Clear(
        uuid7(),
        datetime(2026, 11, 11, tzinfo=UTC),
        Capacity.MAKER,
        Reason.SIGNING,
        shown,
        beneficiary={"name": text, "contact": text, "notes": text},
        obligations={1: text, 2: text},
        steps={1: (text, text)},
        ending=text,
    )
    return document.data(shown, text, read if clear else None, language, ON)


def render(data: dict[str, Any]) -> bytes:
    return typesetting.pdf(document.TEMPLATE, data, ON)


def text_of(pdf: bytes) -> str:
    """The texts of the document's marked content and its bookmarks, as far as they are kept as text."""
    parts = []
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            parts.append(zlib.decompress(stream))
        except zlib.error:
            parts.append(stream)
    return b"\n".join([pdf, *parts]).decode("latin-1")


@pytest.mark.parametrize("language", ["it", "en"])
def test_the_document_is_a_tagged_pdf_in_its_language(language: str) -> None:
    pdf = render(paper(language=language))
    told = text_of(pdf)
    assert pdf.startswith(b"%PDF-")
    assert "<pdfuaid:part>1</pdfuaid:part>" in told
    assert "/MarkInfo" in told
    assert f"/Lang ({language})" in told or f"<dc:language><rdf:Bag><rdf:li>{language}" in told
    title = {"it": "Patto generativo PG-2026-0007", "en": "Generative pact PG-2026-0007"}[language]
    assert title in told


def test_the_same_pact_makes_the_same_document_and_another_text_another() -> None:
    data = paper()
    assert render(data) == render(data)
    assert render(data) != render(paper("Altro"))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_somebody_wrote_is_printed_and_not_executed(hostile: str) -> None:
    pages = typesetting.pages(document.TEMPLATE, paper(hostile), ON)
    assert pages[0].startswith(b"\x89PNG")
    assert len(pages) <= 3
    assert render(paper(hostile)).startswith(b"%PDF-")


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_no_text_breaks_the_document(text: str) -> None:
    assert render(paper(text)).startswith(b"%PDF-")


def test_a_name_in_another_script_is_printed_too() -> None:
    told = text_of(render(paper("李小龍 محمد 🙂")))
    assert "/MarkInfo" in told
    assert "pdfuaid:part" not in told


def test_without_a_reading_the_paper_holds_the_code_and_no_text() -> None:
    data = paper("Marcatelli", clear=False)
    data["network"] = "Ambito di Lecco"
    assert "Marcatelli" not in str(data)
    assert data["beneficiary"] == "nucleo familiare (PG-2026-0007)"
    assert data["signers"] == []
    whole = paper("Marcatelli")
    assert whole["beneficiary"] == "Marcatelli"
    assert [one["what"] for one in whole["obligations"]] == ["Marcatelli", "Marcatelli"]
    assert whole["signers"] == ["Gruppo", "Comune di Lecco", "Marcatelli"]
    assert whole["words"]["printed"] == "Stampato l'11 novembre 2026"
    assert whole["steps"][0]["by"] == "8 dicembre 2026"
    assert whole["term"] == "11 novembre 2026 – 10 novembre 2027"


async def test_the_maker_prints_the_whole_pact_and_it_is_logged_as_a_reading(
    scene: Scene, room: Room, registry: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed: list[dict[str, Any]] = []
    whole = document.data
    monkeypatch.setattr(document, "data", lambda *asked: printed.append(whole(*asked)) or printed[-1])  # type: ignore[func-returns-value]
    pact = await scene.signed()
    answer = await scene.maker.post(f"/pacts/{pact['id']}/document?language=en", {"reason": "signing"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == f'inline; filename="{pact["code"]}.pdf"'
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content.startswith(b"%PDF-")
    (data,) = printed
    assert (data["beneficiary"], data["language"]) == (NAME, "en")
    assert [one["what"] for one in data["obligations"]] == [DEED, DEED, DEED, OWN]
    assert [step["what"] for step in data["steps"]] == [STEP]
    (line,) = (await room.found(f"/pacts/{pact['id']}/readings"))["items"]
    assert (line["purpose"], line["reason"]) == ("print", "signing")
    anonymous = await room.get(f"/pacts/{pact['id']}/document")
    assert anonymous.status_code == 200
    assert NAME not in str(printed[1])
    assert DEED not in str(printed[1])
    assert printed[1]["obligations"][0]["holder"] == "Comune di Lecco"
    lines = await registry.sql("select 1 from pact_readings where pact_id = :id", id=UUID(pact["id"]))
    assert len(lines) == 1
    refused = await room.post(f"/pacts/{pact['id']}/document", {"reason": "signing"})
    assert problem(refused) == (403, "forbidden")
    assert len(printed) == 2
