"""A report in words, tables and charts: what its page and its PDF show, made of its JSON alone, in its language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from services.events.decisions.rules import LABELS
from services.events.reports.charts import Bar, bars
from services.events.reports.document import (
    Chapter,
    Composition,
    Contributions,
    Crossing,
    Crossings,
    Decisions,
    Document,
    Gap,
    Knowledge,
    Named,
    Outcomes,
    Owed,
    Participation,
    Share,
)
from shared.runtime.clock import ROME
from shared.runtime.italian import with_article

LANGUAGES = ("it", "en")
MOST_BARS = 25
"""More of them fit no page; their table has them."""
Words = Mapping[str, tuple[str, str]]

HEADINGS: Words = {
    "participation": ("Partecipazione", "Participation"),
    "composition": ("Composizione", "Composition"),
    "decisions": ("Decisioni e impegni", "Decisions and commitments"),
    "contributions": ("Contributi raccolti", "Contributions"),
    "crossings": ("Incroci tra bisogni e risorse", "Crossings of needs and resources"),
    "knowledge": ("Divario di conoscenze colmato", "Knowledge gap closed"),
    "forms": ("Forme organizzative e modelli gestionali", "Organisational forms and management models"),
    "partnerships": ("Partenariati", "Partnerships"),
    "interventions": ("Interventi per comunità", "Interventions by community"),
}
EMPTY: Words = {
    "no_meeting_held": ("Nessuna riunione si è tenuta.", "No meeting was held."),
    "nobody_invited": (
        "Nessuna organizzazione è stata invitata a una riunione o chiamata a un voto.",
        "No organisation was invited to a meeting or called to vote.",
    ),
    "no_decision_adopted": (
        "Nessuna decisione è stata adottata in un verbale approvato.",
        "No decision was adopted in approved minutes.",
    ),
    "none_contributed": ("Nessun contributo è stato raccolto.", "No contribution was collected."),
    "no_crossing_closed": ("Nessun incrocio è stato chiuso.", "No crossing was closed."),
    "none_measured": (
        "Nessuna misura prima e dopo: non ce ne sono, o riguardano gruppi di meno di cinque persone.",
        "No measure before and after: there is none, or of groups of fewer than five people.",
    ),
    "no_project": (
        "Il programma non appartiene a un progetto: gli esiti si registrano nei progetti.",
        "The programme belongs to no project: outcomes are recorded in projects.",
    ),
    "none_recorded": ("Nessun esito di questo tipo è stato registrato.", "No outcome of this kind was recorded."),
}
KINDS: Words = {
    "association": ("Associazione", "Association"),
    "foundation": ("Fondazione", "Foundation"),
    "community_foundation": ("Fondazione di comunità", "Community foundation"),
    "csv": ("Centro di servizio per il volontariato", "Volunteer support centre"),
    "cooperative": ("Cooperativa", "Cooperative"),
    "consortium": ("Consorzio", "Consortium"),
    "mutual": ("Società di mutuo soccorso", "Mutual aid society"),
    "asd": ("Associazione o società sportiva", "Sports association"),
    "onlus": ("Onlus", "Onlus"),
    "religious": ("Ente religioso", "Religious body"),
    "committee": ("Comitato", "Committee"),
    "municipality": ("Comune", "Municipality"),
    "province": ("Provincia", "Province"),
    "region": ("Regione", "Region"),
    "union": ("Unione o ambito", "Union of municipalities"),
    "health_authority": ("Azienda sanitaria", "Health authority"),
    "school": ("Scuola", "School"),
    "university": ("Università", "University"),
    "chamber": ("Camera di commercio", "Chamber of commerce"),
    "trade_association": ("Associazione di categoria", "Trade association"),
    "trade_union": ("Sindacato", "Trade union"),
    "firm": ("Impresa", "Firm"),
    "informal_group": ("Gruppo informale", "Informal group"),
    "other": ("Altro o non noto", "Other or not known"),
}
GROUPS: Words = {
    "associations": ("Associazioni", "Associations"),
    "community_foundations": ("Fondazioni di comunità", "Community foundations"),
    "csv": ("Centri di servizio per il volontariato", "Volunteer support centres"),
    "cooperatives_and_public": ("Cooperative ed enti pubblici", "Cooperatives and public bodies"),
    "others": ("Altri", "Others"),
}
CODES: Words = {
    "remote": ("A distanza", "Remote"),
    "in_person": ("In presenza", "In person"),
    "hybrid": ("In presenza e a distanza", "In person and remote"),
    "fulfilled": ("mantenuto", "kept"),
    "late": ("in ritardo", "late"),
    "open": ("aperto", "open"),
    "waived": ("non più dovuto", "waived"),
    "carried": ("Approvate", "Carried"),
    "rejected": ("Respinte", "Rejected"),
    "no_quorum": ("Senza numero legale", "Without a quorum"),
    "chosen": ("Con una scelta", "Chosen"),
    "tied": ("In parità", "Tied"),
    "scored": ("Con punteggi", "Scored"),
    "cancelled": ("Annullate", "Cancelled"),
    "strength": ("Punto di forza", "Strength"),
    "weakness": ("Punto di debolezza", "Weakness"),
    "development": ("Sviluppo", "Development"),
    "untagged": ("Senza etichetta", "Without a tag"),
    "organisational_form": ("Forma organizzativa", "Organisational form"),
    "management_model": ("Modello gestionale", "Management model"),
    "partnership": ("Partenariato", "Partnership"),
    "intervention": ("Intervento", "Intervention"),
}
SAY: Words = {
    "no_place": ("Sede non indicata", "Seat not given"),
    "of": ("{network} – n. {number}", "{network} – no. {number}"),
    "made": ("Dati {at}.", "Data {at}."),
    "span_series": ("Programma «{subject}», {since} {last}.", "Programme “{subject}”, {since} {last}."),
    "span_project": ("Progetto «{subject}», {since} {last}.", "Project “{subject}”, {since} {last}."),
    "project": ("Progetto: {name}.", "Project: {name}."),
    "programmes": ("Programmi: {names}.", "Programmes: {names}."),
    "document": ("SHA-256 dei dati: {sha}", "SHA-256 of the data: {sha}"),
    "same": (
        "Questo documento mostra le stesse cifre dei dati in formato JSON da cui è stato fatto.",
        "This document shows the same figures as the JSON data of which it was made.",
    ),
    "held": ("Riunioni tenute: {count}.", "Meetings held: {count}."),
    "other_meetings": (
        "Seconde convocazioni: {second}. Prime riunioni senza numero legale: {without}. Annullate: {cancelled}. "
        "Convocate e non ancora tenute: {to_come}.",
        "Second calls: {second}. First meetings without a quorum: {without}. Cancelled: {cancelled}. "
        "Convened and not held yet: {to_come}.",
    ),
    "presences": (
        "Presenze: {presences}, di cui {remote} a distanza e {guests} di ospiti. Per delega: {by_proxy}. "
        "Assenti giustificati: {excused}. Assenti: {absent}.",
        "Presences: {presences}, of which {remote} remote and {guests} of guests. By proxy: {by_proxy}. "
        "Excused: {excused}. Absent: {absent}.",
    ),
    "who": (
        "Organizzazioni presenti almeno una volta: {organisations}. Persone presenti almeno una volta: {people}.",
        "Organisations there at least once: {organisations}. People there at least once: {people}.",
    ),
    "public": (
        "Pubblico: {registered} iscrizioni a {meetings} riunioni aperte, {attended} presenti.",
        "The public: {registered} registrations for {meetings} open meetings, {attended} came.",
    ),
    "by_mode": ("Riunioni e presenze per modalità", "Meetings and presences by mode"),
    "by_body": ("Riunioni e presenze per organo", "Meetings and presences by body"),
    "by_kind": ("Organizzazioni e presenze per tipo", "Organisations and presences by kind"),
    "by_region": (
        "Organizzazioni e presenze per regione della sede",
        "Organisations and presences by region of the seat",
    ),
    "basis": (
        "Sono contate una volta le {organisations} organizzazioni i cui delegati sono stati invitati alle riunioni o "
        "chiamati al voto ({delegates} delegati).",
        "Counted once: the {organisations} organisations whose delegates were invited to the meetings or called to "
        "vote ({delegates} delegates).",
    ),
    "without_organisation": (
        "Delegati che non rappresentano un'organizzazione: {count}.",
        "Delegates who represent no organisation: {count}.",
    ),
    "rounded": (
        "Le percentuali sono arrotondate una per una e fanno {sum}: non sono forzate a 100.",
        "Percentages are rounded one by one and come to {sum}: they are not forced to 100.",
    ),
    "groups": ("Composizione per gruppi", "Composition by group"),
    "kinds": ("Composizione per tipo", "Composition by kind"),
    "regions": ("Composizione per regione della sede", "Composition by region of the seat"),
    "adopted": (
        "Decisioni adottate: {adopted}. Decadute: {lapsed}. Ancora in proposta: {proposed}.",
        "Decisions adopted: {adopted}. Lapsed: {lapsed}. Still proposed: {proposed}.",
    ),
    "owed": (
        "Decisioni diventate impegni: {made}. Impegni mantenuti: {kept}, di cui {in_time} nei termini. "
        "In ritardo: {late}. Aperti: {open}. Non più dovuti: {waived}. Non ancora noti: {unknown}.",
        "Decisions that became commitments: {made}. Kept: {kept}, of which {in_time} in time. "
        "Late: {late}. Open: {open}. Waived: {waived}. Not known yet: {unknown}.",
    ),
    "ballots": ("Votazioni per esito", "Ballots by outcome"),
    "decisions_by_kind": ("Decisioni adottate per tipo", "Decisions adopted by kind"),
    "decisions": ("Decisioni adottate", "Decisions adopted"),
    "commitments": ("Che cosa è stato degli impegni", "What became of the commitments"),
    "not_yet_known": ("non ancora noto", "not known yet"),
    "left_out": ("Altre {count} non sono elencate.", "{count} more are not listed."),
    "contributed": ("Contributi raccolti: {count}.", "Contributions collected: {count}."),
    "collection": (
        "«{title}»: {contributions} contributi di {contributors} persone e {organisations} organizzazioni",
        "“{title}”: {contributions} contributions of {contributors} people and {organisations} organisations",
    ),
    "crossing": (
        "«{title}»: {cells} celle, {scores} punteggi. Hanno risposto {respondents} degli aventi diritto; rispetto alle "
        "organizzazioni della composizione {organisations}.",
        "“{title}”: {cells} cells, {scores} scores. {respondents} of those entitled answered; of the organisations of "
        "the composition {organisations}.",
    ),
    "still_open": ("Incroci ancora aperti: {count}.", "Crossings still open: {count}."),
    "cohorts": ("«{title}»: chi ha risposto", "“{title}”: who answered"),
    "best": ("«{title}»: l'incrocio migliore di ciascun campo", "“{title}”: the best crossing of each field"),
    "all": ("Tutti", "All"),
    "tied_mark": ("a pari merito", "tied"),
    "best_left_out": ("Altri {count} incroci a pari merito.", "{count} more crossings are tied."),
    "gap": ("{assessment}: {competence}", "{assessment}: {competence}"),
    "gap_note": (
        "Medie in percentuale di ciò che si può sapere, delle persone valutate prima e dopo. Il divario colmato è la "
        "parte di ciò che mancava; non è definito per chi sapeva già tutto.",
        "Means in percent of what can be known, of the people assessed before and after. The gap closed is the part "
        "of what was missing; it is not defined where nothing was.",
    ),
    "gaps": ("Conoscenze prima e dopo", "Knowledge before and after"),
    "outcomes": ("Registrati: {count}.", "Recorded: {count}."),
    "by_community": ("{heading}: quanti in ciascuna comunità", "{heading}: how many in each community"),
    "listed": ("{heading}: elenco", "{heading}: list"),
    "undefined": ("non definito", "undefined"),
    "yes": ("sì", "yes"),
    "no": ("no", "no"),
    "share": ("{count} di {of} ({percent} %)", "{count} of {of} ({percent} %)"),
    "share_undefined": ("{count} di {of}", "{count} of {of}"),
}
COLUMNS: Words = {
    "mode": ("Modalità", "Mode"),
    "body": ("Organo", "Body"),
    "kind": ("Tipo", "Kind"),
    "region": ("Regione", "Region"),
    "group": ("Gruppo", "Group"),
    "meetings": ("Riunioni", "Meetings"),
    "presences": ("Presenze", "Presences"),
    "organisations": ("Organizzazioni", "Organisations"),
    "count": ("Numero", "Count"),
    "percent": ("%", "%"),
    "outcome": ("Esito", "Outcome"),
    "decision": ("Decisione", "Decision"),
    "decided_on": ("Adottata il", "Adopted on"),
    "due": ("Entro il", "Due"),
    "commitment": ("Impegno", "Commitment"),
    "theme": ("Tema", "Theme"),
    "tag": ("Etichetta", "Tag"),
    "cohort": ("Coorte", "Cohort"),
    "answered": ("Hanno risposto", "Answered"),
    "entitled": ("Aventi diritto", "Entitled"),
    "field": ("Campo", "Field"),
    "need": ("Bisogno", "Need"),
    "resource": ("Risorsa", "Resource"),
    "mean": ("Media", "Mean"),
    "scores": ("Punteggi", "Scores"),
    "competence": ("Competenza", "Competence"),
    "of_whom": ("Gruppo", "Group"),
    "n": ("Persone", "People"),
    "before": ("Prima, %", "Before, %"),
    "after": ("Dopo, %", "After, %"),
    "gain": ("Colmato, %", "Closed, %"),
    "community": ("Comunità", "Community"),
    "title": ("Titolo", "Title"),
    "on": ("Data", "Day"),
    "evidence": ("Con documento", "With a document"),
}

ARTICLES: Words = {"from": ("dal", "from"), "to": ("al", "to"), "as_of": ("al", "as of")}


@dataclass(frozen=True)
class Sheet:
    """A table, and the chart that shows it (SVG) where there is one. The first cell of a row is its name."""

    caption: str
    headings: list[str]
    rows: list[list[str]]
    chart: str | None = None


@dataclass(frozen=True)
class Section:
    code: str
    heading: str
    lines: list[str] = field(default_factory=list)
    sheets: list[Sheet] = field(default_factory=list)
    empty: bool = False


@dataclass(frozen=True)
class View:
    """All that is shown; `asdict` of it is what the PDF's template gets."""

    language: str
    title: str
    network: str
    above: str
    date: str
    intro: list[str]
    sections: list[Section]
    closing: list[str]
    page_words: list[str]
    foot: str

    def data(self) -> dict[str, Any]:
        return asdict(self)


