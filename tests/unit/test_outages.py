"""Outages: who is put together, and how an outage stands."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from itertools import combinations

from sagewatch.tell.outage.cluster import Cluster, Trait, common, joined, partition

TYPES = ("ml.g5.2xlarge", "ml.m5.xlarge", "ml.c6i.2xlarge", "ml.p4d.24xlarge", "ml.inf2.xlarge")
SEEDS = range(1_000, 1_200)
"""The mixtures that are asserted; the rules were made with those of the seeds 0 to 199 in view."""
ROWS = ("errors-5xx", "latency-p99", "memory", "cpu", "gpu", "disk", "invocations", "errors-4xx", "idle", "backlog")


def endpoint(rows: tuple[str, ...], **leads: str) -> frozenset[Trait]:
    return frozenset({*(("row", f"endpoint/{row}") for row in rows), *(leads_of(leads))})


def leads_of(leads: Mapping[str, str]) -> Iterator[Trait]:
    yield from ((name.replace("_", " "), value) for name, value in leads.items())


def test_endpoints_with_one_symptom_are_one_outage_whatever_they_run_on() -> None:
    cases = {f"e{n}": endpoint(("errors-5xx",), instance_type=TYPES[n % 5], model=f"m{n}") for n in range(20)}

    assert partition(cases) == (Cluster(("row", "endpoint/errors-5xx"), tuple(cases)),)


def test_an_instance_type_that_all_share_is_what_they_have_in_common() -> None:
    cases = {f"e{n}": endpoint((ROWS[n % 3],), instance_type=TYPES[0], model=f"m{n}") for n in range(12)}

    [found] = partition(cases)

    assert (found.key, len(found.entries)) == (("instance type", TYPES[0]), 12)
    assert common(list(cases.values())) == (("instance type", TYPES[0]),)


def test_two_causes_at_once_are_two_outages() -> None:
    typed = {f"t{n}": endpoint(("errors-5xx",), instance_type=TYPES[0], model=f"a{n}") for n in range(15)}
    full = {f"d{n}": endpoint(("disk",), instance_type=TYPES[n % 5], model=f"b{n}") for n in range(20)}

    found = {frozenset(each.entries) for each in partition(typed | full)}

    assert found == {frozenset(typed), frozenset(full)}


def test_jobs_of_one_execution_are_told_apart_from_jobs_with_one_cause() -> None:
    row = ("row", "training-job/failed")
    run = {f"x{n}": frozenset({row, ("execution", "arn:x"), ("cause", f"c{n}")}) for n in range(5)}
    full = {f"q{n}": frozenset({row, ("execution", f"arn:{n}"), ("cause", "no capacity")}) for n in range(6)}

    found = {frozenset(each.entries) for each in partition(run | full)}

    assert found == {frozenset(run), frozenset(full)}


def test_who_opens_later_joins_the_outage_whose_trait_it_has_else_the_one_without() -> None:
    clusters = {"a": ("model", "llama"), "b": ("row", "endpoint/cpu"), "c": None}

    assert joined(endpoint(("cpu",), model="llama"), clusters) == "a"
    assert joined(endpoint(("cpu",), model="other"), clusters) == "b"
    assert joined(endpoint(("disk",)), clusters) == "c"
    assert joined(endpoint(("disk",)), {"a": ("model", "llama")}) == ""


def mixture(seed: int) -> tuple[dict[str, frozenset[Trait]], dict[str, int]]:
    """Return incidents of one to four simultaneous causes, and the cause of each."""
    draw = random.Random(seed)
    cases: dict[str, frozenset[Trait]] = {}
    causes: dict[str, int] = {}
    shown: list[str] = []
    rows = draw.sample(ROWS, len(ROWS))
    for cause in range(draw.randint(1, 4)):
        how = draw.choice(("row", "instance type", "model", "deployment", "zone", "execution", "cause"))
        symptoms = [rows.pop() for _ in range(1 if how == "row" else draw.randint(1, 2))]
        if shown and how not in ("row", "instance type") and draw.random() < 0.25:
            symptoms = shown  # two causes at once that show alike
        shown = symptoms if how not in ("row", "instance type") else shown
        for n in range(draw.randint(6, 60)):
            name, own = f"c{cause}-{n}", draw.choice(symptoms)
            leads = {
                "instance type": draw.choice(TYPES),
                "model": f"m{draw.randint(0, 40)}",
                "deployment": f"config-{cause}-{n}",
            }
            if how != "row":
                leads[how] = TYPES[cause] if how == "instance type" else f"{how}-{cause}"
            more = {own} | ({draw.choice(symptoms)} if draw.random() < 0.3 else set())
            cases[name] = frozenset({*(("row", f"endpoint/{row}") for row in more), *leads.items()})
            causes[name] = cause
    return cases, causes


def test_of_200_mixtures_of_causes_hardly_any_pair_is_put_together_wrongly_or_kept_apart() -> None:
    together = right = same = 0
    for seed in SEEDS:
        cases, causes = mixture(seed)
        outage = {entry: n for n, each in enumerate(partition(cases)) for entry in each.entries}
        for one, other in combinations(sorted(cases), 2):
            is_same, is_together = causes[one] == causes[other], outage.get(one, one) == outage.get(other, other)
            together, same, right = together + is_together, same + is_same, right + (is_same and is_together)

    precision, recall = right / together, right / same
    print(f"precision {precision:.4f}, recall {recall:.4f}")
    assert (precision >= 0.98, recall >= 0.95) == (True, True)
