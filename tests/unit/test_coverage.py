"""Coverage: what counts as watched, what is wrong with alarms, and how it is printed and drawn."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from rich.console import Console

from sagewatch.fleet.costs import prices
from sagewatch.fleet.summaries import AlarmSummary, summary_of
from sagewatch.fleet.suspects import suspects
from sagewatch.kinds.endpoint.observe import ENDPOINT
from sagewatch.kinds.monitoring_schedule import MONITORING_SCHEDULE
from sagewatch.kinds.registry import kind
from sagewatch.model import Described, Facts, Gap, Observed, Plan, Ref, Scope, canonical
from sagewatch.policy.rules import AlarmRule, Ignored, Policy, PolicyInForce
from sagewatch.watch.diff import diff
from sagewatch.watch.rows import rows_there
from sagewatch_cli.account.alarms import PresentAlarm, series
from sagewatch_cli.account.coverage import (
    Coverage,
    CoverageReadings,
    UnwatchedReason,
    UnwatchedResource,
    count_coverage,
    matrix,
    unwatched,
)
from sagewatch_cli.account.coverage_page import SYMBOLS, page
from sagewatch_cli.commands.coverage import as_data, show
from tests import fleets, resources
from tests.fleets import LONG_AGO, NOW, where
from tests.snapshots import snapshot

CHURN = Ref("endpoint", "churn")
PRICES = prices("us-east-1")


def covered(*alarms: PresentAlarm, living: tuple[Ref, ...] = (CHURN,), **more: Any) -> Coverage:
    """The coverage of an account with these alarms of churn."""
    return count_coverage(
        where(), CoverageReadings(living=living, owned={CHURN: alarms} if alarms else {}, **more), PRICES
    )


def faults(found: Coverage) -> dict[str, tuple[str, ...]]:
    return {each.alarm: each.faults for each in found.alarms if each.faults}


def printed(found: Coverage, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    show(console, found)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"  # type: ignore[attr-defined]


# ------------------------------------------------------------------------------------------------------------ counting
def test_all_is_a_hundred_percent_only_when_all_are_watched() -> None:
    others = tuple(Ref("endpoint", f"e{number}") for number in range(1_999))
    named = {ref: fleets.endpoint(ref.name)[:1] for ref in others}

    found = count_coverage(where(), CoverageReadings(living=(CHURN, *others), owned=named), PRICES)

    assert (found.watched, found.percent) == (1_999, 99.9)


def test_who_is_left_out_on_purpose_does_not_count() -> None:
    left_out = UnwatchedResource(Ref("endpoint", "sandbox"), UnwatchedReason.IGNORED, "tag sagewatch:ignore")

    found = covered(*fleets.endpoint(), living=(CHURN, left_out.ref), unwatched=[left_out])

    assert (found.percent, found.left_out) == (100.0, 1)


def test_an_empty_account_has_no_percentage() -> None:
    assert covered(living=()).percent is None


def test_a_kind_that_could_not_be_listed_has_no_orphans() -> None:
    found = covered(*fleets.endpoint(), living=(), unread={"endpoint": "list_endpoints: AccessDenied"})

    assert found.at_fault("orphan") == ()
    assert [(each.kind.name, each.read) for each in found.tallies] == [("endpoint", False)]


def test_alarms_of_who_is_on_no_list_are_orphans() -> None:
    alarms = fleets.endpoint()

    assert len(covered(*alarms, living=()).at_fault("orphan")) == len(alarms)


# -------------------------------------------------------------------------------------------------------------- faults
def test_an_alarm_without_data_of_its_exact_dimensions_is_dead() -> None:
    disk, memory = (each for each in fleets.endpoint() if each.name.endswith(("/disk", "/memory")))
    [(namespace, metric, dimensions)] = series(memory.alarm)
    wider = frozenset({(namespace, metric, dimensions | {("ContainerName", "c")}), *series(disk.alarm)})

    found = covered(disk, memory, published=wider, listed=frozenset({namespace}))

    dead = {"memory": ("dead",)} if memory.name.endswith("/memory") else {"disk": ("dead",)}
    assert faults(found) == dead


def test_an_alarm_younger_than_an_hour_is_not_judged() -> None:
    young = [replace(each, updated=NOW - timedelta(minutes=59)) for each in fleets.endpoint()]
    listed = frozenset(namespace for each in young for namespace, *_ in series(each.alarm))

    assert covered(*young, listed=listed).at_fault("dead") == ()


def test_an_alarm_whose_namespace_could_not_be_listed_is_not_judged() -> None:
    assert covered(*fleets.endpoint()).at_fault("dead") == ()


def test_an_alarm_that_somebody_changed_is_edited_and_one_of_another_policy_is_stale() -> None:
    first, second, *_ = fleets.endpoint()
    edited = replace(first, alarm=canonical({**first.alarm.request, "Threshold": 1.0}))
    policy = Policy(alarms=(AlarmRule(alarm=str(second.alarm.labels and second.alarm.labels["alarm"]), periods=9),))

    found = count_coverage(
        where(policy=policy), CoverageReadings(living=(CHURN,), owned={CHURN: (edited, second)}), PRICES
    )

    assert Counter(each.faults for each in found.alarms) == Counter({("edited",): 1, ("stale",): 1})


def test_an_alarm_of_a_row_without_budget_is_stale() -> None:
    alarms = fleets.endpoint()

    found = count_coverage(
        where(withheld=frozenset({("endpoint", "idle")})),
        CoverageReadings(living=(CHURN,), owned={CHURN: alarms}),
        PRICES,
    )

    assert faults(found) == {"idle": ("stale",)}


# ---------------------------------------------------------------------------------------------------------- the reason
VARIANT = Scope(level="variant", name="a", series=({"EndpointName": "churn"},), traits=frozenset({"requests"}))
OLD = NOW - timedelta(days=1)
EVERY_ROW = frozenset(("endpoint", spec.id) for spec in ENDPOINT.specs)


@pytest.mark.parametrize(
    ("why", "said", "facts", "more"),
    [
        (UnwatchedReason.IGNORED, "tag sagewatch:ignore", {"tags": {"sagewatch:ignore": "true"}}, {}),
        (UnwatchedReason.IGNORED, "ignore in the policy (line 3)", {}, {"policy": Policy(ignore=(Ignored(line=3),))}),
        (
            UnwatchedReason.OFF,
            "off in the policy (line 7)",
            {},
            {"policy": Policy(alarms=(AlarmRule(off=True, line=7),))},
        ),
        (UnwatchedReason.OVER_BUDGET, "the budget has no room for any of its rows", {}, {"withheld": EVERY_ROW}),
        (UnwatchedReason.NOTHING, "it publishes no metric that a row reads", {"scopes": ()}, {}),
        (UnwatchedReason.UNKNOWN, "no model", {"scopes": (), "gaps": (Gap(level="variant", reason="no model"),)}, {}),
    ],
)
def test_the_reason_is_what_keeps_the_alarms_away(
    why: UnwatchedReason, said: str, facts: dict[str, Any], more: dict[str, Any]
) -> None:
    seen = Observed(facts=Facts(**{"ref": CHURN, "live": True, "scopes": (VARIANT,), **facts}))

    found = unwatched(where(**more), ENDPOINT, seen, OLD)

    assert found == UnwatchedResource(CHURN, why, said)


def test_a_resource_without_alarms_that_should_have_some_is_missing_after_a_quarter_of_an_hour() -> None:
    seen = Observed(facts=Facts(ref=CHURN, live=True, scopes=(VARIANT,)))

    reasons = [unwatched(where(), ENDPOINT, seen, NOW - timedelta(minutes=age)).why for age in (14, 15)]

    assert reasons == [UnwatchedReason.NOT_YET, UnwatchedReason.MISSING]


# ---------------------------------------------------------------------------------------------------------- the matrix
def test_the_matrix_tells_what_lacks_from_what_does_not_apply() -> None:
    alarms = [each for each in fleets.endpoint() if not each.name.endswith(("/disk", "/idle"))]
    policy = Policy(alarms=(AlarmRule(alarm="idle", off=True),))

    variant = resources.variant()
    facts = fleets.facts(ENDPOINT, resources.endpoint(variant), describe_endpoint_config=resources.config(variant))
    tagged = replace(facts, tags={"sagewatch:cpu": "off"})
    seen = Observed(facts=tagged, owned=tuple(each.alarm for each in alarms if not each.name.endswith("/cpu")))
    in_force = PolicyInForce(policy, frozenset({("endpoint", "errors-4xx")}))
    there = [each for each in alarms if not each.name.endswith(("/cpu", "/errors-4xx"))]

    found = count_coverage(
        where(policy=policy, withheld=in_force.withheld),
        CoverageReadings(
            living=(CHURN,), owned={CHURN: there}, rows={CHURN: rows_there("sagewatch", ENDPOINT, seen, in_force)}
        ),
        PRICES,
    )
    words = {cell.alarm: cell.word for cell in matrix(found, ENDPOINT)[CHURN]}

    asked = ("memory", "disk", "idle", "cpu", "errors-4xx", "gpu")
    assert {alarm: words[alarm] for alarm in asked} == {
        "memory": "ok",
        "disk": "missing",
        "idle": "off",
        "cpu": "off",
        "errors-4xx": "over budget",
        "gpu": "",
    }
    assert "AllTraffic/disk" in found.incomplete[0].lacking


def test_missing_alarms_are_never_shown_beside_a_hundred_percent() -> None:
    variant = resources.variant()
    facts = fleets.facts(ENDPOINT, resources.endpoint(variant), describe_endpoint_config=resources.config(variant))
    alarms = [each for each in fleets.endpoint() if not each.name.endswith("/disk")]
    seen = Observed(facts=facts, owned=tuple(each.alarm for each in alarms))
    rows = {CHURN: rows_there("sagewatch", ENDPOINT, seen, PolicyInForce(withheld=fleets.NOT_DRAWN))}

    found = covered(*alarms, rows=rows)

    assert (found.percent, found.watched, [each.lacking for each in found.incomplete]) == (
        0.0,
        0,
        [("AllTraffic/disk",)],
    )
    assert "100 %" not in printed(found, 120)
    assert "everything that should be is watched" not in page(found)


def test_nothing_is_missing_where_an_alarm_says_that_all_are_there_and_others_are_looked_at() -> None:
    wanted = [each for each in fleets.endpoint() if not each.name.endswith("/disk")]
    put = diff(Plan(alarms=tuple(each.alarm for each in wanted)), ()).puts
    alarms = [replace(each, alarm=alarm) for each, alarm in zip(wanted, put, strict=True)]

    words = {cell.alarm: cell.word for cell in matrix(covered(*alarms), ENDPOINT)[CHURN]}
    named = [
        suspects({CHURN: LONG_AGO}, {CHURN: summaries(there)}, NOW, PolicyInForce()) for there in (alarms, alarms[1:])
    ]

    assert words["disk"] == ""
    assert "missing" not in words.values()
    assert named == [set(), {CHURN}]


def summaries(alarms: Iterable[PresentAlarm]) -> list[AlarmSummary]:
    """The alarms, as the sweep keeps them."""
    return [
        summary_of(Described(each.alarm, each.updated), labels, PRICES)
        for each in alarms
        if (labels := each.alarm.labels)
    ]


def test_a_cell_shows_the_worst_of_its_scopes() -> None:
    first, *rest = fleets.endpoint()

    found = covered(replace(first, state="ALARM"), *rest)

    words = Counter(cell.word for cell in matrix(found, ENDPOINT)[CHURN])
    assert (words["firing"], words["ok"]) == (1, len(rest))


# ------------------------------------------------------------------------------------------------------------ printing
@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("endpoints", [5, 60])
def test_the_tables_are_as_they_were(width: int, endpoints: int) -> None:
    """After a change that is meant, look at the difference and write the file anew."""
    text = printed(fleets.fleet(endpoints), width)

    assert text == snapshot(f"coverage-{endpoints}-at-{width}", text)


def test_no_line_is_wider_than_the_terminal() -> None:
    assert max(len(line) for line in printed(fleets.fleet(60), 80).splitlines()) <= 80


def test_the_data_has_every_alarm_and_everybody_without() -> None:
    found = fleets.fleet(60)

    data = as_data(found)

    assert len(data["alarms"]) == sum(data["states"].values()) == len(found.alarms)
    assert data["living"] == data["watched"] + len(data["not_watched"])
    assert data["cost"]["before_free_tier"] == pytest.approx(sum(each["cost"] for each in data["kinds"]))


# ------------------------------------------------------------------------------------------------------------ the page
@dataclass
class Parsed(HTMLParser):
    """What a browser would find: texts by id, rows of tables by the section's id, cells, and addresses."""

    texts: dict[str, str] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)
    cells: Counter[str] = field(default_factory=Counter)
    tags: Counter[str] = field(default_factory=Counter)
    addresses: list[str] = field(default_factory=list)
    inside: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags[tag] += 1
        self.addresses += [found[name] for name in ("href", "src", "action") if name in found]
        if tag == "tr" and "data-kind" in found:
            self.rows[next((name for _, name in reversed(self.inside) if name), "")] += 1
        if tag == "td" and "title" in found and found.get("class", "") in {each for each, _ in SYMBOLS.values()}:
            self.cells[found["class"]] += 1
        if tag not in {"meta", "circle", "input", "br", "link"}:
            name = found.get("data-grid") or found.get("data-state") or found.get("id", "")
            self.inside.append((tag, name))

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1][0] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if self.inside and (name := self.inside[-1][1]):
            self.texts[name] = self.texts.get(name, "") + data.strip()


