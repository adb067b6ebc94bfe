"""Timelines in the incidents table: read, written, claimed, and listed while something is open."""

from __future__ import annotations

import random
import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sagewatch.errors import Retry, Undeliverable
from sagewatch.model import Evidence, Labels, Notice, Place, Ref, Unit
from sagewatch.tell.incident.retention import LONGEST_AGE, LONGEST_REASON, MOST_NOTICES, retained
from sagewatch.tell.store.timelines import (
    Conflict,
    Timeline,
    claim,
    kept_timelines,
    load,
    open_timelines,
    release,
    renew,
    save,
    settle,
)
from tests.integration.conftest import Journal, incidents_table

CHURN = Ref("endpoint", "churn")
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ITEM = 400_000


@pytest.fixture
def table() -> str:
    return incidents_table()


def client() -> Any:
    return boto3.client("dynamodb")


def items() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client().scan(TableName="incidents")["Items"]
    return found


def notice(number: int = 0, **more: Any) -> Notice:
    """Return a notice with all that a notice can have."""
    common: dict[str, Any] = {
        "key": f"key-{number}",
        "state": "firing",
        "labels": Labels({"severity": "critical", "kind": "endpoint", "resource": "churn"}),
        "place": Place("aws", "eu-west-1", "123456789012"),
        "at": NOW + timedelta(minutes=number),
        "title": "model latency",
        "subject": CHURN,
        "part": "sagewatch/endpoint/churn/AllTraffic/latency-p99",
        "value": 1_843_221.0,
        "limit": 1_000_000.0,
        "unit": Unit.MICROSECONDS,
        "points": (0.5, 1.0),
        "links": {"alarm": "https://console"},
    }
    return Notice(**common | more)


def timeline(*notices: Notice, **more: Any) -> Timeline:
    return Timeline(route="default", subject=CHURN, notices=notices, **more)


# ---------------------------------------------------------------------------------------------- read and written


def test_what_was_never_written_is_empty(table: str) -> None:
    assert load(client(), table, "default", CHURN) == Timeline(route="default", subject=CHURN)


def test_what_was_written_is_read(table: str) -> None:
    known = timeline(
        notice(),
        evidence={"key-0": Evidence(log=("Killed",), steps=(("Train", "Failed", 2.5, "137"),))},
        sent={"a": [1]},
    )

    written = save(client(), table, known, True, NOW)

    assert written == replace(known, version=1, expires=NOW + LONGEST_AGE)
    assert load(client(), table, "default", CHURN) == written


def test_routes_and_resources_have_timelines_of_their_own(table: str) -> None:
    save(client(), table, timeline(notice()), True, NOW)

    assert load(client(), table, "other", CHURN).version == 0
    assert load(client(), table, "default", Ref("endpoint", "churn-v2")).version == 0


def test_it_is_one_item_that_expires_thirty_days_after_its_last_change(table: str) -> None:
    first = save(client(), table, timeline(notice()), True, NOW)
    save(client(), table, first, False, NOW + timedelta(days=1))

    (item,) = items()

    assert item.keys() == {"pk", "sk", "version", "body", "expires"}
    assert (item["pk"], item["sk"], item["version"]) == (
        {"S": "INC#default#endpoint/churn"},
        {"S": "timeline"},
        {"N": "2"},
    )
    assert datetime.fromtimestamp(int(item["expires"]["N"]), UTC) == NOW + timedelta(days=31)


def test_it_is_read_as_it_is_now(table: str) -> None:
    asked: list[dict[str, Any]] = []
    reader = client()
    reader.meta.events.register("provide-client-params.dynamodb.GetItem", lambda params, **_: asked.append(params))

    load(reader, table, "default", CHURN)

    assert [each["ConsistentRead"] for each in asked] == [True]


@pytest.mark.parametrize("before", [0, 1])
def test_who_was_slower_must_read_again(table: str, before: int) -> None:
    for _ in range(before):
        save(client(), table, timeline(), False, NOW)
    mine = load(client(), table, "default", CHURN)
    theirs = save(client(), table, replace(mine, notices=(notice(),)), True, NOW)

    with pytest.raises(Conflict, match=f"endpoint/churn on route default.*version {before + 1}"):
        save(client(), table, mine, False, NOW)

    assert load(client(), table, "default", CHURN) == theirs


