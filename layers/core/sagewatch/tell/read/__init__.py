"""Reads events: what CloudWatch says of alarms and what SageMaker says of its resources, as notices. Pure."""
