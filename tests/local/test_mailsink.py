"""Mails of the local profile are taken, listed and shown, and cannot do anything to who looks at them."""

from __future__ import annotations

import smtplib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from deploy.local.home import ROOT
from deploy.local.mailsink import Spool
from deploy.local.processes import end, free_port, spawn
from tests.local.conftest import until


@dataclass
class Sink:
    smtp: int
    client: httpx.Client

    def send(self, to: list[str], subject: str = "Convocazione è pronta") -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "Trama <no-reply@example.org>", ", ".join(to), subject
        mail.set_content("Apri https://example.org/vota?token=abc&x=1\n<script>alert(1)</script>\n")
        mail.add_alternative("<p>Apri <a href='https://example.org/b'>qui</a><script>alert(2)</script>", subtype="html")
        mail.add_attachment(b"a,b", maintype="text", subtype="csv", filename="elenco.csv")
        with smtplib.SMTP("127.0.0.1", self.smtp, local_hostname="localhost") as server:
            server.send_message(mail)


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sink]:
    home = tmp_path_factory.mktemp("sink")
    smtp, http = free_port(), free_port()
    program = "import sys; from pathlib import Path; from deploy.local import mailsink; "
    program += "mailsink.run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))"
    process = spawn(
        [sys.executable, "-c", program, home / "mail", str(smtp), str(http)], log=home / "mail.log", cwd=ROOT
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{http}") as client:

        def up() -> bool:
            try:
                return client.get("/mail/").status_code == 200
            except httpx.TransportError:
                return False

        until("the sink is up", up)
        yield Sink(smtp, client)
    end(process)


def test_a_mail_is_found_by_its_recipient_newest_first(sink: Sink) -> None:
    for number in range(3):
        sink.send(["Anna@example.org", "berto@example.org"], f"Prima {number}")
    sink.send(["carla@example.org"])
    listing = sink.client.get("/mail/messages.json", params={"to": "anna@EXAMPLE.org"}).json()
    assert [item["subject"] for item in listing["items"]] == ["Prima 2", "Prima 1", "Prima 0"]
    assert listing["next"] is None

    page = sink.client.get("/mail/messages.json", params={"to": "berto@example.org", "limit": 2}).json()
    rest = sink.client.get("/mail/messages.json", params={"to": "berto@example.org", "after": page["next"]}).json()
    assert [item["subject"] for item in rest["items"]] == ["Prima 0"]

    mail = sink.client.get(listing["items"][0]["href"]).json()
    assert mail["to"] == ["Anna@example.org", "berto@example.org"]
    assert mail["links"] == ["https://example.org/vota?token=abc&x=1", "https://example.org/b"]
    assert mail["attachments"] == [{"name": "elenco.csv", "type": "text/csv", "size": 3}]


def test_the_page_of_a_mail_runs_nothing_of_it(sink: Sink) -> None:
    sink.send(["dora@example.org"])
    mail = sink.client.get("/mail/messages.json", params={"to": "dora@example.org"}).json()["items"][0]["id"]
    page = sink.client.get(f"/mail/messages/{mail}")
    assert "<h1>Convocazione è pronta</h1>" in page.text
    assert '<a href="https://example.org/vota?token=abc&amp;x=1"' in page.text
    assert "&lt;script&gt;alert(1)" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page.text

    body = sink.client.get(f"/mail/messages/{mail}.html")
    assert body.headers["content-security-policy"].startswith("sandbox allow-popups")
    assert "script-src" not in body.headers["content-security-policy"]
    assert sink.client.get(f"/mail/messages/{mail}.eml").text.startswith("From: Trama")


def test_the_pages_are_italian_first_and_english_complete(sink: Sink) -> None:
    sink.send(["dora@example.org"])
    italian, english = sink.client.get("/mail/").text, sink.client.get("/mail/", headers={"Accept-Language": "en"}).text
    assert '<html lang="it">' in italian
    assert "<caption>Le mail, dalla più recente</caption>" in italian
    assert '<html lang="en">' in english
    assert "<caption>The mails, newest first</caption>" in english


def test_what_is_not_there_is_not_found(sink: Sink) -> None:
    for name in ("0" * 32, "..%2findex", "x"):
        for suffix in ("", ".json", ".html", ".eml"):
            assert sink.client.get(f"/mail/messages/{name}{suffix}").status_code == 404


def test_mails_survive_a_restart_of_the_sink(tmp_path: Path) -> None:
    kept = Spool(tmp_path).keep("a@example.org", ["b@example.org"], b"Subject: \xff\xfe broken\r\n\r\ntext")
    again = Spool(tmp_path)
    assert [mail.id for mail in again.newest(to="B@example.org", before=None, limit=5)] == [kept]
    assert again.read(kept).get_content() == "text"
