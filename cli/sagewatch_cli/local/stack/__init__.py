"""The emulators running and the real template deployed on them by the real SAM CLI.

What is deployed is decided by template.yaml alone. Read `deployment` first.
"""
