from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sagewatch.kinds.endpoint.observe import ENDPOINT
from sagewatch.kinds.instances import INSTANCES
from sagewatch.kinds.kind import Kind
from sagewatch.kinds.pipeline import PIPELINE
from sagewatch.kinds.registry import KINDS
from sagewatch.kinds.training_job import TRAINING_JOB
from sagewatch.model import Alarm, Description, Facts, Plan, Ref, canonical
from sagewatch.policy.rules import Policy
from sagewatch.watch.plan import plan
from sagewatch.watch.revision import is_edited
from tests.alarm_limits import broken
from tests.resources import answering, config, endpoint, observed, pipeline, training_job, variant

INSTANCE = {
    *("errors-5xx", "model-errors", "latency-p99", "memory", "disk", "errors-4xx", "overhead-latency", "cpu", "idle"),
    *("concurrency", "midstream-errors"),
}
EXECUTIONS = {"executions-failed", "executions-stopped", "execution-duration"}
GPU = INSTANCE | {"gpu", "gpu-memory"}
SERVERLESS = {
    *("errors-5xx", "latency-p99", "memory", "errors-4xx"),
    *("serverless-concurrency", "serverless-setup", "serverless-overhead"),
}
NAMED = GPU | SERVERLESS | EXECUTIONS | {"step-failed", "gpu-reserved"}
"""The rows that are spoken of here; a row that is added is none of them."""


def planned(kind: Kind, description: Description, tags: dict[str, str] | None = None, **answers: Description) -> Plan:
    seen = observed(kind, description, answering(**answers))
    ref = Ref(kind.name, description[kind.parameter])
    return plan("sagewatch", kind, Facts(ref=ref, live=True, scopes=seen.scopes, tags=tags or {}, gaps=seen.gaps))


def planned_endpoint(*variants: dict[str, Any], tags: dict[str, str] | None = None) -> Plan:
    return planned(ENDPOINT, endpoint(*variants), tags, describe_endpoint_config=config(*variants))


def names(wanted: Plan) -> set[str]:
    return {alarm.name for alarm in wanted.alarms if alarm.name.rpartition("/")[2] in NAMED}


def request(wanted: Plan, name: str) -> dict[str, Any]:
    return dict(next(alarm.request for alarm in wanted.alarms if alarm.name == name))


def test_an_endpoint_gets_the_alarms_that_each_of_its_variants_deserves() -> None:
    wanted = planned_endpoint(variant("cpu"), variant("gpu", "ml.g5.12xlarge"), variant("less", None))

    assert names(wanted) == {
        *(f"sagewatch/endpoint/churn/cpu/{alarm}" for alarm in INSTANCE),
        *(f"sagewatch/endpoint/churn/gpu/{alarm}" for alarm in GPU),
        *(f"sagewatch/endpoint/churn/less/{alarm}" for alarm in SERVERLESS),
    }


def test_a_plain_alarm_is_one_complete_request() -> None:
    wanted = planned_endpoint(variant(), tags={"team": "fraud"})

    assert request(wanted, "sagewatch/endpoint/churn/AllTraffic/memory") == {
        "AlarmName": "sagewatch/endpoint/churn/AllTraffic/memory",
        "AlarmDescription": (
            "Fires on memory use over 90 % in 5 of 5 minutes. A container that runs out of memory is killed, and its"
            " requests fail until it is back. Use fewer workers or models, or an instance type (serverless: a memory"
            " size) with more memory.\n"
            "[sagewatch severity=critical kind=endpoint resource=churn scope=AllTraffic alarm=memory team=fraud"
            f" rev={revision(wanted, 'sagewatch/endpoint/churn/AllTraffic/memory')}]"
        ),
        "ActionsEnabled": True,
        "Namespace": "/aws/sagemaker/Endpoints",
        "MetricName": "MemoryUtilization",
        "Statistic": "Maximum",
        "Dimensions": [{"Name": "EndpointName", "Value": "churn"}, {"Name": "VariantName", "Value": "AllTraffic"}],
        "Period": 60,
        "EvaluationPeriods": 5,
        "DatapointsToAlarm": 5,
        "Threshold": 90.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }


