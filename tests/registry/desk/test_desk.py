"""The desk over HTTP, as a browser without scripts has it: who gets in, what is shown, what a form does."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi.routing import APIRoute

from services.registry.app import service
from services.registry.settings import Settings
from shared.access import tokens
from shared.access.roles import Level
from tests.harness import Running, until
from tests.registry.desk import Desk, tax_code

HTML = {"accept": "text/html,application/xhtml+xml"}
FORM = re.compile(r'name="form" value="([^"]+)"')
VERSION = re.compile(r'name="version" value="(\d+)"')


class Browser:
    """Somebody with a cookie; `post` sends the form's field as the last page had it."""

    def __init__(self, running: Running, person_id: UUID | None, *, admin: bool = False, language: str = "it") -> None:
        self.running, self.headers = running, {**HTML, "accept-language": language}
        held = running.token(person_id, audience=tokens.PAGES, level=Level.MAILBOX, admin=admin)
        self.headers["cookie"] = f"trama-session={held}"
        self.page = ""

    async def open(self, path: str, status: int = 200) -> str:
        answer = await self.running.client.get(path, headers=self.headers)
        assert answer.status_code == status, answer.text
        self.page = answer.text
        return answer.text

    async def post(self, path: str, form: str | None = None, **fields: Any) -> httpx.Response:
        found = FORM.search(self.page)
        given = {"form": form if form is not None else found[1] if found else "", **fields}
        return await self.running.client.post(path, headers=self.headers, data=given)


@pytest.fixture
async def desk(registry: Running) -> Desk:
    return await Desk.founded(registry)


def person_of(desk: Desk) -> UUID:
    """Whose header the desk has."""
    held = desk.headers["authorization"].partition(" ")[2]
    known = desk.running.context.verifier.known(held)
    assert known is not None
    assert known.person_id is not None
    return known.person_id


@pytest.fixture
async def secretary(registry: Running, desk: Desk) -> Browser:
    await desk.get(f"/networks/{desk.slug}")  # the token is known from here on
    return Browser(registry, person_of(desk))


def pages() -> list[APIRoute]:
    made = service(Settings.model_construct())
    return [route for router in made.site for route in router.routes if isinstance(route, APIRoute)]


def method_of(route: APIRoute) -> str:
    return next(iter(route.methods or ()))


def address(route: APIRoute, slug: str) -> str:
    unknown = "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5"
    return re.sub(r"{\w+}", unknown, route.path.replace("{network}", slug))


OPEN = {"/sign-in"}


@pytest.mark.parametrize("route", pages(), ids=lambda r: f"{method_of(r)} {r.path}")
async def test_strangers_are_sent_to_sign_in_and_expired_sessions_too(
    registry: Running, desk: Desk, route: APIRoute
) -> None:
    if route.path in OPEN:
        return
    method, url = method_of(route), address(route, desk.slug)
    expired = registry.token(audience=tokens.PAGES, lifetime=-tokens.LIFETIME)
    bearer = registry.token(admin=True)
    for cookie in ("", f"trama-session={expired}", f"trama-session={bearer}", "trama-session=nonsense"):
        answer = await registry.client.request(method, url, headers={**HTML, "cookie": cookie})
        assert answer.status_code == 303, cookie
        assert answer.headers["location"].startswith("/sign-in?next=")


@pytest.mark.parametrize("route", pages(), ids=lambda r: f"{method_of(r)} {r.path}")
async def test_people_of_other_networks_see_nothing(registry: Running, desk: Desk, route: APIRoute) -> None:
    if "{network}" not in route.path:
        return
    other = await Desk.founded(registry)
    await other.get(f"/networks/{other.slug}")
    person = Browser(registry, person_of(other))
    await person.open(f"/desk/{other.slug}")
    method, url = method_of(route), address(route, desk.slug)
    answer = await (person.post(url) if method == "POST" else registry.client.get(url, headers=person.headers))
    assert answer.status_code in (403, 404, 422), answer.text
    assert desk.slug.title() not in answer.text
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("route", [r for r in pages() if method_of(r) == "POST"], ids=lambda r: r.path)
@pytest.mark.parametrize("form", ["", "x", None], ids=["none", "wrong", "another session's"])
async def test_a_form_that_is_not_from_our_page_does_nothing(
    registry: Running, desk: Desk, secretary: Browser, route: APIRoute, form: str | None
) -> None:
    if route.path in OPEN:
        return
    if form is None:
        other = Browser(registry, None, admin=True)
        found = FORM.search(await other.open("/desk"))
        assert found
        form = found[1]
    answer = await secretary.post(address(route, desk.slug), form=form, version="1", since="2026-01-01")
    assert answer.status_code == 403, answer.text
    assert "troppo vecchia" in answer.text


