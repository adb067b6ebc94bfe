"""Makes the boto3 clients of a function, and keeps them for the life of its container."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from sagewatch.aws.pace import Pace

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

    from sagewatch.aws.sagemaker import AccountReader


class Clients:
    """The clients of one configuration, each made when it is first asked for: `Clients(BRISK).sqs`.

    Those in `made` are taken as they are: `Clients(PATIENT, sagemaker=stubbed)`.
    """

    def __init__(self, config: Config, **made: Any) -> None:
        self.config = config
        vars(self).update(made)

    @cached_property
    def cloudwatch(self) -> CloudWatchClient:
        return boto3.client("cloudwatch", config=self.config)

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        return boto3.client("dynamodb", config=self.config)

    @cached_property
    def events(self) -> EventBridgeClient:
        return boto3.client("events", config=self.config)

    @cached_property
    def functions(self) -> LambdaClient:
        return boto3.client("lambda", config=self.config)

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        return boto3.client("logs", config=self.config)

    @cached_property
    def pace(self) -> Pace:
        """How fast alarms are put: what one batch learned of CloudWatch's throttling, the next one knows."""
        return Pace()

    @cached_property
    def reader(self) -> AccountReader:
        """What a kind may ask of the account; it remembers what CloudWatch listed and what instance types have."""
        # Loads the table of instance types, which only those need who describe resources.
        from sagewatch.aws.sagemaker import AccountReader

        return AccountReader.of(self.sagemaker, self.cloudwatch)

    @cached_property
    def scheduler(self) -> Any:
        return boto3.client("scheduler", config=self.config)

    # Its model is the largest of these: the client takes about 65 ms, the others 6 to 25.
    @cached_property
    def sagemaker(self) -> SageMakerClient:
        return boto3.client("sagemaker", config=self.config)

    @cached_property
    def sns(self) -> SNSClient:
        return boto3.client("sns", config=self.config)

    @cached_property
    def sqs(self) -> SQSClient:
        return boto3.client("sqs", config=self.config)

    @cached_property
    def ssm(self) -> SSMClient:
        return boto3.client("ssm", config=self.config)
