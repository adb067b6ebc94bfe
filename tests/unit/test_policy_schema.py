"""The JSON Schema of the policy: what an editor completes is what `policy check` takes."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from sagewatch.policy.rules import AlarmRule, Ignored, Page, Policy, Route, Webhook, Window
from sagewatch_cli.account.policy_schema import policy_schema

SCHEMA = policy_schema()
NOUNS = (AlarmRule, Ignored, Page, Route, Webhook, Window)


def part(noun: type) -> dict[str, Any]:
    found: dict[str, Any] = SCHEMA if noun is Policy else SCHEMA["$defs"][noun.__name__]
    return found


@pytest.mark.parametrize("noun", [Policy, *NOUNS])
def test_every_key_of_the_document_is_there_with_a_text(noun: type) -> None:
    keys = {"continue" if each.name == "goes_on" else each.name for each in fields(noun)} - {"line", "pages"}

    properties = part(noun)["properties"]

    assert set(properties) == keys
    assert [key for key in keys if properties[key]["description"] in ("", key)] == []
    assert part(noun)["additionalProperties"] is False


def test_what_an_entry_must_have_is_required() -> None:
    assert (part(Route)["required"], part(Window)["required"]) == (["name"], ["name", "schedule", "duration"])


@pytest.mark.parametrize("key", ["labels", "paging"])
def test_labels_and_paging_are_a_mapping_or_a_list(key: str) -> None:
    assert [each["type"] for each in SCHEMA["properties"][key]["anyOf"]] == ["object", "array"]
