"""The order of the regions, without a database."""

from hypothesis import given
from hypothesis import strategies as st

from services.mapping.ranking.rules import Figures, Reason, rank


def region(name: str, organisations: int, organised: int = 0, population: int = 1000) -> Figures:
    return Figures(name[:2], name, organisations, organised, population)


def test_presence_decides_before_organisation() -> None:
    places = rank([region("Lazio", 5, 5), region("Lombardia", 6, 0)])
    assert [(p.rank, p.figures.name, p.reason) for p in places] == [
        (1, "Lombardia", Reason.PRESENCE),
        (2, "Lazio", Reason.LAST),
    ]


def test_equal_presence_is_decided_by_organisation() -> None:
    places = rank([region("Lazio", 6, 1), region("Molise", 6, 2)])
    assert [(p.rank, p.figures.name, p.reason) for p in places] == [
        (1, "Molise", Reason.ORGANISATION),
        (2, "Lazio", Reason.LAST),
    ]


def test_ties_share_a_rank_and_the_next_one_is_skipped() -> None:
    places = rank([region("Lazio", 6, 1), region("Molise", 6, 1), region("Umbria", 7), region("Veneto", 2)])
    assert [(p.rank, p.figures.name, p.tied_with) for p in places] == [
        (1, "Umbria", ()),
        (2, "Lazio", ("Mo",)),
        (2, "Molise", ("La",)),
        (4, "Veneto", ()),
    ]
    assert places[1].reason is places[2].reason is Reason.TIE


def test_within_a_tie_the_more_populous_is_shown_first_then_by_name() -> None:
    places = rank([region("Umbria", 1, population=900), region("Lazio", 1, population=900), region("Veneto", 1)])
    assert [p.figures.name for p in places] == ["Veneto", "Lazio", "Umbria"]
    assert {p.rank for p in places} == {1}


def test_regions_without_anybody_stay_in_the_list() -> None:
    places = rank([region("Molise", 0), region("Lazio", 1), region("Umbria", 0, population=5)])
    assert [(p.rank, p.figures.name, p.reason) for p in places] == [
        (1, "Lazio", Reason.PRESENCE),
        (2, "Molise", Reason.NOBODY),
        (2, "Umbria", Reason.NOBODY),
    ]


FIGURES = st.lists(
    st.builds(
        Figures,
        st.text(min_size=1, max_size=2),
        st.text(max_size=3),
        st.integers(0, 3),
        st.integers(0, 2),
        st.integers(1, 3),
    ),
    unique_by=lambda f: f.region,
)


@given(FIGURES)
def test_a_rank_is_one_more_than_the_regions_ahead(regions: list[Figures]) -> None:
    places = rank(regions)
    assert sorted(p.figures.region for p in places) == sorted(r.region for r in regions)
    for place in places:
        ahead = [r for r in regions if r.score > place.figures.score]
        assert place.rank == len(ahead) + 1
        assert set(place.tied_with) == {
            r.region for r in regions if r.score == place.figures.score and r.region != place.figures.region
        }
