"""Messages and requests that nobody should send: each fails alone, with an error of ours, and stops no other."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

import pytest
from aws_lambda_powertools.utilities.batch import BatchProcessor

from tests.model_telling.cloud import Alarm, change_event
from tests.model_telling.world import TICK, World, world
from tests.payloads import every_event

NOTIFY, INTERACT, BATCH = 6_000, 6_000, 10
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, "", " ", "\u202e", "\ud800", "x" * 5_000, "<!channel>", "a/b#c|d", "2026-13-45",
    [], {}, [None], {"": ""}, [[[[[[]]]]]], "null", "NaN", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", 10**30,
)  # fmt: skip
CLICK = {
    "type": "block_actions",
    "user": {"id": "U0ANA"},
    "actions": [
        {"action_id": "ack", "value": "everyone|endpoint/churn", "action_ts": "1794819600.0", "type": "button"}
    ],
}


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        for key, held in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(held, (*path, key))


def mutated(body: Any, random: Random) -> Any:
    """Return a body in which one to three things are gone, or something odd."""
    body = deepcopy(body)
    for _ in range(random.randint(1, 3)):
        *before, last = random.choice(list(_places(body))[1:] or [("x",)])
        held = body
        for key in before:
            held = held[key]
        if isinstance(held, dict) and random.random() < 0.3:
            held.pop(last, None)
        else:
            held[last] = deepcopy(random.choice(ODD))
    return body


def broken(text: str, random: Random) -> str:
    """Return a text that was cut or changed somewhere, as often as not the text itself."""
    place = random.randrange(len(text) + 1)
    return random.choice((text, text, text, text[:place], text[:place] + random.choice('\x00{}[]",:é') + text[place:]))


def _records(bodies: list[str]) -> dict[str, Any]:
    attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": "0"}
    return {
        "Records": [
            {"messageId": str(n), "receiptHandle": f"r{n}-1", "body": body, "attributes": attributes}
            | {"messageAttributes": {}, "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:1:notify"}
            for n, body in enumerate(bodies)
        ]
    }


@pytest.mark.parametrize("seed", range(6))
def test_an_odd_message_fails_alone_with_an_error_of_ours(seed: int) -> None:
    random, found, foreign = Random(seed), [*every_event().values(), TICK], {}
    refuse = BatchProcessor.failure_handler

    def refused(processor: BatchProcessor, record: Any, exception: Any) -> Any:
        kind, error, _ = exception
        if not kind.__module__.startswith("sagewatch"):
            foreign.setdefault(f"{kind.__name__}: {error}"[:200], record.body[:300])
        return refuse(processor, record, exception)

    with world(routes="\n  - {name: everyone, sns: default, slack: C0ALL}\n") as here:
        with patch.object(BatchProcessor, "failure_handler", refused):
            for _ in range(NOTIFY // 6 // BATCH):
                good = change_event(
                    Alarm(f"good-{here.calls}", "memory", "warning", "", []), 1794819600, "ALARM", "OK", None
                )
                odd = [broken(json.dumps(mutated(random.choice(found), random)), random) for _ in range(BATCH - 1)]
                here.topics.mails.clear()

                failed = here.invokes(_records([*odd, json.dumps(good)]))

                assert failed is not None
                assert str(BATCH - 1) not in failed
                assert any(mail.labels.get("resource", "").startswith("good-") for mail in here.topics.mails)
                here.dynamo.items.clear()
        assert (here.failures, foreign) == ([], {})


def _requested(here: World, random: Random) -> Any:
    text = json.dumps(mutated(CLICK, random))
    body = random.choice((urlencode({"payload": broken(text, random)}), broken(f"payload={text}", random)))
    return here.requests(body.encode(errors="replace"))


def test_an_odd_click_is_answered_and_asks_for_nothing_odd() -> None:
    random = Random(0)

    with world() as here:
        for _ in range(INTERACT // 2):
            answer = _requested(here, random)
            assert answer["statusCode"] in (200, 400, 401, 403)
        asked = [json.loads(each.body) for each in here.queue.values()]

    assert {each["detail-type"] for each in asked} <= {"Sagewatch Acknowledged", "Sagewatch Snoozed"}
    assert all(isinstance(value, str) for each in asked for value in each["detail"].values())


def test_an_odd_request_is_refused_and_queues_nothing() -> None:
    random = Random(1)
    event = {
        "version": "2.0",
        "headers": {"x-slack-signature": "v0=x"},
        "body": "payload=%7B%7D",
        "isBase64Encoded": False,
    }

    with world() as here:
        here.requests(b"payload=7")
        for _ in range(INTERACT // 2):
            odd = mutated(event, random)
            # A function URL hands over a text and a truth, whatever was sent.
            odd["body"], odd["isBase64Encoded"] = str(odd.get("body") or ""), odd.get("isBase64Encoded") is True
            if random.random() < 0.1:
                odd["body"] = base64.b64encode(random.randbytes(50)).decode()
            answer = here.interact.handler(odd, None)
            assert answer["statusCode"] in (400, 401, 403)

        assert here.queue == {}
