"""Pages for people from outside: a public meeting with a form, and their own registration with its code."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import segno
from starlette.responses import Response

from services.events.meetings.rules import State as MeetingState
from services.events.registrations.queries import Managed, Open
from services.events.registrations.rules import DOORS, KEPT_FOR, Registration, State
from shared.access.actor import day
from shared.runtime.pages import Pages
from shared.runtime.problems import Problem

PAGES = Pages(__file__)
TEXTS: dict[str, dict[str, Any]] = {
    "it": {
        "title": "Iscrizione: {title}",
        "managed": "La tua iscrizione: {title}",
        "when": "Quando",
        "from_": "dalle",
        "to": "alle",
        "where": "Dove",
        "joined": "A distanza, con il collegamento qui sotto.",
        "also_online": "Anche a distanza: chi ha un posto trova il collegamento sulla propria pagina.",
        "online": "A distanza: chi ha un posto trova il collegamento sulla propria pagina.",
        "body": "Promosso da",
        "places": "Posti",
        "left": {"one": "Resta 1 posto.", "many": "Restano {count} posti."},
        "full": "I posti sono finiti: chi si iscrive ora entra in lista d'attesa.",
        "form": "Iscriviti",
        "required": "Il nome è obbligatorio; il resto è facoltativo.",
        "name": "Nome e cognome",
        "email": "E-mail (facoltativa)",
        "email_why": "Solo perché la segreteria possa avvisarti se cambia qualcosa.",
        "organisation": "Ente o gruppo (facoltativo)",
        "website": "Lascia vuoto questo campo",
        "send": "Iscriviti",
        "wrong": "Controlla quello che hai scritto",
        "wrong_name": "Scrivi il tuo nome, su una sola riga, con al massimo 200 caratteri.",
        "wrong_email": "Scrivi un indirizzo completo, come nome@esempio.it, oppure lascia vuoto.",
        "wrong_organisation": "Scrivi al massimo 200 caratteri, su una sola riga, oppure lascia vuoto.",
        "privacy": "Che cosa facciamo dei tuoi dati",
        "privacy_lines": [
            "Titolare del trattamento è {network}. I dati servono solo a gestire la partecipazione a questo incontro "
            "che chiedi (art. 6, par. 1, lett. b del GDPR); l'e-mail e l'ente si possono non indicare.",
            "Li vede la segreteria che organizza l'incontro e non li riceve nessun altro. Si cancellano da soli {days} "
            "giorni dopo l'incontro; resta solo il numero di chi è venuto.",
            "Dalla pagina che ottieni iscrivendoti puoi rileggerli e cancellarli in ogni momento. Puoi anche scrivere "
            "alla segreteria o rivolgerti al Garante per la protezione dei dati personali.",
        ],
        "confirmed": "Hai un posto.",
        "waiting": {
            "none": "Sei in lista d'attesa: il prossimo posto libero è tuo.",
            "one": "Sei in lista d'attesa: prima di te c'è 1 persona.",
            "many": "Sei in lista d'attesa: prima di te ci sono {count} persone.",
        },
        "waiting_more": "Se si libera un posto, questa pagina lo dice: riaprila prima di venire.",
        "cancelled": "L'iscrizione è annullata e i tuoi dati sono cancellati.",
        "erased": "I tuoi dati sono cancellati.",
        "off": "L'incontro è annullato: non si terrà.",
        "attended": "La tua presenza è registrata.",
        "who": "Iscrizione di",
        "number": "Numero",
        "keep": "Conserva questa pagina",
        "keep_more": "L'indirizzo di questa pagina è solo tuo e non si può ritrovare: salvalo tra i preferiti o scatta "
        "una foto del codice. Non darlo ad altri: chi lo ha può annullare l'iscrizione.",
        "door": "All'ingresso mostra questo codice.",
        "qr": "Codice QR con l'indirizzo di questa pagina",
        "calendar": "Aggiungi al calendario",
        "join": "Per collegarsi",
        "give_up": "Non posso venire",
        "give_up_more": "Il tuo posto andrà a chi aspetta, e i tuoi dati saranno cancellati subito.",
        "give_up_waiting": "Lascerai la lista d'attesa, e i tuoi dati saranno cancellati subito.",
        "give_up_button": "Annulla l'iscrizione",
        "erase": "Cancella i miei dati",
        "erase_more": "Il nome e i recapiti spariscono subito; resta solo il numero di chi è venuto.",
        "erase_button": "Cancella i miei dati",
        "desk": "Per chi è all'ingresso",
        "check_in": "Registra la presenza",
        "check_in_done": "La presenza è registrata.",
        "next": "Se hai domande, scrivi alla segreteria di chi organizza l'incontro.",
    },
    "en": {
        "title": "Registration: {title}",
        "managed": "Your registration: {title}",
        "when": "When",
        "from_": "from",
        "to": "to",
        "where": "Where",
        "joined": "Online, by the link below.",
        "also_online": "Also online: who has a place finds the link on their own page.",
        "online": "Online: who has a place finds the link on their own page.",
        "body": "Held by",
        "places": "Places",
        "left": {"one": "1 place is left.", "many": "{count} places are left."},
        "full": "There are no more places: whoever registers now waits for one.",
        "form": "Register",
        "required": "The name is needed; the rest is not.",
        "name": "Name",
        "email": "Email (optional)",
        "email_why": "Only so that the secretariat can tell you if something changes.",
        "organisation": "Organisation or group (optional)",
        "website": "Leave this field empty",
        "send": "Register",
        "wrong": "Look again at what you wrote",
        "wrong_name": "Write your name on one line, in 200 characters at most.",
        "wrong_email": "Write a whole address, such as name@example.org, or leave it empty.",
        "wrong_organisation": "Write 200 characters at most, on one line, or leave it empty.",
        "privacy": "What we do with your data",
        "privacy_lines": [
            "The controller is {network}. The data only serve the participation in this meeting that you ask for "
            "(art. 6(1)(b) GDPR); address and organisation need not be given.",
            "The secretariat that organises the meeting sees them, and nobody else is given them. They are erased by "
            "themselves {days} days after the meeting; only the number of those who came stays.",
            "On the page that you get by registering you can read and erase them at any time. You can also write to "
            "the secretariat, or turn to the Italian data protection authority (Garante).",
        ],
        "confirmed": "You have a place.",
        "waiting": {
            "none": "You are waiting for a place: the next one is yours.",
            "one": "You are waiting for a place: 1 person is before you.",
            "many": "You are waiting for a place: {count} people are before you.",
        },
        "waiting_more": "If a place falls free, this page says so: open it again before you come.",
        "cancelled": "The registration is cancelled, and your data are erased.",
        "erased": "Your data are erased.",
        "off": "The meeting is cancelled: it will not take place.",
        "attended": "You have been checked in.",
        "who": "Registration of",
        "number": "Number",
        "keep": "Keep this page",
        "keep_more": "The address of this page is yours alone and cannot be found again: bookmark it, or take a "
        "picture of the code. Give it to nobody: whoever has it can cancel the registration.",
        "door": "Show this code at the door.",
        "qr": "QR code with the address of this page",
        "calendar": "Add to the calendar",
        "join": "To join",
        "give_up": "I cannot come",
        "give_up_more": "Your place will go to who is waiting, and your data will be erased at once.",
        "give_up_waiting": "You will leave the waiting list, and your data will be erased at once.",
        "give_up_button": "Cancel the registration",
        "erase": "Erase my data",
        "erase_more": "Name and address vanish at once; only the number of those who came stays.",
        "erase_button": "Erase my data",
        "desk": "For who is at the door",
        "check_in": "Check in",
        "check_in_done": "Checked in.",
        "next": "If you have questions, write to the secretariat of those who organise the meeting.",
    },
}


def privacy(language: str, network: Any) -> list[str]:
    """What is said of the data before they are given (art. 13 GDPR)."""
    lines: list[str] = TEXTS[language]["privacy_lines"]
    return [line.format(network=network.name, days=KEPT_FOR.days) for line in lines]


def register(
    language: str, found: Open, *, typed: Mapping[str, str] | None = None, wrong: Collection[str] = ()
) -> Response:
    """The meeting with its form; as somebody tried to send it, `wrong` are the names of its fields that cannot be."""
    texts = TEXTS[language]
    return PAGES.page(
        language,
        texts["title"].format(title=found.meeting.title),
        "register.html",
        status=422 if wrong else 200,
        network=found.network,
        texts=texts,
        open=found,
        meeting=found.meeting,
        last_day=_last_day(found),
        places=_places(texts, found),
        join_url=None,
        privacy=privacy(language, found.network),
        typed={name: (typed or {}).get(name, "")[:1000] for name in ("name", "email", "organisation")},
        wrong=wrong,
    )


def manage(
    language: str,
    managed: Managed,
    code: str,
    url: str,
    *,
    now: datetime,
    form: str | None,
    refused: Problem | None = None,
    checked_in: bool = False,
) -> Response:
    """One's own registration. `form` is what the form for the door sends back; None for whoever is not at it."""
    texts, registration, meeting = TEXTS[language], managed.registration, managed.open.meeting
    over = now >= meeting.ends_at or is_cancelled(managed)
    here = registration.state is State.CONFIRMED and not is_cancelled(managed)
    return PAGES.page(
        language,
        texts["managed"].format(title=meeting.title),
        "manage.html",
        status=refused.status if refused else 200,
        network=managed.open.network,
        texts=texts,
        open=managed.open,
        meeting=meeting,
        registration=registration,
        last_day=_last_day(managed.open),
        good=here and not over,
        stands=_stands(texts, managed),
        refused=refused.body(language) if refused else None,
        checked_in=checked_in,
        qr=segno.make(url, error="m").svg_data_uri(scale=6, border=4, light="#fff") if here and not over else None,
        join_url=joins(managed) if not over else None,
        calendar=f"/events/v1/registrations/manage.ics?{urlencode({'code': code})}" if in_calendar(managed) else None,
        withdraw=_withdraw(texts, registration, over=over or registration.attended),
        door=f"/events/v1/registrations/check-in?{urlencode({'code': code})}"
        if form and here and not registration.attended and now >= meeting.starts_at - DOORS
        else None,
        form=form,
    )


