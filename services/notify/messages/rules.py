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
    keep a duty or come in; the others will follow preferences. `parameters`: what an intent of this topic carries."""

    code: str
    owed: bool
    it: str
    en: str
    parameters: tuple[str, ...] = ()

    @property
    def label(self) -> tuple[str, str]:
        return self.it, self.en


SIGN_IN = Topic("sign-in", True, "collegamento per accedere", "sign-in link", ("request_id", "expires_at"))
IMPORT_REPORT = Topic("import-report", False, "esito di un'importazione", "outcome of an import", ("import_id",))
MANDATE_GIVEN = Topic("mandate-given", True, "conferimento di un mandato", "mandate given", ("role", "since"))
MANDATE_ENDED = Topic("mandate-ended", True, "fine di un mandato", "end of a mandate", ("role", "since"))

COMMITMENT_MADE = Topic("commitment-made", True, "nuovo impegno", "new commitment", ("commitment_id",))
COMMITMENT_REMINDER = Topic(
    "commitment-reminder", True, "promemoria di un impegno", "reminder of a commitment", ("commitment_id", "due")
)
"""`due`: the day that it reminds of; once the commitment has another one, it is not sent any more."""
COMMITMENT_LATE = Topic("commitment-late", True, "impegno in ritardo", "late commitment", ("commitment_id",))
COMMITMENT_ESCALATED = Topic(
    "commitment-escalated", True, "che cosa non è arrivato in tempo", "what has not come in time", ("due",)
)
"""Everything that a network is still owed of the day `due`, in one list; with `commitment_id`, only that one."""

COMMITMENT_CLIMBED = Topic(
    "commitment-climbed",
    True,
    "impegno in ritardo che sale all'organo superiore",
    "late commitment that climbs to the next body",
    ("commitment_id", "body_id", "due"),
)
"""To the people of `body_id`, so many days after `due`; once the commitment has another day, it is not sent any
more."""

AGREEMENT_OPENED = Topic(
    "agreement-opened", False, "apertura di un avviso", "call opened", ("agreement_id", "organisation_id")
)
AGREEMENT_REMINDER = Topic(
    "agreement-reminder",
    False,
    "promemoria di un avviso",
    "reminder of a call",
    ("agreement_id", "organisation_id", "due"),
)
"""`due`: the deadline that it reminds of; once the call has another one, it is not sent any more."""

MEETING_CONVENED = Topic(
    "meeting-convened", True, "convocazione", "convocation of a meeting", ("invitation_id", "meeting_id")
)
MEETING_MOVED = Topic(
    "meeting-moved",
    True,
    "spostamento di una riunione",
    "meeting moved",
    ("invitation_id", "meeting_id", "starts_at", "ends_at", "mode", "place"),
)
"""With what it was moved to: once it was moved again, only the later message is sent."""
MEETING_CANCELLED = Topic(
    "meeting-cancelled", True, "annullamento di una riunione", "meeting cancelled", ("invitation_id", "meeting_id")
)
MEETING_REMINDER = Topic(
    "meeting-reminder",
    False,
    "promemoria di una riunione",
    "reminder of a meeting",
    ("invitation_id", "meeting_id", "starts_at"),
)
"""`starts_at`: the instant that it reminds of; once the meeting has another one, it is not sent any more."""
INVITATION_WITHDRAWN = Topic(
    "invitation-withdrawn", True, "ritiro di un invito", "invitation withdrawn", ("invitation_id", "meeting_id")
)
DELEGATION_LAPSED = Topic(
    "delegation-lapsed", True, "delega decaduta", "delegation lapsed", ("invitation_id", "meeting_id")
)
"""Whoever was to stand for the person will not come: they have not answered any more."""
MEETING_CHANGED = Topic(
    "meeting-changed",
    True,
    "modifica di una riunione",
    "meeting changed",
    ("invitation_id", "meeting_id", "sequence"),
)
"""Its title or agenda; `sequence`: once it has changed or moved again, only the later message is sent."""
INVITATION_WAITING = Topic(
    "invitation-waiting",
    True,
    "lista d'attesa di una riunione",
    "waiting list of a meeting",
    ("invitation_id", "meeting_id"),
)
INVITATION_ADMITTED = Topic(
    "invitation-admitted", True, "posto assegnato a una riunione", "place at a meeting", ("invitation_id", "meeting_id")
)
REPLY_REFUSED = Topic(
    "reply-refused",
    True,
    "risposta dal calendario non registrata",
    "reply from a calendar not taken",
    ("meeting_id", "invitation_id", "reason"),
)
POLL_ASKED = Topic("poll-asked", True, "sondaggio per una data", "poll for a date", ("request_id", "poll_id"))
POLL_REMINDER = Topic(
    "poll-reminder",
    False,
    "promemoria di un sondaggio",
    "reminder of a poll",
    ("request_id", "poll_id", "closes_at"),
)
"""`closes_at`: the instant that it reminds of; once the poll has another one, it is not sent any more."""
POLL_CLOSED = Topic(
    "poll-closed", False, "esito di un sondaggio", "outcome of a poll", ("poll_id", "outcome", "chosen")
)
BALLOT_CALLED = Topic("ballot-called", True, "chiamata al voto", "call to vote", ("voter_id", "ballot_id"))
BALLOT_REMINDER = Topic(
    "ballot-reminder",
    True,
    "promemoria di una votazione",
    "reminder of a ballot",
    ("voter_id", "ballot_id", "closes_at"),
)
BALLOT_CLOSED = Topic("ballot-closed", False, "esito di una votazione", "outcome of a ballot", ("ballot_id",))
BALLOT_OPENED = Topic(
    "ballot-opened", True, "apertura di una votazione", "ballot opened", ("ballot_id", "invitation_id", "meeting_id")
)
MINUTES_SUBMITTED = Topic(
    "minutes-submitted", True, "verbale da approvare", "minutes to be approved", ("minutes_id", "meeting_id")
)
MINUTES_APPROVED = Topic(
    "minutes-approved", False, "verbale approvato", "minutes approved", ("minutes_id", "meeting_id")
)

MINUTES_TO_APPROVE = Topic(
    "minutes-to-approve",
    True,
    "richiesta di approvare un verbale",
    "request to approve minutes",
    ("approval_id", "minutes_id", "meeting_id"),
)
MINUTES_RETURNED = Topic(
    "minutes-returned", True, "verbale da correggere", "minutes to be put right", ("minutes_id", "meeting_id")
)
SYNTHESIS_ISSUED = Topic(
    "synthesis-issued", False, "sintesi dei contributi", "synthesis of contributions", ("synthesis_id", "number")
)
"""Once a later version was issued, only that one is sent."""
SERIES_EXTENDED = Topic("series-extended", False, "proroga di un programma", "extension of a programme", ("series_id",))
REPORT_RELEASED = Topic(
    "report-released", False, "relazione finale pubblicata", "final report released", ("report_id",)
)

FIGURES_OF_A_GOAL = ("goal_id", "title", "reached", "minimum", "full", "last_day", "state", "next_best", "territory")
GOAL_ADVANCED = Topic("goal-advanced", False, "avanzamento di un obiettivo", "progress of a goal", FIGURES_OF_A_GOAL)
GOAL_DECIDED = Topic("goal-decided", False, "esito di un obiettivo", "outcome of a goal", FIGURES_OF_A_GOAL)

PRIVACY_NOTICE = Topic("privacy-notice", True, "informativa sui dati", "privacy notice", ("notice_id",))
"""Art. 14 GDPR: to whom others have entered, once in each network."""

ENROLLED = Topic("enrolled", False, "iscrizione a un percorso", "enrolment in a path", ("enrolment_id",))

ENROLMENT_REMINDER = Topic(
    "enrolment-reminder", False, "promemoria di un percorso", "reminder of a path", ("enrolment_id", "due")
)
"""`due`: the day that it reminds of; once the enrolment has another one, it is not sent any more."""
ENROLMENT_RENEWED = Topic(
    "enrolment-renewed", False, "percorso da rifare", "path to be taken again", ("enrolment_id", "attempt")
)
ASSESSMENT_ASKED = Topic(
    "assessment-asked", False, "questionario da compilare", "assessment to be answered", ("assessment_request_id",)
)
ASSESSMENT_REMINDER = Topic(
    "assessment-reminder",
    False,
    "promemoria di un questionario",
    "reminder of an assessment",
    ("assessment_request_id", "due"),
)
"""`due`: the last day that it reminds of; once the assessment closes on another one, it is not sent any more."""
CREDENTIAL_ISSUED = Topic("credential-issued", False, "attestato rilasciato", "credential issued", ("credential_id",))
CREDENTIAL_REVOKED = Topic("credential-revoked", True, "attestato revocato", "credential revoked", ("credential_id",))
DOCUMENT_REVISED = Topic(
    "document-revised", False, "nuova edizione di un documento", "new edition of a document", ("document_id", "edition")
)
"""Once there is a later edition, only that one is told."""
NEWS_PUBLISHED = Topic("news-published", False, "notizia", "news", ("news_id",))
PRACTICE_SUBMITTED = Topic(
    "practice-submitted", True, "buona pratica da valutare", "practice to be reviewed", ("practice_id",)
)
PRACTICE_RETURNED = Topic(
    "practice-returned", False, "buona pratica da rivedere", "practice to be put right", ("practice_id",)
)
PRACTICE_PUBLISHED = Topic(
    "practice-published", False, "buona pratica pubblicata", "practice published", ("practice_id",)
)
PRACTICE_ADOPTED = Topic(
    "practice-adopted", False, "buona pratica adottata", "practice adopted", ("practice_id", "adoption_id")
)

DIGEST = Topic("digest", False, "riepilogo", "digest", ("digest_id",))
"""What its person chose to be told together; made when its hour comes, of deliveries that wait for it."""

FRESHNESS_ASKED = Topic(
    "freshness-asked", False, "è ancora così sulla mappa?", "is the map still right?", ("question_ids",)
)
"""All that was asked of one person at once."""
QUESTIONS_IN_A_MAIL = 25
ITEM_RETURNED = Topic(
    "item-returned", False, "da correggere sulla mappa", "to be put right on the map", ("item", "item_id", "title")
)
RULE = Topic(
    "rule", False, "avviso per una regola della rete", "told by a rule of the network", ("rule_version_id", "said")
)
"""In the network's own words; `said`: what the fact says in their places."""
NEED_ASSIGNED = Topic("need-assigned", True, "un bisogno da seguire", "a need to be answered", ("need_id",))

