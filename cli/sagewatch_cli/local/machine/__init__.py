"""What the local stack needs of this machine: the checkout, an environment without AWS settings, processes, ports.

Nothing here knows of AWS services or Slack. Read `checkout` first.
"""
