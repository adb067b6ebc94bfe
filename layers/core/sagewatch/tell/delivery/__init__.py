"""Brings receivers up to date: `actions` is the pure difference, `deliver` carries it out."""
