"""The words in which services answer, and what people read for them."""

from enum import StrEnum


class Phase(StrEnum):
    """What every service is asked to do, or has done."""

    DRY_RUN = "dry_run"
    QUARANTINE = "quarantine"
    RELEASE = "release"
    ERASE = "erase"


class Outcome(StrEnum):
    """What became of what a service holds."""

    FOUND = "found"
    QUARANTINED = "quarantined"
    RELEASED = "released"
    ERASED = "erased"
    RETAINED = "retained"


class Ground(StrEnum):
    """Why something stays when a person is erased: without a name, but told apart from others."""

    OFFICE_HELD = "office_held"
    APPROVED_MINUTES = "approved_minutes"
    VOTE_CAST = "vote_cast"
    ACCOUNTABILITY = "accountability"
    LEGAL_OBLIGATION = "legal_obligation"


OUTCOME_OF = {
    Phase.DRY_RUN: Outcome.FOUND,
    Phase.QUARANTINE: Outcome.QUARANTINED,
    Phase.RELEASE: Outcome.RELEASED,
    Phase.ERASE: Outcome.ERASED,
}

PHASES = [
    (Phase.DRY_RUN, "ricognizione", "dry run"),
    (Phase.QUARANTINE, "quarantena", "quarantine"),
    (Phase.RELEASE, "revoca", "calling off"),
    (Phase.ERASE, "cancellazione", "erasure"),
]
OUTCOMES = [
    (Outcome.FOUND, "trovato", "found"),
    (Outcome.QUARANTINED, "in quarantena", "quarantined"),
    (Outcome.RELEASED, "ripristinato", "released"),
    (Outcome.ERASED, "cancellato", "erased"),
    (Outcome.RETAINED, "conservato", "retained"),
]
GROUNDS = [
    (
        Ground.OFFICE_HELD,
        "incarichi esercitati: si deve poter dire chi li ha avuti (art. 17, par. 3, lett. e GDPR)",
        "offices held: it must be possible to say who held them (art. 17(3)(e) GDPR)",
    ),
    (
        Ground.APPROVED_MINUTES,
        "verbali approvati e ciò che ne fa prova (artt. 15 e 24 d.lgs. 117/2017)",
        "approved minutes and what proves them (art. 15 and 24 of d.lgs. 117/2017)",
    ),
    (
        Ground.VOTE_CAST,
        "voti espressi in un organo (art. 24 d.lgs. 117/2017)",
        "votes cast in a body (art. 24 of d.lgs. 117/2017)",
    ),
    (
        Ground.ACCOUNTABILITY,
        "prova di ciò che è stato fatto e da chi, senza nome (art. 5, par. 2 GDPR)",
        "proof of what was done and by whom, without a name (art. 5(2) GDPR)",
    ),
    (
        Ground.LEGAL_OBLIGATION,
        "obblighi di legge, come le scritture di un progetto finanziato (art. 17, par. 3, lett. b GDPR)",
        "obligations of law, as the records of a funded project (art. 17(3)(b) GDPR)",
    ),
]

KINDS = [
    ("person", "nome e recapiti", "name and ways to reach them"),
    ("known_to", "reti che conoscono la persona", "networks that know the person"),
    ("mandates", "incarichi", "mandates"),
    ("grants", "ciò che gli incarichi permettono", "what the mandates allow"),
    ("commitments", "impegni", "commitments"),
    ("lists", "elenchi che hanno indicato la persona", "lists that named the person"),
    ("notices", "informative (art. 14 GDPR)", "notices (art. 14 GDPR)"),
    ("consents", "consensi", "consents"),
    ("sign_ins", "richieste di accesso", "requests to sign in"),
    ("identities", "identità presso altri fornitori", "identities at other providers"),
    ("requests", "richieste sui propri dati", "requests about one's own data"),
    ("answers", "risposte a richieste ripetibili", "answers to requests that may be repeated"),
    ("acts", "atti compiuti per altri", "acts done for others"),
    ("plans", "piani e obiettivi", "plans and objectives"),
    ("agreements", "accordi e procedure", "agreements and procedures"),
    ("pacts", "patti generativi seguiti", "generative pacts looked after"),
    ("projects", "progetti", "projects"),
    ("places", "luoghi e mappa", "places and the map"),
    ("needs", "bisogni raccolti o seguiti", "needs collected or followed"),
    ("invitations", "inviti a riunioni", "invitations to meetings"),
    ("polls", "sondaggi sulle date", "polls for dates"),
    ("absences", "assenze comunicate", "absences declared"),
    ("calendar_feeds", "calendari in abbonamento", "calendar feeds"),
    ("attendances", "presenze a riunioni", "attendance at meetings"),
    ("proxies", "deleghe", "proxies"),
    ("votes", "voti", "votes"),
    ("decisions", "decisioni da attuare", "decisions to carry out"),
    ("minutes", "verbali", "minutes"),
    ("contributions", "contributi scritti", "contributions written"),
    ("syntheses", "sintesi ricevute", "syntheses received"),
    ("enrolments", "percorsi di formazione", "learning paths"),
    ("assessments", "questionari richiesti", "assessments asked for"),
    ("document_readings", "documenti letti o seguiti", "documents read or followed"),
    ("quiz_attempts", "risposte ai quiz", "answers to quizzes"),
    ("credentials", "attestati", "credentials"),
    ("practices", "buone pratiche", "practices"),
    ("deliveries", "messaggi inviati", "messages sent"),
    ("preferences", "che cosa ricevere, e come", "what to be told, and how"),
    ("returned", "posta tornata indietro o segnalata", "mail that came back or was complained of"),
    ("scores", "punteggi espressi", "scores given"),
]
"""What items are called in answers, for people."""
