"""What people see of every kind of incident, whole. `SNAPSHOTS=write pytest …` writes anew what is then to be read."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from sagewatch.kinds.registry import spec
from sagewatch.model import OUTAGE, Evidence, Incident, Notice, Place, Ref, Severity, Unit
from sagewatch.policy.rules import Route, Webhook
from sagewatch.receivers.amazon_q import render as chatbot
from sagewatch.receivers.pagerduty import render as pagerduty
from sagewatch.receivers.slack import clicks
from sagewatch.receivers.slack import render as slack
from sagewatch.receivers.sns import render as text
from sagewatch.receivers.webhook import render as webhook
from sagewatch.receivers.wording.sentences import as_text, headline, verdict
from sagewatch.tell.evidence import causes
from sagewatch.tell.incident.group import incidents
from sagewatch.tell.outage.derive import outages
from sagewatch.tell.store.timelines import Timeline, entry
from tests import sample_incidents
from tests.sample_incidents import ONCALL, ROUTE, START, after, clicked, failure, incident, latency, line, memory, part
from tests.slack_limits import broken

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
NOW = after(20)


def firing() -> Incident:
    return incident(part(latency()))


def firing_with_others() -> Incident:
    return incident(
        part(latency()),
        part(memory()),
        part(memory("firing", 2, scope="blue")),
        part(memory(scope="green"), memory("cleared", 5, scope="green", value=60.0)),
    )


def alarm_of(row: str, minutes: float = 1, scope: str = "AllTraffic", **changes: Any) -> Notice:
    """Return a notice of an alarm as a row of an endpoint has it."""
    found = spec("endpoint", row)
    assert found is not None
    labels = {"alarm": row, "severity": str(found.severity), "scope": scope, **changes.pop("labels", {})}
    values = {"title": found.title, "unit": found.unit, "limit": found.threshold, "points": ()}
    return latency("firing", minutes, labels=labels, **{**values, "meaning": found.why, "advice": found.do, **changes})


def several_alarms() -> Incident:
    """Eleven alarms, derived as they are in production: what callers notice comes before its causes."""
    many = [
        alarm_of("memory", 2, value=93.0),
        alarm_of("latency-p99", 1, value=1_843_221.0),
        alarm_of("cpu", 0, value=744.0, limit=720.0, capacity=8),
        alarm_of("gpu", 3, value=193.0, limit=190.0, capacity=2),
        alarm_of("gpu-memory", 3, value=196.0, limit=194.0, capacity=2),
        alarm_of("disk", 4, value=91.2),
        alarm_of("errors-5xx", 5, value=12.4, points=(0.0, 0.4, 0.0, 7.9, 12.4)),
        alarm_of("model-errors", 5, value=12.4),
        alarm_of("overhead-latency", 5, value=310_000.0),
        alarm_of("concurrency", 6, value=140.0),
        alarm_of("memory", 7, scope="blue", value=92.0),
    ]
    evidence = {many[6].key: Evidence(facts={"Last deployment": "14 min before (churn-prod-v42)"})}
    [found] = incidents(ROUTE.name, many, evidence, after(8))
    return found


def idle() -> Incident:
    price = "about $1.41 an hour, $1,014 a month (us-east-1)"
    return incident(part(alarm_of("idle", 0, value=0.0, points=(0.0,) * 24, cost=price)))


def unstable() -> Incident:
    """Fired five times, each time for four minutes, and flaps."""
    went = [latency("firing" if n % 2 == 0 else "cleared", n * 6) for n in range(9)]
    [found] = incidents(ROUTE.name, went, {}, after(50))
    return found


def resolved_after_many() -> Incident:
    """Fired ten times within an hour; now it has been well for a quarter of an hour."""
    went = [latency("firing" if n % 2 == 0 else "cleared", n * 3) for n in range(20)]
    [found] = incidents(ROUTE.name, went, {}, after(80))
    return found


def log_denied() -> Incident:
    notice = failure()
    unread = ("No log: the notify role may not read it",)
    known = replace(sample_incidents.OUT_OF_MEMORY, log=(), stream="", unread=unread)
    return incident(part(notice), status="failed", evidence={notice.key: known})


def health_check_failed() -> Incident:
    reason = "The primary container for production variant AllTraffic did not pass the ping health check."
    notice = failure("endpoint", "churn-prod", title="endpoint failed", reason=reason)
    likely = causes.likely("endpoint", reason)
    assert likely
    known = Evidence(cause=likely.cause, short=likely.short, remedy=likely.remedy)
    return incident(part(notice), status="failed", evidence={notice.key: known})


def worsened() -> Incident:
    milder = latency(labels={"severity": "warning"}, value=900_000.0, limit=800_000.0)
    return incident(part(milder, latency("firing", 4, value=2_310_000.0)), opened=START)


def acked() -> Incident:
    return incident(part(latency()), status="acked", acked_by="U0ANA", acked_at=after(2))


def snoozed() -> Incident:
    click = clicked("snoozed", 3, until=after(120))
    return incident(part(latency()), status="snoozed", snoozed_until=click.until, notices=(latency(), click))


def resolved() -> Incident:
    points = (400_000.0, 1_200_000.0, 1_843_221.0, 2_310_000.0, 1_100_000.0, 430_000.0)
    went = part(latency(), latency("firing", 5, value=2_310_000.0), latency("cleared", 14, points=points))
    peak = replace(went, peak=latency("firing", 5, value=2_310_000.0))
    return incident(peak, status="resolved", acked_by="U0ANA", acked_at=after(2))


def closed_by_its_alarm() -> Incident:
    return incident(part(latency(), latency("closed", 9, value=None, points=())), status="closed")


def closed_with_its_endpoint() -> Incident:
    labels = {"scope": "all", "alarm": "failed"}
    gone = latency("closed", 9, labels=labels, title="endpoint was deleted", part="*", value=None, links={})
    return incident(part(latency(), gone), part(memory(), gone), status="closed")


def reopened() -> Incident:
    return incident(part(latency(), latency("cleared", 5), latency("firing", 12)), reopened=1)


def flapping() -> Incident:
    went = [latency("firing" if n % 2 == 0 else "cleared", -40 if n == 0 else n * 4) for n in range(7)]
    return incident(part(*went, flapping=True), notices=tuple(went), opened=went[0].at)


def job_failed() -> Incident:
    notice = failure()
    return incident(part(notice), status="failed", evidence={notice.key: sample_incidents.OUT_OF_MEMORY})


def pipeline_failed() -> Incident:
    notice = failure("pipeline", "churn-train", title="pipeline execution failed", execution="k1v9x8c2", reason="")
    return incident(part(notice), status="failed", evidence={notice.key: sample_incidents.STEPS})


def tuning_job_with_a_hundred_trials() -> Incident:
    labels = {"severity": "warning", "tuning-job": "hpo-churn"}
    of = Ref("tuning-job", "hpo-churn")
    trials = [failure(name=f"hpo-churn-{n:03}", minutes=n / 10, labels=labels, subject=of) for n in range(100)]
    known = {trials[n].key: sample_incidents.OUT_OF_MEMORY for n in (97, 98, 99)}
    return incident(*(part(trial) for trial in reversed(trials)), status="failed", evidence=known)


def composite() -> Incident:
    reason = (
        "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:sagewatch/endpoint/churn-prod/blue/cpu transitioned to ALARM "
        "at Saturday 21 November, 2026 09:12:00 UTC"
    )
    labels = {"alarm": "unwell", "scope": "all"}
    return incident(
        part(latency(title="several alarms at once", labels=labels, value=None, limit=None, points=(), reason=reason))
    )


def of_several_series() -> Incident:
    reason = "Threshold Crossed: 2 contributors of 7 are over 90."
    labels = {"alarm": "hosts", "severity": "warning"}
    return incident(part(latency(title="hosts", labels=labels, value=None, limit=None, points=(), reason=reason)))


def anomaly() -> Incident:
    return incident(part(latency(labels={"alarm": "band"}, floor=400_000.0, limit=900_000.0)))


def of_a_share_by_metric_math() -> Incident:
    labels = {"alarm": "errors-5xx", "scope": "blue"}
    points = (0.0, 0.0, 0.004, 0.012, 0.021)
    values = {"title": "5xx errors", "value": 0.021, "limit": 0.01, "unit": Unit.RATIO, "points": points}
    return incident(part(latency(labels=labels, **values)))


def too_few_requests() -> Incident:
    labels = {"alarm": "invocations", "severity": "warning"}
    values = {"title": "requests per hour", "value": 0.0, "limit": 1.0, "unit": Unit.COUNT, "points": (12.0, 0.0)}
    return incident(part(latency(labels=labels, **values)))


def in_govcloud() -> Incident:
    return incident(part(latency(place=Place("aws-us-gov", "us-gov-west-1", "123456789012"))))


def in_china() -> Incident:
    return incident(part(failure(place=Place("aws-cn", "cn-north-1", "123456789012"))), status="failed")


def succeeded() -> Incident:
    return incident(part(failure(state="succeeded", title="training job succeeded", reason="")), status="succeeded")


def recovered() -> Incident:
    broke = failure("endpoint", "churn-prod", title="endpoint is out of service")
    well = replace(broke, state="cleared", title="endpoint is well again", reason="", at=after(7), key="well")
    return incident(part(broke, well), status="resolved")


def outage() -> Incident:
    """42 endpoints on one instance type have 5xx errors: one is acknowledged, three more have ended."""
    members: dict[tuple[Ref, str], Timeline] = {}
    entries = []
    for number in range(45):
        name = f"{('churn', 'ranker', 'search', 'basket', 'offers')[number % 5]}-{number:02}"
        fired = alarm_of("errors-5xx", number / 60, value=5.4 + number % 9 * 1.3, labels={"resource": name})
        notices = [fired]
        if number >= 42:
            notices.append(replace(fired, key=f"{fired.key}/ok", state="cleared", at=after(8), value=0.1))
        if number == 8:
            notices.append(clicked("acked", 5, "U0ANA", labels={"resource": name}))
        evidence = {fired.key: Evidence(shared={"instance type": "ml.g5.2xlarge"})}
        [member] = incidents("fraud", notices, evidence, NOW)
        entries.append(entry(fired.subject, "", member.id))
        members[fired.subject, ""] = Timeline(
            route="fraud",
            subject=fired.subject,
            notices=tuple(notices),
            evidence=evidence,
            grouped={member.id: "one"},
        )
    found = {"out_1": {"key": ["row", "endpoint/errors-5xx"], "entries": sorted(entries)}}
    group = Timeline(route="fraud", subject=Ref(OUTAGE, "one"), entries=frozenset(entries), clusters=found)
    [told] = outages(group, members, NOW)
    return told


STORIES: tuple[Callable[[], Incident], ...] = (
    firing,
    firing_with_others,
    several_alarms,
    outage,
    idle,
    unstable,
    resolved_after_many,
    log_denied,
    health_check_failed,
    worsened,
    acked,
    snoozed,
    resolved,
    closed_by_its_alarm,
    closed_with_its_endpoint,
    reopened,
    flapping,
    job_failed,
    pipeline_failed,
    tuning_job_with_a_hundred_trials,
    composite,
    of_several_series,
    anomaly,
    of_a_share_by_metric_math,
    too_few_requests,
    in_govcloud,
    in_china,
    succeeded,
    recovered,
)
stories_by_name = pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)


def golden(name: str, said: Any) -> Any:
    """Return what was said before, having written it anew when that is asked for."""
    path = GOLDEN / f"{name}.json"
    if os.environ.get("SNAPSHOTS") == "write":
        path.write_text(json.dumps(said, ensure_ascii=False, indent=2) + "\n")
    return json.loads(path.read_text())


@stories_by_name
def test_a_bots_message_is_the_one_that_was_read_and_kept(story: Callable[[], Incident]) -> None:
    message = slack.root(story(), ROUTE, controls=True, now=NOW)

    assert message == golden(f"slack-{story.__name__}", message)


@stories_by_name
def test_slack_takes_it_with_and_without_controls(story: Callable[[], Incident]) -> None:
    for controls in (True, False):
        message = slack.root(story(), ROUTE, controls=controls, now=NOW)

        assert broken(message, called=(ONCALL,)) == []
        assert broken(slack.plain_text(message), called=(ONCALL,)) == []


@stories_by_name
def test_a_phone_shows_all_of_a_headline(story: Callable[[], Incident]) -> None:
    said = slack.root(story(), ROUTE, controls=True, now=NOW)["text"]

    shown = re.sub(r":\w+: ", "", said).replace("*", "").removesuffix(f" {ONCALL}")
    assert len(shown) <= 90


@stories_by_name
def test_mail_pagers_and_programs_are_told_the_same(story: Callable[[], Incident]) -> None:
    mail = text.mail(story(), None, ROUTE)

    said = {
        "sns": {"subject": mail.subject, "body": mail.body.splitlines(), "attributes": dict(mail.attributes)},
        "chatbot": chatbot.notification(story(), None, ROUTE),
        "pagerduty": pagerduty.event(story(), ROUTE),
    }

    assert said == golden(f"others-{story.__name__}", said)


def test_a_program_gets_the_incident_with_its_numbers() -> None:
    said = webhook.document(resolved(), None, ROUTE)

    assert said == golden("webhook-resolved", said)


def test_every_field_that_a_program_gets_is_documented() -> None:
    told = webhook.document(pipeline_failed(), None, ROUTE)
    [failed] = told["incident"]["parts"]
    documented = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "webhook.md").read_text()))

    assert {*told, *told["incident"], *failed, *failed["steps"][0]} - documented == set()


def history() -> list[dict[str, Any]]:
    flaps = flapping()
    ended = resolved()
    failed = job_failed()
    told = [
        (firing_with_others(), line("joined", memory())),
        (firing_with_others(), line("joined", memory("firing", 2, scope="blue"))),
        (worsened(), line("worsened", latency("firing", 4, value=2_310_000.0))),
        (firing_with_others(), line("cleared", memory("cleared", 5, scope="green", value=60.0))),
        (ended, line("resolved", ended.lead)),
        (closed_by_its_alarm(), line("closed", closed_by_its_alarm().lead)),
        (closed_with_its_endpoint(), line("closed", closed_with_its_endpoint().lead)),
        (reopened(), line("reopened", latency("firing", 12))),
        (flaps, line("flapping", flaps.lead)),
        (acked(), line("acked", clicked("acked", 2))),
        (snoozed(), line("snoozed", clicked("snoozed", 3, until=after(120)))),
        (firing(), line("settled", latency(), at=after(15))),
        (firing(), line("snooze-over", latency(), at=after(120))),
        (firing(), line("reminder", latency(), at=after(15), number=1, waited=timedelta(minutes=15))),
        (failed, line("log", failed.lead)),
    ]
    return [
        {
            "about": entry.about,
            "thread": slack.reply(found, entry, ROUTE),
            "webhook": slack.announced(found, entry, ROUTE),
            "subject": text.mail(found, entry, ROUTE).subject,
            "program": webhook.document(found, entry, ROUTE)["text"],
        }
        for found, entry in told
    ]


def test_every_line_of_a_history_is_the_one_that_was_read_and_kept() -> None:
    said = history()

    assert said == golden("history", said)
    found = [broken(entry[where], called=(ONCALL,)) for entry in said for where in ("thread", "webhook")]
    assert found == [[]] * 2 * len(said)


def test_a_webhook_is_told_the_opening_and_the_end_whole_and_without_controls() -> None:
    opening = slack.announced(firing(), None, ROUTE)
    end = slack.announced(resolved(), line("resolved", resolved().lead), ROUTE)

    assert opening == slack.root(firing(), ROUTE, controls=False, now=NOW)
    assert [each["color"] for each in (*opening["attachments"], *end["attachments"])] == ["#E01E5A", "#2EB67D"]
    assert opening["text"].split(" · ")[0].split()[1] == end["text"].split(" · ")[0].split()[1] == "*churn-prod*"


def test_an_end_that_is_no_longer_one_is_a_single_line() -> None:
    message = slack.announced(reopened(), line("resolved", latency("cleared", 5)), ROUTE)

    assert set(message) == {"text"}


def test_only_the_policy_calls_people_and_only_while_it_is_open() -> None:
    hostile = latency(title="<!channel> <@U0EVE>", reason="<!channel>", labels={"team": "<!here>"})

    for found in (incident(part(hostile)), resolved()):
        message = slack.root(found, ROUTE, controls=True, now=NOW)

        assert broken(message, called=(ONCALL,)) == []
        assert (ONCALL in json.dumps(message)) is found.is_open


def test_what_the_policy_says_and_is_no_mention_is_shown_and_calls_nobody() -> None:
    route = Route(name="all", mention={Severity.CRITICAL: ("@ana", "<!here>", "<#C0>")})

    message = slack.root(firing(), route, controls=True, now=NOW)

    assert message["text"].endswith("@ana <!here> &lt;#C0&gt;")
    assert broken(message, called=("<!here>",)) == []


def titles(*notices: Notice) -> list[str]:
    """Return what the parts of an incident are about, in the order in which they are told."""
    [found] = incidents(ROUTE.name, notices, {}, after(20))
    return [part.first.title for part in found.parts]


def test_what_callers_notice_is_told_before_its_causes_and_whatever_joins_later_changes_no_headline() -> None:
    early = [alarm_of("errors-5xx", 1), alarm_of("memory", 2), alarm_of("latency-p99", 3)]

    assert titles(*early) == ["5xx errors", "model latency", "memory use"]
    assert titles(*early, alarm_of("disk", 9)) == ["5xx errors", "model latency", "memory use", "disk use"]


def test_a_critical_cause_is_told_before_a_symptom_that_only_warns_and_a_failure_before_both() -> None:
    broken_down = failure("endpoint", "churn-prod", 4, title="endpoint failed")

    assert titles(alarm_of("errors-4xx", 1), alarm_of("disk", 2), alarm_of("errors-5xx", 3), broken_down) == [
        "endpoint failed",
        "5xx errors",
        "disk use",
        "4xx errors",
    ]


def test_of_several_failures_a_cause_is_named_when_all_of_which_it_is_known_have_the_same() -> None:
    trials = [failure(name=f"hpo-{n}", minutes=n, subject=Ref("tuning-job", "hpo")) for n in range(3)]
    memory_gone, full = Evidence(cause="out of memory", short="out of memory"), Evidence(cause="the disk is full")

    def said(*evidence: Evidence) -> str:
        known = {trial.key: each for trial, each in zip(trials, evidence, strict=False)}
        found = incident(*(part(trial) for trial in trials), status="failed", evidence=known)
        return as_text(headline(found))

    assert said(memory_gone, memory_gone) == "hpo (tuning job) · 3 training jobs failed · out of memory"
    assert said(memory_gone, full) == "hpo (tuning job) · 3 training jobs failed"


def test_who_may_not_read_the_log_is_told_so_in_small_print_and_nothing_else_is_said_of_it() -> None:
    blocks = slack.root(log_denied(), ROUTE, controls=True, now=NOW)["attachments"][0]["blocks"]
    places = [block["type"] for block in blocks if "may not read" in json.dumps(block)]

    assert places == ["context"]
    assert "not found" not in json.dumps(blocks)


def test_how_long_it_was_in_alarm_is_said_and_not_only_how_long_it_was_open() -> None:
    assert verdict(resolved()) == "resolved after 14 min"
    assert verdict(resolved_after_many()) == "resolved · in alarm 30 min over 57 min, 10 times"


def test_a_flapping_alarm_calls_nobody_again() -> None:
    assert ONCALL in slack.reply(reopened(), line("reopened", latency("firing", 12)), ROUTE)["text"]
    assert ONCALL not in slack.reply(flapping(), line("reopened", latency("firing", 24)), ROUTE)["text"]


def test_a_snooze_that_is_over_is_not_shown() -> None:
    found = incident(part(latency()), snoozed_until=after(10))

    assert "Snoozed" not in json.dumps(slack.root(found, ROUTE, controls=True, now=after(11)))


def test_the_incident_before_is_linked() -> None:
    before = "https://example.slack.com/archives/C0ALERTS/p1795252325000100"

    message = slack.root(firing(), ROUTE, controls=True, previous=before, now=NOW)

    assert f"<{before}|previous incident>" in json.dumps(message)


def test_an_acknowledged_incident_has_no_button_to_acknowledge_it() -> None:
    def asked(found: Incident) -> list[str]:
        blocks = slack.root(found, ROUTE, controls=True, now=NOW)["attachments"][0]["blocks"]
        return [each["action_id"] for block in blocks if block["type"] == "actions" for each in block["elements"]]

    assert asked(firing()) == ["ack", "snooze", "url_logs", "url_alarm", "url_runbook"]
    assert asked(acked()) == ["snooze", "url_logs", "url_alarm", "url_runbook"]
    assert asked(resolved()) == []


def test_a_click_on_every_control_is_understood() -> None:
    blocks = slack.root(firing(), ROUTE, controls=True, now=NOW)["attachments"][0]["blocks"]
    [controls] = [block["elements"] for block in blocks if block["type"] == "actions"]

    def clicking(element: dict[str, Any], **more: Any) -> Any:
        action = {"action_id": element["action_id"], "action_ts": str(START.timestamp()), **more}
        payload = {"type": "block_actions", "user": {"id": "U0ANA"}, "actions": [action]}
        return clicks.click_event(urlencode({"payload": json.dumps(payload)}).encode())

    acknowledged = clicking(controls[0], value=controls[0]["value"])
    snoozed = [clicking(controls[1], selected_option=option) for option in controls[1]["options"]]

    whose = {"route": "fraud", "kind": "endpoint", "name": "churn-prod", "by": "U0ANA", "incident": firing().id}
    assert acknowledged["detail"].items() >= whose.items()
    assert all(each["detail"].items() >= whose.items() for each in snoozed)
    assert [each["detail"]["until"] for each in snoozed] == [
        "2026-11-21T09:42:00+00:00",
        "2026-11-21T10:12:00+00:00",
        "2026-11-21T13:12:00+00:00",
        "2026-11-21T21:12:00+00:00",
        "2026-11-22T09:12:00+00:00",
    ]
    assert [clicking(each) for each in controls[2:]] == [None] * 3


@pytest.mark.parametrize(
    ("name", "asked"),
    [("n" * 256, ["ack"]), ("a|b", []), ("\ud800", []), ("n" * 80, ["ack", "snooze"])],
    ids=["long", "bar", "half", "usual"],
)
def test_a_control_whose_click_could_not_be_understood_is_left_out(name: str, asked: list[str]) -> None:
    found = incident(part(latency()), subject=Ref("pipeline", name))

    blocks = slack.root(found, ROUTE, controls=True, now=NOW)["attachments"][0]["blocks"]

    [controls] = [block["elements"] for block in blocks if block["type"] == "actions"]
    assert [each["action_id"] for each in controls] == [*asked, "url_logs", "url_alarm", "url_runbook"]


def test_a_route_that_keeps_logs_to_itself_gets_a_link_to_them() -> None:
    found = job_failed()
    route = replace(ROUTE, logs=False)

    message = slack.reply(found, line("log", found.lead), route)

    assert set(message) == {"text"}
    assert "|open in CloudWatch>" in message["text"]
    assert "Killed" not in json.dumps(message) + text.mail(found, line("log", found.lead), route).body


def test_a_long_log_keeps_its_end() -> None:
    notice = failure()
    log = tuple(f"{n} \x1b[31m{'x' * 90}\x1b[0m\r99 % {n}" for n in range(500))
    found = incident(part(notice), status="failed", evidence={notice.key: Evidence(log=log)})

    message = slack.reply(found, line("log", notice), ROUTE)

    shown = message["blocks"][-1]["elements"][0]["elements"][0]["text"].splitlines()
    assert (shown[0], shown[-1]) == ("…", "99 % 499")
    assert broken(message) == []


@pytest.mark.parametrize(
    ("reason", "address", "others", "shown"),
    [
        (700, 100, 0, {"facts", "controls"}),
        (1_600, 100, 30, {"controls"}),
        (100_000, 100, 30, {"cut", "controls"}),
        (100_000, 1_400, 30, {"cut"}),
    ],
)
def test_a_message_that_is_too_long_loses_facts_first_then_reason_then_controls(
    reason: int, address: int, others: int, shown: set[str]
) -> None:
    where = dict.fromkeys(("training job", "logs", "alarm"), f"https://example.com/{'x' * address}")
    notice = failure(reason='"' * reason, links=where, advice="Look. " * 999)
    found = incident(
        part(notice),
        *(part(memory(scope=f"{n}{'&' * 200}")) for n in range(others)),
        status="failed",
        evidence={notice.key: Evidence(facts={f"Fact {n}": "&" * 300 for n in range(9)})},
    )

    message = slack.root(found, replace(ROUTE, runbook=where["logs"]), controls=True, now=NOW)

    said = json.dumps(message, ensure_ascii=False)
    signs = {"facts": "Fact 1", "cut": '\\"…"', "controls": '"ack"'}
    assert {name for name, sign in signs.items() if sign in said} == shown
    assert broken(message, called=(ONCALL,)) == []


def test_amazon_q_gets_no_more_lines_than_fit() -> None:
    notice = failure(reason="killed\n" * 5_000)
    facts = {f"Fact {n}": "x" * 900 for n in range(20)}
    found = incident(part(notice), status="failed", evidence={notice.key: Evidence(facts=facts)})

    description = chatbot.notification(found, None, ROUTE)["content"]["description"]

    assert 6_000 < len(description) <= chatbot.DESCRIPTION
    assert description.startswith("Opened: 2026-11-21 09:12 UTC\nFact 0: xxx")


def test_a_pager_is_brought_to_where_the_incident_stands() -> None:
    assert [
        (event["event_action"], event["dedup_key"], "payload" in event)
        for event in (
            pagerduty.event(found, ROUTE) for found in (firing(), acked(), snoozed(), resolved(), job_failed())
        )
    ] == [
        ("trigger", "inc_0123456789abcdef", True),
        ("acknowledge", "inc_0123456789abcdef", False),
        ("acknowledge", "inc_0123456789abcdef", False),
        ("resolve", "inc_0123456789abcdef", False),
        ("trigger", "inc_0123456789abcdef", True),
    ]


def test_no_secret_of_a_route_is_told() -> None:
    route = replace(ROUTE, webhook=Webhook(url="https://example.com/hook", secret="ssm:/hook"), pagerduty="ssm:/pager")

    said = json.dumps([webhook.document(firing(), None, route), pagerduty.event(firing(), route)])

    assert "ssm:/" not in said
    assert "example.com/hook" not in said


def test_a_run_of_steps_is_named_on_one_line() -> None:
    notice = failure("pipeline", "churn-train")
    steps = (*((f"Prepare-{n}", "Succeeded", 60.0, "") for n in range(40)), ("Train", "Failed", None, "no space left"))
    steps = (*steps, ("Register", "Stopped", None, ""))
    found = incident(part(notice), status="failed", evidence={notice.key: Evidence(steps=steps)})

    said = json.dumps(slack.root(found, ROUTE, controls=True, now=NOW), ensure_ascii=False)

    assert "✓ Prepare-0 1 min · Prepare-1 1 min · " in said
    assert "…\\n✗ *Train*\\n■ Register _stopped_" in said
