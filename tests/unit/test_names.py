from hypothesis import given
from hypothesis import strategies as st

from sagewatch.model import Labels, Ref
from sagewatch.watch.names import LONGEST, alarm_name, is_owned, search_prefix

PIPELINES = st.from_regex(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,120}", fullmatch=True).map(lambda name: name[:256])


def labels(ref: Ref, scope: str = "all", alarm: str = "executions-failed") -> Labels:
    return Labels({"severity": "critical", "kind": ref.kind, "resource": ref.name, "scope": scope, "alarm": alarm})


def test_a_name_says_kind_resource_scope_and_alarm() -> None:
    name = alarm_name("sagewatch", Ref("endpoint", "churn"), "AllTraffic", "latency-p99")

    assert name == "sagewatch/endpoint/churn/AllTraffic/latency-p99"


def test_a_name_that_fits_is_never_cut() -> None:
    ref = Ref("pipeline", "p" * 214)

    name = alarm_name("sagewatch", ref, "all", "executions-failed")

    assert name == f"sagewatch/pipeline/{ref.name}/all/executions-failed"
    assert len(name) == LONGEST


def test_two_long_names_that_differ_at_the_end_stay_apart() -> None:
    one, other = Ref("pipeline", "p" * 255 + "a"), Ref("pipeline", "p" * 255 + "b")

    names = {alarm_name("sagewatch", ref, "s" * 64, "step-failed") for ref in (one, other)}

    assert len(names) == 2
    assert all(len(name) <= LONGEST for name in names)


@given(resource=PIPELINES, scope=st.text("abc-", min_size=1, max_size=64))
def test_every_alarm_of_a_resource_is_found_by_its_search_prefix_and_owned(resource: str, scope: str) -> None:
    ref = Ref("pipeline", resource)

    name = alarm_name("sagewatch", ref, scope, "step-failed")

    assert len(name) <= LONGEST
    assert name.startswith(search_prefix("sagewatch", ref))
    assert is_owned("sagewatch", ref, name, labels(ref, scope, "step-failed"))


def test_a_neighbour_whose_name_extends_ours_is_not_found() -> None:
    neighbour = alarm_name("sagewatch", Ref("endpoint", "churn-v2"), "AllTraffic", "cpu")

    assert not neighbour.startswith(search_prefix("sagewatch", Ref("endpoint", "churn")))


def test_a_long_neighbour_that_the_search_finds_is_not_owned() -> None:
    ours, neighbour = Ref("pipeline", "p" * 100), Ref("pipeline", "p" * 100 + "-v2")
    name = alarm_name("sagewatch", neighbour, "all", "executions-failed")

    assert name.startswith(search_prefix("sagewatch", ours))
    assert not is_owned("sagewatch", ours, name, labels(neighbour))


def test_an_alarm_without_labels_is_not_ours_whatever_its_name() -> None:
    assert not is_owned("sagewatch", Ref("endpoint", "churn"), "sagewatch/endpoint/churn/AllTraffic/cpu", None)


def test_an_alarm_whose_labels_speak_of_another_resource_is_not_ours() -> None:
    borrowed = labels(Ref("endpoint", "other"), "AllTraffic", "cpu")

    assert not is_owned("sagewatch", Ref("endpoint", "churn"), "sagewatch/endpoint/churn/AllTraffic/cpu", borrowed)
