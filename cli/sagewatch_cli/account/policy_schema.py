"""Describes the policy document as a JSON Schema, made of the classes that it is read into."""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import fields
from itertools import pairwise
from typing import Any

from pydantic import TypeAdapter

from sagewatch.policy.rules import AlarmRule, Ignored, Page, Policy, Route, Webhook, Window

_SPELT = {"goes_on": "continue"}  # as in policy/parse.py: `continue` is a keyword of Python
_ENTRIES = {each.__name__: each for each in (AlarmRule, Ignored, Page, Route, Webhook, Window)}


def policy_schema() -> dict[str, Any]:
    """Return the schema (2020-12): every key with its text, and no key that the document may not have."""
    schema = TypeAdapter(Policy).json_schema()
    for name, part in ((None, schema), *schema.get("$defs", {}).items()):
        noun = Policy if name is None else _ENTRIES.get(name)
        if noun is not None:
            _describe(noun, part)
    properties = schema["properties"]
    # A list of labels stands for tags of the same names; paging as a list is read into a field of its own.
    properties["labels"] = _either(properties["labels"], {"type": "array", "items": {"type": "string"}})
    properties["paging"] = _either(properties["paging"], properties.pop("pages"))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Sagewatch policy", **schema}


def _either(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {"description": one.pop("description"), "anyOf": [one, other]}


def _describe(noun: type, part: dict[str, Any]) -> None:
    said = _docstrings(noun)
    properties = part["properties"]
    properties.pop("line", None)
    for field in fields(noun):
        if found := properties.pop(field.name, None):
            found.pop("title", None)
            found.pop("default", None)
            properties[_SPELT.get(field.name, field.name)] = {**found, "description": said.get(field.name, field.name)}
    part["description"] = inspect.getdoc(noun) or ""
    part["additionalProperties"] = False


def _docstrings(noun: type) -> dict[str, str]:
    """Return the texts that stand under the fields of a class."""
    [tree] = ast.parse(textwrap.dedent(inspect.getsource(noun))).body
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
