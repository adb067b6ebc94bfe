"""`sagewatch backtest` on an endpoint with a past.

moto has metrics and their plain statistics. It evaluates no expressions and no percentiles: for those, an event hook
answers GetMetricData in place of CloudWatch.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from click.testing import Result
from typer.testing import CliRunner

from sagewatch.policy.parse import read_policy
from sagewatch.policy.rules import AlarmRule
from sagewatch_cli.main import app
from tests.integration.conftest import Fleet

MINUTE, HOUR = 60, 3600
VARIANT = [{"Name": "EndpointName", "Value": "churn"}, {"Name": "VariantName", "Value": "AllTraffic"}]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["backtest", *arguments])


def found(*arguments: str) -> dict[str, Any]:
    result = run("endpoint/churn", "--format", "json", *arguments)
    assert result.exit_code == 0, result.output
    data: dict[str, Any] = json.loads(result.stdout)
    return data


def alarm(data: Mapping[str, Any], name: str, *fields: str) -> dict[str, Any]:
    one = next(each for each in data["alarms"] if each["alarm"] == name)
    return {field: one[field] for field in fields}


def published(metric: str, *values: float, namespace: str = "/aws/sagemaker/Endpoints", ago: int = HOUR) -> None:
    """Publish a value a minute, from some seconds ago on."""
    begin = int(time.time()) // MINUTE * MINUTE - ago
    boto3.client("cloudwatch").put_metric_data(
        Namespace=namespace,
        MetricData=[
            {"MetricName": metric, "Dimensions": VARIANT, "Timestamp": begin + n * MINUTE, "Value": value}
            for n, value in enumerate(values)
        ],
    )


class Past:
    """CloudWatch's GetMetricData: answers each query by a function, in pages of some queries, and keeps what it got."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, answer: Callable[[dict[str, Any]], Any], page: int = 500
    ) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answer, self.page, self.status = answer, page, "Complete"
        make = boto3.session.Session.client

        def made(session: Any, service: str, *args: Any, **kwargs: Any) -> Any:
            client = make(session, service, *args, **kwargs)
            if service == "cloudwatch":
                client.meta.events.register("before-parameter-build.cloudwatch.GetMetricData", self._keep)
                client.meta.events.register("before-call.cloudwatch.GetMetricData", self._play)
            return client

        monkeypatch.setattr(boto3.session.Session, "client", made)

    def _keep(self, params: dict[str, Any], **_: Any) -> None:
        self.asked.append(dict(params))

    def _play(self, **_: Any) -> tuple[SimpleNamespace, dict[str, Any]]:
        asked = self.asked[-1]
        shown = [each for each in asked["MetricDataQueries"] if each.get("ReturnData", True)]
        first = int(asked.get("NextToken", 0))
        rest = {"NextToken": str(first + self.page)} if first + self.page < len(shown) else {}
        results = [self._result(each) for each in shown[first : first + self.page]]
        return SimpleNamespace(status_code=200), {
            "MetricDataResults": results,
            "ResponseMetadata": {"HTTPStatusCode": 200},
            **rest,
        }

    def _result(self, query: dict[str, Any]) -> dict[str, Any]:
        pairs = self.answer(query) or {}
        times = [datetime.fromtimestamp(at, UTC) for at in pairs]
        return {"Id": query["Id"], "Timestamps": times, "Values": list(pairs.values()), "StatusCode": self.status}


def test_a_metric_that_was_high_for_ten_minutes_would_have_fired_once(fleet: Fleet) -> None:
    fleet.endpoint()
    published("MemoryUtilization", *[50.0] * 20, *[95.0] * 10, *[50.0] * 20)

    data = found()

    assert alarm(data, "memory", "fit", "fired", "seconds", "longest", "peak_in_words") == {
        "fit": "fits",
        "fired": 1,
        "seconds": 6 * MINUTE,
        "longest": 6 * MINUTE,
        "peak_in_words": "95 %",
    }
    assert alarm(data, "disk", "fit", "fired", "peak") == {"fit": "no data", "fired": 0, "peak": None}
    assert data["proposals"] == []


