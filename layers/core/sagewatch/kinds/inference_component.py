"""Inference components: models that share an endpoint's instances. They publish under their own name alone.

`InferenceComponentName` without the endpoint's name is the only dimension set (seen on live endpoints; the
documentation lists others). Utilisation is normalised: percent of what the component reserved. No state change
events exist, so a component is looked at with its endpoint, by CloudTrail calls and by the sweep. Thresholds are
our own choice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sagewatch.kinds import requests
from sagewatch.kinds.charts import EXTREMES, FIRST_PART, LAUNCH, SHARE, SPREAD, SUM, TIMED, Chart
from sagewatch.kinds.kind import Kind, Level, Lifetime, Listing, Metric, Reader, Spec
from sagewatch.kinds.leads import DETAILS, FailureReader, Lead
from sagewatch.kinds.parts import PartReader
from sagewatch.kinds.requests import DAY, REQUESTS, WARM_UP
from sagewatch.model import Description, Facts, Gap, Notice, Scope, Severity, Unit

COMPONENTS = "/aws/sagemaker/InferenceComponents"
_NOT_SERVING = frozenset({"Creating", "Failed"})

SPECS = (
    replace(
        requests.ERRORS_5XX,
        level="component",
        needs=(),
        do="Read the component's log, then roll it back or add copies.",
    ),
    replace(
        requests.ERRORS_5XX_LOW_TRAFFIC,
        level="component",
        needs=(),
        do="Read the component's log, then roll it back or add copies.",
    ),
    replace(
        requests.MODEL_ERRORS,
        level="component",
        needs=(),
        do="Read the component's log for input it cannot parse, exhausted memory and time-outs.",
    ),
    replace(
        requests.MODEL_ERRORS_LOW_TRAFFIC,
        level="component",
        needs=(),
        do="Read the component's log for input it cannot parse, exhausted memory and time-outs.",
    ),
    replace(
        requests.LATENCY_P99,
        level="component",
        needs=(),
        do="Add copies, or tag the component with the latency it may have.",
    ),
    replace(
        requests.MEMORY,
        title="memory use of what is reserved",
        level="component",
        metrics=(Metric(COMPONENTS, "MemoryUtilizationNormalized", "Maximum"),),
        why="A container that outgrows its reservation is killed.",
        do="Raise the component's memory requirement.",
    ),
    replace(
        requests.ERRORS_4XX,
        level="component",
        needs=(),
        do="Compare one refused request with the model's input schema.",
    ),
    replace(
        requests.OVERHEAD_LATENCY,
        level="component",
        needs=(),
        why="SageMaker itself adds this much to every request, or requests queue before a copy.",
        do="Compare with the requests for each copy; add copies.",
    ),
    Spec(
        id="concurrency",
        title="concurrent requests on a copy",
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
    replace(
        requests.CPU,
        title="CPU use of what is reserved",
        level="component",
        metrics=(Metric(COMPONENTS, "CPUUtilizationNormalized", "Average"),),
        unit=Unit.PERCENT,
        needs=(),
        why="With every reserved core busy, requests queue and latency climbs next.",
        do="Add copies, or raise the component's CPU requirement.",
    ),
    replace(
        requests.GPU,
        title="GPU use of what is reserved",
        level="component",
        metrics=(Metric(COMPONENTS, "GPUUtilizationNormalized", "Average"),),
        unit=Unit.PERCENT,
        needs=("gpu",),
        do="Add copies, or batch requests in the container.",
    ),
    replace(
        requests.GPU_MEMORY,
        title="GPU memory use of what is reserved",
        level="component",
        metrics=(Metric(COMPONENTS, "GPUMemoryUtilizationNormalized", "Maximum"),),
        unit=Unit.PERCENT,
        needs=("gpu",),
        do="Lower the batch size or sequence length, or reserve more devices.",
    ),
    Spec(
        id="no-capacity",
        title="requests that found no copy",
        level="component",
        metrics=(Metric(REQUESTS, "NoCapacityInvocationFailures", "Sum"),),
        # Scaling out from zero takes about five minutes (Developer Guide, "Scale an endpoint to zero instances"), in
        # which callers are turned away: that touches two windows at most.
        threshold=0,
        unit=Unit.COUNT,
        period=300,
        periods=6,
        datapoints=3,
        severity=Severity.WARNING,
        symptom=True,
        warm_up=WARM_UP,
        why="Callers are turned away: it was scaled to zero and does not come back, or there is no instance for it.",
        do="Look at the scaling policy that starts the first copy, its alarm and its activities.",
    ),
    Spec(
        id="idle",
        title="requests per hour",
        level="component",
        metrics=(Metric(REQUESTS, "Invocations", "Sum"),),
        comparison="LessThanThreshold",
        threshold=1,
        unit=Unit.COUNT,
        period=3600,
        periods=24,
        datapoints=24,
        # Sources differ on whether SageMaker publishes zeros: where it does not, an hour without a call has no data.
        missing="breaching",
        severity=Severity.INFO,
        phrase="idle, no requests for 24 h",
        warm_up=DAY,
        why="Nobody has called it for a day, and what it reserves is lost to other models.",
        do="Scale its copies to zero, or delete it.",
    ),
)


def _observe(component: Description, reader: Reader, facts: Facts) -> Facts:
    name, read = component["InferenceComponentName"], PartReader(reader)
    # How often its metrics are published is a setting of its endpoint.
    endpoint = read("describe_endpoint", EndpointName=component["EndpointName"]) or {}
    every, unsteady = requests.published_every(endpoint.get("MetricsConfig") or {}, COMPONENTS)
    if read.denied:
        unsteady = frozenset({COMPONENTS, REQUESTS})
    scope = Scope(
        level="component",
        name=component.get("VariantName") or "all",
        series=({"InferenceComponentName": name},),
        traits=frozenset(_traits(component)),
        published_every=every,
        waits=component.get("InferenceComponentStatus") in _NOT_SERVING,
    )
    gap = Gap(
        level="component",
        scope=scope.name,
        traits=frozenset(),
        unsteady=unsteady,
        reason=f"{scope.name}: how often its endpoint publishes is not known (MetricPublishFrequencyInSeconds)",
    )
    parent = {"parent": f"endpoint/{component['EndpointName']}"}
    return replace(
        facts, scopes=(scope,), gaps=(gap,) if unsteady else (), labels=parent, denied=tuple(read.denied.values())
    )


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
            "NoCapacityInvocationFailures": "",
        },
    ),
    Chart(
        title="Requests",
        namespace=REQUESTS,
        dimensions=(COMPONENT,),
        unit="None",
        statistics=SUM,
        shown="Sum",
        metrics={
            "Invocations": "",
            "InvocationsPerCopy": "It says how the load is spread; how many requests there are is in Invocations.",
        },
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
    categories=("", ()),
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
    version=lambda component: (
        component.get("VariantName"),
        repr(component.get("Specification")),
        component["InferenceComponentStatus"] in _NOT_SERVING,
    ),
    observe=_observe,
    reads={"describe_endpoint": "endpoint"},
    levels={"component": Level(COMPONENT)},
    specs=SPECS,
    discovers=(),
    charts=CHARTS,
    without_charts="",
    notices=(),
    parents={},
    page=None,
    log_group=None,
    run=None,
    explain=_explain,
    explain_calls=("describe_inference_component",),
    causes=frozenset({"endpoint-capacity", "start-up", "placement"}),
    deployed=True,
)
