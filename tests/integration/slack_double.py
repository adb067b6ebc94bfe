"""The Slack of the emulated stack, as the tests in this process speak of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from sagewatch_cli.local.doubles.slack import Reply, Slack, slack


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers that are given in turn, (status, body); after the last, Slack does what it usually does."""

    slack: Slack

    def append(self, answer: tuple[int, str]) -> None:
        self.slack.replies.append(Reply(*answer))

    def __iadd__(self, answers: Iterable[tuple[int, str]]) -> Self:
        for answer in answers:
            self.append(answer)
        return self


@dataclass(slots=True)
class SlackDouble:
    """A Slack on this machine that answers as told and remembers what it was sent."""

    slack: Slack
    answers: Answers

    @property
    def url(self) -> str:
        return self.slack.url

    @property
    def posts(self) -> list[tuple[str, dict[str, str], dict[str, Any]]]:
        return [(each.path, dict(each.headers), dict(each.body)) for each in self.slack.posted]


@contextmanager
def slack_double() -> Iterator[SlackDouble]:
    """Serve on a free loopback port."""
    with slack() as double:
        yield SlackDouble(double, Answers(double))
