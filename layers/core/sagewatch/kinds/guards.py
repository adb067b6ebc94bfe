"""The alarms that roll a deployment back: named in the last deployment of an endpoint or an inference component."""

from __future__ import annotations

from sagewatch.model import Description


def guards(described: Description) -> frozenset[str]:
    """Return the names in the AutoRollbackConfiguration of what DescribeEndpoint or DescribeInferenceComponent says."""
    deployment = described.get("LastDeploymentConfig") or {}
    alarms = (deployment.get("AutoRollbackConfiguration") or {}).get("Alarms") or ()
    return frozenset(alarm["AlarmName"] for alarm in alarms)
