"""The alarms of the product on itself: a table, and the part of template.yaml that is made of it.

They act on the operators' topic, which shares neither our functions nor our key. Where AWS publishes a metric all the
time, its absence is the fault (`breaching`). These are published only when there is something to count, so nothing is
the normal case: FailedInvocations "only if it isn't zero" (EventBridge User Guide, "EventBridge metrics"),
ApproximateAgeOfOldestMessage "if the queue contains at least one active message" (SQS Developer Guide, "Available
CloudWatch metrics"), Errors and Throttles with an invocation (Lambda Developer Guide, "Types of metrics").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap

MINUTE = 60
RULES = (
    *("SageMakerStateChanges", "SageMakerApiCalls", "AlarmRepairs", "AlarmStateChanges", "SageMakerOutcomes", "Clock"),
    *("SweepDeployed", "SweepCanary", "SweepPolicyChanged"),
)
"""The rules that EventBridge must be able to deliver for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfAlarm:
    """One alarm of the stack on the stack."""

    id: str
    """Its logical id in the template, without `Alarm` at the end."""
    says: str
    """What it means and what to do, for who reads it at night."""
    namespace: str
    metric: str
    dimension: str
    """The name of its dimension."""
    value: str
    """The value of it, as YAML: `!Ref Sweep`."""
    statistic: str = "Sum"
    period: int = 5 * MINUTE
    periods: int = 1
    datapoints: int | None = None
    """How many of the periods; None: all."""
    threshold: float = 0
    comparison: str = "GreaterThanThreshold"
    missing: str = "notBreaching"
    condition: str | None = None
    """Of the template."""
    tells_everybody: bool = False
    """Whether it acts on the alerts topic, too."""


def _stopped(function: str, beats: str, then: str) -> SelfAlarm:
    return SelfAlarm(
        id=f"{function}Stopped",
        says=f"Sagewatch's {function.lower()} function has not run for ten minutes: {beats}. {then}",
        namespace="AWS/Lambda",
        metric="Invocations",
        dimension="FunctionName",
        value=f"!Ref {function}",
        # CloudWatch reaches back behind the evaluated periods for real data before it fills in ("Configuring how
        # CloudWatch alarms treat missing data"): with periods of a minute that costs minutes, not a quarter of an hour.
        period=MINUTE,
        periods=8,
        threshold=1,
        comparison="LessThanThreshold",
        missing="breaching",
    )


def _failing(function: str) -> SelfAlarm:
    is_rare = function == "Interact"
    return SelfAlarm(
        id=f"{function}Errors",
        says=f"Sagewatch's {function.lower()} function fails as a whole (no memory, no time, no permission, broken "
        f"code). Read the log group of {function}.",
        namespace="AWS/Lambda",
        metric="Errors",
        dimension="FunctionName",
        value=f"!Ref {function}",
        periods=1 if is_rare else 3,
        datapoints=1 if is_rare else 2,
        condition="HasSlackButtons" if is_rare else None,
    )


def _throttled(function: str) -> SelfAlarm:
    is_rare = function == "Interact"
    return SelfAlarm(
        id=f"{function}Throttles",
        says=f"Lambda does not run Sagewatch's {function.lower()} function: its concurrency is 0, or the account's is "
        "used up. Look at the function's reserved concurrency and the quota Concurrent executions.",
        namespace="AWS/Lambda",
        metric="Throttles",
        dimension="FunctionName",
        value=f"!Ref {function}",
        periods=1 if is_rare else 3,
        datapoints=1 if is_rare else 2,
        condition="HasSlackButtons" if is_rare else None,
    )


def _waiting(queue: str, minutes: int, what: str) -> SelfAlarm:
    return SelfAlarm(
        id=f"{queue}Age",
        says=f"Messages in Sagewatch's queue {queue} wait for more than {minutes} minutes: {what} Look at the "
        "function's log and at its event source mapping.",
        namespace="AWS/SQS",
        metric="ApproximateAgeOfOldestMessage",
        dimension="QueueName",
        value=f"!GetAtt {queue}.QueueName",
        statistic="Maximum",
        period=MINUTE,
        threshold=minutes * 60,
        # A message that failed once comes back after 12 minutes (the queue's visibility timeout), and is done then.
        periods=3,
    )


def _undelivered(rule: str) -> SelfAlarm:
    return SelfAlarm(
        id=f"{rule}Failing",
        says=f"EventBridge could not deliver events of the rule {rule}, nor put them into the dead-letter queue. "
        "Look at the rule's targets and at the policies of the queues.",
        namespace="AWS/Events",
        metric="FailedInvocations",
        dimension="RuleName",
        value=f"!Ref {rule}",
    )


def _own(id_: str, metric: str, service: str, says: str, **more: object) -> SelfAlarm:
    return SelfAlarm(
        id=id_,
        says=says,
        namespace="Sagewatch",
        metric=metric,
        dimension="service",
        value=service,
        **more,  # type: ignore[arg-type]
    )


