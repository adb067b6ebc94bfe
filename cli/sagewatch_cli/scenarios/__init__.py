"""Plays faults and ordinary days through the product: what SageMaker would publish, and what our alarms would say.

Nothing here calls AWS or is part of the deployed functions. Read `table` first: one line is one scenario.
"""
