"""Metric math as the CloudWatch User Guide documents it ("Math expressions with metrics"), table by table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from sagewatch_cli.scenarios.expression import BadExpressionError, Value, parsed

type Line = Sequence[Value]

MISSING = None


def computed(text: str, **series: Line) -> list[Value]:
    """Return the points of an expression over series of one length, oldest first."""
    compute = parsed(text)
    length = max(len(line) for line in series.values())

    def looking(at: int) -> Value:
        def look(name: str, back: int) -> Value:
            if name == "PERIOD":
                return 60.0
            return series[name][at - back] if at >= back else None

        return compute(look, 0)

    return [looking(at) for at in range(length)]


TWO: Mapping[str, Line] = {"metric1": (30, 20, 0, 0), "metric2": (20, MISSING, 20, MISSING)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(metric1 < metric2)", [0, 0, 1, 0]),
        ("(metric1 >= 30)", [1, 0, 0, 0]),
        ("(metric1 > 15 AND metric2 > 15)", [1, 0, 0, 0]),
        ("(metric1 > 15 && metric2 > 15)", [1, 0, 0, 0]),
    ],
)
def test_comparison_and_logical_operators_answer_as_in_their_table(text: str, expected: list[Value]) -> None:
    assert computed(text, **TWO) == expected


THREE: Mapping[str, Line] = {
    "metric1": (1, 1, 0, 0, MISSING),
    "metric2": (30, MISSING, 0, 0, 30),
    "metric3": (0, 0, 20, MISSING, 20),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("IF(metric1, metric2, metric3)", [30, 0, 20, 0, MISSING]),
        ("IF(metric1, 5, metric3)", [5, 5, 20, MISSING, MISSING]),
        ("IF(metric1, metric2, 5)", [30, 0, 5, 5, MISSING]),
        ("IF(metric1, metric2)", [30, 0, MISSING, MISSING, MISSING]),
    ],
)
def test_if_answers_as_in_its_tables(text: str, expected: list[Value]) -> None:
    assert computed(text, **THREE) == expected


@pytest.mark.parametrize(
    ("text", "series", "expected"),
    [
        ("m1 - m2", {"m1": (5, 5, MISSING, MISSING), "m2": (2, MISSING, 2, MISSING)}, [3, 5, -2, MISSING]),
        ("100 * m1 / m2", {"m1": (1, 1, 1), "m2": (4, 0, MISSING)}, [25, MISSING, MISSING]),
        ("-5*m1 + 2^3", {"m1": (1,)}, [3]),
        ("1 + 2 * 3 - 4 / m1", {"m1": (2,)}, [5]),
        ("FILL(m1, 0)", {"m1": (MISSING, 3)}, [0, 3]),
        ("FILL(m1, REPEAT)", {"m1": (3, MISSING, MISSING)}, [3, 3, 3]),
        ("MAX([m1, m2])", {"m1": (1, MISSING, MISSING), "m2": (2, 2, MISSING)}, [2, 2, MISSING]),
        ("SUM([m1, m2])", {"m1": (1, MISSING), "m2": (2, 2)}, [3, 2]),
        ("AVG([m1, m2])", {"m1": (1, MISSING), "m2": (3, 2)}, [2, 1]),
        ("SUM(100/[m1, m2])", {"m1": (2,), "m2": (4,)}, [75]),
        ("MIN(ABS([m1, -m2]))", {"m1": (-3,), "m2": (4,)}, [3]),
        ("RATE(m1)", {"m1": (0, 60, MISSING, 180)}, [MISSING, 1, MISSING, 1]),
        ("DIFF(m1)", {"m1": (1, 4)}, [MISSING, 3]),
        ("m1 / PERIOD(m1)", {"m1": (120,)}, [2]),
        ("IF(m1 >= 5 AND 100 * m2 / m1 > 50, 1, 0)", {"m1": (4, 6, MISSING), "m2": (4, 4, 9)}, [0, 1, MISSING]),
    ],
)
def test_functions_treat_missing_points_as_documented(
    text: str, series: Mapping[str, Line], expected: list[Value]
) -> None:
    assert computed(text, **series) == expected


@pytest.mark.parametrize(
    "text", ["", "m1 +", "(m1", "MAX(m1)", "SEARCH(m1)", "1 + 2", "[m1, m2]", "M1 + 1", "m1 $ 2", "FILL(m1)", "m1 m2"]
)
def test_what_an_alarm_cannot_watch_is_refused(text: str) -> None:
    with pytest.raises(BadExpressionError):
        parsed(text)
