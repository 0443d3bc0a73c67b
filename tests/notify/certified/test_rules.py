"""What receipts say, what they change, and what hostile ones do: nothing."""

from __future__ import annotations

import email
from datetime import UTC, datetime, timedelta
from email.policy import SMTP
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.certified.receipts import Kind, NoReceipt, read
from services.notify.certified.rules import AWAITED, CertifiedMail, File, Problem, Receipt, State
from services.notify.certified.worker import written
from tests.notify.certified.provider import AT, OURS, THEIRS, TITLES, data, receipt

ID = "01936f5e-8a00-7000-8000-0000000000a1@pec.trama.example"


def mail(state: State = State.SENT) -> CertifiedMail:
    one = CertifiedMail(uuid4(), uuid4(), uuid4(), "certified-mail", AT, THEIRS)
    one.state, one.sent_at = state, None if state is State.QUEUED else AT
    return one


@pytest.mark.parametrize("kind", sorted(TITLES))
def test_each_kind_of_receipt_is_read(kind: str) -> None:
    found = read(receipt(kind, ID))
    assert (found.kind, found.message_id, found.sender) == (kind, ID, OURS)
    assert found.recipients == (THEIRS,)
    assert found.recipient == (THEIRS if "consegna" in kind else None)
    assert (found.provider, found.error) == ("Gestore di Prova S.p.A.", None)
    assert found.at == AT
    assert found.data()["at"] == "2026-11-22T08:15:00+00:00"


def test_why_it_has_failed_is_said() -> None:
    more = "<errore-esteso>5.1.1 - Gestore - indirizzo\n non valido</errore-esteso>"
    found = read(receipt("errore-consegna", ID, error="no-dest", more=more))
    assert (found.error, found.detail) == ("no-dest", "5.1.1 - Gestore - indirizzo non valido")


@pytest.mark.parametrize(
    ("zone", "instant"),
    [("+0200", "07:15"), ("+00:00", "09:15"), ("-0130", "10:45"), ("", "08:15"), ("Roma", "08:15")],
)
def test_the_instant_is_that_of_the_zone_said(zone: str, instant: str) -> None:
    assert read(receipt("accettazione", ID, zone=zone)).at.strftime("%H:%M") == instant


BOMB = """<?xml version="1.0"?><!DOCTYPE postacert [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<postacert tipo="accettazione"><intestazione><mittente>&b;</mittente></intestazione></postacert>"""
OUTSIDE = """<?xml version="1.0"?><!DOCTYPE postacert [<!ENTITY a SYSTEM "file:///etc/passwd">]>
<postacert tipo="accettazione"><dati><msgid>&a;</msgid></dati></postacert>"""


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\x00" * 100,
        b"Subject: ciao\r\n\r\nuna risposta",
        receipt("accettazione", ID, header="posta-certificata"),
        receipt("accettazione", ID, header="avvenuta-consegna"),
        receipt("accettazione", ID, named="another@pec.trama.example"),
        receipt("accettazione", ID, xml=""),
        receipt("accettazione", ID, xml="<postacert tipo='accettazione'"),
        receipt("accettazione", ID, xml="<postacert tipo='accettazione'/>"),
        receipt("accettazione", ID, xml=data("accettazione", ID).replace("postacert", "altro")),
        receipt("accettazione", ID, xml=BOMB),
        receipt("accettazione", ID, xml=OUTSIDE),
        receipt("accettazione", ID, day="31/02/2026"),
        receipt("accettazione", ID, zone="+9999"),
        receipt("accettazione", ID, xml="<a>" * 50_000),
        receipt("accettazione", ID, xml=data("accettazione", ID) + " " * 300_000),
        receipt("accettazione", ID).replace(b"daticert.xml", b"altro.xml"),
        b"X-Ricevuta: accettazione\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n"
        + b"".join(b"--a\r\nContent-Type: multipart/mixed; boundary=a%d\r\n\r\n" % n for n in range(3000)),
    ],
)
def test_what_is_no_receipt_or_a_hostile_one_changes_nothing(raw: bytes) -> None:
    with pytest.raises(NoReceipt):
        read(raw)


def test_a_receipt_inside_of_a_correspondents_message_is_none() -> None:
    """What is forwarded to us is attached; only what the provider itself writes counts."""
    inner = receipt("avvenuta-consegna", ID)
    raw = (
        b"X-Ricevuta: avvenuta-consegna\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n"
        b"Content-Type: message/rfc822\r\n\r\n" + inner + b"\r\n--q--\r\n"
    )
    with pytest.raises(NoReceipt):
        read(raw)


