"""The code that somebody shows at the door, what whoever reads it there sees, and the page of the door itself: who is
there, and whether that makes a quorum. All of it works without a script."""

from __future__ import annotations

import io
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

import segno
from fastapi import APIRouter, Form, Query
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from services.events.attendance import commands, queries
from services.events.attendance.commands import CheckedIn, Item, Roll, There
from services.events.attendance.queries import Door, Line, Pass
from services.events.attendance.rules import THERE, Mode
from services.events.meetings.rules import Mode as MeetingMode
from services.events.meetings.rules import State
from shared.access import links
from shared.runtime.browsers import Token, answered, refusal
from shared.runtime.edge import Edge
from shared.runtime.pages import Entry, Pages, Seat, day, hour
from shared.runtime.problems import Invalid, Problem
from shared.runtime.sessions import Seated, form_of, sign_in_for

PAGES = Pages(__file__)
site = APIRouter()
PURPOSE = "check-in"
"""Of the links in codes; their subject is an invitation."""
LISTED = 200
EVERY = 10
"""Seconds after which the page of the door reads the figures again, if it was asked to."""
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "code": "Il tuo codice per entrare",
        "yours": "Questo codice è di {name}.",
        "yours_for": "Questo codice è di {name}, per {organisation}.",
        "show": "Mostralo all'ingresso dal telefono, o stampato: chi accoglie lo legge e registra la presenza. Vale "
        "per una persona sola.",
        "alt": "Codice QR di {name} per «{meeting}»",
        "unread": "Se il codice non si legge, di' il tuo nome: chi accoglie ti trova nell'elenco.",
        "when": "Quando",
        "from_": "dalle",
        "meeting": "Riunione",
        "place": "Dove",
        "body": "Organo",
        "staff": "Registri tu le presenze?",
        "sign_in": "Accedi",
        "record": "Registra la presenza",
        "who": "Persona",
        "for": "Per",
        "how": "Come partecipa",
        "present": "Di persona",
        "remote": "A distanza",
        "done": "Registrato: {name} è presente.",
        "already": "Era già registrato: {name}, {mode}, {day} alle {hour}.",
        "already_by": "Era già registrato da {by}: {name}, {mode}, {day} alle {hour}.",
        "there": "La tua presenza è registrata.",
        "door": "Vai all'elenco delle presenze",
        "not_now": "La riunione non è in corso: il codice non serve.",
        "next": "Se hai domande, scrivi alla segreteria della rete.",
    },
    "en": {
        "code": "Your code for the door",
        "yours": "This code is of {name}.",
        "yours_for": "This code is of {name}, for {organisation}.",
        "show": "Show it at the door on your phone, or printed: whoever welcomes you reads it and records that you "
        "have come. It is good for one person.",
        "alt": "QR code of {name} for “{meeting}”",
        "unread": "If the code cannot be read, say your name: whoever welcomes you finds you in the list.",
        "when": "When",
        "from_": "from",
        "meeting": "Meeting",
        "place": "Where",
        "body": "Body",
        "staff": "Do you record who comes?",
        "sign_in": "Sign in",
        "record": "Record that they have come",
        "who": "Person",
        "for": "For",
        "how": "How they take part",
        "present": "In person",
        "remote": "Remotely",
        "done": "Recorded: {name} is there.",
        "already": "Already recorded: {name}, {mode}, {day} at {hour}.",
        "already_by": "Already recorded by {by}: {name}, {mode}, {day} at {hour}.",
        "there": "It is recorded that you have come.",
        "door": "To the list of attendance",
        "not_now": "The meeting is not in course: the code is not needed.",
        "next": "If you have questions, write to the secretariat of the network.",
    },
}


# --- the code -------------------------------------------------------------------------------------------------------


def code(at: Edge, shown: Pass, token: str) -> Response:
    """To the person their code; to whoever records attendance, the form. Opening it does nothing."""
    say = TEXTS[at.language]
    convened = shown.meeting.state is State.CONVENED
    seat = _seat(at, "") if at.identity is not None and shown.may else None
    offered = convened and shown.may and not shown.there
    return PAGES.page(
        at.language,
        say["record"] if shown.may else say["code"],
        "check_in.html",
        network=shown.network,
        seat=seat,
        texts=say,
        rows=_rows(at.language, shown),
        yours=_yours(say, shown),
        note=_stands(at.language, shown) if convened else say["not_now"],
        good=convened and not shown.may,  # to who reads it at the door that is no success
        offered=offered,
        modes=_modes(say) if offered else [],
        chosen="remote" if shown.meeting.mode is MeetingMode.REMOTE else "present",
        code=_qr(at, shown, token) if convened and not shown.may else None,
        sign_in=sign_in_for(at.request) if at.identity is None and convened else None,
        door=_door_of(shown.meeting.id) if shown.may else None,
    )


