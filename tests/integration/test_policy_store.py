from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from sagewatch.aws.policy_store import PolicyStore
from sagewatch.aws.retries import BRISK
from sagewatch.errors import BadSetting, Retry
from sagewatch.policy.rules import AlarmRule, Policy, PolicyInForce
from tests.integration.conftest import Journal

PARAMETER = "/sagewatch/sagewatch/policy"
LAX = "alarms:\n  - {alarm: latency-p99, kind: endpoint, threshold: 2s}\n"
BROKEN = "alarms:\n  - {alarm: latency-p98, kind: endpoint, threshold: 2s}\n"


@dataclass(slots=True)
class Parameter:
    """The policy's parameter."""

    ssm: Any = field(default_factory=lambda: boto3.client("ssm"))

    def says(self, text: str) -> None:
        self.ssm.put_parameter(Name=PARAMETER, Value=text, Type="String", Overwrite=True)


def store(table: str | None = None) -> PolicyStore:
    return PolicyStore(PARAMETER, table, BRISK)


def test_without_a_parameter_nobody_is_asked() -> None:
    assert PolicyStore(None, None, BRISK).read() == PolicyInForce()


def test_a_parameter_that_is_not_there_or_only_has_comments_says_nothing() -> None:
    policies = store()
    absent = policies.read()
    Parameter().says("# nothing\n\n   # at all\n")

    assert absent == PolicyInForce()
    assert policies.read() == PolicyInForce(version=1)


def test_a_change_is_noticed_by_the_next_question() -> None:
    parameter, policies = Parameter(), store()
    parameter.says(LAX)
    before = policies.read()
    parameter.says("# nothing")

    assert before.policy == Policy(alarms=(AlarmRule(alarm="latency-p99", kind="endpoint", threshold="2s"),))
    assert policies.read() == PolicyInForce(version=2)


def test_in_place_of_a_broken_policy_stands_the_last_that_was_not() -> None:
    parameter = Parameter()
    for text in ("# nothing", LAX, BROKEN, BROKEN + "#"):
        parameter.says(text)

    found = store().read()

    assert found.faults
    assert (found.policy.alarms[0].threshold, found.frozen) == ("2s", False)


def test_between_two_broken_texts_that_are_the_same_a_good_one_counts() -> None:
    parameter, policies = Parameter(), store()
    parameter.says(BROKEN)
    before = policies.read()
    parameter.says(LAX)
    parameter.says(BROKEN)

    assert (before.frozen, policies.read().frozen) == (True, False)


def test_where_no_version_can_be_followed_alarms_are_held() -> None:
    Parameter().says(BROKEN)

    found = store().read()

    assert (found.policy, found.frozen) == (Policy(), True)


def test_a_broken_policy_is_looked_at_once(journal: Journal) -> None:
    parameter, policies = Parameter(), store()
    parameter.says(LAX)
    parameter.says(BROKEN)
    policies.read()
    journal.watch(policies.clients.ssm)

    policies.read()

    assert journal.taken() == ["GetParameter"]


def test_a_budget_needs_the_table() -> None:
    Parameter().says("budget: 10")

    with pytest.raises(BadSetting, match="INCIDENTS_TABLE"):
        store().read()


def test_a_parameter_that_cannot_be_read_proves_nothing() -> None:
    policies = store()
    policies.read()
    with Stubber(policies.clients.ssm) as stubbed:
        stubbed.add_client_error("get_parameter", "ThrottlingException")

        with pytest.raises(Retry):
            policies.read()
