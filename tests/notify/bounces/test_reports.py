"""The reports of mail servers and providers as they write them, and mails that are none."""

from __future__ import annotations

import time
from email.message import EmailMessage
from uuid import UUID

import pytest

from services.notify.bounces import reports
from services.notify.bounces.rules import Kind
from tests.notify.bounces.returned import ID, PATH, SERVERS, TO, complaint, exim, postfix, qmail
from tests.notify.replies.test_hostile import hostile


@pytest.mark.parametrize(
    ("server", "kind", "status"),
    [
        ("postfix", Kind.HARD, "5.1.1"),
        ("exim", Kind.HARD, "5.2.1"),
        ("exchange", Kind.HARD, "5.1.10"),
        ("gmail", Kind.SOFT, "5.2.2"),
        ("qmail", Kind.HARD, "5.1.1"),
    ],
)
def test_each_servers_report_says_what_and_of_which_mail(server: str, kind: Kind, status: str) -> None:
    read = reports.read(SERVERS[server]())
    assert read is not None
    assert (read.kind, read.status, read.ids) == (kind, status, (UUID(ID),))
    if server != "qmail":
        assert read.recipients
        assert set(read.recipients) == {TO}
        assert read.paths == (f"<{PATH}>",)


def test_a_report_of_several_recipients_says_the_worst() -> None:
    raw = postfix("4.2.2", action="delayed").replace(
        b"Diagnostic-Code: smtp; 550 4.2.2", b"X: 1\r\n\r\nFinal-Recipient: rfc822; b@x.example\r\nAction: failed\r\n"
        b"Status: 5.1.1\r\nDiagnostic-Code: smtp; 550",
    )  # fmt: skip
    read = reports.read(raw)
    assert read is not None
    assert (read.kind, read.recipients) == (Kind.HARD, ("b@x.example",))


def test_a_delay_is_a_delay_and_a_receipt_is_nothing() -> None:
    delayed = reports.read(postfix("4.4.1", "connect to mx.example[192.0.2.1]:25: timed out", "delayed"))
    assert delayed is not None
    assert delayed.kind is Kind.DELAYED
    assert reports.read(postfix("2.1.5", "250 ok", "delivered")) is None


def test_a_provider_says_that_its_reader_does_not_want_it() -> None:
    read = reports.read(complaint())
    assert read is not None
    assert (read.kind, read.paths[0], read.ids) == (Kind.COMPLAINT, f"<{PATH}>", (UUID(ID),))
    assert reports.read(complaint("not-spam")) is None
    assert reports.read(complaint("auth-failure")) is None


def test_a_report_in_words_is_believed_of_a_daemon_only() -> None:
    assert reports.read(qmail().replace(b"MAILER-DAEMON@", b"anna@")) is None
    assert reports.read(qmail("I do not know why.")) is None
    failed = qmail("I do not know why: 550 5.1.1").replace(b"MAILER-DAEMON@", b"x@")
    read = reports.read(
        failed.replace(b"Subject:", b"X-Failed-Recipients: a@b.example, " + TO.encode() + b"\r\nSubject:")
    )
    assert read is not None
    assert read.recipients == ("a@b.example", TO)


def test_absence_notes_and_letters_are_no_reports() -> None:
    note = EmailMessage()
    note["From"], note["Subject"], note["Auto-Submitted"] = "Maria <maria@example.org>", "Assente", "auto-replied"
    note.set_content("Sono assente. La posta con errore 5.1.1 non could not be delivered.")
    assert reports.read(note.as_bytes()) is None
    assert reports.read(b"") is None


def test_a_returned_mail_in_base64_or_with_no_charset_is_read() -> None:
    raw = exim().replace(b"text/rfc822-headers", b"text/rfc822-headers; charset=x-nobody")
    read = reports.read(raw)
    assert read is not None
    assert read.ids == (UUID(ID),)
    many = postfix().replace(b"\r\n\r\nFinal-Recipient", b"\r\n" + b"\r\nX-A: b\r\n" * 500 + b"\r\nFinal-Recipient")
    assert reports.read(many) is None, "only so many groups are read"


@pytest.mark.parametrize(("name", "raw"), [pytest.param(*one, id=one[0]) for one in hostile()])
def test_a_hostile_mail_is_read_quickly_and_says_nothing(name: str, raw: bytes) -> None:
    for mail in (
        raw,
        b"Content-Type: multipart/report\r\n" + raw,
        raw.replace(b"text/calendar", b"message/delivery-status"),
    ):
        began = time.perf_counter()
        assert reports.read(mail) is None, name
        assert time.perf_counter() - began < 2