def recorded(at: Edge, shown: Pass, done: CheckedIn) -> Response:
    say = TEXTS[at.language]
    note = _before(at.language, shown) if done.already else say["done"].format(name=shown.line.person)
    return PAGES.page(
        at.language,
        say["record"],
        "check_in.html",
        network=shown.network,
        seat=_seat(at, ""),
        texts=say,
        rows=_rows(at.language, shown),
        yours=_yours(say, shown),
        note=note,
        good=not done.already,
        offered=False,
        modes=[],
        chosen="",
        code=None,
        sign_in=None,
        door=_door_of(shown.meeting.id),
    )


@site.post("/events/v1/check-in/link")
async def use(token: Token, at: Seated, mode: Annotated[str, Form(max_length=32)] = "") -> Response:
    """Records that the person has come; once: the second time it says when it was recorded. Programs send codes to
    `/meetings/{id}/check-ins`."""
    seen: list[Pass] = []
    done: list[CheckedIn] = []

    async def used() -> Response:
        link = await links.verify(token, "events", PURPOSE, keys=at.context.link_keys)
        seen.append(await at.query(queries.pass_of, link.subject))
        await at.command(commands.check_in, link.subject, _there(mode), out=done.append)
        seen.append(await at.query(queries.pass_of, link.subject))
        return recorded(at, seen[-1], done[-1])

    return await answered(at, used, partial(failed, at, seen), html=True)


def _there(mode: str) -> There:
    if mode == Mode.PRESENT:
        return Mode.PRESENT
    if mode == Mode.REMOTE:
        return Mode.REMOTE
    raise Invalid("/mode", "enum", [str(Mode.PRESENT), str(Mode.REMOTE)])


def failed(at: Edge, seen: list[Pass], refused: Problem) -> Response:
    """Of the network, when what the code is about has been seen."""
    network = seen[-1].network if seen else None
    return PAGES.problem(at.language, refused, TEXTS[at.language]["next"], network=network)


def _qr(at: Edge, shown: Pass, token: str) -> Markup:
    """The link itself as a drawing with a name: who reads it with a camera opens this page signed in."""
    home = at.context.settings.public_url.rstrip("/")
    address = f"{home}/events/v1/check-in/link?{urlencode({'token': token})}"
    look = {"xmldecl": False, "svgns": False, "omitsize": True, "border": 4, "svgclass": None, "lineclass": None}
    made = io.BytesIO()
    segno.make(address, micro=False).save(made, kind="svg", light="#fff", **look)
    name = TEXTS[at.language]["alt"].format(name=shown.line.person, meeting=shown.meeting.title)
    opening = Markup('<svg role="img" aria-label="{}" class="img-fluid" width="320" ').format(name)
    return opening + Markup(made.getvalue().decode().removeprefix("<svg "))  # noqa: S704 (of the drawing alone)


def _yours(say: dict[str, str], shown: Pass) -> str:
    line = shown.line
    return say["yours_for" if line.organisation else "yours"].format(name=line.person, organisation=line.organisation)


def _stands(language: str, shown: Pass) -> str | None:
    """What was recorded already, in the words of whoever looks."""
    if not shown.there:
        return None
    return _before(language, shown) if shown.may else TEXTS[language]["there"]


def _before(language: str, shown: Pass) -> str:
    say, line = TEXTS[language], shown.line
    assert line.mode is not None
    assert line.recorded_at is not None
    return say["already_by" if shown.recorded_by else "already"].format(
        name=line.person,
        by=shown.recorded_by,
        mode=say[line.mode].lower(),
        day=day(line.recorded_at, language),
        hour=hour(line.recorded_at, language),
    )