def test_the_slowest_requests_are_judged_by_the_percentile_that_their_number_bears() -> None:
    alarm = request(planned_endpoint(variant()), "sagewatch/endpoint/churn/AllTraffic/latency-p99")

    stats = {each["Id"]: each["MetricStat"]["Stat"] for each in alarm["Metrics"] if "MetricStat" in each}
    [expression] = [each["Expression"] for each in alarm["Metrics"] if "Expression" in each]
    assert stats == {"p99": "p99", "p95": "p95", "p75": "p75", "p50": "p50", "samples": "SampleCount"}
    assert (
        expression == "IF(samples >= 300, p99, IF(samples >= 100, p95, IF(samples >= 20, p75, IF(samples >= 3, p50))))"
    )
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"], alarm["Threshold"]) == (3, 3, 1_000_000.0)


def test_an_error_alarm_is_a_share_of_requests_with_a_minimum_of_traffic() -> None:
    alarm = request(planned_endpoint(variant()), "sagewatch/endpoint/churn/AllTraffic/errors-5xx")

    def query(id_: str, metric: str) -> dict[str, Any]:
        dimensions = [{"Name": "EndpointName", "Value": "churn"}, {"Name": "VariantName", "Value": "AllTraffic"}]
        named = {"Namespace": "AWS/SageMaker", "MetricName": metric, "Dimensions": dimensions}
        return {"Id": id_, "MetricStat": {"Metric": named, "Period": 300, "Stat": "Sum"}, "ReturnData": False}

    expression = "IF((requests >= 20) AND (errors >= 5), 100 * errors / requests, 0)"
    assert alarm["Metrics"] == [
        query("errors", "Invocation5XXErrors"),
        query("requests", "Invocations"),
        {"Id": "result", "Expression": expression, "Label": "5xx errors", "ReturnData": True},
    ]
    assert alarm["Threshold"] == 5.0
    assert not {"Namespace", "MetricName", "Dimensions", "Period"} & alarm.keys()


def test_the_fullest_of_ten_hosts_is_found_by_one_alarm() -> None:
    wanted = planned(TRAINING_JOB, training_job(23))

    alarm = request(wanted, "sagewatch/training-job/train/algo-21-23/memory")

    assert len(wanted.alarms) == 3 * len({"memory", "disk", "gpu-memory", "gpu-stalled"})
    assert [query["Id"] for query in alarm["Metrics"]] == ["m1", "m2", "m3", "result"]
    assert alarm["Metrics"][0]["MetricStat"]["Metric"]["Dimensions"] == [{"Name": "Host", "Value": "train/algo-21"}]
    assert alarm["Metrics"][-1]["Expression"] == "MAX([m1,m2,m3])"


def test_a_single_host_needs_no_mathematics() -> None:
    alarm = request(planned(TRAINING_JOB, training_job(1)), "sagewatch/training-job/train/algo-1/gpu-stalled")

    assert (alarm["MetricName"], alarm["Statistic"]) == ("GPUUtilization", "Maximum")
    assert alarm["Dimensions"] == [{"Name": "Host", "Value": "train/algo-1"}]
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 20.0)


def test_a_pipeline_is_watched_as_a_whole_and_by_step() -> None:
    wanted = planned(PIPELINE, pipeline("Prepare", "Train"))

    assert names(wanted) == {
        *(f"sagewatch/pipeline/churn-train/all/{alarm}" for alarm in EXECUTIONS),
        "sagewatch/pipeline/churn-train/Prepare/step-failed",
        "sagewatch/pipeline/churn-train/Train/step-failed",
    }


def test_thresholds_follow_the_number_of_cores_and_devices() -> None:
    wanted = planned_endpoint(variant("v", "ml.g5.12xlarge"))

    thresholds = {alarm.name.rpartition("/")[2]: alarm.request["Threshold"] for alarm in wanted.alarms}
    assert thresholds["cpu"] == 90 * 48
    assert thresholds["gpu"] == 95 * 4
    assert thresholds["memory"] == 90
    labels = request(wanted, "sagewatch/endpoint/churn/v/cpu")["AlarmDescription"].rpartition("\n")[2]
    assert "alarm=cpu vcpus=48 " in labels


