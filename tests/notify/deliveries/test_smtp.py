"""One connection to a relay: what each of its answers means, and which of its failures are nobody's fault."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.notify.deliveries.rules import Outcome
from services.notify.deliveries.smtp import Lane, Relay, Unreachable
from tests.notify.relay import FakeRelay

MAIL = b"Subject: x\r\n\r\nBuongiorno\r\n"


@pytest.fixture
async def relay() -> AsyncIterator[FakeRelay]:
    fake = await FakeRelay().start()
    yield fake
    await fake.stop()


def lane(relay: FakeRelay, credentials: str = "", timeout: float = 5) -> Lane:
    return Lane(Relay.parse(relay.url(credentials), timeout), "notify.test")


async def send(lane: Lane, to: str = "maria@example.org") -> tuple[Outcome, int | None]:
    answer = await lane.send("no-reply@trama.example", to, MAIL)
    return answer.outcome, answer.code


async def test_many_mails_go_over_one_connection(relay: FakeRelay) -> None:
    road = lane(relay)
    for n in range(20):
        assert await send(road, f"p{n}@example.org") == (Outcome.ACCEPTED, 250)
    await road.close()
    assert relay.connections == 1
    assert [mail.to for mail in relay.taken] == [f"p{n}@example.org" for n in range(20)]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("451 4.3.0 later", (Outcome.DEFERRED, 451)),
        ("450 greylisted", (Outcome.DEFERRED, 450)),
        ("550 5.1.1 unknown", (Outcome.REFUSED, 550)),
        ("cut", (Outcome.BROKEN, None)),
    ],
)
async def test_an_answer_concerns_one_mail_and_the_next_one_goes_on(
    relay: FakeRelay, reply: str, expected: tuple[Outcome, int | None]
) -> None:
    relay.replies["maria@example.org"] = [reply]
    road = lane(relay)
    assert await send(road) == expected
    assert await send(road, "piero@example.org") == (Outcome.ACCEPTED, 250)
    await road.close()


async def test_a_relay_that_hangs_is_left_after_the_timeout(relay: FakeRelay) -> None:
    relay.replies["maria@example.org"] = ["hang"]
    road = lane(relay, timeout=0.3)
    assert await send(road) == (Outcome.BROKEN, None)
    assert await send(road) == (Outcome.ACCEPTED, 250)
    await road.close()


async def test_a_relay_that_is_down_is_unreachable_and_used_again_when_it_is_back(relay: FakeRelay) -> None:
    road = lane(relay)
    await send(road)
    await relay.stop()
    road.abandon()  # the first mail after a relay's death may still meet the dying connection, and is broken
    with pytest.raises(Unreachable, match=str(relay.port)):
        await send(road)
    await relay.start()
    assert await send(road) == (Outcome.ACCEPTED, 250)
    await road.close()


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_a_wrong_password_is_no_mails_fault(relay: FakeRelay) -> None:
    relay.passwords["trama"] = "s3greto/@:"
    with pytest.raises(Unreachable) as refused:
        await send(lane(relay, "trama:sbagliata@"))
    assert "sbagliata" not in str(refused.value)
    road = lane(relay, "trama:s3greto%2F%40%3A@")
    assert await send(road) == (Outcome.ACCEPTED, 250)
    await road.close()


async def test_required_tls_is_not_given_up_when_the_relay_offers_none(relay: FakeRelay) -> None:
    road = Lane(Relay.parse(relay.url() + "?starttls=required"), "notify.test")
    with pytest.raises(Unreachable):
        await send(road)
    assert relay.taken == []


async def test_an_address_beyond_ascii_goes_by_smtputf8(relay: FakeRelay) -> None:
    road = lane(relay)
    assert await send(road, "màrio@example.org") == (Outcome.ACCEPTED, 250)
    assert relay.taken[0].to == "màrio@example.org"
    await road.close()


async def test_where_smtputf8_is_missing_such_an_address_is_refused_for_good(relay: FakeRelay) -> None:
    relay.options = {}
    road = lane(relay)
    smtp = await road.connected()
    smtp.esmtp_extensions.pop("smtputf8")
    assert await send(road, "màrio@example.org") == (Outcome.REFUSED, None)
    assert await send(road) == (Outcome.ACCEPTED, 250)
    await road.close()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://localhost", ("localhost", 25, False, None)),
        ("smtp://u:p@mail.example.org:587?starttls=required", ("mail.example.org", 587, False, True)),
        ("smtp://[::1]:2525?starttls=never", ("::1", 2525, False, False)),
        ("smtps://mail.example.org", ("mail.example.org", 465, True, False)),
    ],
)
def test_a_relay_is_one_url(url: str, expected: tuple[str, int, bool, bool | None]) -> None:
    relay = Relay.parse(url)
    assert (relay.host, relay.port, relay.tls, relay.starttls) == expected


@pytest.mark.parametrize(
    "url",
    ["", "localhost:25", "http://localhost", "smtp://", "smtp://u:geheim@h:x", "smtp://h?tls=1", "smtps://h?starttls=never",
     "smtp://h?starttls=maybe", "smtp://u:geheim@h:70000"],
)  # fmt: skip
def test_a_wrong_url_is_refused_without_repeating_the_password(url: str) -> None:
    with pytest.raises(ValueError) as refused:
        Relay.parse(url)
    assert "geheim" not in str(refused.value)
