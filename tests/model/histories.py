"""Random histories of an account, and what must hold whenever it comes to rest.

At rest: faults are healed, the queues are drained, there was one sweep, and the queues are drained again.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, ClassVar

from sagewatch.errors import SagewatchError
from tests.model.account import APIS, AccountDouble, Fault
from tests.model.clean_room import People, differences, plain
from tests.model.guesses import SERVING_KINDS, is_partly_known
from tests.model.stack import Stack
from tests.model.world import WATCHED, World

NAMES = ("churn", "churn", "churn-2", "churn-2", "Churn-B")  # one begins the other; ARNs have no capitals
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
    "ignore:\n  - tags: {team: fraud}\nlabels: [team]\n",
    "mute:\n  - name: nightly\n    match: {kind: endpoint}\n    schedule: cron(0 2 * * *)\n    duration: 2h\n",
    "alarms: nonsense\n",
)
BUDGETS = ("budget: 1\n", "budget: 4\n", "budget: 100\n", "# nothing")
FAULTS = (
    *(("Describe[!A]*", what) for what in ("throttled", "timeout", "denied", "denied", "unknown")),
    *(("List*", what) for what in ("throttled", "denied", "unknown")),
    *((operation, what) for operation in ("ListEndpoints", "ListPipelines") for what in ("empty", "stale", "page-two")),
    *(("DescribeEndpointConfig", what) for what in ("denied", "throttled")),
    *(("DescribeModel", what) for what in ("denied", "throttled")),
    ("ListTags", "denied"),
    ("ListMetrics", "empty"),
    *(("PutMetricAlarm", what) for what in ("throttled", "timeout", "answer-lost", "denied")),
    *(("DeleteAlarms", what) for what in ("throttled", "answer-lost")),
    ("DescribeAlarms", "denied"),
    ("DescribeAlarms", "page-two"),
    ("SendMessageBatch", "throttled"),
    ("GetParameter", "denied"),
)
FATES = ("arrives", "arrives", "is lost", "comes twice", "is late")
EDITS = ("threshold", "note", "disable", "delete", "text")


class History:
    """Resources of all kinds come, change and go; which disturbances there are is said by the subclass.

    `draw` gives the steps of a seed, `play` plays steps.
    """

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
    deploys: ClassVar[bool] = False
    """Whether resources take time to be made and changed, and may fail on the way."""
    guards: ClassVar[bool] = False
    """Whether deployments are rolled back by alarms of ours."""
    lists_late: ClassVar[bool] = False
    """Whether CloudWatch lists metrics some time after they began."""
    shapes: ClassVar[tuple[int, ...]] = tuple(range(14))
    refused: ClassVar[str] = ""
    """What the names of alarms contain that CloudWatch refuses for ever; the others must be there all the same."""
    sweeps: ClassVar[int] = 1
    """How many sweeps may be needed to come to rest."""
    documents: ClassVar[tuple[str, ...]] = ()
    kinds: ClassVar[tuple[str, ...]] = (*WATCHED, "tuning-job")

    def __init__(self) -> None:
        self.account = AccountDouble()
        self.stack = Stack(self.account)
        self.account.parameters[self.stack.policy_parameter] = ["# as deployed"]
        self.fate = "arrives"
        self.late: list[dict[str, Any]] = []
        self.people = People()
        self.world = World(self.account, self.stack.event, self._fated)
        self.account.tell = self._of_alarms
        self._heal()
        self.settled: dict[tuple[str, str], set[str]] = {}
        """What untouched resources had when the account was last at rest."""
        self.judged = 0
        """How many invocations were looked at already."""

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
        self.people.owed -= self.people.kept.pop((kind, name), {}).keys()

    def _seen_by_a_list(self, kind: str, name: str, fate: str) -> str:
        """Return what becomes of the events of a change.

        ListFeatureGroups and ListClusters do not say when something changed: without its event, only a full sweep finds
        that an existing feature group has another throughput.
        """
        is_shown = APIS[kind].modified or (kind, name) not in self.account.resources
        return fate if self.mode == "full" or is_shown else "arrives"

    def _one(self, number: int) -> tuple[str, str] | None:
        there = sorted(self.account.resources)
        return there[number % len(there)] if there else None

    # ------------------------------------------------------------------------------------------------ resources
    def make(self, kind: int, name: str, shape: int, fate: str) -> None:
        # Endpoints are what most people have most of.
        its = self.kinds[kind] if kind < len(self.kinds) else "endpoint"
        self._with(self._seen_by_a_list(its, name, fate))
        self._touched(its, name)
        self.world.create(its, name, shape)

    def change(self, number: int, shape: int, fate: str) -> None:
        if ref := self._one(number):
            self._with(self._seen_by_a_list(*ref, fate))
            self._touched(*ref)
            self.world.create(*ref, shape)

    def delete(self, number: int, fate: str) -> None:
        if ref := self._one(number):
            self._with(fate)
            self._touched(*ref)
            self.world.delete(*ref)

    def begin_to_delete(self, number: int) -> None:
        if (ref := self._one(number)) and ref[0] in {"endpoint", "inference-component", "feature-group", "pipeline"}:
            self._touched(*ref)
            self.world.begin_to_delete(*ref)

    def tag(self, number: int, tags: dict[str, str], fate: str) -> None:
        if ref := self._one(number):
            # No list and no alarm shows a tag: without its event, only a full sweep finds it.
            self._with(fate if self.mode == "full" else "arrives")
            self.settled.pop(ref, None)
            self.people.owed -= self.people.kept.get(ref, {}).keys()
            self.world.tag(*ref, **tags)

    def begin_to_make(self, name: str, shape: int, component: bool, fate: str) -> None:
        its = "inference-component" if component else "endpoint"
        self._with(fate)
        self._touched(its, name)
        if (its, name) in self.account.resources:
            self.world.delete(its, name)
        self.world.begin_to_make(its, name, shape)
        self._remember(its, name, owed=False)

    def begin_to_update(self, number: int, shape: int, fate: str) -> None:
        serving = sorted(
            name
            for (kind, name), found in self.account.resources.items()
            if kind == "endpoint" and found.body["EndpointStatus"] == "InService"
        )
        if serving:
            name = serving[number % len(serving)]
            self._with(fate)
            self._touched("endpoint", name)
            self.world.begin_to_update(name, shape)
            self._remember("endpoint", name, owed=False)

    def finish(self, number: int, well: bool, fate: str) -> None:
        if coming := sorted(self.world.coming):
            ref = coming[number % len(coming)]
            self._with(fate)
            self.settled.pop(ref, None)
            self.world.finish(*ref, well=well)

    def fail_for_good(self, number: int, fate: str) -> None:
        """A resource in service fails, as one that cannot be scaled does (DescribeEndpoint, EndpointStatus)."""
        ref = self._one(number)
        if ref and ref[0] in SERVING_KINDS and ref not in self.world.coming:
            self._with(fate)
            self._remember(*ref)
            self.world._set(self.account.resources[ref], "Failed")
            self.world._told(*ref, 1)

    def guard(self, number: int, alarm: int, fate: str) -> None:
        ref, ours = self._one(number), sorted(self.account.alarms.keys() - self.people.foreign.keys())
        if ref and ours and ref[0] in SERVING_KINDS and ref not in self.world.coming:
            self._with(fate)
            self.settled.pop(ref, None)
            self.world.guard(*ref, [ours[alarm % len(ours)]])
            self.people.guarding.add(ours[alarm % len(ours)])

    def publish_late(self, number: int) -> None:
        if ref := self._one(number):
            self.settled.pop(ref, None)
            self.world.publish_late(*ref)

    def hide(self, number: int, models: bool) -> None:
        there = sorted(name for kind, name in self.account.resources if kind == "endpoint")
        if there:
            name = there[number % len(there)]
            if not is_partly_known(self.account, "endpoint", name):
                self.people.owed -= self.people.kept.pop(("endpoint", name), {}).keys()
            (self.world.hide_models if models else self.world.hide_config)(name)
            if is_partly_known(self.account, "endpoint", name):
                self._remember("endpoint", name)

    def _remember(self, kind: str, name: str, *, owed: bool = True) -> None:
        """Keep in mind what a resource has now that something about it becomes unknown."""
        its = (
            each
            for each in self.account.alarms.keys() - self.people.foreign
            if each.startswith(f"sagewatch/{kind}/{name}/")
        )
        kept = self.people.kept.setdefault((kind, name), {})
        kept.update({each: plain(self.account.alarms[each]) for each in its})
        self.people.owed -= kept.keys()
        if owed:
            self.people.owed |= kept.keys() & self.account.alarms.keys()

    # ------------------------------------------------------------------------------------------------ time
    def deliver(self, batches: int, seed: int, dies: int) -> None:
        choose = random.Random(seed)
        for _ in range(batches):
            self.stack.deliver(choose, self.workers, dies if self.fails and dies <= 20 else None)

    def let_the_late_arrive(self, seed: int) -> None:
        random.Random(seed).shuffle(self.late)
        for event in self.late:
            self.stack.event(event)
        self.late = []

    def sweep(self, dies: int) -> None:
        self.account.clock.advance(60)
        self.stack.sweep("light", dies if self.fails else None)

    # ------------------------------------------------------------------------------------------------ disturbances
    def fail(self, which: tuple[str, str], times: int) -> None:
        operation, what = which
        snapshot = dict(self.account.resources) if what == "stale" else None
        self.account.longest_page = 2 if what == "page-two" else 10_000
        self.account.faults.append(Fault(operation, what, times=times, snapshot=snapshot))

    def look(self, number: int) -> None:
        """Ask for a look at a resource, and work on it while calls fail."""
        if ref := self._one(number):
            self.stack.name(*ref)
            self.stack.deliver()

    def edit(self, number: int, how: str) -> None:
        ours = sorted(self.account.alarms.keys() - self.people.foreign.keys())
        if not ours:
            return
        name = ours[number % len(ours)]
        if how == "delete":
            self.account._DeleteAlarms([name])
            self.people.owed.discard(name)
            self.people.guarding.discard(name)
            for kept in self.people.kept.values():
                kept.pop(name, None)
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
        # An edit of what cannot be decided stays: nobody knows what it should say.
        for kept in self.people.kept.values():
            kept.update({name: plain(alarm)} if name in kept else {})

    def make_a_foreign_alarm(self, number: int) -> None:
        """Somebody makes an alarm of their own under our prefix, also under a name that a row of ours gives."""
        if ref := self._one(number):
            row = ("by-hand", "latency-p99", "memory")[number % 3]
            name = f"sagewatch/{ref[0]}/{ref[1]}/AllTraffic/{row}"
            if name not in self.account.alarms:
                self._write({"AlarmName": name, **_BY_HAND})
                self.people.foreign[name] = self.account.alarms[name]

    def delete_a_foreign_alarm(self, number: int) -> None:
        """Its maker deletes it, unheard every other time."""
        if there := sorted(self.people.foreign):
            name = there[number % len(there)]
            del self.people.foreign[name]
            self.settled = {ref: names - {name} for ref, names in self.settled.items()}
            if number % 2:
                self.account._DeleteAlarms([name])
            else:
                del self.account.alarms[name]

    def _write(self, alarm: dict[str, Any]) -> None:
        state = {"StateValue", "StateUpdatedTimestamp", "AlarmArn", "AlarmConfigurationUpdatedTimestamp"}
        answer = self.account._PutMetricAlarm(**{key: value for key, value in alarm.items() if key not in state})
        assert not answer, answer

    def push_a_policy(self, number: int) -> None:
        self.settled = {}
        self.people.owed = set()
        self.account.parameters[self.stack.policy_parameter].append(self.documents[number % len(self.documents)])
        self.stack.event(
            {
                "source": "aws.ssm",
                "detail-type": "Parameter Store Change",
                "detail": {"name": self.stack.policy_parameter, "operation": "Update"},
            }
        )

    # ------------------------------------------------------------------------------------------------ what must hold
    def no_resource_that_nobody_touched_lost_an_alarm(self) -> None:
        for ref, names in self.settled.items():
            lost = names - self.account.alarms.keys()
            assert not lost, f"{ref} lived, nobody touched it, and it lost {sorted(lost)}"

    def no_function_failed_for_a_reason_that_nobody_thought_of(self) -> None:
        """Whatever AWS answers, a function raises errors of its own kind; Lambda tries the sweep again then."""
        for each in self.stack.invocations[self.judged :]:
            assert each.raised is None or isinstance(each.raised, SagewatchError), f"{each.function}: {each.raised!r}"
            assert not each.unexpected, f"{each.function}: {each.unexpected}"
        self.judged = len(self.stack.invocations)

    def _heal(self) -> None:
        self.account.longest_page = 10_000
        self.account.faults = [Fault("PutMetricAlarm", "refused", self.refused)] if self.refused else []

    def rest(self) -> None:
        """Heal all faults, drain the queues, sweep once and drain them again."""
        self._heal()
        self.stack.drain()
        for _ in range(self.sweeps):
            self.account.clock.advance(16 * 60)
            swept = self.stack.sweep(self.mode)
            assert swept.raised is None, f"a sweep without any fault raised {swept.raised!r}"
            self.stack.drain()

    def come_to_rest(self) -> None:
        self.rest()
        budget = any("budget" in each for each in self.documents)
        wrong = list(differences(self.world, self.people, refused=self.refused, budget=budget))
        assert not wrong, "\n".join(wrong)
        before = len(self.account.calls)
        self.stack.sweep("full")
        self.stack.drain()
        made = self.account.calls[before:]
        writes = [(call, asked) for call, asked in made if call in {"PutMetricAlarm", "DeleteAlarms"}]
        again = [each for each in writes if not self.refused or self.refused not in each[1].get("AlarmName", "")]
        assert not again, f"a second sweep of an account at rest wrote: {again}"
        self.settled = {
            (kind, name): {a for a in self.account.alarms if a.startswith(f"sagewatch/{kind}/{name}/")}
            for (kind, name), found in self.account.resources.items()
            if found.body[APIS[kind].status] != "Deleting"
            and found.body[APIS[kind].status] not in {"Completed", "COMPLETED"}
        }

    # ------------------------------------------------------------------------------------------------ seeds
    @classmethod
    def draw(cls, seed: int) -> list[Step]:
        """Return the steps of a seed: two resources that are watched, then anything; it ends at rest."""
        choose = random.Random(f"{cls.__name__} {seed}")
        names, weights = zip(
            *((name, weight) for name, weight, needs in _STEPS if not needs or getattr(cls, needs)), strict=True
        )
        begun = ["make", "make", "deliver", *(["come_to_rest"] if choose.random() < 0.5 else [])]
        drawn = choose.choices(names, weights, k=choose.randint(3, 20))
        # What is hidden shows when somebody looks before the next deployment.
        looked = (each for name in drawn for each in ((name, "come_to_rest") if name == "hide" else (name,)))
        drawn = [*begun, *looked]
        return [(name, cls._drawn(name, choose)) for name in drawn] + [("come_to_rest", {})]

    @classmethod
    def _drawn(cls, step: str, choose: random.Random) -> dict[str, Any]:
        n, seed, fate = choose.randrange(200), choose.randrange(2**16), choose.choice(FATES)
        match step:
            case "make":
                return {"kind": n % 30, "name": choose.choice(NAMES), "shape": choose.choice(cls.shapes), "fate": fate}
            case "change":
                return {"number": n, "shape": choose.choice(cls.shapes), "fate": fate}
            case "delete":
                return {"number": n, "fate": fate}
            case "tag":
                return {"number": n, "tags": choose.choice(TAGS), "fate": fate}
            case "hide":
                return {"number": n, "models": choose.random() < 0.5}
            case "deliver":
                return {"batches": choose.randint(1, 4), "seed": seed, "dies": choose.randint(1, 60)}
            case "let_the_late_arrive":
                return {"seed": seed}
            case "fail":
                return {"which": choose.choice(FAULTS), "times": choose.randint(1, 6)}
            case "edit":
                return {"number": n, "how": choose.choice(EDITS)}
            case "begin_to_make":
                name, shape = choose.choice(NAMES), choose.choice(cls.shapes)
                return {"name": name, "shape": shape, "component": choose.random() < 0.3, "fate": fate}
            case "begin_to_update":
                return {"number": n, "shape": choose.choice(cls.shapes), "fate": fate}
            case "finish":
                return {"number": n, "well": choose.random() < 0.7, "fate": fate}
            case "fail_for_good":
                return {"number": n, "fate": fate}
            case "guard":
                return {"number": n, "alarm": seed, "fate": fate}
            case "sweep":
                return {"dies": choose.randint(1, 60)}
            case "come_to_rest":
                return {}
        return {"number": n}

    @classmethod
    def play(cls, steps: list[Step]) -> str | None:
        """Play the steps in an account of their own; return what does not hold, None when all does."""
        history = cls()
        for number, (step, arguments) in enumerate(steps):
            try:
                getattr(history, step)(**arguments)
                history.no_resource_that_nobody_touched_lost_an_alarm()
                history.no_function_failed_for_a_reason_that_nobody_thought_of()
            except AssertionError as wrong:
                return f"{wrong}\n(at step {number}, {step})"
        return None

    @classmethod
    def shrunk(cls, steps: list[Step]) -> list[Step]:
        """Leave out of steps that fail whatever they fail without."""
        size = len(steps) // 2
        while size:
            at = 0
            while at < len(steps):
                fewer = steps[:at] + steps[at + size :]
                if fewer and cls.play(fewer):
                    steps = fewer
                else:
                    at += size
            size //= 2
        return steps


type Step = tuple[str, dict[str, Any]]
_STEPS = (
    ("make", 4, ""),
    ("change", 4, ""),
    ("delete", 3, ""),
    ("begin_to_delete", 1, ""),
    ("tag", 2, ""),
    ("deliver", 6, ""),
    ("let_the_late_arrive", 1, ""),
    ("sweep", 1, ""),
    ("come_to_rest", 1, ""),
    ("hide", 4, "hides"),
    ("begin_to_make", 4, "deploys"),
    ("begin_to_update", 4, "deploys"),
    ("finish", 6, "deploys"),
    ("fail_for_good", 1, "deploys"),
    ("guard", 4, "guards"),
    ("publish_late", 4, "lists_late"),
    ("fail", 6, "fails"),
    ("look", 4, "fails"),
    ("edit", 5, "edits"),
    ("make_a_foreign_alarm", 2, "edits"),
    ("delete_a_foreign_alarm", 2, "edits"),
    ("push_a_policy", 3, "documents"),
)
"""The steps, how often, and what a history must have for it."""


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


class Events(History):
    """Events are lost, doubled, late and out of order; the full sweep makes it right."""


class EventsLight(History):
    """The same; the light sweep alone must make it right."""

    mode = "light"


class Hidden(History):
    """Configurations and models are deleted under living endpoints."""

    hides = True
    kinds = ("endpoint", "inference-component")
    shapes = (2, 3, 4, 7, 8, 10, 11, 12)  # what a configuration or a model says most about


class Deploying(History):
    """Endpoints and components are being made and updated for some time, and may fail; configurations are deleted."""

    deploys = hides = True
    kinds = ("endpoint", "inference-component")


class DeployingLight(Deploying):
    """The same; the light sweep alone must make it right."""

    mode = "light"


class Guarded(History):
    """Deployments are rolled back by alarms of the same resource, of others, and of those that go."""

    guards = True
    kinds = ("endpoint", "inference-component")


class ListedLate(History):
    """CloudWatch lists metrics after their resource began; the full sweep makes it right."""

    lists_late = True


class ListedLateLight(ListedLate):
    """The same for hosts, features and operations; the light sweep alone must make it right.

    Which of two namespaces a pipeline has, the pools of an endpoint and the workers of a labeling job are read when
    the resource is looked at; no list of alarms shows that they lack anything.
    """

    mode = "light"
    kinds = ("transform-job", "monitoring-schedule", "feature-group", "recommender-job")


class Failing(History):
    """Calls fail and workers die at any call."""

    fails = True


class TwoWorkers(History):
    """Two workers at once, interleaved call by call."""

    workers = 2
    fails = True
    kinds = ("endpoint", "pipeline", "inference-component")


class Edited(History):
    """People edit, annotate, disable and delete alarms."""

    edits = True


class EditedLight(Edited):
    """The same; the light sweep alone must make it right."""

    mode = "light"


class Policies(History):
    """The policy and its windows change."""

    documents = POLICIES


class Budgets(History):
    """The budget changes; a second sweep counts what the first one brought."""

    documents = BUDGETS
    sweeps = 2
    kinds = ("endpoint", "training-job", "pipeline")


class Refused(History):
    """CloudWatch refuses one alarm of each resource for ever."""

    refused = "/errors-4xx"
    kinds = ("endpoint", "inference-component", "feature-group")


class Everything(History):
    """All of it, but for the budget."""

    fails = hides = edits = deploys = lists_late = True
    workers = 2
    documents = POLICIES


ALL = (
    Events,
    EventsLight,
    Hidden,
    Deploying,
    DeployingLight,
    Guarded,
    ListedLate,
    ListedLateLight,
    Failing,
    TwoWorkers,
    Edited,
    EditedLight,
    Policies,
    Budgets,
    Refused,
    Everything,
)
