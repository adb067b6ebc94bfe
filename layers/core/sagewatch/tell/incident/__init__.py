"""Derives incidents from notices. Pure.

`group` cuts notices into incidents, `thread` lists their history, `retention` decides what is kept.
"""
