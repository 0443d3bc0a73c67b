"""What mail servers write of a mail that they could not deliver, in the forms of each; what was returned is ours."""

from __future__ import annotations

from collections.abc import Callable

TO = "maria@example.org"
ID = "0192aaaa-0000-7000-8000-000000000001"
PATH = "no-reply@trama.example"


def original(id_: str = ID, path: str = PATH) -> str:
    return (
        f"Return-Path: <{path}>\nFrom: Trama <no-reply@trama.example>\nTo: Maria <{TO}>\nSubject: Convocazione\n"
        f"Message-ID: <{id_}@trama.example>\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
    )


def report(
    text: str,
    fields: str,
    returned: str,
    *,
    sender: str = "MAILER-DAEMON@mx.example",
    kind: str = "delivery-status",
    status: str = "message/delivery-status",
    bears: str = "message/rfc822",
    subject: str = "Undelivered Mail Returned to Sender",
) -> bytes:
    whole = f"""From: {sender}
To: {PATH}
Subject: {subject}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type={kind};
 boundary="B/x"
Message-ID: <20261122.B@mx.example>

This is a MIME-encapsulated message.

--B/x
Content-Type: text/plain; charset=us-ascii

{text}

--B/x
Content-Type: {status}

{fields}
--B/x
Content-Type: {bears}

{returned}

--B/x--
"""
    return whole.replace("\n", "\r\n").encode()


def postfix(status: str = "5.1.1", words: str = "", action: str = "failed", to: str = TO, **of: str) -> bytes:
    words = words or f"550 {status} <{to}>: Recipient address rejected: User unknown"
    return report(
        f"This is the mail system at host mx.example.\n\n<{to}>: host mx.example said: {words}",
        f"Reporting-MTA: dns; relay.example\nX-Postfix-Sender: rfc822; {PATH}\n"
        "Arrival-Date: Sun, 22 Nov 2026 09:00:00 +0000\n"
        f"\nFinal-Recipient: rfc822; {to}\nOriginal-Recipient: rfc822;{to}\nAction: {action}\nStatus: {status}\n"
        f"Remote-MTA: dns; mx.example\nDiagnostic-Code: smtp; {words}\n",
        original(**of) + "\nBuongiorno\n",
    )


def exim(status: str = "5.0.0", words: str = "550 5.2.1 The user is disabled", **of: str) -> bytes:
    """Exim says 5.0.0 of everything, and what it was told beside it; of the mail, its headers."""
    return report(
        "This message was created automatically by mail delivery software.\n\nA message could not be delivered",
        f"Reporting-MTA: dns; exim.example\n\nAction: failed\nFinal-Recipient: rfc822;{TO}\nStatus: {status}\n"
        f"Remote-MTA: dns; mx.example\nDiagnostic-Code: smtp; {words}\n",
        original(**of),
        bears="text/rfc822-headers",
        sender="Mail Delivery System <Mailer-Daemon@exim.example>",
    )


def exchange(status: str = "5.1.10", words: str = "", **of: str) -> bytes:
    words = words or f"550 {status} RESOLVER.ADR.RecipientNotFound; Recipient {TO} not found by SMTP address lookup"
    return report(
        "Mancato recapito a questi destinatari",
        f"Reporting-MTA: dns;AM0PR.eurprd01.prod.outlook.com\nReceived-From-MTA: dns;relay.example\n"
        f"Arrival-Date: Sun, 22 Nov 2026 09:00:00 +0000\n\nOriginal-Recipient: rfc822;{TO}\n"
        f"Final-Recipient: rfc822;{TO}\nAction: failed\nStatus: {status}\nDiagnostic-Code: smtp;{words}\n"
        f"X-Display-Name: Maria\n",
        original(**of) + "\nBuongiorno\n",
        sender="postmaster@outlook.com",
        subject="Undeliverable: Convocazione",
    )


def gmail(status: str = "5.2.2", words: str = "", **of: str) -> bytes:
    words = (
        words or f"552-{status} The recipient's inbox is out of storage space.\n {status} For more information, go to"
    )
    return report(
        "Address not found\n\nYour message wasn't delivered",
        f"Reporting-MTA: dns; googlemail.com\nReceived-From-MTA: dns; {PATH}\n\nFinal-Recipient: rfc822; {TO}\n"
        f"Action: failed\nStatus: {status}\nRemote-MTA: dns; gmail-smtp-in.l.google.com.\n"
        f"Diagnostic-Code: smtp; {words}\nLast-Attempt-Date: Sun, 22 Nov 2026 09:00:00 -0800 (PST)\n",
        original(**of) + "\nBuongiorno\n",
        sender="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
    )


def qmail(words: str = "Sorry, no mailbox here by that name. (#5.1.1)", **of: str) -> bytes:
    whole = (
        f"From: MAILER-DAEMON@qmail.example\nTo: {PATH}\nSubject: failure notice\n\n"
        "Hi. This is the qmail-send program at qmail.example.\n"
        "I'm afraid I wasn't able to deliver your message to the following addresses.\n"
        f"This is a permanent error; I've given up. Sorry it didn't work out.\n\n<{TO}>:\n{words}\n\n"
        "--- Below this line is a copy of the message.\n\n" + original(**of) + "\nBuongiorno 5.7.1\n"
    )
    return whole.replace("\n", "\r\n").encode()


def complaint(kind: str = "abuse", path: str = PATH, id_: str = ID) -> bytes:
    return report(
        "This is an email abuse report",
        f"Feedback-Type: {kind}\nUser-Agent: SomeGenerator/1.0\nVersion: 1\nOriginal-Mail-From: <{path}>\n"
        "Arrival-Date: Sun, 22 Nov 2026 09:00:00 +0000\n",
        original(id_, path) + "\nBuongiorno\n",
        kind="feedback-report",
        status="message/feedback-report",
        sender="feedback@provider.example",
    )


SERVERS: dict[str, Callable[..., bytes]] = {
    "postfix": postfix,
    "exim": exim,
    "exchange": exchange,
    "gmail": gmail,
    "qmail": qmail,
}
