"""Notify's variables (`TRAMA_…`), besides those of every service; a bad one stops the start and is named."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from email.utils import parseaddr
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Self
from uuid import UUID

from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from pydantic import AfterValidator, Field, model_validator

from services.notify.bounces import rules as bounces
from services.notify.certified.mailbox import Mailbox
from services.notify.contacts.rules import AddressUnusable, domain_of, mailbox
from services.notify.deliveries.mail import Sender
from services.notify.deliveries.sending import Pace
from services.notify.deliveries.smtp import Relay
from services.notify.webhooks.sealing import Safe, safe
from shared.runtime.settings import ServiceSettings


def _relay(url: str) -> str:
    Relay.parse(url)
    return url


def _address(text: str) -> str:
    try:
        mailbox(parseaddr(text)[1])
    except AddressUnusable:
        raise ValueError("expected an address like `Trama <no-reply@example.org>`") from None
    return text


def _domains(names: tuple[str, ...] | None) -> tuple[str, ...] | None:
    try:
        return names and tuple(domain_of(mailbox(f"postmaster@{name}")).lower() for name in names)
    except AddressUnusable:
        raise ValueError('expected domains: ["example.org"]') from None


def _rates(rates: dict[str, float]) -> dict[str, float]:
    if any(not 0 < rate <= 1000 for rate in rates.values()):
        raise ValueError("expected mails a second, more than 0 and up to 1000")
    names = _domains(tuple(rates)) or ()
    return dict(zip(names, rates.values(), strict=True))


def _domain(name: str | None) -> str | None:
    if not name:  # compose files say nothing in this way
        return None
    try:
        return domain_of(mailbox(f"postmaster@{name}")).lower()
    except AddressUnusable:
        raise ValueError("expected a domain: reply.example.org") from None


def _private_key(path: Path) -> Path:
    try:
        key = ECKey.import_key(json.loads(path.read_text()))
    except (OSError, ValueError, JoseError) as error:
        raise ValueError(f"cannot read a private key (JWK, P-256) from {path}: {type(error).__name__}") from None
    if not key.is_private:
        raise ValueError(f"{path} holds a public key; links are signed with the private one")
    return path


def _relay_or_none(url: str | None) -> str | None:
    return _relay(url) if url else None


def _mailbox_or_none(address: str | None) -> str | None:
    try:
        return mailbox(address).lower() if address else None
    except AddressUnusable:
        raise ValueError("expected a certified address: rete@pec.example.org") from None


def _imap_or_none(url: str | None) -> str | None:
    if url:
        Mailbox.parse(url)
    return url or None


def _webhook_keys(text: str | None) -> str | None:
    if not text:  # compose files say nothing in this way
        return None
    safe(text)
    return text


class Settings(ServiceSettings):
    smtp_url: Annotated[str, AfterValidator(_relay)] = Field(repr=False)
    """`smtp[s]://user:password@host:port?starttls=required|never`."""
    smtp_timeout: float = Field(default=30, gt=0)
    """Seconds for each step of a mail."""
    smtp_connections: int = Field(default=8, ge=1, le=50)
    """At once. A kill repeats at most one mail of each."""
    smtp_per_second: float | None = Field(default=None, gt=0)
    """What the relay allows, for all processes of this service together; unset: as fast as it takes them."""
    smtp_per_domain: Annotated[dict[str, float], AfterValidator(_rates)] = Field(default_factory=dict)
    """`{"gmail.com": 20}`: mails a second to addresses at these domains, whatever the relay allows."""
    mail_from: Annotated[str, AfterValidator(_address)]
    """In whose name mails go out: `Trama <no-reply@example.org>`; bounces return there."""
    mail_from_domains: Annotated[tuple[str, ...] | None, AfterValidator(_domains)] = None
    """Domains of networks' own addresses that the relay signs for (DKIM); unset: every network's address is used."""
    mail_reply_to: Annotated[str, AfterValidator(_address)] | None = None
    reply_domain: Annotated[str | None, AfterValidator(_domain)] = None
    """Invitations are answered from calendars at `rsvp+<token>@` this domain, whose mail is handed over by LMTP; unset:
    calendars are told of meetings and not asked."""
    lmtp_host: str = "127.0.0.1"
    lmtp_port: int | None = Field(default=None, ge=0, le=65535)
    link_key_file: Annotated[Path, AfterValidator(_private_key)]
    """The private key (JWK) of signed links; every service has its public part in TRAMA_LINK_JWKS_FILE."""
    webhook_keys: Annotated[str | None, AfterValidator(_webhook_keys)] = Field(default=None, repr=False)
    """A JWK set of symmetric keys, 256 bits each: the first seals the secrets of webhooks, the others open what they
    sealed. Usually `TRAMA_WEBHOOK_KEYS_FILE`; unset: there are no webhooks."""
    pec_smtp_url: Annotated[str | None, AfterValidator(_relay_or_none)] = Field(default=None, repr=False)
    """The certified mailbox's provider (PEC): `smtps://user:password@host`. Without all three there is no certified
    mail."""
    pec_from: Annotated[str | None, AfterValidator(_mailbox_or_none)] = None
    pec_imap_url: Annotated[str | None, AfterValidator(_imap_or_none)] = Field(default=None, repr=False)
    """Where receipts come: `imaps://user:password@host[:port][/folder]`."""
    pec_poll: float = Field(default=60, gt=0)
    """Seconds between two looks into the certified mailbox."""
    webhooks_insecure: bool = False
    """Webhooks over http and to private addresses: to try them out, in the local profile only."""

    @model_validator(mode="after")
    def _certified_mail_is_whole(self) -> Self:
        given = (self.pec_smtp_url, self.pec_from, self.pec_imap_url)
        if any(given) and not all(given):
            raise ValueError("TRAMA_PEC_SMTP_URL, TRAMA_PEC_FROM, TRAMA_PEC_IMAP_URL: all three, or none")
        local = self.profile == "local"
        if not local and self.pec_imap_url and not self.pec_imap_url.startswith("imaps:"):
            raise ValueError("TRAMA_PEC_IMAP_URL: imaps, other than in the local profile")
        return self

    @property
    def certified(self) -> tuple[Relay, str, Mailbox] | None:
        """Our provider's relay, our address there, our mailbox."""
        if not (self.pec_smtp_url and self.pec_from and self.pec_imap_url):
            return None
        relay = Relay.parse(self.pec_smtp_url, self.smtp_timeout)
        return relay, self.pec_from, Mailbox.parse(self.pec_imap_url)

    @model_validator(mode="after")
    def _webhooks_are_guarded(self) -> Self:
        if self.profile == "production" and self.webhooks_insecure:
            raise ValueError("TRAMA_WEBHOOKS_INSECURE: only in the local profile")
        return self

    @property
    def webhook_safe(self) -> Safe | None:
        return safe(self.webhook_keys) if self.webhook_keys else None

    @property
    def relay(self) -> Relay:
        return Relay.parse(self.smtp_url, self.smtp_timeout)

    @property
    def sender(self) -> Sender:
        name, address = parseaddr(self.mail_from)
        back = parseaddr(self.mail_reply_to) if self.mail_reply_to else None
        return Sender(name or "Trama", mailbox(address), back and (back[0], mailbox(back[1])))

    @property
    def domains_signed_for(self) -> frozenset[str] | None:
        """From whose addresses mails may come; None: from any."""
        if self.mail_from_domains is None:
            return None
        return frozenset({*self.mail_from_domains, domain_of(self.sender.address).lower()})

    @property
    def pace(self) -> Pace:
        return Pace(lanes=self.smtp_connections, per_second=self.smtp_per_second, per_domain=self.smtp_per_domain)

    @property
    def bounce_key(self) -> bytes:
        """By which an envelope's sender is ours: of the links' key, so that it is kept and changed with it."""
        secret = self.link_key.as_dict(private=True)["d"]
        return hmac.digest(str(secret).encode(), b"trama bounces", sha256)

    @property
    def return_path(self) -> Callable[[UUID, str], str] | None:
        """Makes the envelope's sender of a delivery's mail to an address, where bounces can be taken."""
        return partial(bounces.return_path, self.bounce_key, self.reply_domain) if self.reply_domain else None

    @property
    def link_key(self) -> ECKey:
        return ECKey.import_key(json.loads(self.link_key_file.read_text()))
