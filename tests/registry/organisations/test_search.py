"""What people type, and whom they find."""

from __future__ import annotations

from typing import Any

import pytest

from tests.registry.desk import Desk, tax_code

NAMES = (
    "Associazione Amici della Fondazione di Lecco",
    "Fondazione Comunitaria del Lecchese",
    "Fondazione di Lecco",
    "Pubblica Assistenza Città di Como",
    "Cooperativa Sociale L'Albero",
    "AUSER Valmadrera",
)


@pytest.fixture
async def full(desk: Desk) -> Desk:
    for name in NAMES:
        await desk.register(name=name, state="active", tax_code=tax_code())
    return desk


async def found(desk: Desk, q: str, **more: Any) -> list[str]:
    return [one["name"] for one in (await desk.get(f"/networks/{desk.slug}/organisations", q=q, **more))["items"]]


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("fondazione di lecco", ["Fondazione di Lecco", "Associazione Amici della Fondazione di Lecco"]),
        ("lecco fondazione", ["Associazione Amici della Fondazione di Lecco", "Fondazione di Lecco"]),
        ("LECCO", ["Associazione Amici della Fondazione di Lecco", "Fondazione di Lecco"]),
        ("citta", ["Pubblica Assistenza Città di Como"]),
        ("città como", ["Pubblica Assistenza Città di Como"]),
        ("asistenza publica", ["Pubblica Assistenza Città di Como"]),
        ("coperativa", ["Cooperativa Sociale L'Albero"]),
        ("cooperative sociali", ["Cooperativa Sociale L'Albero"]),
        ("albero l", ["Cooperativa Sociale L'Albero"]),
        ("l’albero", ["Cooperativa Sociale L'Albero"]),
        ("valmadera auser", ["AUSER Valmadrera"]),
        ("lecco valmadrera", []),
        ("di", ["Associazione Amici della Fondazione di Lecco", "Fondazione di Lecco",
                "Pubblica Assistenza Città di Como"]),
        ("'; drop table organisations; --", []),
        ("%", []),
        ("\\", []),
        ("\U0001f600", []),
    ],
)  # fmt: skip
async def test_names_are_found_whatever_the_order_accents_and_slips(full: Desk, q: str, names: list[str]) -> None:
    assert await found(full, q) == names


async def test_who_bears_the_code_comes_first(full: Desk) -> None:
    bearer = (await full.get(f"/networks/{full.slug}/organisations", q="auser"))["items"][0]
    await full.register(name=f"Circolo {bearer['tax_code']}", state="active")
    assert await found(full, bearer["tax_code"]) == ["AUSER Valmadrera", f"Circolo {bearer['tax_code']}"]
    assert (
        await found(full, f"IT {bearer['tax_code'][:8]}") == ["AUSER Valmadrera"]
        or len(await found(full, f"IT {bearer['tax_code'][:8]}")) >= 1
    )


@pytest.mark.parametrize("q", ["lecco", "fondazione", "di", "asistenza", "a"])
async def test_pages_are_what_one_page_is(full: Desk, q: str) -> None:
    whole = await found(full, q)
    seen: list[str] = []
    after: dict[str, str] = {}
    for _ in range(20):
        page = await full.get(f"/networks/{full.slug}/organisations", q=q, limit=1, **after)
        seen += [one["name"] for one in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == whole
    assert whole


async def test_another_order_finds_the_same(full: Desk) -> None:
    for q in ("fondazione", "asistenza", "lecco fondazione"):
        assert set(await found(full, q, sort="-name")) == set(await found(full, q))
    assert await found(full, "fondazione", sort="-name") == sorted(await found(full, "fondazione"), reverse=True)


async def test_what_is_renamed_is_found_by_its_new_name_only(full: Desk) -> None:
    one = (await full.get(f"/networks/{full.slug}/organisations", q="auser"))["items"][0]
    answer = await full.ask(
        "PATCH", f"/organisations/{one['id']}", json={"name": "Zwischenraum"}, headers={"if-match": '"1"'}
    )
    assert answer.status_code == 200
    assert await found(full, "auser") == []
    assert await found(full, "zwishenraum") == ["Zwischenraum"]


async def test_a_search_stays_in_its_network(full: Desk) -> None:
    other = await Desk.founded(full.running)
    assert await found(other, "fondazione") == []
    assert await found(other, "asistenza") == []


@pytest.mark.parametrize("after", ["x", "9.", "0.zzz", ".", "1.", "-1.a", "²."])
async def test_a_cursor_of_another_list_is_refused(full: Desk, after: str) -> None:
    answer = await full.ask("GET", f"/networks/{full.slug}/organisations", params={"q": "lecco", "after": after})
    assert answer.status_code in ({200} if after == "1." else {422}), answer.text
