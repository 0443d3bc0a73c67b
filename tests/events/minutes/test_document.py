"""The text of minutes: what it says, and that it says the same again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.events.minutes.document import Attendee, Decided, Figures, Material, Voted, compose, plain

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
