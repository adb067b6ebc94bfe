"""Reads the environment, once per cold start; what is missing or malformed stops the function there, by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sagewatch.errors import BadSetting

_PREFIX = re.compile(r"[a-z][a-z0-9-]{0,30}")
# The URL of a queue ends in the account and the name (SQS Developer Guide, "Queue and message identifiers").
_QUEUE_URL = re.compile(r"https?://\S+/\d{12}/\S+")
# Partitions are aws, aws-cn, aws-us-gov and others that begin with aws (IAM User Guide, "Amazon Resource Names").
_TOPIC_ARN = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:\S+")
# DynamoDB Developer Guide, "Naming rules": 3 to 255 characters.
_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}")
# Secrets Manager ends the ARN in a hyphen and six characters of its own (CreateSecret, ARN).
_CREDENTIALS = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:\S+|ssm:/[A-Za-z0-9_./-]+")
# Names have letters, digits and these, in a hierarchy that begins with a slash (SSM, PutParameter, Name).
_PARAMETER = re.compile(r"/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")
# What the template writes: rule:NAME, schedule:NAME, mapping:UUID, with commas between them.
_PARTS = re.compile(r"(rule|schedule|mapping):[A-Za-z0-9_.-]+(,(rule|schedule|mapping):[A-Za-z0-9_.-]+)*")
_SWITCH = re.compile("on|off")
_COUNT = re.compile(r"[1-9][0-9]{0,5}")
# GovSlack has a domain of its own (Slack, "GovSlack").
_API_URL = re.compile(r"https://slack(-gov)?\.com/api/?")
_LOOPBACK_URL = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(/\S*)?")
_HOSTS = re.compile(r"\*|(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+")


def _setting(
    environment: Mapping[str, str], name: str, pattern: re.Pattern[str], wants: str, default: str | None = None
) -> str:
    value = environment.get(name, "") or default
    if not value:
        raise BadSetting(f"{name} is not set; it must be {wants}.")
    if not pattern.fullmatch(value):
        # The value may be a secret pasted into the wrong variable, so it is not repeated.
        raise BadSetting(f"{name} is malformed; it must be {wants}.")
    return value


def alarm_prefix(environment: Mapping[str, str]) -> str:
    """Return ALARM_PREFIX, the first part of every alarm's name (`sagewatch` when unset)."""
    return _setting(
        environment, "ALARM_PREFIX", _PREFIX, "1 to 31 of a-z, 0-9 and -, beginning with a letter", "sagewatch"
    )


def _optional(environment: Mapping[str, str], name: str, pattern: re.Pattern[str], wants: str) -> str | None:
    return _setting(environment, name, pattern, wants) if environment.get(name) else None


def names_emulators(environment: Mapping[str, str]) -> bool:
    """Tell whether the environment sends calls of AWS to the loopback address, as that of emulators does.

    Then test doubles there are taken for Slack and for webhooks. No policy and no parameter of the stack can say so: it
    takes leave to change a function's environment.
    """
    # botocore, "Service-specific endpoints": AWS_ENDPOINT_URL, and AWS_ENDPOINT_URL_SAGEMAKER for one service.
    return any(
        name.startswith("AWS_ENDPOINT_URL") and _LOOPBACK_URL.fullmatch(url) is not None
        for name, url in environment.items()
    )


def _webhook_hosts(environment: Mapping[str, str]) -> tuple[str, ...]:
    hosts = tuple(filter(None, environment.get("WEBHOOK_HOSTS", "").split(",")))
    if not all(_HOSTS.fullmatch(host) for host in hosts):
        raise BadSetting("WEBHOOK_HOSTS is malformed; it must be hosts, *.example.com or *, between commas.")
    return hosts


