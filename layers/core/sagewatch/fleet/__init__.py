"""All resources of the account: what lives, what is watched, which rows the budget has room for, what is muted.

No alarm is written here: a resource that needs a look is named in the queue of `watch`. Nothing here tells people.
Read `sweep` first.
"""
