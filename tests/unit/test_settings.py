from __future__ import annotations

import pytest

from sagewatch.errors import BadSetting
from sagewatch.settings import NotifySettings, ReconcileSettings, SweepSettings

QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/sagewatch-ReconcileQueue-X"
NOTIFY = {
    "ALERTS_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:sagewatch-AlertsTopic-X",
    "INCIDENTS_TABLE": "sagewatch-Incidents-X",
}


def test_the_prefix_has_a_default() -> None:
    assert ReconcileSettings.read({}).prefix == "sagewatch"
    assert ReconcileSettings.read({"ALARM_PREFIX": "ml-prod"}).prefix == "ml-prod"


def test_a_policy_and_a_table_for_its_budget_are_not_needed() -> None:
    named = {"POLICY_PARAMETER": "/sagewatch/ml-prod/policy", "INCIDENTS_TABLE": "sagewatch-Incidents-X"}

    assert ReconcileSettings.read({}) == ReconcileSettings(prefix="sagewatch", policy_parameter=None, table=None)
    assert ReconcileSettings.read(named) == ReconcileSettings(
        prefix="sagewatch", policy_parameter="/sagewatch/ml-prod/policy", table="sagewatch-Incidents-X"
    )


def test_the_sweep_needs_both_queues() -> None:
    urls = {"RECONCILE_QUEUE_URL": QUEUE, "NOTIFY_QUEUE_URL": QUEUE}

    assert SweepSettings.read(urls) == SweepSettings(
        prefix="sagewatch", queue_url=QUEUE, backfill_url=QUEUE, notify_url=QUEUE, policy_parameter=None, table=None
    )


def test_the_sweep_names_what_it_finds_to_a_queue_of_its_own_where_there_is_one() -> None:
    urls = {"RECONCILE_QUEUE_URL": QUEUE, "NOTIFY_QUEUE_URL": QUEUE, "BACKFILL_QUEUE_URL": f"{QUEUE}-backfill"}

    assert SweepSettings.read(urls).backfill_url == f"{QUEUE}-backfill"


def test_without_slack_the_topic_is_enough() -> None:
    for empty in ({}, {"SLACK_CREDENTIALS": ""}):
        assert NotifySettings.read({**NOTIFY, **empty}).slack_credentials is None


@pytest.mark.parametrize(
    "credentials", ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:slack-AbC", "ssm:/ml/slack"]
)
def test_slack_credentials_are_the_name_of_a_secret(credentials: str) -> None:
    assert NotifySettings.read({**NOTIFY, "SLACK_CREDENTIALS": credentials}).slack_credentials == credentials


def test_slack_is_where_slack_is() -> None:
    assert NotifySettings.read(NOTIFY).slack_api_url == "https://slack.com/api"
    gov = "https://slack-gov.com/api/"
    assert NotifySettings.read({**NOTIFY, "SLACK_API_URL": gov}).slack_api_url == gov


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SAGEMAKER"])
def test_doubles_on_this_machine_are_taken_where_the_environment_names_emulators(name: str) -> None:
    for url in ("http://127.0.0.1:4321/api", "http://localhost:4321"):
        found = NotifySettings.read({**NOTIFY, "SLACK_API_URL": url, name: "http://127.0.0.1:5200"})
        assert (found.slack_api_url, found.takes_doubles) == (url, True)


@pytest.mark.parametrize("endpoint", [{}, {"AWS_ENDPOINT_URL": "https://vpce-0a1b.sqs.eu-west-1.vpce.amazonaws.com"}])
def test_doubles_on_this_machine_are_refused_elsewhere(endpoint: dict[str, str]) -> None:
    """In Lambda, 127.0.0.1:9001 is its own Runtime API."""
    assert NotifySettings.read({**NOTIFY, **endpoint}).takes_doubles is False
    with pytest.raises(BadSetting, match="SLACK_API_URL is malformed"):
        NotifySettings.read({**NOTIFY, **endpoint, "SLACK_API_URL": "http://127.0.0.1:9001/2018-06-01/runtime"})


def test_hosts_of_webhooks_are_names_between_commas() -> None:
    assert NotifySettings.read(NOTIFY).webhook_hosts == ()
    given = {**NOTIFY, "WEBHOOK_HOSTS": "hooks.example.com,*.example.org,*"}
    assert NotifySettings.read(given).webhook_hosts == ("hooks.example.com", "*.example.org", "*")


def test_logs_are_read_unless_that_is_off() -> None:
    assert NotifySettings.read(NOTIFY).reads_logs is True
    assert NotifySettings.read({**NOTIFY, "READ_LOGS": "off"}).reads_logs is False


@pytest.mark.parametrize(
    ("settings", "environment", "says"),
    [
        (ReconcileSettings, {"ALARM_PREFIX": "a/b"}, "ALARM_PREFIX is malformed; it must be 1 to 31 of a-z"),
        (SweepSettings, {}, "RECONCILE_QUEUE_URL is not set; it must be the URL of the reconcile queue."),
        (SweepSettings, {"RECONCILE_QUEUE_URL": QUEUE}, "NOTIFY_QUEUE_URL is not set; it must be the URL"),
        (SweepSettings, {"RECONCILE_QUEUE_URL": "queue"}, "RECONCILE_QUEUE_URL is malformed; it must be the URL"),
        (NotifySettings, {"INCIDENTS_TABLE": "table"}, "ALERTS_TOPIC_ARN is not set; it must be the ARN"),
        (NotifySettings, {**NOTIFY, "INCIDENTS_TABLE": ""}, "INCIDENTS_TABLE is not set; it must be the name"),
        (NotifySettings, {**NOTIFY, "SLACK_API_URL": "https://evil.example"}, "SLACK_API_URL is malformed; it must be"),
        (NotifySettings, {**NOTIFY, "WEBHOOK_HOSTS": "https://a.example"}, "WEBHOOK_HOSTS is malformed; it must be"),
        (NotifySettings, {**NOTIFY, "READ_LOGS": "no"}, "READ_LOGS is malformed; it must be on or off"),
    ],
)
def test_a_setting_that_is_missing_or_malformed_is_named(
    settings: type[ReconcileSettings | SweepSettings | NotifySettings], environment: dict[str, str], says: str
) -> None:
    with pytest.raises(BadSetting) as refused:
        settings.read(environment)

    assert str(refused.value).startswith(says)


def test_a_secret_in_the_wrong_variable_is_not_repeated() -> None:
    with pytest.raises(BadSetting) as refused:
        NotifySettings.read({**NOTIFY, "SLACK_CREDENTIALS": "https://hooks.slack.com/services/T0/B0/secret"})

    assert "secret/" not in str(refused.value)
    assert "hooks.slack.com" not in str(refused.value)
