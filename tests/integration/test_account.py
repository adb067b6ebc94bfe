"""The account that a command looks at."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest

from sagewatch.errors import ErrorCode, Retry
from sagewatch_cli.account.deployment import place
from sagewatch_cli.account.session import GIVES_UP, Account


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


@pytest.fixture
def rude() -> Iterator[str]:
    """The address of a server that takes each connection and closes it without a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def close_each() -> None:
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return

        Thread(target=close_each, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def test_a_call_is_not_tried_again_when_its_time_is_over(rude: str) -> None:
    heard: list[str] = []
    account = Account(region="us-east-1", endpoint_url=rude, calling=heard.append)
    client, tries = account.client("ssm"), 0

    def as_if_long_ago(request: Any, **_: Any) -> None:
        nonlocal tries
        tries += 1
        request.context["sagewatch-began"] -= GIVES_UP

    client.meta.events.register_first("request-created", as_if_long_ago)

    with pytest.raises(Retry, match=r"GetParameter: 127\.0\.0\.1 does not answer within 10 s\. .* Say --region"):
        client.get_parameter(Name="x")

    assert (heard, tries) == (["ssm GetParameter"], 2)


def test_without_credentials_it_says_how_to_get_some(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    with pytest.raises(
        Retry, match=r"Unable to locate credentials\. Log in \(aws sso login\), or say --profile"
    ) as raised:
        place(Account(region="us-east-1"))

    assert raised.value.code is ErrorCode.NO_CREDENTIALS
