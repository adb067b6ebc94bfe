"""Reading an account for the commands, and deciding what to say of it. Nothing here prints or knows options.

Read `session` first.
"""
