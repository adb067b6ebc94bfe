"""What a sample notice is, which routes it takes and why, and where they lead."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagewatch.kinds.registry import KINDS
from sagewatch.model import Labels, Notice, Place, Ref, Severity
from sagewatch.policy.rules import Policy, Route, Webhook
from sagewatch.tell.route import routes
from sagewatch_cli.account.notify import (
    considered_routes,
    mention,
    places,
    receiver_prefixes,
    sample_incident,
    sample_labels,
    sample_notice,
)

IRELAND = Place("aws", "eu-west-1", "123456789012")
AT = datetime(2026, 11, 21, 9, 12, tzinfo=UTC)
FRAUD = Route(name="fraud", match={"team": ("fraud", "risk"), "severity": "critical"}, slack="C0123")
ALL = Route(name="all", sns="default")


def sample(labels: Mapping[str, str]) -> Notice:
    return sample_notice("sagewatch", sample_labels(labels), IRELAND, AT)


def whys(policy: Policy, **labels: str) -> list[tuple[str, bool, str]]:
    return [(each.route.name, each.taken, each.why) for each in considered_routes(policy, sample(labels))]


def test_the_sample_is_a_critical_latency_alarm() -> None:
    assert sample_labels({}).line() == (
        "[sagewatch severity=critical kind=endpoint resource=sagewatch-test scope=TEST alarm=latency-p99]"
    )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_of_every_kind_there_is_a_sample(kind: object) -> None:
    name = getattr(kind, "name", "")

    notice = sample_notice("sagewatch", sample_labels({"kind": name, "team": "fraud"}), IRELAND, AT)

    assert (notice.subject, notice.labels["team"], notice.state) == (Ref(name, "sagewatch-test"), "fraud", "firing")
    assert sample_incident(ALL, notice).lead == notice


@pytest.mark.parametrize(
    ("given_", "said"), [({"kind": "endpont"}, "there are endpoint,"), ({"severity": "bad"}, "info")]
)
def test_what_there_is_not_is_refused_with_what_there_is(given_: Mapping[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        sample_labels(given_)


def test_each_route_says_which_matcher_failed() -> None:
    assert whys(Policy(routes=(FRAUD, ALL)), severity="warning") == [
        ("fraud", False, "wants team fraud or risk, which is not there; wants severity critical, which is warning"),
        ("all", True, "matches everything"),
    ]


def test_after_a_route_that_does_not_go_on_nobody_is_asked() -> None:
    assert whys(Policy(routes=(FRAUD, ALL)), team="risk") == [
        ("fraud", True, "matches team, severity"),
        ("all", False, "fraud took it, and does not go on"),
    ]


def test_the_tag_names_a_route_whatever_the_others_match() -> None:
    assert whys(Policy(routes=(FRAUD, ALL)), team="fraud", route="all") == [
        ("fraud", False, "the tag sagewatch:route names all"),
        ("all", True, "the tag sagewatch:route names it"),
    ]


def test_without_routes_the_default_one_stands_in() -> None:
    assert [name for name, _, _ in whys(Policy())] == ["default"]


WORDS = st.sampled_from(["fraud", "risk", "critical", "warning", "f*", ""])
ROUTES = st.builds(
    lambda name, match, goes_on: Route(name=name, match=match, goes_on=goes_on, sns="default"),
    st.sampled_from(["a", "b", "c", "d"]),
    st.dictionaries(st.sampled_from(["team", "severity"]), st.one_of(WORDS, st.tuples(WORDS, WORDS)), max_size=2),
    st.booleans(),
)


@given(
    listed=st.lists(ROUTES, max_size=4, unique_by=lambda route: route.name),
    labels=st.dictionaries(st.sampled_from(["team", "route"]), st.sampled_from(["fraud", "risk", "a", "z", ""])),
)
def test_the_routes_that_are_taken_are_those_that_a_notice_takes(
    listed: list[Route], labels: Mapping[str, str]
) -> None:
    policy, found = Policy(routes=tuple(listed)), sample(labels)

    assert tuple(each.route for each in considered_routes(policy, found) if each.taken) == routes(
        policy, found.labels, IRELAND
    )


def test_a_route_may_be_of_one_account_and_region() -> None:
    policy = Policy(
        routes=(
            Route(name="other", match={"account": "!123456789012"}, sns="default"),
            Route(name="here", match={"account": "123456789012", "region": "eu-*"}, sns="default"),
            ALL,
        )
    )

    assert [route.name for route in routes(policy, sample({}).labels, IRELAND)] == ["here"]
    assert whys(policy)[0] == ("other", False, "wants account !123456789012, which is 123456789012")


def test_places_tell_no_secrets() -> None:
    route = Route(
        name="all",
        slack="default",
        sns="default",
        pagerduty="ssm:/pager",
        webhook=Webhook(url="https://user:pass@hooks.example.com/token?key=secret", secret="ssm:/web"),
        remind=("30min", "2h"),
        escalate="arn:aws:sns:eu-west-1:123456789012:on-call",
        mention={Severity.CRITICAL: ("<!here>", "<@U0ANA>")},
    )

    assert places(route) == (
        "Slack: the channel of the credentials",
        "SNS: the alerts topic",
        "PagerDuty: the key kept in ssm:/pager",
        "webhook: hooks.example.com",
        "after 2h without anybody who acknowledges it: arn:aws:sns:eu-west-1:123456789012:on-call",
    )
    assert receiver_prefixes(route) == ("slack:", "sns:", "pagerduty:", "webhook:")
    assert mention(route, Severity.CRITICAL) == "<!here> <@U0ANA>"
    assert mention(route, Severity.INFO) == ""


def test_what_is_sent_says_that_it_is_a_test() -> None:
    notice = sample_notice("sagewatch", Labels(sample_labels({}).values), IRELAND, AT)

    assert notice.reason.startswith("TEST: ")
    assert notice.part == "sagewatch/endpoint/sagewatch-test/TEST/latency-p99"
