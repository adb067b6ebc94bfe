"""One module for each command: its options, one call into `account/` or `local/`, and how the answer is printed.

What the answer says is decided in the module of `account/` with the same name. Nothing here calls AWS.
"""
