"""Which notice counts: the body's own, the network's, the platform's."""

from __future__ import annotations

import pytest
from uuid_utils.compat import uuid7

from services.events.notices.rules import NoticeRule, asked

NETWORK = uuid7()


def rule(days: int, assembly_days: int | None = None) -> NoticeRule:
    return NoticeRule(uuid7(), NETWORK, days, assembly_days)


@pytest.mark.parametrize(
    ("kind", "of_body", "of_network", "days"),
    [
        (None, None, None, 0),
        ("working_group", None, None, 0),
        ("assembly", None, None, 8),
        ("working_group", None, rule(3, 10), 3),
        ("assembly", None, rule(3, 10), 10),
        ("assembly", None, rule(3), 8),
        (None, None, rule(3, 10), 3),
        ("assembly", None, rule(3, 0), 0),
        ("assembly", rule(15), rule(3, 10), 15),
        ("working_group", rule(0), rule(3), 0),
    ],
)
def test_the_nearest_rule_counts(
    kind: str | None, of_body: NoticeRule | None, of_network: NoticeRule | None, days: int
) -> None:
    assert asked(kind, of_body, of_network) == days