PACT_STEP = Topic(
    "pact-step",
    True,
    "promemoria di un passo di un patto",
    "reminder of a step of a pact",
    ("step_id", "pact_id", "due"),
)
"""`due`: the day that it reminds of; once the step has another one, it is not sent any more."""
PACT_HANDED_OVER = Topic(
    "pact-handed-over", True, "passaggio di consegne di un patto", "pact handed over", ("promoter_id",)
)
"""All pacts of a body or an organisation that the person follows, as it stands when the mail is written."""
PACT_UNATTENDED = Topic(
    "pact-unattended", True, "patto che nessuno segue", "pact that nobody follows", ("promoter_id",)
)
GROUP_UNCOVERED = Topic(
    "group-uncovered", True, "gruppo senza community maker", "group without a community maker", ("group_id",)
)

ENDPOINT_DISABLED = Topic(
    "endpoint-disabled",
    True,
    "webhook disattivato",
    "webhook disabled",
    ("endpoint_id", "title", "reason", "failing_since"),
)

TOPICS = {
    topic.code: topic
    for topic in (
        SIGN_IN,
        IMPORT_REPORT,
        MANDATE_GIVEN,
        MANDATE_ENDED,
        COMMITMENT_MADE,
        COMMITMENT_REMINDER,
        COMMITMENT_LATE,
        COMMITMENT_ESCALATED,
        COMMITMENT_CLIMBED,
        AGREEMENT_OPENED,
        AGREEMENT_REMINDER,
        MEETING_CONVENED,
        MEETING_MOVED,
        MEETING_CANCELLED,
        MEETING_REMINDER,
        MEETING_CHANGED,
        INVITATION_WITHDRAWN,
        INVITATION_WAITING,
        INVITATION_ADMITTED,
        DELEGATION_LAPSED,
        REPLY_REFUSED,
        POLL_ASKED,
        POLL_REMINDER,
        POLL_CLOSED,
        BALLOT_OPENED,
        BALLOT_CALLED,
        BALLOT_REMINDER,
        BALLOT_CLOSED,
        MINUTES_SUBMITTED,
        MINUTES_TO_APPROVE,
        MINUTES_RETURNED,
        MINUTES_APPROVED,
        SYNTHESIS_ISSUED,
        SERIES_EXTENDED,
        REPORT_RELEASED,
        GOAL_ADVANCED,
        GOAL_DECIDED,
        PRIVACY_NOTICE,
        DIGEST,
        ENROLLED,
        ENROLMENT_REMINDER,
        ENROLMENT_RENEWED,
        ASSESSMENT_ASKED,
        ASSESSMENT_REMINDER,
        CREDENTIAL_ISSUED,
        CREDENTIAL_REVOKED,
        DOCUMENT_REVISED,
        NEWS_PUBLISHED,
        PRACTICE_SUBMITTED,
        PRACTICE_RETURNED,
        PRACTICE_PUBLISHED,
        PRACTICE_ADOPTED,
        PACT_STEP,
        PACT_HANDED_OVER,
        PACT_UNATTENDED,
        GROUP_UNCOVERED,
        FRESHNESS_ASKED,
        ITEM_RETURNED,
        NEED_ASSIGNED,
        RULE,
        ENDPOINT_DISABLED,
    )
}