async def test_a_session_is_no_bearer_token(registry: Running, desk: Desk, secretary: Browser) -> None:
    held = secretary.headers["cookie"].partition("=")[2]
    answer = await registry.client.get(
        f"/registry/v1/networks/{desk.slug}", headers={"authorization": f"Bearer {held}"}
    )
    assert answer.status_code == 401


async def test_one_network_is_the_desk_and_several_are_chosen_from(registry: Running, secretary: Browser) -> None:
    answer = await registry.client.get("/desk", headers=secretary.headers)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/desk/rete-")
    admin = Browser(registry, None, admin=True)
    assert "Le tue reti" in await admin.open("/desk")


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/a\nb"])
async def test_nobody_is_sent_elsewhere_after_signing_in(registry: Running, secretary: Browser, wanted: str) -> None:
    answer = await registry.client.get("/sign-in", params={"next": wanted}, headers=HTML)
    assert answer.status_code == 200
    assert "trama-going" not in answer.headers.get("set-cookie", "")
    signed = await registry.client.get("/sign-in", params={"next": wanted}, headers=secretary.headers)
    assert signed.status_code == 200, "who is signed in is not sent there either"
    good = await registry.client.get("/sign-in", params={"next": "/desk/x?state=late"}, headers=HTML)
    assert "trama-going" in good.headers["set-cookie"]


async def test_an_address_that_is_none_is_asked_for_again(registry: Running) -> None:
    answer = await registry.client.post("/sign-in", data={"email": "nessuna"}, headers=HTML)
    assert answer.status_code == 422
    assert "nome@dominio.it" in answer.text
    assert 'value="nessuna"' in answer.text
    good = await registry.client.post("/sign-in", data={"email": "x@example.org"}, headers=HTML)
    assert (good.status_code, "Guarda nella tua posta" in good.text) == (200, True)


async def test_signing_out_ends_the_session_at_this_browser(registry: Running, desk: Desk, secretary: Browser) -> None:
    await secretary.open(f"/desk/{desk.slug}")
    answer = await secretary.post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert 'trama-session=""' in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]


async def test_the_desk_says_what_waits_and_what_is_calm(desk: Desk, secretary: Browser) -> None:
    page = await secretary.open(f"/desk/{desk.slug}")
    assert "Carica il foglio dei soci" in page
    assert "Nessun obiettivo in corso" in page
    assert page.count('class="calm"') >= 3
    member = await desk.register(state="active")
    body = {"title": "Elenco", "kind": "document", "organisation_id": member["id"], "due": "2030-01-31"}
    made = await desk.ask("POST", f"/networks/{desk.slug}/commitments", json=body)
    assert made.status_code == 201, made.text
    page = await secretary.open(f"/desk/{desk.slug}")
    assert '<p class="figure">1</p>' in page
    english = Browser(desk.running, person_of(desk), language="en")
    assert "Upload the sheet of members" in await english.open(f"/desk/{desk.slug}")


@pytest.fixture
async def owed(desk: Desk) -> dict[str, Any]:
    member = await desk.register(name="ACLI <b>Lecco</b>", state="active")
    body = {
        "title": "Elenco dei rappresentanti",
        "kind": "document",
        "organisation_id": member["id"],
        "due": "2030-01-31",
    }
    made = await desk.ask("POST", f"/networks/{desk.slug}/commitments", json=body)
    assert made.status_code == 201, made.text
    return dict(made.json())


async def test_a_commitment_is_closed_with_its_evidence_and_refused_without(
    desk: Desk, secretary: Browser, owed: dict[str, Any]
) -> None:
    listed = await secretary.open(f"/desk/{desk.slug}/commitments")
    assert "ACLI &lt;b&gt;Lecco&lt;/b&gt;" in listed
    url = f"/desk/{desk.slug}/commitments/{owed['id']}"
    page = await secretary.open(url)
    version = VERSION.search(page)
    assert version
    refused = await secretary.post(f"{url}/fulfil", version=version[1], evidence="  ")
    assert refused.status_code == 422
    assert 'role="alert"' in refused.text
    done = await secretary.post(f"{url}/fulfil", version=version[1], evidence="Arrivato per PEC il 3 marzo")
    assert (done.status_code, done.headers["location"]) == (303, f"{url}?done=fulfilled")
    assert "Fatto" in await secretary.open(done.headers["location"])
    assert (await desk.get(f"/commitments/{owed['id']}"))["state"] == "fulfilled"
    stale = await secretary.post(f"{url}/waive", version=version[1], reason="doppio")
    assert stale.status_code == 412, "another page had gone before"


