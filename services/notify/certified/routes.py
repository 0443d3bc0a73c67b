"""HTTP of certified mail: sending it, what became of it, its receipts."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row
from starlette.responses import Response

from services.notify.certified import commands, queries
from services.notify.certified.receipts import Kind
from services.notify.certified.rules import (
    LARGEST_FILES,
    LONGEST_SUBJECT,
    LONGEST_TEXT,
    MOST_FILES,
    MOST_RECIPIENTS,
    File,
    FileUnfit,
    Off,
    Problem,
    RecipientsUnfit,
    State,
    Unknown,
)
from services.notify.settings import Settings
from shared.runtime.edge import At
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import Problems, not_found, problem
from shared.runtime.vocabularies import vocabulary
from shared.sniffing import media_type_of

routes = APIRouter(tags=["certified mail"])


class AttachmentBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(
        min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f/\\]+$", examples=["ordine-del-giorno.pdf"]
    )
    content: str = Field(max_length=LARGEST_FILES * 2, description="Base64 of a PDF, P7M, image, text or .ics")


class LetterBody(BaseModel):
    """To organisations that are members, or to all whose people are invited to a meeting."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "organisation_ids": ["01936f5e-8a00-7000-8000-0000000000a1"],
                    "subject": "Convocazione dell'assemblea",
                    "text": "L'assemblea è convocata per il 10 settembre alle 15:30.",
                }
            ]
        },
    )

    organisation_ids: list[UUID] = Field(default=[], max_length=MOST_RECIPIENTS)
    meeting_id: UUID | None = None
    subject: str = Field(min_length=1, max_length=LONGEST_SUBJECT, pattern=r"^[^\x00-\x1f\x7f]+$")
    text: str = Field(min_length=1, max_length=LONGEST_TEXT)
    attachments: list[AttachmentBody] = Field(default=[], max_length=MOST_FILES)


class PostedOut(BaseModel):
    items: list[UUID]


class RefOut(BaseModel):
    id: UUID
    name: str | None
    href: str


class CertifiedMailOut(BaseModel):
    """What became of one message to one organisation. `warned_at`: its provider has said, after twelve hours, that the
    delivery has not happened yet; instants are wall time, those of receipts as the receipts say."""

    id: UUID
    organisation: RefOut
    meeting_id: UUID | None
    topic: str
    subject: str
    address: str | None
    state: State
    problem: Problem | None
    reason: str | None
    made_at: datetime
    sent_at: datetime | None
    accepted_at: datetime | None
    warned_at: datetime | None
    delivered_at: datetime | None
    settled_at: datetime | None
    version: int
    href: str

    @classmethod
    def of(cls, row: Row[Any]) -> CertifiedMailOut:
        return cls(**_mail(row[0], row))


def _mail(mail: Any, row: Any) -> dict[str, Any]:
    own = {name: getattr(mail, name) for name in CertifiedMailOut.model_fields if hasattr(mail, name)}
    organisation = RefOut(
        id=mail.organisation_id, name=row.organisation_name, href=f"/registry/v1/organisations/{mail.organisation_id}"
    )
    more = {"subject": row.subject, "meeting_id": row.meeting_id, "href": f"/notify/v1/certified-mails/{mail.id}"}
    return {**own, **more, "organisation": organisation}


class FileOut(BaseModel):
    name: str
    media_type: str
    size: int


class ReceiptOut(BaseModel):
    """A receipt as it was understood; the provider's signature is in the file at `href` and was not verified here."""

    id: UUID
    kind: Kind
    at: datetime
    received_at: datetime
    sha256: str
    data: dict[str, Any]
    href: str


class CertifiedMailInFullOut(CertifiedMailOut):
    text: str
    files: list[FileOut]
    receipts: list[ReceiptOut]

    @classmethod
    def whole(cls, whole: queries.Whole) -> CertifiedMailInFullOut:
        href = f"/notify/v1/certified-mails/{whole.mail.id}/receipts"
        return cls(
            **_mail(whole.mail, whole),
            text=whole.text,
            files=[FileOut(name=file.name, media_type=file.media_type, size=file.size) for file in whole.files],
            receipts=[
                ReceiptOut(
                    id=one.id,
                    kind=one.kind,
                    at=one.at,
                    received_at=one.received_at,
                    sha256=one.sha256,
                    data=one.data,
                    href=f"{href}/{one.id}",
                )
                for one in whole.receipts
            ],
        )


def files_of(given: list[AttachmentBody]) -> list[File]:
    """By what they hold, never by what they are called. Raises FileUnfit."""
    files, size = [], 0
    for position, one in enumerate(given):
        try:
            content = base64.b64decode(one.content, validate=True)
        except (binascii.Error, ValueError):
            raise FileUnfit(position, "base64") from None
        media_type = media_type_of(content, ())
        if media_type is None:
            raise FileUnfit(position, "PDF, P7M, PNG, JPEG, WebP, text, .ics")
        if media_type == "text/plain" and one.name.lower().endswith(".ics"):
            media_type = "text/calendar"
        size += len(content)
        if size > LARGEST_FILES:
            raise FileUnfit(position, f"at most {LARGEST_FILES} bytes together")
        files.append(File(one.name, media_type, content))
    return files