def present(document: Document, sha256: str) -> View:
    """`sha256` is of the JSON that the document was read from."""
    return _Speaker(document.language).view(document, sha256)


class _Speaker:
    """Says things in one language."""

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else LANGUAGES[0]
        self.which = LANGUAGES.index(self.language)

    def say(self, code: str, /, **given: Any) -> str:
        return SAY[code][self.which].format(**given)

    def word(self, words: Words, code: str) -> str:
        return words[code][self.which] if code in words else code

    def columns(self, *codes: str) -> list[str]:
        return [COLUMNS[code][self.which] for code in codes]

    def day(self, on: date | None) -> str:
        return format_date(on, "d MMMM y", locale=self.language) if on else "–"

    def at(self, word: str, day: str) -> str:
        return with_article(ARTICLES[word][self.which], day)

    def number(self, value: float | None, digits: int = 0) -> str:
        if value is None:
            return self.say("undefined")
        return format_decimal(value, format="#,##0." + "0" * digits if digits else "#,##0", locale=self.language)

    def share(self, share: Share) -> str:
        if share.percent is None:
            return self.say("share_undefined", count=share.count, of=share.of)
        return self.say("share", count=share.count, of=share.of, percent=share.percent)

    def percent(self, share: Share) -> str:
        return str(share.percent) if share.percent is not None else "–"

    def sheet(self, caption: str, headings: list[str], rows: list[list[str]], values: Sequence[float] = ()) -> Sheet:
        """With `values`, one for each row, a chart of them; its figures are the cells of the second column."""
        drawn = [Bar(row[0], value, row[1]) for row, value in zip(rows, values, strict=False)]
        chart = bars(drawn, caption) if any(values) and len(drawn) <= MOST_BARS else None
        return Sheet(caption, headings, rows, chart)

    # --- the whole --------------------------------------------------------------------------------------------------

    def view(self, document: Document, sha256: str) -> View:
        span = self.say(
            f"span_{document.subject.kind}",
            subject=document.subject.name,
            since=self.at("from", self.day(document.since)),
            last=self.at("to", self.day(document.last_day)),
        )
        at = format_datetime(document.made_at.astimezone(ROME), "d MMMM y, HH:mm", locale=self.language)
        more = []
        if document.subject.kind == "series" and document.project:
            more.append(self.say("project", name=document.project))
        if document.subject.kind == "project" and document.programmes:
            more.append(self.say("programmes", names="; ".join(document.programmes)))
        return View(
            language=self.language,
            title=document.title,
            network=document.network.name,
            above=self.say("of", network=document.network.name, number=document.number),
            date=document.made_at.astimezone(ROME).date().isoformat(),
            intro=[span, *more, self.say("made", at=self.at("as_of", at))],
            sections=[self.section(chapter) for chapter in document.chapters.each()],
            closing=[self.say("same"), self.say("document", sha=sha256)],
            page_words=["Pagina", "di"] if self.language == "it" else ["Page", "of"],
            foot=document.title,
        )

    def section(self, chapter: Chapter) -> Section:
        heading = self.word(HEADINGS, chapter.code)
        if chapter.empty is not None:
            return Section(chapter.code, heading, [self.word(EMPTY, chapter.empty)], empty=True)
        lines, sheets = self.chapter(chapter)
        return Section(chapter.code, heading, lines, [sheet for sheet in sheets if sheet.rows])

    def chapter(self, chapter: Chapter) -> tuple[list[str], list[Sheet]]:
        match chapter:
            case Participation():
                return self.participation(chapter)
            case Composition():
                return self.composition(chapter)
            case Decisions():
                return self.decisions(chapter)
            case Contributions():
                return self.contributions(chapter)
            case Crossings():
                return self.crossings(chapter)
            case Knowledge():
                return self.knowledge(chapter)
            case Outcomes():
                return self.outcomes(chapter)
        raise TypeError(f"no words for {type(chapter).__name__}")

    # --- the chapters -----------------------------------------------------------------------------------------------

    def participation(self, chapter: Participation) -> tuple[list[str], list[Sheet]]:
        lines = [
            self.say("held", count=chapter.held),
            self.say(
                "other_meetings",
                second=chapter.second_calls,
                without=chapter.without_quorum,
                cancelled=chapter.cancelled,
                to_come=chapter.to_come,
            ),
            self.say("presences", **chapter.model_dump()),
            self.say("who", organisations=chapter.organisations, people=chapter.people),
        ]
        if chapter.public is not None:
            lines.append(self.say("public", **chapter.public.model_dump()))
        modes = [[self.word(CODES, one.mode), str(one.meetings), str(one.presences)] for one in chapter.by_mode]
        bodies = [[one.body.name, str(one.meetings), str(one.presences)] for one in chapter.by_body]
        kinds = [[self.word(KINDS, one.kind), str(one.organisations), str(one.presences)] for one in chapter.by_kind]
        regions = [
            [self.place(one.territory), str(one.organisations), str(one.presences)] for one in chapter.by_territory
        ]
        return lines, [
            self.sheet(
                self.say("by_mode"),
                self.columns("mode", "meetings", "presences"),
                modes,
                [one.meetings for one in chapter.by_mode],
            ),
            self.sheet(
                self.say("by_body"),
                self.columns("body", "meetings", "presences"),
                bodies,
                [one.meetings for one in chapter.by_body],
            ),
            self.sheet(
                self.say("by_kind"),
                self.columns("kind", "organisations", "presences"),
                kinds,
                [one.organisations for one in chapter.by_kind],
            ),
            self.sheet(
                self.say("by_region"),
                self.columns("region", "organisations", "presences"),
                regions,
                [one.organisations for one in chapter.by_territory],
            ),
        ]

    def composition(self, chapter: Composition) -> tuple[list[str], list[Sheet]]:
        lines = [
            self.say("basis", organisations=chapter.organisations, delegates=chapter.delegates),
            self.say("rounded", sum=chapter.percent_sum),
        ]
        if chapter.without_organisation:
            lines.insert(1, self.say("without_organisation", count=chapter.without_organisation))
        shared = [(one.title or self.word(GROUPS, one.code), one.share) for one in chapter.groups]
        kinds = [(self.word(KINDS, one.kind), one.share) for one in chapter.by_kind]
        regions = [(self.place(one.territory), one.share) for one in chapter.by_territory]
        return lines, [
            self.shares(self.say("groups"), "group", shared),
            self.shares(self.say("kinds"), "kind", kinds),
            self.shares(self.say("regions"), "region", regions),
        ]

    def shares(self, caption: str, of: str, given: Sequence[tuple[str, Share]]) -> Sheet:
        rows = [[name, str(share.count), self.percent(share)] for name, share in given]
        return self.sheet(caption, self.columns(of, "count", "percent"), rows, [share.count for _, share in given])

    def decisions(self, chapter: Decisions) -> tuple[list[str], list[Sheet]]:
        owed = chapter.owed
        lines = [
            self.say("adopted", adopted=chapter.adopted, lapsed=chapter.lapsed, proposed=chapter.proposed),
            self.say(
                "owed",
                made=owed.made,
                kept=self.share(owed.kept),
                in_time=owed.kept_in_time,
                late=owed.late,
                open=owed.open,
                waived=owed.waived,
                unknown=owed.not_yet_known,
            ),
        ]
        if chapter.left_out:
            lines.append(self.say("left_out", count=chapter.left_out))
        kinds = {str(code): label for code, label in LABELS.items()}
        listed = [
            [
                one.title,
                self.word(kinds, one.kind),
                one.body or "–",
                self.day(one.decided_on),
                self.day(one.due),
                self.commitment(one.due, one.commitment),
            ]
            for one in chapter.items
        ]
        return lines, [
            self.commitments(owed),
            self.sheet(
                self.say("decisions_by_kind"),
                self.columns("kind", "count"),
                [[self.word(kinds, one.code), str(one.count)] for one in chapter.by_kind],
                [one.count for one in chapter.by_kind],
            ),
            self.sheet(
                self.say("ballots"),
                self.columns("outcome", "count"),
                [[self.word(CODES, one.code), str(one.count)] for one in chapter.ballots],
            ),
            self.sheet(
                self.say("decisions"),
                self.columns("decision", "kind", "body", "decided_on", "due", "commitment"),
                listed,
            ),
        ]

    def commitments(self, owed: Owed) -> Sheet:
        """What became of what was decided."""
        states = {"fulfilled": owed.kept.count, "late": owed.late, "open": owed.open, "waived": owed.waived}
        rows = [[self.word(CODES, code), str(count)] for code, count in states.items() if owed.made]
        if owed.not_yet_known:
            rows.append([self.say("not_yet_known"), str(owed.not_yet_known)])
        counts = [int(row[1]) for row in rows]
        return self.sheet(self.say("commitments"), self.columns("commitment", "count"), rows, counts)

    def commitment(self, due: date | None, state: str | None) -> str:
        if due is None:
            return "–"
        return self.word(CODES, state) if state else self.say("not_yet_known")

    def contributions(self, chapter: Contributions) -> tuple[list[str], list[Sheet]]:
        sheets = [
            self.sheet(
                self.say("collection", **one.model_dump()),
                self.columns("theme", "tag", "count"),
                [[cell.theme, self.word(CODES, cell.tag), str(cell.count)] for cell in one.cells],
            )
            for one in chapter.collections
        ]
        return [self.say("contributed", count=chapter.contributions)], sheets

    def crossings(self, chapter: Crossings) -> tuple[list[str], list[Sheet]]:
        lines, sheets = [], []
        for one in chapter.items:
            lines.append(
                self.say(
                    "crossing",
                    title=one.title,
                    cells=one.cells,
                    scores=self.number(one.scores),
                    respondents=self.share(one.respondents),
                    organisations=self.share(one.of_organisations),
                )
            )
            if one.best_left_out:
                lines.append(self.say("best_left_out", count=one.best_left_out))
            sheets += [self.cohorts(one), self.best(one)]
        if chapter.still_open:
            lines.append(self.say("still_open", count=chapter.still_open))
        return lines, sheets

    def cohorts(self, one: Crossing) -> Sheet:
        rows = [
            [each.title, str(each.respondents.count), str(each.respondents.of), self.percent(each.respondents)]
            for each in one.cohorts
        ]
        headings = self.columns("cohort", "answered", "entitled", "percent")
        values = [each.respondents.count for each in one.cohorts]
        return self.sheet(self.say("cohorts", title=one.title), headings, rows, values)

    def best(self, one: Crossing) -> Sheet:
        titles = {cohort.code: cohort.title for cohort in one.cohorts}
        rows = [
            [
                best.field,
                f"{self.number(best.mean, 2)} ({self.say('tied_mark')})" if best.tied else self.number(best.mean, 2),
                best.need,
                best.resource,
                titles.get(best.cohort, best.cohort) if best.cohort else self.say("all"),
                str(best.n),
            ]
            for best in one.best
        ]
        headings = self.columns("field", "mean", "need", "resource", "cohort", "scores")
        return self.sheet(self.say("best", title=one.title), headings, rows)

    def knowledge(self, chapter: Knowledge) -> tuple[list[str], list[Sheet]]:
        rows = [
            [
                self.say("gap", assessment=one.assessment, competence=one.competence),
                self.gain(one),
                self.named(one.group),
                str(one.n),
                self.number(one.before, 1),
                self.number(one.after, 1),
            ]
            for one in chapter.items
        ]
        headings = self.columns("competence", "gain", "of_whom", "n", "before", "after")
        return [self.say("gap_note")], [self.sheet(self.say("gaps"), headings, rows)]

    def gain(self, one: Gap) -> str:
        return self.number(None if one.gain is None else one.gain * 100, 1)

    def place(self, one: Named) -> str:
        """Of organisations whose seat is not known, that."""
        return one.name if one.id is not None else self.say("no_place")

    def named(self, one: Named) -> str:
        return one.name

    def outcomes(self, chapter: Outcomes) -> tuple[list[str], list[Sheet]]:
        heading = self.word(HEADINGS, chapter.code)
        lines = [self.say("outcomes", count=chapter.count)]
        if chapter.left_out:
            lines.append(self.say("left_out", count=chapter.left_out))
        kinds = [one.code for one in chapter.by_community[0].by_kind] if chapter.by_community else []
        parted = kinds if len(kinds) > 1 else []
        communities = [
            [one.community.name, str(one.count), *(str(each.count) for each in one.by_kind if parted)]
            for one in chapter.by_community
        ]
        headings = [*self.columns("community", "count"), *(self.word(CODES, kind) for kind in parted)]
        listed = [
            [
                one.title,
                self.word(CODES, one.kind),
                one.community.name,
                self.day(one.on),
                self.say("yes" if one.evidenced else "no"),
            ]
            for one in chapter.items
        ]
        return lines, [
            self.sheet(
                self.say("by_community", heading=heading),
                headings,
                communities,
                [one.count for one in chapter.by_community],
            ),
            self.sheet(
                self.say("listed", heading=heading),
                self.columns("title", "kind", "community", "on", "evidence"),
                listed,
            ),
        ]