async def test_what_is_refused_without_naming_a_field_is_said_on_the_page(
    desk: Desk, secretary: Browser, owed: dict[str, Any]
) -> None:
    """A second tab closes what the first has closed; a notice that was never there is handed over."""
    url = f"/desk/{desk.slug}/commitments/{owed['id']}"
    await secretary.open(url)
    assert (await secretary.post(f"{url}/waive", version="1", reason="Entrato per errore")).status_code == 303
    again = await secretary.post(f"{url}/waive", version="2", reason="Entrato per errore")
    assert again.status_code == 409, again.text
    assert 'role="alert"' in again.text
    unknown = f"/desk/{desk.slug}/notices/{owed['id']}/handed"
    missing = await secretary.post(unknown, version="1", how="handed")
    assert missing.status_code == 404, missing.text
    assert 'role="alert"' in missing.text


async def test_a_commitment_is_waived_with_a_reason(desk: Desk, secretary: Browser, owed: dict[str, Any]) -> None:
    url = f"/desk/{desk.slug}/commitments/{owed['id']}"
    await secretary.open(url)
    assert (await secretary.post(f"{url}/waive", version="1", reason=" ")).status_code == 422
    assert (await secretary.post(f"{url}/waive", version="1", reason="Entrato per errore")).status_code == 303
    assert "Entrato per errore" in await secretary.open(url)


async def test_a_commitment_of_another_network_is_not_found_at_this_desk(
    registry: Running, desk: Desk, secretary: Browser, owed: dict[str, Any]
) -> None:
    other = await Desk.founded(registry)
    await other.get(f"/networks/{other.slug}")
    person = Browser(registry, person_of(other))
    await person.open(f"/desk/{other.slug}/commitments/{owed['id']}", status=403)


async def test_at_one_networks_desk_nothing_is_done_in_another(
    registry: Running, desk: Desk, owed: dict[str, Any]
) -> None:
    other = await Desk.founded(registry)
    admin = Browser(registry, None, admin=True)
    await admin.open(f"/desk/{other.slug}")
    url = f"/desk/{other.slug}/commitments/{owed['id']}"
    assert (await admin.post(f"{url}/waive", version="1", reason="Dal posto sbagliato")).status_code == 404
    assert (await desk.get(f"/commitments/{owed['id']}"))["state"] == "open"
    state = await desk.upload(sheet(["Uno"]), commit=False)
    assert (await admin.post(f"/desk/{other.slug}/imports/{state['id']}/commit")).status_code == 404
    assert (await desk.get(f"/imports/{state['id']}"))["state"] == "previewed"


@pytest.fixture
async def seat(desk: Desk) -> dict[str, Any]:
    body = {
        "name": "Segreteria",
        "kind": "working_group",
        "composition": "fixed",
        "seats": [{"title": "Tesoriera", "role": "member"}],
    }
    made = await desk.ask("POST", f"/networks/{desk.slug}/bodies", json=body)
    assert made.status_code == 201, made.text
    found = await desk.get(f"/networks/{desk.slug}/seats", vacant="true")
    return dict(found["items"][0])


async def test_somebody_new_is_designated_for_a_vacant_seat(
    desk: Desk, secretary: Browser, seat: dict[str, Any]
) -> None:
    assert "Designa" in await secretary.open(f"/desk/{desk.slug}/seats")
    url = f"/desk/{desk.slug}/seats/{seat['id']}"
    await secretary.open(url)
    refused = await secretary.post(url, given_name="Anna", family_name="", email="anna@example.org")
    assert refused.status_code == 422
    assert "/family_name" in refused.text
    assert 'value="anna@example.org"' in refused.text, "what was typed is kept"
    wrong = await secretary.post(url, given_name="Anna", family_name="Neri", email="anna")
    assert wrong.status_code == 422
    people = await desk.get(f"/networks/{desk.slug}/people")
    assert people["items"] == [], "nothing is half done"
    done = await secretary.post(url, given_name="Anna", family_name="Neri", email="anna@example.org")
    assert done.status_code == 303
    found = await desk.get(f"/seats/{seat['id']}")
    assert found["holder"]["person"]["name"] == "Anna Neri"
    assert (await desk.get(f"/networks/{desk.slug}/seats", vacant="true"))["items"] == []
    again = await secretary.post(url, given_name="Ugo", family_name="Bianchi")
    assert again.status_code == 409, "the seat is taken"


