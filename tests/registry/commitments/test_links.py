"""The page of a commitment's link: it shows, and its form declares fulfilled; whoever opens it does nothing."""

from __future__ import annotations

from tests.harness import Running
from tests.registry.commitments.scene import HTML, acted, link, promise, told
from tests.registry.conftest import Room, problem

JSON = {"accept": "application/json"}


async def test_the_page_shows_what_is_owed_by_whom_and_when(registry: Running, room: Room) -> None:
    one = await promise(room, await room.organisation("Ponti & Strade"), kind="document", due="2031-09-12")
    url = link(registry, one["id"], "commitment")
    for _ in range(3):  # mail scanners open links
        shown = await registry.client.get(url, headers=HTML)
        assert (shown.status_code, shown.headers["cache-control"]) == (200, "no-store")
    for piece in (
        '<html lang="it">',
        "Ponti &amp; Strade",
        "venerdì 12 settembre 2031",
        "aperto",
        room.slug.title(),
        '<label for="evidence">',
        "Dichiara che è fatto",
    ):
        assert piece in shown.text
    assert "<script" not in shown.text
    english = await registry.client.get(url, headers={**HTML, "accept-language": "en"})
    assert "Friday" in english.text
    assert "Declare that it is done" in english.text
    assert (await registry.client.get(url, headers=JSON)).json() == {
        "id": one["id"],
        "title": one["title"],
        "kind": "document",
        "debtor": "Ponti & Strade",
        "network": room.slug.title(),
        "due": "2031-09-12",
        "state": "open",
        "fulfilled_on": None,
    }
    assert await told(registry, one) == [("made", "open")]


async def test_the_form_fulfils_it_and_then_the_link_has_nothing_more_to_do(registry: Running, room: Room) -> None:
    one = await promise(room, await room.organisation())
    url = link(registry, one["id"], "commitment")
    done = await registry.client.post(url, data={"evidence": "Inviato a Giulia <oggi>"}, headers=HTML)
    assert done.status_code == 200, done.text
    assert "Grazie: l&#39;impegno è assolto" in done.text
    kept = await room.found(f"/commitments/{one['id']}")
    assert (kept["state"], kept["evidence"]) == ("fulfilled", "Inviato a Giulia <oggi>")
    assert await told(registry, one) == [("made", "open"), ("fulfilled", "fulfilled")]
    again = await registry.client.post(url, data={"evidence": "Ancora"}, headers=HTML)
    assert again.status_code == 409
    assert "chiuso" in again.text
    assert problem(await registry.client.post(url, data={"evidence": "x"}, headers=JSON)) == (409, "commitment-closed")
    shown = await registry.client.get(url, headers=HTML)
    assert shown.status_code == 200
    assert "assolto il" in shown.text
    assert "<form" not in shown.text


async def test_a_waived_commitment_says_so(registry: Running, room: Room) -> None:
    one = await promise(room, await room.organisation())
    await acted(room, f"/commitments/{one['id']}", "waive", {"reason": "Segreto di Giulia"})
    shown = await registry.client.get(link(registry, one["id"], "commitment"), headers=HTML)
    assert "non più dovuto" in shown.text
    assert "Segreto" not in shown.text


async def test_an_empty_form_comes_back_with_what_is_missing(registry: Running, room: Room) -> None:
    one = await promise(room, await room.organisation())
    url = link(registry, one["id"], "commitment")
    for data in ({}, {"evidence": " "}):
        again = await registry.client.post(url, data=data, headers=HTML)
        assert again.status_code == 422
        assert 'role="alert"' in again.text
        assert "Manca come si vede" in again.text
        assert '<label for="evidence">' in again.text
    long = await registry.client.post(url, data={"evidence": "<b>" * 2_000}, headers=HTML)
    assert long.status_code == 422
    assert "&lt;b&gt;" in long.text
    assert problem(await registry.client.post(url, headers=JSON)) == (422, "evidence-missing")
    assert (await room.found(f"/commitments/{one['id']}"))["version"] == 1


async def test_the_network_is_shown_with_its_logo(registry: Running, room: Room) -> None:
    one = await promise(room, await room.organisation())
    await registry.sql("update networks set logo = '/registry/v1/logos/x.png' where id = :id", id=room.id)
    for page in ("commitment", "representatives"):
        shown = await registry.client.get(link(registry, one["id"], page), headers=HTML)
        assert '<img src="/registry/v1/logos/x.png"' in shown.text
