"""A signed JSON document for an address of the account's owner."""
