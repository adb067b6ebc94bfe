"""Rules about all kinds: a new one that forgets something is told so by name."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from sagewatch.kinds.endpoint.observe import ENDPOINT
from sagewatch.kinds.instances import INSTANCES
from sagewatch.kinds.kind import Kind, Published, Spec
from sagewatch.kinds.pipeline import PIPELINE
from sagewatch.kinds.prices import hourly
from sagewatch.kinds.registry import KINDS, kind, spec
from sagewatch.kinds.training_job import TRAINING_JOB
from sagewatch.model import CAPACITY_TRAITS, Capacity, Gap, Ref, Scope
from sagewatch.watch.plan import plan
from tests.payloads import every_event
from tests.resources import BARE, answering, config, endpoint, observed, pipeline, training_job, variant

ROOT = Path(__file__).parents[2]
SAGEMAKER = botocore.session.get_session().get_service_model("sagemaker")
OPERATIONS = {xform_name(name): name for name in SAGEMAKER.operation_names}
ROWS = [(each, row) for each in KINDS for row in each.specs]
LATENCIES = {"Latency", "ModelLatency", "OverheadLatency", "ModelSetupTime"}

SERVERLESS = {
    "OverheadLatency",
    "ModelLatency",
    "ModelSetupTime",
    "Invocations",
    "Invocation4XXErrors",
    "Invocation5XXErrors",
    "MemoryUtilization",
    "ServerlessConcurrentExecutionsUtilization",
}
"""All that serverless endpoints without provisioned concurrency publish ("Monitor a serverless endpoint")."""


@pytest.mark.parametrize("each", KINDS, ids=lambda each: each.name)
def test_a_kind_is_made_of_real_operations_parameters_and_fields(each: Kind) -> None:
    describe = SAGEMAKER.operation_model(camel(each.describe))
    listing = SAGEMAKER.operation_model(camel(each.listing.operation))
    items = listing.output_shape.members[each.listing.items].member

    assert each.parameter in describe.input_shape.members
    assert {each.parameter, each.arn} <= describe.output_shape.members.keys()
    assert {each.parameter, "CreationTime"} <= items.members.keys()
    assert each.listing.modified in items.members
    assert {name for filters in each.listing.filters for name in filters} <= listing.input_shape.members.keys()
    assert all(camel(call) in SAGEMAKER.operation_names for call in each.calls)


@pytest.mark.parametrize("each", KINDS, ids=lambda each: each.name)
def test_every_detail_type_and_api_call_of_a_kind_has_an_event_file(each: Kind) -> None:
    detail_types = {event["detail-type"] for event in every_event().values()}
    calls = {event["detail"].get("eventName") for event in every_event().values()}

    assert each.events.keys() <= detail_types
    assert each.calls.keys() <= calls


@pytest.mark.parametrize("each", KINDS, ids=lambda each: each.name)
def test_a_kind_reads_with_real_operations_and_no_writing_ones(each: Kind) -> None:
    calls = {*each.reads, *each.explain_calls}

    assert calls <= OPERATIONS.keys()
    assert all(call.startswith(("describe_", "list_")) for call in calls)


@pytest.mark.parametrize("each", KINDS, ids=lambda each: each.name)
def test_what_starts_a_job_is_a_kind(each: Kind) -> None:
    assert all(kind(parent) for parent in each.parents.values())


def test_no_module_outside_the_kinds_names_one() -> None:
    """But for what plays each kind as SageMaker does: the emulated account (`local/`) and the scenarios."""
    names = {each.name for each in KINDS}
    sources = [path for folder in ("layers/core", "functions", "cli") for path in (ROOT / folder).rglob("*.py")]
    cli = ROOT / "cli/sagewatch_cli"
    own = (ROOT / "layers/core/sagewatch/kinds", cli / "local", cli / "scenarios")
    naming = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.value}"
        for path in sources
        if not any(path.is_relative_to(folder) for folder in own)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and (node.value in names or node.value == "-job")
    ]

    assert naming == [], "ask the kind's declaration instead of its name"


@pytest.mark.parametrize(("each", "row"), ROWS, ids=lambda value: getattr(value, "id", getattr(value, "name", None)))
def test_a_row_names_metrics_that_sagemaker_publishes_and_reads_well(each: Kind, row: Spec) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", row.id)
    assert len(row.id) <= 32
    published = {(chart.namespace, name) for chart in each.charts for name in chart.metrics}
    assert {(metric.namespace, metric.name) for metric in row.metrics} <= published, f"{each.name} {row.id}"
    assert (len(row.metrics) == 1) or row.expression
    assert not (row.across and row.expression)
    assert row.why.endswith(".")
    assert row.do.endswith(".")
    assert row.datapoints <= row.periods


def test_alarm_ids_are_unique_within_a_kind_and_found_by_name() -> None:
    assert all(spec(each.name, row.id) is row for each, row in ROWS)
    assert all(kind(each.name) is each for each in KINDS)
    assert spec("endpoint", "latency") is None
    assert kind("endpoints") is None


def test_latencies_count_in_microseconds() -> None:
    latencies = {row.id: row.unit for _, row in ROWS if {metric.name for metric in row.metrics} & LATENCIES}

    assert set(latencies.values()) == {"µs"}


def test_utilisation_that_sums_over_devices_is_a_share_of_capacity() -> None:
    units = {row.metrics[0].name: row.unit for _, row in ROWS if row.metrics[0].name.endswith("Utilization")}

    assert units["CPUUtilization"] == "% of vCPU"
    assert units["GPUUtilization"] == units["GPUMemoryUtilization"] == "% of GPU"
    assert units["MemoryUtilization"] == units["DiskUtilization"] == "%"


def test_serverless_variants_get_only_metrics_that_they_publish() -> None:
    one = variant("S", instance=None)
    scopes = observed(ENDPOINT, endpoint(one), answering(describe_endpoint_config=config(one))).scopes

    metrics = {
        metric.name
        for row in ENDPOINT.specs
        for scope in scopes
        if row.level == scope.level and scope.traits.issuperset(row.needs)
        for metric in row.metrics
    }

    assert metrics == SERVERLESS


def test_every_instance_type_of_sagemakers_model_has_its_capacity() -> None:
    enums = ("ProductionVariantInstanceType", "TrainingInstanceType", "ProcessingInstanceType", "ClusterInstanceType")
    types = {name for enum in enums for name in SAGEMAKER.shape_for(enum).metadata["enum"]}

    assert types <= INSTANCES.keys()


def test_the_instance_table_agrees_with_types_known_by_heart() -> None:
    assert INSTANCES["ml.m5.xlarge"] == Capacity(4)
    assert INSTANCES["ml.g5.12xlarge"] == Capacity(48, 4)
    assert INSTANCES["ml.p3.8xlarge"] == Capacity(32, 4)
    assert INSTANCES["ml.p4d.24xlarge"] == Capacity(96, 8)
    assert INSTANCES["ml.trn1.32xlarge"] == Capacity(128, 0, 16)


def test_an_endpoint_with_a_gpu_and_a_serverless_variant_is_seen_as_such() -> None:
    gpu, serverless = variant("a", "ml.g5.xlarge"), variant("b", instance=None)

    seen = observed(ENDPOINT, endpoint(gpu, serverless), answering(describe_endpoint_config=config(gpu, serverless)))

    b = ({"EndpointName": "churn", "VariantName": "b"},)
    assert seen == replace(
        BARE,
        scopes=(
            Scope(
                level="variant",
                name="a",
                series=({"EndpointName": "churn", "VariantName": "a"},),
                traits=frozenset({"requests", "instance", "gpu"}),
                capacity=Capacity(4, 1),
                hourly=hourly("ml.g5.xlarge"),
            ),
            Scope(level="variant", name="b", series=b, traits=frozenset({"requests", "serverless"})),
            Scope(level="serverless", name="b", series=b),
        ),
    )


def test_asynchronous_endpoints_and_inference_components_publish_no_requests_by_variant() -> None:
    read = answering(describe_endpoint_config=config(AsyncInferenceConfig={"OutputConfig": {}}))
    nameless = {"VariantName": "AllTraffic", "InstanceType": "ml.m5.2xlarge"}
    components = answering(
        describe_endpoint_config=config(nameless, ExecutionRoleArn="arn:aws:iam::123456789012:role/ml")
    )

    assert observed(ENDPOINT, endpoint(), read).scopes[0].traits == {"async", "instance"}
    assert observed(ENDPOINT, endpoint(), components).scopes[0].traits == {"components", "instance"}


def test_an_endpoint_that_is_being_created_has_the_variants_of_its_configuration() -> None:
    creating = {**endpoint(status="Creating"), "ProductionVariants": []}

    seen = observed(ENDPOINT, creating, answering(describe_endpoint_config=config(variant("blue"))))

    assert [scope.name for scope in seen.scopes] == ["blue"]


def test_a_deleted_configuration_leaves_type_model_and_way_of_being_called_unknown() -> None:
    seen = observed(ENDPOINT, endpoint(), answering())

    why = "its configuration churn-config was deleted"
    unknown = CAPACITY_TRAITS | {"multi-model", "components", "requests"}
    assert seen.scopes[0].name == "AllTraffic"
    assert seen.gaps == (
        Gap(level="container", within="AllTraffic.", reason=why),
        Gap(level="variant", scope="AllTraffic", traits=unknown, reason=f"variant AllTraffic: {why}"),
    )


def test_an_endpoint_that_names_no_configuration_is_watched_but_for_what_capacity_decides() -> None:
    """DescribeEndpoint need not answer with EndpointConfigName."""
    described = {key: value for key, value in endpoint().items() if key != "EndpointConfigName"}
    deploying = {**described, "PendingDeploymentSummary": {"EndpointConfigName": "next"}}

    alone, changing = observed(ENDPOINT, described, answering()), observed(ENDPOINT, deploying, answering())

    reason = "variant AllTraffic: its configuration names no instance type"
    assert [scope.name for scope in alone.scopes] == [scope.name for scope in changing.scopes] == ["AllTraffic"]
    assert alone.gaps == changing.gaps == (Gap(level="variant", scope="AllTraffic", reason=reason),)


def test_partitioned_gpus_have_no_gpu_rows_and_that_is_reported() -> None:
    layouts = [{"AcceleratorPartitionTypes": ["mig-3g.40gb", "mig-4g.40gb"]}]
    partitioned = variant(instance="ml.p4de.24xlarge", AcceleratorPartitionLayouts=layouts)

    seen = observed(ENDPOINT, endpoint(), answering(describe_endpoint_config=config(partitioned)))

    reason = "variant AllTraffic: its GPUs are partitioned, and what a partition publishes is not documented"
    assert seen.gaps == (Gap(level="variant", scope="AllTraffic", traits=frozenset(), reason=reason),)
    assert seen.scopes[0].traits == {"requests", "instance"}
    assert seen.scopes[0].capacity == INSTANCES["ml.p4de.24xlarge"]
    assert not [row.id for row in ENDPOINT.specs if row.depends_on(seen.gaps[0])]


def test_an_unknown_instance_type_is_a_gap_that_names_it() -> None:
    seen = observed(ENDPOINT, endpoint(), answering(describe_endpoint_config=config(variant(instance="ml.z9.huge"))))

    reason = "variant AllTraffic: instance type ml.z9.huge is not in our table"
    assert seen.gaps == (Gap(level="variant", scope="AllTraffic", reason=reason),)


def test_an_endpoint_on_its_way_out_is_not_live() -> None:
    statuses = {
        "Creating",
        "InService",
        "Updating",
        "SystemUpdating",
        "RollingBack",
        "OutOfService",
        "Failed",
        "Deleting",
    }

    assert {status for status in statuses if not ENDPOINT.live(endpoint(status=status))} == {"Deleting"}


def test_hosts_are_watched_in_tens() -> None:
    seen = observed(TRAINING_JOB, training_job(23), answering())

    assert [(scope.name, len(scope.series)) for scope in seen.scopes] == [
        ("algo-1-10", 10),
        ("algo-11-20", 10),
        ("algo-21-23", 3),
    ]
    assert seen.scopes[2].series[0] == {"Host": "train/algo-21"}


def test_a_single_host_is_watched_by_its_name() -> None:
    assert [scope.name for scope in observed(TRAINING_JOB, training_job(1), answering()).scopes] == ["algo-1"]
    assert [scope.name for scope in observed(TRAINING_JOB, training_job(11), answering()).scopes] == [
        "algo-1-10",
        "algo-11",
    ]


def test_the_hosts_of_unlike_groups_are_watched_where_capacity_does_not_matter() -> None:
    groups = [
        {"InstanceType": "ml.g5.xlarge", "InstanceCount": 2, "InstanceGroupName": "gpu"},
        {"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "InstanceGroupName": "cpu"},
    ]

    seen = observed(TRAINING_JOB, training_job(ResourceConfig={"InstanceGroups": groups}), answering())

    reason = "algo-1-3: hosts of several types: ml.c5.xlarge, ml.g5.xlarge"
    assert [scope.name for scope in seen.scopes] == ["algo-1-3"]
    assert seen.gaps == (Gap(level="hosts", scope="algo-1-3", reason=reason),)


def test_a_trainium_job_is_not_called_stalled_for_its_quiet_cpu() -> None:
    seen = observed(TRAINING_JOB, training_job(instance="ml.trn1.32xlarge"), answering())

    assert CAPACITY_TRAITS.isdisjoint(seen.scopes[0].traits)


def test_a_serverless_training_job_has_nothing_to_watch() -> None:
    serverless = {"ServerlessJobConfig": {"JobType": "FineTuning"}, "ResourceConfig": {}}

    assert observed(TRAINING_JOB, training_job(**serverless), answering()) == replace(BARE, scopes=())


@pytest.mark.parametrize(
    "shape", [{}, {"InstanceType": "ml.m5.xlarge"}, {"Fleet": {"Nodes": 2}}, {"InstanceGroups": [{}]}]
)
def test_a_training_job_of_an_unknown_shape_is_a_gap(shape: dict[str, Any]) -> None:
    job = training_job(ResourceConfig=shape)

    reason = f"{job['TrainingJobName']}: its description says in no known way which instances it has"
    assert observed(TRAINING_JOB, job, answering()) == replace(BARE, gaps=(Gap(level="hosts", reason=reason),))


PREFERRED = [{"InstanceType": "ml.g5.xlarge", "InstanceCount": 1}, {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2}]


@pytest.mark.parametrize(
    "shape",
    [
        {"SelectedInstanceType": "ml.m5.xlarge", "SelectedInstanceCount": 2},
        {"SelectedInstanceType": "ml.m5.xlarge", "SelectedInstanceCount": 2, "InstancePreferences": PREFERRED},
        {"SelectedInstanceType": "ml.m5.xlarge", "InstancePreferences": PREFERRED},
        {
            "SelectedInstanceType": "ml.m5.xlarge",
            "InstanceCount": 2,
            "InstancePreferences": [{"InstanceType": "ml.m5.xlarge"}],
        },
    ],
)
def test_of_preferred_instances_those_that_were_selected_are_watched(shape: dict[str, Any]) -> None:
    seen = observed(TRAINING_JOB, training_job(ResourceConfig=shape), answering())
    named = observed(TRAINING_JOB, training_job(2, instance="ml.m5.xlarge"), answering())

    assert seen == named
    assert [scope.name for scope in seen.scopes] == ["algo-1-2"]


def test_until_one_is_selected_preferred_instances_are_a_gap() -> None:
    job = training_job(ResourceConfig={"InstancePreferences": PREFERRED})

    reason = f"{job['TrainingJobName']}: SageMaker has not chosen among the preferred instance types"
    assert observed(TRAINING_JOB, job, answering()).gaps == (Gap(level="hosts", reason=reason),)


def test_a_training_job_is_over_at_each_of_its_ends() -> None:
    statuses = ("InProgress", "Stopping", "Completed", "Failed", "Stopped", "Deleting")

    alive = [status for status in statuses if TRAINING_JOB.live(training_job(TrainingJobStatus=status))]

    assert alive == ["InProgress", "Stopping"]


def test_the_steps_in_the_branches_of_a_condition_are_steps() -> None:
    definition = """{"Steps": [{"Name": "Train"}, {"Name": "Good", "Type": "Condition", "Arguments":
        {"IfSteps": [{"Name": "Register"}], "ElseSteps": [{"Name": "Fail"}, {"Name": "Train"}]}}]}"""

    seen = observed(PIPELINE, pipeline(PipelineDefinition=definition), answering())

    assert [scope.name for scope in seen.scopes] == ["all", "Train", "Good", "Register", "Fail"]
    assert seen.scopes[1].series == ({"PipelineName": "churn-train", "StepName": "Train"},)


@pytest.mark.parametrize(
    "body",
    [
        '"Arguments": {"Items": ["eu", "us"], "Steps": [{"Name": "Train"}, {"Name": "Report"}]}',
        '"Arguments": {"ForEachSteps": [{"Name": "Train"}, {"Name": "Report"}]}',
        '"Steps": [{"Name": "Train"}, {"Name": "Report"}]',
        '"Arguments": {"Steps": [{"Name": "Train", "Arguments": {"IfSteps": [{"Name": "Report"}]}}]}',
    ],
)
def test_the_steps_that_a_foreach_repeats_are_steps(body: str) -> None:
    """The definition of a ForEach step is not documented: whatever ends in Steps is taken for a list of them."""
    definition = f'{{"Steps": [{{"Name": "Each", "Type": "ForEach", {body}}}, {{"Name": "Done"}}]}}'

    seen = observed(PIPELINE, pipeline(PipelineDefinition=definition), answering())

    assert [scope.name for scope in seen.scopes] == ["all", "Each", "Train", "Report", "Done"]


def test_arguments_that_only_look_like_steps_are_none() -> None:
    definition = """{"Steps": [{"Name": "Cleanup", "Type": "Cleanup", "Arguments":
        {"UpstreamSteps": ["Train", "Report"], "MaxSteps": 7}}]}"""

    seen = observed(PIPELINE, pipeline(PipelineDefinition=definition), answering())

    assert [scope.name for scope in seen.scopes] == ["all", "Cleanup"]
    assert [gap for gap in seen.gaps if gap.level == "step"] == []


@pytest.mark.parametrize("definition", ["not json", "{}", '{"Steps": [{"Type": "Training"}]}', '{"Steps": "none"}'])
def test_a_definition_that_cannot_be_read_leaves_the_steps_unknown_and_the_pipeline_watched(definition: str) -> None:
    seen = observed(PIPELINE, pipeline(PipelineDefinition=definition), answering())

    assert [scope.name for scope in seen.scopes] == ["all"]
    assert [(gap.level, gap.scope) for gap in seen.gaps] == [("pipeline", "all"), ("step", None)]
    assert seen.gaps[1].reason.startswith("the pipeline's definition cannot be read: ")


SPELLINGS = ("AWS/Sagemaker/ModelBuildingPipeline", "AWS/SageMaker/ModelBuildingPipeline")


def namespaces_read(*listed: Published) -> list[set[str]]:
    """Return for each alarm of a pipeline the namespaces that it reads."""
    found = observed(PIPELINE, pipeline(), answering(*listed))
    facts = replace(found, ref=Ref("pipeline", "churn-train"), live=True)
    requests = [alarm.request for alarm in plan("sagewatch", PIPELINE, facts).alarms]
    return [
        {each["MetricStat"]["Metric"]["Namespace"] for each in request.get("Metrics", ()) if "MetricStat" in each}
        or {request["Namespace"]}
        for request in requests
    ]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_pipeline_is_watched_in_the_namespace_that_cloudwatch_lists(spelling: str) -> None:
    own = {"PipelineName": "churn-train"}
    theirs = Published("Customers/Pipelines", "ExecutionFailed", own)

    read = namespaces_read(Published(spelling, "ExecutionDuration", own), theirs)

    assert read
    assert all(each == {spelling} for each in read)


def test_a_pipeline_that_has_not_run_is_watched_in_both_spellings_and_that_is_said() -> None:
    read = namespaces_read()

    assert read
    assert all(each == set(SPELLINGS) for each in read)
    [gap] = observed(PIPELINE, pipeline(), answering()).gaps
    assert "at twice the cost" in gap.reason


def camel(operation: str) -> str:
    """Return the operation of a client's method: `describe_auto_ml_job_v2` is DescribeAutoMLJobV2."""
    return OPERATIONS.get(operation, operation)
