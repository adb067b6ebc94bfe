"""One channel in which messages can be edited, and every order in which the world may tell of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sagewatch.errors import Stale
from sagewatch.model import Incident, Labels, Notice, Place, Ref, State, ThreadLine
from sagewatch.receivers.receiver import Capabilities
from sagewatch.tell.delivery.deliver import Delivery
from sagewatch.tell.delivery.difference import Sent, of_stored, to_stored
from sagewatch.tell.incident.group import incidents

MORNING = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
EVENING = MORNING + timedelta(hours=12)
SUBJECT = Ref("endpoint", "churn")


class Crashed(Exception):
    """The function was killed."""


@dataclass(slots=True)
class Channel:
    """A channel as people see it: root messages by where they are, and the lines in their threads.

    The function is killed right after the message number `crash_at` was taken. Root messages that do not show
    all need no edit.
    """

    capabilities: Capabilities = Capabilities(editable=True)  # noqa: RUF009 - it is frozen
    roots: dict[int, object] = field(default_factory=dict)
    threads: dict[int, dict[int, str]] = field(default_factory=dict)
    taken: int = 0
    crash_at: int = -1
    shows_all: bool = True

    def _next(self) -> int:
        self.taken += 1
        return self.taken

    def _crash(self) -> None:
        if self.taken == self.crash_at:
            raise Crashed

    def fingerprint(self, incident: Incident, now: datetime) -> str:
        if not self.shows_all:
            return "an incident"
        return repr(
            (incident.status, incident.severity, [(p.last.key, p.flapping) for p in incident.parts], incident.reopened)
        )

    def open(self, incident: Incident, now: datetime, previous: Mapping[str, Any]) -> Mapping[str, Any]:
        where = self._next()
        self.roots[where], self.threads[where] = self.fingerprint(incident, now), {}
        self._crash()
        return {"where": where}

    def edit(
        self, root: Mapping[str, Any], incident: Incident, now: datetime, previous: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        if root["where"] not in self.roots:
            raise Stale("gone")
        self._next()
        self.roots[root["where"]] = self.fingerprint(incident, now)
        self._crash()
        return root

    def add(self, root: Mapping[str, Any], incident: Incident, line: ThreadLine) -> Mapping[str, Any]:
        if root["where"] not in self.roots:
            raise Stale("gone")
        where = self._next()
        self.threads[root["where"]][where] = line.key
        self._crash()
        return {"where": where, "root": root["where"]}

    def withdraw(self, where: Mapping[str, Any]) -> None:
        self._next()
        if "root" in where:
            self.threads.get(where["root"], {}).pop(where["where"], None)
        else:
            self.roots.pop(where["where"], None)
            self.threads.pop(where["where"], None)
        self._crash()

    def seen(self) -> list[tuple[str, list[str]]]:
        """Return what people see, but for the order of the lines, which is that of arrival."""
        return sorted((repr(root), sorted(self.threads[where].values())) for where, root in self.roots.items())


@dataclass(slots=True)
class Teller:
    """What remembers and delivers, as `deliver` does with a table."""

    channel: Channel
    notices: dict[str, Notice] = field(default_factory=dict)
    remembered: dict[str, Any] = field(default_factory=dict)

    def tell(self, *notices: Notice, now: datetime = EVENING) -> None:
        for notice in notices:
            self.notices.setdefault(notice.key, notice)
        sent, since = of_stored(self.remembered, (notice.at for notice in notices), now)

        def remember(said: Mapping[str, Sent]) -> None:
            self.remembered = to_stored(said, since)

        delivery = Delivery(
            receiver=self.channel,
            sent=sent,
            since=since,
            fresh=frozenset(notice.key for notice in notices),
            remind=(),
            now=now,
            store=remember,
        )
        delivery.catch_up(incidents("oncall", self.notices.values(), {}, now))


def notice(part: str, state: State, minute: int, severity: str = "critical") -> Notice:
    labels = Labels({"severity": severity, "kind": "endpoint", "resource": "churn", "scope": "all", "alarm": part})
    return Notice(
        key=f"{part}/{state}/{minute}",
        state=state,
        labels=labels,
        place=Place("aws", "eu-west-1", "123456789012"),
        at=MORNING + timedelta(minutes=minute),
        title=part,
        subject=SUBJECT,
        part=part if state not in ("acked", "snoozed") else "",
        by="U0ANA",
    )


states = st.sampled_from(["firing", "firing", "cleared", "cleared", "failed", "closed", "acked"])
histories = st.lists(
    st.builds(notice, st.sampled_from(["cpu", "latency", "errors"]), states, st.integers(0, 300)),
    min_size=1,
    max_size=9,
    unique_by=lambda each: each.at,
)


def told_in_order(history: Sequence[Notice]) -> Channel:
    teller = Teller(Channel())
    for each in sorted(history, key=lambda each: each.at):
        teller.tell(each)
    return teller.channel


@settings(max_examples=400)
@given(histories, st.data())
def test_every_order_and_repetition_ends_in_the_same_conversation(history: list[Notice], data: st.DataObject) -> None:
    arrived = data.draw(st.permutations([*history, *data.draw(st.lists(st.sampled_from(history), max_size=4))]))
    teller = Teller(Channel())

    for each in arrived:
        teller.tell(each)

    assert teller.channel.seen() == told_in_order(history).seen()


@settings(max_examples=300)
@given(histories, st.integers(1, 25))
def test_a_crash_after_any_message_repeats_one_at_most_and_loses_none(history: list[Notice], crash_at: int) -> None:
    channel = Channel(crash_at=crash_at)
    teller = Teller(channel)

    for each in sorted(history, key=lambda each: each.at):
        try:
            teller.tell(each)
        except Crashed:
            teller.tell(each)

    whole = told_in_order(history)
    assert channel.taken - whole.taken in (0, 1)
    seen, missing = channel.seen(), whole.seen()
    wanted, shown = ({key for _, lines in each for key in lines} for each in (missing, seen))
    assert {root for root, _ in missing} <= {root for root, _ in seen}
    # Where a line is that was sent before the crash nobody knows: should it have to go later, it stays.
    assert wanted <= shown
    assert len(shown - wanted) <= 1


def test_who_joins_a_route_is_not_told_its_past() -> None:
    old = [notice("cpu", "firing", 0), notice("cpu", "cleared", 5)]
    teller = Teller(Channel(), notices={each.key: each for each in old})

    teller.tell(notice("latency", "firing", 200))

    assert len(teller.channel.roots) == 1


def test_messages_come_before_the_lines_of_threads() -> None:
    history = (notice("cpu", "firing", 0), notice("disk", "firing", 3), notice("cpu", "cleared", 5))
    teller = Teller(Channel())

    teller.tell(*history, notice("disk", "cleared", 6), notice("errors", "firing", 200))

    assert sorted(teller.channel.roots) == [1, 2]
    assert sum(map(len, teller.channel.threads.values())) > 2


def test_a_message_that_somebody_deleted_is_posted_anew() -> None:
    teller = Teller(Channel())
    teller.tell(notice("cpu", "firing", 0))
    teller.channel.roots.clear()

    teller.tell(notice("cpu", "cleared", 5))

    assert len(teller.channel.roots) == 1


def test_a_line_below_a_message_that_somebody_deleted_brings_it_back() -> None:
    teller = Teller(Channel(shows_all=False))
    teller.tell(notice("cpu", "firing", 0))
    teller.tell(notice("latency", "firing", 1))
    teller.channel.roots.clear()

    teller.tell(notice("errors", "firing", 2))

    assert [len(teller.channel.threads[where]) for where in teller.channel.roots] == [1]


def test_incidents_that_turn_out_to_be_one_are_one_message_in_the_end() -> None:
    teller = Teller(Channel())
    teller.tell(notice("cpu", "firing", 0))
    teller.tell(notice("cpu", "cleared", 1))
    teller.tell(notice("cpu", "firing", 60))
    before = len(teller.channel.roots)

    teller.tell(notice("errors", "firing", 20))

    assert (before, len(teller.channel.roots)) == (2, 1)


def test_incidents_that_an_end_cuts_off_another_are_told_by_themselves() -> None:
    history = [notice("cpu", "firing", 0), notice("cpu", "cleared", 34), notice("cpu", "firing", 33)]
    teller = Teller(Channel())
    for each in history:
        teller.tell(each)

    teller.tell(notice("cpu", "cleared", 2))

    assert len(teller.channel.roots) == 2


def test_where_nothing_can_be_edited_each_change_is_told_once() -> None:
    channel = Channel(capabilities=Capabilities(editable=False, abouts=frozenset({"resolved", "joined"})))
    teller = Teller(channel)

    for each in (
        notice("cpu", "firing", 0),
        notice("cpu", "firing", 0),
        notice("latency", "firing", 1),
        notice("cpu", "cleared", 2),
        notice("latency", "cleared", 3),
    ):
        teller.tell(each)

    [thread] = channel.threads.values()
    assert (channel.taken, len(thread)) == (3, 2)


def test_an_incident_that_has_a_picture_can_turn_out_to_be_part_of_another() -> None:
    teller = Teller(Channel())
    for each in (notice("cpu", "firing", 0), notice("cpu", "cleared", 1), notice("cpu", "firing", 60)):
        teller.tell(each)
    for said in teller.remembered["said"].values():
        said["lines"]["picture/of-the-alarm"] = {}

    teller.tell(notice("errors", "firing", 20))

    assert len(teller.channel.roots) == 1
