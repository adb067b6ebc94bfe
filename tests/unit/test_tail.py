"""What `sagewatch events tail` makes of the lines that the functions log."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from sagewatch_cli.account.events import Activity, activity_of
from sagewatch_cli.commands.events import line

AT = 1_767_960_000_000
TRACE = 'Traceback (most recent call last):\n  File "app.py"\nsagewatch.errors.Retry: describe_endpoint churn: denied'


def said(function: str, **logged: Any) -> tuple[str, bool] | None:
    """Return the words for what a function logged, and whether it is a failure."""
    found = activity_of(function, AT, json.dumps({"level": "INFO", "service": function, **logged}))
    return (found.said, found.failed) if found else None


@pytest.mark.parametrize(
    ("logged", "words"),
    [
        ({"live": True, "put": 13, "deleted": 0}, "endpoint/churn · 13 alarms put"),
        ({"live": True, "put": 1, "deleted": 2}, "endpoint/churn · 1 alarm put, 2 alarms deleted"),
        ({"live": True, "put": 0, "deleted": 0}, "endpoint/churn · nothing to change"),
        ({"live": False, "put": 0, "deleted": 0}, "endpoint/churn · gone, nothing left to delete"),
        (
            {"live": True, "put": 2, "foreign": ["sagewatch/x"], "reports": ["tag sagewatch:x: no such alarm"]},
            "endpoint/churn · 2 alarms put, 1 alarm of others left alone, tag sagewatch:x: no such alarm",
        ),
    ],
)
def test_reconcile_says_what_it_wrote(logged: dict[str, Any], words: str) -> None:
    assert said("reconcile", message="reconciled", ref="endpoint/churn", **logged) == (words, False)


@pytest.mark.parametrize(
    ("logged", "words"),
    [
        ({"full": False}, "sweep · 41 live, 40 watched, 1 named"),
        (
            {"full": True, "foreign": ["a", "b"], "withheld": ["endpoint/idle"]},
            "full sweep · 41 live, 40 watched, 1 named, 2 of others under our prefix, no budget for endpoint/idle",
        ),
    ],
)
def test_the_sweep_says_what_it_saw(logged: dict[str, Any], words: str) -> None:
    assert said("sweep", message="swept", live=41, watched=40, named=1, **logged) == (words, False)


def test_notify_says_whom_it_told_of() -> None:
    assert said("notify", message="told", ref="endpoint/churn", state="firing") == ("told endpoint/churn firing", False)


@pytest.mark.parametrize(
    ("about", "begins"),
    [({"ref": "endpoint/churn", "message_id": "m1"}, "endpoint/churn"), ({"message_id": "m1"}, "message m1")],
)
def test_a_failure_says_its_error_and_what_it_is_about(about: dict[str, Any], begins: str) -> None:
    found = said("reconcile", **{**about, "level": "WARNING", "message": "skipping this record", "exception": TRACE})

    assert found == (f"{begins} · sagewatch.errors.Retry: describe_endpoint churn: denied", True)


@pytest.mark.parametrize(
    ("logged", "words"),
    [
        (
            {
                "message": "failed",
                "error": "Retry",
                "code": "SW-101",
                "reason": "list_tags: throttled",
                "ref": "endpoint/a",
            },
            "endpoint/a · Retry: list_tags: throttled (SW-101)",
        ),
        (
            {"message": "ToldByFallback", "because": "Slack answered 200 invalid_auth", "code": "SW-204"},
            "ToldByFallback: Slack answered 200 invalid_auth (SW-204)",
        ),
        ({"message": "odd"}, "odd"),
    ],
)
def test_a_failure_that_was_expected_says_its_reason_and_its_code(logged: dict[str, Any], words: str) -> None:
    assert said("notify", level="WARNING", **logged) == (words, True)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "[ERROR] Runtime.ImportModuleError: no module\nTraceback",
            ("[ERROR] Runtime.ImportModuleError: no module", True),
        ),
        (
            "2026-01-09 1234 Task timed out after 60.00 seconds",
            ("2026-01-09 1234 Task timed out after 60.00 seconds", True),
        ),
        ('{"type": "platform.report", "record": {"status": "timeout"}}', ("Lambda ended it: timeout", True)),
        (
            '{"type": "platform.report", "record": {"status": "error", "errorType": "Runtime.OutOfMemory"}}',
            ("Lambda ended it: Runtime.OutOfMemory", True),
        ),
        ('{"level": "ERROR", "errorMessage": "ALARM_PREFIX is not set"}', ("ALARM_PREFIX is not set", True)),
        ('{"level": "INFO", "message": {"odd": 1}}', ('{"odd": 1}', False)),
    ],
)
def test_what_lambda_says_of_a_function_that_died_is_a_failure(message: str, expected: tuple[str, bool]) -> None:
    found = activity_of("notify", AT, message)

    assert found is not None
    assert (found.said, found.failed) == expected


@pytest.mark.parametrize(
    "message",
    [
        "START RequestId: 1 Version: $LATEST",
        "REPORT RequestId: 1 Duration: 3 ms",
        "",
        '{"_aws": {"Timestamp": 1}, "AlarmsPut": 1}',
        '{"type": "platform.start", "record": {}}',
        '{"type": "platform.report", "record": {"status": "success"}}',
    ],
)
def test_what_lambda_says_of_every_invocation_is_left_out(message: str) -> None:
    assert activity_of("sweep", AT, message) is None


def test_programs_get_all_that_was_logged() -> None:
    logged = {"level": "INFO", "message": "told", "ref": "endpoint/churn", "state": "firing", "key": "k"}

    found = activity_of("notify", AT, json.dumps(logged))

    assert found is not None
    assert found.data() == {
        "at": "2026-01-09T12:00:00.000+00:00",
        "where": "notify",
        "said": "told endpoint/churn firing",
        "failed": False,
        "logged": logged,
    }


def test_a_line_has_the_local_time_and_is_red_when_it_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        failed = line(Activity(at=AT, where="notify", said="no\x1b[2Jpe", failed=True))
    finally:
        monkeypatch.undo()
        time.tzset()

    assert failed.plain == "21:00:00  notify     no [2Jpe"
    assert [str(each.style) for each in failed.spans] == ["dim", "cyan", "red"]