@routes.post("/networks/{network}/certified-mails", status_code=202, response_model=PostedOut)
async def post(network: str, body: LetterBody, at: At) -> Response:
    """Sends certified mail, one message for each organisation. One without a certified address has failed at once."""
    assert isinstance(at.context.settings, Settings)
    return await at.command(
        commands.post,
        network,
        body,
        files_of(body.attachments),
        on=at.context.settings.certified is not None,
        out=lambda ids: PostedOut(items=ids),
    )


@routes.get("/networks/{network}/certified-mails", response_model=PageOut[CertifiedMailOut])
async def certified_mails(
    network: str,
    at: At,
    state: Annotated[list[State], Query()] = [],  # noqa: B006 (FastAPI copies it)
    organisation: Annotated[list[UUID], Query(description="To any of these")] = [],  # noqa: B006
    meeting: Annotated[list[UUID], Query(description="About any of these")] = [],  # noqa: B006
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The network's certified mails, the latest first; as CSV with `Accept: text/csv`."""
    return await at.page(
        queries.listed,
        network,
        state=state,
        organisation=organisation,
        meeting=meeting,
        after=after,
        limit=limit,
        out=CertifiedMailOut.of,
    )


@routes.get("/certified-mails/{mail_id}", response_model=CertifiedMailInFullOut)
async def certified_mail(mail_id: UUID, at: At) -> Response:
    """A certified mail with its text and its receipts."""
    return await at.read(queries.get, mail_id, out=CertifiedMailInFullOut.whole)


@routes.get(
    "/certified-mails/{mail_id}/receipts/{receipt_id}",
    response_class=Response,
    responses={200: {"content": {"message/rfc822": {}}}},
)
async def receipt(mail_id: UUID, receipt_id: UUID, at: At) -> Response:
    """A receipt as it came, with its provider's signature: to be kept, and to be verified by whoever needs to."""
    raw, digest = await at.query(queries.receipt, mail_id, receipt_id)
    headers = {
        "content-disposition": f'attachment; filename="{receipt_id}.eml"',
        "etag": f'"{digest}"',
        "cache-control": "private, no-store",
    }
    return Response(raw, media_type="message/rfc822", headers=headers)


problems: Problems = {
    Unknown: not_found,
    Off: problem(
        "certified-mail-off",
        409,
        it="La PEC non è configurata\nChi gestisce la piattaforma deve impostare TRAMA_PEC_SMTP_URL, TRAMA_PEC_FROM e "
        "TRAMA_PEC_IMAP_URL.",
        en="There is no certified mailbox\nWhoever runs the platform must set TRAMA_PEC_SMTP_URL, TRAMA_PEC_FROM and "
        "TRAMA_PEC_IMAP_URL.",
    ),
    RecipientsUnfit: problem(
        "certified-recipients-unfit",
        422,
        it="Destinatari non validi\nSi accetta: {accepted}.",
        en="Unfit recipients\nAccepted: {accepted}.",
        code="recipients",
    ),
    FileUnfit: problem(
        "certified-file-unfit",
        422,
        it="L'allegato non si può inviare\nSi accetta: {accepted}.",
        en="The attachment cannot be sent\nAccepted: {accepted}.",
        code="file",
    ),
}

vocabularies = (
    vocabulary(
        "certified_states",
        "Stati di una PEC",
        "States of a certified mail",
        [
            (State.QUEUED, "In coda", "Queued"),
            (State.SENT, "Affidata al gestore", "Handed to the provider"),
            (State.ACCEPTED, "Accettata", "Accepted", "DPR 68/2005, art. 6"),
            (State.DELIVERED, "Consegnata", "Delivered", "DPR 68/2005, art. 6"),
            (State.FAILED, "Non consegnata", "Not delivered", "DPR 68/2005, art. 8"),
            (State.UNANSWERED, "Senza ricevuta da 24 ore", "Without a receipt for 24 hours"),
        ],
    ),
    vocabulary(
        "certified_problems",
        "Perché una PEC non è consegnata",
        "Why a certified mail has failed",
        [
            (Problem.NO_ADDRESS, "L'ente non ha un indirizzo PEC", "The organisation has no certified address"),
            (Problem.PROVIDER_REFUSES, "Il gestore l'ha rifiutata", "The provider refused it"),
            (Problem.NOT_ACCEPTED, "Avviso di non accettazione", "Notice of non-acceptance"),
            (Problem.NOT_DELIVERED, "Avviso di mancata consegna", "Notice of non-delivery"),
            (Problem.VIRUS, "Rilevato un virus", "A virus was found"),
            (Problem.GIVEN_UP, "Un giorno di tentativi senza esito", "A day of attempts without success"),
        ],
    ),
    vocabulary(
        "certified_receipts",
        "Ricevute PEC",
        "Receipts of certified mail",
        [
            (Kind.ACCEPTED, "Ricevuta di accettazione", "Receipt of acceptance"),
            (Kind.NOT_ACCEPTED, "Avviso di non accettazione", "Notice of non-acceptance"),
            (Kind.TAKEN, "Presa in carico", "Taken in charge"),
            (Kind.DELIVERED, "Ricevuta di avvenuta consegna", "Receipt of delivery"),
            (Kind.WARNING, "Preavviso di mancata consegna", "Warning of non-delivery"),
            (Kind.NOT_DELIVERED, "Avviso di mancata consegna", "Notice of non-delivery"),
            (Kind.VIRUS, "Avviso di rilevazione virus", "Notice of a virus"),
        ],
    ),
)
