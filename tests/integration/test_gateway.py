"""The one address of the local stack: who is asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from werkzeug.wrappers import Request, Response

from sagewatch_cli.local.machine.loopback import free_port, served
from sagewatch_cli.local.stack.gateway import gateway, signed_for


class Recorder:
    """Answers every request with the same, and remembers the requests."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str, str]] = []

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        self.asked.append((request.host, request.headers["X-Amz-Target"], request.get_data(as_text=True)))
        return Response(self.answer, content_type="application/x-amz-json-1.1")(environ, start_response)


def client(service: Any, url: str) -> Any:
    once: Any = {"retries": {"total_max_attempts": 1}}
    config = boto3.session.Config(**once)
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    return boto3.client(service, endpoint_url=url, config=config, **keys)


def test_each_service_is_asked_where_it_is_answered_and_the_request_arrives_as_it_was_signed() -> None:
    sagemaker, rest = Recorder('{"Endpoints": []}'), Recorder('{"Parameter": {"Value": "ours"}}')
    with (
        served(sagemaker) as one,
        served(rest) as other,
        gateway(lambda service: one if service == "sagemaker" else other) as url,
    ):
        endpoints = client("sagemaker", url).list_endpoints()["Endpoints"]
        value = client("ssm", url).get_parameter(Name="/sagewatch/sagewatch/policy")["Parameter"]["Value"]

    assert (endpoints, value) == ([], "ours")
    host = url.removeprefix("http://")
    assert sagemaker.asked == [(host, "SageMaker.ListEndpoints", "{}")]
    assert rest.asked == [(host, "AmazonSSM.GetParameter", '{"Name": "/sagewatch/sagewatch/policy"}')]


def test_a_service_that_does_not_answer_is_a_bad_gateway() -> None:
    with (
        gateway(lambda _: f"http://127.0.0.1:{free_port()}") as url,
        pytest.raises(ClientError) as refused,
    ):
        client("ssm", url).get_parameter(Name="/a")

    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 502


@pytest.mark.parametrize(
    ("authorization", "service"),
    [
        (
            "AWS4-HMAC-SHA256 Credential=test/20261121/us-east-1/monitoring/aws4_request, SignedHeaders=host",
            "cloudwatch",
        ),
        ("AWS4-HMAC-SHA256 Credential=test/20261121/us-east-1/sqs/aws4_request, SignedHeaders=host", "sqs"),
        ("Bearer secret", None),
        ("", None),
    ],
    ids=["with a name of its own", "as its client is called", "another scheme", "unsigned"],
)
def test_a_signature_says_for_which_service_it_is(authorization: str, service: str | None) -> None:
    assert signed_for(authorization) == service
