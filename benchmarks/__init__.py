"""Measurements of the product on this machine, without AWS: `make bench` runs all. None of them asserts a time.

`aws_calls`: AWS calls and CPU time of reconcile and sweep, and each function's cold start. `plan_command`: the same of
`sagewatch plan`. `lost_messages`: what is lost, missing or repeated while Slack fails and throttles.
"""