def test_a_threshold_in_a_tag_is_of_capacity_too() -> None:
    wanted = planned_endpoint(
        variant("v", "ml.m5.xlarge"), tags={"sagewatch:cpu": "50", "sagewatch:latency-p99": "2.5s"}
    )

    assert request(wanted, "sagewatch/endpoint/churn/v/cpu")["Threshold"] == 200.0
    assert request(wanted, "sagewatch/endpoint/churn/v/latency-p99")["Threshold"] == 2_500_000.0


def test_a_resource_that_is_gone_or_ignored_deserves_no_alarms() -> None:
    gone = Facts(ref=Ref("endpoint", "churn"), live=False)

    assert plan("sagewatch", ENDPOINT, gone) == Plan()
    assert planned_endpoint(variant(), tags={"sagewatch:ignore": "true"}).alarms == ()


def test_an_unknown_instance_type_costs_only_the_alarms_that_need_it() -> None:
    wanted = planned_endpoint(variant(instance="ml.z9.huge"))

    assert names(wanted) == {f"sagewatch/endpoint/churn/AllTraffic/{alarm}" for alarm in INSTANCE - {"cpu"}}
    assert {(scope, alarm) for scope, alarm in wanted.unknown if alarm in NAMED} == {
        ("AllTraffic", "cpu"),
        ("AllTraffic", "gpu"),
        ("AllTraffic", "gpu-memory"),
    }
    assert wanted.reports == ("variant AllTraffic: instance type ml.z9.huge is not in our table",)


def test_unknown_steps_hold_the_alarms_of_all_steps() -> None:
    wanted = planned(PIPELINE, pipeline(PipelineDefinition="not json"))

    assert names(wanted) == {f"sagewatch/pipeline/churn-train/all/{alarm}" for alarm in EXECUTIONS}
    assert wanted.unknown == {(None, "step-failed")}


def test_no_tunable_is_part_of_a_name() -> None:
    tags = {"sagewatch:latency-p99": "7s", "sagewatch:cpu": "1", "sagewatch:severity": "info"}

    assert names(planned_endpoint(variant())) == names(planned_endpoint(variant(), tags=tags))


@given(
    name=st.from_regex(r"[a-zA-Z0-9](-?[a-zA-Z0-9]){0,62}", fullmatch=True),
    instance=st.sampled_from([*sorted(INSTANCES), None]),
    team=st.text(max_size=256),
)
def test_every_alarm_of_any_endpoint_keeps_to_the_limits_of_the_api(name: str, instance: str | None, team: str) -> None:
    one = variant("v" * 63, instance)
    wanted = planned(ENDPOINT, endpoint(one, name=name), {"team": team}, describe_endpoint_config=config(one))

    assert wanted.alarms
    assert {alarm.name: broken(alarm.request) for alarm in wanted.alarms if broken(alarm.request)} == {}


@given(hosts=st.integers(1, 120), instance=st.sampled_from(sorted(INSTANCES)))
def test_every_alarm_of_any_training_job_keeps_to_the_limits_of_the_api(hosts: int, instance: str) -> None:
    wanted = planned(TRAINING_JOB, training_job(hosts, instance, "t" * 63))

    assert {alarm.name: broken(alarm.request) for alarm in wanted.alarms if broken(alarm.request)} == {}


@given(name=st.text("pq-", min_size=1, max_size=256), step=st.text("st_", min_size=1, max_size=64))
def test_every_alarm_of_any_pipeline_keeps_to_the_limits_of_the_api(name: str, step: str) -> None:
    wanted = planned(PIPELINE, pipeline(step, name=name), {"team": "x" * 256})

    assert {alarm.name: broken(alarm.request) for alarm in wanted.alarms if broken(alarm.request)} == {}


def test_the_limits_notice_what_no_emulator_does() -> None:
    good = request(planned_endpoint(variant()), "sagewatch/endpoint/churn/AllTraffic/cpu")

    assert broken(good) == []
    assert broken({**good, "AlarmName": "x" * 256})
    assert broken({**good, "Period": 7})
    assert broken({**good, "EvaluationPeriods": 2000})
    assert broken({**good, "Statistic": "p99"})
    assert broken({**good, "Unit": "Percent"})
    assert broken({**good, "Treshold": 1})


