from hypothesis import given
from hypothesis import strategies as st

from sagewatch.model import Labels

OURS = {"severity": "critical", "kind": "endpoint", "resource": "churn", "scope": "AllTraffic", "alarm": "latency-p99"}


def test_the_labels_line_is_the_one_that_the_contracts_name() -> None:
    assert Labels({**OURS, "team": "fraud"}).line() == (
        "[sagewatch severity=critical kind=endpoint resource=churn scope=AllTraffic alarm=latency-p99 team=fraud]"
    )


def test_labels_are_found_wherever_people_put_them() -> None:
    line = Labels(OURS).line()

    for text in (line, f"Why.\n{line}", f"Why.\n{line}\nRunbook: wiki", f"{line} and more", f"Look! Why.\n{line[:-1]}"):
        assert Labels.of(text) == Labels(OURS), text


def test_the_text_is_what_is_around_the_labels() -> None:
    line = Labels(OURS).line()

    assert Labels.and_text(f"Why.\n{line}") == (Labels(OURS), "Why.")
    assert Labels.and_text(f"Why.\n{line}\nRunbook") == (Labels(OURS), "Why.\nRunbook")


def test_labels_are_read_from_the_last_line_of_a_description() -> None:
    described = "Why it matters.\n[sagewatch not=this]\n" + Labels(OURS).line() + "\n"

    assert Labels.of(described) == Labels(OURS)


def test_text_that_only_looks_like_labels_is_not_labels() -> None:
    for text in (None, "", "[sagewatch]", "[sagewatch severity=critical]", Labels(OURS).line()[:40]):
        assert Labels.of(text) is None, text


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text(max_size=40), max_size=4))
def test_any_value_comes_back_as_it_was_and_stays_on_one_line(more: dict[str, str]) -> None:
    labels = Labels({**more, **OURS})

    line = labels.line()

    assert "\n" not in line
    assert Labels.of(f"text\n{line}") == labels
