"""A mail as bytes: what other people's software reads in it, and that nobody's name can write a header."""

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage
from uuid import UUID

import pytest

from services.notify.deliveries.mail import Invitation, Mail, Sender, needs_smtputf8, written

ID = UUID("0192aaaa-0000-7000-8000-000000000001")
CORRELATION = UUID("0192aaaa-0000-7000-8000-000000000002")
AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SENDER = Sender("Alleanza è qui", "no-reply@trama.example", ("Segreteria", "segreteria@example.org"))


def mail(**changed: object) -> Mail:
    known: dict[str, object] = {
        "to": "maria@example.org",
        "to_name": "Maria Rossi",
        "language": "it",
        "subject": "Il tuo mandato è cominciato",
        "text": "Buongiorno Maria,\n\nperò è così.\n.\nFine\n",
        "html": "<p>Buongiorno Maria, perché no?</p>\n",
        "network": ("alleanza", "Alleanza per le Case della comunità"),
    }
    return Mail(**{**known, **changed})  # type: ignore[arg-type]


def parsed(sent: Mail, sender: Sender = SENDER) -> EmailMessage:
    message = email.message_from_bytes(written(sent, sender, ID, CORRELATION, AT), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_headers_say_who_what_and_why() -> None:
    read = parsed(mail())
    assert read["From"].addresses[0].display_name == "Alleanza è qui"
    assert read["From"].addresses[0].addr_spec == "no-reply@trama.example"
    assert str(read["To"].addresses[0]) == "Maria Rossi <maria@example.org>"
    assert read["Reply-To"] == "Segreteria <segreteria@example.org>"
    assert read["Subject"] == "Il tuo mandato è cominciato"
    assert read["Message-ID"] == f"<{ID}@trama.example>"
    assert read["Date"].datetime == AT
    assert read["Auto-Submitted"] == "auto-generated"
    assert read["Content-Language"] == "it"
    assert read["List-Id"] == "Alleanza per le Case della comunità <alleanza.trama.example>"
    assert read["Trama-Correlation"] == str(CORRELATION)
    assert not read.defects


def test_a_network_that_writes_is_the_author_and_the_platform_the_sender() -> None:
    read = parsed(mail(author=Sender("Rete è", "segreteria@rete.example")))
    assert [(a.display_name, a.addr_spec) for a in read["From"].addresses] == [("Rete è", "segreteria@rete.example")]
    assert read["Sender"].address.addr_spec == "no-reply@trama.example"
    assert read["Sender"].address.display_name == "Alleanza è qui"
    assert read["Reply-To"] is None
    assert read["Message-ID"] == f"<{ID}@trama.example>"
    assert read["List-Id"] == "Alleanza per le Case della comunità <alleanza.trama.example>"


def test_an_author_at_the_platforms_address_needs_no_sender_beside_it() -> None:
    read = parsed(mail(author=Sender("Rete", SENDER.address, ("Rete", "rete@gmail.example"))))
    assert str(read["From"]) == "Rete <no-reply@trama.example>"
    assert read["Sender"] is None
    assert str(read["Reply-To"]) == "Rete <rete@gmail.example>"


CALENDAR = b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nSUMMARY:" + "Perché no; sì".encode() * 40 + b"\r\nEND:VCALENDAR\r\n"


def test_an_invitation_is_an_alternative_for_calendars_and_a_file() -> None:
    """As RFC 6047 has it, and as Gmail and Outlook show their buttons."""
    read = parsed(mail(invitation=Invitation("REQUEST", CALENDAR)))
    assert not read.defects
    assert read.get_content_type() == "multipart/mixed"
    words, file = read.iter_parts()
    assert words.get_content_type() == "multipart/alternative"
    kinds = ["text/plain", "text/html", "text/calendar"]
    assert [part.get_content_type() for part in words.iter_parts()] == kinds
    calendar = list(words.iter_parts())[2]
    assert (calendar.get_param("method"), calendar.get_content_charset()) == ("REQUEST", "utf-8")
    assert (file.get_content_type(), file.get_filename()) == ("application/ics", "riunione.ics")
    assert file.get_content_disposition() == "attachment"
    assert calendar.get_payload(decode=True) == file.get_payload(decode=True) == CALENDAR
    text, html = read.get_body(("plain",)), read.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == "Buongiorno Maria,\n\nperò è così.\n.\nFine\n"
    assert "perché" in html.get_content()


def test_no_line_of_an_invitation_is_longer_than_mail_allows() -> None:
    raw = written(mail(invitation=Invitation("CANCEL", CALENDAR)), SENDER, ID, CORRELATION, AT)
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_text_comes_before_html_and_both_keep_their_accents() -> None:
    read = parsed(mail())
    assert read.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in read.iter_parts()] == ["text/plain", "text/html"]
    text, html = read.get_body(("plain",)), read.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == "Buongiorno Maria,\n\nperò è così.\n.\nFine\n"
    assert "perché" in html.get_content()


