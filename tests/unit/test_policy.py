from dataclasses import replace

from sagewatch.kinds.endpoint import ENDPOINT
from sagewatch.model import Severity
from sagewatch.policy import Tuned, tuned

LATENCY = next(spec for spec in ENDPOINT.specs if spec.id == "latency-p99")
CPU = next(spec for spec in ENDPOINT.specs if spec.id == "cpu")
ROWS = (LATENCY, CPU)


def test_without_tags_the_rows_stay_as_they_are() -> None:
    assert tuned(ROWS, {"team": "fraud"}) == Tuned(ROWS)


def test_ignore_leaves_no_rows() -> None:
    for value in ("true", "True", " yes "):
        assert tuned(ROWS, {"sagewatch:ignore": value}) == Tuned(())


def test_an_ignore_that_says_no_changes_nothing() -> None:
    assert tuned(ROWS, {"sagewatch:ignore": "false"}) == Tuned(ROWS)


def test_an_ignore_that_cannot_be_understood_is_reported_and_the_resource_is_watched() -> None:
    said = "tag sagewatch:ignore: 'maybe' is neither true nor false; it is not ignored"

    assert tuned(ROWS, {"sagewatch:ignore": "maybe"}) == Tuned(ROWS, (said,))


def test_a_value_sets_the_threshold_in_the_unit_of_the_metric() -> None:
    wanted = Tuned((replace(LATENCY, threshold=800_000), replace(CPU, threshold=70)))

    assert tuned(ROWS, {"sagewatch:latency-p99": "800ms", "sagewatch:cpu": "70"}) == wanted


def test_off_takes_the_row_away() -> None:
    assert tuned(ROWS, {"sagewatch:cpu": "OFF"}) == Tuned((LATENCY,))


def test_a_severity_goes_for_every_row() -> None:
    wanted = tuple(replace(row, severity=Severity.INFO) for row in ROWS)

    assert tuned(ROWS, {"sagewatch:severity": "info"}) == Tuned(wanted)


def test_what_cannot_be_understood_leaves_the_default_and_is_reported() -> None:
    tags = {"sagewatch:latency-p99": "90%", "sagewatch:severity": "high", "sagewatch:latency": "1s"}

    assert tuned(ROWS, tags) == Tuned(
        ROWS,
        (
            "tag sagewatch:severity: 'high' is none of critical, warning, info",
            "tag sagewatch:latency-p99: '90%' has the wrong unit; write 800ms or 2.5s; the default stays",
            "tag sagewatch:latency: there is no such alarm for this kind of resource",
        ),
    )
