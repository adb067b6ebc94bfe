"""AWS and Slack played on this machine, with the real template deployed on them: no account, no Docker.

Rooms, from the top: `demo` (the story), `drivers` (what makes things happen), `stack` (emulators and deployment),
`doubles` (what answers in place of AWS and Slack), `machine` (processes, ports, the checkout). None of it is deployed.
"""