def drawn(found: Coverage) -> Parsed:
    parsed = Parsed()
    parsed.feed(page(found))
    return parsed


@pytest.mark.parametrize("endpoints", [5, 60])
def test_the_numbers_of_the_page_are_those_of_the_data(endpoints: int) -> None:
    found = fleets.fleet(endpoints)
    data = as_data(found)

    texts = drawn(found).texts

    numbers = {name: texts[name].replace(",", "") for name in ("watched", "left-out", "alarms", "not-watched")}
    assert numbers == {
        "watched": str(data["watched"]),
        "left-out": str(data["left_out"]),
        "alarms": str(len(data["alarms"])),
        "not-watched": str(data["living"] - data["watched"] - data["left_out"]),
    }
    assert texts["percent"] == f"{data['percent']:g} %"
    assert texts["cost"] == f"${data['cost']['before_free_tier']:,.2f}"
    assert {word: int(texts[word].replace(",", "")) for word in data["states"]} == data["states"]


def test_the_page_lists_everything_that_is_wrong_whole() -> None:
    found = fleets.fleet(60)

    rows = drawn(found).rows

    faults = {"orphans": "orphan", "dead": "dead", "edited": "edited"}
    expected = {name: sum(fault in each.faults for each in found.alarms) for name, fault in faults.items()}
    assert {name: rows[name] for name in expected} == expected
    assert (rows["firing"], rows["foreign"]) == (found.states["firing"], len(found.foreign))
    assert rows["unwatched"] + rows["meant"] == len(found.unwatched)
    assert rows["endpoint"] == 60


