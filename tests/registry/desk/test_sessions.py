"""Sessions at a browser that somebody tries to bend: another host, another site, somebody who is gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from deploy.local.postgres import Postgres
from shared.access import links, tokens
from shared.access.roles import Level
from tests.harness import Running
from tests.registry.conftest import running_registry
from tests.registry.desk import Desk
from tests.registry.desk.test_desk import FORM, HTML, Browser, person_of


async def link(running: Running, desk: Desk, email: str) -> str:
    """The address that a mail would hold for somebody with this address."""
    body = {"given_name": "Giulia", "family_name": "Serra", "email": email}
    made = await desk.ask("POST", f"/networks/{desk.slug}/people", json=body)
    assert made.status_code == 201, made.text
    assert (await running.client.post("/registry/v1/sign-in", json={"email": email})).status_code == 202
    [(request,)] = await running.sql(
        "select id from sign_in_requests where person_id = :id", id=UUID(made.json()["id"])
    )
    expires = datetime.now(UTC) + timedelta(minutes=20)
    token = links.mint(running.link_key, audience="registry", purpose="sign-in", subject=request, expires=expires)
    return f"/registry/v1/sign-in/link?token={token}"


def cookies(answer: httpx.Response) -> dict[str, str]:
    """What the browser is told to keep of each cookie, by name."""
    return {line.partition("=")[0]: line for line in answer.headers.get_list("set-cookie")}


@pytest.fixture(scope="module")
async def over_tls(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Any:
    home = tmp_path_factory.mktemp("tls")
    async with running_registry(postgres, home, public_url="https://trama.example") as running:
        yield running


async def test_with_tls_the_session_is_this_hosts_alone_and_never_sent_in_the_clear(over_tls: Running) -> None:
    desk = await Desk.founded(over_tls)
    answer = await over_tls.client.post(await link(over_tls, desk, "tls@example.org"), headers=HTML)
    assert answer.status_code == 303, answer.text
    kept = cookies(answer)["__Host-trama-session"]
    for flag in ("; Secure", "; HttpOnly", "; Path=/", "; SameSite=lax"):
        assert flag in kept
    assert "Domain" not in kept, "a host's own cookie names none"


async def test_with_tls_a_cookie_without_the_prefix_is_no_session(over_tls: Running) -> None:
    held = over_tls.token(None, audience=tokens.PAGES, level=Level.MAILBOX, admin=True)
    desk = await Desk.founded(over_tls)
    for name, status in (("trama-session", 303), ("__Host-trama-session", 200)):
        answer = await over_tls.client.get(f"/desk/{desk.slug}", headers={**HTML, "cookie": f"{name}={held}"})
        assert answer.status_code == status, name


async def test_a_link_that_another_site_sends_signs_nobody_in(registry: Running) -> None:
    desk = await Desk.founded(registry)
    url = await link(registry, desk, "altrui@example.org")
    for site in ("cross-site", "same-site"):
        refused = await registry.client.post(url, headers={**HTML, "sec-fetch-site": site})
        assert refused.status_code == 403, site
        assert "set-cookie" not in refused.headers
    own = await registry.client.post(url, headers={**HTML, "sec-fetch-site": "same-origin"})
    assert own.status_code == 303, "the link was not spent"


@pytest.mark.parametrize("charset", ["unicode_escape", "utf-7", "undefined", "punycode", '"idna"', "utf-16"])
@pytest.mark.parametrize("path", ["/sign-in", "/desk/{}/imports", "/desk/{}/notices/record", "/sign-out"])
async def test_a_form_in_letters_of_another_kind_is_refused(registry: Running, path: str, charset: str) -> None:
    """Browsers send UTF-8; other charsets make halves of characters, or nothing that can be read."""
    desk = await Desk.founded(registry)
    await desk.get(f"/networks/{desk.slug}")
    browser = Browser(registry, person_of(desk))
    await browser.open(f"/desk/{desk.slug}")
    form = FORM.search(browser.page)
    assert form
    part = '--B\r\ncontent-disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    names = ("email", "file", "controller", "version")
    body = part.format("form", form[1]) + "".join(part.format(name, "\\ud800@+2AA-") for name in names) + "--B--\r\n"
    sent = {**browser.headers, "content-type": f"multipart/form-data; boundary=B; charset={charset}"}
    answer = await registry.client.post(path.format(desk.slug), headers=sent, content=body)
    assert answer.status_code == 422, answer.text
    assert "utf-8" in answer.text


async def test_who_was_erased_is_shown_as_nobody_and_sees_nothing(registry: Running) -> None:
    desk = await Desk.founded(registry)
    body = {"given_name": "Ada", "family_name": "Riva", "phone": "0341 123456"}
    made = await desk.ask("POST", f"/networks/{desk.slug}/people", json=body)
    person = UUID(made.json()["id"])
    browser = Browser(registry, person)
    assert "Ada Riva" in await browser.open("/desk")
    gone = "update people set given_name = '', family_name = '', phone = null, erased_at = now() where id = :id"
    await registry.sql(gone, id=person)
    page = await browser.open("/desk")
    assert "Ada" not in page
    assert "Amministrazione della piattaforma" not in page, "whoever has no name is no administrator for that"
    await browser.open(f"/desk/{desk.slug}", status=403)
    assert "Amministrazione della piattaforma" in await Browser(registry, None, admin=True).open("/desk")


async def test_whose_mandate_has_ended_finds_the_desk_closed(registry: Running) -> None:
    desk = await Desk.founded(registry)
    await desk.get(f"/networks/{desk.slug}")
    browser = Browser(registry, person_of(desk))
    await browser.open(f"/desk/{desk.slug}")
    await registry.sql("update grants set until = since where network_id = :id", id=desk.network_id)
    await browser.open(f"/desk/{desk.slug}", status=403)
    assert desk.slug.title() not in await browser.open("/desk")
