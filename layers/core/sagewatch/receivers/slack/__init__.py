"""Slack, as a bot that edits its messages or as a webhook that can only post."""
