"""A provider of certified mail as its technical rules describe one: receipts, and the mailbox in which they come.

The receipts are made here from the published format (annex to DM 2 November 2005; RFC 6109): none is a real one.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

AT = datetime(2026, 11, 22, 8, 15, tzinfo=UTC)
OURS, THEIRS = "rete@pec.trama.example", "girasole@pec.example.org"

TITLES = {
    "accettazione": "ACCETTAZIONE",
    "non-accettazione": "AVVISO DI NON ACCETTAZIONE",
    "presa-in-carico": "PRESA IN CARICO",
    "avvenuta-consegna": "CONSEGNA",
    "preavviso-errore-consegna": "AVVISO DI MANCATA CONSEGNA PER SUP. TEMPO MASSIMO",
    "errore-consegna": "AVVISO DI MANCATA CONSEGNA",
    "rilevazione-virus": "PROBLEMA DI SICUREZZA",
}


def data(kind: str, message_id: str, **changed: str) -> str:
    known = {
        "sender": OURS,
        "recipient": THEIRS,
        "error": "nessuno",
        "day": "22/11/2026",
        "hour": "09:15:00",
        "zone": "+0100",
        "more": "",
    } | changed
    about = f"<consegna>{known['recipient']}</consegna>" if "consegna" in kind else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<postacert tipo="{kind}" errore="{known["error"]}">
  <intestazione>
    <mittente>{known["sender"]}</mittente>
    <destinatari tipo="certificato">{known["recipient"]}</destinatari>
    <risposte>{known["sender"]}</risposte>
    <oggetto>Convocazione dell'assemblea</oggetto>
  </intestazione>
  <dati>
    <gestore-emittente>Gestore di Prova S.p.A.</gestore-emittente>
    <data zona="{known["zone"]}"><giorno>{known["day"]}</giorno><ora>{known["hour"]}</ora></data>
    <identificativo>opec21004.20261122091500.00001.123.1.56@pec.example.org</identificativo>
    <msgid>&lt;{message_id}&gt;</msgid>
    {about}{known["more"]}
  </dati>
</postacert>"""


def receipt(kind: str, message_id: str, *, xml: str | None = None, **changed: str) -> bytes:
    """A message as the provider writes it; its S/MIME signature is left out."""
    message = EmailMessage(policy=SMTP)
    message["X-Ricevuta"] = changed.pop("header", kind)
    message["Date"] = "Sun, 22 Nov 2026 09:15:00 +0100"
    message["Subject"] = f"{TITLES[kind]}: Convocazione dell'assemblea"
    message["From"], message["To"] = "posta-certificata@pec.example.org", OURS
    message["X-Riferimento-Message-ID"] = f"<{changed.pop('named', message_id)}>"
    message.set_content("Ricevuta\n\nIl giorno 22/11/2026 alle ore 09:15:00 (+0100) …")
    content = xml if xml is not None else data(kind, message_id, **changed)
    message.add_attachment(content.encode(), maintype="application", subtype="xml", filename="daticert.xml")
    original = EmailMessage(policy=SMTP)
    original["Subject"] = "Convocazione dell'assemblea"
    original.set_content("L'assemblea è convocata.")
    message.add_attachment(original, filename="postacert.eml")
    return bytes(message)


@dataclass
class FakeMailbox:
    """An IMAP server (as much as imaplib asks for) with one folder."""

    messages: list[bytes] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    uid_validity: int = 7
    visits: int = 0
    port: int = 0
    server: asyncio.Server | None = None
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> FakeMailbox:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        assert self.server is not None
        self.server.close()
        for writer in list(self.writers):
            writer.close()

    @property
    def url(self) -> str:
        return f"imap://rete%40pec:pa%3Ass@127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        writer.write(b"* OK IMAP4rev1\r\n")
        try:
            while line := await reader.readline():
                tag, _, command = line.decode().strip().partition(" ")
                writer.write(self._answer(tag, command))
                await writer.drain()
        except OSError:
            return
        finally:
            self.writers.discard(writer)
            writer.close()

    def _answer(self, tag: str, command: str) -> bytes:
        done = f"{tag} OK done\r\n".encode()
        upper = command.upper()
        if upper == "CAPABILITY":
            return b"* CAPABILITY IMAP4rev1\r\n" + done
        if upper.startswith("LOGIN"):
            return done if "pa:ss" in command else f"{tag} NO\r\n".encode()
        if upper.startswith("SELECT"):
            self.visits += 1
            return f"* {len(self.messages)} EXISTS\r\n* OK [UIDVALIDITY {self.uid_validity}] ok\r\n".encode() + done
        if found := re.match(r"UID SEARCH UID (\d+):\*", upper):
            first = min(int(found[1]), len(self.messages) or 1)  # as RFC 3501 has it: the last one is always named
            uids = " ".join(str(uid) for uid in range(first, len(self.messages) + 1))
            return f"* SEARCH {uids}\r\n".encode() + done
        if found := re.match(r"UID FETCH (\d+) \((.*)\)", upper):
            uid = int(found[1])
            raw = self.messages[uid - 1]
            if found[2] == "RFC822.SIZE":
                return f"* {uid} FETCH (UID {uid} RFC822.SIZE {len(raw)})\r\n".encode() + done
            return f"* {uid} FETCH (UID {uid} BODY[] {{{len(raw)}}}\r\n".encode() + raw + b")\r\n" + done
        if found := re.match(r"UID STORE ([\d,]+) ", upper):
            self.seen |= {int(uid) for uid in found[1].split(",")}
            return done
        return f"{tag} BAD what\r\n".encode()
