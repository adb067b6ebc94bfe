"""What the account's owner wants otherwise: the policy document, read with line and column, and applied to the rows.

Where the document is kept is not here but in `aws.policy_store`; whom a route reaches is up to `receivers`.
Read `rules` first, then `cascade`.
"""
