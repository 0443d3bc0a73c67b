"""The page of a notice: what the network does with somebody's data, by which right, and what they may ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from services.registry.processing.queries import Linked
from services.registry.processing.rules import Basis
from shared.runtime.pages import Pages
from shared.runtime.problems import Problem

PAGES = Pages(__file__)
BASES: dict[Basis, tuple[str, str]] = {
    Basis.CONSENT: ("il tuo consenso", "your consent"),
    Basis.CONTRACT: ("un contratto di cui sei parte", "a contract to which you are party"),
    Basis.LEGAL_OBLIGATION: ("un obbligo di legge", "a legal obligation"),
    Basis.VITAL_INTERESTS: ("la salvaguardia di interessi vitali", "the protection of vital interests"),
    Basis.PUBLIC_TASK: (
        "un compito di interesse pubblico o l'esercizio di pubblici poteri",
        "a task in the public interest or the exercise of official authority",
    ),
    Basis.LEGITIMATE_INTERESTS: ("il legittimo interesse del titolare", "the legitimate interests of the controller"),
}
TEXTS: dict[str, dict[str, Any]] = {
    "it": {
        "title": "I tuoi dati in questa rete",
        "hello": "{name}, qualcuno ti ha registrato in {network}: un ente che rappresenti, o la segreteria. Qui trovi "
        "che cosa la rete fa con i tuoi dati e che cosa puoi chiedere.",
        "hello_nobody": "Qui trovi che cosa {network} fa con i dati delle persone registrate da altri.",
        "who": "Chi ne risponde",
        "controller": "Titolare del trattamento",
        "contact": "Come scrivergli",
        "officer": "Responsabile della protezione dei dati",
        "why": "Perché, e con quale diritto",
        "basis": "Base giuridica",
        "basis_is": "{basis} (art. 6, par. 1, lett. {letter} del Regolamento UE 2016/679)",
        "what": "Quali dati",
        "data": "Nome e cognome; indirizzo di posta o telefono; lingua; gli incarichi che hai e per quale ente; "
        "riunioni, impegni e formazione che ne derivano.",
        "source": "Da chi li abbiamo avuti",
        "source_unsaid": "Da chi ti ha registrato: l'ente che rappresenti o la segreteria della rete.",
        "recipients": "Chi li vede",
        "recipients_unsaid": "Chi opera nella rete, per quanto gli serve; nessun altro.",
        "retention": "Per quanto tempo",
        "retention_is": "{months} mesi dopo il tuo ultimo incarico o rapporto con la rete.",
        "retention_one": "Un mese dopo il tuo ultimo incarico o rapporto con la rete.",
        "rights": "Che cosa puoi chiedere",
        "rights_are": (
            "di vedere i tuoi dati e averne una copia (art. 15)",
            "di correggerli (art. 16)",
            "di cancellarli (art. 17) o di limitarne l'uso (art. 18)",
            "di opporti al loro uso, per motivi che dipendono dalla tua situazione (art. 21)",
        ),
        "right_to_withdraw": "di revocare il consenso in ogni momento, senza effetto su quanto è già avvenuto (art. 7)",
        "right_to_carry": "di ricevere i dati che ci hai dato in un formato leggibile da una macchina (art. 20)",
        "how": "Scrivi a {contact}. Puoi anche presentare un reclamo al Garante per la protezione dei dati personali "
        "(www.garanteprivacy.it). Nessuna decisione su di te è presa in modo automatico.",
        "again": "Se hai domande, scrivi alla segreteria della tua rete.",
    },
    "en": {
        "title": "Your data in this network",
        "hello": "{name}, somebody entered you in {network}: a body that you represent, or the secretariat. Here you "
        "find what the network does with your data, and what you can ask for.",
        "hello_nobody": "Here you find what {network} does with the data of people entered by others.",
        "who": "Who answers for it",
        "controller": "Controller",
        "contact": "How to write to them",
        "officer": "Data protection officer",
        "why": "Why, and by which right",
        "basis": "Legal basis",
        "basis_is": "{basis} (art. 6(1)({letter}) of Regulation (EU) 2016/679)",
        "what": "Which data",
        "data": "Given and family name; mailbox or phone; language; the offices that you hold and for which body; "
        "meetings, commitments and training that follow from them.",
        "source": "Where we have them from",
        "source_unsaid": "From whoever entered you: the body that you represent, or the network's secretariat.",
        "recipients": "Who sees them",
        "recipients_unsaid": "Those who work in the network, as far as they need to; nobody else.",
        "retention": "For how long",
        "retention_is": "{months} months after your last office or tie with the network.",
        "retention_one": "One month after your last office or tie with the network.",
        "rights": "What you can ask for",
        "rights_are": (
            "to see your data and have a copy (art. 15)",
            "to have them corrected (art. 16)",
            "to have them erased (art. 17) or their use restricted (art. 18)",
            "to object to their use, on grounds relating to your situation (art. 21)",
        ),
        "right_to_withdraw": "to withdraw your consent at any time, without effect on what has been done (art. 7)",
        "right_to_carry": "to receive the data that you gave us in a form that machines read (art. 20)",
        "how": "Write to {contact}. You can also lodge a complaint with the Italian data protection authority "
        "(www.garanteprivacy.it). No decision about you is taken automatically.",
        "again": "If you have questions, write to the secretariat of your network.",
    },
}
LETTERS = dict(zip(Basis, "abcdef", strict=True))


def shown(language: str, linked: Linked) -> Response:
    texts, terms, network = TEXTS[language], linked.processing.terms, linked.network.name
    name = linked.named.person
    return PAGES.page(
        language,
        texts["title"],
        "notice.html",
        network=linked.network,
        hello=texts["hello"].format(name=name, network=network)
        if name
        else texts["hello_nobody"].format(network=network),
        sections=sections(language, linked),
        rights=rights(language, terms.basis),
        how=texts["how"].format(contact=terms.contact),
        texts=texts,
    )


def sections(language: str, linked: Linked) -> list[tuple[str, Sequence[tuple[str | None, str]]]]:
    """Headings, and under each lines with or without a term before them."""
    texts, terms = TEXTS[language], linked.processing.terms
    basis = BASES[terms.basis][language == "en"]
    who = [(texts["controller"], terms.controller), (texts["contact"], terms.contact)]
    if terms.officer:
        who.append((texts["officer"], terms.officer))
    months = terms.retention_months
    kept = texts["retention_one"] if months == 1 else texts["retention_is"].format(months=months)
    why: list[tuple[str | None, str]] = [(None, purpose) for purpose in terms.purposes]
    why.append((texts["basis"], texts["basis_is"].format(basis=basis, letter=LETTERS[terms.basis])))
    return [
        (texts["who"], who),
        (texts["why"], why),
        (texts["what"], [(None, texts["data"])]),
        (texts["source"], [(None, terms.source or texts["source_unsaid"])]),
        (texts["recipients"], [(None, one) for one in terms.recipients or (texts["recipients_unsaid"],)]),
        (texts["retention"], [(None, kept)]),
    ]


def rights(language: str, basis: Basis) -> list[str]:
    """What follows from the basis: consent can be withdrawn, and what rests on it or on a contract can be carried."""
    texts = TEXTS[language]
    more = [texts["right_to_withdraw"]] if basis is Basis.CONSENT else []
    more += [texts["right_to_carry"]] if basis in (Basis.CONSENT, Basis.CONTRACT) else []
    return [*texts["rights_are"], *more]


def failed(language: str, problem: Problem) -> Response:
    return PAGES.problem(language, problem, TEXTS[language]["again"])
