"""Every kind of message can be looked at before anything is sent, and no link in what is looked at is good."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from services.notify.deliveries.mail import Sender
from services.notify.messages.compose import Writer
from services.notify.messages.rules import LANGUAGES, TOPICS
from services.notify.messages.words import environment
from services.notify.previews import samples
from services.notify.previews.queries import _sample, inert, previewed
from shared.runtime.clock import wall
from tests.notify.network import TITLE, Network

pytestmark = pytest.mark.timeout(120)


def signs(*_: Any, **__: Any) -> str:
    raise AssertionError("a preview signs no link")


WRITER = inert(Writer("https://trama.example", Sender("Trama", "no-reply@trama.example"), signs, environment()))
ROOM: Any = SimpleNamespace(
    id=UUID(int=9), slug="ponti", name="Rete Ponti", logo="/registry/v1/networks/9/logo", sender_name=None,
    sender_address=None,
)  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_every_topic_can_be_shown_in_both_languages(topic: str, language: str) -> None:
    now = wall()
    known = samples.known(topic, ROOM, language, now)
    shown = previewed(topic, WRITER.words(_sample(topic, ROOM.id, now), known, now, now))
    assert (shown.problem, shown.language) == (None, language)
    assert shown.subject
    assert shown.text
    assert "Maria" in shown.text
    assert shown.html
    assert 'src="https://trama.example/registry/v1/networks/9/logo"' in shown.html
    for part in shown.text.split("token=")[1:]:
        assert part.startswith("preview")


async def test_the_secretariat_reads_what_a_person_will_read_without_their_link(room: Network) -> None:
    person, running = room.person(), room.running
    office = await running.holder("secretariat", room.id)
    await running.tell(person, room.enrolled(person))
    (mail,) = await room.mails(person)
    [delivery] = await room.deliveries(person=str(person.id))
    path = f"/notify/v1/deliveries/{delivery['id']}/preview"
    answer = await running.client.get(path, headers=office)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert shown["subject"] == mail.message["Subject"]
    assert "http://trama.test/learning/v1/enrolments/link?token=preview" in shown["text"]
    assert "token=ey" not in answer.text
    assert "Buongiorno Maria," in shown["html"]
    elsewhere = await running.holder("secretariat", uuid7())
    assert (await running.client.get(path, headers=elsewhere)).status_code == 404
    await running.tell(room.erased(person))
    await running.settled()
    gone = (await running.client.get(path, headers=office)).json()
    assert (gone["text"], gone["problem"]) == (None, "person-erased")


async def test_a_kind_of_message_is_shown_in_the_networks_name(room: Network) -> None:
    running = room.running
    office, member = await running.holder("secretariat", room.id), await running.holder("member", room.id)
    path = f"/notify/v1/networks/{room.id}/previews"
    asked = {"topic": "mandate-given", "language": "en"}
    answer = await running.client.post(path, json=asked, headers=office)
    assert answer.status_code == 200, answer.text
    assert TITLE in answer.json()["subject"]
    assert "Hello Maria" in answer.json()["text"]
    assert await room.deliveries() == []
    assert (await running.client.post(path, json=asked, headers=member)).status_code == 403
    unknown = await running.client.post(path, json={**asked, "topic": "x"}, headers=office)
    assert (unknown.status_code, unknown.json()["errors"][0]["path"]) == (422, "/topic")
