"""Finds out why something failed or changed: descriptions, logs, likely causes, a graph."""