def test_an_alarm_as_we_wrote_it_is_not_edited_and_its_actions_are_its_owners_to_disable() -> None:
    for alarm in planned_endpoint(variant("a"), variant("b", None)).alarms:
        assert not is_edited(alarm)
        assert not is_edited(Alarm({**alarm.request, "ActionsEnabled": False}))


def test_any_edit_of_an_alarm_shows() -> None:
    [alarm] = (each for each in planned_endpoint(variant()).alarms if each.name.endswith("/memory"))
    edits = {
        "Threshold": 99.0,
        "Period": 120,
        "AlarmActions": ["arn:aws:sns:us-east-1:123456789012:mine"],
        "TreatMissingData": "breaching",
        "AlarmDescription": alarm.request["AlarmDescription"].replace("severity=critical", "severity=info"),
    }

    for field, value in edits.items():
        assert is_edited(canonical({**alarm.request, field: value})), field


def test_a_described_alarm_equals_the_request_that_made_it() -> None:
    for alarm in (*planned_endpoint(variant()).alarms, *planned(TRAINING_JOB, training_job(3)).alarms):
        described = {
            **alarm.request,
            "AlarmArn": "arn",
            "StateValue": "OK",
            "OKActions": [],
            "Dimensions": list(reversed(alarm.request.get("Dimensions", []))),
            "Threshold": int(alarm.request["Threshold"]),
        }

        assert canonical(described) == alarm


def test_a_label_that_a_description_has_no_room_for_is_left_out_and_reported() -> None:
    """A blank is three characters when it is percent-encoded; a tag's value has up to 256."""
    policy = Policy(labels={"team": "team", "env": "env"})
    facts = Facts(ref=Ref("endpoint", "n" * 63), live=True, tags={"team": "a " * 128, "env": "prod"})
    seen = observed(
        ENDPOINT, endpoint(variant("v" * 63)), answering(describe_endpoint_config=config(variant("v" * 63)))
    )

    wanted = plan("p" * 31, ENDPOINT, replace(facts, scopes=seen.scopes), policy)

    assert wanted.reports == ("label team: the text of an alarm has no room for its tag's value; it is left out",)
    assert {(alarm.labels.get("team"), alarm.labels.get("env")) for alarm in wanted.alarms if alarm.labels} == {
        (None, "prod")
    }
    assert names(wanted) == {f"{'p' * 31}/endpoint/{'n' * 63}/{'v' * 63}/{alarm}" for alarm in INSTANCE}
    assert all(broken(alarm.request) == [] for alarm in wanted.alarms)


def test_descriptions_are_cut_before_their_labels() -> None:
    one = variant()
    wordy = replace(ENDPOINT, specs=tuple(replace(spec, why="Why. " * 300) for spec in ENDPOINT.specs))
    for alarm in planned(wordy, endpoint(one), describe_endpoint_config=config(one)).alarms:
        assert broken(alarm.request) == []
        assert alarm.labels is not None
        assert not is_edited(alarm)


def revision(wanted: Plan, name: str) -> str | None:
    labels = next(alarm.labels for alarm in wanted.alarms if alarm.name == name)
    return labels.get("rev") if labels else None


def test_missing_data_is_well_but_where_the_last_value_stays_true() -> None:
    """Quiet endpoints, jobs and pipelines publish nothing; a count that grows and a daily drift stay what they were.

    For what is idle, an hour without data is one without a call.
    """
    treated = {(kind.name, row.id): row.missing for kind in KINDS for row in kind.specs}

    assert {row: missing for row, missing in treated.items() if missing != "notBreaching"} == {
        ("endpoint", "idle"): "breaching",
        ("inference-component", "idle"): "breaching",
        ("labeling-job", "objects-failed"): "ignore",
        ("monitoring-schedule", "drift"): "ignore",
    }
    for alarm in planned_endpoint(variant()).alarms:
        assert alarm.request["TreatMissingData"] == ("breaching" if alarm.name.endswith("/idle") else "notBreaching")
