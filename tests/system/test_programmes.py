"""Scenarios B and C, told to the whole platform: programmes from their frame to their report. What reports say is
worked out again here, from lists that know nothing of reports and from what the story put in."""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from pypdf import PdfReader

from deploy.local.scenarios import communities, palestre
from deploy.local.story import Client, Platform, Story
from tests.system.stack import running

pytestmark = pytest.mark.timeout(900)

THERE = ("present", "remote")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    home = tmp_path_factory.mktemp("programmes") / "home"
    with running(home, TRAMA_CLOCK="2025-03-24T08:00") as stack:
        told = Story(Platform(stack.url, home / "clock.json", stack.environment), tell=lambda _: None)
        for scenario in (palestre, communities):
            scenario.tell(told)
        yield told


def secretariat(story: Story, network: str) -> Client:
    return story.client(story.token("secretariat", network))


def figures(story: Story, point: str) -> dict[str, Any]:
    found: dict[str, Any] = story.points[point]["figures"]
    return found


def report(client: Client, network: str) -> tuple[Any, dict[str, Any]]:
    """The network's only report, and the chapters of its JSON."""
    (made,) = client.all(f"/events/v1/networks/{network}/reports")
    return made, client.get(made["json_href"])["chapters"]


def rolls(client: Client, network: str) -> dict[str, list[Any]]:
    """Who was recorded how at each meeting that was held, by its id."""
    held = client.all(f"/events/v1/networks/{network}/meetings", state="held")
    return {one["id"]: client.get(f"/events/v1/meetings/{one['id']}/attendance")["items"] for one in held}


def test_every_check_of_the_story_held(story: Story) -> None:
    assert story.failures == []
    assert set(story.points) == {"B1", "B2", "B3", "B4", "B5", "C1", "C2", "C3", "C4"}


def test_b1_eighteen_meetings_of_six_groups_and_not_one_more(story: Story) -> None:
    found = figures(story, "B1")
    assert found["even_split"] == [3] * 6
    assert found["split_by_hand"] == [4, 4, 4, 2, 2, 2]
    assert found["meetings_planned"] == 18
    assert found["a_nineteenth"] == found["after_the_end"] == (409, "outside-series")


def test_b2_ninety_five_bodies_whose_shares_are_never_forced_to_a_hundred(story: Story) -> None:
    client = secretariat(story, "palestre")
    _, chapters = report(client, "palestre")
    kinds = Counter(one["kind"] for one in client.all("/registry/v1/networks/palestre/organisations"))
    groups = chapters["composition"]["groups"]
    assert [group["share"]["count"] for group in groups] == [
        sum(kinds[kind] for kind in group["kinds"]) for group in palestre.GROUPS
    ]
    counts = [group["share"]["count"] for group in groups]
    rounded = [group["share"]["percent"] for group in groups]
    assert rounded == [int(Fraction(100 * count, 95) + Fraction(1, 2)) for count in counts]
    assert (sum(counts), chapters["composition"]["percent_sum"]) == (95, sum(rounded))
    assert sum(rounded) == 101


def test_b3_contributions_are_counted_and_their_synthesis_has_versions(story: Story) -> None:
    found = figures(story, "B3")
    assert found["contributions"] == [12] * 4
    assert found["versions"] == [1, 2]
    client = secretariat(story, "palestre")
    _, chapters = report(client, "palestre")
    (collection,) = client.all("/events/v1/networks/palestre/collections")
    said = client.all(f"/events/v1/collections/{collection['id']}/contributions")
    tagged = Counter((one["theme"]["code"], tag) for one in said for tag in one["tags"])
    (collected,) = chapters["contributions"]["collections"]
    assert collected["contributions"] == len(said) == palestre.SAID
    assert sum(cell["count"] for cell in collected["cells"] if cell["tag"] != "untagged") == sum(tagged.values())


def test_b4_the_figures_of_9960_scores_are_those_of_the_scores(story: Story) -> None:
    found = figures(story, "B4")
    assert (found["scores"], found["voted"], found["shown_as"]) == (9_960, (83, 95), (83, 95))
    client = secretariat(story, "palestre")
    (ballot,) = client.all("/events/v1/networks/palestre/ballots")
    voters = [one for one in client.all(f"/events/v1/ballots/{ballot['id']}/voters") if one["cohort"]]
    given: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, voter in enumerate(voters):
        for cell in palestre.CELLS:
            given[voter["cohort"], cell].append(palestre.score(number, cell))
            given["all", cell].append(palestre.score(number, cell))
    _, chapters = report(client, "palestre")
    (crossed,) = chapters["crossings"]["items"]
    answered = {one["code"]: one["respondents"]["count"] for one in crossed["cohorts"]}
    assert answered == {**palestre.VOTING, "no_cohort": 0}, "twelve were called in no cohort, and none of them voted"
    names = dict(zip(palestre.CELLS, product(*palestre.GRID.values()), strict=True))
    means = {(cohort, names[cell]): Fraction(sum(s), len(s)) for (cohort, cell), s in given.items()}
    for best in crossed["best"]:
        cohort = best["cohort"] or "all"
        mine = means[cohort, (best["field"], best["need"], best["resource"])]
        assert best["mean"] == pytest.approx(float(mine), abs=1e-4)
        rivals = [mean for (of, (field, _, _)), mean in means.items() if of == cohort and field == best["field"]]
        assert mine == max(rivals), f"{best} is not the best of its field"
        assert best["tied"] == (rivals.count(mine) > 1)