async def test_somebody_known_is_found_and_designated(desk: Desk, secretary: Browser, seat: dict[str, Any]) -> None:
    body = {"given_name": "Carla", "family_name": "Nicolò", "email": "carla@example.org"}
    known = (await desk.ask("POST", f"/networks/{desk.slug}/people", json=body)).json()
    url = f"/desk/{desk.slug}/seats/{seat['id']}"
    assert "Carla Nicolò" in await secretary.open(f"{url}?q=nicolo")
    assert "Nessuno con questo nome" in await secretary.open(f"{url}?q=zzz")
    done = await secretary.post(url, person_id=known["id"])
    assert done.status_code == 303, done.text
    assert (await desk.get(f"/seats/{seat['id']}"))["holder"]["person"]["id"] == known["id"]


@pytest.mark.parametrize("since", ["ieri", "9999-12-31", "0001-01-01"])
async def test_a_day_that_is_none_names_the_field(
    desk: Desk, secretary: Browser, seat: dict[str, Any], since: str
) -> None:
    url = f"/desk/{desk.slug}/seats/{seat['id']}"
    await secretary.open(url)
    answer = await secretary.post(url, given_name="Anna", family_name="Neri", since=since)
    assert answer.status_code == 422, answer.text
    assert "/since" in answer.text


async def test_goals_are_followed_from_the_desk(desk: Desk, secretary: Browser) -> None:
    assert "La rete non ha ancora obiettivi" in await secretary.open(f"/desk/{desk.slug}/goals")
    body = {"title": "Quattro coordinamenti", "last_day": "2030-12-31", "minimum": 4, "full": 6}
    made = (await desk.ask("POST", f"/networks/{desk.slug}/goals", json=body)).json()
    assert "0 di 4 regioni" in await secretary.open(f"/desk/{desk.slug}/goals")
    assert "0 / 4" in await secretary.open(f"/desk/{desk.slug}")
    shown = await secretary.open(f"/desk/{desk.slug}/goals/{made['id']}")
    assert "Quattro coordinamenti" in shown
    assert 'aria-current="page"' in shown


async def test_problems_are_pages_for_browsers_and_json_for_programs(registry: Running, secretary: Browser) -> None:
    page = await registry.client.get("/desk/nessuna-rete", headers=secretary.headers)
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    same = await registry.client.get("/registry/v1/networks/nessuna", headers={"accept": "application/json"})
    assert same.headers["content-type"] == "application/problem+json"


async def test_the_style_is_served_by_the_service_itself_and_kept(registry: Running, secretary: Browser) -> None:
    page = await secretary.open("/desk", status=303) or ""
    sign_in = (await registry.client.get("/sign-in", headers=HTML)).text
    addresses = re.findall(r'<link rel="stylesheet" href="([^"]+)"', sign_in)
    assert [url.rsplit("/", 1)[1] for url in addresses] == ["bootstrap-italia.css", "trama.css"]
    for url in addresses:
        for encoding in ("gzip", "identity"):
            style = await registry.client.get(url, headers={"accept-encoding": encoding})
            assert style.headers["content-type"].startswith("text/css")
            assert "immutable" in style.headers["cache-control"]
            assert "font-face" in style.text
    own = await registry.client.get(addresses[1])
    for font in re.findall(r"url\((titillium[^)]+)\)", own.text):
        answer = await registry.client.get(addresses[1].rsplit("/", 1)[0] + f"/{font}")
        assert answer.content.startswith(b"wOF2")
    assert (await registry.client.get("/registry/assets/x/nothing.css")).status_code == 404
    assert page == ""


def sheet(names: list[str], header: str = "Codice fiscale;Denominazione;Comune;PR") -> bytes:
    return "\n".join([header, *(f"{tax_code()};{name};Lecco;LC" for name in names)]).encode()


async def sent(secretary: Browser, desk: Desk, content: bytes, name: str = "soci.csv") -> str:
    """The page of the import that a sheet became."""
    await secretary.open(f"/desk/{desk.slug}/imports")
    found = FORM.search(secretary.page)
    assert found
    answer = await secretary.running.client.post(
        f"/desk/{desk.slug}/imports",
        headers=secretary.headers,
        data={"form": found[1], "of": "organisations"},
        files={"file": (name, content)},
    )
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def ended(secretary: Browser, page: str) -> str:
    """The page, once it no longer refreshes itself."""

    async def over() -> bool:
        return 'http-equiv="refresh"' not in await secretary.open(page)

    await until(over, 30, "the work is done")
    return secretary.page


