"""Puts notices into words: `text` for SNS, `slack` for Slack. Pure: nothing is sent from here."""
