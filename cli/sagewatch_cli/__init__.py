"""The `sagewatch` command: what people run on their own machine; nothing of it is deployed.

Read `commands/` first, one module for each command. A command reads its options, lets `account/` find out and decide,
and prints the answer. `local/` plays AWS on this machine, for `sagewatch local demo` and for the end-to-end tests.
"""
