"""From an intent to the words that one person reads; signed links are made here, at sending time, kept nowhere."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any
from uuid import UUID

import jinja2
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.bounces.rules import mailed
from services.notify.contacts.rules import AddressUnusable, domain_of, mailbox
from services.notify.deliveries.mail import Mail, Sender
from services.notify.deliveries.outcomes import Claimed
from services.notify.deliveries.rules import Problem, State
from services.notify.deliveries.sending import Unsendable
from services.notify.digests import queries as digests
from services.notify.digests.commands import drop
from services.notify.digests.rules import Entry
from services.notify.messages import calendar, queries, rules
from services.notify.messages.asked import Asked, MintLink, TooLate
from services.notify.messages.particulars import PARTICULARS
from services.notify.messages.queries import Known
from services.notify.messages.words import environment
from services.notify.preferences.links import preferences_url, unsubscribe_url
from services.notify.preferences.rules import NONE, Channel, Choice
from services.notify.replies.commands import tokens
from services.notify.settings import Settings
from shared.access import links
from shared.runtime.clock import wall as wall_clock

PARTS = ("subject.txt", "body.txt", "body.html")


@dataclass(frozen=True, slots=True)
class Words:
    """A message in a person's language; each text ends with its links, the HTML part is a whole document. `link` is
    the one that it is about, `unsubscribe` the way out of messages of its kind, if there is one."""

    language: str
    subject: str
    text: str
    html: str
    link: str | None = None
    unsubscribe: str | None = None


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

    async def known(self, session: AsyncSession, claimed: Sequence[Claimed], now: datetime) -> Known:
        """What these mails speak of; each invitation among them has its address from now on. What is over by now goes
        in no digest, and is settled."""
        bound = await digests.entries(session, claimed)
        known = await queries.known(session, [*claimed, *chain.from_iterable(bound.values())])
        if bound:
            known = replace(known, digests=await self._digests(session, bound, known, now))
        invitations = calendar.invitations_of(claimed) if self.reply_domain else ()
        return replace(known, replies=await tokens(session, invitations)) if invitations else known

    async def _digests(
        self, session: AsyncSession, bound: Mapping[UUID, Sequence[Claimed]], known: Known, now: datetime
    ) -> dict[UUID, list[Entry]]:
        at, lines = wall_clock(), dict[UUID, list[Entry]]()
        over: list[tuple[UUID, Unsendable]] = []
        for digest, entries in bound.items():
            said = [(entry.id, self._entry(entry, known, at, now)) for entry in entries]
            lines[digest] = [line for _, line in said if isinstance(line, Entry)]
            over += [(id_, line) for id_, line in said if isinstance(line, Unsendable)]
        await drop(session, over, now)
        return lines

    async def preview(self, session: AsyncSession, delivery: Claimed, now: datetime) -> Words | Unsendable:
        """What would be written, with nothing settled and no address given to an invitation."""
        bound = await digests.entries(session, [delivery])
        known = await queries.known(session, [delivery, *chain.from_iterable(bound.values())])
        at, lines = wall_clock(), dict[UUID, list[Entry]]()
        for digest, entries in bound.items():
            said = [self._entry(entry, known, at, now) for entry in entries]
            lines[digest] = [line for line in said if isinstance(line, Entry)]
        return self.words(delivery, replace(known, digests=lines), at, now)

    def _entry(self, delivery: Claimed, known: Known, wall: datetime, now: datetime) -> Entry | Unsendable:
        """A message as a line of a digest: its subject and its link."""
        given = self._given(delivery, known, wall, now)
        if isinstance(given, Unsendable):
            return given
        subject = self.templates.get_template(f"{delivery.topic}/{given['language']}/subject.txt").render(given)
        body, link, told = given.get("body"), given.get("link"), delivery.first_try
        return Entry(delivery.id, told, subject.strip(), delivery.network_id, given["network"], body, link)

    def write(self, delivery: Claimed, known: Known, wall: datetime, now: datetime) -> Mail | Unsendable:
        """`wall` is wall time, by which links expire; `now` is the domain clock's, by which things are over."""
        contact = known.contacts.get(delivery.person_id) if delivery.person_id else None
        if contact is not None and contact.erased_at is None and not contact.email:
            return Unsendable(State.FAILED, Problem.NO_ADDRESS)
        if _unwanted(delivery, known):
            return Unsendable(State.SUPPRESSED, Problem.NOT_WANTED)
        if (held := _held_back(delivery, known)) is not None:
            return held
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
            unsubscribe=words.unsubscribe,
        )

    def domain(self, delivery: Claimed, known: Known) -> str | None:
        contact = known.contacts.get(delivery.person_id) if delivery.person_id else None
        try:
            return domain_of(mailbox(contact.email)).lower() if contact is not None and contact.email else None
        except AddressUnusable:
            return None

    def words(self, delivery: Claimed, known: Known, wall: datetime, now: datetime) -> Words | Unsendable:
        """What the person reads, however it reaches them."""
        given = self._given(delivery, known, wall, now)
        if isinstance(given, Unsendable):
            return given
        folder = f"{delivery.topic}/{given['language']}"
        try:
            subject, text, html = (self.templates.get_template(f"{folder}/{part}").render(given) for part in PARTS)
        except (jinja2.TemplateError, LookupError, TypeError, ValueError) as error:
            return _not_writable(error)
        return Words(given["language"], subject, text, html, given.get("link"), given["footer"]["unsubscribe"])

    def _given(self, delivery: Claimed, known: Known, wall: datetime, now: datetime) -> dict[str, Any] | Unsendable:
        """What the templates of a message are given."""
        person_id = delivery.person_id
        contact = known.contacts.get(person_id) if person_id else None
        if contact is None or person_id is None or contact.erased_at is not None:
            return Unsendable(State.SUPPRESSED, Problem.PERSON_ERASED)
        network = known.networks.get(delivery.network_id) if delivery.network_id else None
        language = rules.language_of(known.wishes.get(person_id, NONE).language or contact.language)
        asked = Asked(
            delivery.parameters,
            delivery.network_id,
            known,
            language,
            wall,
            now,
            self.public_url,
            self.mint,
            person_id,
        )
        try:
            return {
                "language": language,
                "given_name": contact.given_name,
                "network": network.name if network else None,
                "logo": f"{self.public_url}{network.logo}" if network and network.logo else None,
                "sender": self.sender.name,
                "footer": self._footer(delivery, person_id, language, wall),
                **PARTICULARS[delivery.topic](asked),
            }
        except TooLate:
            return Unsendable(State.SUPPRESSED, Problem.TOO_LATE)
        except (LookupError, TypeError, ValueError) as error:
            return _not_writable(error)

    def _footer(self, delivery: Claimed, person_id: UUID, language: str, wall: datetime) -> dict[str, Any]:
        """Why one gets this, and the ways to what one gets: of what is owed, to the rest only."""
        topic = rules.TOPICS[delivery.topic]
        way = (self.mint, self.public_url, person_id)
        return {
            "topic": rules.in_language(topic.label, language),
            "owed": topic.owed,
            "preferences": preferences_url(*way, wall),
            "unsubscribe": None if topic.owed else unsubscribe_url(*way, topic.code, delivery.network_id, wall),
        }

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


def _held_back(delivery: Claimed, known: Known) -> Unsendable | None:
    """What is owed to an address to which no mail goes fails for somebody to see; the rest is in its person's inbox."""
    reason = known.suppressed.get(delivery.person_id) if delivery.person_id else None
    owed = rules.TOPICS[delivery.topic].owed
    if mailed(reason, owed=owed, sign_in=delivery.topic == rules.SIGN_IN.code):
        return None
    return Unsendable(State.FAILED if owed else State.SUPPRESSED, Problem.ADDRESS_SUPPRESSED)


def _unwanted(delivery: Claimed, known: Known) -> bool:
    """Its person has chosen not to get it since it was intended."""
    topic, wishes = rules.TOPICS[delivery.topic], known.wishes.get(delivery.person_id) if delivery.person_id else None
    if wishes is None or topic is rules.DIGEST:
        return False
    return wishes.choice(topic, delivery.network_id, Channel.EMAIL) is Choice.NEVER


def _not_writable(error: Exception) -> Unsendable:
    return Unsendable(State.FAILED, Problem.NOT_WRITABLE, f"{type(error).__name__}: {error}")
