"""What the template says of the notify queue, its function and the incidents table."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation: what an intrinsic function says is left as it is written."""


def _intrinsic(loader: _Loader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.ScalarNode)
    return node.value


_Loader.add_multi_constructor("!", _intrinsic)


@cache
def _resources() -> dict[str, Any]:
    text = (Path(__file__).parents[2] / "template.yaml").read_text()
    found: dict[str, Any] = yaml.load(text, _Loader)["Resources"]
    return found


@cache
def notify() -> dict[str, int]:
    """Return `timeout` and `visibility` in seconds, `batch` and `receives` in messages."""
    function, queue = _resources()["Notify"]["Properties"], _resources()["NotifyQueue"]["Properties"]
    sources = (each["Properties"] for each in function["Events"].values() if each["Type"] == "SQS")
    return {
        "timeout": function["Timeout"],
        "visibility": queue["VisibilityTimeout"],
        "batch": next(sources)["BatchSize"],
        "receives": queue["RedrivePolicy"]["maxReceiveCount"],
    }


@cache
def indexes() -> dict[str, tuple[str, str]]:
    """Return the keys of the incidents table, by no name, and those of its indexes by theirs."""
    table = _resources()["Incidents"]["Properties"]
    several = {"": table["KeySchema"]}
    several |= {each["IndexName"]: each["KeySchema"] for each in table.get("GlobalSecondaryIndexes", [])}
    return {name: tuple(key["AttributeName"] for key in keys) for name, keys in several.items()}  # type: ignore[misc]
