"""The mail sink of the local profile: takes every mail by SMTP, keeps it as it came, and shows it in the browser.

A mail is a file `<id>.eml` under TRAMA_HOME/mail/<first hex digits>/ and a row in an index (SQLite), so that hundreds a
second are taken and hundreds of thousands listed without holding them in memory. The ids grow with time.

Mails are untrusted: their HTML is shown only inside a frame without scripts, forms or remote content.
"""

from __future__ import annotations

import asyncio
import html
import re
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session
from jinja2 import Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from uuid_utils.compat import uuid7

LARGEST = 40_000_000
"""Bytes of one mail."""
_ROME = ZoneInfo("Europe/Rome")
_ID = re.compile(r"[0-9a-f]{32}")
_LINK = re.compile(r"https?://[^\s<>\"')\]]+")
_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# `sandbox` again in the header: the body opened on its own is as harmless as in the frame.
_BODY_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; "
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'"
)
_SCHEMA = """
create table if not exists mails (
    id text primary key, at text not null, sender text not null, recipients text not null, subject text not null,
    size integer not null
) without rowid;
create table if not exists recipients (address text not null, mail text not null, primary key (address, mail))
    without rowid;
"""


@dataclass(frozen=True)
class Listed:
    """A mail as the list shows it; `to` holds the envelope's recipients, who are those that would have got it."""

    id: str
    at: datetime
    sender: str
    to: list[str]
    subject: str
    size: int

    def json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "at": self.at.isoformat(),
            "from": self.sender,
            "to": self.to,
            "subject": self.subject,
            "size": self.size,
            "href": f"/mail/messages/{self.id}.json",
        }

    @property
    def when(self) -> str:
        return self.at.astimezone(_ROME).strftime("%d/%m/%Y %H:%M:%S")


class Spool:
    """The mails on disk. One writer (the sink); any number of readers."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._index = sqlite3.connect(folder / "index.sqlite", isolation_level=None)
        # Not synced at every mail: the sink is a window on what was sent, not a store that anything relies on.
        self._index.executescript(f"pragma journal_mode = wal; pragma synchronous = off; {_SCHEMA}")

    def file(self, mail: str) -> Path:
        # The last digits of a UUIDv7 are random: 256 folders fill evenly.
        return self._folder / mail[-2:] / f"{mail}.eml"

    def keep(self, sender: str, recipients: list[str], raw: bytes) -> str:
        """Write one mail and index it; returns its id."""
        mail = uuid7().hex
        file = self.file(mail)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(raw)
        headers = BytesHeaderParser(policy=policy.default).parsebytes(raw)
        subject = str(headers.get("subject", "")).encode("utf-8", "replace").decode()  # undecodable bytes of a header
        row = (mail, datetime.now(UTC).isoformat(), sender, "\n".join(recipients), subject, len(raw))
        self._index.execute("begin")
        self._index.execute("insert into mails values (?, ?, ?, ?, ?, ?)", row)
        addresses = {(address.lower(), mail) for address in recipients}
        self._index.executemany("insert or ignore into recipients values (?, ?)", addresses)
        self._index.execute("commit")
        return mail

    def newest(self, *, to: str | None, before: str | None, limit: int) -> list[Listed]:
        """Newest first, those older than the mail `before`; `to` is a whole address, in any case of letters."""
        older = before or "g"  # greater than every hexadecimal id
        if to:
            query = (
                "select m.* from recipients r join mails m on m.id = r.mail "
                "where r.address = ? and r.mail < ? order by r.mail desc limit ?"
            )
            rows = self._index.execute(query, (to.lower(), older, limit))
        else:
            rows = self._index.execute("select * from mails where id < ? order by id desc limit ?", (older, limit))
        return [_listed(row) for row in rows]

    def find(self, mail: str) -> Listed | None:
        row = self._index.execute("select * from mails where id = ?", (mail,)).fetchone()
        return _listed(row) if row else None

    def count(self, to: str | None = None) -> int:
        if to:
            found = self._index.execute("select count(*) from recipients where address = ?", (to.lower(),))
        else:
            found = self._index.execute("select count(*) from mails")
        return int(found.fetchone()[0])

    def read(self, mail: str) -> EmailMessage:
        with self.file(mail).open("rb") as file:
            message = BytesParser(policy=policy.default).parse(file)
        assert isinstance(message, EmailMessage)
        return message


def _listed(row: tuple[Any, ...]) -> Listed:
    mail, at, sender, recipients, subject, size = row
    return Listed(mail, datetime.fromisoformat(at), sender, recipients.splitlines(), subject, size)


class _Receiver:
    """What aiosmtpd calls; a mail that cannot be written is refused for now, so that the sender keeps it."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802, ARG002
        raw = envelope.original_content or b""
        try:
            mail = self._spool.keep(envelope.mail_from or "", list(envelope.rcpt_tos), raw)
        except OSError as error:
            return f"452 not kept: {error.strerror}"
        return f"250 kept as {mail}"