def test_evidence_goes_with_its_notice(table: str) -> None:
    known = {"key-0": Evidence(cause="out of memory"), "gone": Evidence(cause="old")}

    written = save(client(), table, timeline(notice(), evidence=known), True, NOW)

    assert written.evidence == {"key-0": known["key-0"]}


TEXTS = st.text(max_size=20)
TIMES = st.datetimes(
    min_value=datetime(2020, 1, 1),
    max_value=datetime(2040, 1, 1),
    timezones=st.integers(-720, 840).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
NUMBERS = st.floats(allow_nan=False)
NOTICES = st.builds(
    Notice,
    key=TEXTS,
    state=st.sampled_from(["firing", "cleared", "failed", "succeeded", "closed", "acked", "snoozed"]),
    labels=st.builds(Labels, st.dictionaries(TEXTS, TEXTS, max_size=3)),
    place=st.builds(Place, TEXTS, TEXTS, TEXTS),
    at=TIMES,
    title=TEXTS,
    subject=st.just(CHURN),
    part=TEXTS,
    muted=st.booleans(),
    value=st.none() | NUMBERS,
    limit=st.none() | NUMBERS,
    floor=st.none() | NUMBERS,
    unit=st.sampled_from(Unit),
    capacity=st.none() | st.integers(0, 1000),
    points=st.lists(NUMBERS, max_size=3).map(tuple),
    reason=st.text(st.characters(codec=None), max_size=20),
    advice=TEXTS,
    links=st.dictionaries(TEXTS, TEXTS, max_size=3),
    by=TEXTS,
    until=st.none() | TIMES,
    arn=TEXTS,
    execution=TEXTS,
)
EVIDENCE = st.builds(
    Evidence,
    cause=TEXTS,
    remedy=TEXTS,
    steps=st.lists(st.tuples(TEXTS, TEXTS, st.none() | NUMBERS, TEXTS), max_size=3).map(tuple),
    behind=TEXTS,
    stream=TEXTS,
    log=st.lists(TEXTS, max_size=3).map(tuple),
    facts=st.dictionaries(TEXTS, TEXTS, max_size=3),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(st.lists(NOTICES, max_size=4), st.lists(EVIDENCE, max_size=4), st.dictionaries(TEXTS, JSON, max_size=3))
def test_whatever_is_written_is_read_exactly(
    table: str, notices: list[Notice], evidence: list[Evidence], sent: dict[str, Any]
) -> None:
    explained = {notice.key: each for notice, each in zip(notices, evidence, strict=False)}
    read = load(client(), table, "default", CHURN)

    written = save(client(), table, replace(read, notices=tuple(notices), evidence=explained, sent=sent), True, NOW)

    wanted = replace(read, notices=tuple(notices), evidence=explained, sent=sent)
    assert written == replace(wanted, version=read.version + 1, expires=NOW + LONGEST_AGE)
    found = load(client(), table, "default", CHURN)
    assert found == written
    assert [each.at.utcoffset() for each in found.notices] == [each.at.utcoffset() for each in notices]


def longest(number: int, text: str) -> Notice:
    """Return a notice in which everything is as long as AWS allows, and nobody else's."""
    chance = random.Random(number)
    job = "".join(chance.choices(string.ascii_letters + string.digits + "-", k=63))
    arn = f"arn:aws:sagemaker:eu-west-1:123456789012:training-job/{job}"
    console = "https://eu-west-1.console.aws.amazon.com"
    return notice(
        number,
        key=f"123456789012/eu-west-1/SageMaker Training Job State Change/{arn}/Failed/{1_795_252_325_000 + number}",
        state="failed",
        labels=Labels({"severity": "warning", "kind": "training-job", "resource": job, "team": "t" * 256}),
        part=arn,
        points=tuple(chance.random() for _ in range(12)),
        reason="".join(chance.choices(text, k=LONGEST_REASON)),
        advice="Try a larger instance. " * 20,
        links={"training job": f"{console}/sagemaker/home#/jobs/{job}", "logs": f"{console}/cloudwatch/home#{job}"},
        arn=arn,
    )


ANY_TEXT = {
    "words": "the quick brown fox\n",
    "printable": string.printable,
    "every plane": "".join(map(chr, range(0x1F300, 0x20300))),
}


@pytest.mark.parametrize("text", ANY_TEXT.values(), ids=ANY_TEXT)
def test_the_longest_timeline_fits_an_item(table: str, text: str) -> None:
    notices = retained(longest(number, text) for number in range(MOST_NOTICES + 100))
    log = tuple("".join(random.Random(n).choices(text, k=500)) for n in range(20))
    evidence = {each.key: Evidence(log=log, stream=each.part, cause="out of memory") for each in notices}

    written = save(client(), table, timeline(*notices, evidence=evidence), True, NOW)

    assert len(written.notices) == MOST_NOTICES
    assert load(client(), table, "default", CHURN) == written
    (item,) = items()
    assert sum(len(name) + len(*value.values()) for name, value in item.items()) < ITEM


def test_of_texts_that_do_not_fit_the_beginning_of_reasons_and_the_end_of_logs_stay(table: str) -> None:
    chance = random.Random(0)
    lines = tuple("".join(chance.choices(string.printable, k=400)) for _ in range(1500))
    reason = lines[0] * 3

    written = save(client(), table, timeline(notice(reason=reason), evidence={"key-0": Evidence(log=lines)}), True, NOW)

    assert (written.notices[0].reason, written.evidence["key-0"].log) == (reason[:1000], lines[-2:])


def test_what_can_never_fit_is_a_matter_for_people(table: str) -> None:
    endless = {"text": "".join(random.Random(0).choices(string.printable, k=600_000))}

    with pytest.raises(Undeliverable, match=r"endpoint/churn on route default: its timeline takes \d+ bytes"):
        save(client(), table, timeline(sent=endless), True, NOW)


# ---------------------------------------------------------------------------------------------- claimed


def test_only_one_talks_at_a_time(table: str) -> None:
    claims = [claim(client(), table, "default", CHURN, who, NOW) for who in ("a", "b", "a")]

    assert claims == [True, False, True]


def test_a_claim_ends_after_forty_seconds(table: str) -> None:
    claim(client(), table, "default", CHURN, "a", NOW)

    later = [claim(client(), table, "default", CHURN, "b", NOW + timedelta(seconds=s)) for s in (39.9, 40)]

    assert later == [False, True]


def test_a_claim_is_given_back_by_who_has_it_only(table: str) -> None:
    claim(client(), table, "default", CHURN, "a", NOW)

    given = [release(client(), table, "default", CHURN, who) for who in ("b", "a", "a")]

    assert given == [False, True, False]
    assert claim(client(), table, "default", CHURN, "b", NOW)


def test_what_nobody_claimed_cannot_be_given_back(table: str) -> None:
    assert not release(client(), table, "default", CHURN, "a")
    assert items() == []


def test_a_claim_survives_saving_and_a_timeline_survives_claims(table: str) -> None:
    claim(client(), table, "default", CHURN, "a", NOW)
    written = save(client(), table, load(client(), table, "default", CHURN), True, NOW)

    assert not claim(client(), table, "default", CHURN, "b", NOW)

    release(client(), table, "default", CHURN, "a")

    assert load(client(), table, "default", CHURN) == written


def test_a_claim_on_nothing_expires_too(table: str) -> None:
    claim(client(), table, "default", CHURN, "a", NOW)

    assert [item["expires"]["N"] for item in items()] == [str(int((NOW + timedelta(days=30)).timestamp()))]


# ---------------------------------------------------------------------------------------------- listed


def test_timelines_are_listed_while_something_is_open(table: str) -> None:
    refs = [Ref("endpoint", "churn"), Ref("cluster", "a-b"), Ref("pipeline", "train")]
    for ref in refs:
        save(client(), table, Timeline(route="ops # one", subject=ref), True, NOW)
    closed = load(client(), table, "ops # one", refs[2])
    save(client(), table, closed, False, NOW)

    assert sorted(open_timelines(client(), table)) == [("ops # one", refs[1], ""), ("ops # one", refs[0], "")]


@pytest.mark.parametrize("is_over", [True, False])
@pytest.mark.parametrize("is_claimed", [True, False])
def test_what_is_settled_is_looked_after_no_more_and_is_kept_until_it_is_over(
    table: str, is_over: bool, is_claimed: bool
) -> None:
    written = save(client(), table, Timeline(route="ops", subject=CHURN), True, NOW)

    if is_claimed:
        claim(client(), table, "ops", CHURN, "a", NOW)
        release(client(), table, "ops", CHURN, "a", settled=written.version, is_over=is_over)
    else:
        settle(client(), table, written, is_over)

    assert list(open_timelines(client(), table)) == []
    assert list(kept_timelines(client(), table)) == ([] if is_over else [("ops", CHURN, "")])
    assert claim(client(), table, "ops", CHURN, "b", NOW)
    assert load(client(), table, "ops", CHURN) == written


@pytest.mark.parametrize("is_claimed", [True, False])
def test_what_was_written_since_is_not_settled(table: str, is_claimed: bool) -> None:
    before = save(client(), table, Timeline(route="ops", subject=CHURN), True, NOW)
    save(client(), table, before, True, NOW)

    if is_claimed:
        claim(client(), table, "ops", CHURN, "a", NOW)
        assert release(client(), table, "ops", CHURN, "a", settled=before.version)
    else:
        assert not settle(client(), table, before)

    assert list(open_timelines(client(), table)) == [("ops", CHURN, "")]


def test_what_is_kept_is_looked_after_again_once_it_is_written(table: str) -> None:
    written = save(client(), table, Timeline(route="ops", subject=CHURN), True, NOW)
    settle(client(), table, written, is_over=False)

    save(client(), table, written, True, NOW)

    assert list(kept_timelines(client(), table)) == []
    assert list(open_timelines(client(), table)) == [("ops", CHURN, "")]


@pytest.mark.parametrize(("hours", "days"), [(23, 30), (25, 30 + 25 / 24)])
def test_a_timeline_is_renewed_once_a_day(table: str, hours: int, days: float) -> None:
    written = save(client(), table, Timeline(route="ops", subject=CHURN), True, NOW)

    renew(client(), table, written, NOW + timedelta(hours=hours))

    assert load(client(), table, "ops", CHURN).expires == NOW + timedelta(days=days)


def test_a_timeline_that_was_written_since_or_never_is_not_renewed(table: str) -> None:
    before = save(client(), table, Timeline(route="ops", subject=CHURN), True, NOW)
    save(client(), table, before, True, NOW)

    renew(client(), table, before, NOW + timedelta(days=9))
    renew(client(), table, Timeline(route="ops", subject=Ref("endpoint", "new")), NOW + timedelta(days=9))

    assert [item["expires"]["N"] for item in items()] == [str(int((NOW + timedelta(days=30)).timestamp()))]


def test_all_pages_are_listed(table: str) -> None:
    big = {"text": "".join(random.Random(0).choices(string.printable, k=200_000))}
    for number in range(10):
        save(client(), table, Timeline(route="r", subject=Ref("endpoint", f"e{number}"), sent=big), True, NOW)

    assert len(list(open_timelines(client(), table))) == 10


# ---------------------------------------------------------------------------------------------- troubles


def test_a_table_that_cannot_be_read_or_written_is_tried_again() -> None:
    with pytest.raises(Retry, match="get_item missing"):
        load(client(), "missing", "default", CHURN)
    with pytest.raises(Retry, match="update_item missing"):
        save(client(), "missing", timeline(), True, NOW)
    with pytest.raises(Retry, match="update_item missing"):
        claim(client(), "missing", "default", CHURN, "a", NOW)
    with pytest.raises(Retry, match="update_item missing"):
        release(client(), "missing", "default", CHURN, "a")
    with pytest.raises(Retry, match="query missing"):
        list(open_timelines(client(), "missing"))


def test_it_needs_three_operations(table: str, journal: Journal) -> None:
    watched = client()
    journal.watch(watched)

    claim(watched, table, "default", CHURN, "a", NOW)
    save(watched, table, load(watched, table, "default", CHURN), True, NOW)
    release(watched, table, "default", CHURN, "a")
    list(open_timelines(watched, table))

    assert journal.taken() == ["UpdateItem", "GetItem", "UpdateItem", "UpdateItem", "Query"]
