from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sagewatch.model import Ref
from sagewatch.watch.echoes import Echoes, LastLook

CHURN, OTHER = Ref("endpoint", "churn"), Ref("endpoint", "other")
NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
ALARM = "sagewatch/endpoint/churn/blue/cpu"


def changed(operation: str = "delete", alarm: Any = ALARM) -> dict[str, Any]:
    return {"detail": {"operation": operation, "alarmName": alarm}}


@pytest.mark.parametrize(
    ("look", "event", "sent", "explained"),
    [
        (LastLook(NOW, live=True, deleted=(ALARM,)), changed(), NOW + timedelta(seconds=2), True),
        (LastLook(NOW, live=True, deleted=(ALARM,)), changed("update"), NOW + timedelta(seconds=2), False),
        (LastLook(NOW, live=True, deleted=(ALARM,)), changed(), NOW + timedelta(seconds=61), False),
        (LastLook(NOW, live=True, deleted=()), changed(), NOW + timedelta(seconds=2), False),
        (LastLook(NOW, live=False, deleted=()), changed(), NOW - timedelta(seconds=2), True),
        (LastLook(NOW, live=False, deleted=()), changed(), datetime.fromtimestamp(0, UTC), False),
        (LastLook(NOW, live=False, deleted=()), {"kind": "endpoint", "name": "churn"}, NOW, False),
        (LastLook(NOW, live=True, deleted=(ALARM,)), changed(alarm=["cpu"]), NOW, False),
    ],
    ids=["ours", "an edit", "too late", "a person's", "gone", "no time", "no event", "odd"],
)
def test_a_deletion_is_explained_by_the_last_look(
    look: LastLook, event: dict[str, Any], sent: datetime, explained: bool
) -> None:
    echoes = Echoes()
    echoes.learn(CHURN, look)

    assert echoes.explain(event, CHURN, sent) is explained


def test_a_later_look_and_a_minute_take_the_place_of_a_look() -> None:
    echoes = Echoes()
    echoes.learn(CHURN, LastLook(NOW, live=False, deleted=()))
    echoes.learn(CHURN, LastLook(NOW + timedelta(seconds=5), live=True, deleted=()))
    anew = echoes.explain(changed(), CHURN, NOW + timedelta(seconds=6))
    echoes.learn(OTHER, LastLook(NOW + timedelta(seconds=90), live=True, deleted=()))

    assert not anew
    assert set(echoes.looks) == {OTHER}
