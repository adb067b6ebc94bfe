"""A plan as Markdown: what a comment on a pull request says."""

from __future__ import annotations

from dataclasses import replace

from sagewatch.kinds.endpoint.observe import ENDPOINT
from sagewatch.model import Observed, Place, Ref
from sagewatch.policy.rules import AlarmRule, Policy, PolicyInForce, Route
from sagewatch_cli.account.deployment import Deployment
from sagewatch_cli.account.plan import AccountPlan, MonthlyCost, ResourcePlan
from sagewatch_cli.account.plan_markdown import LONGEST, as_markdown, change_as_markdown
from sagewatch_cli.account.policy_change import policy_change
from tests import fleets, resources

HERE = Deployment(
    place=Place(partition="aws", region="eu-west-1", account="123456789012"),
    alias="acme_prod",
    prefix="sagewatch",
    stack="sagewatch",
    resources={},
)
STRICTER = Policy(
    alarms=(AlarmRule(alarm="latency-p99", threshold="800ms", line=3), AlarmRule(alarm="idle", off=True, line=4))
)


def planned(number: int) -> AccountPlan:
    """Return the plan for so many endpoints whose alarms are of the default policy."""
    variant = resources.variant()
    facts = fleets.facts(ENDPOINT, resources.endpoint(variant), describe_endpoint_config=resources.config(variant))
    look = Observed(facts=facts, owned=tuple(each.alarm for each in fleets.endpoint()))
    one = ResourcePlan.of(
        resources.answering(), "sagewatch", look, PolicyInForce(STRICTER, fleets.NOT_DRAWN - {("endpoint", "x")})
    )
    named = replace(one.look, facts=replace(facts, ref=Ref("endpoint", "churn")))
    several = (replace(one, look=named),) * number
    return AccountPlan(
        planned=several,
        resources=number,
        listed=MonthlyCost(before=1, after=1),
        fleet=MonthlyCost(before=2.4, after=2.3),
        unread=("list_clusters: | <b>@here</b>",),
    )


def test_a_thousand_endpoints_are_a_line_for_each_row() -> None:
    text = as_markdown(HERE, planned(1_000))

    assert len(text) < LONGEST
    assert text.splitlines()[0].startswith("### Sagewatch: 0 alarms to create, ")
    assert "| `endpoint/latency-p99` |  | 1,000 |  | threshold 1.00 s → 800 ms (1000) |" in text
    assert "| `endpoint/idle` |  |  | 1,000 | off in the policy (line 4) (1000) |" in text


def test_the_account_is_named_and_nothing_of_others_is_markup() -> None:
    text = as_markdown(HERE, planned(1))

    assert text.splitlines()[2].startswith(
        "Account 123456789012 (acme\\_prod), eu-west-1, alarms under sagewatch/, stack"
    )
    assert text.splitlines()[-1] == "**Not found out:** list\\_clusters: \\| \\<b\\>@\u200bhere\\</b\\>"


def test_a_push_also_says_who_hears_of_it_and_why_nothing_was_replayed() -> None:
    routed = Policy(alarms=STRICTER.alarms, routes=(Route(name="all", sns="default"),))

    change = policy_change(planned(1_000), Policy(), routed, HERE.place, unreplayed="get_metric_data: denied")

    text = change_as_markdown(HERE, change)
    assert len(text) < LONGEST
    assert "→ SNS: the alerts topic" in text
    assert text.splitlines()[-1] == (
        "- How often what changes fired could not be found out: get\\_metric\\_data: denied"
    )
