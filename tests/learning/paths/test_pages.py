"""The public page of an open path: without a sign-in, without JavaScript."""

from __future__ import annotations

import re
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from shared.access import tokens
from tests.learning.school import School

pytestmark = pytest.mark.timeout(120)
BROWSER = {"accept": "text/html"}


async def test_an_open_path_says_to_everybody_what_it_is_and_how_to_enrol(school: School) -> None:
    path = await school.path(
        title="Amministrare insieme",
        description="Per chi governa.\n\nE per chi comincia.",
        audience="administrators",
        enrolment="open",
        due_days=60,
    )
    italian = await school.running.client.get(path["page"], headers=BROWSER)
    assert italian.status_code == 200
    assert italian.headers["content-type"].startswith("text/html")
    for said in (
        "<h1>Amministrare insieme</h1>",
        "<p>E per chi comincia.</p>",
        "amministratori locali",
        "(testo, 20 minuti)",
        "indirizzo di posta dell&#39;ente",
        f"/learning/paths/{path['id']}/enrol",
    ):
        assert said in italian.text
    assert "60 giorni dall&#39;iscrizione" in italian.text or "60 giorni dall'iscrizione" in italian.text
    english = await school.running.client.get(path["page"], headers={**BROWSER, "accept-language": "en"})
    for said in ("local administrators", "How to enrol", "(text, 20 minutes)", "60 days after enrolling"):
        assert said in english.text
    assert "<script" not in italian.text


async def test_what_is_not_open_or_not_published_has_no_public_page(school: School) -> None:
    open_: dict[str, Any] = {"audience": "administrators", "enrolment": "open"}
    published = await school.path(**open_)
    for path in (
        await school.path(),
        await school.draft(**open_),
        await school.act(published, "withdraw"),
    ):
        answer = await school.running.client.get(f"/learning/v1/paths/{path['id']}/page", headers=BROWSER)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert path["title"] not in answer.text
    answer = await school.running.client.get(
        f"/learning/v1/paths/{path['id']}/page", headers={"accept": "application/json"}
    )
    assert answer.headers["content-type"] == "application/problem+json"


async def test_whoever_is_signed_in_at_a_browser_enrols_with_a_button_and_strangers_sign_in_first(
    school: School,
) -> None:
    path = await school.path(title="Amministrare", audience="administrators", enrolment="open")
    address, client = f"/learning/paths/{path['id']}/enrol", school.running.client
    for method in ("GET", "POST"):
        stranger = await client.request(method, address, headers=BROWSER)
        assert (stranger.status_code, stranger.headers["location"].startswith("/sign-in?next=")) == (303, True)
    person = uuid7()
    seated = {**BROWSER, "cookie": f"trama-session={school.running.token(person, audience=tokens.PAGES)}"}
    shown = await client.get(address, headers=seated)
    form = re.findall(r'name="form" value="([^"]+)"', shown.text)
    assert (await client.post(address, headers=seated, data={"form": "x"})).status_code == 403
    assert await school.enrolled(path=path["id"]) == []
    for _ in range(2):
        done = await client.post(address, headers=seated, data={"form": form[0]})
        assert (done.status_code, "L&#39;iscrizione è fatta" in done.text) == (200, True)
    (mine,) = await school.enrolled(path=path["id"])
    assert (mine["how"], mine["person"]["id"]) == ("open", str(person))
    closed = await school.path()
    answer = await client.get(f"/learning/paths/{closed['id']}/enrol", headers=seated)
    assert answer.status_code == 404
