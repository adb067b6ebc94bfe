"""Decides whether a policy leads only to where the parameters of the stack allow it to lead. Pure.

A policy is written by who may write one SSM parameter; the parameters of the stack by who may deploy. So the second
limit the first: hosts of webhooks are asked about before each message, topics that page by the role of reconcile.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# Where EC2 answers by IPv6; by IPv4 it is link-local (EC2 User Guide, "Access instance metadata").
_METADATA = ipaddress.ip_address("fd00:ec2::254")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Where a policy may lead; None is unknown, and limits nothing."""

    webhook_hosts: tuple[str, ...] | None = None
    """Names of hosts, `*.example.com` for all below one, `*` for all: the parameter WebhookHosts."""
    paging_topics: tuple[str, ...] | None = None
    """ARNs: the parameter PagingTopicArns, and the alerts topic."""
    doubles: bool = False
    """Whether test doubles on the loopback address are servers like others: where the environment names emulators."""


def why_not_called(scheme: str, host: str, limits: Limits) -> str | None:
    """Return why a webhook is not to be called, None when it is: `hooks.example.com is not among …`.

    A name that resolves to an address of the function's own machine is not found out: nothing there has its
    certificate.
    """
    host = host.strip("[]").lower()
    if limits.doubles and scheme == "http" and host in LOOPBACK:
        return None
    if scheme != "https":
        return f"The webhook of {host} must be https"
    if is_inside(host):
        return f"The webhook of {host} is an address of this machine, which is no place to tell"
    if limits.webhook_hosts is None or any(_is_host(host, each) for each in limits.webhook_hosts):
        return None
    allowed = f" ({', '.join(limits.webhook_hosts)})" if limits.webhook_hosts else ", which are none"
    return f"{host} is not among the WebhookHosts of the stack{allowed}; add it there"


def _is_host(host: str, allowed: str) -> bool:
    if allowed.startswith("*."):
        return host.endswith(allowed[1:])
    return allowed in ("*", host)


def is_inside(host: str) -> bool:
    """Tell whether a host is the function's own machine or its metadata, as far as its name says so."""
    host = host.strip("[]").partition("%")[0].rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        # Resolvers read 2852039166, 0xa9fea9fe and 169.254.43518 as addresses too; no domain ends in a number.
        return re.fullmatch(r"(.*\.)?(\d+|0x[0-9a-f]*)", host) is not None
    plain = getattr(found, "ipv4_mapped", None) or found
    return plain.is_loopback or plain.is_link_local or plain.is_unspecified or plain == _METADATA
