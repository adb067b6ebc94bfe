"""Counts, words and sends the daily digest: `summary` decides, `messages` words it, `send` sends it."""
