"""Troubles of Slack, of topics and of the function itself: nothing is lost, and at most one message is repeated."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sagewatch.aws.retries import BRISK
from sagewatch.aws.secrets import credentials
from sagewatch.errors import Retry, Undeliverable
from sagewatch.model import Ref
from sagewatch.tell.read.alarm_events import notice
from sagewatch.tell.store import timelines as store
from sagewatch_cli.local.doubles.slack import SILENCE, Reply
from tests.integration.error_contents import told
from tests.integration.notify_function import START, TICK, Start, Town, alarm, clicked, subscribed
from tests.integration.notify_function import double as double
from tests.integration.notify_function import inbox as inbox
from tests.integration.notify_function import town as town

SECRET = "very" + "secret"
CHURN = Ref("endpoint", "churn")
SLACK_ONLY = "routes: [{name: all, slack: C0ALL}]"
FRAUD = "routes: [{name: fraud, match: {team: fraud}, slack: C0FRAUD}, {name: all, slack: C0ALL}]"


def says(word: str) -> Reply:
    return Reply(body=json.dumps({"ok": False, "error": word}))


# ------------------------------------------------------------------------------------------- each rung of the ladder
@pytest.mark.parametrize(
    "reply",
    [Reply(429, "", {"Retry-After": "7"}), says("ratelimited"), Reply(503, ""), says("internal_error"), SILENCE],
    ids=["429", "ratelimited", "503", "internal_error", "silence"],
)
def test_when_slack_stumbles_the_topic_hears_of_it_once_and_slack_later(town: Start, reply: Reply) -> None:
    here = town()
    here.double.slack.replies.append(reply)

    first = here.run(alarm())
    here.app.receivers.slack.breaker.until = 0
    second = here.run(alarm(), attempt=2)

    assert (first, second) == (["m0"], [])
    assert (len(here.shown()), len(here.inbox.taken())) == (1, 1)


def test_a_message_that_slack_finds_odd_is_said_in_plain_text_and_counted(town: Start) -> None:
    here = town()
    here.double.slack.replies.append(says("invalid_blocks"))

    assert here.run(alarm()) == []

    assert "attachments" not in here.channel()[0].content
    assert "RenderRejected" in here.noted


def test_a_channel_that_is_gone_hands_over_to_that_of_the_default_route(town: Start) -> None:
    here = town(FRAUD)
    here.double.slack.workspace.closed["C0FRAUD"] = "is_archived"

    here.run(alarm(team="fraud"))
    here.run(alarm("OK", 9, team="fraud"))

    assert [text.split()[0] for text in here.shown("C0ALL")] == [":large_green_circle:"]
    assert here.inbox.taken() == []
    assert {"ChannelBroken", "ToldByFallback"} <= set(here.noted)


def test_when_no_channel_is_left_the_topic_hears_of_it(town: Start) -> None:
    here = town(FRAUD)
    here.double.slack.workspace.closed |= {"C0FRAUD": "is_archived", "C0ALL": "channel_not_found"}

    assert here.run(alarm(team="fraud")) == []

    assert len(here.inbox.taken()) == 1


@pytest.mark.parametrize("word", ["invalid_auth", "token_revoked", "unheard_of"])
def test_what_slack_refuses_for_good_goes_to_the_topic_at_once(town: Start, word: str) -> None:
    here = town(SLACK_ONLY)
    here.double.slack.replies += [says(word), says(word)]

    assert here.run(alarm()) == []

    assert len(here.inbox.taken()) == 1


def test_what_slack_never_takes_goes_to_the_topic_at_the_sixth_attempt(town: Start) -> None:
    here = town(SLACK_ONLY)

    answers = []
    for attempt in range(1, 7):
        here.double.slack.replies.append(Reply(500, ""))
        answers.append(here.run(alarm(), attempt=attempt))

    assert answers == [["m0"]] * 5 + [[]]
    assert len(here.inbox.taken()) == 1


def test_a_channel_that_comes_back_catches_up_with_what_the_topic_was_told(town: Start) -> None:
    here = town(SLACK_ONLY)
    here.run(alarm())
    here.double.slack.replies += [Reply(500, "")]
    here.run(alarm("OK", 9), attempt=6)
    before = here.shown("C0ALL")

    for _ in range(2):
        assert here.run(TICK) == []

    after, items = here.shown("C0ALL"), boto3.client("dynamodb").scan(TableName="incidents")["Items"]
    assert [text.split()[0] for text in (*before, *after)] == [":red_circle:", ":large_green_circle:"]
    assert [item for item in items if "open" in item] == []


def test_who_heard_of_it_by_the_fallback_hears_of_its_end(town: Start) -> None:
    here = town(SLACK_ONLY)
    here.double.slack.replies.append(Reply(500, ""))
    here.run(alarm(), attempt=6)

    here.run(alarm("OK", 9))

    assert [subject.split()[0] for subject in here.inbox.subjects()] == ["[CRITICAL]", "[RESOLVED]"]


def test_when_the_topic_refuses_too_the_message_comes_back_to_the_end(town: Start) -> None:
    here = town(SLACK_ONLY)
    _refuse(here)
    here.double.slack.replies += [Reply(500, "")] * 3

    answers = [here.run(alarm(), attempt=attempt) for attempt in (6, 7, 8)]

    assert answers == [["m0"]] * 3


def test_when_the_topic_refuses_slack_hears_of_it_all_the_same(town: Start) -> None:
    here = town()
    _refuse(here)

    assert here.run(alarm()) == ["m0"]
    assert here.run(alarm(), attempt=6) == []

    assert len(here.shown()) == 1
    assert here.inbox.taken() == []


def test_a_topic_of_a_route_that_is_gone_hands_over_to_the_alerts_topic(town: Start) -> None:
    here = town('routes: [{name: all, sns: "arn:aws:sns:us-east-1:123456789012:gone"}]')

    assert here.run(alarm()) == []

    assert len(here.inbox.taken()) == 1


def _refuse(here: Town) -> None:
    def refused(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "KMSAccessDenied", "Message": "no"}}, "Publish")

    here.app.clients.sns.meta.events.register("before-call.sns.Publish", refused)


def test_a_message_that_somebody_deleted_is_said_anew(town: Start) -> None:
    here = town()
    here.run(alarm())
    here.double.slack.workspace.clear()

    assert here.run(alarm(minute=1, name="cpu", severity="info"), alarm("OK", 9), alarm("OK", 9, "cpu")) == []

    assert [text.split()[0] for text in here.shown()] == [":large_green_circle:"]


# ------------------------------------------------------------------------------------------------ crashes, company
class Killed(BaseException):
    """Lambda ended the function."""


@dataclass(slots=True)
class Fate:
    """Kills the function at one of its calls: nothing it does after that has any effect, until it lives again."""

    dies_at: int
    calls: int = 0

    def __call__(self, **_: Any) -> None:
        self.calls += 1
        if self.calls >= self.dies_at > 0:
            raise Killed

    def lived_through(self, act: Callable[[], object]) -> bool:
        try:
            act()
        except Killed:
            self.dies_at = 0
            return False
        return True


def test_a_crash_before_any_call_repeats_one_message_at_most_and_loses_none(town: Start) -> None:
    here, counts = town(SLACK_ONLY), []
    fate = Fate(0)
    here.app.clients.dynamodb.meta.events.register("before-parameter-build", fate)

    for dies_at in range(1, 17):
        fate.dies_at, fate.calls, name = dies_at, 0, f"churn-{dies_at}"
        for body in (alarm(resource=name), clicked("Sagewatch Acknowledged", 1, route="all", name=name)):
            if not fate.lived_through(partial(here.at, 1, body)):
                here.at(2, body, attempt=2)
        roots = [n for n, text in enumerate(here.shown("C0ALL")) if f"*{name}*" in text]
        counts.append((len(roots), sum(len(here.thread(n, "C0ALL")) for n in roots)))

    assert {sum(each) for each in counts} <= {2, 3}
    assert min(min(each) for each in counts) == 1
    assert any(sum(each) == 3 for each in counts)  # it does cost one, or nobody died between saying and writing


def test_what_somebody_else_tells_right_now_is_left_to_them_and_comes_back(town: Start) -> None:
    here, client = town(), boto3.client("dynamodb", config=BRISK)
    store.claim(client, "incidents", "default", CHURN, "somebody else", START)

    with pytest.raises(Retry, match="somebody else is telling of endpoint/churn") as waiting:
        here.at(0, alarm(), attempt=2)
    before = here.shown()
    store.release(client, "incidents", "default", CHURN, "somebody else")
    here.at(0, alarm(), attempt=3)

    assert waiting.value.after == 6
    assert (before, len(here.shown())) == ([], 1)


def test_a_claim_of_somebody_who_died_ends_by_itself(town: Start) -> None:
    here = town()
    store.claim(boto3.client("dynamodb"), "incidents", "default", CHURN, "somebody dead", START)

    here.at(1, alarm())

    assert len(here.shown()) == 1


def test_what_others_write_meanwhile_is_kept(town: Start) -> None:
    here, others = town(), [alarm(minute=1, name="cpu"), alarm(minute=2, name="errors-5xx")]
    neighbour = boto3.client("dynamodb")

    def meanwhile(params: Any, **_: Any) -> None:
        """Write another notice between a read and a write, as another worker does."""
        if "#body" in params.get("UpdateExpression", "") and others:
            timeline = store.load(neighbour, "incidents", "default", CHURN)
            if timeline.version:
                found = notice("sagewatch", others.pop())
                assert found
                changed = store.Timeline(
                    route="default",
                    subject=CHURN,
                    notices=(*timeline.notices, found),
                    sent=timeline.sent,
                    version=timeline.version,
                )
                store.save(neighbour, "incidents", changed, True, START)

    here.app.clients.dynamodb.meta.events.register("provide-client-params.dynamodb.UpdateItem", meanwhile)

    here.at(0, alarm())
    here.at(5, alarm("OK", 5, "disk"), clicked("Sagewatch Acknowledged", 5))

    assert others == []
    assert len(here.shown()) == 1
    assert len(here.thread()) == 3


def test_an_escalation_topic_hears_nothing_of_what_is_fresh(town: Start) -> None:
    on_call = "arn:aws:sns:us-east-1:123456789012:on-call"
    listener = subscribed("on-call")
    here = town(f'routes: [{{name: all, slack: C0ALL, remind: [15min], escalate: "{on_call}"}}]')

    here.at(0, alarm())

    assert listener.taken() == []


def test_a_snooze_that_cloudwatch_refuses_is_shown_and_comes_back(town: Start) -> None:
    here = town(SLACK_ONLY)
    here.at(0, alarm())

    def refused(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutAlarmMuteRule")

    here.app.clients.cloudwatch.meta.events.register("before-call.cloudwatch.PutAlarmMuteRule", refused)
    until = (START + timedelta(minutes=40)).isoformat()

    with pytest.raises(Retry, match="put_alarm_mute_rule"):
        here.at(5, clicked("Sagewatch Snoozed", 5, route="all", until=until))

    assert here.shown("C0ALL")[0].startswith(":red_circle: :zzz: ")


# --------------------------------------------------------------------------------------------------------- secrets
@pytest.mark.parametrize(
    "secret", [f"xoxb-{SECRET}\r\nX: y", f"xoxb {SECRET}", f"xoxb-{SECRET}€", f"xoxb-{SECRET}\x00"]
)
@pytest.mark.parametrize("field", ["bot_token", "webhook_url"])
def test_a_secret_that_http_cannot_carry_is_refused_without_being_said(field: str, secret: str) -> None:
    with pytest.raises(Undeliverable, match="SLACK_CREDENTIALS") as refused:
        credentials(json.dumps({"channel": "C0", field: secret}))

    assert SECRET not in told(refused.value)


@pytest.mark.parametrize(
    "text",
    ["hunter2", "[]", "{}", '{"bot_token": "hunter2"}', '{"webhook_url": 7, "note": "hunter2"}', '{"webhook_url": ""}'],
)
def test_malformed_credentials_are_refused_without_being_said(text: str) -> None:
    with pytest.raises(Undeliverable, match="SLACK_CREDENTIALS") as refused:
        credentials(text)

    assert "hunter2" not in told(refused.value)


def test_a_secret_that_was_pasted_with_its_line_break_works() -> None:
    found = credentials('{"bot_token": "xoxb-1\\n", "channel": " C0 ", "signing_secret": "s3"}')

    assert found == {"bot_token": "xoxb-1", "channel": "C0", "signing_secret": "s3"}


def test_buttons_are_shown_only_when_their_clicks_can_be_believed(town: Start) -> None:
    here = town()
    here.run(alarm())
    without = json.dumps(here.channel()[0].content)
    signed = {**here.double.slack.bot, "signing_secret": SECRET}
    boto3.client("ssm").put_parameter(Name="/slack", Type="SecureString", Value=json.dumps(signed), Overwrite=True)
    here.app.receivers.slack.credentials.forget()

    here.run(alarm(minute=1, name="cpu"))

    assert '"ack"' not in without
    assert '"ack"' in json.dumps(here.channel()[0].content)
    assert SECRET not in json.dumps(here.channel()[0].content)
