"""Training jobs: alarms while they run, over the hosts in tens, and none afterwards."""

from __future__ import annotations

import pytest

from sagewatch_cli.local.drivers.sagemaker import Ending
from tests.e2e.world import World

pytestmark = pytest.mark.e2e

GPU = {"disk", "gpu-memory", "gpu-stalled", "memory"}


def names(job: str, hosts: str, alarms: set[str]) -> set[str]:
    return {f"sagewatch/training-job/{job}/{hosts}/{alarm}" for alarm in alarms}


def test_23_hosts_are_watched_by_three_alarms_a_row(world: World) -> None:
    world.sagemaker.start_training_job("xgb", "ml.g5.12xlarge", 23)
    world.reconciled()

    alarms = world.alarms()
    assert set(alarms) == set().union(*(names("xgb", f"algo-{hosts}", GPU) for hosts in ("1-10", "11-20", "21-23")))
    last = alarms["sagewatch/training-job/xgb/algo-21-23/gpu-memory"]
    assert last["Threshold"] == 98.0 * 4
    assert last["Metrics"] == [
        {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "/aws/sagemaker/TrainingJobs",
                    "MetricName": "GPUMemoryUtilization",
                    "Dimensions": [{"Name": "Host", "Value": f"xgb/algo-{20 + number}"}],
                },
                "Period": 60,
                "Stat": "Maximum",
            },
            "ReturnData": False,
        }
        for number in (1, 2, 3)
    ] + [
        {
            "Id": "result",
            "Expression": "MAX([m1,m2,m3])",
            "Label": "GPU memory use of the fullest host",
            "ReturnData": True,
        }
    ]


@pytest.mark.parametrize("ending", ["Completed", "Failed", "Stopped"])
def test_however_a_job_ends_its_alarms_go(world: World, ending: Ending) -> None:
    world.sagemaker.start_training_job("xgb", "ml.g5.12xlarge", 2)
    world.reconciled()
    watched = world.names()

    world.sagemaker.end_training_job("xgb", ending)
    world.reconciled()

    assert (watched, world.names()) == (names("xgb", "algo-1-2", GPU), set())