ROLES: dict[str, tuple[str, str]] = {
    "secretariat": ("segreteria", "secretariat"),
    "coordinator": ("coordinatore", "coordinator"),
    "referent": ("referente", "referent"),
    "representative": ("rappresentante", "representative"),
    "delegate": ("delegato", "delegate"),
    "member": ("componente", "member"),
    "community_maker": ("community maker", "community maker"),
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
    "community_maker": (
        "segui i patti e il gruppo di lavoro che ti è affidato",
        "you follow the pacts and the working group entrusted to you",
    ),
}

ITEMS: dict[str, tuple[str, str]] = {
    "place": ("luogo", "place"),
    "resource": ("risorsa", "resource"),
    "experience": ("esperienza", "experience"),
}
"""What is on the map, as a message names it."""

AGREEMENTS: dict[str, tuple[str, str]] = {
    "co_programming": ("procedura di co-programmazione", "procedure of co-programming"),
    "co_design": ("procedura di co-progettazione", "procedure of co-design"),
    "funding_call": ("avviso di finanziamento", "funding call"),
}
"""As a message names what was opened; a kind that is new to this service is named by its code."""

MODES: dict[str, tuple[str, str]] = {
    "remote": ("a distanza", "remote"),
    "in_person": ("in presenza", "in person"),
    "hybrid": ("in presenza e a distanza", "in person and remote"),
}


