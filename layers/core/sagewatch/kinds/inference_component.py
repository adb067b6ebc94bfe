"""Inference components: models that share an endpoint's instances. They publish under their own name alone.

`InferenceComponentName` without the endpoint's name is the only dimension set (seen on live endpoints; the
documentation lists others). Utilisation is normalised: percent of what the component reserved. No state change
events exist, so a component is looked at with its endpoint, by CloudTrail calls and by the sweep. Thresholds are
our own choice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sagewatch.kinds.charts import EXTREMES, FIRST_PART, LAUNCH, SHARE, SPREAD, SUM, TIMED, Chart
from sagewatch.kinds.kind import Kind, Level, Lifetime, Listing, Metric, Reader, Spec
from sagewatch.kinds.leads import DETAILS, Explanation, FailureReader, Lead
from sagewatch.model import Description, Facts, Notice, Scope, Severity, Unit

REQUESTS = "AWS/SageMaker"
COMPONENTS = "/aws/sagemaker/InferenceComponents"
SECOND = 1_000_000  # µs
WARM_UP = 10  # minutes

_REQUESTS = Metric(REQUESTS, "Invocations", "Sum", "requests")
_SHARE = "IF(requests >= 20, 100 * errors / requests, 0)"

SPECS = (
    Spec(
        id="errors-5xx",
        title="share of 5xx answers",
        level="component",
        metrics=(Metric(REQUESTS, "Invocation5XXErrors", "Sum", "errors"), _REQUESTS),
        expression=_SHARE,
        threshold=5,
        unit=Unit.PERCENT,
        period=300,
        periods=1,
        datapoints=1,
        severity=Severity.CRITICAL,
        warm_up=WARM_UP,
        why="Callers get no prediction. Counted from 20 requests in five minutes, so one stray error wakes nobody.",
        do="Read the component's log, then roll it back or add copies.",
    ),
    Spec(
        id="model-errors",
        title="share of requests the model failed",
        level="component",
        metrics=(Metric(REQUESTS, "InvocationModelErrors", "Sum", "errors"), _REQUESTS),
        expression=_SHARE,
        threshold=5,
        unit=Unit.PERCENT,
        period=300,
        periods=1,
        datapoints=1,
        severity=Severity.CRITICAL,
        warm_up=WARM_UP,
        why="The container answered with an error, closed the connection or timed out.",
        do="Read the component's log for input it cannot parse, exhausted memory and time-outs.",
    ),
    Spec(
        id="latency-p99",
        title="p99 latency",
        level="component",
        metrics=(Metric(REQUESTS, "ModelLatency", "p99"),),
        threshold=1 * SECOND,
        unit=Unit.MICROSECONDS,
        periods=5,
        datapoints=3,
        severity=Severity.CRITICAL,
        warm_up=WARM_UP,
        why="One caller in a hundred waits longer than this for the model.",
        do="Add copies, or tag the component with the latency it may have.",
    ),
    Spec(
        id="memory",
        title="memory of what is reserved",
        level="component",
        metrics=(Metric(COMPONENTS, "MemoryUtilizationNormalized", "Maximum"),),
        threshold=90,
        unit=Unit.PERCENT,
        periods=5,
        datapoints=5,
        severity=Severity.CRITICAL,
        warm_up=WARM_UP,
        why="A container that outgrows its reservation is killed.",
        do="Raise the component's memory requirement.",
    ),
    Spec(
        id="errors-4xx",
        title="share of 4xx answers",
        level="component",
        metrics=(Metric(REQUESTS, "Invocation4XXErrors", "Sum", "errors"), _REQUESTS),
        expression=_SHARE,
        threshold=20,
        unit=Unit.PERCENT,
        period=300,
        periods=3,
        datapoints=3,
        severity=Severity.WARNING,
        warm_up=WARM_UP,
        why="Callers send what the model refuses, often after a change of its input or of a client.",
        do="Compare one refused request with the model's input schema.",
    ),
    Spec(
        id="overhead-latency",
        title="overhead latency",
        level="component",
        metrics=(Metric(REQUESTS, "OverheadLatency", "Average"),),
        threshold=0.25 * SECOND,
        unit=Unit.MICROSECONDS,
        periods=5,
        datapoints=5,
        severity=Severity.WARNING,
        warm_up=WARM_UP,
        why="SageMaker itself adds this much to every request, or requests queue before a copy.",
        do="Compare with the requests for each copy; add copies.",
    ),
    Spec(
        id="concurrency",
        title="requests at once on a copy",
        level="component",
        metrics=(Metric(REQUESTS, "ConcurrentRequestsPerCopy", "Maximum"),),
        threshold=100,
        unit=Unit.COUNT,
        periods=10,
        datapoints=10,
        severity=Severity.INFO,
        warm_up=WARM_UP,
        why="Requests pile up on a copy. No limit is known for yours, so this only tells.",
        do="Compare with the latency; add copies, or tag the component with what a copy can do.",
    ),
    Spec(
        id="cpu",
        title="CPU of what is reserved",
        level="component",
        metrics=(Metric(COMPONENTS, "CPUUtilizationNormalized", "Average"),),
        threshold=90,
        unit=Unit.PERCENT,
        periods=10,
        datapoints=8,
        severity=Severity.WARNING,
        warm_up=WARM_UP,
        why="With every reserved core busy, requests queue and latency climbs next.",
        do="Add copies, or raise the component's CPU requirement.",
    ),
    Spec(
        id="gpu",
        title="GPU of what is reserved",
        level="component",
        metrics=(Metric(COMPONENTS, "GPUUtilizationNormalized", "Average"),),
        threshold=95,
        unit=Unit.PERCENT,
        periods=15,
        datapoints=15,
        severity=Severity.WARNING,
        warm_up=WARM_UP,
        needs=("gpu",),
        why="The devices have no room left; the next rise in traffic becomes latency.",
        do="Add copies, or batch requests in the container.",
    ),
    Spec(
        id="gpu-memory",
        title="GPU memory of what is reserved",
        level="component",
        metrics=(Metric(COMPONENTS, "GPUMemoryUtilizationNormalized", "Maximum"),),
        threshold=97,
        unit=Unit.PERCENT,
        periods=5,
        datapoints=5,
        severity=Severity.WARNING,
        warm_up=WARM_UP,
        needs=("gpu",),
        why="The next larger batch or longer prompt ends in an out-of-memory error.",
        do="Lower the batch size or sequence length, or reserve more devices.",
    ),
    Spec(
        id="idle",
        title="requests per hour and copy",
        level="component",
        metrics=(Metric(REQUESTS, "InvocationsPerCopy", "Sum"),),
        comparison="LessThanThreshold",
        threshold=1,
        unit=Unit.COUNT,
        period=3600,
        periods=24,
        datapoints=24,
        severity=Severity.INFO,
        warm_up=WARM_UP,
        why="Nobody has called it for a day, and what it reserves is lost to other models.",
        do="Scale its copies to zero, or delete it.",
    ),
)


def _observe(component: Description, _read: Reader, facts: Facts) -> Facts:
    name = component["InferenceComponentName"]
    scope = Scope(
        level="component",
        name=component.get("VariantName") or "all",
        series=({"InferenceComponentName": name},),
        traits=frozenset(_traits(component)),
    )
    parent = {"parent": f"endpoint/{component['EndpointName']}"}
    return replace(facts, scopes=(scope,), labels=parent)


def _traits(component: Description) -> Iterator[str]:
    specifications = [component.get("Specification") or {}, *(component.get("Specifications") or ())]
    requirements = [each.get("ComputeResourceRequirements") or {} for each in specifications]
    if any(each.get("NumberOfAcceleratorDevicesRequired") for each in requirements):
        yield "gpu"


COMPONENT = ("InferenceComponentName",)

CHARTS = (
    Chart(
        title="Errors",
        namespace=REQUESTS,
        dimensions=(COMPONENT,),
        unit="None",
        statistics=SHARE,
        shown="Sum",
        metrics={
            "Invocation4XXErrors": "",
            "Invocation5XXErrors": "",
            "InvocationModelErrors": "",
            "MidStreamErrors": "",
        },
    ),
    Chart(
        title="Requests",
        namespace=REQUESTS,
        dimensions=(COMPONENT,),
        unit="None",
        statistics=SUM,
        shown="Sum",
        metrics={"Invocations": "", "InvocationsPerCopy": ""},
    ),
    Chart(
        title="Concurrent requests",
        namespace=REQUESTS,
        dimensions=(COMPONENT,),
        unit="None",
        statistics=EXTREMES,
        shown="Maximum",
        metrics={"ConcurrentRequestsPerCopy": ""},
    ),
    Chart(
        title="Latency (µs)",
        namespace=REQUESTS,
        dimensions=(COMPONENT,),
        unit="Microseconds",
        statistics=TIMED,
        shown="p99",
        metrics={"ModelLatency": ""},
    ),
    Chart(
        title="Overhead (µs)",
        namespace=REQUESTS,
        dimensions=(COMPONENT,),
        unit="Microseconds",
        statistics=SPREAD,
        shown="Average",
        metrics={"OverheadLatency": ""},
    ),
    Chart(
        title="Cold start (µs)",
        namespace=REQUESTS,
        dimensions=(COMPONENT,),
        unit="Microseconds",
        statistics=LAUNCH,
        shown="Average",
        metrics={"ModelSetupTime": ""},
    ),
    Chart(
        title="Latency to the first part of a stream (µs)",
        namespace=REQUESTS,
        dimensions=(COMPONENT,),
        unit="Microseconds",
        statistics=TIMED,
        shown="p99",
        metrics={
            "FirstChunkLatency": FIRST_PART,
            "FirstChunkModelLatency": FIRST_PART,
            "FirstChunkOverheadLatency": FIRST_PART,
        },
    ),
    Chart(
        title="Utilisation (% of what it may use)",
        namespace=COMPONENTS,
        dimensions=(COMPONENT,),
        unit="Percent",
        statistics=TIMED,
        shown="Average",
        metrics={
            "CPUUtilizationNormalized": "",
            "MemoryUtilizationNormalized": "",
            "GPUUtilizationNormalized": "",
            "GPUMemoryUtilizationNormalized": "",
        },
    ),
)


def _explain(read: FailureReader, notice: Notice) -> Lead:
    name = notice.labels["resource"]
    description = read.described(DETAILS, notice.labels.ref)
    copies, endpoint = description.get("RuntimeConfig") or {}, description.get("EndpointName")
    there = f"{copies.get('CurrentCopyCount', 0)} of {copies.get('DesiredCopyCount', 0)}" if copies else ""
    facts = {"Endpoint": endpoint, "Copies": there}
    return Lead(
        ref=notice.labels.ref,
        reason=description.get("FailureReason") or notice.reason,
        facts={fact: str(value) for fact, value in facts.items() if value},
        group=f"/aws/sagemaker/InferenceComponents/{name}",
    )


INFERENCE_COMPONENT = Kind(
    name="inference-component",
    title="Inference component",
    plural="Inference components",
    arn_type="inference-component",
    by_arn=False,
    lifetime=Lifetime.STAYS,
    describe="describe_inference_component",
    parameter="InferenceComponentName",
    arn="InferenceComponentArn",
    listing=Listing(operation="list_inference_components", items="InferenceComponents"),
    failures=Listing(
        operation="list_inference_components", items="InferenceComponents", filters=({"StatusEquals": "Failed"},)
    ),
    events={},
    calls={
        "CreateInferenceComponent": "inferenceComponentName",
        "UpdateInferenceComponent": "inferenceComponentName",
        "DeleteInferenceComponent": "inferenceComponentName",
    },
    live=lambda component: component["InferenceComponentStatus"] != "Deleting",
    version=lambda component: (component.get("VariantName"), repr(component.get("Specification"))),
    observe=_observe,
    reads={},
    levels={"component": Level(COMPONENT)},
    specs=SPECS,
    charts=CHARTS,
    without_charts="",
    notices=(),
    parents={},
    page=None,
    logs=None,
    run=None,
    explain=Explanation(_explain, ("describe_inference_component",)),
    causes=frozenset({"endpoint-capacity", "start-up", "placement"}),
    deployed=True,
)
