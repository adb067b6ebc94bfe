"""Decides who hears of a notice. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from sagewatch.model import Labels, Place, Unit
from sagewatch.policy.rules import Policy, Route, all_match
from sagewatch.units import parse

DEFAULT_ROUTE = Route(name="default", slack="default", sns="default")
"""Where everything goes without a policy: the channel of the credentials, and the alerts topic."""


def routes(policy: Policy, labels: Labels, place: Place) -> tuple[Route, ...]:
    """Return the routes that a notice with these labels from there takes, in order; never none.

    The first that matches, and those after it as long as the one before goes on. The tag `sagewatch:route` names one
    by its name instead.
    """
    if not policy.routes:
        return (DEFAULT_ROUTE,)
    for route in policy.routes:
        if route.name == labels.get("route"):
            return (route,)
    taken, found = list[Route](), matched_on(labels, place)
    for route in policy.routes:
        if all_match(route.match, found):
            taken.append(route)
            if not route.goes_on:
                break
    return tuple(taken)


def matched_on(labels: Labels, place: Place) -> Mapping[str, str]:
    """Return what `match` of a route is about: the labels, and the account and the Region where it happened."""
    return {"account": place.account, "region": place.region, **labels.values}


def default_route(policy: Policy) -> Route:
    """Return the route of what no other one takes."""
    return policy.routes[-1] if policy.routes else DEFAULT_ROUTE


def route_named(policy: Policy, name: str) -> Route:
    """Return the route of that name; when the policy has none any more, the default one in its place, by its name.

    What is open on a route outlives it, and must be told to the end.
    """
    found = next((route for route in policy.routes if route.name == name), None)
    return found or replace(default_route(policy), name=name)


def reminders(route: Route) -> tuple[timedelta, ...]:
    """Return how long after the opening of an incident people are reminded of it: `(15 min, 1 h)`."""
    return tuple(timedelta(seconds=parse(each, Unit.SECONDS)) for each in route.remind)


def group_wait(route: Route) -> timedelta:
    """Return for how long what opens soon after something else on a route waits; nothing when all is told alone."""
    return timedelta(seconds=parse(route.group_wait, Unit.SECONDS))


def group_interval(route: Route) -> timedelta:
    """Return how long after one message about an outage the next one may come."""
    return timedelta(seconds=parse(route.group_interval, Unit.SECONDS))
