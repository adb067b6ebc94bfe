"""Decides which environment variables reach the local stack: never those of the host's AWS account."""

from __future__ import annotations

import os
from collections.abc import Mapping

REGION = "us-east-1"
ACCOUNT = "123456789012"

AWS: Mapping[str, str] = {
    # The emulators' root key; any other is refused once they check permissions.
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    # A profile on the host may name a proxy, FIPS endpoints or a role.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
"""The only AWS settings that anything on the local stack sees."""

_PYTHON = frozenset({"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"})
_LOOPBACK = "127.0.0.1,localhost"


def isolated(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the host's AWS and Python settings; `sam build` needs its proxies and pip's."""
    kept = {name: value for name, value in environment.items() if not name.startswith("AWS_") and name not in _PYTHON}
    direct = {name: f"{kept[name]},{_LOOPBACK}" if kept.get(name) else _LOOPBACK for name in ("NO_PROXY", "no_proxy")}
    return {**kept, **direct, **AWS}


def isolate() -> None:
    """Isolate this process itself, before it makes its first client."""
    environment = isolated(os.environ)
    os.environ.clear()
    os.environ.update(environment)
