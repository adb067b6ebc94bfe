"""Reads an account for the commands and decides what to say about it; a module is named after its command.

Nothing here prints or reads options (no typer, no rich). Read `session` first: it makes the AWS clients.
"""
