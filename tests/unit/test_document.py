import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagewatch.errors import BrokenPolicy, Fault
from sagewatch.kinds.kind import Kind, Spec
from sagewatch.kinds.registry import KINDS
from sagewatch.model import Labels, Ref, Severity, Unit
from sagewatch.policy.parse import read_policy
from sagewatch.policy.rules import AlarmRule, Ignored, Page, Policy, Route, Webhook, Window

PAGE = Path(__file__).parents[2] / "docs" / "policy.md"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:"


def broken() -> Iterator[tuple[str, str]]:
    """Yield the documents of the table next to this file, each with what must be said of it: lines after `=> `."""
    table = Path(__file__).with_name("broken_policies.txt").read_text(encoding="utf-8")
    for document, faults in re.findall(r"((?:(?!=> ).*\n)+?)((?:=> .*\n)+)\n?", table):
        yield document, faults.replace("=> ", "").rstrip("\n")


def faults(text: str) -> str:
    with pytest.raises(BrokenPolicy) as raised:
        read_policy(text)
    return str(raised.value)


@pytest.mark.parametrize(("document", "said"), list(broken()))
def test_a_broken_policy_is_told_every_fault_with_its_place_in_words(document: str, said: str) -> None:
    assert faults(document) == said


def test_the_table_is_read_in_full() -> None:
    table = Path(__file__).with_name("broken_policies.txt").read_text(encoding="utf-8")

    documents = list(broken())

    assert len(documents) == table.count("\n\n") + 1 >= 60
    assert sum(said.count("\n") + 1 for _, said in documents) == table.count("=> ")


def test_what_no_editor_writes_is_told_its_place_too() -> None:
    assert faults("budget: 5\nalarms: \x07") == "line 2, column 9: this character cannot be in YAML; take it away"
    assert faults('budget: "\ud800"') == "line 1, column 10: this character cannot be in YAML; take it away"
    assert faults("[" * 8000) == "line 1, column 17: this is nested too deeply for a policy"
    assert faults(f"%YAML {'1' * 5000}.1\n---\n").startswith("line 1, column ")


def test_a_policy_that_no_parameter_holds_is_refused_by_its_bytes() -> None:
    assert read_policy("# " + "x" * 8190) == Policy()
    assert faults("# " + "µ" * 4096) == "line 1, column 1: the policy has 8,194 bytes; a parameter holds 8,192"


def test_a_fault_is_a_value_as_well_as_a_text() -> None:
    with pytest.raises(BrokenPolicy) as raised:
        read_policy("alarms:\n  - kind: endpont\n    off: true\n")

    said = "`endpont` is no kind; did you mean `endpoint`?"
    assert raised.value.faults == (Fault(line=2, column=11, where="alarms[0].kind", message=said),)


def test_what_may_be_a_secret_is_not_repeated() -> None:
    for secret in (
        "https://hooks.slack.com/services/T00000000/B00000000/verysecretindeed",
        "https://user:verysecretindeed@example.com",
        "xoxb-123456789012-verysecretindeed",
        "x" * 50 + "verysecretindeed",
    ):
        for document in (
            f"routes: [{{name: a, slack: '{secret}'}}]",
            f"routes: [{{name: a, pagerduty: '{secret}'}}]",
            f"routes: [{{name: a, webhook: {{url: 'ftp{secret}', secret: '{secret}'}}}}]",
            f"alarms: [{{threshold: '{secret}'}}, {{periods: '{secret}'}}, {{severity: '{secret}'}}, '{secret}']",
            f"'{secret}': 5",
            f"paging: {{'{secret}': 5}}",
            f"- !{secret} x",
        ):
            assert "verysecretindeed" not in faults(document), document


def test_a_document_that_says_nothing_is_the_default_policy() -> None:
    for text in ("", "\n", "# nothing yet\n", "---\n", "{}", "alarms: []\nroutes: []\n", "\ufeff"):
        assert read_policy(text) == Policy(), text


def test_quantities_stay_as_they_are_written() -> None:
    text = """
alarms:
  - {kind: endpoint, alarm: latency-p99, warning: 500ms, critical: 0.8s, tags: {env: [prod, live], on-call: yes}}
  - {kind: endpoint, alarm: [cpu, "gpu*"], resource: 2024, threshold: 95, periods: 8 of 10}
  - {alarm: idle, off: false, periods: 3}
  - {severity: info}
"""

    assert read_policy(text) == Policy(
        alarms=(
            AlarmRule(
                kind="endpoint",
                alarm="latency-p99",
                warning="500ms",
                critical="0.8s",
                tags={"env": ("prod", "live"), "on-call": "yes"},
            ),
            AlarmRule(kind="endpoint", alarm=("cpu", "gpu*"), resource="2024", threshold="95", periods="8 of 10"),
            AlarmRule(alarm="idle", off=False, periods=3),
            AlarmRule(severity=Severity.INFO),
        )
    )


def test_an_entry_knows_the_line_it_begins_in() -> None:
    text = "# ours\nalarms:\n  - severity: info\n\n  - off: true\nroutes:\n  - slack: default\n    name: all\n"

    policy = read_policy(text)

    assert [rule.line for rule in policy.alarms] == [3, 5]
    assert [route.line for route in policy.routes] == [7]


