"""Tells incidents that open together as outages: who waits, what belongs together, how an outage stands.

`cluster` and `derive` are pure; `join` writes who waits, `tell` tells a group. What is sent is sent by `delivery`.
"""