def _parameter(environment: Mapping[str, str]) -> str | None:
    return _optional(environment, "POLICY_PARAMETER", _PARAMETER, "the name of the SSM parameter with the policy")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileSettings:
    """What the reconcile function needs to know; without `policy_parameter` there is no policy.

    `table` is where the sweep writes what a budget has no room for; who has no budget needs none.
    """

    prefix: str
    policy_parameter: str | None
    table: str | None
    queue_url: str | None = None
    """The reconcile queue, for children and for what ran out of time; without it children are done with their parent,
    and what ran out of time comes back when SQS shows it again."""
    notify_url: str | None = None
    """The notify queue, for what people should know; without it that is in the log only."""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> ReconcileSettings:
        return cls(
            queue_url=_optional(environment, "RECONCILE_QUEUE_URL", _QUEUE_URL, "the URL of the reconcile queue"),
            notify_url=_optional(environment, "NOTIFY_QUEUE_URL", _QUEUE_URL, "the URL of the notify queue"),
            prefix=alarm_prefix(environment),
            policy_parameter=_parameter(environment),
            table=_optional(environment, "INCIDENTS_TABLE", _TABLE, "the name of the incidents table"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSettings:
    """What the sweep function needs to know."""

    prefix: str
    """What the names of all our alarms begin with."""
    queue_url: str
    """The reconcile queue, for resources that somebody waits for."""
    backfill_url: str
    """The queue for resources that the sweep names; without one of its own, the reconcile queue."""
    notify_url: str
    """The notify queue."""
    policy_parameter: str | None
    """The SSM parameter with the policy; None when there is no policy."""
    table: str | None
    """The incidents table, where it writes which rows a budget has no room for."""
    parts: tuple[str, ...] = ()
    """What must be enabled for the product to work: `("rule:…", "schedule:sagewatch-sweep", "mapping:0a1b…")`."""
    operators_topic: str | None = None
    """The topic that must have a confirmed subscriber; None when nobody looks."""
    alarm_quota: int = 5000
    """How many alarms CloudWatch allows the account in the Region."""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> SweepSettings:
        parts = _optional(environment, "PARTS", _PARTS, "rule:, schedule: and mapping: with names, between commas")
        reconcile = _setting(environment, "RECONCILE_QUEUE_URL", _QUEUE_URL, "the URL of the reconcile queue")
        return cls(
            prefix=alarm_prefix(environment),
            queue_url=reconcile,
            backfill_url=_setting(
                environment, "BACKFILL_QUEUE_URL", _QUEUE_URL, "the URL of the backfill queue", reconcile
            ),
            notify_url=_setting(environment, "NOTIFY_QUEUE_URL", _QUEUE_URL, "the URL of the notify queue"),
            policy_parameter=_parameter(environment),
            parts=tuple(parts.split(",")) if parts else (),
            operators_topic=_optional(
                environment, "OPERATORS_TOPIC_ARN", _TOPIC_ARN, "the ARN of the topic of the operators"
            ),
            alarm_quota=int(_setting(environment, "ALARM_QUOTA", _COUNT, "a whole number from 1 to 999999", "5000")),
            table=_optional(environment, "INCIDENTS_TABLE", _TABLE, "the name of the incidents table"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySettings:
    """What the notify function needs to know."""

    prefix: str
    """What the names of all our alarms begin with."""
    queue_url: str | None
    """Its own queue; without it a message that must wait waits as long as the queue wants."""
    topic_arn: str
    """The topic of the default route."""
    table: str
    """The incidents table."""
    policy_parameter: str | None
    """The SSM parameter with the policy; None when there is no policy."""
    slack_credentials: str | None
    """Where Slack's credentials are; None when Slack is not configured."""
    slack_api_url: str
    """Slack's Web API, or a double of it on a loopback address where the environment names emulators."""
    webhook_hosts: tuple[str, ...] = ()
    """Hosts that webhooks may be called at: names, `*.example.com`, or `*` for all."""
    takes_doubles: bool = False
    """Whether test doubles on the loopback address are taken for webhooks."""
    reads_logs: bool = True
    """Whether the last lines of a job's log are read."""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> NotifySettings:
        credentials = None
        if environment.get("SLACK_CREDENTIALS"):
            wants = "the ARN of a Secrets Manager secret, or ssm:/name"
            credentials = _setting(environment, "SLACK_CREDENTIALS", _CREDENTIALS, wants)
        doubles = names_emulators(environment)
        slack_url = environment.get("SLACK_API_URL", "")
        is_double = doubles and _LOOPBACK_URL.fullmatch(slack_url) is not None
        return cls(
            prefix=alarm_prefix(environment),
            queue_url=_optional(environment, "NOTIFY_QUEUE_URL", _QUEUE_URL, "the URL of the notify queue"),
            topic_arn=_setting(environment, "ALERTS_TOPIC_ARN", _TOPIC_ARN, "the ARN of the alerts topic"),
            table=_setting(environment, "INCIDENTS_TABLE", _TABLE, "the name of the incidents table"),
            policy_parameter=_parameter(environment),
            slack_credentials=credentials,
            slack_api_url=slack_url
            if is_double
            else _setting(environment, "SLACK_API_URL", _API_URL, "Slack's Web API", "https://slack.com/api"),
            webhook_hosts=_webhook_hosts(environment),
            takes_doubles=doubles,
            reads_logs=_setting(environment, "READ_LOGS", _SWITCH, "on or off", "on") == "on",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractSettings:
    """What the interact function needs to know."""

    notify_url: str
    slack_credentials: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> InteractSettings:
        wants = "the ARN of a Secrets Manager secret, or ssm:/name"
        return cls(
            notify_url=_setting(environment, "NOTIFY_QUEUE_URL", _QUEUE_URL, "the URL of the notify queue"),
            slack_credentials=_setting(environment, "SLACK_CREDENTIALS", _CREDENTIALS, wants),
        )
