"""One POST, whatever the partner's machine does, and nowhere but where it may go."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from standardwebhooks import Webhook

from services.notify.webhooks.posting import READ_AT_MOST, Patience, Post, Poster
from services.notify.webhooks.rules import secret_text
from tests.notify.webhooks.partner import Partner, answer

SECRET, OLD = b"s" * 32, b"o" * 32
SHORT = Patience(connect=0.5, read=0.3, total=0.6)


@pytest.fixture
async def partner() -> AsyncIterator[Partner]:
    made = await Partner().start()
    yield made
    await made.stop()


@pytest.fixture
async def poster() -> AsyncIterator[Poster]:
    made = Poster(private=True, patience=SHORT)
    yield made
    await made.close()


def post(url: str, content: bytes = b'{"a":"\xc3\xa0"}') -> Post:
    return Post(uuid4(), url, "msg_1", content, [SECRET, OLD])


async def test_the_message_is_verified_by_the_standards_own_library_with_either_secret(
    partner: Partner, poster: Poster
) -> None:
    said = await poster.post(post(partner.url()))
    assert (said.outcome, said.status, said.text) == ("delivered", 200, "ok")
    [heard] = partner.heard
    for secret in (SECRET, OLD):
        assert Webhook(secret_text(secret)).verify(heard.body, heard.headers) == {"a": "à"}
    assert heard.headers["webhook-id"] == "msg_1"
    assert heard.headers["content-type"] == "application/json"
    assert heard.headers["host"] == f"127.0.0.1:{partner.port}"


@pytest.mark.parametrize(
    ("raw", "outcome", "status", "text"),
    [
        (answer(204, b""), "delivered", 204, ""),
        (answer(302, b"", "location: /elsewhere"), "redirected", 302, ""),
        (answer(307, b"", "location: http://127.0.0.1:1/"), "redirected", 307, ""),
        (answer(410, b"gone"), "gone", 410, "gone"),
        (answer(429, b"later", "retry-after: 120"), "refused", 429, "later"),
        (answer(500, b"\x00oh\r\n no"), "refused", 500, "oh no"),
        (b"nonsense\r\n\r\n", "unreachable", None, "RemoteProtocolError"),
        (b"", "unreachable", None, "RemoteProtocolError"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab", "timed_out", None, "ReadTimeout"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"a" * 200_000, "unreachable", None, "RemoteProtocolError"),
        (None, "timed_out", None, "ReadTimeout"),
    ],
)
async def test_every_answer_and_none_has_an_outcome(
    partner: Partner, poster: Poster, raw: bytes | None, outcome: str, status: int | None, text: str
) -> None:
    def behave(_: object) -> bytes | None:
        return raw

    partner.behave = behave
    if raw == b"":
        partner.behave = lambda _: _closing(partner)
    said = await poster.post(post(partner.url()))
    assert (said.outcome, said.status) == (outcome, status)
    assert said.text.startswith(text)
    assert len(partner.heard) == 1
    assert said.retry_after == (dt.timedelta(seconds=120) if status == 429 else None)


def _closing(partner: Partner) -> bytes:
    for task in partner.tasks:
        task.cancel()
    return b""


async def test_an_answer_without_end_is_read_for_some_kilobytes_and_one_that_drips_until_the_deadline(
    partner: Partner, poster: Poster
) -> None:
    partner.behave = lambda _: b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (READ_AT_MOST * 40)
    said = await poster.post(post(partner.url()))
    assert (said.outcome, said.status, len(said.text)) == ("delivered", 200, 500)

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.05)

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    began = time.monotonic()
    said = await poster.post(post(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"))
    assert said.outcome == "timed_out"
    assert time.monotonic() - began < 2
    server.close()


async def test_the_next_message_of_an_endpoint_takes_the_same_connection(partner: Partner, poster: Poster) -> None:
    one = post(partner.url())
    await poster.post(one)
    await poster.post(one)
    assert len(partner.heard) == 2
    assert len(partner.tasks) == 1


# --- where it goes


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["169.254.169.254"], []]
)
async def test_a_name_that_leads_anywhere_private_is_not_connected_to(partner: Partner, addresses: list[str]) -> None:
    asked = []

    def resolve(host: str, _: int) -> list[str]:
        asked.append(host)
        return addresses

    guarded = Poster(patience=SHORT, resolve=resolve)
    said = await guarded.post(post(partner.url(host="partner.example")))
    await guarded.close()
    assert said.outcome == ("not_allowed" if addresses else "unreachable")
    assert asked == ["partner.example"]
    assert partner.heard == []


async def test_the_connection_goes_to_the_address_that_was_judged_though_the_name_says_another_a_moment_later(
    partner: Partner,
) -> None:
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    poster = Poster(private=True, patience=SHORT, resolve=lambda *_: next(answers))
    said = await poster.post(post(partner.url(host="partner.example")))
    assert said.outcome == "delivered"
    assert partner.heard[0].headers["host"] == f"partner.example:{partner.port}"
    assert (await poster.post(post(partner.url(host="partner.example")))).outcome == "not_allowed"
    assert len(partner.heard) == 1
    await poster.close()


async def test_names_whose_servers_do_not_answer_keep_no_other_name_waiting(partner: Partner) -> None:
    held = asyncio.Event()
    loop = asyncio.get_running_loop()

    def resolve(host: str, _: int) -> list[str]:
        if host.startswith("dead"):
            asyncio.run_coroutine_threadsafe(held.wait(), loop).result()
        return ["127.0.0.1"]

    poster = Poster(private=True, patience=SHORT, resolve=resolve)
    dead = [asyncio.create_task(poster.post(post(f"http://dead{n}.example/"), patient=True)) for n in range(40)]
    said = await poster.post(post(partner.url(host="partner.example")))
    assert said.outcome == "delivered"
    assert {one.outcome for one in await asyncio.gather(*dead)} == {"timed_out"}
    held.set()
    await poster.close()


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for `name`, and one that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cadata=made.public_bytes(serialization.Encoding.PEM).decode())


@pytest.mark.parametrize(("asked", "outcome"), [("partner.example", "delivered"), ("other.example", "unreachable")])
async def test_tls_verifies_the_name_though_the_connection_goes_to_an_address(
    tmp_path: Path, asked: str, outcome: str
) -> None:
    server, trusting = certificate(tmp_path, "partner.example")
    partner = await Partner().start(server)
    poster = Poster(private=True, patience=SHORT, resolve=lambda *_: ["127.0.0.1"], ssl_context=trusting)
    said = await poster.post(post(f"https://{asked}:{partner.port}/"))
    assert said.outcome == outcome, said.text
    stranger = Poster(private=True, patience=SHORT, resolve=lambda *_: ["127.0.0.1"])
    assert (await stranger.post(post(f"https://{asked}:{partner.port}/"))).outcome == "unreachable"
    await poster.close()
    await stranger.close()
    await partner.stop()