def test_b5_page_pdf_and_json_are_public_and_say_the_same(story: Story) -> None:
    client, anyone = secretariat(story, "palestre"), story.client()
    made, chapters = report(client, "palestre")
    lists = rolls(client, "palestre").values()
    presences = sum(one["mode"] in THERE for roll in lists for one in roll)
    people = {one["person"]["id"] for roll in lists for one in roll if one["mode"] in THERE}
    said = chapters["participation"]
    assert (said["held"], said["presences"], said["people"]) == (18, presences, len(people))
    pdf = anyone.send("GET", f"{made['public_href']}.pdf")
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf.content)).pages)
    page = anyone.send("GET", made["public_href"], headers={"Accept": "text/html"}).text
    for figure in (str(presences), "9.960", "57", *palestre.GRID["fields"]):
        assert figure in text, f"{figure} is not in the PDF"
        assert figure in page, f"{figure} is not on the page"
    assert made["document_sha256"] in "".join(text.split())


def test_c1_thirty_meetings_inside_their_quotas(story: Story) -> None:
    found = figures(story, "C1")
    assert found["meetings"] == {"remote": 25, "in_person": 5}
    refused = (409, "outside-series")
    assert (found["a_seventh"], found["a_second_in_presence"], found["past_the_end"]) == (refused,) * 3
    assert found["after_an_extension"] == ("draft", "2027-09-10")
    client = secretariat(story, "opes")
    held = client.all("/events/v1/networks/opes/meetings", state="held")
    by_body = Counter((one["body"]["id"], one["mode"]) for one in held)
    assert sorted(by_body.values()) == [1] * 5 + [5] * 5
    assert all("2026-04-07" <= one["day"] <= "2027-08-06" for one in held)


def test_c2_practices_are_found_by_theme_and_territory_and_taken_up_by_others(story: Story) -> None:
    client, others = secretariat(story, "opes"), secretariat(story, communities.NEIGHBOURS)
    register = client.all("/learning/v1/networks/opes/practices")
    written = {(one["title"], *one["themes"], one["territory"]) for one in register}
    assert written == {(title, theme, region) for title, theme, region in communities.PRACTICES.values()}
    shown = others.all(f"/learning/v1/networks/{communities.NEIGHBOURS}/practices", shared="true")
    assert {one["id"] for one in shown} == {one["id"] for one in register}
    assert all(one["author"] is None for one in shown), "who wrote it stays in its network"
    taken = Counter(one["practice"]["name"] for one in client.all("/learning/v1/networks/opes/adoptions"))
    taken += Counter(
        one["practice"]["name"] for one in others.all(f"/learning/v1/networks/{communities.NEIGHBOURS}/adoptions")
    )
    assert {one["title"]: one["adoptions"] for one in register if one["adoptions"]} == dict(taken)
    assert sum(taken.values()) == 2


def test_c4_the_gap_closed_is_that_of_the_answers(story: Story) -> None:
    """Of each community the points that were missing before, and how many of them came: counted from the answers."""
    client = secretariat(story, "opes")
    _, chapters = report(client, "opes")
    told = {
        (one["competence"], one["group"]["name"]): (one["n"], one["gain"])
        for one in chapters["knowledge"]["items"]
        if one["group"]["name"] in communities.COMMUNITIES
    }
    wanted = {}
    for nth, title in enumerate(communities.COMPETENCES.values()):
        for number, name in enumerate(communities.COMMUNITIES):
            answers = [
                [communities.level(number, member, nth, phase) for member in range(6)] for phase in ("before", "after")
            ]
            missing, still = (sum(5 - answer for answer in one) for one in answers)
            wanted[title, name] = (6, round(1 - still / missing, 4))
    assert told == wanted
    (made,) = client.all("/learning/v1/networks/opes/assessments")
    results = client.all(f"/learning/v1/assessments/{made['id']}/results")
    (whole,) = (one for one in results if one["of"] == "all" and one["title"] == "Co-progettazione")
    assert whole["n"] == 30
    assert all(one["n"] is None or one["n"] >= 5 for one in results)


def test_c3_the_chapters_are_those_of_the_registrys_outcomes(story: Story) -> None:
    client = secretariat(story, "opes")
    _, chapters = report(client, "opes")
    outcomes = client.all("/registry/v1/networks/opes/outcomes")
    kinds = Counter(one["kind"] for one in outcomes)
    assert chapters["forms"]["count"] == kinds["organisational_form"] + kinds["management_model"]
    assert chapters["partnerships"]["count"] == kinds["partnership"]
    where = Counter(one["body"]["name"] for one in outcomes if one["kind"] == "intervention")
    told = {one["community"]["name"]: one["count"] for one in chapters["interventions"]["by_community"]}
    assert told == {name: where[name] for name in communities.COMMUNITIES}
    four = ("knowledge", "forms", "partnerships", "interventions")
    assert not any(chapters[code]["empty"] for code in four)
    lists = rolls(client, "opes").values()
    presences = Counter(one["mode"] for roll in lists for one in roll)
    assert chapters["participation"]["presences"] == presences["present"] + presences["remote"]
