"""Plays Parameter Store around the policy: its owner changes the document, and its event follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sagewatch.aws.policy_store import NOTHING
from sagewatch_cli.local.doubles.event_bus import BusEvent, TakesEvents
from sagewatch_cli.local.drivers.payloads import Events
from sagewatch_cli.local.machine.environment import ACCOUNT, REGION

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

type ParameterOperation = Literal["Create", "Update", "Delete"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDriver:
    """Changes the document in a stack's parameter past our own command, and tells."""

    client: SSMClient
    parameter: str
    bus: TakesEvents
    events: Events

    @property
    def version(self) -> int:
        """The version of the document that is there, 0 when there is none."""
        try:
            return self.client.get_parameter(Name=self.parameter)["Parameter"]["Version"]
        except self.client.exceptions.ParameterNotFound:
            return 0

    def put(self, text: str) -> BusEvent:
        """Write a document that nobody checked, and tell."""
        self.client.put_parameter(Name=self.parameter, Value=text, Type="String", Overwrite=True)
        return self.tell("Update")

    def tell(self, operation: ParameterOperation = "Update") -> BusEvent:
        """Tell that somebody changed the parameter."""
        arn = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{self.parameter}"
        event = self.events.make(
            "policy-changed", detail={"name": self.parameter, "operation": operation}, resources=[arn]
        )
        self.bus.put_event(event)
        return event

    def forget(self) -> None:
        """Put the parameter back as the sweep makes it, without the versions before, and tell nobody."""
        self.client.delete_parameters(Names=[self.parameter])
        self.client.put_parameter(Name=self.parameter, Value=NOTHING, Type="String")