def test_labels_may_be_a_list_of_tags_with_the_same_names() -> None:
    assert read_policy("labels: [team, env]") == Policy(labels={"team": "team", "env": "env"})


def test_off_and_its_like_are_words_and_not_truths() -> None:
    text = "labels: {off: on, no: yes}\nroutes: [{name: off, slack: default}]\n"

    assert read_policy(text) == Policy(labels={"off": "on", "no": "yes"}, routes=(Route(name="off", slack="default"),))


def test_the_example_on_the_page_is_a_policy_with_every_key() -> None:
    example = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]

    assert read_policy(example) == Policy(
        alarms=(
            AlarmRule(kind="endpoint", alarm="latency-p99", tags={"env": "prod"}, warning="500ms", critical="800ms"),
            AlarmRule(
                kind="endpoint", alarm="cpu", resource=("batch-*", "nightly"), threshold="95%", periods="8 of 10"
            ),
            AlarmRule(alarm="idle", severity=Severity.WARNING),
            AlarmRule(alarm="midstream-errors", off=True),
        ),
        ignore=(
            Ignored(resource=("tmp-*", "!tmp-keep")),
            Ignored(resource="~load-(test|probe)-[0-9]+"),
            Ignored(kind="training-job", tags={"purpose": "experiment"}),
        ),
        labels={"team": "team", "env": "environment"},
        routes=(
            Route(
                name="audit",
                match={"severity": "critical", "env": "prod"},
                goes_on=True,
                webhook=Webhook(url="https://audit.example.com/alarms", secret="ssm:/sagewatch/audit"),
            ),
            Route(
                name="fraud",
                match={"team": ("fraud", "risk")},
                slack="C0123456789",
                mention={
                    Severity.CRITICAL: ("<!subteam^S0123ABCD>", "<!here>"),
                    Severity.WARNING: "<@U0123ABCD>",
                },
                remind=("30min", "2h"),
                group_wait="20s",
                group_interval="2min",
                group_from=10,
                escalate=f"{TOPIC}on-call",
                snoozers=("<@U0123ABCD>", "<@U0456EFGH>"),
                runbook="https://wiki.example.com/{kind}/{alarm}?resource={resource}",
                pagerduty="arn:aws:secretsmanager:eu-west-1:123456789012:secret:pagerduty-a1b2c3",
            ),
            Route(name="quiet", match={"resource": "sandbox-*"}, drop=True),
            Route(
                name="default",
                slack="default",
                sns="default",
                chatbot=f"{TOPIC}amazon-q",
                logs=False,
                success=True,
                approvals=True,
                digest=True,
            ),
        ),
        paging={Severity.CRITICAL: f"{TOPIC}pager"},
        mute=(
            Window(
                name="nightly-load-test",
                match={"kind": "endpoint", "resource": "load-*"},
                schedule="cron(0 2 * * *)",
                duration="2h",
                timezone="Europe/Berlin",
            ),
        ),
        budget=50,
    )


def test_paging_may_be_a_list_of_whose_alarms_page_whom() -> None:
    text = f"""
paging:
  - match: {{severity: critical, team: fraud, scope: "!shadow"}}
    sns: {TOPIC}fraud
  - match: {{severity: critical}}
    sns: [{TOPIC}b, {TOPIC}a]
"""
    policy = read_policy(text)

    def topics(**labels: str) -> list[str]:
        return [topic.removeprefix(TOPIC) for topic in policy.topics(Labels({"severity": "critical", **labels}))]

    assert topics(team="fraud", scope="all") == ["fraud"]
    assert topics(team="fraud", scope="shadow") == topics(team="risk") == ["a", "b"]
    assert topics(severity="warning") == []
    assert faults(text.replace("paging", "pages")).startswith("line 2, column 1, pages: `pages` is no key")


def test_alarms_are_looked_at_again_where_an_entry_of_paging_may_speak_of_them() -> None:
    entry = Page(match={"kind": "endpoint", "resource": "churn-*"}, sns=f"{TOPIC}pager")

    marks = [Policy(pages=(entry,)).mark(Ref(*ref), "cpu") for ref in (("endpoint", "churn-1"), ("endpoint", "x"))]

    assert [bool(mark) for mark in marks] == [True, False]


