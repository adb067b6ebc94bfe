"""The kinds of SageMaker resources: what each one sends, how it is described, which alarms it gets, what it tells.

No calls to AWS here (a kind is handed a `Reader`), and nothing about one account: what its owner wants is in `policy`.
Read `kind` first, then `notebook` for the smallest kind and `endpoint` for the largest.
"""
