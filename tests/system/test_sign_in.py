"""A person of the alliance enters with a link that the platform mailed, and leaves when the mandate ends."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.system.stack import Stack, wait_for

SLUG = "accesso"
ADDRESS = "giulia.serra@example.org"


@pytest.fixture(scope="module")
def person(stack: Stack) -> dict[str, Any]:
    with stack.client(stack.token("admin")) as admin:
        admin.post("/registry/v1/networks", json={"slug": SLUG, "name": "Accesso"}).raise_for_status()
        body = {"given_name": "Giulia", "family_name": "Serra", "email": ADDRESS, "language": "it"}
        made = admin.post(f"/registry/v1/networks/{SLUG}/people", json=body)
        assert made.status_code == 201, made.text
        since = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
        mandate = admin.post(
            f"/registry/v1/networks/{SLUG}/mandates",
            json={"person_id": made.json()["id"], "role": "secretariat", "since": since},
        )
        assert mandate.status_code == 201, mandate.text
        stack.settled()
        return {"id": made.json()["id"], "mandate": mandate.json()["id"]}


def signed_in(stack: Stack) -> tuple[str, str]:
    """Asks for a link, takes it from the mail, and posts it; returns link and token."""
    seen = {mail["id"] for mail in stack.mails(ADDRESS)}
    with stack.client() as client:
        assert client.post("/registry/v1/sign-in", json={"email": ADDRESS}).status_code == 202

        def fresh() -> str | None:
            new = [m["text"] for m in stack.mails(ADDRESS) if m["id"] not in seen and "/sign-in/link?" in m["text"]]
            found = re.search(r"https?://\S+/sign-in/link\?token=\S+", new[0]) if new else None
            return found.group() if found else None

        link = wait_for("the mail with the link", fresh, 30)
        shown = client.get(link)
        assert shown.status_code == 200
        assert "<form" in shown.text, "opening the link only shows"
        answer = client.post(link, headers={"Accept": "application/json"})
        assert answer.status_code == 200, answer.text
        return link, str(answer.json()["access_token"])


def test_a_mailed_link_signs_in_once_and_the_grants_hold_in_every_service(stack: Stack, person: dict[str, Any]) -> None:
    link, token = signed_in(stack)
    with stack.client(token) as client:
        for service in ("registry", "mapping", "events", "learning", "notify"):
            me = client.get(f"/{service}/v1/me").json()
            assert [grant["role"] for grant in me["grants"]] == ["secretariat"], service
    with stack.client() as client:
        again = client.post(link, headers={"Accept": "application/json"})
    assert again.status_code in {409, 410}
    assert again.headers["content-type"].startswith("application/problem+json")


def test_an_ended_mandate_stops_working_everywhere_within_seconds(stack: Stack, person: dict[str, Any]) -> None:
    _, token = signed_in(stack)
    with stack.client(token) as client, stack.client(stack.token("admin")) as admin:
        url = f"/mapping/v1/networks/{SLUG}/presences"
        assert client.get(url).status_code == 200
        mandate = f"/registry/v1/mandates/{person['mandate']}"
        etag = admin.get(mandate).headers["etag"]
        ended = admin.post(f"{mandate}/end", json={"reason": "resigned"}, headers={"If-Match": etag})
        assert ended.status_code == 200, ended.text
        wait_for("mapping refuses", lambda: client.get(url).status_code == 403, 10)
        assert client.get(f"/notify/v1/networks/{SLUG}/deliveries").status_code == 403
