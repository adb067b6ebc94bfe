"""What the publisher sends, against units, statistics and dimensions of the SageMaker Developer Guide."""

from __future__ import annotations

import pytest

from sagewatch_cli.scenarios.facets import FACETS
from sagewatch_cli.scenarios.publisher import Habits, published
from sagewatch_cli.scenarios.samples import MetricData, MetricKey, Samples, key

VARIANT = {"EndpointName": "churn", "VariantName": "AllTraffic"}
MINUTES = 60


def of(facet: str, *, zeros: bool = True, **condition: float) -> MetricData:
    """Return an hour of a facet in one condition."""
    usual = {**FACETS[facet].usual, **condition}
    return published(FACETS[facet].emit, [(usual, usual)] * MINUTES, MINUTES, Habits(zeros=zeros), "seed")


def hour(data: MetricData, metric: MetricKey, statistic: str) -> float | None:
    return data.windows(metric, statistic, MINUTES)[-1]


def requests(name: str) -> MetricKey:
    return key("AWS/SageMaker", name, VARIANT)


def instances(name: str) -> MetricKey:
    return key("/aws/sagemaker/Endpoints", name, VARIANT)


def test_the_average_of_an_error_metric_is_the_error_rate() -> None:
    """For each 5xx response, 1 is sent; otherwise, 0 is sent."""
    data = of("endpoint", rate=600, fails=0.25)

    assert hour(data, requests("Invocation5XXErrors"), "Average") == pytest.approx(0.25, abs=0.02)
    assert hour(data, requests("Invocation5XXErrors"), "SampleCount") == hour(data, requests("Invocations"), "Sum")


def test_model_errors_include_what_callers_did_wrong() -> None:
    """InvocationModelErrors: requests that did not result in 2XX, 4XX included."""
    data = of("endpoint", refused=1)

    assert hour(data, requests("InvocationModelErrors"), "Average") == 1
    assert hour(data, requests("Invocation5XXErrors"), "Sum") == 0


@pytest.mark.parametrize(("zeros", "expected"), [(True, 0), (False, None)])
def test_an_idle_variant_publishes_zeros_or_nothing(*, zeros: bool, expected: float | None) -> None:
    """The sources conflict, so both are played; a latency has no value without a request."""
    data = of("endpoint", rate=0, zeros=zeros)

    assert hour(data, requests("Invocations"), "Sum") == expected
    assert hour(data, requests("ModelLatency"), "Average") is None


def test_cpu_and_gpu_count_a_hundred_for_each_core_and_device_and_memory_a_hundred_in_all() -> None:
    """Four cores range to 400 %; ml.g5.12xlarge has 48 cores and four GPUs."""
    data = of("endpoint, GPU", cpu=1, gpu=1, memory=1)

    assert hour(data, instances("CPUUtilization"), "Maximum") == 4800
    assert hour(data, instances("GPUUtilization"), "Maximum") == 400
    assert hour(data, instances("MemoryUtilization"), "Maximum") == 100


@pytest.mark.parametrize(("every", "samples"), [(10, 360), (60, 60), (120, 30), (300, 12)])
def test_utilisation_is_published_as_often_as_configured(every: int, samples: int) -> None:
    """MetricsConfig.MetricPublishFrequencyInSeconds."""
    data = of("endpoint", every=every)

    assert hour(data, instances("CPUUtilization"), "SampleCount") == samples
    assert data.first(instances("CPUUtilization")) == 0


def test_latency_counts_in_microseconds_and_that_of_load_tests_in_milliseconds() -> None:
    load_test = {"JobName": "recommend-1", "EndpointName": "candidate-1"}
    client = key("/aws/sagemaker/InferenceRecommendationsJobs", "ClientLatency", load_test)

    assert hour(of("endpoint", latency=0.2), requests("ModelLatency"), "p50") == pytest.approx(200_000, rel=0.1)
    assert hour(of("recommender job", latency=0.2), client, "p50") == pytest.approx(200, rel=0.1)


def test_jobs_publish_by_host_and_components_under_their_own_name_alone() -> None:
    hosts = {dict(named)["Host"] for _, _, named in of("training, 12 hosts").series}
    components = {frozenset(dict(named)) for _, _, named in of("component").series}

    assert hosts == {f"train-1/algo-{number}" for number in range(1, 13)}
    assert components == {frozenset({"InferenceComponentName"})}


def test_serverless_and_asynchronous_endpoints_publish_only_what_they_are_documented_to() -> None:
    serverless = {name for _, name, _ in of("serverless").series}
    asynchronous = {name for _, name, _ in of("asynchronous").series}

    assert serverless.isdisjoint({"CPUUtilization", "DiskUtilization", "InvocationModelErrors", "GPUUtilization"})
    assert asynchronous.isdisjoint({"Invocations", "OverheadLatency", "InvocationModelErrors"})


def test_the_statistics_of_sample_sets() -> None:
    """p90 of 1 to 100 is 90; a percentile of a statistic set is known only if its samples are alike."""
    data, metric = MetricData(3), key("n", "m", {})
    data.add(metric, 0, Samples.of({float(value): 1 for value in range(1, 101)}))
    data.add(metric, 2, Samples(4, 20, 2, 9))

    first = {each: data.windows(metric, each, 1)[0] for each in ("Sum", "Average", "Minimum", "p90", "p99", "p50")}

    assert first == {"Sum": 5050, "Average": 50.5, "Minimum": 1, "p90": 90, "p99": 99, "p50": 50}
    assert data.windows(metric, "Average", 1) == [50.5, None, 5]
    assert data.windows(metric, "Maximum", 3)[2] == 100
    assert data.windows(metric, "p90", 1)[2] is None
