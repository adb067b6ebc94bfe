from __future__ import annotations

from dataclasses import dataclass, field

from sagewatch.aws.pace import Pace


@dataclass(slots=True)
class Clock:
    """A time in which sleeping takes no time."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def pace(self) -> Pace:
        return Pace(lambda: self.now, self.sleep)


def puts(pace: Pace, number: int) -> None:
    for _ in range(number):
        pace.wait()
        pace.answered(throttled=False)


def test_while_nothing_is_throttled_no_put_waits() -> None:
    clock = Clock()

    puts(clock.pace(), 100)

    assert clock.slept == []


def test_after_a_throttled_put_one_container_takes_half_of_the_quota() -> None:
    clock = Clock()
    pace = clock.pace()
    pace.answered(throttled=True)

    puts(pace, 90)

    assert 59 <= clock.now <= 61


def test_puts_that_are_throttled_again_make_it_slower_but_never_slower_than_one_in_two_seconds() -> None:
    clock = Clock()
    pace = clock.pace()
    for _ in range(50):
        pace.answered(throttled=True)

    pace.wait()

    assert clock.slept == [2.0]


def test_puts_catch_up_with_the_reads_between_them_but_not_with_a_long_pause() -> None:
    clock = Clock()
    pace = clock.pace()
    pace.answered(throttled=True)
    pace.wait()
    clock.now += 1.0
    before = clock.now

    puts(pace, 3)

    assert clock.now - before < 1.1
    clock.now += 3600
    clock.slept.clear()
    puts(pace, 10)
    assert sum(clock.slept) > 3
