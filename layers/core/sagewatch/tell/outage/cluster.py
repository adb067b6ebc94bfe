"""Decides which of the incidents that opened together have one cause, by what they have in common. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

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

_MOST_OF = 0.8
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
    """Cut incidents, given as traits by name, into those that share a cause; of those left over none is known.

    A lead (a model, an instance type …) makes an outage of those whose symptom it explains: most of all that show this
    symptom have it, or the others with that symptom share another lead. What is left is cut by symptoms.
    """
    left, found = dict(cases), list[Cluster]()
    while len(found) < MOST_OUTAGES - 1 and (best := _best(left)):
        found.append(best)
        left = {name: each for name, each in left.items() if name not in best.entries}
    return (*found, Cluster(None, tuple(left))) if left else tuple(found)


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


def _best(cases: Mapping[str, frozenset[Trait]]) -> Cluster | None:
    """Return the outage by the rarest lead that explains symptoms, the largest of those; else by a symptom."""
    counted = Counter(trait for each in cases.values() for trait in each)
    many = [trait for trait, count in counted.items() if count >= ALIKE]
    pairs = Counter((row, lead) for each in cases.values() for row in each if row[0] == ROW for lead in each)
    found = [
        (_rank(trait), -len(entries), trait, entries)
        for trait in many
        if len(entries := tuple(_explained(trait, cases, counted, pairs))) >= ALIKE
    ]
    if not found:
        return None
    _, _, trait, entries = min(found)
    return Cluster(trait, entries)


def _explained(
    trait: Trait,
    cases: Mapping[str, frozenset[Trait]],
    counted: Mapping[Trait, int],
    pairs: Mapping[tuple[Trait, Trait], int],
) -> Iterator[str]:
    """Yield the incidents of which a trait explains a symptom."""
    rows: dict[Trait, bool] = {}
    for name, each in cases.items():
        if trait not in each:
            continue
        for row in each if trait[0] != ROW else ():
            if row[0] == ROW and row not in rows:
                rows[row] = _explains(trait, row, cases, counted[row], pairs)
        if trait[0] == ROW or any(rows.get(row) for row in each):
            yield name


def _explains(
    trait: Trait,
    row: Trait,
    cases: Mapping[str, frozenset[Trait]],
    count: int,
    pairs: Mapping[tuple[Trait, Trait], int],
) -> bool:
    if pairs[row, trait] >= _MOST_OF * count:
        return True
    if pairs[row, trait] < ALIKE:
        return False
    others = [each for each in cases.values() if row in each and trait not in each]
    shared = Counter(lead for each in others for lead in each if lead[0] != ROW)
    return any(times >= max(ALIKE, _MOST_OF * len(others)) for times in shared.values())


def key_of(value: Iterable[object]) -> Trait | None:
    """Read a trait as JSON has it: `["row", "endpoint/cpu"]`, or nothing."""
    found = [str(each) for each in value]
    return (found[0], found[1]) if found else None
