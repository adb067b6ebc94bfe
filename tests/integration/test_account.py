"""The account that a command looks at."""

from __future__ import annotations

import os

import pytest

from sagewatch.errors import Retry
from sagewatch_cli.account.session import Account


def test_without_a_region_it_says_how_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)

    with pytest.raises(Retry, match=r"^no Region is configured; say --region, or set AWS_DEFAULT_REGION$"):
        Account().client("ssm")


def test_a_service_that_has_an_address_of_its_own_in_the_environment_is_asked_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:2")

    account = Account(region="us-east-1")

    assert account.client("sqs").meta.endpoint_url == "http://127.0.0.1:1"
    assert account.client("ssm").meta.endpoint_url == "http://127.0.0.1:2"
    assert Account(region="us-east-1", endpoint_url="http://127.0.0.1:3").client("ssm").meta.endpoint_url == (
        "http://127.0.0.1:3"
    )
