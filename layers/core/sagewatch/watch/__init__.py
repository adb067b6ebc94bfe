"""One resource: event → ref → facts → plan → diff → apply.

Nothing here looks at two resources at once (that is `fleet`) and nothing tells people (that is `tell`).
Read `reconcile` first: it calls all the others in order.
"""
