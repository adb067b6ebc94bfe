"""What makes things happen on the local stack: resources come and go, alarms fire, the policy changes; events follow.

A driver calls the API as the owner does, brings the double into its next state and sends the events that AWS would
send. Read `sagemaker` first.
"""
