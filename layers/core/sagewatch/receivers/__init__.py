"""The places that a route names, one folder each: `api` is the receiver and its transport, `render` the words.

Nothing here decides whether something is said: a receiver is handed an incident and says it, once.
Read `receiver` first, then `slack`.
"""
