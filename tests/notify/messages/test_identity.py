"""In whose name mails go out: the platform's until the network has decided, then the network's, bounces never."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from services.notify.deliveries.mail import Sender
from services.notify.messages.compose import Writer
from services.notify.messages.words import environment
from shared.contracts.registry import NetworkChanged
from tests.harness import until
from tests.notify.network import TITLE, Network, then

pytestmark = pytest.mark.timeout(120)
OURS = Sender("Trama", "no-reply@trama.example", ("Aiuto", "aiuto@trama.example"))
LOGO = f"/registry/v1/logos/{'a1' * 32}"


def author(from_domains: frozenset[str] | None = None, **decided: Any) -> Sender | None:
    writer = Writer("http://trama.test", OURS, lambda *_, **__: "token", environment(), from_domains)
    network: Any = SimpleNamespace(**{"name": "Alleanza", "sender_name": None, "sender_address": None, **decided})
    return writer.author(network)


async def test_mails_are_the_platforms_before_the_decision_and_the_networks_afterwards(room: Network) -> None:
    before, after, english = room.person(), room.person(), room.person(language="en")
    meeting = room.meeting()
    await room.running.tell(before, after, english, meeting, room.invited(meeting, before))
    (mail,) = await room.mails(before)
    assert str(mail.message["From"]) == "Trama <no-reply@trama.example>"
    assert mail.message["Sender"] is None
    assert "<img" not in mail.part("html")
    decided = then(
        room.founded(),
        NetworkChanged,
        sender_name="Segreteria dell'Alleanza",
        sender_address="segreteria@casedellacomunità.example",
        logo=LOGO,
    )
    await room.running.tell(decided)
    await until(lambda: _decided(room), 20, "the decision is known")
    await room.running.tell(room.invited(meeting, after), room.invited(meeting, english))
    for person in (after, english):
        (mail,) = await room.mails(person)
        (shown,) = mail.message["From"].addresses
        assert shown.display_name == "Segreteria dell'Alleanza"
        assert shown.addr_spec == "segreteria@xn--casedellacomunit-dmb.example"
        assert str(mail.message["Sender"]) == "Trama <no-reply@trama.example>"
        assert mail.message["Reply-To"] is None, "answers go to the author"
        assert mail.sender.endswith("@reply.example"), "bounces come back to the platform, not to the network"
        assert mail.message["Message-ID"].endswith("@trama.example>")
        assert f'<img class="logo" src="http://trama.test{LOGO}" alt="{TITLE}"' in mail.part("html")
        assert LOGO not in mail.text
    await room.running.tell(then(decided, NetworkChanged, sender_name=None, sender_address=None, logo=None))
    await until(lambda: _taken_back(room), 20, "taken back")
    last = room.person()
    await room.running.tell(last, room.invited(meeting, last))
    (mail,) = await room.mails(last)
    assert str(mail.message["From"]) == "Trama <no-reply@trama.example>"


def test_a_network_that_has_decided_nothing_is_no_author() -> None:
    assert author() is None


def test_an_address_is_the_networks_own_and_without_a_name_it_has_the_networks() -> None:
    assert author(sender_address="info@rete.example") == Sender("Alleanza", "info@rete.example")


def test_a_name_alone_is_written_from_the_platforms_address() -> None:
    assert author(sender_name="Segreteria") == Sender("Segreteria", OURS.address, OURS.reply_to)


def test_a_domain_that_the_relay_cannot_sign_for_gets_the_answers_only() -> None:
    signed = frozenset({"rete.example", "trama.example"})
    assert author(signed, sender_name="S", sender_address="s@Rete.example") == Sender("S", "s@rete.example")
    assert author(signed, sender_name="S", sender_address="s@gmail.example") == Sender(
        "S", OURS.address, ("S", "s@gmail.example")
    )


@pytest.mark.parametrize("address", ["màrio@rete.example", "not an address"])
def test_an_address_that_cannot_stand_in_every_header_is_not_written_from(address: str) -> None:
    assert author(sender_name="S", sender_address=address) == Sender("S", OURS.address, OURS.reply_to)


async def _decided(network: Network) -> bool:
    return bool(await network.running.sql("select 1 from networks where id = :id and logo is not null", id=network.id))


async def _taken_back(network: Network) -> bool:
    return bool(await network.running.sql("select 1 from networks where id = :id and version = 3", id=network.id))
