"""The sentences that all receivers say alike. Pure."""