def test_what_is_too_noisy_gets_a_proposal_that_the_policy_accepts(fleet: Fleet) -> None:
    fleet.endpoint()
    published("OverheadLatency", *[470_000.0] * 120, namespace="AWS/SageMaker", ago=2 * HOUR)

    data = found("--days", "1")

    assert alarm(data, "overhead-latency", "fit", "fired", "seconds") == {
        "fit": "noisy",
        "fired": 1,
        "seconds": 110 * MINUTE,
    }
    assert data["proposals"] == [
        {
            "alarm": "overhead-latency",
            "threshold": "500ms",
            "tag": "sagewatch:overhead-latency=500ms",
            "would": [{"fired": 0, "seconds": 0, "longest": 0, "share": 0.0}],
        }
    ]
    assert read_policy(data["policy"]).alarms == (
        AlarmRule(kind="endpoint", resource="churn", alarm="overhead-latency", threshold="500ms"),
    )


def test_the_proposal_suits_when_it_is_followed(fleet: Fleet, tmp_path: Path) -> None:
    fleet.endpoint()
    published("OverheadLatency", *[470_000.0] * 120, namespace="AWS/SageMaker", ago=2 * HOUR)
    policy = tmp_path / "policy.yaml"

    policy.write_text(found("--days", "1")["policy"])

    after = found("--days", "1", "--policy", str(policy))
    assert alarm(after, "overhead-latency", "threshold", "fit", "fired") == {
        "threshold": 500_000.0,
        "fit": "fits",
        "fired": 0,
    }


def test_the_deployed_policy_counts_and_so_do_tags(fleet: Fleet) -> None:
    fleet.endpoint(**{"sagewatch:disk": "60"})
    text = "alarms: [{alarm: memory, threshold: 99%}]"
    boto3.client("ssm").put_parameter(Name="/sagewatch/sagewatch/policy", Value=text, Type="String")

    data = found()

    assert [alarm(data, name, "threshold") for name in ("memory", "disk")] == [{"threshold": 99.0}, {"threshold": 60.0}]


