"""What a report says of what was gathered, in JSON, in words and on paper."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4
from xml.etree import ElementTree

import pypdf
import pytest

from services.events.reports import charts, commands, document, pages, wording
from services.events.reports.document import (
    Attended,
    Decision,
    Document,
    Group,
    Left,
    Material,
    Measured,
    Meeting,
    Organisation,
    Scored,
    Subject,
)
from shared import typesetting
from shared.typesetting import checksum

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BODIES = [uuid4() for _ in range(5)]
KINDS = {"association": 57, "community_foundation": 11, "csv": 10, "cooperative": 4, "municipality": 2, "firm": 11}


def subject(**given: Any) -> Subject:
    known: dict[str, Any] = {
        "kind": "series", "id": uuid4(), "title": "Palestre di capacità", "network_id": uuid4(), "network": "Rete",
        "language": "it", "since": date(2026, 1, 1), "last_day": date(2026, 12, 31), "programmes": ["Palestre"],
        "bodies": BODIES,
    }  # fmt: skip
    return Subject(**(known | given))


def material(about: Subject | None = None, **given: Any) -> Material:
    return Material(about or subject(), {id_: f"Comunità {n}" for n, id_ in enumerate(BODIES, 1)}, **given)


def organisations(kinds: dict[str, int] = KINDS, *, invited: bool = True, **given: Any) -> list[Organisation]:
    return [
        Organisation(uuid4(), kind, "E507", invited, **given) for kind, count in kinds.items() for _ in range(count)
    ]


def composed(given: Material, groups: Sequence[Group] = ()) -> Document:
    return document.compose(given, id_=uuid4(), number=1, title="Relazione", groups=groups, made_at=NOW)


def printed(said: Document) -> str:
    content = commands.written(said)
    view = wording.present(said, checksum(content))
    pdf = typesetting.pdf(pages.TEMPLATE, view.data(), NOW.date())
    assert "pdfuaid:part" in metadata(pdf)
    return " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def metadata(pdf: bytes) -> str:
    root: Any = pypdf.PdfReader(io.BytesIO(pdf)).trailer["/Root"]
    return str(root["/Metadata"].get_object().get_data().decode())


def flat(text: str) -> str:
    """Without what a line's end does to words."""
    return re.sub(r"\s+", "", text.replace("\u00ad", "").replace("-\n", ""))


def test_the_composition_counts_each_invited_organisation_once_in_five_groups() -> None:
    came_only = organisations({"school": 3}, invited=False)
    said = composed(material(organisations=[*organisations(), *came_only], delegates=95)).chapters.composition
    assert (said.organisations, said.delegates, said.empty) == (95, 95, None)
    assert [(one.code, one.share.count, one.share.percent) for one in said.groups] == [
        ("associations", 57, 60), ("community_foundations", 11, 12), ("csv", 10, 11),
        ("cooperatives_and_public", 6, 6), ("others", 11, 12),
    ]  # fmt: skip
    assert {one.share.of for one in said.groups} == {95}
    assert said.percent_sum == 101
    assert {one.kind: one.share.count for one in said.by_kind} == KINDS


def test_groups_that_are_asked_for_take_each_organisation_once_in_their_order() -> None:
    aps = organisations({"association": 51}, sections=("aps",))
    others = [*organisations({"association": 6, "csv": 10}, sections=()), *organisations({"cooperative": 5})]
    groups = [Group("APS e ODV", ["association"], ["aps", "odv"]), Group("Associazioni", ["association"]),
              Group("Sezioni", [], ["aps"])]  # fmt: skip
    said = composed(material(organisations=[*aps, *others]), groups).chapters.composition
    assert [(one.title, one.share.count) for one in said.groups] == [
        ("APS e ODV", 51), ("Associazioni", 6), ("Sezioni", 0), (None, 15),
    ]  # fmt: skip
    assert sum(one.share.count for one in said.groups) == said.organisations == 72


