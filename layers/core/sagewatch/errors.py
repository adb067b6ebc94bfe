"""What can go wrong, in the two words that the queues understand.

SagewatchError
├── Retry            the platform should try again: a throttle, a time-out, a resource that changed under our hands
├── Undeliverable    trying again cannot help: a malformed event, an unknown kind; it belongs in the dead-letter queue
└── BadSetting       the function cannot start; names the environment variable
"""


class SagewatchError(Exception):
    """Anything that this product raises on purpose."""


class Retry(SagewatchError):
    """The same work may succeed later."""


class Undeliverable(SagewatchError):
    """The same work will never succeed; a person must look."""


class BadSetting(SagewatchError):
    """An environment variable is missing or malformed; the message begins with its name."""