_FRAGMENTS = r"""
alarms: ignore: routes: mute: labels: paging: budget: kind: alarm: threshold: tags: match: name: severity: off: remind:
webhook: url: secret: mention: goes_on: continue: line: warning: critical: periods: schedule: duration: timezone:
runbook: slack: - { } [ ] , : & * ! !!int ' " | > ? # % @ ~ --- ... << \U \x 5 800ms true critical endpoint latency-p99
http://[ {0} [key] str 1e999 999999999999999999999 default
"""
FRAGMENTS = st.sampled_from(_FRAGMENTS.split())
TEXTS = st.one_of(
    st.text(),
    st.lists(st.one_of(FRAGMENTS, st.sampled_from(["\n", "\n  ", "\n  - ", " ", "\t", "\ufeff", "\ud800"]))).map(
        "".join
    ),
)
KEYS = st.sampled_from(
    sorted(
        {
            *Policy.__dataclass_fields__,
            *AlarmRule.__dataclass_fields__,
            *Route.__dataclass_fields__,
            *Window.__dataclass_fields__,
            "continue",
            "critical",
            "team",
            "url",
            "str",
        }
    )
)
TREES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), FRAGMENTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)
SECTIONS = st.sampled_from(["alarms", "ignore", "routes", "mute"])
ENTRIES = st.lists(st.one_of(st.dictionaries(KEYS, TREES, max_size=6), TREES), max_size=3)


def in_order(text: str) -> bool:
    """Tell whether a text is a policy, or broken with faults in the order of the text."""
    try:
        read_policy(text)
    except BrokenPolicy as error:
        places = [(fault.line, fault.column) for fault in error.faults]
        return bool(places) and all(before <= after for before, after in pairwise(places))
    return True


@settings(deadline=None)
@given(TEXTS)
def test_any_text_is_a_policy_or_broken_and_nothing_else(text: str) -> None:
    assert in_order(text)


@settings(deadline=None)
@given(st.one_of(TREES, st.dictionaries(SECTIONS, ENTRIES), st.dictionaries(KEYS, TREES)))
def test_any_tree_is_a_policy_or_broken_and_nothing_else(tree: object) -> None:
    assert in_order(json.dumps(tree, ensure_ascii=False, indent=1))


ROWS = [(kind, spec) for kind in KINDS for spec in kind.specs]
PATTERNS = st.one_of(st.from_regex(r"[a-zA-Z0-9*?-]{1,12}", fullmatch=True), st.lists(st.just("churn-*"), min_size=1))
TAGS = st.dictionaries(st.from_regex(r"[a-z:]{1,9}", fullmatch=True), PATTERNS, max_size=2)
DURATIONS = [["30min"], ["1min", "2h"], []]


def quantities(spec: Spec) -> tuple[str, str]:
    """Return a milder and a stricter limit that the row takes."""
    times = {Unit.MICROSECONDS, Unit.MILLISECONDS, Unit.SECONDS}
    low, high = ("1ms", "2s") if spec.unit in times else ("5", "60") if spec.unit is Unit.COUNT else ("5%", "60%")
    return (low, high) if spec.comparison.startswith("Greater") else (high, low)


@st.composite
def rules(draw: st.DrawFn) -> dict[str, object]:
    row: tuple[Kind, Spec] = draw(st.sampled_from(ROWS))
    kind, spec = row
    warning, critical = quantities(spec)
    changes: list[dict[str, Any]] = [
        {"threshold": warning, "severity": "info"},
        {"warning": warning, "critical": critical},
        {"off": True},
        {"off": False, "periods": "2 of 3"},
        {"periods": 24},
    ]
    whose = {"kind": kind.name, "alarm": spec.id, "resource": draw(PATTERNS), "tags": draw(TAGS)}
    return {**whose, **draw(st.sampled_from(changes))}


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.from_regex(r"[a-z0-9-]{1,8}", fullmatch=True), unique=True, max_size=4))
    match = st.fixed_dictionaries({"team": PATTERNS}, optional={"severity": st.just("crit*"), "parent": PATTERNS})
    ways: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
        [{"slack": "#ml"}, {"sns": f"{TOPIC}a"}, {"drop": True}, {"slack": "C01", "continue": True}]
    )
    routes = [
        {"name": name, "match": draw(match), "remind": draw(st.sampled_from(DURATIONS)), **draw(ways)} for name in names
    ]
    schedules = st.sampled_from(["cron(0 2 * * MON-FRI)", "at(2030-01-31T22:00)"])
    return {
        "alarms": draw(st.lists(rules(), max_size=3)),
        "ignore": draw(st.lists(st.fixed_dictionaries({"resource": st.just("tmp-*"), "tags": TAGS}), max_size=2)),
        "routes": [*routes, {"name": "the-last-one", "slack": "default"}] if routes else [],
        "mute": [{"name": name, "match": draw(match), "schedule": draw(schedules), "duration": "8h"} for name in names],
        "paging": draw(
            st.one_of(
                st.dictionaries(st.sampled_from(list(map(str, Severity))), st.just(f"{TOPIC}pager")),
                st.lists(st.fixed_dictionaries({"match": match, "sns": st.just(f"{TOPIC}pager")}), max_size=2),
            )
        ),
        "budget": draw(st.one_of(st.integers(0, 10_000), st.just(12.5))),
    }


@settings(deadline=None)
@given(policies())
def test_any_policy_with_valid_values_is_taken(document: dict[str, Any]) -> None:
    policy = read_policy(json.dumps(document))

    sizes = {section: len(getattr(policy, section)) for section in document if section not in ("budget", "paging")}
    assert len(policy.paging) + len(policy.pages) == len(document["paging"])
    assert sizes == {section: len(document[section]) for section in sizes}
    assert policy.budget == document["budget"]
