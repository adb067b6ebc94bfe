"""The catalogue: every row, every metric, what becomes of it; and what is generated from it."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest
from typer.testing import CliRunner

from sagewatch.kinds.charts import dashboard_title
from sagewatch.kinds.cluster import CLUSTER
from sagewatch.kinds.endpoint.observe import ENDPOINT
from sagewatch.kinds.feature_group import FEATURE_GROUP
from sagewatch.kinds.inference_component import INFERENCE_COMPONENT
from sagewatch.kinds.kind import Kind, Metric, Spec
from sagewatch.kinds.labeling_job import LABELING_JOB
from sagewatch.kinds.monitoring_schedule import MONITORING_SCHEDULE
from sagewatch.kinds.pipeline import PIPELINE
from sagewatch.kinds.processing_job import PROCESSING_JOB
from sagewatch.kinds.recommender_job import RECOMMENDER_JOB
from sagewatch.kinds.registry import KINDS
from sagewatch.kinds.training_job import TRAINING_JOB
from sagewatch.kinds.transform_job import TRANSFORM_JOB
from sagewatch.model import Description, Published
from sagewatch_cli.commands.catalog import alarms_of, as_data
from sagewatch_cli.main import app
from sagewatch_cli.metrics import (
    MISSPELLINGS,
    DocumentedMetric,
    documented,
)
from scripts import generate
from tests.resources import answering, config, endpoint, observed, pipeline, training_job, variant
from tests.template import resources, template

ROWS = [(kind, spec) for kind in KINDS for spec in kind.specs]
LEVELS = {(kind.name, name): level for kind in KINDS for name, level in kind.levels.items()}
CHARTS = [(kind, chart) for kind in KINDS for chart in kind.charts]
READ = [(kind, spec, metric) for kind, spec in ROWS for metric in spec.metrics]
METRICS = documented()
DATA = "aws/sagemaker/Endpoints/data-metrics"
RECOMMENDER = "/aws/sagemaker/InferenceRecommendationsJobs"
UNITS = {
    "µs": {"Microseconds"},
    "ms": {"Milliseconds"},
    "s": {"Seconds"},
    "%": {"Percent"},
    "% of vCPU": {"Percent"},
    "% of GPU": {"Percent"},
    "% of provisioned units": {"None"},
    "ratio": {"None"},
    "count": {"None", "Count"},
}
SEARCH = re.compile(
    r"""SEARCH\('\{(?P<schema>[^}]+)\}(?: MetricName=(?P<name>"[^"]+"|\w+))?', '(?P<statistic>\w+)'\)"""
)


def said(*arguments: str, columns: int = 80) -> str:
    result = CliRunner().invoke(app, ["catalog", *arguments], env={"COLUMNS": str(columns), "NO_COLOR": "1"})
    assert result.exit_code == 0, result.output
    return result.output


@cache
def body() -> dict[str, Any]:
    written = resources("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]["Fn::Sub"]
    return json.loads(written.replace("${AWS::Region}", "eu-west-1"))  # type: ignore[no-any-return]


def charts() -> list[dict[str, Any]]:
    return [widget["properties"] for widget in body()["widgets"] if widget["type"] == "metric"]


def expressions() -> list[str]:
    return [entry["expression"] for chart in charts() for [entry] in chart["metrics"]]


# ------------------------------------------------------------------------------------------------ the table of metrics
@pytest.mark.parametrize(("kind", "spec"), ROWS, ids=lambda each: getattr(each, "id", getattr(each, "name", "")))
def test_the_dimensions_of_every_level_are_written_down(kind: Kind, spec: Spec) -> None:
    assert spec.level in kind.levels, f"add the level and its dimensions to the levels of {kind.name}"


def test_the_dimensions_of_every_level_are_those_of_its_scopes() -> None:
    two, serverless = {"Containers": [{"Image": "a"}, {"Image": "b"}]}, variant("S", instance=None)
    pool = {"InstancePools": [{"InstanceType": "ml.m5.xlarge"}], "InstanceType": None}
    config_of_two = config(variant("V", **pool), serverless, AsyncInferenceConfig={"OutputConfig": {}})
    by_type = {"EndpointName": "churn", "VariantName": "V", "InstanceType": "ml.m5.xlarge"}
    host = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1}
    worker = {"CognitoUserPool": "pool", "LabelingJob": "label", "WorkerId": "me"}
    read = answering(
        Published("/aws/sagemaker/Endpoints", "CPUUtilization", by_type),
        Published("/aws/sagemaker/TransformJobs", "MemoryUtilization", {"Host": "batch/i-0"}),
        Published("AWS/SageMaker/Workteam", "TasksDeclined", worker),
        Published("AWS/SageMaker/Workteam", "TasksReturned", worker),
        Published("AWS/Sagemaker/LabelingJobs", "JobsFailed", {}),
        Published(DATA, "feature_baseline_drift_age", {"Endpoint": "churn", "MonitoringSchedule": "daily"}),
        Published(RECOMMENDER, "ClientInvocations", {"JobName": "advise", "EndpointName": "sm-epc-1"}),
        describe_endpoint_config=config_of_two,
        describe_model=two,
    )
    described: list[tuple[Kind, Description]] = [
        (ENDPOINT, endpoint(variant("V"), serverless)),
        (INFERENCE_COMPONENT, {"InferenceComponentName": "llm", "EndpointName": "churn"}),
        (TRAINING_JOB, training_job(2)),
        (PROCESSING_JOB, {"ProcessingJobName": "prepare", "ProcessingResources": {"ClusterConfig": host}}),
        (TRANSFORM_JOB, {"TransformJobName": "batch", "TransformResources": host}),
        (PIPELINE, pipeline("Train")),
        (FEATURE_GROUP, {"FeatureGroupName": "people", "OnlineStoreConfig": {"EnableOnlineStore": True}}),
        (LABELING_JOB, {"LabelingJobName": "label"}),
        (RECOMMENDER_JOB, {"JobName": "advise"}),
        (MONITORING_SCHEDULE, {"MonitoringScheduleName": "daily", "MonitoringType": "DataQuality"}),
        (CLUSTER, {"ClusterName": "pod", "Orchestrator": {"Eks": {"ClusterArn": "arn:aws:eks:::cluster/eks"}}}),
    ]

    found = {
        (kind.name, scope.level): {frozenset(dimensions) for dimensions in scope.series}
        for kind, description in described
        for scope in observed(kind, description, read).scopes
    }

    assert found == {name: {frozenset(level.dimensions)} for name, level in LEVELS.items()}


def test_batch_drift_is_found_in_a_namespace_of_its_own() -> None:
    [(namespace, dimensions)] = MONITORING_SCHEDULE.levels["feature"].elsewhere
    batch = Published(namespace, "feature_baseline_drift_age", dict.fromkeys(dimensions, "daily"))

    described = {"MonitoringScheduleName": "daily", "MonitoringType": "DataQuality"}
    [scope] = observed(MONITORING_SCHEDULE, described, answering(batch)).scopes

    assert (scope.namespace, tuple(scope.series[0])) == (namespace, dimensions)


@pytest.mark.parametrize(
    ("kind", "spec", "metric"), READ, ids=[f"{kind.name}-{spec.id}-{metric.name}" for kind, spec, metric in READ]
)
def test_a_row_reads_a_metric_that_is_published_with_exactly_its_dimensions(
    kind: Kind, spec: Spec, metric: Metric
) -> None:
    dimensions = kind.levels[spec.level].dimensions

    [known] = [each for each in METRICS if each.is_read_as(metric.namespace, metric.name, dimensions)]

    assert kind.name in known.kinds
    assert spec.expression or known.unit in UNITS[spec.unit]
    # Percentiles are CloudWatch's own, of whatever is published value by value.
    assert metric.statistic in known.statistics or re.fullmatch(r"p\d+(\.\d+)?", metric.statistic)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: f"{metric.namespace} {metric.name}")
def test_every_metric_has_either_an_alarm_or_a_reason_to_have_none(metric: DocumentedMetric) -> None:
    # The reason of a metric that a row reads is not used.
    assert alarms_of(metric) or re.fullmatch(r"[A-Z][^\n]+\.", metric.reason), (
        f"{metric.kinds[0]}: write a row for {metric.name}, or say in its chart why it has none"
    )


def test_no_misspelling_is_a_metric_or_read_by_a_row() -> None:
    known = {metric.name for metric in METRICS}

    assert not MISSPELLINGS.keys() & known
    assert not MISSPELLINGS.keys() & {metric.name for _, _, metric in READ}
    assert set(MISSPELLINGS.values()) <= known


def test_a_metric_is_described_once_for_each_kind_and_dimension_set() -> None:
    said = [
        (kind.name, chart.namespace, name, names)
        for kind, chart in CHARTS
        for name in chart.metrics
        for names in chart.dimensions
    ]

    assert len(said) == len(set(said))


def test_charts_of_one_metric_agree_on_its_unit() -> None:
    units = {(chart.namespace, name, chart.unit) for _, chart in CHARTS for name in chart.metrics}

    assert len(units) == len(METRICS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_has_charts_or_a_word_why_not(kind: Kind) -> None:
    assert bool(kind.charts) != bool(kind.without_charts), kind.name


# ------------------------------------------------------------------------------------------------ the command
def test_the_json_lists_every_row_in_full() -> None:
    alarms = json.loads(said("--format", "json"))["alarms"]

    assert [(alarm["kind"], alarm["id"]) for alarm in alarms] == [(kind.name, spec.id) for kind, spec in ROWS]
    assert next(alarm for alarm in alarms if alarm["id"] == "executions-failed") == {
        "kind": "pipeline",
        "id": "executions-failed",
        "title": "failed executions",
        "level": "pipeline",
        "metrics": [
            {"namespace": "AWS/Sagemaker/ModelBuildingPipeline", "name": "ExecutionFailed", "statistic": "Sum"}
        ],
        "expression": None,
        "dimensions": ["PipelineName"],
        "comparison": "GreaterThanThreshold",
        "threshold": 0,
        "unit": "count",
        "default": "0",
        "period": 300,
        "periods": 1,
        "datapoints": 1,
        "missing": "notBreaching",
        "severity": "critical",
        "needs": [],
        "why": "What the pipeline makes (a model, a data set) was not made.",
        "do": "Open the execution, read the reason of its first failed step, and retry it from there.",
    }


def test_a_row_over_hosts_says_how_they_are_folded() -> None:
    expressions = {(alarm["kind"], alarm["id"]): alarm["expression"] for alarm in as_data()["alarms"]}

    assert expressions["training-job", "disk"] == "MAX(every Host)"
    assert expressions["endpoint", "errors-5xx"] == "IF((requests >= 20) AND (errors >= 5), 100 * errors / requests, 0)"


def test_a_threshold_is_said_with_its_unit() -> None:
    defaults = {(alarm["kind"], alarm["id"]): alarm["default"] for alarm in as_data()["alarms"]}

    assert defaults["endpoint", "latency-p99"] == "1.00 s"
    assert defaults["endpoint", "cpu"] == "90 % of vCPU"
    assert defaults["training-job", "gpu-stalled"] == "5 % of GPU"


def test_the_json_says_what_becomes_of_every_metric() -> None:
    data = json.loads(said("--format", "json"))
    metrics = {(metric["namespace"], metric["name"]): metric for metric in data["metrics"]}
    ids = {f"{alarm['kind']}/{alarm['id']}" for alarm in data["alarms"]}

    assert len(metrics) == len(data["metrics"]) == len(METRICS)
    for metric in metrics.values():
        if metric["treatment"] == "alarm":
            assert metric["alarms"]
            assert set(metric["alarms"]) <= ids
            assert "reason" not in metric
        else:
            assert metric["treatment"] == "dashboard"
            assert metric["reason"]
            assert "alarms" not in metric
    assert {alarm for metric in metrics.values() for alarm in metric.get("alarms", ())} == ids
    assert metrics["AWS/SageMaker", "InvocationsPerInstance"] == {
        "namespace": "AWS/SageMaker",
        "also": [],
        "name": "InvocationsPerInstance",
        "kinds": ["endpoint"],
        "unit": "None",
        "dimensions": [["EndpointName", "VariantName"]],
        "statistics": ["Sum"],
        "treatment": "dashboard",
        "reason": "It says how much is asked, not how well it is answered; latency and utilisation have alarms for too "
        "much of it.",
    }
    assert data["misspellings"]["MemoryUtilizaton"] == "MemoryUtilization"


@pytest.mark.parametrize("columns", [80, 120])
def test_the_table_shows_every_row_within_the_terminal(columns: int) -> None:
    table = said(columns=columns)

    assert all(spec.id in table for _, spec in ROWS)
    assert max(len(line) for line in table.splitlines()) <= columns


# ------------------------------------------------------------------------------------------------ the dashboard
def test_the_dashboard_is_ascii() -> None:
    """CloudFormation turns what is not ASCII into question marks."""
    assert "\n".join(generate.dashboard()).isascii()


def test_every_metric_is_found_by_a_search_over_its_namespace_and_dimensions() -> None:
    found = {(m["schema"].replace('"', ""), m["name"]) for m in map(SEARCH.fullmatch, expressions()) if m}

    for metric in METRICS:
        for namespace in (metric.namespace, *metric.also):
            for names in metric.dimensions:
                assert (",".join((namespace, *names)), term(metric.name)) in found, metric


def test_every_search_is_one_that_cloudwatch_takes() -> None:
    # CloudWatch User Guide, "Search expression syntax": 1024 characters, 100 expressions in a graph.
    assert all(SEARCH.fullmatch(expression) for expression in expressions())
    assert max(map(len, expressions())) <= 1024
    assert max(len(chart["metrics"]) for chart in charts()) <= 100
    assert len(expressions()) == len(set(expressions()))


def test_the_dashboard_has_a_heading_for_every_kind_and_charts_of_this_region() -> None:
    headings = [
        widget["properties"]["markdown"].splitlines()[0] for widget in body()["widgets"] if widget["type"] == "text"
    ]

    assert headings == [dashboard_title("${AlarmPrefix}"), *(f"## {kind.plural}" for kind in KINDS)]
    assert {chart["region"] for chart in charts()} == {"eu-west-1"}
    assert all(chart["title"] for chart in charts())
    assert len(body()["widgets"]) <= 500


def test_the_dashboard_can_be_found_from_the_stack() -> None:
    address, _ = template()["Outputs"]["DashboardUrl"]["Value"]["Fn::Sub"]

    assert address.endswith("#dashboards/dashboard/${Dashboard}")


def term(name: str) -> str | None:
    """A family of names is searched by the words it begins with, a single name exactly."""
    if name == "*":
        return None
    return name.removesuffix("_*") if name.endswith("_*") else f'"{name}"'
