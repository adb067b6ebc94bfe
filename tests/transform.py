"""Transforms a SAM template as CloudFormation does: JSON on stdin → JSON on stdout.

Runs with the Python of .venv-sam: the translator wants another pydantic than the product.
"""

import json
import sys

from samtranslator.public.translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform

ANYWHERE = "s3://bucket/key"  # the translator takes code that `sam package` has uploaded
CODE = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}


class NoManagedPolicies(ManagedPolicyLoader):
    """Knows none: a function that asks for one fails here."""

    def __init__(self) -> None:
        super().__init__(None)

    def load(self) -> dict[str, str]:
        return {}


template = json.load(sys.stdin)
for each in template["Resources"].values():
    if each["Type"] in CODE:
        each["Properties"][CODE[each["Type"]]] = ANYWHERE
json.dump(transform(template, {}, NoManagedPolicies()), sys.stdout)
