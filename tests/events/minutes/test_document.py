"""The text of minutes: what it says, and that it says the same again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from services.events.minutes.document import (
    LISTED,
    Attendee,
    Best,
    Decided,
    Figures,
    Material,
    Tally,
    Voted,
    approval,
    compose,
    grounds,
    plain,
    returned,
)

MATERIAL = Material(
    language="it",
    network="Alleanza per le Case della comunità",
    body="Comitato esecutivo nazionale",
    title="Piano di lavoro",
    founding=False,
    starts_at=datetime(2024, 9, 12, 13, tzinfo=UTC),
    mode="hybrid",
    place="Roma, via Marcora 18",
    agenda=("Piano di lavoro", "Varie ed eventuali"),
    attendees=(
        Attendee("Giulia Serra", "Ponti", "present"),
        Attendee("Marco Leone", "Rive", "remote"),
        Attendee("Anna Bruni", "Argini", "absent", stood_for_by="Giulia Serra"),
        Attendee("Ugo Neri", "Valli", None),
        Attendee("Elena Ospite", None, "present", guest=True),
    ),
    figures=Figures(call=1, entitled=5, present=2, by_proxy=1, needed=3),
    ballots=(Voted("Si approva il piano?", 2, 0, 1, 5, "carried"),),
    decisions=(
        Decided("Aprire una casella di posta", ("Azione", "Action"), "Ponti", date(2024, 9, 30)),
        Decided("Ringraziare i partner", ("Comunicazione", "Communication"), None, None),
    ),
)


def section(document: dict[str, Any], code: str) -> dict[str, Any]:
    (found,) = [one for one in document["sections"] if one["code"] == code]
    return dict(found)


def test_minutes_tell_when_who_how_many_and_what() -> None:
    document = compose(MATERIAL, "Interviene il Presidente.\nSi chiude alle 17.")
    assert document["title"] == "Verbale della riunione del 12 settembre 2024"
    assert section(document, "meeting")["lines"] == [
        "Il giorno 12 settembre 2024, alle ore 15:00, si è riunito «Comitato esecutivo nazionale», in prima "
        "convocazione, in presenza e a distanza (Roma, via Marcora 18).",
        "Oggetto: Piano di lavoro.",
    ]
    assert section(document, "attendance")["items"] == [
        "Presenti (1): Giulia Serra per Ponti",
        "Presenti a distanza (1): Marco Leone per Rive",
        "Assenti (2): Anna Bruni per Argini, per delega a Giulia Serra; Ugo Neri per Valli",
        "Invitati senza diritto di voto (1): Elena Ospite",
    ]
    assert section(document, "quorum")["lines"] == [
        "Aventi diritto: 5. Presenti: 2, per delega: 1. Necessari: 3.",
        "Il numero legale è raggiunto e la riunione è valida.",
    ]
    assert section(document, "ballots")["items"] == [
        "«Si approva il piano?»: favorevoli 2, contrari 0, astenuti 1, su 5 aventi diritto. Approvata."
    ]
    assert section(document, "decisions")["items"] == [
        "Aprire una casella di posta (azione), a cura di Ponti entro il 30 settembre 2024",
        "Ringraziare i partner (comunicazione)",
    ]
    assert section(document, "notes")["lines"] == ["Interviene il Presidente.", "Si chiude alle 17."]


def test_the_networks_language_is_the_documents() -> None:
    document = compose(replace(MATERIAL, language="en"), "")
    assert document["title"] == "Minutes of the meeting of 12 September 2024"
    assert "by Ponti until 30 September 2024" in section(document, "decisions")["items"][0]
    assert "notes" not in [one["code"] for one in document["sections"]]
    assert compose(replace(MATERIAL, language="fr"), "")["language"] == "it"


def test_what_did_not_happen_is_said() -> None:
    nothing = replace(MATERIAL, agenda=(), attendees=(), ballots=(), decisions=())
    document = compose(nothing, "")
    assert section(document, "agenda")["lines"] == ["Nessun ordine del giorno."]
    assert section(document, "attendance")["items"] == ["Presenti (0): nessuno", "Assenti (0): nessuno"]
    assert section(document, "ballots")["lines"] == ["Nessuna votazione."]
    assert section(document, "decisions")["lines"] == ["Nessuna decisione."]


def test_of_thousands_the_absent_are_counted_and_not_named() -> None:
    crowd = tuple(Attendee(f"Persona {number}", None, None) for number in range(3000))
    document = compose(replace(MATERIAL, attendees=(*MATERIAL.attendees[:1], *crowd)), "")
    assert section(document, "attendance")["items"] == ["Presenti (1): Giulia Serra per Ponti", "Assenti (3000)"]


def test_without_a_quorum_proposals_are_called_proposals() -> None:
    document = compose(replace(MATERIAL, figures=Figures(2, 5, 1, 0, 3)), "")
    assert section(document, "decisions")["heading"] == "Proposte non adottate"
    assert "mancano 2" in section(document, "quorum")["lines"][1]
    assert "in seconda convocazione" in section(document, "meeting")["lines"][0]


def test_a_founding_meeting_says_what_it_founds() -> None:
    assert "costituire «Comitato esecutivo nazionale»" in compose(replace(MATERIAL, founding=True), "").__str__()


def test_braces_and_line_ends_in_what_people_wrote_are_words_like_others() -> None:
    odd = replace(
        MATERIAL,
        title="{place} {0}",
        agenda=("{}",),
        decisions=(Decided("{due}", ("A", "A"), "{x}", date(2024, 9, 12)),),
    )
    document = compose(odd, "{name}")
    assert section(document, "meeting")["lines"][1] == "Oggetto: {place} {0}."
    assert section(document, "decisions")["items"] == ["{due} (a), a cura di {x} entro il 12 settembre 2024"]


def test_the_same_material_gives_the_same_words_whatever_the_order_of_arrival() -> None:
    turned = replace(MATERIAL, attendees=tuple(reversed(MATERIAL.attendees)))
    assert compose(turned, "x") == compose(MATERIAL, "x")
    assert plain(compose(MATERIAL, "x"), "1/2024").startswith(
        "Verbale della riunione del 12 settembre 2024 (n. 1/2024)\n\nComitato esecutivo nazionale – Alleanza"
    )


@pytest.mark.parametrize("day", [8, 11])
def test_days_have_the_article_that_italian_wants(day: int) -> None:
    moved = replace(MATERIAL, starts_at=datetime(2024, 9, day, 13, tzinfo=UTC))
    assert compose(moved, "")["title"] == f"Verbale della riunione dell'{day} settembre 2024"
    english = compose(replace(moved, language="en"), "")
    assert english["title"] == f"Minutes of the meeting of {day} September 2024"


def test_two_bodies_of_one_name_are_counted_apart() -> None:
    one, other = UUID(int=1), UUID(int=2)
    attendees = (
        Attendee("Lia Conti", "Caritas", "present", organisation_id=one),
        Attendee("Ivo Riva", "Caritas", "excused", organisation_id=one),
        Attendee("Ada Sala", "Caritas", None, organisation_id=other),
    )
    made = compose(replace(MATERIAL, attendees=attendees), "")
    (table,) = [section["table"] for section in made["sections"] if section["code"] == "attendance"]
    assert table["rows"] == [["Caritas", "1", "0", "1", "0"], ["Caritas", "0", "0", "0", "1"]]


def test_attendance_is_counted_for_each_body_represented() -> None:
    attendees = (
        *MATERIAL.attendees,
        Attendee("Lia Conti", "Ponti", "excused"),
        Attendee("Ivo Riva", "Ponti", "remote"),
    )
    table = section(compose(replace(MATERIAL, attendees=attendees), ""), "attendance")["table"]
    assert table["headings"] == ["Ente", "Presenti", "Per delega", "Giustificati", "Assenti"]
    assert table["rows"] == [
        ["Argini", "0", "1", "0", "0"],
        ["Ponti", "2", "0", "1", "0"],
        ["Rive", "1", "0", "0", "0"],
        ["Valli", "0", "0", "0", "1"],
    ]
    nobody = compose(replace(MATERIAL, attendees=(Attendee("Anna", None, "present"),)), "")
    assert "table" not in section(nobody, "attendance")
    assert "Ponti; 2; 0; 1; 0" in plain(compose(replace(MATERIAL, attendees=attendees), ""))


def test_of_an_assembly_of_hundreds_of_bodies_the_table_names_those_who_were_there() -> None:
    away = [Attendee(f"Persona {number}", f"Ente {number}", None) for number in range(LISTED + 1)]
    document = compose(replace(MATERIAL, attendees=(*MATERIAL.attendees, *away)), "")
    shown = section(document, "attendance")
    assert [row[0] for row in shown["table"]["rows"]] == ["Argini", "Ponti", "Rive"]
    assert shown["lines"] == [f"Altri enti senza presenti: {LISTED + 2}."]


def test_ballots_of_every_kind_are_told() -> None:
    best = Best("Salute", "Trasporti", "Volontari", 8.416, 83)
    cohorts = (("Una", 51, 57), ("Altra", 32, 38))
    ballots = (
        Voted("Chi?", 0, 0, 0, 9, "chosen", "choice", True, False, 7, (("Anna", 4), ("Ivo", 3)), ("Anna",)),
        Voted("Dove?", 0, 0, 0, 9, "tied", "choice", cast=8, options=(("Roma", 4), ("Bari", 4))),
        Voted("Che cosa?", 0, 0, 0, 95, "scored", "grid", cast=83, cohorts=cohorts, best=(best,)),
        Voted("Quando?", 0, 0, 0, 9, "cancelled", "choice"),
        Voted("Si approva?", 12, 3, 0, 20, "carried", weighted=True),
        Voted("E questo?", 1, 0, 0, 20, "no_quorum"),
    )  # fmt: skip
    assert section(compose(replace(MATERIAL, ballots=ballots), ""), "ballots")["items"] == [
        "«Chi?»: Anna 4, Ivo 3; hanno votato 7 su 9 aventi diritto. Scelto: Anna. Voto segreto.",
        "«Dove?»: Roma 4, Bari 4; hanno votato 8 su 9 aventi diritto. Parità.",
        "«Che cosa?»: valutazioni di 83 su 95 aventi diritto (Una 51 su 57, Altra 32 su 38). Scrutinio concluso. "
        "Per «Salute» il valore più alto è Trasporti con Volontari (media 8,42 su 83).",
        "«Quando?»: votazione annullata.",
        "«Si approva?»: favorevoli 12, contrari 3, astenuti 0, su 20 aventi diritto. Approvata. I voti sono pesati.",
        "«E questo?»: favorevoli 1, contrari 0, astenuti 0, su 20 aventi diritto. Non valida: manca il numero legale.",
    ]


def test_what_is_written_instead_stays_and_says_when_its_ground_has_changed() -> None:
    mark = grounds(compose(MATERIAL, ""))["agenda"]
    edits = {
        "agenda": {"text": "Si discute.\nPoi si chiude.", "instead": True, "ground": mark},
        "ballots": {"text": "Con astensioni motivate.", "instead": False, "ground": ""},
    }
    document = compose(MATERIAL, "", edits)
    agenda = section(document, "agenda")
    assert (agenda["lines"], agenda["items"], agenda["outdated"]) == (["Si discute.", "Poi si chiude."], [], False)
    assert section(document, "ballots")["added"] == ["Con astensioni motivate."]
    assert "Con astensioni motivate." in plain(document)
    assert grounds(document)["agenda"] == mark, "the mark is of what was composed"
    changed = compose(replace(MATERIAL, agenda=("Altro",)), "", edits)
    assert section(changed, "agenda")["outdated"] is True
    assert section(changed, "agenda")["lines"] == agenda["lines"]


@pytest.mark.parametrize(
    ("kind", "tally", "silence", "said"),
    [
        ("coordination", Tally(), False, "Verbale n. 1/2024, approvato l'8 gennaio 2025 da chi coordina."),
        ("attendees", Tally(5, 3, 3, 1), True, "d'accordo 3 su 5, obiezioni 1, necessari 3."),
        ("attendees", Tally(5, 3, 2, 1), True, "chi non ha risposto entro il termine ha acconsentito."),
        ("next_meeting", Tally(), False, "con il voto di una riunione successiva."),
    ],
)
def test_by_whom_they_were_approved_is_said(kind: str, tally: Tally, *, silence: bool, said: str) -> None:
    assert said in approval("it", kind, "1/2024", date(2025, 1, 8), tally, silence=silence)


def test_why_answers_send_them_back_is_said() -> None:
    assert returned("it", Tally(4, 3, 1, 2)).startswith("Obiezioni: 2 su 4 presenti.")
    assert returned("en", Tally(4, 3, 1, 1)) == "In time 1 of 4 who were there approved: 3 were needed."
