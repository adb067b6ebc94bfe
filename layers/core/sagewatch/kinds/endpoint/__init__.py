"""Endpoints: `observe` says what an endpoint consists of, `rows` which alarms each part of it gets."""
