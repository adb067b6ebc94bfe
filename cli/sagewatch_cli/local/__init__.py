"""A laptop that plays AWS: emulators, our doubles for what they lack, and the real template deployed on them.

Nothing here is deployed, and nothing that is deployed imports it. No decisions about alarms or notices belong here.
"""
