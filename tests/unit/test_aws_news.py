"""What the locked botocore knows of SageMaker and CloudWatch is handled, or dismissed with a reason."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader

from scripts.aws_news import RECORD, Known, dismissed, handled, handler, main, news, source_files

TEXT = RECORD.read_text(encoding="utf-8")


def test_nothing_that_the_locked_botocore_knows_is_unheard_of() -> None:
    found = news(Loader(), TEXT)

    assert [str(each) for each in found.new] == [], "handle it, or dismiss it with a reason in scripts/aws_record.txt"
    assert [str(each) for each in found.gone] == [], "take it out of scripts/aws_record.txt"


def test_every_reason_is_given_once_and_stands_above_something() -> None:
    reasons = re.findall(r"^because (.+)$", TEXT, re.MULTILINE)

    assert sorted(set(reasons)) == sorted(reasons)
    assert set(dismissed(TEXT).values()) == set(reasons)


def test_nothing_is_dismissed_twice() -> None:
    named = re.findall(
        r"^(\w+ \w+ [\w-]+)", "\n".join(line for line in TEXT.splitlines() if line[:1] not in "#b"), re.M
    )

    assert sorted(set(named)) == sorted(named)


@pytest.mark.parametrize(
    ("service", "name", "verb", "module"),
    [
        ("sagemaker", "Job", "Describe", "sagemaker_job"),
        ("sagemaker", "AutoMLJobV2", "Describe", "automl_job"),
        ("sagemaker", "Endpoint", "Update", "observe"),
        ("cloudwatch", "MetricAlarm", "Put", "cloudwatch"),
        ("sagemaker", "", "Search", None),
        ("sagemaker", "Hub", "Create", None),
    ],
)
def test_an_operation_is_handled_by_the_module_that_names_it(
    service: str, name: str, verb: str, module: str | None
) -> None:
    assert handler(Known(service, "operation", name, verb), handled(source_files())) == module


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The data folder of a botocore whose SageMaker has a kind of job, a state and a metric field more."""
    model: dict[str, Any] = json.loads(json.dumps(Loader().load_service_model("sagemaker", "service-2")))
    model["operations"]["CreateDreamJob"] = {**model["operations"]["CreateJob"], "name": "CreateDreamJob"}
    del model["operations"]["CreateHub"]
    model["shapes"]["EndpointStatus"]["enum"].append("Hibernating")
    model["shapes"]["MetricsConfig"]["members"]["EnableProfileMetrics"] = {"shape": "Boolean"}
    versions = {"sagemaker": ("2017-07-24", model), "cloudwatch": ("2010-08-01", None)}
    for service, (version, changed) in versions.items():
        body = changed or Loader().load_service_model(service, "service-2")
        (tmp_path / service / version).mkdir(parents=True)
        (tmp_path / service / version / "service-2.json").write_text(json.dumps(body))
    return tmp_path


def test_a_newer_botocore_s_news_are_named_one_by_one(newer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--data", str(newer)])

    assert code == 1
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith(("new", "gone"))] == [
        "new: sagemaker field EnableProfileMetrics",
        "new: sagemaker operation CreateDreamJob",
        "new: sagemaker state EndpointStatus Hibernating",
        "gone: sagemaker operation CreateHub",
    ]


def test_what_is_handled_meanwhile_is_named_so_that_its_line_can_go() -> None:
    found = news(Loader(), TEXT + "sagemaker operation Job: Describe\n")

    assert Known("sagemaker", "operation", "Job", "Describe") in found.handled_now


@pytest.mark.parametrize("line", ["sagemaker operation", "because", "sagemaker event X: Y", "sagemaker field A"])
def test_a_record_that_cannot_be_read_names_its_line(line: str) -> None:
    with pytest.raises(SystemExit, match="line 1: "):
        dismissed(line)
