"""Decides which of the incidents that opened together have one cause, by what they have in common. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from sagewatch.model import Incident, Part

type Trait = tuple[str, str]
"""What incidents may have in common: `("instance type", "ml.g5.2xlarge")`, `("row", "endpoint/errors-5xx")`."""

ROW = "row"
"""The name of a trait that says which alarm or failure it is: a symptom, all others are leads to a cause."""

LEADS = ("execution", "deployment", "model", "cause", "zone", "started by", "instance type")
"""The names of the other traits, those first that are rarely shared by chance."""

ALIKE = 3
"""How many incidents at least must share a trait to be one outage by it."""

MOST_OUTAGES = 5
"""Into how many outages what opened together is cut at most; a channel takes one message a second."""

_MOST_OF, _SHARE, _OFTEN = 0.8, 0.15, 0.15
"""Shares of incidents: most of them; enough to be a part of them; so often that two symptoms are one."""

# Zones are named as in use1-az4 or us-east-1a (EC2 User Guide, "Availability Zones").
_ZONE = re.compile(r"\b(?:[a-z]{2}(?:-[a-z]+)+-\d[a-z]|[a-z]{3,4}\d-az\d)\b")
_INSTANCE_TYPE = re.compile(r"\bml\.[a-z0-9-]+\.[a-z0-9]+\b")
_VARYING = re.compile(r"arn:\S+|s3://\S+|https?://\S+|[\w.-]*\d[\w.-]*")
_LONGEST_CAUSE = 160


@dataclass(frozen=True, slots=True)
class Cluster:
    """Incidents with one cause: the trait that they share, None when nothing is known to be shared; and their names."""

    key: Trait | None
    entries: tuple[str, ...]


def traits(incident: Incident) -> frozenset[Trait]:
    """Return what an incident may have in common with others."""
    return frozenset(trait for part in incident.parts for trait in _traits_of(incident, part))


def _traits_of(incident: Incident, part: Part) -> Iterator[Trait]:
    first = part.first
    yield ROW, f"{first.labels.get('kind')}/{first.labels.get('alarm')}"
    found = [incident.evidence[each.key] for each in (first, part.last) if each.key in incident.evidence]
    for each in found:
        yield from each.shared.items()
        yield from (("instance type", name) for name in _INSTANCE_TYPE.findall(each.facts.get("Compute", "")))
    if first.execution:
        yield "execution", first.execution
    if parent := first.labels.get("parent"):
        yield "started by", parent
    if first.state == "failed":
        said = next((each.cause for each in found if each.cause), "") or _VARYING.sub("…", first.reason)
        if said.strip():
            yield "cause", said[:_LONGEST_CAUSE]
    # CloudWatch's reasons say numbers only; those of failures may say where.
    yield from (("zone", name) for name in _ZONE.findall(first.reason if first.state == "failed" else ""))


def partition(cases: Mapping[str, frozenset[Trait]]) -> tuple[Cluster, ...]:
    """Cut incidents, given as traits by name, into those that share a cause; of those in the last one, none is known.

    Symptoms that occur together are one. Those that show it are an outage, by the rarest lead (a model, an instance
    type …) that most of them have, else by the symptom itself; they are several when a few leads share most of them
    out. Symptoms of which the same lead is found are one outage.
    """
    found: dict[Trait, list[str]] = {}
    for symptom in _symptoms(cases):
        for key, several in _by_leads(symptom, {name: cases[name] for name in symptom}):
            found.setdefault(key, []).extend(several)
    largest = sorted(
        (Cluster(key, tuple(several)) for key, several in found.items() if len(several) >= ALIKE),
        key=lambda each: (-len(each.entries), each.key or ()),
    )[: MOST_OUTAGES - 1]
    taken = {name for each in largest for name in each.entries}
    left = tuple(name for name in cases if name not in taken)
    return (*largest, Cluster(None, left)) if left else tuple(largest)


def joined(case: frozenset[Trait], clusters: Mapping[str, Trait | None]) -> str:
    """Return which of these outages, by id, an incident that opened later belongs to; nothing when to none of them."""
    by_key = [(_rank(key), name) for name, key in clusters.items() if key and key in case]
    others = [name for name, key in clusters.items() if key is None]
    return min(by_key)[1] if by_key else (others or [""])[0]


def common(cases: Sequence[frozenset[Trait]]) -> tuple[Trait, ...]:
    """Return the leads that all of several incidents have, those first that are rarely shared by chance."""
    shared = frozenset.intersection(*cases) if cases else frozenset[Trait]()
    return tuple(sorted((trait for trait in shared if trait[0] != ROW), key=lambda trait: (_rank(trait), trait)))


def _rank(trait: Trait) -> int:
    return LEADS.index(trait[0]) if trait[0] in LEADS else len(LEADS)


def _symptoms(cases: Mapping[str, frozenset[Trait]]) -> list[tuple[str, ...]]:
    """Cut incidents by what they show; rows that many show together are one symptom."""
    rows = {name: [trait for trait in each if trait[0] == ROW] for name, each in cases.items()}
    counted = Counter(row for each in rows.values() for row in each)
    pairs = Counter(pair for each in rows.values() for pair in combinations(sorted(each), 2))
    symptom = {row: row for row in counted}
    for (one, other), times in sorted(pairs.items()):
        if times >= max(2, _OFTEN * min(counted[one], counted[other])):
            old, new = symptom[other], symptom[one]
            symptom = {row: new if each == old else each for row, each in symptom.items()}
    found: dict[Trait, list[str]] = {}
    for name, each in rows.items():
        found.setdefault(symptom[max(each, key=lambda row: (counted[row], row))], []).append(name)
    return [tuple(each) for each in found.values()]


def _by_leads(names: Sequence[str], cases: Mapping[str, frozenset[Trait]]) -> Iterator[tuple[Trait, list[str]]]:
    """Yield who of those with one symptom belong together, by the lead that they share, or by the symptom."""
    counted = Counter(trait for each in cases.values() for trait in each)
    leads = sorted((trait for trait in counted if trait[0] != ROW), key=lambda trait: (_rank(trait), -counted[trait]))
    shares, left = list[tuple[Trait, list[str]]](), list(names)
    values = Counter(name for name, _ in leads)
    for lead in leads:
        several = [name for name in left if lead in cases[name]]
        # An instance type has only a few values, and some incidents share one by chance: then it must stand out.
        by_chance = 2 * len(left) / values[lead[0]] if values[lead[0]] > 2 else 0
        if len(several) >= max(ALIKE, _SHARE * len(left), min(by_chance, _MOST_OF * len(left))):
            shares.append((lead, several))
            left = [name for name in left if name not in several]
    if len(left) <= (1 - _MOST_OF) * len(cases) and shares:
        largest = max(shares, key=lambda share: len(share[1]))
        for lead, several in shares:
            yield lead, several + (left if lead == largest[0] else [])
    else:
        yield max((trait for trait in counted if trait[0] == ROW), key=lambda row: (counted[row], row)), list(names)


def key_of(value: Iterable[object]) -> Trait | None:
    """Read a trait as JSON has it: `["row", "endpoint/cpu"]`, or nothing."""
    found = [str(each) for each in value]
    return (found[0], found[1]) if found else None