def test_a_meeting_without_a_quorum_and_its_second_call_are_one_meeting() -> None:
    meetings = [
        Meeting(uuid4(), BODIES[0], "held", "remote", 1, False),
        Meeting(uuid4(), BODIES[0], "held", "remote", 2, True),
        Meeting(uuid4(), BODIES[1], "held", "in_person", 1, True),
        Meeting(uuid4(), BODIES[1], "cancelled", "in_person", 1, None),
        Meeting(uuid4(), BODIES[1], "convened", "hybrid", 1, None),
    ]
    ente = organisations({"csv": 1})
    attended = [
        Attended(ente[0].id, BODIES[0], "remote", "remote", False, 3),
        Attended(ente[0].id, BODIES[1], "in_person", "present", False, 2),
        Attended(None, BODIES[1], "in_person", "present", True, 4),
        Attended(ente[0].id, BODIES[1], "in_person", "excused", False, 5),
        Attended(ente[0].id, BODIES[1], "in_person", "absent", False, 6),
    ]
    said = composed(material(meetings=meetings, attended=attended, organisations=ente)).chapters.participation
    assert (said.held, said.second_calls, said.without_quorum, said.cancelled, said.to_come) == (2, 1, 1, 1, 1)
    assert (said.presences, said.remote, said.guests, said.excused, said.absent) == (9, 3, 4, 5, 6)
    assert [(one.mode, one.meetings, one.presences) for one in said.by_mode] == [
        ("in_person", 1, 6), ("remote", 1, 3), ("hybrid", 0, 0),
    ]  # fmt: skip
    assert [(one.body.name, one.meetings, one.presences) for one in said.by_body][:3] == [
        ("Comunità 1", 1, 3), ("Comunità 2", 1, 6), ("Comunità 3", 0, 0),
    ]  # fmt: skip
    assert [(one.kind, one.organisations, one.presences) for one in said.by_kind] == [("csv", 1, 5)]
    assert [(one.territory.name, one.presences) for one in said.by_territory] == [("Lombardia", 5)]


def test_decisions_say_what_became_of_them() -> None:
    def decision(state: str = "adopted", due: date | None = date(2026, 3, 1), *commitment: Any) -> Decision:
        return Decision(uuid4(), "Fare", "action", "Comitato", date(2026, 2, 1), due, state, *commitment)

    given = [
        decision("adopted", date(2026, 3, 1), "fulfilled", date(2026, 3, 1)),
        decision("adopted", date(2026, 3, 1), "fulfilled", date(2026, 3, 2)),
        decision("adopted", date(2026, 3, 1), "late"),
        decision("adopted", date(2026, 3, 1), "open"),
        decision("adopted", date(2026, 3, 1), "waived"),
        decision("adopted", date(2026, 3, 1)),
        decision("adopted", None),
        decision("lapsed"),
        decision("proposed"),
    ]
    said = composed(material(decisions=given, ballots={"carried": 2})).chapters.decisions
    assert (said.adopted, said.lapsed, said.proposed) == (7, 1, 1)
    owed = said.owed
    assert (owed.made, owed.kept.count, owed.kept.of, owed.kept.percent, owed.kept_in_time) == (6, 2, 6, 33, 1)
    assert (owed.late, owed.open, owed.waived, owed.not_yet_known) == (1, 1, 1, 1)


def test_chapters_with_nothing_to_say_are_there_and_say_why() -> None:
    said = composed(material(subject(project_id=None)))
    reasons = {chapter.code: chapter.empty for chapter in said.chapters.each()}
    assert reasons == {
        "participation": "no_meeting_held", "composition": "nobody_invited", "decisions": "no_decision_adopted",
        "contributions": "none_contributed", "crossings": "no_crossing_closed", "knowledge": "none_measured",
        "forms": "no_project", "partnerships": "no_project", "interventions": "no_project",
    }  # fmt: skip
    shown = wording.present(said, "0" * 64)
    assert [section.code for section in shown.sections] == list(document.CHAPTERS)
    assert all(section.empty and len(section.lines) == 1 and not section.sheets for section in shown.sections)
    of_project = composed(material(subject(project_id=uuid4())))
    assert of_project.chapters.forms.empty == "none_recorded"