def test_expressions_are_left_to_cloudwatch(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet.endpoint()
    at = int(time.time()) // 300 * 300 - HOUR
    past = Past(monkeypatch, lambda query: {at: 40.0, at + 300: 0.0} if "Expression" in query else {}, page=3)

    data = found()

    shares = [alarm(data, name, "fired", "seconds", "peak") for name in ("errors-5xx", "model-errors")]
    assert shares == [{"fired": 1, "seconds": 300, "peak": 40.0}] * 2
    assert {
        each["Expression"].replace(each["Id"], "q")
        for call in past.asked
        for each in call["MetricDataQueries"]
        if "Expression" in each
    } >= {
        "IF((q_requests >= 20) AND (q_errors >= 5), 100 * q_errors / q_requests, 0)",
        "IF(q_errors >= 5, 100 * q_errors / q_requests, 0)",
    }


def test_three_slow_windows_in_a_row_are_one_episode(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which percentile a window is judged by is part of the expression, which CloudWatch evaluates."""
    fleet.endpoint()
    at = int(time.time()) // 300 * 300 - HOUR

    def answer(query: dict[str, Any]) -> dict[int, float]:
        slow = "samples >= 300" in query.get("Expression", "").replace(f"{query['Id']}_", "")
        return {at + n * 300: 1_500_000.0 for n in range(4)} if slow else {}

    Past(monkeypatch, answer)

    data = found("--days", "1")

    assert alarm(data, "latency-p99", "fired", "seconds", "undecided") == {
        "fired": 1,
        "seconds": 4 * 300,
        "undecided": 0.0,
    }


def test_what_is_asked_is_what_alarms_look_at_once_for_each_period(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.endpoint()
    past = Past(monkeypatch, lambda _: {})
    now = datetime.now(UTC).timestamp()

    data = found("--days", "15")

    lengths = [
        {query["MetricStat"]["Period"] for query in call["MetricDataQueries"] if "MetricStat" in query}
        for call in past.asked
    ]
    # A period whose points are more than one call may ask for takes several.
    assert list(dict.fromkeys(map(frozenset, lengths))) == [{60}, {300}, {1800}, {3600}]
    oldest = {
        min(length): now - call["StartTime"].timestamp() for length, call in zip(lengths, past.asked, strict=True)
    }
    # CloudWatch has no minutes from before fifteen days ago; for the others the alarms look back at what was before.
    assert 15 * 86_400 - 3 * MINUTE < oldest[60] <= 15 * 86_400
    assert oldest[300] > 15 * 86_400
    assert oldest[3600] > 16 * 86_400
    assert data["metrics"] == sum("MetricStat" in query for call in past.asked for query in call["MetricDataQueries"])


def test_pages_make_one_past_and_are_charged_each(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet.endpoint()
    at = int(time.time()) // 3600 * 3600 - 2 * HOUR
    whole = Past(monkeypatch, lambda _: {at: 99.0})
    once = found()
    whole.page = 1

    data = found()

    assert data["alarms"] == once["alarms"]
    assert data["metrics"] > once["metrics"]


def test_what_cloudwatch_could_not_read_is_not_taken_for_silence(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet.endpoint()
    Past(monkeypatch, lambda _: {}).status = "InternalError"

    result = run("endpoint/churn")

    assert result.exit_code == 1
    assert "InternalError" in result.stderr


def test_what_a_tag_says_cannot_steer_a_terminal(fleet: Fleet) -> None:
    fleet.endpoint(**{"sagewatch:cpu": "[bold]much\x1b]0;owned\x07"})

    result = run("endpoint/churn")

    assert "[bold]much" in result.stdout
    assert {"\x1b", "\x07"}.isdisjoint(result.stdout)


def test_people_get_a_table(fleet: Fleet) -> None:
    fleet.endpoint()
    published("MemoryUtilization", *[95.0] * 10)

    text = run("endpoint/churn").stdout

    assert text.startswith("Account 123456789012, us-east-1, alarms under sagewatch/, no stack of ours\nendpoint/churn")
    assert text.splitlines()[1].startswith("endpoint/churn: the last 7 days, until ")
    assert "  memory" in text
    assert "No data, so never fired: AllTraffic/errors-5xx, " in text
    assert "Asked CloudWatch for " in text


@pytest.mark.parametrize("ref", ["churn", "endpoint/", "wheel/churn", "notebook/churn"])
def test_what_is_no_kind_and_name_is_wrong_usage(ref: str) -> None:
    result = run(ref)

    assert result.exit_code == 2
    assert "is not kind/name" in " ".join(result.stderr.split())


def test_a_resource_that_is_not_there_is_exit_code_3() -> None:
    result = run("endpoint/nope")

    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == ("There is no endpoint nope in account 123456789012, us-east-1.\nSW-503 (docs/errors.md)\n")


def test_a_resource_that_is_ignored_is_exit_code_4(fleet: Fleet) -> None:
    fleet.endpoint(**{"sagewatch:ignore": "true"})

    result = run("endpoint/churn")

    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr.startswith("endpoint/churn gets no alarms: ")


def test_a_broken_policy_is_exit_code_5(fleet: Fleet, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("alarms: [{alarm: memory, threshold: plenty}]")

    result = run("endpoint/churn", "--policy", str(policy))

    assert (result.exit_code, result.stdout) == (5, "")
    assert str(policy) in result.stderr


@pytest.mark.parametrize("days", ["0", "16"])
def test_days_that_cloudwatch_does_not_keep_are_wrong_usage(days: str) -> None:
    assert run("endpoint/churn", "--days", days).exit_code == 2
