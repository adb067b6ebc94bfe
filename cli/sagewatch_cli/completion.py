"""What a shell offers for TAB: kinds, resources, alarms, labels; nothing when AWS does not answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import typer

from sagewatch.aws import sagemaker
from sagewatch.errors import Retry
from sagewatch.kinds.endpoint.observe import ENDPOINT
from sagewatch.kinds.kind import Kind
from sagewatch.kinds.registry import KINDS
from sagewatch.model import Severity
from sagewatch.policy.checks import MATCHED
from sagewatch_cli.account.alarms import alarms_under
from sagewatch_cli.account.policy import read_policy
from sagewatch_cli.account.session import Account

MOST = 100
"""So many names are offered at most."""


def complete_refs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer kinds, `endpoint/`, and after the slash the resources of that kind that live."""
    return _offered(incomplete, lambda: _refs(ctx, incomplete, KINDS))


def complete_watched_refs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the same, of kinds with alarms."""
    return _offered(incomplete, lambda: _refs(ctx, incomplete, [kind for kind in KINDS if kind.specs]))


def complete_subjects(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer resources, and after our prefix the names of alarms."""
    prefix = str(ctx.params.get("prefix") or "sagewatch")
    if not incomplete.startswith(f"{prefix}/"):
        return [*complete_refs(ctx, incomplete), *([f"{prefix}/"] if f"{prefix}/".startswith(incomplete) else [])]
    return _offered(
        incomplete, lambda: (each.name for each in alarms_under(_account(ctx).client("cloudwatch"), incomplete))
    )


def complete_endpoints(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the names of endpoints."""
    return _offered(incomplete, lambda: (name for name in _names(ctx, ENDPOINT)))


def complete_labels(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer labels, `team=`, and after the sign the values that the routes of the deployed policy name."""
    label, sign, _ = incomplete.partition("=")
    closed: dict[str, list[str]] = {"severity": list(Severity), "kind": [kind.name for kind in KINDS]}
    if sign and label in closed:
        return _offered(incomplete, lambda: (f"{label}={value}" for value in closed[label]))
    return _offered(incomplete, lambda: _labels(ctx, label if sign else ""))


def _labels(ctx: typer.Context, label: str) -> Iterator[str]:
    policy = read_policy(_account(ctx), str(ctx.params.get("prefix") or "sagewatch")).policy
    if not label:
        yield from (f"{each}=" for each in dict.fromkeys((*sorted(MATCHED), *policy.labels)))
        return
    for route in policy.routes:
        patterns = route.match.get(label, ())
        yield from (f"{label}={each}" for each in ([patterns] if isinstance(patterns, str) else patterns))


def _refs(ctx: typer.Context, incomplete: str, kinds: Iterable[Kind]) -> Iterator[str]:
    named, slash, _ = incomplete.partition("/")
    for kind in kinds:
        if not slash:
            yield f"{kind.name}/"
        elif kind.name == named:
            yield from (f"{kind.name}/{name}" for name in _names(ctx, kind))


def _names(ctx: typer.Context, kind: Kind) -> Iterator[str]:
    return (ref.name for ref, _ in sagemaker.live(_account(ctx).client("sagemaker"), kind))


def _account(ctx: typer.Context) -> Account:
    given: dict[str, Any] = {name: ctx.params.get(name) for name in ("profile", "region", "endpoint_url")}
    return Account(**given)


def _offered(incomplete: str, find: Callable[[], Iterable[str]]) -> list[str]:
    try:
        return sorted({each for each in find() if each.startswith(incomplete)})[:MOST]
    except Retry:
        return []
