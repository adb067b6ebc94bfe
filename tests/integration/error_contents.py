"""What an error tells whoever looks at all of it."""

from __future__ import annotations

import traceback
from collections.abc import Iterator


def told(error: BaseException) -> str:
    """Return all that an error drags along, shown or not: its text, its values, its causes and their contexts."""
    return "\n".join(_told(error, set()))


def _told(error: BaseException | None, seen: set[int]) -> Iterator[str]:
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    values = {name: getattr(error, name, None) for name in dir(error) if not name.startswith("__")}
    yield f"{error} {error!r} {error.args!r} {values!r}"
    yield "".join(traceback.format_exception(error))
    yield from _told(error.__cause__, seen)
    yield from _told(error.__context__, seen)
