"""CloudWatch's alarm mute rules, which moto lacks: what they accept, how they are described, which alarms they mute.

CloudWatch API Reference: PutAlarmMuteRule, GetAlarmMuteRule, ListAlarmMuteRules, DeleteAlarmMuteRule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from moto.cloudwatch.models import CloudWatchBackend, cloudwatch_backends

from sagewatch_cli.local.machine.environment import ACCOUNT, REGION

type MuteRuleStatus = Literal["SCHEDULED", "ACTIVE", "EXPIRED"]

MOST_NAMES = 100
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=15)
MINUTE = timedelta(minutes=1)

_DURATION = re.compile(r"P(?=.)((?P<days>\d+)D)?(T(?=.)((?P<hours>\d+)H)?((?P<minutes>\d+)M)?)?")
_AT = re.compile(r"at\((?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d)\)")
_CRON = re.compile(r"cron\((?P<fields>[^()]*)\)")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS: tuple[tuple[int, int, Mapping[str, int]], ...] = (
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, {name: n for n, name in enumerate(_MONTHS, start=1)}),
    (0, 6, {name: n for n, name in enumerate(_DAYS)}),
)
"""First, last and names of minutes, hours, days of the month, months, days of the week."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMuteRule:
    """One rule, as it was put."""

    request: Mapping[str, Any]
    updated: datetime

    @property
    def name(self) -> str:
        return str(self.request["Name"])

    @property
    def arn(self) -> str:
        return f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm-mute-rule:{self.name}"

    @property
    def alarms(self) -> tuple[str, ...]:
        return tuple(self.request.get("MuteTargets", {}).get("AlarmNames", ()))

    def window(self, now: datetime) -> tuple[datetime, datetime] | None:
        """Return when the muting that goes on now began and when it ends, None when nothing is muted."""
        starts, expires = in_utc(self.request.get("StartDate")), in_utc(self.request.get("ExpireDate"))
        if (starts and now < starts) or (expires and now >= expires):
            return None
        schedule = self.request["Rule"]["Schedule"]
        length, zone = duration(schedule["Duration"]), ZoneInfo(schedule.get("Timezone", "UTC"))
        minute = now.astimezone(UTC).replace(second=0, microsecond=0)
        while minute + length > now:
            if _begins(schedule["Expression"], minute.astimezone(zone)):
                return minute, minute + length
            minute -= MINUTE
        return None

    def status(self, now: datetime) -> MuteRuleStatus:
        """Return its status at that time."""
        expires = in_utc(self.request.get("ExpireDate"))
        if expires and now >= expires:
            return "EXPIRED"
        return "ACTIVE" if self.window(now) else "SCHEDULED"

    def summary(self, now: datetime) -> dict[str, Any]:
        """Return it as ListAlarmMuteRules does."""
        once = self.request["Rule"]["Schedule"]["Expression"].startswith("at(")
        expires = self.request.get("ExpireDate")
        return {
            "AlarmMuteRuleArn": self.arn,
            "Status": self.status(now),
            "MuteType": "ONE_TIME" if once else "RECURRING",
            "LastUpdatedTimestamp": self.updated,
            **({"ExpireDate": expires} if expires else {}),
        }

    def described(self, now: datetime) -> dict[str, Any]:
        """Return it as GetAlarmMuteRule does."""
        said = {name: value for name, value in self.request.items() if name != "Tags"}
        return {**self.summary(now), **said}


def rules_of(backend: CloudWatchBackend) -> dict[str, StoredMuteRule]:
    """Return a backend's rules by name; they go when it is reset."""
    found: dict[str, StoredMuteRule] = vars(backend).setdefault("mute_rules", {})
    return found


def muting(alarm: str, now: datetime) -> tuple[StoredMuteRule, datetime, datetime] | None:
    """Return the rule that mutes an alarm now, with the beginning and the end of that, None when there is none."""
    for rule in rules_of(cloudwatch_backends[ACCOUNT][REGION]).values():
        if alarm in rule.alarms and (window := rule.window(now)):
            return rule, *window
    return None


def faults(request: Mapping[str, Any], alarms: Mapping[str, Any]) -> Iterator[str]:
    """Yield what AWS would refuse in a PutAlarmMuteRule request."""
    schedule, names = request["Rule"]["Schedule"], request.get("MuteTargets", {}).get("AlarmNames", ())
    if not 1 <= len(request["Name"]) <= 255:
        yield "Name must have 1 to 255 characters."
    if len(request.get("Description") or "") > 1024:
        yield "Description must have at most 1024 characters."
    if len(names) > MOST_NAMES:
        yield f"{len(names)} alarm names, of which 100 are allowed."
    if strangers := sorted(set(names) - alarms.keys()):
        yield f"AlarmNames must match existing alarms: {strangers[0]}."
    if not _is_duration(schedule["Duration"]):
        yield f"Duration must be an ISO 8601 duration of PT1M to P15D: {schedule['Duration']}."
    if not _is_expression(schedule["Expression"]):
        yield f"Expression must be cron(five fields) or at(yyyy-MM-ddThh:mm): {schedule['Expression']}."
    if not _is_zone(schedule.get("Timezone", "UTC")):
        yield f"Timezone must be a time zone identifier: {schedule['Timezone']}."


def duration(text: str) -> timedelta:
    """Read an ISO 8601 duration of days, hours and minutes; ValueError when it is none."""
    found = _DURATION.fullmatch(text)
    if not found:
        raise ValueError(text)
    return timedelta(**{unit: int(number or 0) for unit, number in found.groupdict().items()})


def _is_duration(text: str) -> bool:
    try:
        return SHORTEST <= duration(text) <= LONGEST
    except ValueError:
        return False


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return True


def _is_expression(text: str) -> bool:
    try:
        _begins(text, datetime.now(UTC))
    except ValueError:
        return False
    return True


def _begins(expression: str, local: datetime) -> bool:
    """Tell whether a window begins at a minute, by the clock of its time zone; ValueError for what is no expression."""
    if once := _AT.fullmatch(expression):
        return datetime.fromisoformat(once["time"]) == local.replace(tzinfo=None, second=0, microsecond=0)
    cron = _CRON.fullmatch(expression)
    fields = cron["fields"].split() if cron else []
    if len(fields) != len(_FIELDS):
        raise ValueError(expression)
    now = local.minute, local.hour, local.day, local.month, local.isoweekday() % 7
    sets = [_cron_numbers(field, *limits) for field, limits in zip(fields, _FIELDS, strict=True)]
    return all(value in numbers for value, numbers in zip(now, sets, strict=True))


def _cron_numbers(field: str, first: int, last: int, named: Mapping[str, int]) -> set[int]:
    """Return the numbers that a field of a cron expression stands for: `*`, `3`, `1-5`, `SUN,TUE`."""
    found: set[int] = set()
    for part in field.split(","):
        if part == "*":
            found |= {*range(first, last + 1)}
            continue
        low, _, high = part.partition("-")
        ends = [named[each] if each in named else int(each) for each in (low, high or low)]
        if not first <= ends[0] <= ends[1] <= last:
            raise ValueError(field)
        found |= {*range(ends[0], ends[1] + 1)}
    return found


def in_utc(time: datetime | None) -> datetime | None:
    """Return a time with its zone, which is UTC where a request did not say."""
    return time.replace(tzinfo=UTC) if time and time.tzinfo is None else time