def _rows(language: str, shown: Pass) -> list[tuple[str, str]]:
    say, meeting = TEXTS[language], shown.meeting
    when = f"{day(meeting.starts_at, language)}, {say['from_']} {hour(meeting.starts_at, language)}"
    rows = [
        (say["who"], shown.line.person if shown.may else ""),
        (say["for"], (shown.line.organisation or "") if shown.may else ""),
        (say["meeting"], meeting.title),
        (say["body"], shown.body.title if shown.body else ""),
        (say["when"], when),
        (say["place"], meeting.place or ""),
    ]
    return [row for row in rows if row[1]]


def _modes(say: dict[str, str]) -> list[tuple[str, str]]:
    return [(str(mode), say[mode]) for mode in (Mode.PRESENT, Mode.REMOTE)]


def _seat(at: Edge, name: str, network: Any = None) -> Seat:
    entries = [Entry(DOOR[at.language]["desk"], f"/desk/{network.slug}")] if network is not None else []
    return Seat(name, form_of(at), entries)


# --- the door -------------------------------------------------------------------------------------------------------


DOOR: dict[str, dict[str, str]] = {
    "it": {
        "title": "Presenze: {meeting}",
        "desk": "Scrivania",
        "quorum": "Numero legale",
        "reached": "raggiunto",
        "missing": "mancano {count}",
        "missing_one": "manca 1",
        "fixed": "La riunione è chiusa: queste cifre restano.",
        "not_now": "La riunione non è in corso: non si registrano presenze.",
        "there": "Presenti",
        "by_proxy": "Per delega",
        "needed": "Necessari",
        "entitled": "Aventi diritto",
        "again": "Aggiorna le cifre",
        "live": "Aggiorna da sola ogni {seconds} secondi",
        "still": "Ferma l'aggiornamento",
        "sheet": "Foglio delle firme (PDF)",
        "invited": "Chi è invitato",
        "search": "Cerca per nome o per ente",
        "find": "Cerca",
        "all": "Mostra tutti",
        "none": "Nessuno con questo nome.",
        "further": "Altre persone",
        "state": "Registrato: {mode}",
        "state_proxy": "Rappresentato per delega da {name}",
        "unrecorded": "Non ancora registrato",
        "guest": "Ospite senza diritto di voto",
        "present": "Presente",
        "remote": "A distanza",
        "excused": "Giustificato",
        "absent": "Assente",
        "done": "Registrato: {name}, {mode}.",
    },
    "en": {
        "title": "Attendance: {meeting}",
        "desk": "Desk",
        "quorum": "Quorum",
        "reached": "reached",
        "missing": "{count} missing",
        "missing_one": "1 missing",
        "fixed": "The meeting is closed: these figures stay.",
        "not_now": "The meeting is not in course: no attendance is recorded.",
        "there": "Present",
        "by_proxy": "By proxy",
        "needed": "Needed",
        "entitled": "Entitled",
        "again": "Read the figures again",
        "live": "Read them again every {seconds} seconds",
        "still": "Stop reading them again",
        "sheet": "Signature sheet (PDF)",
        "invited": "Who is invited",
        "search": "Search by name or body",
        "find": "Search",
        "all": "Show everybody",
        "none": "Nobody of that name.",
        "further": "Further people",
        "state": "Recorded: {mode}",
        "state_proxy": "Stood for by {name}",
        "unrecorded": "Not recorded yet",
        "guest": "Guest without a vote",
        "present": "Present",
        "remote": "Remotely",
        "excused": "Excused",
        "absent": "Absent",
        "done": "Recorded: {name}, {mode}.",
    },
}
Query_ = Annotated[str, Query(max_length=100, pattern=r"^[^\x00]*$")]
Words = Annotated[str, Form(max_length=100, pattern=r"^[^\x00]*$")]


def _door_of(meeting_id: UUID) -> str:
    return f"/events/v1/meetings/{meeting_id}/door"