def test_outcomes_are_counted_by_community_zeroes_included() -> None:
    def left(kind: str, body: UUID | None, territory: str | None = None) -> Left:
        return Left(uuid4(), kind, "Esito", body, territory, date(2026, 5, 5), True)

    given = [
        left("organisational_form", BODIES[0]),
        left("management_model", BODIES[0], "D150"),
        left("organisational_form", None, "D150"),
        left("intervention", BODIES[1]),
    ]
    chapters = composed(material(subject(project_id=uuid4()), outcomes=given)).chapters
    found = [(one.community.name, one.count) for one in chapters.forms.by_community]
    assert found == [("Comunità 1", 2), *((f"Comunità {n}", 0) for n in range(2, 6)), ("Cremona", 1)]
    assert [(one.code, one.count) for one in chapters.forms.by_community[0].by_kind] == [
        ("organisational_form", 1), ("management_model", 1),
    ]  # fmt: skip
    assert (chapters.forms.count, chapters.partnerships.count, chapters.interventions.count) == (3, 0, 1)
    assert (chapters.partnerships.empty, chapters.forms.empty) == ("none_recorded", None)


def full(language: str = "it", title: str = "Piantare <alberi> & «siepi»") -> Material:
    everybody = organisations()
    return material(
        subject(project_id=uuid4(), project="Progetto", language=language),
        meetings=[Meeting(uuid4(), BODIES[0], "held", "remote", 1, True)],
        attended=[Attended(everybody[0].id, BODIES[0], "remote", "remote", False, 37)],
        people=31,
        organisations=everybody,
        delegates=95,
        decisions=[
            Decision(uuid4(), title, "action", "Comitato", date(2026, 2, 1), date(2026, 3, 1), "adopted", "late")
        ],
        crossings=[
            Scored(
                uuid4(), "Incroci", "closed", 120, 9_960, 83, 83,
                [
                    {"code": "a", "title": "APS e ODV", "respondents": 51, "entitled": 51},
                    {"code": "b", "title": "Fondazioni e CSV", "respondents": 32, "entitled": 32},
                ],
                [{"cohort": "a", "field": "Energie", "need": "Casa", "resource": "Fondi", "n": 51, "mean": 7.456,
                  "tied": False}],
                0,
            )
        ],
        gaps=[Measured("Bilancio", "Leggere un bilancio", BODIES[2], None, None, 12, 40.0, 70.0, 0.5)],
        outcomes=[Left(uuid4(), "intervention", "Orto", BODIES[1], None, date(2026, 3, 3), True)],
    )  # fmt: skip


def test_eighty_three_of_ninety_five_are_shown_as_such() -> None:
    crossing = composed(full()).chapters.crossings.items[0]
    assert (crossing.respondents.count, crossing.respondents.of) == (83, 83)
    shown = crossing.of_organisations
    assert (shown.count, shown.of, shown.percent) == (83, 95, 87)
    assert [(one.title, one.respondents.count, one.respondents.of) for one in crossing.cohorts] == [
        ("APS e ODV", 51, 51), ("Fondazioni e CSV", 32, 32),
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["it", "en"])
def test_the_pdf_shows_every_line_and_cell_that_the_page_shows(language: str) -> None:
    """Both are made of the same view of the JSON; text is compared without what line ends do to it."""
    said = composed(full(language))
    view = wording.present(said, checksum(commands.written(said)))
    text = flat(printed(said))
    for section in view.sections:
        assert flat(section.heading) in text
        for line in section.lines:
            assert flat(line) in text
        for sheet in section.sheets:
            for row in sheet.rows:
                assert all(flat(cell) in text for cell in row), row
    assert flat("83 di 95 (87 %)" if language == "it" else "83 of 95 (87 %)") in text
    assert checksum(commands.written(said)) in text
    assert flat("9.960" if language == "it" else "9,960") in text


def test_what_somebody_wrote_is_printed_and_drawn_and_never_executed() -> None:
    hostile = '"><script>alert(1)</script> #read("/etc/passwd") $x$ *b*'
    drawing = charts.bars([charts.Bar(hostile, 2, hostile), charts.Bar("b", 0, "0")], hostile)
    ElementTree.fromstring(drawing)
    assert "<script" not in drawing
    assert flat(hostile) in flat(printed(composed(full(title=hostile))))


def test_a_bar_is_as_long_as_its_part_of_the_longest() -> None:
    drawing = charts.bars([charts.Bar("a", 4, "4"), charts.Bar("b", 1, "1"), charts.Bar("c", 0, "0")], "t")
    widths = [int(width) for width in re.findall(rf'width="(\d+)" height="16" fill="{charts.FILL}"', drawing)]
    assert widths == [640, 160]


def test_the_same_json_is_read_back_as_it_was_written() -> None:
    said = composed(full())
    content = commands.written(said)
    assert commands.written(Document.model_validate_json(content)) == content
