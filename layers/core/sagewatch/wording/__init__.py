"""Puts incidents into words. Pure: nothing is sent from here.

`phrases`, `figures` and `incident` say what every channel says alike; `slack` (out of `blocks`), `text` for SNS,
`chatbot`, `pagerduty` and `webhook` say it as their readers take it.
"""
