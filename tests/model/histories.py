"""Random histories of an account, and what must hold whenever it comes to rest.

At rest: faults are healed, the queues are drained, there was one sweep, and the queues are drained again.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.model.account import APIS, WRITES, AccountDouble, Fault
from tests.model.clean_room import People, differences
from tests.model.setting import on_paper
from tests.model.stack import Stack
from tests.model.world import WATCHED, World

NAMES = ("churn", "churn-2")  # the one begins the other
TAGS = (
    {"sagewatch__ignore": "true"},
    {"sagewatch__ignore": ""},
    {"sagewatch__latency_p99": "800ms"},
    {"sagewatch__memory": "off"},
    {"sagewatch__memory": ""},
    {"team": "fraud"},
    {"sagewatch__severity": "info"},
)
POLICIES = (
    "# nothing",
    "alarms:\n  - alarm: memory\n    off: true\n",
    "alarms:\n  - kind: endpoint\n    alarm: latency-p99\n    warning: 500ms\n    critical: 800ms\n",
    "ignore:\n  - kind: training-job\n",
    'ignore:\n  - tags: {team: fraud}\nlabels: [team]\n',
    "mute:\n  - name: nightly\n    match: {kind: endpoint}\n    schedule: cron(0 2 * * *)\n    duration: 2h\n",
    "alarms: nonsense\n",
)
BUDGETS = ("budget: 1\n", "budget: 4\n", "budget: 100\n", "# nothing")
FAULTS = (
    *(("Describe*", what) for what in ("throttled", "timeout", "denied")),
    *(("List*", what) for what in ("throttled", "denied", "unknown")),
    *((operation, what) for operation in ("ListEndpoints", "ListPipelines") for what in ("empty", "stale", "page-two")),
    ("DescribeEndpointConfig", "denied"),
    ("DescribeModel", "throttled"),
    ("ListTags", "denied"),
    ("ListMetrics", "empty"),
    *(("PutMetricAlarm", what) for what in ("throttled", "timeout", "answer-lost", "denied")),
    *(("DeleteAlarms", what) for what in ("throttled", "answer-lost")),
    ("DescribeAlarms", "denied"),
    ("DescribeAlarms", "page-two"),
    ("SendMessageBatch", "throttled"),
    ("GetParameter", "denied"),
)
seeds = st.integers(min_value=0, max_value=2**16)
fates = st.sampled_from(["arrives", "arrives", "is lost", "comes twice", "is late"])


class Histories(RuleBasedStateMachine):
    """Resources of all kinds come, change and go; which disturbances there are is said by the subclass."""

    mode: ClassVar[str] = "full"
    """The sweep that must make everything right."""
    loses: ClassVar[bool] = True
    """Whether events are lost, doubled and late."""
    hides: ClassVar[bool] = False
    """Whether configurations and models are deleted under living endpoints."""
    fails: ClassVar[bool] = False
    """Whether calls fail and workers die."""
    workers: ClassVar[int] = 1
    edits: ClassVar[bool] = False
    """Whether people edit, annotate, disable and delete alarms."""
    documents: ClassVar[tuple[str, ...]] = ()
    kinds: ClassVar[tuple[str, ...]] = (*WATCHED, "tuning-job")

    def __init__(self) -> None:
        super().__init__()
        self.paper = on_paper()
        self.paper.__enter__()
        self.account = AccountDouble()
        self.stack = Stack(self.account)
        self.account.parameters[self.stack.policy_parameter] = ["# as deployed"]
        self.fate = "arrives"
        self.late: list[dict[str, Any]] = []
        self.people = People()
        self.world = World(self.account, self.stack.event, self._fated)
        self.account.tell = self._of_alarms
        self.settled: dict[tuple[str, str], set[str]] = {}
        """What untouched resources had when the account was last at rest."""

    # ------------------------------------------------------------------------------------------------ events
    def _fated(self, event: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if self.fate == "is late":
            self.late.append(event)
        for _ in range({"arrives": 1, "comes twice": 2}.get(self.fate, 0)):
            yield event

    def _of_alarms(self, event: dict[str, Any]) -> None:
        if event["detail"]["operation"] == "delete":
            self.people.disabled.discard(event["detail"]["alarmName"])
        self.stack.event(event)

    def _with(self, fate: str) -> None:
        self.fate = fate if self.loses else "arrives"

    def _touched(self, kind: str, name: str) -> None:
        self.settled.pop((kind, name), None)
        self.people.kept = {alarm: ref for alarm, ref in self.people.kept.items() if ref != (kind, name)}

    def _one(self, number: int) -> tuple[str, str] | None:
        there = sorted(self.account.resources)
        return there[number % len(there)] if there else None

    # ------------------------------------------------------------------------------------------------ resources
    @rule(kind=st.integers(0, 60), name=st.sampled_from(NAMES), shape=st.integers(0, 7), fate=fates)
    def make(self, kind: int, name: str, shape: int, fate: str) -> None:
        # Endpoints are what most people have most of.
        its = self.kinds[kind] if kind < len(self.kinds) else "endpoint"
        self._with(fate)
        self._touched(its, name)
        self.world.create(its, name, shape)

    @rule(number=st.integers(0, 9), shape=st.integers(0, 7), fate=fates)
    def change(self, number: int, shape: int, fate: str) -> None:
        if ref := self._one(number):
            self._with(fate)
            self._touched(*ref)
            self.world.create(*ref, shape)

    @rule(number=st.integers(0, 9), fate=fates)
    def delete(self, number: int, fate: str) -> None:
        if ref := self._one(number):
            self._with(fate)
            self._touched(*ref)
            self.world.delete(*ref)

    @rule(number=st.integers(0, 9))
    def begin_to_delete(self, number: int) -> None:
        if (ref := self._one(number)) and ref[0] in {"endpoint", "inference-component", "feature-group", "pipeline"}:
            self._touched(*ref)
            self.world.begin_to_delete(*ref)

    @rule(number=st.integers(0, 9), tags=st.sampled_from(TAGS), fate=fates)
    def tag(self, number: int, tags: dict[str, str], fate: str) -> None:
        if ref := self._one(number):
            # No list and no alarm shows a tag: without its event, only a full sweep finds it.
            self._with(fate if self.mode == "full" else "arrives")
            self._touched(*ref)
            self.world.tag(*ref, **tags)

    @precondition(lambda self: self.hides)
    @rule(number=st.integers(0, 9), models=st.booleans())
    def hide(self, number: int, models: bool) -> None:
        there = sorted(name for kind, name in self.account.resources if kind == "endpoint")
        if there:
            name = there[number % len(there)]
            (self.world.hide_models if models else self.world.hide_config)(name)
            beginning = f"sagewatch/endpoint/{name}/"
            self.people.kept |= {a: ("endpoint", name) for a in self.account.alarms if a.startswith(beginning)}

    # ------------------------------------------------------------------------------------------------ time
    @rule(batches=st.integers(1, 4), seed=seeds, dies=st.integers(1, 40))
    def deliver(self, batches: int, seed: int, dies: int) -> None:
        choose = random.Random(seed)
        for _ in range(batches):
            self.stack.deliver(choose, self.workers, dies if self.fails and dies < 20 else None)

    @rule(seed=seeds)
    def let_the_late_arrive(self, seed: int) -> None:
        random.Random(seed).shuffle(self.late)
        for event in self.late:
            self.stack.event(event)
        self.late = []

    @rule()
    def sweep(self) -> None:
        self.account.clock.advance(60)
        self.stack.sweep("light")

    # ------------------------------------------------------------------------------------------------ disturbances
    @precondition(lambda self: self.fails)
    @rule(which=st.sampled_from(FAULTS), times=st.integers(1, 6))
    def fail(self, which: tuple[str, str], times: int) -> None:
        operation, what = which
        snapshot = dict(self.account.resources) if what == "stale" else None
        self.account.longest_page = 2 if what == "page-two" else 10_000
        self.account.faults.append(Fault(operation, what, times=times, snapshot=snapshot))

    @precondition(lambda self: self.edits)
    @rule(number=st.integers(0, 200), how=st.sampled_from(["threshold", "note", "disable", "delete", "text"]))
    def edit(self, number: int, how: str) -> None:
        ours = sorted(self.account.alarms.keys() - self.people.foreign.keys())
        if not ours:
            return
        name = ours[number % len(ours)]
        if how == "delete":
            self.account._DeleteAlarms([name])
            self.people.kept.pop(name, None)
            self.settled = {ref: names - {name} for ref, names in self.settled.items()}
            return
        alarm = dict(self.account.alarms[name])
        if how == "disable":
            alarm["ActionsEnabled"] = False
            self.people.disabled.add(name)
        elif how == "threshold":
            alarm["Threshold"] = 1.0
        elif how == "note":
            alarm["AlarmDescription"] = (alarm["AlarmDescription"] + "\nRunbook: see the wiki.")[:1024]
        else:
            alarm["AlarmDescription"] = "Look here! " + alarm["AlarmDescription"][:1000]
        self._write(alarm)

    @precondition(lambda self: self.edits)
    @rule(number=st.integers(0, 9))
    def make_a_foreign_alarm(self, number: int) -> None:
        if ref := self._one(number):
            name = f"sagewatch/{ref[0]}/{ref[1]}/AllTraffic/by-hand"
            self._write({"AlarmName": name, **_BY_HAND})
            self.people.foreign[name] = self.account.alarms[name]

    def _write(self, alarm: dict[str, Any]) -> None:
        state = {"StateValue", "StateUpdatedTimestamp", "AlarmArn", "AlarmConfigurationUpdatedTimestamp"}
        self.account._PutMetricAlarm(**{key: value for key, value in alarm.items() if key not in state})

    @precondition(lambda self: self.documents)
    @rule(number=st.integers(0, 20))
    def push_a_policy(self, number: int) -> None:
        self.settled = {}
        self.people.kept = {}
        self.account.parameters[self.stack.policy_parameter].append(self.documents[number % len(self.documents)])
        self.stack.event(
            {
                "source": "aws.ssm",
                "detail-type": "Parameter Store Change",
                "detail": {"name": self.stack.policy_parameter, "operation": "Update"},
            }
        )

    # ------------------------------------------------------------------------------------------------ what must hold
    @invariant()
    def no_resource_that_nobody_touched_lost_an_alarm(self) -> None:
        for ref, names in self.settled.items():
            lost = names - self.account.alarms.keys()
            assert not lost, f"{ref} lived, nobody touched it, and it lost {sorted(lost)}"

    def rest(self) -> None:
        """Heal all faults, drain the queues, sweep once and drain them again."""
        self.account.faults, self.account.longest_page = [], 10_000
        self.stack.drain()
        self.account.clock.advance(16 * 60)
        self.stack.sweep(self.mode)
        self.stack.drain()

    @rule()
    def come_to_rest(self) -> None:
        self.rest()
        budget = any("budget" in each for each in self.documents)
        wrong = list(differences(self.world, self.people, budget=budget))
        assert not wrong, "\n".join(wrong)
        before = len(self.account.calls)
        self.stack.sweep("full")
        self.stack.drain()
        writes = [call for call, _ in self.account.calls[before:] if call in WRITES - {"PutAlarmMuteRule", "DeleteAlarmMuteRule"}]
        assert not writes, f"a second sweep of an account at rest wrote: {writes}"
        self.settled = {
            (kind, name): {a for a in self.account.alarms if a.startswith(f"sagewatch/{kind}/{name}/")}
            for (kind, name), found in self.account.resources.items()
            if found.body[APIS[kind].status] != "Deleting" and found.body[APIS[kind].status] not in {"Completed", "COMPLETED"}
        }

    def teardown(self) -> None:
        try:
            self.come_to_rest()
        finally:
            self.paper.__exit__(None, None, None)


_BY_HAND = {
    "Namespace": "AWS/SageMaker",
    "MetricName": "Invocations",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "missing",
}


class Events(Histories):
    """Events are lost, doubled, late and out of order; the full sweep makes it right."""


class EventsLight(Histories):
    """The same; the light sweep alone must make it right."""

    mode = "light"


class Hidden(Histories):
    """Configurations and models are deleted under living endpoints."""

    hides = True
    kinds = ("endpoint", "inference-component")


class Failing(Histories):
    """Calls fail and workers die at any call."""

    fails = True


class TwoWorkers(Histories):
    """Two workers at once, interleaved call by call."""

    workers = 2
    fails = True
    kinds = ("endpoint", "pipeline", "inference-component")


class Edited(Histories):
    """People edit, annotate, disable and delete alarms."""

    edits = True


class Policies(Histories):
    """The policy and its windows change."""

    documents = POLICIES


class Budgets(Histories):
    """The budget changes."""

    documents = BUDGETS
    kinds = ("endpoint", "training-job", "pipeline")


class Everything(Histories):
    """All of it, but for the budget."""

    fails = hides = edits = True
    workers = 2
    documents = POLICIES


ALL = (Events, EventsLight, Hidden, Failing, TwoWorkers, Edited, Policies, Budgets, Everything)
