"""What answers in place of AWS and Slack: moto with our SageMaker and CloudWatch, an event bus, a Slack workspace.

A double answers requests; it changes nothing by itself (`drivers` does). Read `server` first.
"""
