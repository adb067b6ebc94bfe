import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagewatch.model import PER_CAPACITY, Unit
from sagewatch.units import humanise, parse


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("800ms", Unit.MICROSECONDS, 800_000),
        ("2.5s", Unit.MICROSECONDS, 2_500_000),
        ("1.1 s", Unit.MICROSECONDS, 1_100_000),
        ("1000000", Unit.MICROSECONDS, 1_000_000),
        ("1h", Unit.MILLISECONDS, 3_600_000),
        ("2min", Unit.SECONDS, 120),
        ("90", Unit.PERCENT_OF_VCPUS, 90),
        ("90%", Unit.PERCENT, 90),
        ("90 %", Unit.RATIO, 0.9),
        ("0.9", Unit.RATIO, 0.9),
        ("5", Unit.COUNT, 5),
    ],
)
def test_a_quantity_is_converted_to_the_unit_of_its_metric(text: str, unit: Unit, value: float) -> None:
    assert parse(text, unit) == value


@pytest.mark.parametrize(
    ("text", "unit", "says"),
    [
        ("fast", Unit.MICROSECONDS, "'fast' is not a number with a unit, such as 800ms or 2.5s"),
        ("", Unit.COUNT, "'' is not a number with a unit, such as 5"),
        ("-5", Unit.COUNT, "'-5' is not a number with a unit, such as 5"),
        ("90%", Unit.MICROSECONDS, "'90%' has the wrong unit; write 800ms or 2.5s"),
        ("2s", Unit.PERCENT, "'2s' has the wrong unit; write 90%"),
        ("900", Unit.PERCENT_OF_VCPUS, "'900' is over 100%; a share counts in percent of all cores or devices"),
        ("120%", Unit.RATIO, "'120%' is over 100%; a share counts in percent of all cores or devices"),
    ],
)
def test_a_quantity_that_cannot_be_meant_is_refused_in_words(text: str, unit: Unit, says: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the whole message is compared
        parse(text, unit)

    assert str(refused.value) == says


@pytest.mark.parametrize(
    ("value", "unit", "capacity", "says"),
    [
        (1_843_221, Unit.MICROSECONDS, None, "1.84 s"),
        (430_000, Unit.MICROSECONDS, None, "430 ms"),
        (999_600, Unit.MICROSECONDS, None, "1.00 s"),
        (30_000_000, Unit.MICROSECONDS, None, "30 s"),
        (12_340_000, Unit.MICROSECONDS, None, "12.3 s"),
        (250, Unit.MICROSECONDS, None, "250 µs"),
        (0, Unit.MICROSECONDS, None, "0 µs"),
        (7_500_000, Unit.MILLISECONDS, None, "2 h 5 min"),
        (59.999, Unit.SECONDS, None, "1 min"),
        (300, Unit.SECONDS, None, "5 min"),
        (3600, Unit.SECONDS, None, "1 h"),
        (90_061, Unit.SECONDS, None, "1 d 1 h"),
        (744, Unit.PERCENT_OF_VCPUS, 8, "93 % of 8 vCPU"),
        (388, Unit.PERCENT_OF_GPUS, 4, "97 % of 4 GPU"),
        (744, Unit.PERCENT_OF_VCPUS, None, "744 %"),
        (2.14, Unit.PERCENT, None, "2.1 %"),
        (0.93, Unit.RATIO, None, "93 %"),
        (0, Unit.COUNT, None, "0"),
        (1, Unit.COUNT, None, "1"),
        (9_999, Unit.COUNT, None, "9999"),
        (12_400, Unit.COUNT, None, "12.4k"),
        (3_000_000, Unit.COUNT, None, "3M"),
    ],
)
def test_a_value_reads_as_people_say_it(value: float, unit: Unit, capacity: int | None, says: str) -> None:
    assert humanise(value, unit, capacity) == says


TIMES = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
BASES = {Unit.MICROSECONDS: 1e-6, Unit.MILLISECONDS: 1e-3, Unit.SECONDS: 1.0}
numbers = st.decimals(0, 10_000, places=3).map(lambda number: f"{number:f}")


@given(numbers, st.sampled_from(sorted(TIMES)), st.sampled_from(sorted(BASES)))
def test_a_time_means_the_same_in_every_unit_of_a_metric(number: str, suffix: str, unit: Unit) -> None:
    found = parse(f"{number} {suffix}", unit)

    assert found * BASES[unit] == pytest.approx(float(number) * TIMES[suffix], rel=1e-6, abs=1e-6 * BASES[unit])


@given(st.decimals(0, 100, places=2).map(lambda number: f"{number:f}"))
def test_a_share_means_the_same_in_every_unit_of_a_metric(number: str) -> None:
    percent = parse(f"{number}%", Unit.PERCENT)

    assert parse(f"{number}%", Unit.RATIO) == pytest.approx(percent / 100, abs=1e-6)
    assert {parse(f"{number}%", unit) for unit in PER_CAPACITY} == {percent}


@given(st.text(max_size=20), st.sampled_from(list(Unit)))
def test_any_text_at_all_is_a_quantity_or_an_error_in_words(text: str, unit: Unit) -> None:
    said = ""
    try:
        found = parse(text, unit)
    except ValueError as wrong:
        found, said = 0, str(wrong)

    assert found >= 0
    assert not said or text in said


@given(st.floats(0, 1e12), st.sampled_from(list(Unit)))
def test_every_value_can_be_said(value: float, unit: Unit) -> None:
    assert humanise(value, unit, 8)
