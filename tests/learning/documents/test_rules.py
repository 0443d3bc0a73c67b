"""What is true of documents and their files, without a database."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from deploy.local.papers import PLAN_OF_LECCO, paper, pdf
from services.learning.documents import child, downloads, uploads
from services.learning.documents.commands import in_parts, to_readers
from services.learning.documents.downloads import Asked, RangeUnfit, disposition, span
from services.learning.documents.kinds import EICAR, LARGEST
from services.learning.documents.queries import BEGIN, END, marked
from services.learning.documents.rules import (
    Document,
    Edition,
    FileTooLarge,
    HarmfulFile,
    Kind,
    NotPossibleNow,
    State,
    Unfit,
    Visibility,
    expired,
    file_name_of,
    kept_until,
    valid_on,
)
from services.learning.documents.store import Place, documents_kept_at, place_of
from shared.sniffing import OFFICE
from tests.learning.documents import files

NOW, TODAY = datetime(2030, 3, 1, 12, tzinfo=UTC), date(2030, 3, 1)


def document(**more: object) -> Document:
    return Document(uuid7(), "Piano", Kind.PLAN, NOW, **more)  # type: ignore[arg-type]


def edition(name: str, media_type: str = "application/pdf", size: int = 1000) -> Edition:
    return Edition(uuid7(), 1, name, media_type, size, "ab" * 32, NOW)


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("empty", b""),
        ("kind", b"<!doctype html><script>alert(1)</script>"),
        ("kind", b"\xef\xbb\xbf  <html>"),
        ("kind", b"MZ\x90\x00\x03"),
        ("kind", files.archive(a_txt="x")),
        ("damaged", files.PLAN[: len(files.PLAN) * 2 // 3]),
        ("damaged", b"%PDF-1.7\nnothing\n%%EOF\n"),
        ("damaged", files.DOCX[:-40]),
        ("damaged", b"\x89PNG\r\n\x1a\n" + bytes(100)),
        ("polyglot", files.PLAN + files.archive(a_js="x")),
        ("polyglot", files.PLAN + b"<script>alert(1)</script>"),
        ("locked", files.locked("segreto")),
        ("locked", files.locked("")),
        ("active", files.with_script()),
        ("active", files.with_object(b"<< /S /Launch /F (a.exe) >>")),
        ("active", files.with_object(b"<< /S /J#61vaScript /J#53 (x) >>")),
        ("active", files.hidden(b"<< /S /JavaScript /JS (x) >>")),
        ("macros", files.archive(word__document_xml="<x/>", word__vbaProject_bin="x")),
    ],
)
def test_what_no_document_is_or_does_is_refused_by_its_reason(code: str, content: bytes) -> None:
    with pytest.raises(child.Refused) as refused:
        child.check(content)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("media_type", "pages", "content"),
    [
        ("application/pdf", 2, files.PLAN),
        ("application/pdf", 2, files.PLAN + b"\r\n\0\n"),
        ("application/pdf", 1, pdf("Guida", ["Che cos'è /JavaScript e /Launch"], 40_000)),
        ("application/pdf", 2, files.hidden(b"<< /Title (JavaScript) >>")),
        (f"{OFFICE}wordprocessingml.document", None, files.DOCX),
        ("text/plain", None, "Verbale n. 3\nè approvato".encode()),
    ],
)
def test_what_is_whole_is_taken_for_what_it_holds(media_type: str, pages: int | None, content: bytes) -> None:
    assert child.check(content) == {"media_type": media_type, "pages": pages}


def test_words_are_read_of_pages_of_paragraphs_and_of_plain_text() -> None:
    first, second = child.text_of(files.PLAN, "application/pdf")
    assert (child.cleaned(first), child.cleaned(second)) == (
        "Il piano di zona dell'ambito di Lecco.",
        "La domiciliarità degli anziani è una priorità.",
    )
    assert list(child.text_of(files.DOCX, f"{OFFICE}wordprocessingml.document")) == [
        "Il tavolo di sistema\nsi riunisce\n"
    ]
    assert list(child.text_of(b"\xef\xbb\xbfuno due", "text/plain")) == ["uno due"]


@given(st.text(st.sampled_from("ab \n"), max_size=20_000))
def test_passages_are_the_text_and_none_is_long(words: str) -> None:
    cut = list(child.passages(words))
    assert "".join(cut) == words
    assert all(0 < len(one) <= child.PASSAGE for one in cut)


def test_the_seven_papers_of_lecco_have_their_sizes() -> None:
    assert [size for _, size, _ in PLAN_OF_LECCO] == [
        630_000, 3_660_000, 2_290_000, 5_750_000, 4_700_000, 450_000, 1_340_000
    ]  # fmt: skip
    for title, size, sentence in PLAN_OF_LECCO:
        made = paper(title, size, sentence, pages=2)
        assert len(made) == size
        assert child.check(made)["pages"] == 2


@given(st.integers(20_000, 20_200))
def test_a_paper_has_exactly_the_size_that_was_asked_for(size: int) -> None:
    assert len(pdf("Prova", ["testo"], size)) == size


@given(st.integers(1, 200))
def test_the_test_virus_is_found_however_it_comes(piece: int) -> None:
    taken, content = uploads.Taken(uuid7(), "a"), b"x" * 97 + EICAR + b"y" * 50

    def comes() -> None:
        for at in range(0, len(content), piece):
            taken.passed(content[at : at + piece])

    with pytest.raises(HarmfulFile):
        comes()


def test_a_file_may_have_50_mb_and_no_byte_more() -> None:
    taken = uploads.Taken(uuid7(), "a")
    taken.size = LARGEST - 1
    taken.passed(b"x")
    with pytest.raises(FileTooLarge):
        taken.passed(b"x")


@pytest.mark.parametrize(
    ("given_name", "media_type", "kept"),
    [
        ("piano.pdf", "application/pdf", "piano.pdf"),
        ("C:\\atti\\PIANO.PDF", "application/pdf", "PIANO.PDF"),
        ("../../etc/passwd", "text/plain", "passwd.txt"),
        ("avviso.pdf.exe", "application/pdf", "avviso.pdf.exe.pdf"),
        ("script.bat", "text/plain", "script.bat.txt"),
        ('a"\r\nX: 1\0.pdf', "application/pdf", 'a"X: 1.pdf'),
        (".pdf", "application/pdf", "file.pdf"),
        ("x" * 300 + ".pdf", "application/pdf", "x" * 116 + ".pdf"),
    ],
)
def test_a_file_is_called_by_its_own_name_with_the_ending_of_what_it_is(
    given_name: str, media_type: str, kept: str
) -> None:
    assert file_name_of(given_name, media_type) == kept


def test_what_a_browser_may_not_show_is_kept_and_no_name_breaks_the_header() -> None:
    assert disposition(edition("Città.pdf")) == "inline; filename=\"Citt_.pdf\"; filename*=UTF-8''Citt%C3%A0.pdf"
    assert disposition(edition('a"b.txt', "text/plain")).startswith('attachment; filename="a_b.txt"')


# --- ranges ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        (Asked(), None),
        (Asked("bytes=0-9"), (0, 10)),
        (Asked("bytes=990-"), (990, 1000)),
        (Asked("bytes=-10"), (990, 1000)),
        (Asked("bytes=-5000"), (0, 1000)),
        (Asked("bytes=0-5000"), (0, 1000)),
        (Asked("bytes=999-999"), (999, 1000)),
        (Asked("bytes=9-0"), None),
        (Asked("bytes=-"), None),
        (Asked("bytes=0-1,5-6"), None),
        (Asked("pages=1-2"), None),
        (Asked("bytes=0-9", '"tag"'), (0, 10)),
        (Asked("bytes=0-9", '"another"'), None),
    ],
)
def test_a_range_is_given_as_http_says(asked: Asked, part: tuple[int, int] | None) -> None:
    assert span(asked, 1000, '"tag"') == part


@pytest.mark.parametrize("range_", ["bytes=1000-", "bytes=1000-1001", "bytes=-0"])
def test_what_the_file_does_not_have_is_refused(range_: str) -> None:
    with pytest.raises(RangeUnfit):
        span(Asked(range_), 1000, '"tag"')


# --- what is said of them --------------------------------------------------------------------------------------------


def test_only_what_was_found_is_markup() -> None:
    assert marked(f"a <b> {BEGIN}x & y{END}\n c") == "a &lt;b&gt; <mark>x &amp; y</mark> c"


def test_a_period_is_half_open() -> None:
    since, until = date(2021, 1, 1), date(2024, 1, 1)
    assert valid_on(since, until, since)
    assert valid_on(since, until, date(2023, 12, 31))
    assert not valid_on(since, until, until)
    assert not valid_on(since, until, date(2020, 12, 31))
    assert valid_on(None, None, until)


def test_files_are_kept_through_their_last_day() -> None:
    assert not expired(TODAY, TODAY)
    assert expired(TODAY, date(2030, 3, 2))
    assert not expired(None, TODAY)
    assert kept_until(TODAY) == datetime(2030, 3, 1, 23, tzinfo=UTC)  # midnight in Rome


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/until", {"since": TODAY, "until": TODAY}),
        ("/body_id", {"visibility": Visibility.BODY}),
        ("/retained_until", {"retained_until": date(2030, 2, 28)}),
    ],
)
def test_what_does_not_hold_together_is_refused_by_field(path: str, more: dict[str, object]) -> None:
    with pytest.raises(Unfit) as refused:
        document(**more).check(TODAY, more)
    assert refused.value.path == path


def test_a_day_that_has_passed_since_is_no_reason_to_refuse_another_change() -> None:
    one = document(retained_until=date(2030, 2, 28))
    assert one.change(TODAY, title="Altro")
    assert not one.change(TODAY, title="Altro")


def test_what_is_withdrawn_is_not_revised_and_what_is_erased_is_not_changed() -> None:
    one = document()
    assert one.next_edition() == 1
    assert one.actions() == ["change", "erase", "revise", "withdraw"]
    one.withdraw(TODAY)
    assert (one.state, one.withdrawn_on, one.actions()) == (State.WITHDRAWN, TODAY, ["change", "erase"])
    with pytest.raises(NotPossibleNow):
        one.next_edition()
    with pytest.raises(NotPossibleNow):
        one.withdraw(TODAY)
    assert one.erase(TODAY) is False
    assert one.actions() == []
    with pytest.raises(NotPossibleNow):
        one.change(TODAY, title="Altro")


@given(st.integers(0, 3_500))
def test_all_readers_are_told_once_a_thousand_at_most_at_a_time(count: int) -> None:
    people = [UUID(int=number) for number in range(count)]
    parts = in_parts(people)
    assert [one for part in parts for one in part] == people
    assert all(0 < len(part) <= 1_000 for part in parts)


def test_readers_of_an_edition_are_told_by_the_same_facts_however_often() -> None:
    one, people = document(edition=2), [UUID(int=number) for number in range(1_001)]
    first, again = to_readers(one, people), to_readers(one, people)
    assert [fact.id for fact in first] == [fact.id for fact in again]
    assert len({fact.id for fact in first}) == 2
    assert len(first[0].model_dump_json()) < 64_000


# --- where files are -------------------------------------------------------------------------------------------------


def test_a_folder_or_a_bucket_is_named_by_its_address() -> None:
    assert place_of("/srv/trama") == place_of("file:///srv/trama") == Place(Path("/srv/trama"))
    assert place_of("s3://atti/lecco?endpoint=https://minio.example:9000&region=eu-south-1") == Place(
        None, "atti", "lecco", "https://minio.example:9000", "eu-south-1"
    )
    assert place_of("https://s3.example/atti") == Place(None, "atti", "", "https://s3.example")


@pytest.mark.parametrize(
    "url",
    [
        "documents",
        "ftp://host/x",
        "s3://",
        "s3://key:SEGRETO@bucket",
        "https://key:SEGRETO@host/bucket",
        "s3://bucket?endpoint=https://key:SEGRETO@host",
        "s3://bucket?secret=SEGRETO",
        "https://host",
        "file://host/x",
    ],
)
def test_another_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match=r"must|keys|know") as refused:
        place_of(url)
    assert "SEGRETO" not in str(refused.value)


def test_a_folder_that_cannot_be_one_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="in, a file"):
        documents_kept_at(str(tmp_path / "file" / "documents"))
    assert documents_kept_at(str(tmp_path / "new" / "documents")).endswith("documents")


def test_a_link_is_good_for_minutes() -> None:
    assert downloads.VALID.total_seconds() == 900