def failed(language: str, problem: Problem) -> Response:
    return PAGES.problem(language, problem, TEXTS[language]["next"])


def is_cancelled(managed: Managed) -> bool:
    return managed.open.meeting.state is MeetingState.CANCELLED


def in_calendar(managed: Managed) -> bool:
    """A calendar has it, also to learn that it is cancelled; who gave the place up has it no longer."""
    return managed.registration.state is not State.CANCELLED


def joins(managed: Managed) -> str | None:
    """The link to connect, for who has a place."""
    admitted = managed.registration.state is State.CONFIRMED and not is_cancelled(managed)
    return managed.open.meeting.join_url if admitted else None


def _withdraw(texts: Mapping[str, Any], registration: Registration, *, over: bool) -> dict[str, str] | None:
    """The form by which the data go; with the place, as long as there is one to give up."""
    if registration.erased_at is not None:
        return None
    kind = "erase" if over else "give_up"
    more = "give_up_waiting" if not over and registration.state is State.WAITING else f"{kind}_more"
    return {"title": texts[kind], "more": texts[more], "button": texts[f"{kind}_button"]}


def _stands(texts: Mapping[str, Any], managed: Managed) -> list[str]:
    registration = managed.registration
    if registration.state is State.CANCELLED:
        return [texts["cancelled"]]
    if is_cancelled(managed):
        said = [texts["off"]]
    elif registration.attended:
        said = [texts["attended"]]
    elif registration.state is State.CONFIRMED:
        said = [texts["confirmed"]]
    else:
        said = [_counted(texts["waiting"], managed.before), texts["waiting_more"]]
    return [*said, texts["erased"]] if registration.erased_at is not None else said


def _places(texts: Mapping[str, Any], found: Open) -> str | None:
    if found.left is None:
        return None
    return _counted(texts["left"], found.left) if found.left else texts["full"]


def _counted(forms: Mapping[str, str], count: int) -> str:
    form = {0: "none", 1: "one"}.get(count, "many")
    return forms[form].format(count=count)


def _last_day(found: Open) -> datetime | None:
    meeting = found.meeting
    return meeting.ends_at if day(meeting.ends_at) != meeting.day else None
