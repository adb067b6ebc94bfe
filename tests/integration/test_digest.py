"""The daily digest, from the lists to Slack and the topic: once a day, and counted where lists may be read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest

from sagewatch.fleet.coverage import DUE, CoverageCount, IdleScope, UnwatchedResource, from_detail
from sagewatch.model import Ref
from sagewatch.tell.store.timelines import Timeline, changed_timelines, save
from tests.integration.conftest import Fleet, Journal, Queue, alarms, batch, cold_start
from tests.integration.notify_function import take_doubles
from tests.integration.slack_double import SlackDouble, slack_double
from tests.integration.test_incident_store import notice
from tests.integration.test_notify import Inbox, run
from tests.integration.test_notify import inbox as inbox
from tests.payloads import event
from tests.slack_limits import broken

CHURN = Ref("endpoint", "churn")
POLICY = """
routes:
  - name: fraud
    match: {team: fraud}
    slack: C0FRAUD
  - name: everyone
    slack: C0DAILY
    sns: default
    digest: true
"""


def due(**detail: Any) -> dict[str, Any]:
    return {"source": "sagewatch", "detail-type": DUE, "detail": detail}


@pytest.fixture
def double() -> Iterator[SlackDouble]:
    with slack_double() as double:
        yield double


@pytest.fixture
def table(inbox: Inbox) -> str:
    return "incidents"


@pytest.fixture
def notify(inbox: Inbox, double: SlackDouble, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModuleType]:
    """Start the function with a policy, and a bot in Slack."""

    def start(policy: str = POLICY, **credentials: str) -> ModuleType:
        found = credentials or dict(double.slack.bot)
        put = boto3.client("ssm").put_parameter
        put(Name="/slack", Type="SecureString", Value=json.dumps(found))
        put(Name="/policy", Type="String", Value=policy)
        monkeypatch.setenv("SLACK_CREDENTIALS", "ssm:/slack")
        monkeypatch.setenv("SLACK_API_URL", f"{double.url}/api")
        take_doubles(monkeypatch, double.url)
        monkeypatch.setenv("POLICY_PARAMETER", "/policy")
        return cold_start("notify")

    return start


def texts(double: SlackDouble) -> list[tuple[str, str]]:
    return [(body.get("channel", ""), body["text"]) for _, _, body in double.posts]


# ------------------------------------------------------------------------------------------------------------- sent
def test_it_goes_to_the_routes_that_want_it_and_says_what_happened_on_all_of_them(
    notify: Callable[..., ModuleType], double: SlackDouble, inbox: Inbox
) -> None:
    app = notify()
    now = datetime.now(UTC)
    for route, subject in (("fraud", CHURN), ("everyone", Ref("endpoint", "search"))):
        fired = notice(at=now - timedelta(hours=1), subject=subject, key=f"key-{subject}")
        timeline = Timeline(route=route, subject=subject, notices=(fired,))
        save(app.clients.dynamodb, "incidents", timeline, True, now)

    assert run(app, due()) == []

    headline = "SageMaker daily, 123456789012 us-east-1: 2 open incidents, 0 failed jobs"
    assert texts(double) == [("C0DAILY", headline)]
    assert broken({k: v for k, v in double.posts[0][2].items() if k != "channel"}) == []
    [message] = inbox.taken()
    assert message["Subject"] == headline
    assert message["MessageAttributes"]["kind"]["Value"] == "digest"


def test_a_redelivery_sends_nothing_twice(notify: Callable[..., ModuleType], double: SlackDouble, inbox: Inbox) -> None:
    app = notify()

    for _ in range(3):
        assert run(app, due(), due()) == []

    assert len(texts(double)) == len(inbox.taken()) == 1


def test_who_had_it_does_not_get_it_again_when_another_place_failed(
    notify: Callable[..., ModuleType], double: SlackDouble, inbox: Inbox
) -> None:
    app = notify()
    double.answers.append((503, ""))

    first, second = run(app, due()), run(app, due())

    assert (first, second) == (["m0"], [])
    assert (len(texts(double)), len(inbox.taken())) == (2, 1)


def test_each_day_has_one_even_when_it_comes_late(
    notify: Callable[..., ModuleType], inbox: Inbox, double: SlackDouble
) -> None:
    app = notify()
    days = [{**due(), "time": f"2026-11-{day}T07:00:00+00:00"} for day in (20, 21, 20, 21)]

    assert run(app, *days) == []

    assert len(texts(double)) == len(inbox.taken()) == 2


def test_a_place_of_two_routes_gets_one(notify: Callable[..., ModuleType], double: SlackDouble) -> None:
    route = "  - {name: NAME, match: {team: NAME}, slack: C0DAILY, digest: true}\n"
    app = notify(f"routes:\n{route.replace('NAME', 'a')}{route.replace('NAME', 'b')}  - {{name: c, sns: default}}\n")

    run(app, due())

    assert [channel for channel, _ in texts(double)] == ["C0DAILY"]


def test_amazon_q_reads_a_notification_of_its_own(notify: Callable[..., ModuleType], inbox: Inbox) -> None:
    topic = "arn:aws:sns:us-east-1:123456789012:alerts"
    app = notify(f"routes:\n  - {{name: all, chatbot: {topic!r}, digest: true}}\n")

    assert run(app, due()) == []

    [message] = inbox.taken()
    assert json.loads(message["Message"])["content"]["title"].startswith("SageMaker daily, 123456789012 us-east-1: ")


def test_a_webhook_takes_it_too(notify: Callable[..., ModuleType], double: SlackDouble) -> None:
    app = notify(**double.slack.webhook)

    assert run(app, due()) == []

    assert [text for _, text in texts(double)] == [
        "SageMaker daily, 123456789012 us-east-1: 0 open incidents, 0 failed jobs"
    ]


def test_nobody_wants_it_nobody_reads_the_table(
    notify: Callable[..., ModuleType], journal: Journal, inbox: Inbox
) -> None:
    app = notify("routes:\n  - {name: all, sns: default}\n")
    journal.watch(app.clients.dynamodb)

    assert run(app, due()) == []

    assert journal.taken() == []
    assert inbox.taken() == []


def test_what_is_no_tally_is_not_told(notify: Callable[..., ModuleType], inbox: Inbox) -> None:
    assert run(notify(), due(kinds="nonsense")) == ["m0"]
    assert inbox.taken() == []


def test_it_tells_what_the_function_itself_told_before(
    notify: Callable[..., ModuleType], double: SlackDouble, inbox: Inbox
) -> None:
    app = notify()
    fired = event("alarm-firing")
    fired["detail"]["state"]["timestamp"] = datetime.now(UTC).isoformat()

    assert run(app, fired) == run(app, due()) == []

    headline = "SageMaker daily, 123456789012 us-east-1: 1 open incident, 0 failed jobs"
    assert texts(double)[-1] == ("C0DAILY", headline)


# ---------------------------------------------------------------------------------------------------------- changed
def test_only_timelines_that_were_saved_since_then_are_read(table: str) -> None:
    client: Any = boto3.client("dynamodb")
    now = datetime.now(UTC)
    old = Timeline(route="a", subject=CHURN, notices=(notice(),))
    new = Timeline(route="b#c", subject=Ref("pipeline", "train"), notices=(notice(1),))
    save(client, table, old, False, now - timedelta(days=2))
    saved = save(client, table, new, False, now)
    client.put_item(
        TableName=table, Item={"pk": {"S": "NOTICE#1"}, "sk": {"S": "slack"}, "expires": {"N": "99999999999"}}
    )

    assert list(changed_timelines(client, table, now - timedelta(days=1))) == [saved]


# ---------------------------------------------------------------------------------------------------------- counted
def sent() -> CoverageCount | None:
    """Return what the sweep put into the notify queue."""
    [message] = Queue("notify").taken()
    assert message["detail-type"] == DUE
    return from_detail(message["detail"])


def test_the_sweep_counts_who_is_watched_and_has_it_told(queue: Queue, fleet: Fleet) -> None:
    sweep, reconcile = cold_start("sweep"), cold_start("reconcile")
    fleet.endpoint("churn")
    fleet.pipeline()
    sweep.handler({}, None)
    reconcile.handler(batch(*queue.taken()), None)
    fleet.endpoint("lonely")
    fleet.sagemaker.delete_pipeline(PipelineName="churn-train", ClientRequestToken="x" * 32)
    boto3.client("cloudwatch").set_alarm_state(
        AlarmName="sagewatch/endpoint/churn/AllTraffic/idle", StateValue="ALARM", StateReason="nobody calls"
    )
    there = len(alarms())

    counts = sweep.handler({"mode": "digest"}, None)

    assert counts == {"watched": 1, "wanted": 2}
    assert queue.taken() == []
    assert sent() == CoverageCount(
        kinds={"endpoint": (1, 2)},
        unwatched=(UnwatchedResource("endpoint", "lonely", "created in the last 15 min"),),
        orphans=1,
        alarms=there,
        cost=3.4,
        idle=(IdleScope("endpoint", "churn", "AllTraffic", "about $0.23 an hour, $166 a month (us-east-1)"),),
    )


def test_a_kind_whose_list_is_refused_is_in_none_of_the_numbers(queue: Queue, fleet: Fleet) -> None:
    sweep, reconcile = cold_start("sweep"), cold_start("reconcile")
    fleet.endpoint()
    fleet.pipeline()
    sweep.handler({}, None)
    reconcile.handler(batch(*queue.taken()), None)
    sweep.clients.sagemaker.meta.events.register_first("before-call.sagemaker.ListPipelines", _denied)

    sweep.handler({"mode": "digest"}, None)

    found = sent()
    assert found is not None
    assert (found.kinds, found.unread, found.orphans) == ({"endpoint": (1, 1)}, ("pipeline",), 0)


def _denied(**_: Any) -> Any:
    error = {"Error": {"Code": "AccessDeniedException", "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    return SimpleNamespace(status_code=400), error