def test_a_mail_is_ascii_with_short_lines_whatever_it_says() -> None:
    sent = written(mail(subject="è" * 300, text="parola " * 2000, to_name="Ü" * 500), SENDER, ID, None, AT)
    assert sent.isascii()
    assert max(len(line) for line in sent.split(b"\r\n")) <= 78
    assert b"\n" not in sent.replace(b"\r\n", b"")


@pytest.mark.parametrize("breaks", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\0"])
def test_no_value_can_start_a_header_of_its_own(breaks: str) -> None:
    evil = f"Rossi{breaks}Bcc: everybody@example.org{breaks}{breaks}Ecco"
    sent = mail(
        to_name=evil, subject=evil, network=(f"rete{breaks}X-Evil: 1", evil), author=Sender(evil, "r@rete.example")
    )
    read = parsed(sent, Sender(evil, "no-reply@trama.example", (evil, "a@example.org")))
    assert read["Bcc"] is None
    assert read["X-Evil"] is None
    assert "Bcc" in read["Subject"]
    assert [part.get_content_type() for part in read.iter_parts()] == ["text/plain", "text/html"]


def test_a_name_with_quotes_or_an_address_inside_stays_a_name() -> None:
    read = parsed(mail(to_name='Maria "la Rossa" <evil@example.org>, \\'))
    assert [a.addr_spec for a in read["To"].addresses] == ["maria@example.org"]


def test_an_address_beyond_ascii_asks_for_smtputf8_and_stays_readable() -> None:
    assert needs_smtputf8("màrio@example.org")
    assert not needs_smtputf8("mario@xn--mller-kva.example")
    sent = written(mail(to="màrio@example.org", to_name="Màrio"), SENDER, ID, None, AT)
    assert " <màrio@example.org>".encode() in sent


def test_the_same_delivery_has_the_same_message_id_every_time() -> None:
    again = written(mail(), SENDER, ID, CORRELATION, datetime(2027, 1, 1, tzinfo=UTC))
    assert f"<{ID}@trama.example>".encode() in again


WAY_OUT = "https://trama.example/notify/v1/preferences/unsubscribe?token=" + "eyJhbGciOiJFUzI1NiJ9." * 25


def test_the_way_out_by_one_click_is_read_whole_by_other_programs() -> None:
    """RFC 2369 and 8058: mail programs take what stands in the brackets, and post to it."""
    read = parsed(mail(unsubscribe=WAY_OUT))
    assert not read.defects
    assert read["List-Unsubscribe"] == f"<{WAY_OUT}>"
    assert read["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    raw = written(mail(unsubscribe=WAY_OUT), SENDER, ID, CORRELATION, AT)
    assert f"List-Unsubscribe: <{WAY_OUT}>\r\n".encode() in raw, "never folded"
    assert max(map(len, raw.split(b"\r\n"))) < 998
    assert parsed(mail())["List-Unsubscribe"] is None
    assert parsed(mail())["List-Unsubscribe-Post"] is None


def test_a_way_out_can_start_no_header() -> None:
    assert parsed(mail(unsubscribe="https://a.example/\r\nBcc: x@example.org"))["Bcc"] is None
