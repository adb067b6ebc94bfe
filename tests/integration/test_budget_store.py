"""What gave way to the budget, as the sweep writes it and reconcile reads it."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from sagewatch.aws import budget_store
from sagewatch.errors import Retry
from sagewatch.policy.rules import Withheld
from sagewatch.tell.store.seen import remember_sent
from tests.integration.conftest import incidents_table

IDLE = Withheld(frozenset({("training-job", "idle")}), 12.5)
TWO = Withheld(frozenset({("training-job", "idle"), ("endpoint", "cpu")}), 12.5)


@pytest.fixture
def table() -> str:
    return incidents_table()


def client() -> Any:
    return boto3.client("dynamodb")


def test_a_table_that_never_saw_a_budget_withholds_nothing(table: str) -> None:
    remember_sent(client(), table, "notice", "slack", 0)

    assert budget_store.read_withheld(client(), table) == Withheld()


def test_what_was_written_is_read(table: str) -> None:
    budget_store.write_withheld(client(), table, TWO)

    assert budget_store.read_withheld(client(), table) == TWO


def test_what_is_written_takes_the_place_of_what_was(table: str) -> None:
    budget_store.write_withheld(client(), table, TWO)
    budget_store.write_withheld(client(), table, IDLE)

    assert budget_store.read_withheld(client(), table) == IDLE

    budget_store.write_withheld(client(), table, Withheld(budget=3.0))

    assert budget_store.read_withheld(client(), table) == Withheld(budget=3.0)


def test_it_is_one_item_that_never_expires(table: str) -> None:
    budget_store.write_withheld(client(), table, IDLE)

    row = {"kind": {"S": "training-job"}, "alarm": {"S": "idle"}}
    assert client().scan(TableName=table)["Items"] == [
        {"pk": {"S": "BUDGET"}, "sk": {"S": "withheld"}, "rows": {"L": [{"M": row}]}, "budget": {"N": "12.5"}}
    ]


def test_it_is_read_as_it_is_now(table: str) -> None:
    asked: list[dict[str, Any]] = []
    reader = client()
    reader.meta.events.register("provide-client-params.dynamodb.GetItem", lambda params, **_: asked.append(params))

    budget_store.read_withheld(reader, table)

    assert [each["ConsistentRead"] for each in asked] == [True]


def test_a_table_that_cannot_be_read_or_written_is_tried_again() -> None:
    with pytest.raises(Retry, match="get_item missing"):
        budget_store.read_withheld(client(), "missing")
    with pytest.raises(Retry, match="put_item missing"):
        budget_store.write_withheld(client(), "missing", IDLE)
