"""The scripts that play the functions in one process, run as people run them: each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
STORY = """
import json
from scripts.slack_picture import incident
panels, thread = incident()
print(json.dumps({
    "colours": [each.message.content["attachments"][0]["color"] for each in panels],
    "buttons": ['"action_id": "ack"' in json.dumps(each.message.content) for each in panels],
    "replies": [each.replies for each in panels],
    "images": [bool(each.image) for each in thread],
}))
"""


def ran(*arguments: str) -> Any:
    """Run Python in the repository's folder, and return the JSON that it prints at the end."""
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout[done.stdout.index("{") :])


def test_the_picture_shows_one_message_red_with_buttons_and_then_green_with_its_history() -> None:
    story = ran("-c", STORY)

    assert story == {
        "colours": ["#E01E5A", "#2EB67D"],
        "buttons": [True, False],
        "replies": [2, 5],
        "images": [True, False, False, False, False],
    }


def test_both_handlers_are_measured_down_to_the_call_of_slack() -> None:
    figures = ran("-m", "scripts.structure", "--json")

    assert 0 < figures["event"]["modules"] <= figures["event"]["functions"]
    assert 0 < figures["notice"]["depth"] < figures["notice"]["functions"]