ALARMS = (
    _stopped("Sweep", "its schedules, the function or Lambda stand still", "Nothing looks for lost events meanwhile."),
    _stopped(
        "Notify", "its clock, its queue or the function stand still", "Alarms and failures are not told meanwhile."
    ),
    *(_failing(each) for each in ("Reconcile", "Sweep", "Notify", "Interact")),
    *(_throttled(each) for each in ("Reconcile", "Sweep", "Notify", "Interact")),
    _waiting("ReconcileQueue", 10, "alarms do not follow their resources."),
    _waiting("BackfillQueue", 180, "what the sweep named has not been looked at."),
    _waiting("NotifyQueue", 10, "alarms and failures are not told."),
    *(_undelivered(each) for each in RULES),
    SelfAlarm(
        id="TopicFailing",
        says="Messages of Sagewatch's alerts topic do not reach a subscriber. Look at the delivery status of its "
        "subscriptions.",
        namespace="AWS/SNS",
        metric="NumberOfNotificationsFailed",
        dimension="TopicName",
        value="!GetAtt AlertsTopic.TopicName",
    ),
    _own(
        "ToldByFallback",
        "ToldByFallback",
        "notify",
        "A receiver failed for good or for too long, and another one was told in its place: a token is revoked, a "
        "topic or its key is gone. Read the log group of Notify.",
    ),
    _own(
        "ChannelBroken",
        "ChannelBroken",
        "notify",
        "A channel is gone, or refuses Sagewatch's credentials. Read the log group of Notify.",
    ),
    _own(
        "NotifyFailing",
        "MessagesFailed",
        "notify",
        "For ten minutes messages about alarms and failures could not be handled: the incidents table, the policy or a "
        "receiver does not answer. They wait in the queue. Read the log group of Notify.",
        periods=2,
    ),
    _own(
        "AlarmsRefused",
        "AlarmsRefused",
        "reconcile",
        "CloudWatch refuses alarms that Sagewatch wants to make: resources lack alarms until that is mended. The log "
        "of the reconcile function says which and why, in lines at level ERROR: a quota that is used up, or a topic "
        "under `paging` of another Region, say.",
        # Reconcile tries what was refused once a day: so this is over when a day and an hour went without a refusal.
        period=60 * MINUTE,
        periods=25,
        datapoints=1,
        tells_everybody=True,  # who owns the resources must know that they lack alarms
    ),
    _own(
        "PartsOff",
        "PartsOff",
        "sweep",
        "A rule, a schedule or an event source mapping of Sagewatch is disabled or gone, or nobody has confirmed a "
        "subscription of the operators' topic. The log group of Sweep says which (partsOff).",
        periods=2,
        tells_everybody=True,  # one of the parts is the subscriber of the operators' topic
    ),
    _own(
        "Unwatched",
        "ResourcesUnwatched",
        "sweep",
        "For an hour some resources have had no alarms that should have some: coverage is below 100 %. Run `sagewatch "
        "coverage`.",
        statistic="Minimum",
        period=15 * MINUTE,
        periods=4,
    ),
    _own(
        "CanaryLost",
        "CanaryLost",
        "sweep",
        "Sagewatch flipped its canary alarm, and no message about it arrived at the end of the path: a real alarm "
        "would not have been told either. Read the log groups of Notify and Sweep.",
    ),
    _own(
        "AlarmQuota",
        "AlarmQuotaUsed",
        "sweep",
        "The account has used up 80 % of the alarms that CloudWatch allows it in this Region. Raise the quota, set the "
        "parameter AlarmQuota to it, or give the policy a budget.",
        statistic="Maximum",
        period=60 * MINUTE,
        threshold=80,
        comparison="GreaterThanOrEqualToThreshold",
        missing="ignore",
    ),
)

OPERATORS = "!If [MakesOperatorsTopic, !Ref OperatorsTopic, !Ref OperatorsTopicArn]"


def lines() -> Iterator[str]:
    """Yield the resources of the template, without their indentation."""
    for each in ALARMS:
        yield f"{each.id}Alarm:"
        yield "  Type: AWS::CloudWatch::Alarm"
        if each.condition:
            yield f"  Condition: {each.condition}"
        yield "  Properties:"
        yield "    AlarmDescription: >-"
        yield from (f"      {line}" for line in wrap(each.says, 110))
        yield f"    Namespace: {each.namespace}"
        yield f"    MetricName: {each.metric}"
        yield f"    Dimensions: [{{ Name: {each.dimension}, Value: {each.value} }}]"
        yield f"    Statistic: {each.statistic}"
        yield f"    Period: {each.period}"
        yield f"    EvaluationPeriods: {each.periods}"
        if each.datapoints:
            yield f"    DatapointsToAlarm: {each.datapoints}"
        yield f"    Threshold: {each.threshold:g}"
        yield f"    ComparisonOperator: {each.comparison}"
        yield f"    TreatMissingData: {each.missing}"
        actions = f"[!Ref AlertsTopic, {OPERATORS}]" if each.tells_everybody else f"[{OPERATORS}]"
        yield f"    AlarmActions: {actions}"
        yield f"    OKActions: {actions}"
