from datetime import UTC, datetime

from sagewatch.aws.queue import beside
from sagewatch.fleet.costs import prices
from sagewatch.fleet.growth import unwatched
from sagewatch.fleet.summaries import AlarmSummary, summary_of
from sagewatch.kinds.kind import Discovery
from sagewatch.model import Described, Labels, Published, Ref, canonical

THEN = datetime(2026, 1, 2, tzinfo=UTC)
CHURN, OTHER = Ref("feature-group", "churn"), Ref("feature-group", "other")
BY_GROUP = Discovery(dimension="Group", owner=lambda each: each.dimensions["Group"])


def listed(operation: str, group: str = "churn", metric: str = "Latency") -> Published:
    return Published("AWS/SageMaker", metric, {"Group": group, "Operation": operation})


def alarm_on(metric: Published) -> AlarmSummary:
    dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions.items()]
    request = {"AlarmName": "a", "Namespace": metric.namespace, "MetricName": metric.metric, "Dimensions": dimensions}
    labels = Labels({"kind": "feature-group", "resource": "churn", "scope": "all", "alarm": "a"})
    return summary_of(Described(canonical(request), THEN), labels, prices("us-east-1"))


def test_a_metric_that_no_alarm_of_its_resource_looks_at_names_the_resource() -> None:
    watched = {CHURN: [alarm_on(listed("Get"))], OTHER: [alarm_on(listed("Get", "other"))]}

    found = unwatched("feature-group", BY_GROUP, [listed("Get"), listed("Delete"), listed("Get", "gone")], watched)

    assert found == {CHURN}


def test_another_metric_with_the_same_dimensions_is_the_same_scope_unless_each_metric_is_one() -> None:
    each = Discovery(dimension="Group", owner=BY_GROUP.owner, by_metric=True)
    watched = {CHURN: [alarm_on(listed("Get"))]}
    two = [listed("Get"), listed("Get", metric="Errors")]

    assert unwatched("feature-group", BY_GROUP, two, watched) == set()
    assert unwatched("feature-group", each, two, watched) == {CHURN}


def test_a_queue_is_found_beside_ours_by_its_arn() -> None:
    url = "https://sqs.eu-west-1.amazonaws.com/123456789012/ours"

    assert beside(url, "arn:aws:sqs:eu-west-1:123456789012:other") == url.replace("ours", "other")
    assert beside(url, "") == url