REFUSALS: dict[str, tuple[str, str]] = {
    "stale": (
        "la tua risposta riguardava una versione superata della riunione, che nel frattempo è cambiata",
        "your answer was to an earlier version of the meeting, which has changed since",
    ),
    "begun": ("la riunione era già cominciata", "the meeting had begun already"),
    "cancelled": ("la riunione è annullata", "the meeting is cancelled"),
    "withdrawn": ("l'invito non vale più", "the invitation is no longer good"),
    "not_invited": ("non risulti tra gli invitati", "you are not among those invited"),
}
"""Why an answer from a calendar was not taken; for any other reason that it was not possible."""
NOT_POSSIBLE = ("non era possibile registrarla", "it could not be recorded")


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


AT_LEAST = timedelta(days=1)
COMMITMENT_LINK_LASTS = timedelta(days=60)
"""After the day on which it is due: what is late can be kept, too."""
BALLOT_LINK_LASTS = timedelta(days=60)
"""Of a ballot that is closed by hand."""
APPROVAL_LINK_LASTS = timedelta(days=60)
"""After it was asked: when approval ends by itself is the body's rule, which events keeps."""
SYNTHESIS_LINK_LASTS = timedelta(days=365)
GOAL_LINK_LASTS = timedelta(days=30)
LEARNING_LINK_LASTS = timedelta(days=180)
CREDENTIAL_LINK_LASTS = timedelta(days=365)
PRACTICE_LINK_LASTS = timedelta(days=90)
NOTICE_LINK_LASTS = timedelta(days=365)


def link_until(until: datetime, now: datetime, wall: datetime) -> datetime:
    """When a link expires, in wall time: as much later as `until` is by the domain clock, and at least a day, so that
    nobody gets a link that is dead on arrival. The two clocks differ in the local profile only."""
    return wall + max(until - now, AT_LEAST)


def lateness_told(network_id: UUID, due: date, told_on: date) -> tuple[UUID, str]:
    """Subject and instant of what a secretariat is told of a day's late commitments: they fall late together at the
    next midnight and make one message. What was entered after its own day was over makes another."""
    return network_id, f"{due}/{told_on}"
