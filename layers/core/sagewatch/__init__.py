"""Alarms for every SageMaker resource, and what they say.

`watch` keeps the alarms of one resource right, `fleet` sees to all of them, `tell` tells people through `receivers`;
`kinds` and `policy` say what is wanted, `aws` does the talking to AWS. At the top are only the nouns that all share.
"""

__version__ = "0.1.0"
"""The one of pyproject.toml, of the template and of CHANGELOG.md: a test holds them together."""
