"""What the daily digest says, of which days, and that it fits whatever others write."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagewatch.errors import Undeliverable
from sagewatch.fleet.costs import prices
from sagewatch.fleet.coverage import (
    NAMED,
    CoverageCount,
    IdleScope,
    UnwatchedResource,
    coverage_count,
    detail_of,
    from_detail,
    idle_scope,
)
from sagewatch.fleet.summaries import AlarmSummary, summary_of
from sagewatch.kinds.endpoint.observe import ENDPOINT
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import Alarm, Described, Evidence, Labels, Notice, Ref, Unit
from sagewatch.policy.rules import DEFAULT, AlarmRule, Ignored, Look, Policy, PolicyInForce
from sagewatch.receivers.slack import render as slack
from sagewatch.tell.digest import messages as words
from sagewatch.tell.digest.summary import DAY, Digest, Loud, Proposal, digest, proposal
from sagewatch.units import parse
from sagewatch.watch.diff import diff
from sagewatch.watch.plan import plan
from tests import fleets, resources
from tests.sample_incidents import IRELAND, after, clicked, failure, latency, memory
from tests.slack_limits import broken
from tests.unit.test_hostile_words import TEXT
from tests.unit.test_words import golden

CHURN, SEARCH = Ref("endpoint", "churn-prod"), Ref("endpoint", "search-prod")
NOW = after(60)
NONE: dict[str, Evidence] = {}


def told(*notices: Notice, tally: CoverageCount | None = None) -> Digest:
    """Return the digest of these notices, an hour after the start."""
    return digest(IRELAND, tally, [(each.subject, (each,), NONE) for each in notices], NOW)


def at_search(notice: Notice, **changes: Any) -> Notice:
    labels = Labels({**notice.labels.values, "resource": "search-prod"})
    part = notice.part.replace("churn-prod", "search-prod")
    key = notice.key.replace("churn-prod", "search-prod")
    return replace(notice, labels=labels, subject=SEARCH, part=part, key=key, **changes)


def near(times: int, peak: float = 1_140_000.0, **changes: Any) -> list[Notice]:
    """Return the notices of an alarm that fired so often, and was near its limit each time."""
    fired = {"value": peak, "points": (990_000.0, peak), **changes}
    return [
        latency(state, minutes, **(fired if state == "firing" else {"value": 400_000.0}))
        for n in range(times)
        for state, minutes in (("firing", n * 10.0), ("cleared", n * 10.0 + 4))
    ]


COUNTED = CoverageCount(
    kinds={"endpoint": (12, 13), "pipeline": (5, 6), "training-job": (24, 24)},
    unwatched=(
        UnwatchedResource("endpoint", "batch-legacy"),
        UnwatchedResource("pipeline", "nightly", "created in the last 15 min"),
    ),
    left_out=2,
    orphans=1,
    foreign=3,
    withheld=("endpoint/idle",),
    alarms=214,
    cost=23.4,
    idle=(IdleScope("endpoint", "demo", "AllTraffic", "about $1.41 an hour, $1,014 a month (us-east-1)"),),
)


def whole_day() -> Digest:
    still = at_search(latency("firing", -190, value=2_100_000.0))
    return told(*near(3), still, failure(minutes=5), failure(name="bert", minutes=6), tally=COUNTED)


def quiet_day() -> Digest:
    return told(tally=CoverageCount(kinds={"endpoint": (3, 3)}, alarms=33, cost=3.3))


def uncounted_day() -> Digest:
    return told(latency())


DAYS = (whole_day, quiet_day, uncounted_day)


# ---------------------------------------------------------------------------------------------------------- decided
def test_what_routes_heard_of_one_resource_is_one_incident_and_fired_once() -> None:
    heard = [(CHURN, (latency(), memory()), NONE), (CHURN, (latency(),), NONE)]

    found = digest(IRELAND, None, heard, NOW)

    assert (len(found.open), found.fired) == (1, 2)


def test_only_the_last_day_counts_but_what_is_open_stays() -> None:
    old = latency("firing", -DAY / timedelta(minutes=1))

    found = told(old, failure(minutes=61 - DAY / timedelta(minutes=1)), failure(name="old", minutes=59 - 1440))

    assert found.fired == 0
    assert [each.subject for each in found.open] == [CHURN]
    assert [each.labels["resource"] for each in found.failed] == ["xgb-churn"]


def test_a_failed_job_is_over_and_an_endpoint_that_failed_is_open() -> None:
    found = told(failure(), failure("endpoint", "churn-prod"))

    assert [each.subject for each in found.open] == [CHURN]
    assert [each.subject for each in found.failed] == [Ref("training-job", "xgb-churn")]


def test_of_a_pipeline_that_failed_its_steps_and_jobs_are_not_counted() -> None:
    of = Ref("pipeline", "train")
    whole = failure("pipeline", "train")
    step = failure("pipeline", "train", 1, labels={"scope": "Fit"})
    job = failure(name="fit-1", minutes=2, subject=of, labels={"parent": "pipeline/train"})
    alone = failure(name="trial-7", minutes=3, subject=Ref("tuning-job", "hpo"))

    assert told(whole, step, job, alone).failed == (alone, whole)


def test_what_is_muted_is_not_counted() -> None:
    assert told(latency(muted=True), failure(muted=True)) == Digest(place=IRELAND, at=NOW)


def test_the_worst_comes_first_then_the_oldest() -> None:
    worse, milder = at_search(latency("firing", 5)), memory("firing", 0)

    found = told(milder, worse)

    assert [each.subject for each in found.open] == [SEARCH, CHURN]


def test_the_median_is_of_the_incidents_that_ended() -> None:
    later = [at_search(latency("firing", 20)), at_search(latency("cleared", 50))]

    assert told(latency(), latency("cleared", 10), *later).lasted == timedelta(minutes=20)


def test_who_acknowledged_is_heard_on_any_route() -> None:
    [found] = digest(IRELAND, None, [(CHURN, (latency(),), NONE), (CHURN, (clicked("acked", 2),), NONE)], NOW).open

    assert (found.status, found.acked_by) == ("acked", "U0ANA")


def test_an_alarm_is_loud_when_it_fired_three_times() -> None:
    assert told(*near(2)).loudest is None
    assert told(*near(3), at_search(latency())).loudest == Loud(
        near(3)[-2], 3, 1_140_000.0, Proposal("sagewatch:latency-p99", "1.2s", 1_200_000.0)
    )


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, ("1.2s", 1_200_000.0)),
        ({"limit": 600_000.0, "value": 610_000.0, "points": ()}, ("650ms", 650_000.0)),
        ({"labels": {"alarm": "latency-p99-warning"}}, ("1.2s", 1_200_000.0)),
        ({"labels": {"alarm": "errors-5xx"}, "unit": Unit.RATIO, "limit": 0.01, "value": 0.013, "points": ()},
         ("1.4%", 0.014)),
        ({"labels": {"alarm": "cpu"}, "unit": Unit.PERCENT_OF_VCPUS, "capacity": 8, "limit": 640.0, "value": 700.0,
          "points": ()}, ("92%", 736.0)),
        ({"labels": {"alarm": "concurrency"}, "unit": Unit.COUNT, "limit": 100.0, "value": 104.0, "points": ()},
         ("110", 110.0)),
        ({"labels": {"alarm": "idle"}, "unit": Unit.COUNT, "limit": 50.0, "value": 40.0, "points": ()}, ("38", 38.0)),
    ],
    ids=["seconds", "milliseconds", "pair", "ratio", "cores", "count", "too-few"],
)  # fmt: skip
def test_a_limit_just_beyond_the_worst_value_is_proposed(changes: dict[str, Any], wanted: tuple[str, float]) -> None:
    fired = latency(**{"value": 1_140_000.0, "points": (), **changes})

    found = proposal([fired])

    assert found == Proposal(f"sagewatch:{fired.labels['alarm']}", *wanted)


@pytest.mark.parametrize(
    "changes",
    [
        {"value": 8_000_000.0, "points": ()},
        {"limit": None},
        {"limit": 0.0, "value": 3.0},
        {"floor": 400_000.0, "value": 1_100_000.0, "points": ()},
        {"labels": {"alarm": "no-such-row"}, "value": 1_100_000.0, "points": ()},
        {"labels": {"kind": "training-job", "alarm": "cpu"}, "value": 1_100_000.0, "points": ()},
        {"labels": {"alarm": "memory"}, "unit": Unit.PERCENT, "limit": 90.0, "value": 98.0, "points": ()},
        {"labels": {"alarm": "cpu"}, "unit": Unit.PERCENT_OF_VCPUS, "limit": 640.0, "value": 700.0, "points": ()},
        {"labels": {"alarm": "idle"}, "unit": Unit.COUNT, "limit": 1.0, "value": 0.0, "points": ()},
    ],
    ids=["far", "no-limit", "none-allowed", "band", "unknown", "job", "over-100", "no-cores", "zero"],
)
def test_no_limit_is_proposed_where_none_would_help(changes: dict[str, Any]) -> None:
    assert proposal([latency(**changes)]) is None


@given(
    limit=st.floats(1e-4, 1e9),
    times=st.floats(0.5, 2),
    row=st.sampled_from(
        [
            ("latency-p99", Unit.MICROSECONDS, None),
            ("memory", Unit.PERCENT, None),
            ("cpu", Unit.PERCENT_OF_VCPUS, 48),
            ("errors-5xx", Unit.RATIO, None),
            ("idle", Unit.COUNT, None),
        ]
    ),
)
def test_a_proposed_limit_can_be_set_as_a_tag_and_would_have_kept_silent(
    limit: float, times: float, row: tuple[str, Unit, int | None]
) -> None:
    alarm, unit, capacity = row
    fired = latency(labels={"alarm": alarm}, unit=unit, capacity=capacity, limit=limit, value=limit * times, points=())

    found = proposal([fired])

    if found:
        said = parse(found.value, unit) * (capacity or 1)
        assert said == found.limit
        assert said < limit * times if alarm == "idle" else said > limit * times


# ------------------------------------------------------------------------------------------------------------ tally
def test_who_is_left_out_on_purpose_is_not_wanted() -> None:
    living = dict.fromkeys((CHURN, SEARCH, Ref("endpoint", "sandbox-1")), after(-1000))
    policy = Policy(ignore=(Ignored(resource="sandbox-*"),))

    in_force = PolicyInForce(policy)
    whole = whole_set(CHURN, in_force)

    found = coverage_count(living, {CHURN: whole}, in_force, NOW)

    assert found == CoverageCount(
        kinds={"endpoint": (1, 2)},
        unwatched=(UnwatchedResource("endpoint", "search-prod"),),
        left_out=1,
        alarms=len(whole),
    )


def test_a_resource_that_lacks_one_alarm_is_not_counted_as_watched() -> None:
    whole = whole_set(CHURN, PolicyInForce())

    found = coverage_count({CHURN: after(-1000)}, {CHURN: whole[1:]}, PolicyInForce(), NOW)

    assert found.kinds == {"endpoint": (0, 1)}
    assert found.unwatched == (UnwatchedResource("endpoint", "churn-prod", "some of its alarms are missing"),)


def test_who_was_found_to_need_no_alarms_is_not_wanted_until_it_or_the_policy_changes() -> None:
    look = Look(at=after(-500), mark="", is_bare=True)
    policy = Policy(alarms=(AlarmRule(alarm="cpu", threshold="70%"),))

    counted = [
        coverage_count({CHURN: modified}, {}, in_force, NOW, {CHURN: look}).left_out
        for modified, in_force in (
            (after(-1000), PolicyInForce()),
            (after(-400), PolicyInForce()),
            (after(-1000), PolicyInForce(policy)),
        )
    ]

    assert counted == [1, 0, 0]


def test_it_is_said_why_somebody_is_not_watched_where_that_is_known() -> None:
    kind = kind_named("endpoint")
    assert kind is not None
    withheld = frozenset(("endpoint", row.id) for row in kind.specs)
    living = {CHURN: after(-1000), Ref("pipeline", "train"): after(55)}

    found = coverage_count(living, {}, PolicyInForce(DEFAULT, withheld), NOW)

    assert [each.why for each in found.unwatched] == ["over budget, not created", "created in the last 15 min"]


def test_of_many_some_are_named_and_all_are_counted() -> None:
    living = {Ref("endpoint", f"e-{n:04}"): after(-1000) for n in range(1000)}

    found = coverage_count(living, {}, PolicyInForce(), NOW)

    assert (len(found.unwatched), found.watched, found.wanted) == (NAMED, 0, 1000)


def whole_set(ref: Ref, in_force: PolicyInForce) -> list[AlarmSummary]:
    """Return all alarms of an endpoint with one variant, as the sweep keeps those that reconcile writes."""
    variant = resources.variant()
    found = fleets.facts(
        ENDPOINT,
        resources.endpoint(variant, name=ref.name),
        describe_endpoint_config=resources.config(variant, EndpointConfigName=f"{ref.name}-config"),
    )
    wanted = plan("sagewatch", ENDPOINT, found, in_force.policy)
    puts = diff(wanted, (), mark=in_force.mark_of(ref)).puts
    here = prices("us-east-1")
    return [summary_of(Described(each, NOW), labels, here) for each in puts if (labels := each.labels)]


def alarm(row: str, description: str = "") -> Alarm:
    labels = Labels({"kind": "endpoint", "resource": "churn-prod", "scope": "AllTraffic", "alarm": row})
    return Alarm({"AlarmName": row, "AlarmDescription": f"{description}\n{labels.line()}"})


def test_what_idles_says_its_price_as_its_alarm_does() -> None:
    price = "about $1.41 an hour, $1,014 a month (us-east-1)"

    assert idle_scope(alarm("idle", f"Nobody calls. Each instance costs {price}. Delete it.")) == IdleScope(
        "endpoint", "churn-prod", "AllTraffic", price
    )
    assert idle_scope(alarm("idle")) == IdleScope("endpoint", "churn-prod", "AllTraffic")
    assert idle_scope(alarm("cpu")) is None
    assert idle_scope(Alarm({"AlarmName": "of somebody else"})) is None


def test_a_tally_survives_the_queue() -> None:
    assert from_detail(json.loads(json.dumps(detail_of(COUNTED)))) == COUNTED
    assert from_detail({}) is None


@pytest.mark.parametrize("odd", [{"kinds": 3}, {"kinds": {}}, {**detail_of(COUNTED), "idle": [{"nonsense": 1}]}])
def test_what_is_no_tally_cannot_be_told(odd: dict[str, Any]) -> None:
    with pytest.raises(Undeliverable, match="the detail is no tally"):
        from_detail(odd)


# ------------------------------------------------------------------------------------------------------------ words
@pytest.mark.parametrize("day", DAYS, ids=lambda day: day.__name__)
def test_the_digest_is_the_one_that_was_read_and_kept(day: Any) -> None:
    mail = words.digest_mail(day())
    said = {
        "slack": words.digest_message(day()),
        "sns": {"subject": mail.subject, "body": mail.body.splitlines(), "attributes": dict(mail.attributes)},
        "chatbot": words.digest_notification(day()),
    }

    assert said == golden(f"digest-{day.__name__}", said)
    assert broken(said["slack"]) == []


def test_the_headline_says_how_things_stand() -> None:
    assert words.digest_headline(whole_day()) == (
        "SageMaker daily, 123456789012 eu-west-1: 41 of 43 resources covered, 1 open incident, 2 failed jobs"
    )


def test_what_could_not_be_listed_is_said() -> None:
    found = told(tally=CoverageCount(unread=("cluster",)))

    assert "Could not be listed, and is not counted: cluster" in words.digest_mail(found).body


NAMES = st.one_of(TEXT, st.text(max_size=63))
COUNTS = st.integers(0, 10**9)


@st.composite
def tallies(draw: st.DrawFn) -> CoverageCount:
    """Draw a count all of whose names are somebody else's."""
    kinds = draw(st.dictionaries(NAMES, st.tuples(COUNTS, COUNTS).map(lambda two: (min(two), max(two))), max_size=15))
    return CoverageCount(
        kinds=kinds,
        unwatched=tuple(draw(st.lists(st.builds(UnwatchedResource, NAMES, NAMES, NAMES), max_size=NAMED))),
        left_out=draw(COUNTS),
        orphans=draw(COUNTS),
        foreign=draw(COUNTS),
        unread=tuple(draw(st.lists(NAMES, max_size=5))),
        withheld=tuple(draw(st.lists(NAMES, max_size=30))),
        alarms=draw(COUNTS),
        cost=draw(st.floats(0, 1e9)),
        idle=tuple(draw(st.lists(st.builds(IdleScope, NAMES, NAMES, NAMES, NAMES), max_size=NAMED))),
    )


@settings(max_examples=100, deadline=None)
@given(found=tallies(), names=st.lists(NAMES, max_size=60), data=st.data())
def test_whatever_others_write_stays_inert_and_fits(
    found: CoverageCount, names: list[str], data: st.DataObject
) -> None:
    link = data.draw(
        st.sampled_from(["https://a.example/?x=1&y=2", "javascript:alert(1)", "https://e.example/|<!here>"])
    )
    notices = [
        replace(each, title=name, subject=Ref(each.subject.kind, name), reason=name, links={"training job": link})
        for n, name in enumerate(names)
        for each in (
            failure(name=name, minutes=n / 10),
            latency("firing", n / 10, labels={"resource": name, "scope": name, "team": name}, part="loud"),
        )
    ]
    day = told(*notices, tally=found)

    message, mail = words.digest_message(day), words.digest_mail(day)

    assert broken(message) == []
    assert broken(slack.plain_text(message)) == []
    assert len(mail.subject) < 100
    assert mail.subject.isprintable()
    assert len(mail.body.encode()) < 250_000
    content = words.digest_notification(day)["content"]
    assert len(content["description"]) <= 8_000
    assert not re.search("[<>]", content["title"] + content["description"])