def _text(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    if part is None:
        return None
    try:
        return str(part.get_content())
    except (LookupError, KeyError, ValueError):  # a charset that nobody knows
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def message_json(listed: Listed, message: EmailMessage) -> dict[str, Any]:
    """One mail: what the list says, headers, both bodies, the links of the text, and what is attached."""
    text, page = _text(message, "plain"), _text(message, "html")
    found = _LINK.findall(text or "") + [html.unescape(link) for link in _LINK.findall(page or "")]
    return {
        **listed.json(),
        "headers": {name.lower(): str(value) for name, value in message.items()},
        "text": text,
        "html": page,
        "links": list(dict.fromkeys(found)),
        "attachments": [
            {
                "name": part.get_filename(),
                "type": part.get_content_type(),
                "size": len(part.get_payload(decode=True) or b""),
            }
            for part in message.iter_attachments()
        ],
    }


_TEXTS = {
    "it": {
        "title": "Mail di questa installazione locale",
        "count": "Nessuna di queste mail è stata spedita davvero. In tutto: {count}.",
        "only": "Solo quelle per {to}: {count}.",
        "to_label": "Destinatario",
        "filter": "Cerca",
        "all": "Mostra tutte",
        "caption": "Le mail, dalla più recente",
        "at": "Data e ora",
        "from": "Mittente",
        "to": "Destinatari",
        "subject": "Oggetto",
        "size": "Byte",
        "no_subject": "(senza oggetto)",
        "none": "Nessuna mail.",
        "older": "Più vecchie",
        "back": "Torna all'elenco",
        "facts": "Dati della mail",
        "html": "Come la vede chi la riceve",
        "text": "Testo",
        "raw": "Scarica l'originale",
        "attachments": "Allegati",
        "missing": "Questa mail non c'è.",
        "home": "Pagina iniziale",
        "other": "In English",
    },
    "en": {
        "title": "Mails of this local installation",
        "count": "None of these mails was really sent. In all: {count}.",
        "only": "Only those to {to}: {count}.",
        "to_label": "Recipient",
        "filter": "Search",
        "all": "Show all",
        "caption": "The mails, newest first",
        "at": "Date and time",
        "from": "Sender",
        "to": "Recipients",
        "subject": "Subject",
        "size": "Bytes",
        "no_subject": "(no subject)",
        "none": "No mail.",
        "older": "Older",
        "back": "Back to the list",
        "facts": "About the mail",
        "html": "As its reader sees it",
        "text": "Text",
        "raw": "Download the original",
        "attachments": "Attachments",
        "missing": "There is no such mail.",
        "home": "First page",
        "other": "In italiano",
    },
}


class Pages:
    """The HTTP side, under /mail."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        templates = Path(__file__).parent / "templates"
        self._templates = Environment(loader=FileSystemLoader(templates), autoescape=True, trim_blocks=True)
        self._style = (templates / "mail.css").read_text()

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/mail", self.list_page),
                Route("/mail/", self.list_page),
                Route("/mail/style.css", self.style),
                Route("/mail/messages.json", self.list_json),
                Route("/mail/messages/{mail}.json", self.one_json),
                Route("/mail/messages/{mail}.html", self.body),
                Route("/mail/messages/{mail}.eml", self.raw),
                Route("/mail/messages/{mail}", self.one_page),
            ]
        )

    async def list_page(self, request: Request) -> Response:
        to = request.query_params.get("to", "").strip() or None
        mails, older = self._listing(request, to, usual=50)
        return self._page(request, "list.html", mails=mails, older=older, to=to, count=self._spool.count(to))

    async def list_json(self, request: Request) -> Response:
        to = request.query_params.get("to", "").strip() or None
        mails, older = self._listing(request, to, usual=200)
        return JSONResponse({"items": [mail.json() for mail in mails], "next": older, "count": self._spool.count(to)})

    async def one_page(self, request: Request) -> Response:
        listed = self._asked(request)
        if listed is None:
            return self._page(request, "missing.html", status=404)
        content = message_json(listed, self._spool.read(listed.id))
        return self._page(request, "one.html", mail=listed, content=content, linked=_linked(content["text"] or ""))

    async def one_json(self, request: Request) -> Response:
        listed = self._asked(request)
        if listed is None:
            return JSONResponse({"type": "urn:trama:problem:not-found", "status": 404, "title": "Non trovato"}, 404)
        return JSONResponse(message_json(listed, self._spool.read(listed.id)))

    async def body(self, request: Request) -> Response:
        listed = self._asked(request)
        page = _text(self._spool.read(listed.id), "html") if listed else None
        if page is None:
            return self._page(request, "missing.html", status=404)
        # Links leave the frame: opened inside it they would inherit its sandbox.
        return HTMLResponse(
            f'<base target="_blank">{page}',
            headers={"Content-Security-Policy": _BODY_POLICY, "X-Frame-Options": "SAMEORIGIN"},
        )

    async def raw(self, request: Request) -> Response:
        listed = self._asked(request)
        if listed is None:
            return self._page(request, "missing.html", status=404)
        return FileResponse(self._spool.file(listed.id), media_type="message/rfc822", filename=f"{listed.id}.eml")

    async def style(self, request: Request) -> Response:  # noqa: ARG002
        return Response(self._style, media_type="text/css")

    def _listing(self, request: Request, to: str | None, *, usual: int) -> tuple[list[Listed], str | None]:
        after = request.query_params.get("after")
        limit = request.query_params.get("limit", "")
        asked = min(max(int(limit), 1), 1000) if limit.isascii() and limit.isdigit() else usual
        before = after if after and _ID.fullmatch(after) else None
        mails = self._spool.newest(to=to, before=before, limit=asked + 1)
        more = len(mails) > asked
        return mails[:asked], mails[asked - 1].id if more else None

    def _asked(self, request: Request) -> Listed | None:
        mail = request.path_params["mail"]
        return self._spool.find(mail) if _ID.fullmatch(mail) else None

    def _page(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        language = _language(request)
        texts = _TEXTS[language]
        page = self._templates.get_template(template).render(t=texts, lang=language, **values)
        return HTMLResponse(page, status, {"Content-Security-Policy": _PAGE_POLICY, "Content-Language": language})


def _language(request: Request) -> str:
    asked = request.query_params.get("lang")
    if asked in _TEXTS:
        return asked
    return "en" if request.headers.get("accept-language", "").lstrip().lower().startswith("en") else "it"


def _linked(text: str) -> str:
    """The text as HTML with its links clickable; all else escaped."""
    parts, last = [], 0
    for found in _LINK.finditer(text):
        address = html.escape(found[0])
        parts += [html.escape(text[last : found.start()]), f'<a href="{address}" rel="noreferrer">{address}</a>']
        last = found.end()
    return "".join([*parts, html.escape(text[last:])])


@asynccontextmanager
async def _receiving(spool: Spool, host: str, port: int) -> AsyncIterator[None]:
    receiver = _Receiver(spool)

    def session() -> SMTP:
        # The name is given: looking up our own would ask a resolver at every connection.
        return SMTP(receiver, hostname="localhost", enable_SMTPUTF8=True, data_size_limit=LARGEST)

    server = await asyncio.get_running_loop().create_server(session, host, port)
    try:
        yield
    finally:
        server.close()


def run(folder: Path, smtp_port: int, http_port: int, host: str = "127.0.0.1") -> None:
    """Serve both sides until SIGTERM."""

    async def serve() -> None:
        spool = Spool(folder)
        config = uvicorn.Config(
            Pages(spool).app(), host=host, port=http_port, access_log=False, log_level="warning", lifespan="off"
        )
        async with _receiving(spool, host, smtp_port):
            await uvicorn.Server(config).serve()

    asyncio.run(serve())


if __name__ == "__main__":  # in its image: python -m deploy.local.mailsink <folder>
    run(Path(sys.argv[1]), 1025, 8025, "0.0.0.0")  # noqa: S104
