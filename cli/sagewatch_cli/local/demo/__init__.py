"""`sagewatch local demo`: the main job played from beginning to end, and printed as it happens.

Nothing else imports it. Read `story` first.
"""
