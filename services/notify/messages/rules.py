"""What is told, to whom and in which words: the catalogue of topics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

LANGUAGES = ("it", "en")
"""Italian first: it is also what a person with any other language gets."""
PROBLEMS_SHOWN = 10
REPORT_LINK_LASTS = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Topic:
    """A kind of message. What is `owed` is told whatever the person prefers: without it a person could not use a right,
    keep a duty or come in; the others will follow preferences."""

    code: str
    owed: bool
    it: str
    en: str

    @property
    def label(self) -> tuple[str, str]:
        return self.it, self.en


SIGN_IN = Topic("sign-in", owed=True, it="collegamento per accedere", en="sign-in link")
IMPORT_REPORT = Topic("import-report", owed=False, it="esito di un'importazione", en="outcome of an import")
MANDATE_GIVEN = Topic("mandate-given", owed=True, it="conferimento di un mandato", en="mandate given")
MANDATE_ENDED = Topic("mandate-ended", owed=True, it="fine di un mandato", en="end of a mandate")

TOPICS = {topic.code: topic for topic in (SIGN_IN, IMPORT_REPORT, MANDATE_GIVEN, MANDATE_ENDED)}


ROLES: dict[str, tuple[str, str]] = {
    "secretariat": ("segreteria", "secretariat"),
    "coordinator": ("coordinatore", "coordinator"),
    "referent": ("referente", "referent"),
    "representative": ("rappresentante", "representative"),
    "delegate": ("delegato", "delegate"),
    "member": ("componente", "member"),
}
"""As a message names the role; a role that is new to this service is named by its code."""

MEANING: dict[str, tuple[str, str]] = {
    "secretariat": (
        "puoi iscrivere enti e persone, conferire mandati e importare elenchi per tutta la rete",
        "you can enter organisations and people, give mandates and import lists for the whole network",
    ),
    "coordinator": (
        "segui gli enti e le attività del tuo territorio nella rete",
        "you follow the organisations and activities of your territory in the network",
    ),
    "referent": (
        "parli per il tuo ente nella rete e ricevi le sue convocazioni",
        "you speak for your organisation in the network and receive its convocations",
    ),
    "representative": (
        "rappresenti il tuo ente negli incontri e nelle decisioni della rete",
        "you represent your organisation in the network's meetings and decisions",
    ),
    "delegate": (
        "partecipi e voti per delega del tuo ente",
        "you take part and vote by delegation of your organisation",
    ),
    "member": ("partecipi alle attività della rete", "you take part in the network's activities"),
}


def language_of(preferred: str | None) -> str:
    return preferred if preferred in LANGUAGES else LANGUAGES[0]


def in_language(words: tuple[str, str], language: str) -> str:
    return words[LANGUAGES.index(language)]


def too_late(expires_at: datetime, now: datetime) -> bool:
    """A link that has expired, or would before anybody can open it, is not worth a mail."""
    return expires_at - now < timedelta(seconds=30)


def never_began(since: date, until: date | None) -> bool:
    """A mandate ended on or before its first day has bound nobody."""
    return until is not None and until <= since


def audience_of_import(secretariat: Iterable[UUID], requested_by: UUID | None) -> list[UUID]:
    """Everybody in the secretariat and who asked for it, each once, in an order that does not change."""
    return sorted({*secretariat, *([requested_by] if requested_by else [])})