@site.get("/events/v1/meetings/{meeting_id}/door")
async def door(
    meeting_id: UUID,
    at: Seated,
    q: Query_ = "",
    live: bool = False,
    done: UUID | None = None,
    after: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """Who is invited with a button for how they come, and the quorum that it makes."""
    return await _door(meeting_id, at, q=q, live=live, done=done, after=after)


@site.post("/events/v1/meetings/{meeting_id}/door")
async def record(
    meeting_id: UUID,
    at: Seated,
    invitation_id: Annotated[UUID, Form()],
    mode: Annotated[Mode, Form()],
    q: Words = "",
) -> Response:
    """Records one person as the button says; a second time corrects."""
    roll = Roll(items=[Item(invitation_id=invitation_id, mode=mode)])
    refused = await refusal(at, lambda: at.command(commands.record, meeting_id, roll, out=lambda _: None))
    if refused is not None:
        return await _door(meeting_id, at, q=q, refused=refused)
    return RedirectResponse(f"{_door_of(meeting_id)}?{urlencode({'q': q, 'done': invitation_id})}", 303)


async def _door(
    meeting_id: UUID,
    at: Seated,
    *,
    q: str = "",
    live: bool = False,
    done: UUID | None = None,
    after: str | None = None,
    refused: Problem | None = None,
) -> Response:
    shown = await at.query(queries.door, meeting_id, q=q.strip() or None, after=after, limit=LISTED)
    say, base = DOOR[at.language], _door_of(meeting_id)
    running = shown.meeting.state is State.CONVENED
    return PAGES.page(
        at.language,
        say["title"].format(meeting=shown.meeting.title),
        "door.html",
        status=refused.status if refused else 200,
        network=shown.network,
        seat=_seat(at, shown.name, shown.network),
        refresh=EVERY if live and running else None,
        texts=say,
        problem=refused.body(at.language) if refused else None,
        told=_told(say, shown, done),
        note=None if running else say["fixed" if shown.meeting.state is State.HELD else "not_now"],
        figures=_figures(say, shown),
        state=_quorum(say, shown),
        good=shown.figures.quorum.reached,
        running=running,
        live=live,
        every=EVERY,
        base=base,
        q=q,
        sheet=f"/events/v1/meetings/{meeting_id}/door/sheet",
        lines=[_line(say, line) for line in sorted(shown.lines.items, key=_by_name)],
        modes=[(str(mode), say[mode]) for mode in _offered(shown)],
        further=f"{base}?{urlencode({'q': q, 'after': shown.lines.next})}" if shown.lines.next else None,
    )


@site.get("/events/v1/meetings/{meeting_id}/door/sheet")
async def sheet(meeting_id: UUID, at: Seated) -> Response:
    """The sheet to sign, for somebody at a browser."""
    content = await at.query(queries.sheet, meeting_id, 5)
    headers = {"cache-control": "no-store", "content-disposition": 'inline; filename="firme.pdf"'}
    return Response(content, media_type="application/pdf", headers=headers)


def _offered(shown: Door) -> list[Mode]:
    """What a line offers, the likeliest first."""
    come = (Mode.REMOTE, Mode.PRESENT) if shown.meeting.mode is MeetingMode.REMOTE else (Mode.PRESENT, Mode.REMOTE)
    return [*come, Mode.EXCUSED, Mode.ABSENT]


def _by_name(line: Line) -> tuple[str, str]:
    return (line.person.casefold(), str(line.id))


def _figures(say: dict[str, str], shown: Door) -> list[tuple[str, int]]:
    quorum = shown.figures.quorum
    return [
        (say["there"], quorum.present),
        (say["by_proxy"], quorum.by_proxy),
        (say["needed"], quorum.needed),
        (say["entitled"], quorum.entitled),
    ]


def _quorum(say: dict[str, str], shown: Door) -> str:
    quorum = shown.figures.quorum
    if quorum.reached:
        return say["reached"]
    return say["missing_one" if quorum.missing == 1 else "missing"].format(count=quorum.missing)


def _told(say: dict[str, str], shown: Door, done: UUID | None) -> str | None:
    line = next((line for line in shown.lines.items if done is not None and line.invitation_id == done), None)
    if line is None or line.mode is None:
        return None
    return say["done"].format(name=line.person, mode=say[line.mode].lower())


def _line(say: dict[str, str], line: Line) -> dict[str, Any]:
    if line.mode is not None:
        state = say["state"].format(mode=say[line.mode].lower())
    elif line.stood_for_by:
        state = say["state_proxy"].format(name=line.stood_for_by_name)
    else:
        state = say["unrecorded"]
    return {
        "id": line.invitation_id,
        "name": line.person or "–",
        "organisation": line.organisation,
        "state": state if line.invitation_id else say["guest"],
        "there": line.mode in THERE,
        "mode": line.mode and str(line.mode),
    }
