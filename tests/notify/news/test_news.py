"""News is told to those for whom it is, by the mandates that run today."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.learning import NewsChanged, NewsPublished
from shared.contracts.registry import PersonRegistered
from tests.notify.network import TITLE, Network, then

pytestmark = pytest.mark.timeout(120)


def item(room: Network, title: str, **changed: Any) -> NewsPublished:
    known: dict[str, Any] = {
        "title": title, "summary": "Si apre <b>oggi</b>.", "link": "https://bandi.example/1", "visibility": "network",
        "published_at": datetime(2026, 1, 1, tzinfo=UTC), "state": "published",
    }  # fmt: skip
    return NewsPublished(id=uuid7(), version=1, network_id=room.id, **{**known, **changed})


async def test_news_goes_by_audience_territory_and_body_to_each_once(room: Network) -> None:
    """Lecco lies in Lombardy (03), Turin (L219) does not; the circle is a body in Lecco."""
    circle = room.body(territory="E507")
    lecco, turin, member, over, office = (room.person() for _ in range(5))
    everybody = {"lecco": lecco, "turin": turin, "member": member, "over": over, "office": office}
    await room.running.tell(
        circle,
        *everybody.values(),
        room.secretary(lecco, role="delegate", territory="E507"),
        room.secretary(turin, role="representative", territory="L219"),
        room.secretary(member, role="member", body_id=circle.id),
        room.secretary(over, role="delegate", territory="E507", until=date(2001, 1, 1)),
        room.secretary(office),
    )
    await room.running.settled()
    all_of_it = item(room, "Per tutti")
    await room.running.tell(
        all_of_it,
        then(all_of_it, NewsChanged),
        item(room, "Rappresentanti", audience="representatives"),
        item(room, "Comunità", audience="communities"),
        item(room, "Amministratori", audience="administrators"),
        item(room, "Nuovi", audience="unheard_of"),
        item(room, "Lombardia", territory="03"),
        item(room, "Delegati di Lecco", territory="LC", audience="representatives"),
        item(room, "Circolo", body_id=circle.id),
        item(room, "Scaduta", expires_at=datetime(2026, 1, 2, tzinfo=UTC)),
    )
    await room.running.settled()

    def read(person: PersonRegistered) -> set[str]:
        return {str(mail.message["Subject"]).removesuffix(f" – {TITLE}") for mail in room.of(person)}

    assert {name: read(person) for name, person in everybody.items()} == {
        "lecco": {"Per tutti", "Rappresentanti", "Lombardia", "Delegati di Lecco"},
        "turin": {"Per tutti", "Rappresentanti"},
        "member": {"Per tutti", "Comunità", "Lombardia", "Circolo"},
        "over": set(),
        "office": {"Per tutti"},
    }
    assert ("news-published", "suppressed", "too-late") in await room.topics(office)
    told = next(mail for mail in room.of(office) if "Per tutti" in str(mail.message["Subject"]))
    assert "https://bandi.example/1" in told.text
    assert "&lt;b&gt;oggi&lt;/b&gt;" in told.part("html")
