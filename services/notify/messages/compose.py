"""From an intent to the words that one person reads; signed links are made here, at sending time, kept nowhere."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import jinja2
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.contacts.rules import AddressUnusable, domain_of, mailbox
from services.notify.deliveries.mail import Mail, Sender
from services.notify.deliveries.outcomes import Claimed
from services.notify.deliveries.rules import Problem, State
from services.notify.deliveries.sending import Unsendable
from services.notify.messages import calendar, queries, rules
from services.notify.messages.asked import Asked, MintLink, TooLate
from services.notify.messages.particulars import PARTICULARS
from services.notify.messages.queries import Known
from services.notify.messages.words import environment
from services.notify.replies.commands import tokens
from services.notify.settings import Settings
from shared.access import links

PARTS = ("subject.txt", "body.txt", "body.html")


@dataclass(frozen=True, slots=True)
class Words:
    """A message in a person's language; each text ends with its links, the HTML part is a whole document. `link` is
    the one that it is about."""

    language: str
    subject: str
    text: str
    html: str
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the mail of a delivery. `public_url` is where people reach the platform, `sender` is the platform's own.
    `from_domains`: for which domains the relay signs, besides the platform's; None: every network's address is used.
    `reply_domain`: where calendars answer invitations; None: they are not asked."""

    public_url: str
    sender: Sender
    mint: MintLink
    templates: jinja2.Environment
    from_domains: Collection[str] | None = None
    reply_domain: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> Writer:
        """Its links are signed here and nowhere else, each for the service that acts on it."""
        mint = partial(links.mint, settings.link_key)
        home = settings.public_url.rstrip("/")
        return cls(home, settings.sender, mint, environment(), settings.domains_signed_for, settings.reply_domain)

    async def known(self, session: AsyncSession, claimed: Sequence[Claimed]) -> Known:
        """What these mails speak of; each invitation among them has its address from now on."""
        known = await queries.known(session, claimed)
        invitations = calendar.invitations_of(claimed) if self.reply_domain else ()
        return replace(known, replies=await tokens(session, invitations)) if invitations else known

    def write(self, delivery: Claimed, known: Known, wall: datetime, now: datetime) -> Mail | Unsendable:
        """`wall` is wall time, by which links expire; `now` is the domain clock's, by which things are over."""
        contact = known.contacts.get(delivery.person_id) if delivery.person_id else None
        if contact is not None and contact.erased_at is None and not contact.email:
            return Unsendable(State.FAILED, Problem.NO_ADDRESS)
        words = self.words(delivery, known, wall, now)
        if isinstance(words, Unsendable) or contact is None:
            return words if isinstance(words, Unsendable) else Unsendable(State.SUPPRESSED, Problem.PERSON_ERASED)
        try:
            to = mailbox(contact.email)
        except AddressUnusable:
            return Unsendable(State.FAILED, Problem.ADDRESS_UNUSABLE)
        network = known.networks.get(delivery.network_id) if delivery.network_id else None
        return Mail(
            to=to,
            to_name=f"{contact.given_name} {contact.family_name}",
            language=words.language,
            subject=words.subject,
            text=words.text,
            html=words.html,
            network=(network.slug, network.name) if network else None,
            author=self.author(network) if network else None,
            invitation=calendar.invitation(delivery, known, words, to, self.public_url, self.reply_domain, wall),
        )

    def words(self, delivery: Claimed, known: Known, wall: datetime, now: datetime) -> Words | Unsendable:
        """What the person reads, however it reaches them."""
        contact = known.contacts.get(delivery.person_id) if delivery.person_id else None
        if contact is None or contact.erased_at is not None:
            return Unsendable(State.SUPPRESSED, Problem.PERSON_ERASED)
        network = known.networks.get(delivery.network_id) if delivery.network_id else None
        language = rules.language_of(contact.language)
        asked = Asked(
            delivery.parameters,
            delivery.network_id,
            known,
            language,
            wall,
            now,
            self.public_url,
            self.mint,
            delivery.person_id,
        )
        try:
            given: dict[str, Any] = {
                "language": language,
                "given_name": contact.given_name,
                "network": network.name if network else None,
                "logo": f"{self.public_url}{network.logo}" if network and network.logo else None,
                "sender": self.sender.name,
                **PARTICULARS[delivery.topic](asked),
            }
            folder = f"{delivery.topic}/{language}"
            subject, text, html = (self.templates.get_template(f"{folder}/{part}").render(given) for part in PARTS)
            return Words(language, subject, text, html, given.get("link"))
        except TooLate:
            return Unsendable(State.SUPPRESSED, Problem.TOO_LATE)
        except (jinja2.TemplateError, LookupError, TypeError, ValueError) as error:
            return Unsendable(State.FAILED, Problem.NOT_WRITABLE, f"{type(error).__name__}: {error}")

    def author(self, network: Row[Any]) -> Sender | None:
        """In whose name the network's mails go out, once it has decided that; none before. An address for whose domain
        the relay cannot sign would be refused as forged: it is where answers go, and the platform's is written from."""
        if not network.sender_name and not network.sender_address:
            return None
        name = network.sender_name or network.name
        try:
            own = mailbox(network.sender_address or "")
        except AddressUnusable:
            return Sender(name, self.sender.address, self.sender.reply_to)
        if not own.isascii():  # it would need SMTPUTF8 towards everybody
            return Sender(name, self.sender.address, self.sender.reply_to)
        if self.from_domains is None or domain_of(own).lower() in self.from_domains:
            return Sender(name, own)
        return Sender(name, self.sender.address, (name, own))
