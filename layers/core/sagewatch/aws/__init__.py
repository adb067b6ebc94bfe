"""Thin clients of AWS: they read facts, write requests, and turn AWS's errors into ours.

No decisions here; what to write and what an answer means is decided in the rooms above.
Read `errors` first, then `cloudwatch`.
"""
