"""Histories: what happens in a world, minute by minute, as plain data that hypothesis makes up and makes smaller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from hypothesis import strategies as st

from tests.model_telling.cloud import ACCOUNT, REGION, SEVERITIES
from tests.model_telling.world import EVERY_RECEIVER, FRAUD, TOPICS, World

type Step = tuple[Any, ...]
"""`(minutes that pass before it, what happens, with what …)`: `(3, "change", "churn", "memory", "lost")`."""

RESOURCES = ("churn", "ranker")
_GAPS = (0, 0, 1, 2, 4, 7, 12, 25, 45)
_EVENTS: tuple[str | int, ...] = (0, 0, 0, 0, 0, 0, "lost", "twice", 2, 10, 20)
_OUTSIDE = ("slack", "pagerduty", "webhook", "sns.Publish:alerts", "sns.Publish:amazon-q")
_INSIDE = ("dynamodb", "ssm", "cloudwatch.DescribeAlarms", "cloudwatch.PutAlarmMuteRule", "sqs", "sagemaker")
_HTTP = ("500", "429", "silence", "late", "refused", "closed")
_AWS = ("denied", "throttled", "timeout", "late")

_gap = st.sampled_from(_GAPS)
_resource = st.sampled_from(RESOURCES)
_change = st.tuples(
    _gap, st.just("change"), _resource, st.sampled_from(tuple(SEVERITIES)[:4]), st.sampled_from(_EVENTS)
)
_delete = st.tuples(
    _gap, st.just("delete"), _resource, st.sampled_from(tuple(SEVERITIES)[:4]), st.sampled_from(_EVENTS)
)
_window = st.tuples(_gap, st.just("window"), _resource, st.sampled_from((20, 60, 90)))
_click = st.tuples(_gap, st.just("click"), _resource, st.sampled_from(("ack", "snooze")))
_minutes = st.sampled_from((3, 20, 60, 150))
_broken_http = st.tuples(_gap, st.just("break"), st.sampled_from(_OUTSIDE[:3]), st.sampled_from(_HTTP), _minutes)
_broken_aws = st.tuples(
    _gap, st.just("break"), st.sampled_from(_OUTSIDE[3:] + _INSIDE), st.sampled_from(_AWS), _minutes
)
_once = st.tuples(_gap, st.just("once"), st.sampled_from(_OUTSIDE[:3]), st.sampled_from(_HTTP[:4]))
_crash = st.tuples(_gap, st.just("crash"), st.integers(1, 25), st.booleans())
_policy = st.tuples(_gap, st.just("policy"), st.sampled_from(("renamed", "broken", "moved")))

_rare = (_delete, _window, _click, _broken_http, _broken_aws, _once, _crash)
_steps = st.one_of(*[_change] * 12, *_rare * 2, _click, _policy)

histories = st.lists(_steps, min_size=2, max_size=12)
"""Any history of two to twelve steps."""


def made(seed: int) -> list[Step]:
    """Return the history of a seed; that of an odd one is wider, with all that there is."""
    return _wide(Random(seed)) if seed % 2 else _narrow(Random(seed))


def _wide(random: Random) -> list[Step]:
    """Return three to twelve steps with teams, failures, lulls, flapping, windows that are called off, any policy."""
    resources = RESOURCES[: random.choice((1, 1, 2))]
    alarms = random.sample(tuple(SEVERITIES)[:4], random.randint(1, 3))
    troubles = random.choice((0, 0.1, 0.3))

    def trouble(gap: int) -> Step:
        inside = random.random() < 0.4
        target = random.choice(_INSIDE + _OUTSIDE[3:] if inside else _OUTSIDE[:3])
        how = random.choice(_AWS if inside else _HTTP)
        once = how if how not in ("refused", "closed") else "500"
        broken = (gap, "break", target, how, random.choice((3, 20, 60, 150)))
        crash = (gap, "crash", random.randint(1, 25), random.random() < 0.5)
        return random.choice((broken, (gap, "once", target, once), crash))

    def step(number: int) -> Step:
        gap, resource = random.choice(_GAPS), random.choice(resources)
        alarm, event = random.choice(alarms), random.choice(_EVENTS)
        if random.random() < troubles:
            return trouble(gap)
        weighed: dict[Step, int] = {
            (gap, "change", resource, alarm, event): 40,
            (gap, "change", resource, alarm, event, "fraud"): 14,
            (gap, "lull", resource, alarm, event): 6,
            (gap, "delete", resource, alarm, event): 6,
            (gap, "window", resource, random.choice((20, 60, 90))): 6,
            (gap, "unmute"): 3,
            (gap, "click", resource, "ack"): 8,
            (gap, "click", resource, "snooze", random.choice((0, 1, 2))): 8,
            (gap, "policy", random.choice(tuple(_POLICIES))): 5,
            (gap, "again"): 4,
            (gap, "flap", resource, alarm, random.randint(3, 8), random.choice((2, 5, 12))): 5,
            (gap, "unconfirmed", random.random() < 0.5): 2,
            (gap, "fail", f"job-{number}", random.choice(("", "fraud")), event): 6,
        }
        return random.choices(tuple(weighed), tuple(weighed.values()))[0]

    first = (0, "policy", random.choice(tuple(_POLICIES)))
    return [first, *(step(number) for number in range(random.randint(3, 12)))]


def _narrow(random: Random) -> list[Step]:
    """Return three to fourteen steps about one or two resources."""
    resources, alarms = (
        RESOURCES[: random.choice((1, 1, 2))],
        random.sample(tuple(SEVERITIES)[:4], random.randint(1, 3)),
    )
    troubles = random.choice((0, 0.15, 0.4))

    def step() -> Step:
        gap, resource = random.choice(_GAPS), random.choice(resources)
        alarm, event = random.choice(alarms), random.choice(_EVENTS)
        if random.random() < troubles:
            inside = random.random() < 0.4
            target, how = random.choice(_INSIDE + _OUTSIDE[3:]) if inside else random.choice(_OUTSIDE[:3]), _HTTP
            minutes = random.choice((3, 20, 60, 150))
            return random.choice(
                (
                    (gap, "break", target, random.choice(_AWS if inside else how), minutes),
                    (gap, "once", target, random.choice(_AWS if inside else how[:4])),
                    (gap, "crash", random.randint(1, 25), random.random() < 0.5),
                )
            )
        return random.choices(
            (
                (gap, "change", resource, alarm, event),
                (gap, "delete", resource, alarm, event),
                (gap, "window", resource, random.choice((20, 60, 90))),
                (gap, "click", resource, random.choice(("ack", "snooze"))),
                (gap, "policy", random.choice(("renamed", "broken", "moved"))),
            ),
            (65, 6, 9, 16, 4),
        )[0]

    return [step() for _ in range(random.randint(3, 14))]


OUTAGES = EVERY_RECEIVER.rstrip() + "\n    group_from: 3\n"
"""Routes on which three incidents that open together are an outage already."""


def made_outage(seed: int) -> list[Step]:
    """Return the history of a seed in which several resources fire within a minute, and what became of them then."""
    random = Random(seed)
    resources = [f"fleet-{number}" for number in range(random.randint(3, 6))]
    alarms = random.sample(tuple(SEVERITIES)[:4], random.randint(1, 2))
    troubles = random.choice((0, 0.15, 0.4))

    def step() -> Step:
        gap, resource, alarm = random.choice(_GAPS[:7]), random.choice(resources), random.choice(alarms)
        if random.random() < troubles:
            inside = random.random() < 0.4
            target = random.choice(_INSIDE + _OUTSIDE[3:]) if inside else random.choice(_OUTSIDE[:3])
            hows = _AWS if inside else _HTTP
            return random.choice(
                (
                    (gap, "break", target, random.choice(hows), random.choice((3, 20, 60))),
                    (gap, "once", target, random.choice(hows[:4])),
                    (gap, "crash", random.randint(1, 60), random.random() < 0.5),
                )
            )
        return random.choices(
            (
                (gap, "change", resource, alarm, random.choice(_EVENTS)),
                (gap, "delete", resource, alarm, random.choice(_EVENTS)),
                (gap, "window", resource, random.choice((20, 60))),
                (gap, "click", resource, random.choice(("ack", "ack-one", "snooze"))),
            ),
            (65, 8, 4, 20),
        )[0]

    storm = [
        (
            random.choice((0, 0, 0, 0.1, 0.3)),
            "change",
            each,
            random.choice(alarms),
            random.choice((0, 0, 0, 0, "twice", 2)),
        )
        for each in random.sample(resources, random.randint(3, len(resources)))
    ]
    return [*storm, *(step() for _ in range(random.randint(2, 10)))]


def smaller(history: list[Step], fails: Callable[[list[Step]], bool]) -> list[Step]:
    """Return a part of a history that still fails, from which no step can be left out."""
    place = 0
    while place < len(history):
        shorter = history[:place] + history[place + 1 :]
        if fails(shorter):
            history = shorter
        else:
            place += 1
    return history


def play(world: World, history: list[Step]) -> None:
    """Have all of it happen, and everything healed and at rest after it."""
    mended: list[tuple[float, str]] = []
    for gap, what, *how in history:
        end = world.minute + gap
        for minute, target in sorted(each for each in mended if each[0] <= end):
            world.until(minute)
            world.mends(target)
        mended = [each for each in mended if each[0] > end]
        world.until(max(end, world.minute))
        _DOES[what](world, mended, *how)
    # What happened last is heard of before everything heals.
    world.passes(2)
    world.rests()


def _changes(world: World, _: list[Any], resource: str, alarm: str, event: str | int = 0, team: str = "") -> None:
    known = next((a for a in world.cloud.alarms.values() if (a.resource, a.id) == (resource, alarm)), None)
    world.goes("OK" if known and known.state == "ALARM" else "ALARM", alarm, resource, event=event, team=team)


def _lulls(world: World, _: list[Any], resource: str, alarm: str, event: str | int) -> None:
    world.goes("INSUFFICIENT_DATA", alarm, resource, event=event)


def _flaps(world: World, mended: list[Any], resource: str, alarm: str, times: int, gap: int) -> None:
    for _ in range(times):
        _changes(world, mended, resource, alarm)
        world.passes(gap)


def _repeats(world: World, _: list[Any]) -> None:
    if world.last_event:
        world.sends(world.last_event)


def _calls_off(world: World, _: list[Any]) -> None:
    world.calls_off_windows()


def _confirms(world: World, _: list[Any], nobody: bool) -> None:
    world.cloud.unconfirmed = {"alerts"} if nobody else set()


def _fails(world: World, _: list[Any], name: str, team: str, event: str | int) -> None:
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/{name}"
    if team:
        world.cloud.tags[arn] = {"team": team}
    if event != "lost":  # nothing looks for a failure of which there is no event
        world.failed[name] = team
        world.fails(name, TrainingJobName=name, TrainingJobArn=arn, Tags={}, event=event)


def _deletes(world: World, _: list[Any], resource: str, alarm: str, event: str | int) -> None:
    world.deletes(alarm, resource, event=event)


def _windows(world: World, _: list[Any], resource: str, minutes: int) -> None:
    world.window(minutes, resource, name=f"load-{len(world.mutes)}")


def _clicks(world: World, _: list[Any], resource: str, what: str, option: int = 0) -> None:
    world.clicks(what, resource, option=option)


def _breaks(world: World, mended: list[Any], target: str, how: str, minutes: int) -> None:
    world.breaks(target, how)
    mended.append((world.minute + minutes, target))


def _once_broken(world: World, _: list[Any], target: str, how: str) -> None:
    world.breaks(target, how, 1)


def _crashes(world: World, _: list[Any], calls: int, after: bool) -> None:
    world.crash_at, world.crash_after = world.calls + calls, after


_POLICIES: Mapping[str, Callable[[str], str]] = {
    "renamed": lambda routes: routes.replace("name: everyone", "name: all-of-us"),
    "moved": lambda routes: routes.replace("C0ALL", "C0MOVED"),
    "fraud": lambda routes: FRAUD + routes,
    "team": lambda routes: FRAUD.replace("C0FRAUD", "C0TEAM") + routes,
    "fraudsters": lambda routes: FRAUD.replace("name: fraud", "name: fraudsters") + routes,
    "nagging": lambda routes: (
        f'''{routes}    remind: [15min, 1h]
    mention: {{critical: "<!here>"}}
    escalate: "{TOPICS}on-call"
'''
    ),
    "nothing": lambda _: "",
}


def _changes_policy(world: World, _: list[Any], how: str) -> None:
    world.policies_changed = world.policies_changed or world.minute > 0
    if how == "broken":
        world.cloud.texts["/policy"].append("routes: [nonsense")
    else:
        world.policy(_POLICIES[how](OUTAGES if "group_from" in world.routes else EVERY_RECEIVER))


_DOES = {
    "change": _changes,
    "delete": _deletes,
    "window": _windows,
    "click": _clicks,
    "break": _breaks,
    "once": _once_broken,
    "crash": _crashes,
    "policy": _changes_policy,
    "lull": _lulls,
    "flap": _flaps,
    "again": _repeats,
    "unmute": _calls_off,
    "unconfirmed": _confirms,
    "fail": _fails,
}