async def test_a_sheet_is_previewed_confirmed_and_undone(desk: Desk, secretary: Browser) -> None:
    page = await sent(secretary, desk, sheet(["Uno", "Due", "Tre"]))
    shown = await ended(secretary, page)
    assert "aspetta la conferma" in shown
    assert await desk.members() == [], "nothing is imported before it is confirmed"
    assert "Controlla e conferma" in await secretary.open(f"/desk/{desk.slug}")
    await secretary.open(page)
    assert (await secretary.post(f"{page}/commit")).headers["location"] == page
    assert "fatta" in await ended(secretary, page)
    assert len(await desk.members()) == 3
    report = await secretary.running.client.get(f"{page}/rows.csv", headers=secretary.headers)
    assert report.text.count("created") == 3
    assert report.headers["cache-control"] == "no-store", "people and their addresses stay in no browser"
    await secretary.open(page)
    assert (await secretary.post(f"{page}/undo")).status_code == 303
    assert "Annullate 3 righe" in await ended(secretary, page)


async def test_wrong_columns_are_put_right(desk: Desk, secretary: Browser) -> None:
    content = sheet(["Uno"], header="Colonna A;Colonna B;Colonna C;Colonna D")
    page = await sent(secretary, desk, content)
    shown = await ended(secretary, page)
    version = VERSION.search(shown)
    assert version
    twice = await secretary.post(f"{page}/columns", version=version[1], **{"column-1": "title", "column-2": "title"})
    assert twice.status_code == 422
    assert "one column only" in twice.text
    chosen = {"column-1": "tax_code", "column-2": "title", "column-3": "municipality", "column-4": "province"}
    assert (await secretary.post(f"{page}/columns", version=version[1], **chosen)).status_code == 303
    shown = await ended(secretary, page)
    assert "aspetta la conferma" in shown
    assert '<option value="title" selected>' in shown


@pytest.mark.parametrize("column", ["9" * 5_000, "0", "99", "x", "٣", "-1"])
async def test_a_column_that_the_sheet_has_not_is_no_error_of_ours(desk: Desk, secretary: Browser, column: str) -> None:
    page = await sent(secretary, desk, sheet(["Uno"]))
    version = VERSION.search(await ended(secretary, page))
    assert version
    answer = await secretary.post(f"{page}/columns", version=version[1], **{f"column-{column}": "title"})
    assert answer.status_code in (303, 422), answer.text


async def test_what_is_no_sheet_is_said_so(desk: Desk, secretary: Browser) -> None:
    await secretary.open(f"/desk/{desk.slug}/imports")
    found = FORM.search(secretary.page)
    assert found
    nothing = await secretary.post(f"/desk/{desk.slug}/imports", of="organisations")
    assert nothing.status_code == 422
    assert "/file" in nothing.text
    page = await sent(secretary, desk, b"\x00\x01\x02" * 40, "foto.jpg")
    assert "Correggi il foglio" in await ended(secretary, page)


async def test_the_record_is_written_and_notices_handed_over(desk: Desk, secretary: Browser) -> None:
    body = {"given_name": "Olga", "family_name": "Rota", "phone": "0341 123456"}
    answer = await desk.ask("POST", f"/networks/{desk.slug}/people", json=body)
    assert answer.status_code == 201
    url = f"/desk/{desk.slug}/notices"
    assert "Non è ancora scritto" in await secretary.open(url)
    given = {
        "controller": "Rete di prova, Lecco",
        "contact": "privacy@example.org",
        "purposes": "Convocare le riunioni\n\nTenere gli elenchi",
        "basis": "legitimate_interests",
        "retention_months": "24",
    }
    wrong = await secretary.post(f"{url}/record", version="0", **{**given, "controller": "", "retention_months": "x"})
    assert wrong.status_code == 422
    assert "/controller" in wrong.text
    assert "/retention_months" in wrong.text
    assert "Tenere gli elenchi" in wrong.text, "what was typed is kept"
    written = await secretary.post(f"{url}/record", version="0", **given)
    assert written.status_code == 303, written.text
    kept = await desk.get(f"/networks/{desk.slug}/processing")
    assert kept["purposes"] == ["Convocare le riunioni", "Tenere gli elenchi"]
    await secretary.running.settled()
    shown = await secretary.open(url)
    assert "Olga Rota" in shown
    assert "nessun indirizzo" in shown
    notice = (await desk.get(f"/networks/{desk.slug}/notices", state="unreachable"))["items"][0]
    handed = await secretary.post(f"{url}/{notice['id']}/handed", version=str(notice["version"]), how="in_person")
    assert handed.status_code == 303, handed.text
    assert "Nessuna informativa aspetta" in await secretary.open(url)
