"""Alarms for every SageMaker resource, and what they say.

Deciding (`plan`, `diff`, `policy`, `names`, `events`, `kinds`) and telling (`notices`, `routes`, `wording`) are
pure. Only `aws` and `channels` talk to the outside. `reconcile`, `sweep` and `notify` call the others in order;
nothing else belongs here.
"""
