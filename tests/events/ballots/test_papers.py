"""One's own paper of a grid: saved, cast, cast again; refused cell by cell; entered for somebody; from a file."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import Any

import httpx
import pytest

from shared.access.roles import Level
from tests.events.ballots.forum import APS_ODV, MOTION, OTHERS, SMALL, Forum, keys, put
from tests.events.hall import Hall
from tests.events.room import Caller, Room, problem

pytestmark = pytest.mark.timeout(240)
FULL = {key: place % 10 + 1 for place, key in enumerate(keys(SMALL))}


def errors(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return [(one["path"], one["code"]) for one in answer.json()["errors"]]


async def test_a_draft_is_resumed_and_counts_only_when_it_is_cast(room: Room) -> None:
    forum = await Forum.small(room)
    ballot = await forum.grid()
    empty = await forum.paper(ballot, 0)
    assert (empty["state"], empty["cells"], empty["version"], empty["of"]) == ("empty", None, 0, 8)
    draft = await forum.put(ballot, 0, {"state": "draft", "cells": {"1.1.1": 7, "1.1.2": None}})
    assert (draft.status_code, draft.headers["etag"]) == (200, '"1"')
    resumed = await forum.paper(ballot, 0)
    assert (resumed["state"], resumed["cells"]) == ("draft", {"1.1.1": 7, "1.1.2": "no_opinion"})
    assert (await room.found(f"/ballots/{ballot['id']}"))["cast"] == 0
    cast = await forum.put(ballot, 0, {"state": "cast", "cells": FULL}, 1)
    assert (cast.json()["state"], cast.json()["answered"], cast.headers["etag"]) == ("cast", 8, '"2"')
    beside = await forum.put(ballot, 0, {"state": "draft", "cells": {"2.2.2": 1}}, 2)
    assert (beside.json()["state"], beside.json()["voted"], beside.headers["etag"]) == ("draft", True, '"3"')
    assert (await forum.close(ballot))["cast"] == 1
    (counted,) = await room.items(f"/ballots/{ballot['id']}/votes")
    assert counted["cells"] == FULL


async def test_a_paper_cast_again_replaces_the_one_before(room: Room) -> None:
    forum = await Forum.small(room)
    ballot = await forum.grid()
    await forum.cast(ballot, 0, cells=FULL)
    again = await forum.put(ballot, 0, {"state": "cast", "cells": {"1.1.1": 2}}, 1)
    assert again.status_code == 200, again.text
    await forum.close(ballot)
    (one,) = await room.items(f"/ballots/{ballot['id']}/votes")
    assert one["cells"] == {"1.1.1": 2}
    assert [fact for fact, _ in await forum.told("voter")].count("voted") == 1


@pytest.mark.parametrize("score", [0, 11, -1, 7.5, 7.0, "8", True, "", [5], {"a": 1}, 10**30, "no opinion"])
async def test_what_is_no_score_is_refused_and_its_cell_named(room: Room, score: Any) -> None:
    forum = await Forum.small(room, 1)
    ballot = await forum.grid()
    refused = await forum.put(ballot, 0, {"state": "cast", "cells": {"1.1.1": 5, "2.1.2": score}})
    assert errors(refused) == [("/cells/2.1.2", "score")]
    assert "from 1 to 10" in refused.json()["errors"][0]["accepted"]
    assert (await forum.paper(ballot, 0))["state"] == "empty"


async def test_every_wrong_cell_is_named_and_unknown_and_repeated_ones_too(room: Room) -> None:
    forum = await Forum.small(room, 1)
    ballot = await forum.grid()
    cells = {"1.1.1": 0, "9.9.9": 5, "a/b~c": 5, "1.1.2": 11, "2.2.2": 3}
    refused = await forum.put(ballot, 0, {"state": "draft", "cells": cells})
    assert errors(refused) == [
        ("/cells/1.1.1", "score"),
        ("/cells/9.9.9", "unknown"),
        ("/cells/a~1b~0c", "unknown"),
        ("/cells/1.1.2", "score"),
    ]
    twice = '{"state": "cast", "cells": {"1.1.1": 4, "1.2.1": 6, "1.1.1": 5}}'
    assert errors(await forum.put(ballot, 0, twice)) == [("/cells/1.1.1", "duplicate")]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        "{",
        '{"state": "cast"}',
        '{"state": "sent", "cells": {}}',
        '{"state": "cast", "cells": []}',
        '{"state": "cast", "cells": {}, "vote": "yes"}',
        '{"state": "cast", "choice": [1]}',
        '{"state": "cast", "cells": {"1.1.1": 5}, "more": 1}',
        '{"state": "cast", "cells": {"1.1.1": ' + "[" * 900 + "]" * 900 + "}}",
        '{"state": "cast", "cells": {"\\u0000": 5}}',
        '{"state": "cast", "cells": {"\\ud800": 5}}',
        '{"state": "cast", "cells": {"1.1.1": NaN}}',
        '{"state": "cast", "cells": {"1.1.1": 1e999}}',
    ],
)
async def test_hostile_papers_are_refused(room: Room, body: str) -> None:
    forum = await Forum.small(room, 1)
    ballot = await forum.grid()
    answer = await forum.put(ballot, 0, body)
    assert 400 <= answer.status_code < 500, answer.text
    assert (await forum.paper(ballot, 0))["state"] == "empty"


async def test_a_paper_is_changed_only_as_it_was_seen(room: Room) -> None:
    forum = await Forum.small(room, 1)
    ballot = await forum.grid()
    body = {"state": "cast", "cells": FULL}
    assert problem(await forum.put(ballot, 0, body, None)) == (428, "if-match-missing")
    assert problem(await forum.put(ballot, 0, body, 3)) == (412, "version-mismatch")
    await forum.cast(ballot, 0, cells=FULL)
    assert problem(await forum.put(ballot, 0, body, 0)) == (412, "version-mismatch")


async def test_of_two_casts_at_once_one_is_taken(room: Room) -> None:
    forum = await Forum.small(room, 1)
    ballot = await forum.grid()
    bodies = [{"state": "cast", "cells": {"1.1.1": score}} for score in range(1, 7)]
    answers = await asyncio.gather(*(forum.put(ballot, 0, body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412, 412]
    taken = next(place for place, answer in enumerate(answers) if answer.status_code == 200)
    assert (await forum.paper(ballot, 0))["cells"] == {"1.1.1": taken + 1}
    assert (await room.found(f"/ballots/{ballot['id']}"))["cast"] == 1


async def test_nobody_writes_anothers_paper(room: Room) -> None:
    forum = await Forum.small(room, 2)
    ballot = await forum.grid()
    voter = (await forum.voters(ballot))[0]["id"]
    body = {"state": "cast", "cells": FULL}
    others, path = forum.delegates[1].caller, f"/ballots/{ballot['id']}/papers"
    assert problem(await put(others, f"{path}/{voter}", body)) == (403, "forbidden")
    assert problem(await put(others, f"{path}/me?of={voter}", body)) == (403, "not-your-vote")
    assert problem(await others.get(f"{path}/{voter}")) == (403, "forbidden")
    assert problem(await put(room, f"{path}/me", body)) == (403, "not-your-vote")
    assert problem(await put(room, f"{path}/{room.id}", body)) == (404, "not-found")
    stranger = room.person_calling(room.id)
    assert (await stranger.get(f"{path}/me")).status_code == 403


async def test_a_ballot_asks_for_the_identity_that_it_says(room: Room) -> None:
    forum = await Forum.small(room, 1)
    ballot = await forum.ballot(level="oidc")
    body = {"state": "cast", "vote": "yes"}
    refused = await forum.put(ballot, 0, body)
    assert problem(refused) == (403, "identity-too-weak")
    assert refused.json()["errors"][0]["accepted"] == ["oidc"]
    sure = Caller(room.running, room.running.signed_in(forum.delegates[0].person_id, level=Level.OIDC))
    assert (await forum.put(ballot, 0, body, by=sure)).status_code == 200


async def test_what_somebody_wrote_on_paper_is_entered_as_such_but_not_over_their_own(room: Room) -> None:
    forum = await Forum.small(room, 2)
    ballot = await forum.grid()
    first, second = (one["id"] for one in await forum.voters(ballot))
    path, body = f"/ballots/{ballot['id']}/papers", {"state": "cast", "cells": FULL}
    entered = await put(room, f"{path}/{first}", body)
    assert entered.status_code == 200, entered.text
    assert entered.json()["entered_by"] is not None
    assert (await room.found(f"{path}/{first}"))["cells"] == FULL
    own = await forum.put(ballot, 0, {"state": "cast", "cells": {"1.1.1": 9}}, 1)
    assert own.status_code == 200, own.text
    assert problem(await put(room, f"{path}/{first}", body, 2)) == (409, "voted-themselves")
    assert (await room.found(f"{path}/{first}"))["cells"] is None
    await put(room, f"{path}/{second}", body)
    await forum.close(ballot)
    cast = {one["voter_id"]: (one["entered_by"] is not None, one["cells"]) for one in await votes(forum, ballot)}
    assert cast == {first: (False, {"1.1.1": 9}), second: (True, FULL)}


async def votes(forum: Forum, ballot: Any) -> list[Any]:
    return await forum.room.items(f"/ballots/{ballot['id']}/votes")


async def test_papers_are_entered_from_the_file_that_the_ballot_gives_out(room: Room) -> None:
    forum = await Forum.of(room, [{"sections": ["aps"]}, {"kind": "foundation"}, {}])
    ballot = await forum.grid(cohorts=[APS_ODV, OTHERS])
    path = f"/ballots/{ballot['id']}/papers"
    template = await room.get(f"{path}/template")
    rows = list(csv.DictReader(io.StringIO(template.text.removeprefix("\ufeff"))))
    assert len(rows) == 3 * 8
    for place, row in enumerate(rows[:16]):
        row["score"] = "-" if place == 3 else "" if place == 4 else str(place % 10 + 1)
    taken = await upload(room, path, rows)
    assert (taken.status_code, taken.json()) == (200, {"papers": 2, "replaced": 0, "cells": 15})
    again = await upload(room, path, rows)
    assert again.json() == {"papers": 2, "replaced": 2, "cells": 15}
    await forum.cast(ballot, 2, cells=FULL)
    closed = await forum.close(ballot)
    assert [(one["code"], one["cast"], one["entitled"]) for one in closed["cohorts"]] == [
        ("aps_odv", 1, 1),
        ("others", 2, 2),
    ]
    first = next(one for one in await votes(forum, ballot) if one["voter_id"] == rows[0]["voter"])
    assert first["cells"] == {
        "1.1.1": 1,
        "1.1.2": 2,
        "1.2.1": 3,
        "1.2.2": "no_opinion",
        "2.1.2": 6,
        "2.2.1": 7,
        "2.2.2": 8,
    }


async def test_a_file_is_taken_whole_or_not_at_all(room: Room) -> None:
    forum = await Forum.small(room, 3)
    ballot = await forum.grid()
    path = f"/ballots/{ballot['id']}/papers"
    rows = list(csv.DictReader(io.StringIO((await room.get(f"{path}/template")).text.removeprefix("\ufeff"))))
    await forum.cast(ballot, 1, cells=FULL)
    for row in rows:
        row["score"] = "5"
    rows[0]["score"], rows[1]["score"], rows[2]["need"] = "11", "7.5", "Altro"
    rows[3] |= {"need": "Ascolto", "resource": "Bandi"}
    rows[16]["voter"], rows[17]["voter"] = "nobody", str(room.id)
    refused = await upload(room, path, rows)
    assert set(errors(refused)) == {
        ("/rows/2/score", "score"),
        ("/rows/3/score", "score"),
        ("/rows/4/need", "unknown"),
        ("/rows/5", "duplicate"),
        ("/rows/10/voter", "voted"),
        ("/rows/18/voter", "form"),
        ("/rows/19/voter", "unknown"),
    }
    assert (await room.found(f"/ballots/{ballot['id']}"))["cast"] == 1
    for content in (b"", b"voter,score\nx,1\n", b"\x00\x01\x02", b"voter,field,need,resource,score\n"):
        files = {"file": ("papers.csv", content, "text/csv")}
        answer = await room.running.client.post(f"/events/v1{path}/file", files=files, headers=room.headers)
        assert problem(answer) == (422, "papers-file-unreadable"), content


async def upload(room: Room, path: str, rows: list[dict[str, str]]) -> httpx.Response:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    files = {"file": ("schede.csv", text.getvalue().encode(), "text/csv")}
    return await room.running.client.post(f"/events/v1{path}/file", files=files, headers=room.headers)


async def test_a_grid_is_scored_in_a_meeting_too_by_who_is_there(room: Room) -> None:
    hall = await Hall.opened(room, holders=3, vacant=1)
    asked = {"question": "Quale fonte?", "kind": "grid", "grid": SMALL, "cohorts": [OTHERS]}
    ballot = await room.made(f"{hall.path}/ballots", asked)
    assert (ballot["entitled"], ballot["cohorts"][0]["entitled"]) == (4, 4)
    path = f"/ballots/{ballot['id']}/papers"
    for place in range(2):
        answer = await put(hall.voter(place), f"{path}/me", {"state": "cast", "cells": FULL})
        assert answer.status_code == 200, answer.text
    entered = await put(room, f"{path}/{hall.invitation(2)}", {"state": "cast", "cells": FULL})
    assert entered.status_code == 200, entered.text
    assert (await hall.quorum())["present"] == 3
    closed = await hall.close_ballot(ballot)
    assert (closed["result"]["outcome"], closed["cast"]) == ("scored", 3)
    assert problem(await hall.vote(ballot, 0, "yes")) == (409, "wrong-kind-of-ballot")


async def test_after_its_time_no_paper_is_taken_and_the_ballot_counts_itself(room: Room) -> None:
    forum = await Forum.small(room, 2)
    ballot = await forum.ballot(hours=1)
    await forum.cast(ballot, 0, vote="yes")
    await forum.later(hours=2)
    assert problem(await forum.put(ballot, 1, {"state": "cast", "vote": "no"})) == (409, "ballot-closed")
    shown = await room.found(f"/ballots/{ballot['id']}")
    assert (shown["open"], shown["result"]["outcome"], shown["cast"]) == (False, "carried", 1)
    assert [fact for fact, _ in await forum.told("ballot", ballot["id"])] == ["opened", "closed"]
    assert MOTION["question"] == shown["question"]
