"""`sagewatch plan`: that it foretells what the product writes, asks no more than the sweep, and says it in words."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.model import OperationModel
from click.testing import Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto.cloudwatch.models import cloudwatch_backends
from moto.sagemaker.models import sagemaker_backends
from typer.testing import CliRunner

from sagewatch.aws.clients import Clients
from sagewatch.aws.policy_store import PolicyStore
from sagewatch.aws.retries import PATIENT
from sagewatch.fleet.sweep import sweep
from sagewatch.model import Alarm, Ref, Severity, canonical
from sagewatch.policy.rules import DEFAULT, AlarmRule, Ignored, Look, Policy, PolicyInForce
from sagewatch.settings import SweepSettings
from sagewatch.watch.reconcile import reconcile
from sagewatch_cli.account.plan import AccountPlan, ResourcePlan, Selection, plan_account
from sagewatch_cli.main import app
from tests.integration.conftest import Fleet, Journal, Queue, alarms
from tests.resources import PLAIN_VARIANT, TWO_STEPS

OURS = "sagewatch/endpoint/churn/AllTraffic/"
WHERE = "Account 123456789012, us-east-1, alarms under sagewatch/, no stack of ours"
SUSPECTS, EVERYONE = Selection(), Selection(everyone=True)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["plan", *arguments])


def planned(*arguments: str) -> dict[str, Any]:
    """Return the plan as data."""
    result = run(*arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    data: dict[str, Any] = json.loads(result.stdout)
    return data


def watched(*refs: Ref, policy: Policy = DEFAULT) -> None:
    """Have the product make the alarms of resources."""
    clients = Clients(PATIENT, sagemaker=boto3.client("sagemaker"), cloudwatch=boto3.client("cloudwatch"))
    for ref in refs:
        reconcile(clients, "sagewatch", ref, in_force=PolicyInForce(policy))


def edited(name: str, **otherwise: Any) -> None:
    """Have somebody edit an alarm."""
    alarm = canonical(alarms()[name])
    boto3.client("cloudwatch").put_metric_alarm(**{**alarm.request, **otherwise})


CHURN, OTHER, PIPELINE = Ref("endpoint", "churn"), Ref("endpoint", "other"), Ref("pipeline", "churn-train")


def test_before_anything_is_deployed_all_alarms_would_be_made(fleet: Fleet) -> None:
    fleet.endpoint()
    fleet.pipeline()

    data = planned()

    assert data["summary"] == {"create": len(PLAIN_VARIANT) + TWO_STEPS, "change": 0, "delete": 0}
    assert [each["resource"] for each in data["resources"]] == ["endpoint/churn", "pipeline/churn-train"]
    assert data["monthly"]["fleet"]["before"] == 0
    assert data["monthly"]["fleet"] == data["monthly"]["listed"]
    assert alarms() == {}


def test_a_fleet_in_order_has_nothing_to_do(fleet: Fleet) -> None:
    fleet.endpoint()
    watched(CHURN)

    result = run()

    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == WHERE
    assert result.stdout.splitlines()[1].startswith("Nothing to do · $")
    assert result.stdout.splitlines()[2:] == ["Looked at 0 of 1 resources; --full looks at every one."]


def test_where_nothing_is_found_it_says_so() -> None:
    result = run("--full")

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        WHERE,
        "Nothing to do · $0.00 a month",
        "No resource was found.",
    ]


def test_an_edited_alarm_would_be_put_right_in_words(fleet: Fleet) -> None:
    fleet.endpoint()
    watched(CHURN)
    edited(f"{OURS}latency-p99", Threshold=2_500_000.0, EvaluationPeriods=1, DatapointsToAlarm=1)
    edited(f"{OURS}cpu", Threshold=100.0)

    [resource] = planned()["resources"]

    assert resource["change"] == [
        {"alarm": f"{OURS}latency-p99", "differences": [
            {"what": "threshold", "old": "2.50 s", "new": "1.00 s"},
            {"what": "periods", "old": "5 min", "new": "3 of 3 × 5 min"}]},
        {"alarm": f"{OURS}cpu", "differences": [
            {"what": "threshold", "old": "25 % of 4 vCPU", "new": "90 % of 4 vCPU"}]},
    ]  # fmt: skip
    assert (resource["create"], resource["delete"]) == ([], [])


def test_a_tag_is_seen_by_those_who_are_named_and_by_a_full_look(fleet: Fleet) -> None:
    fleet.endpoint()
    watched(CHURN)
    arn = fleet.sagemaker.describe_endpoint(EndpointName="churn")["EndpointArn"]
    fleet.sagemaker.add_tags(
        ResourceArn=arn,
        Tags=[
            {"Key": "sagewatch:latency-p99", "Value": "800ms"},
            {"Key": "sagewatch:idle", "Value": "off"},
            {"Key": "sagewatch:cpu", "Value": "plenty"},
        ],
    )

    unnamed, named, full = planned(), planned("endpoint/churn"), planned("--full")

    assert unnamed["resources"] == []
    assert named["resources"] == full["resources"]
    [resource] = named["resources"]
    # The other one says which alarms there should be in all.
    [change] = [each for each in resource["change"] if each["alarm"] == f"{OURS}latency-p99"]
    assert change["differences"] == [{"what": "threshold", "old": "1.00 s", "new": "800 ms"}]
    assert resource["delete"] == [{"alarm": f"{OURS}idle", "why": "off by its tag sagewatch:idle"}]
    assert resource["reports"] == [
        "tag sagewatch:cpu: 'plenty' is not a number with a unit, such as 90%; it changes nothing"
    ]


def test_globs_name_those_that_live_and_those_that_left_alarms(fleet: Fleet) -> None:
    fleet.endpoint("churn")
    fleet.endpoint("churn-v2")
    fleet.endpoint("other")
    watched(CHURN)
    fleet.sagemaker.delete_endpoint(EndpointName="churn")

    data = planned("endpoint/churn*")

    assert [each["resource"] for each in data["resources"]] == ["endpoint/churn", "endpoint/churn-v2"]
    assert data["summary"] == {"create": len(PLAIN_VARIANT), "change": 0, "delete": len(PLAIN_VARIANT)}
    assert {each["why"] for each in data["resources"][0]["delete"]} == {"churn is gone"}


def test_alarms_of_others_under_our_prefix_are_told_and_left_alone(fleet: Fleet) -> None:
    fleet.endpoint()
    watched(CHURN)
    edited(f"{OURS}cpu", AlarmName=f"{OURS}by-hand", AlarmDescription="mine")

    data = planned()

    assert data["foreign"] == [f"{OURS}by-hand"]
    assert data["summary"] == {"create": 0, "change": 0, "delete": 0}


def test_a_resource_that_cannot_be_read_is_told_beside_those_that_can(fleet: Fleet) -> None:
    fleet.endpoint("churn")
    fleet.endpoint("other")
    clients = Clients(PATIENT, sagemaker=fleet.sagemaker, cloudwatch=boto3.client("cloudwatch"))
    fleet.sagemaker.meta.events.register("before-parameter-build.*.DescribeEndpoint", _denied_for_other)

    found = foreseen(clients, Policy())

    assert [str(each.ref) for each in found.planned] == ["endpoint/churn"]
    [unread] = found.unread
    assert unread.startswith("describe_endpoint other: ")


def _denied_for_other(params: Mapping[str, Any], **_: Any) -> None:
    if params["EndpointName"] == "other":
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeEndpoint")


def test_a_list_that_is_denied_is_told_after_the_rest_and_is_an_exit_code(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.endpoint()
    fleet.pipeline()
    make = boto3.session.Session.client

    def made(session: Any, service: str, *args: Any, **kwargs: Any) -> Any:
        client = make(session, service, *args, **kwargs)
        client.meta.events.register("before-parameter-build.sagemaker.ListPipelines", _denied)
        return client

    monkeypatch.setattr(boto3.session.Session, "client", made)

    result = run("--format", "json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["summary"] == {"create": len(PLAIN_VARIANT), "change": 0, "delete": 0}
    said = json.loads(result.stderr)["error"]
    assert (said["code"], said["exit_code"]) == ("SW-506", 1)
    assert said["message"].startswith("Not all could be found out:\n")
    assert "list_pipelines" in said["message"]


def _denied(model: OperationModel, **_: Any) -> None:
    raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, model.name)


def test_something_to_do_is_an_exit_code_for_those_who_ask(fleet: Fleet) -> None:
    fleet.endpoint()

    before = [run().exit_code, run("--detailed-exitcode").exit_code]
    watched(CHURN)

    assert [*before, run("--detailed-exitcode").exit_code] == [0, 3, 0]


@pytest.mark.parametrize(
    ("ref", "says"),
    [
        ("churn", "'churn' is not kind/name, such as endpoint/churn"),
        ("endpiont/churn", "there is no kind endpiont. Do you mean endpoint?"),
        ("endpoint/nobody", "Nothing is called endpoint/nobody"),
        ("endpoint/nob*", "Nothing is called endpoint/nob*"),
    ],
)
def test_a_ref_that_names_nothing_is_wrong_usage(ref: str, says: str) -> None:
    result = run(ref)

    assert result.exit_code == 2
    assert says in " ".join(result.stderr.replace("│", " ").split())


# ---------------------------------------------------------------------------------------------------- other policies
def foreseen(clients: Clients, policy: Policy, asked: Selection = SUSPECTS) -> AccountPlan:
    return plan_account(clients, "sagewatch", PolicyInForce(policy), asked, datetime.now(UTC))


@pytest.fixture
def clients(journal: Journal) -> Clients:
    clients = Clients(PATIENT, sagemaker=boto3.client("sagemaker"), cloudwatch=boto3.client("cloudwatch"))
    journal.watch(clients.sagemaker, clients.cloudwatch)
    return clients


def test_another_policy_concerns_only_whom_it_speaks_of(fleet: Fleet, clients: Clients, journal: Journal) -> None:
    fleet.endpoint("churn")
    fleet.endpoint("other")
    fleet.pipeline()
    watched(CHURN, OTHER, PIPELINE)
    rule = AlarmRule(resource="churn", alarm="latency-p99", threshold="800ms")

    found = foreseen(clients, Policy(alarms=(rule,)))

    assert [str(each.ref) for each in found.planned] == ["endpoint/churn"]
    # The threshold of one, and what another one says of the policy.
    assert found.counts() == (0, 2, 0)
    assert journal.taken().count("DescribeEndpoint") == 1


def test_why_an_alarm_goes_is_said(fleet: Fleet, clients: Clients) -> None:
    fleet.endpoint("churn", {"blue": "ml.m5.xlarge"})
    fleet.endpoint("other", team="sandbox")
    fleet.pipeline()
    pair = AlarmRule(kind="endpoint", alarm="cpu", warning="70%", critical="90%")
    watched(CHURN, OTHER, PIPELINE, policy=Policy(alarms=(pair,)))
    fleet.endpoint("churn", {"green": "ml.m5.xlarge"})
    policy = Policy(
        alarms=(AlarmRule(kind="pipeline", alarm="executions-*", off=True, line=3),),
        ignore=(Ignored(tags={"team": "sandbox"}, line=7),),
    )

    found = foreseen(clients, policy)

    why = {name: each for planned in found.planned for name, each in planned.why.items()}
    assert why["sagewatch/endpoint/churn/blue/cpu"] == "blue is gone"
    assert why["sagewatch/endpoint/other/AllTraffic/cpu"] == "ignored: ignore in the policy (line 7)"
    assert why["sagewatch/pipeline/churn-train/all/executions-failed"] == "off in the policy (line 3)"


def test_a_pair_that_becomes_one_loses_its_warning(fleet: Fleet, clients: Clients) -> None:
    fleet.endpoint()
    pair = AlarmRule(kind="endpoint", alarm="cpu", warning="70%", critical="90%")
    watched(CHURN, policy=Policy(alarms=(pair,)))

    [planned] = foreseen(clients, Policy()).planned

    assert planned.why == {f"{OURS}cpu-warning": "one threshold, not two"}


def test_the_budget_is_spent_on_what_matters_and_the_rest_gives_way(fleet: Fleet, clients: Clients) -> None:
    fleet.endpoint("churn")
    fleet.endpoint("other")
    watched(CHURN, OTHER)

    found = foreseen(clients, Policy(budget=1.0))

    assert found.fleet.after <= 1.0 < found.fleet.before
    gone = [alarm for each in found.planned for alarm in each.deleted]
    assert {(alarm.labels["kind"], alarm.labels["alarm"]) for alarm in gone if alarm.labels} == set(found.withheld)
    assert {why for each in found.planned for why in each.why.values()} == {"the budget has no room for it"}


def test_a_row_that_gave_way_does_not_come_back_for_a_newcomer_alone(fleet: Fleet, clients: Clients) -> None:
    """The pipelines that lost their steps' alarms look complete, so the sweep's suspects do not show what they ask."""
    last = AlarmRule(alarm="step-failed", severity=Severity.INFO)
    others = AlarmRule(alarm="execution*", severity=Severity.CRITICAL)
    for name in ("one", "two", "three"):
        fleet.pipeline(name)
    refs = [Ref("pipeline", name) for name in ("one", "two", "three")]
    room = foreseen(clients, Policy(alarms=(last, others))).fleet.after - 0.3
    policy = Policy(alarms=(last, others), budget=room)
    before = PolicyInForce(policy, withheld=frozenset({("pipeline", "step-failed")}))
    for ref in refs[:2]:
        reconcile(clients, "sagewatch", ref, in_force=before)

    found = foreseen(clients, policy)

    assert set(found.withheld) == {("pipeline", "step-failed")}
    assert {ref.name for each in found.planned if each for ref in [each.ref]} == {"three"}


def test_an_alarm_that_guards_a_deployment_would_be_labelled_so(fleet: Fleet, clients: Clients) -> None:
    fleet.endpoint("churn")
    fleet.endpoint("other")
    watched(CHURN, OTHER)
    guard = f"{OURS}latency-p99"

    def rolls_back(parsed: dict[str, Any], **_: Any) -> None:
        if parsed.get("EndpointName") == "other":
            parsed["LastDeploymentConfig"] = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": guard}]}}

    clients.sagemaker.meta.events.register("after-call.sagemaker.DescribeEndpoint", rolls_back)

    before = foreseen(clients, DEFAULT, EVERYONE)
    reconcile(clients, "sagewatch", OTHER)
    after = foreseen(clients, DEFAULT, EVERYONE)

    assert [alarm.name for each in before.planned for alarm in each.claims] == [guard]
    assert (before.counts(), after.counts()) == ((0, 1, 0), (0, 0, 0))


def test_what_a_resource_without_known_capacity_has_is_held(fleet: Fleet, clients: Clients) -> None:
    fleet.endpoint()
    watched(CHURN)
    clients.sagemaker.meta.events.register("after-call.sagemaker.DescribeEndpointConfig", _of_an_unknown_type)

    [planned] = foreseen(clients, Policy(), Selection(("endpoint/churn",))).planned

    assert [alarm.name for alarm in planned.held] == [f"{OURS}cpu"]
    assert not planned.decision.changes.deletes


def _of_an_unknown_type(parsed: dict[str, Any], **_: Any) -> None:
    parsed["ProductionVariants"][0]["InstanceType"] = "ml.unheard-of.xlarge"


# ---------------------------------------------------------------------------------------------------- how much it asks
def test_a_plan_of_a_fleet_in_order_asks_no_more_than_the_sweep(
    fleet: Fleet, clients: Clients, journal: Journal, queue: Queue
) -> None:
    names = [f"churn-{n:02}" for n in range(60)]
    for name in names:
        fleet.endpoint(name)
        reconcile(clients, "sagewatch", Ref("endpoint", name))
    journal.taken()
    clients.sqs = queue.sqs
    nobody = PolicyStore(None, None, clients.cloudwatch.meta.config)
    where = SweepSettings(
        prefix="sagewatch",
        queue_url=queue.url,
        backfill_url=queue.url,
        notify_url=queue.url,
        policy_parameter=None,
        table=None,
    )

    swept = sweep(clients, where, nobody, datetime.now(UTC), full=False)
    by_the_sweep = journal.taken()
    found = foreseen(clients, Policy())
    by_the_plan = journal.taken()

    assert swept.named == ()
    assert (found.planned, found.resources) == ((), 60)
    # The sweep also lists failures that no event told.
    assert Counter(by_the_plan) <= Counter(by_the_sweep)
    assert by_the_plan[-1] == "DescribeAlarms"


def test_what_was_found_well_without_alarms_is_not_looked_at_again(
    fleet: Fleet, clients: Clients, journal: Journal
) -> None:
    fleet.endpoint()
    listed_at = datetime.now(UTC)
    asked: list[set[str]] = []

    def looks(kinds: Iterable[str]) -> Mapping[Ref, Look]:
        asked.append(set(kinds))
        return {CHURN: Look(at=listed_at + timedelta(minutes=1), mark="", is_bare=True)}

    journal.taken()
    found = plan_account(
        clients, "sagewatch", PolicyInForce(), SUSPECTS, datetime.now(UTC) + timedelta(minutes=2), looks=looks
    )

    assert (found.planned, asked) == ((), [{"endpoint"}])
    assert "DescribeEndpoint" not in journal.taken()


def test_a_budget_with_room_for_all_asks_no_more(fleet: Fleet, clients: Clients, journal: Journal) -> None:
    fleet.endpoint()
    fleet.pipeline()
    watched(CHURN, PIPELINE)
    foreseen(clients, DEFAULT)
    without = journal.taken()

    found = foreseen(clients, Policy(budget=100))

    assert (found.planned, found.withheld) == ((), {})
    assert journal.taken() == without


def test_who_is_named_is_looked_at_without_lists_of_all_others(
    fleet: Fleet, clients: Clients, journal: Journal
) -> None:
    fleet.endpoint()
    watched(CHURN)

    foreseen(clients, Policy(), Selection(("endpoint/churn",)))

    assert journal.taken() == [
        "DescribeAlarms",
        "DescribeEndpoint",
        "DescribeAlarms",
        "DescribeEndpointConfig",
        "DescribeModel",
        "ListTags",
    ]


# ---------------------------------------------------------------------------------------------------- always
TYPES = ({"AllTraffic": "ml.m5.xlarge"}, {"AllTraffic": None}, {"blue": "ml.p3.8xlarge", "green": "ml.m5.xlarge"})
TAGS = ({}, {"team": "fraud"}, {"sagewatch:ignore": "true"}, {"sagewatch:cpu": "70%", "sagewatch:idle": "off"},
        {"sagewatch:severity": "info", "sagewatch:latency-p99": "soon"})  # fmt: skip
RULES = (
    AlarmRule(kind="endpoint", alarm="latency-p99", threshold="800ms"),
    AlarmRule(alarm="cpu", threshold="80%", periods="2 of 3"),
    AlarmRule(alarm="cpu", warning="70%", critical="95%"),
    AlarmRule(kind=("endpoint", "pipeline"), severity=Severity.INFO),
    AlarmRule(resource="a*", alarm=("errors-*", "memory"), off=True),
    AlarmRule(resource="a", alarm="errors-5xx", off=False),
    AlarmRule(tags={"team": "fraud"}, alarm="memory", off=True),
    AlarmRule(kind="pipeline", off=True),
)
IGNORED = (Ignored(resource="b"), Ignored(tags={"team": "fraud"}), Ignored(kind="training-job"))
TOPIC = "arn:aws:sns:us-east-1:123456789012:pager"

endpoints = st.dictionaries(
    st.sampled_from(("a", "ab", "b", "c" * 63)), st.tuples(st.sampled_from(TYPES), st.sampled_from(TAGS)), max_size=3
)
policies = st.builds(
    Policy,
    alarms=st.lists(st.sampled_from(RULES), max_size=3).map(tuple),
    ignore=st.lists(st.sampled_from(IGNORED), max_size=1).map(tuple),
    labels=st.sampled_from(({"team": "team"}, {"team": "team", "owner": "team"})),
    paging=st.sampled_from(({}, {Severity.CRITICAL: TOPIC})),
    budget=st.sampled_from((None, None, 0.0, 0.7, 1.5, 3.0)),
)


@dataclass(slots=True)
class Account:
    """An account that is emptied for each example, and what the product writes in it."""

    fleet: Fleet = field(default_factory=Fleet)
    client: Any = field(default_factory=lambda: boto3.client("cloudwatch"))
    written: list[tuple[str, Any]] = field(default_factory=list)
    clients: Clients = field(init=False)

    def __post_init__(self) -> None:
        self.clients = Clients(PATIENT, sagemaker=self.fleet.sagemaker, cloudwatch=self.client)
        self.client.meta.events.register("before-parameter-build", self._note)

    def _note(self, params: dict[str, Any], model: OperationModel, **_: Any) -> None:
        if model.name == "PutMetricAlarm":
            self.written.append(("put", canonical(params)))
        if model.name == "DeleteAlarms":
            self.written += [("delete", name) for name in params["AlarmNames"]]

    def taken(self) -> list[tuple[str, Any]]:
        """Return what was written since the last time."""
        written, self.written = self.written, []
        return written

    def empty(self) -> None:
        for backends in (sagemaker_backends, cloudwatch_backends):
            backends["123456789012"]["us-east-1"].reset()
        self.taken()

    def reconcile(self, refs: Iterable[Ref], standing: PolicyInForce) -> None:
        for ref in refs:
            reconcile(self.clients, "sagewatch", ref, in_force=standing)

    def meddle(self, meddling: Iterable[tuple[int, str]]) -> None:
        """Have somebody edit, delete and make alarms under our prefix."""
        for index, what in meddling:
            names = sorted(alarms())
            if not names:
                return
            alarm = dict(canonical(alarms()[names[index % len(names)]]).request)
            if what == "delete":
                self.client.delete_alarms(AlarmNames=[alarm["AlarmName"]])
            elif what == "edit":
                self.client.put_metric_alarm(**alarm | {"Threshold": 12345.0, "ActionsEnabled": False})
            elif what == "take":
                self.client.put_metric_alarm(**alarm | {"AlarmDescription": "mine"})
            else:
                self.client.put_metric_alarm(**alarm | {"AlarmName": f"{alarm['AlarmName']}-mine"})


meddlings = st.lists(st.tuples(st.integers(0, 40), st.sampled_from(("delete", "edit", "take", "copy"))), max_size=3)


def test_what_is_planned_is_what_reconcile_writes_and_then_nothing_is_left_to_do() -> None:
    account = Account()

    @settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(endpoints, endpoints, st.booleans(), st.booleans(), policies, policies, meddlings, st.booleans())
    def holds(
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        pipeline: bool,
        job: bool,
        old: Policy,
        new: Policy,
        meddling: list[tuple[int, str]],
        full: bool,
    ) -> None:
        account.empty()
        make(account.fleet, before, pipeline=pipeline, job=job)
        begun = foreseen(account.clients, old)
        account.reconcile([each.ref for each in begun.planned], standing_of(begun, old))
        account.meddle(meddling)
        remake(account.fleet, before, after)
        account.taken()
        asked = EVERYONE if full else SUSPECTS

        found = foreseen(account.clients, new, asked)

        assert account.taken() == []
        for planned in found.planned:
            account.reconcile([planned.ref], standing_of(found, new))
            assert account.taken() == foretold(planned)
        assert found.fleet.after <= (float("inf") if new.budget is None else new.budget)
        assert foreseen(account.clients, new, asked).counts() == (0, 0, 0)

    holds()


def make(fleet: Fleet, endpoints: Mapping[str, Any], *, pipeline: bool = False, job: bool = False) -> None:
    for name, (variants, tags) in endpoints.items():
        fleet.endpoint(name, variants, **tags)
    if pipeline:
        fleet.pipeline()
    if job:
        fleet.training_job(instance="ml.p3.8xlarge")


def remake(fleet: Fleet, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Delete and make endpoints, until the others are there."""
    for name in before.keys() - after.keys():
        fleet.sagemaker.delete_endpoint(EndpointName=name)
    make(fleet, {name: each for name, each in after.items() if before.get(name) != each})


def standing_of(found: AccountPlan, policy: Policy) -> PolicyInForce:
    return PolicyInForce(policy, withheld=frozenset(found.withheld))


def foretold(planned: ResourcePlan) -> list[tuple[str, Alarm | str]]:
    deletes = [("delete", alarm.name) for alarm in planned.deleted]
    return [*deletes, *(("put", alarm) for alarm in planned.decision.changes.puts)]


def test_an_address_of_no_emulator_is_wrong_usage() -> None:
    result = run("--endpoint-url", "localhost:4566")

    assert result.exit_code == 2
    assert "'localhost:4566' is no address" in " ".join(result.stderr.split())