@given(st.binary(max_size=2000))
def test_whatever_comes_is_read_or_refused(raw: bytes) -> None:
    with pytest.raises(NoReceipt):
        read(b"X-Ricevuta: accettazione\r\n" + raw)


# --- what they change


def say(one: CertifiedMail, *kinds: str, error: str | None = None) -> list[str]:
    states = []
    for hours, kind in enumerate(kinds):
        one.hear(Receipt(Kind(kind), AT + timedelta(hours=hours), error))
        states.append(str(one.state))
    return states


def test_the_usual_way() -> None:
    one = mail()
    assert say(one, "accettazione", "presa-in-carico", "avvenuta-consegna") == ["accepted", "accepted", "delivered"]
    assert (one.accepted_at, one.delivered_at) == (AT, AT + timedelta(hours=2))
    assert one.settled_at == one.delivered_at


@pytest.mark.parametrize(
    ("kind", "problem"),
    [("non-accettazione", "not_accepted"), ("errore-consegna", "not_delivered"), ("rilevazione-virus", "virus")],
)
def test_what_fails_says_why(kind: str, problem: str) -> None:
    one = mail()
    assert say(one, kind, error="no-dest") == ["failed"]
    assert (one.problem, one.reason) == (problem, "no-dest")


def test_a_warning_after_twelve_hours_changes_no_state_and_is_kept() -> None:
    one = mail(State.ACCEPTED)
    assert not one.hear(Receipt(Kind.WARNING, AT, "altro"))
    assert (one.state, one.warned_at, one.reason) == ("accepted", AT, "altro")


ALL = ["accettazione", "presa-in-carico", "avvenuta-consegna", "preavviso-errore-consegna", "errore-consegna"]


@given(st.permutations([*ALL, "accettazione"]), st.sampled_from([State.QUEUED, State.SENT, State.UNANSWERED]))
def test_a_delivery_is_final_in_whatever_order_receipts_come(kinds: list[str], state: State) -> None:
    one = mail(state)
    states = say(one, *kinds)
    assert states[-1] == "delivered"
    assert "delivered" in states
    assert set(states[states.index("delivered") :]) == {"delivered"}
    assert (one.problem, one.next_try) == (None, None)
    assert one.sent_at is not None


def test_a_day_without_what_was_awaited_is_said_and_a_late_receipt_still_counts() -> None:
    one = mail()
    assert not one.overdue(AT + AWAITED - timedelta(seconds=1))
    assert one.overdue(AT + AWAITED)
    one.give_up(AT + AWAITED)
    assert not one.overdue(AT + AWAITED * 2)
    assert say(one, "accettazione") == ["accepted"]
    assert one.settled_at is None
    assert not mail(State.DELIVERED).overdue(datetime(2099, 1, 1, tzinfo=UTC))
    failed = mail()
    failed.fail(Problem.VIRUS, None, AT)
    assert not failed.overdue(AT + AWAITED)


@pytest.mark.parametrize(
    "words",
    [
        "Convocazione",
        "=?utf-8?q?x=0D=0ABcc:_spia=40example.org?=",
        "=?ascii?q?x=0ABcc:_spia=40example.org?= con molte parole dopo, quante ne servono per andare a capo due volte",
        'Ordine "del giorno"; così è (2).pdf',
        "à" * 60,
    ],
)
def test_nothing_that_somebody_writes_becomes_another_header(words: str) -> None:
    """As its reader's program takes it, and line by line: encoded words of an author are words."""
    body = f"Buongiorno\n.\n--=_\nBcc: {words}\n"
    raw = written(OURS, THEIRS, f"<{ID}>", words, body, [File(words, "application/pdf", b"%PDF-1.7")], AT)
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78
    assert raw.count(b"\n") == raw.count(b"\r\n")
    whole = email.message_from_bytes(raw, policy=SMTP)
    assert list(whole) == [
        "From", "To", "Subject", "Date", "Message-ID", "X-TipoRicevuta", "MIME-Version", "Content-Type",
    ]  # fmt: skip
    assert str(email.header.make_header(email.header.decode_header(email.message_from_bytes(raw)["Subject"]))) == words
    _, text, file = email.message_from_bytes(raw).walk()
    assert text.get_payload(decode=True) == body.replace("\n", "\r\n").encode()
    assert email.utils.collapse_rfc2231_value(file.get_param("filename", "", "Content-Disposition")) == words
    assert file.get_payload(decode=True) == b"%PDF-1.7"