def test_every_alarm_of_who_lives_is_a_cell() -> None:
    found = fleets.fleet(60)
    mine = [each for each in found.alarms if each.ref in found.living and each.ref.kind == "endpoint"]

    cells = Counter(cell.word for line in matrix(found, ENDPOINT).values() for cell in line if cell.word)

    assert cells["firing"] == sum(each.state == "firing" for each in mine)
    kinds = [each.kind for each in found.tallies if each.watched]
    every = Counter(c.word for k in kinds for line in matrix(found, k).values() for c in line if c.word)
    assert drawn(found).cells == Counter({SYMBOLS[word][0]: count for word, count in every.items()})


def test_the_page_asks_nobody_for_anything() -> None:
    parsed = drawn(fleets.fleet())

    assert all(address.startswith("https://us-east-1.console.aws.amazon.com/") for address in parsed.addresses)
    assert parsed.tags["script"] == parsed.tags["style"] == 1
    assert not parsed.tags.keys() & {"link", "img", "iframe", "object", "base", "form"}


def test_hostile_names_are_text() -> None:
    html = page(fleets.fleet())

    assert fleets.HOSTILE not in html
    assert "sagewatch/&lt;script&gt;alert(1)&lt;/script&gt;[red]&#34;&#39;&amp;" in html


def test_hostile_text_is_printed_as_it_is() -> None:
    assert f"sagewatch/{fleets.HOSTILE}" in printed(fleets.fleet(), 120)


def test_an_empty_account_is_drawn() -> None:
    texts = drawn(covered(living=())).texts

    assert (texts["percent"], texts["alarms"], texts["not-watched"]) == ("–", "0", "0")


def test_what_could_not_be_read_is_said_on_the_page() -> None:
    html = page(covered(living=(), unread={"pipeline": "list_pipelines: AccessDenied <b>"}))

    assert "<b>pipeline</b>: list_pipelines: AccessDenied &lt;b&gt;" in html


def test_a_kind_of_which_nobody_is_known_is_not_a_column() -> None:
    assert kind("monitoring-schedule") is MONITORING_SCHEDULE
    assert drawn(fleets.fleet()).rows["monitoring-schedule"] == 0
