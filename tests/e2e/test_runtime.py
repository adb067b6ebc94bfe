"""Each built function under AWS's own runtime interface client, with the template's variables and nothing else.

ministack runs functions on its own interpreter and lets its environment shine through; here neither is so.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3

from sagewatch_cli.local.drivers.sagemaker import ProductionVariant
from sagewatch_cli.local.machine.checkout import Checkout, architecture
from sagewatch_cli.local.machine.environment import AWS, REGION
from sagewatch_cli.local.machine.loopback import LOOPBACK, free_port
from sagewatch_cli.local.machine.processes import child
from sagewatch_cli.local.machine.waiting import until
from tests.e2e.world import World

pytestmark = pytest.mark.e2e

FUNCTIONS = ("Reconcile", "Sweep", "Notify")
COMPILED = ("pydantic_core/_pydantic_core", "yaml/_yaml")


@dataclass(frozen=True, slots=True)
class Runtime:
    """A function under the runtime interface emulator."""

    url: str
    log: Path

    def invoke(self, event: object) -> Any:
        """Invoke it; the emulator takes one request at a time, and answers errors with status 200."""
        with urllib3.PoolManager() as http:
            answer = http.request("POST", self.url, json=event, timeout=60, retries=False)
        return json.loads(answer.data)


@contextmanager
def running(checkout: Checkout, function: str, environment: Mapping[str, str], log: Path) -> Iterator[Runtime]:
    api, runtime, task = free_port(), free_port(), checkout.build / function
    machine = {"arm64": "arm64", "x86_64": "x86_64"}[architecture()]
    [emulator] = checkout.sam.parents[1].glob(
        f"lib/python3.*/site-packages/samcli/local/rapid/aws-lambda-rie-{machine}"
    )
    command = [
        *(str(emulator), "--runtime-interface-emulator-address", f"{LOOPBACK}:{api}"),
        *("--runtime-api-address", f"{LOOPBACK}:{runtime}"),
        *(str(checkout.runtime), "-m", "awslambdaric", "app.handler"),
    ]
    env = {
        **environment,
        "PATH": "/usr/bin:/bin",
        "LAMBDA_TASK_ROOT": str(task),
        "PYTHONPATH": f"{task}:{checkout.build / 'CoreLayer/python'}",
        "_HANDLER": "app.handler",
        "AWS_LAMBDA_FUNCTION_NAME": function,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": AWS["AWS_ACCESS_KEY_ID"],
        "AWS_SECRET_ACCESS_KEY": AWS["AWS_SECRET_ACCESS_KEY"],
    }
    with log.open("wb") as output, child(command, env=env, cwd=task, stdout=output):
        until("the runtime to listen", lambda: listens(api))
        yield Runtime(f"http://{LOOPBACK}:{api}/2015-03-31/functions/function/invocations", log)


def listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


def variables(world: World, function: str) -> dict[str, str]:
    """Return the function's variables as they are deployed, and the time that Lambda gives it."""
    name = world.stack.resources[function]
    configuration = world.stack.client("lambda").get_function_configuration(FunctionName=name)
    found: dict[str, str] = configuration["Environment"]["Variables"]
    return {**found, "AWS_LAMBDA_FUNCTION_TIMEOUT": str(configuration["Timeout"])}


def endpoints(world: World) -> dict[str, str]:
    """Return where AWS is; on AWS nobody needs to say."""
    running = world.stack.emulators
    return {
        "AWS_ENDPOINT_URL": running.ministack,
        "AWS_ENDPOINT_URL_SAGEMAKER": running.endpoint("sagemaker"),
        "AWS_ENDPOINT_URL_CLOUDWATCH": running.endpoint("cloudwatch"),
    }


def records(*bodies: str) -> dict[str, Any]:
    """Return a batch of SQS messages as Lambda gets it."""
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "receiptHandle": "handle",
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1767323045000"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:queue",
                "awsRegion": REGION,
            }
            for number, body in enumerate(bodies, start=1)
        ]
    }


FAILURE = records((Checkout.here().root / "events/training-job-failed.json").read_text())
NOBODY = records(json.dumps({"kind": "endpoint", "name": "nobody"}), "not json")
SOMEBODY = records(json.dumps({"kind": "endpoint", "name": "churn"}))  # of what is gone no policy is read


@pytest.mark.parametrize(
    ("function", "event", "answer"),
    [
        ("Reconcile", NOBODY, {"batchItemFailures": [{"itemIdentifier": "m2"}]}),
        ("Sweep", {}, {"live": 0, "watched": 0, "named": 0, "unwatched": 0}),
        ("Notify", records("not json"), {"batchItemFailures": [{"itemIdentifier": "m1"}]}),
    ],
    ids=FUNCTIONS,
)
def test_a_built_function_works_with_the_variables_of_the_template_alone(
    world: World, tmp_path: Path, function: str, event: object, answer: object
) -> None:
    environment = {**variables(world, function), **endpoints(world)}

    with running(world.stack.emulators.checkout, function, environment, tmp_path / "log") as runtime:
        assert runtime.invoke(event) == answer


@pytest.mark.parametrize(
    ("function", "variable"),
    [
        ("Sweep", "RECONCILE_QUEUE_URL"),
        ("Notify", "ALERTS_TOPIC_ARN"),
        ("Notify", "INCIDENTS_TABLE"),
    ],
)
def test_a_function_that_lacks_a_variable_does_not_start_and_names_it(
    world: World, tmp_path: Path, function: str, variable: str
) -> None:
    environment = {**variables(world, function), **endpoints(world)}
    del environment[variable]

    with running(world.stack.emulators.checkout, function, environment, tmp_path / "log") as runtime:
        answer = runtime.invoke({})

    assert answer["errorType"].endswith("BadSetting"), runtime.log.read_text()
    assert answer["errorMessage"].startswith(f"{variable} is not set")


@pytest.mark.parametrize("processor", ["x86_64", "aarch64"])
@pytest.mark.parametrize("module", COMPILED)
def test_the_layer_holds_what_is_compiled_for_both_processors(built: Checkout, module: str, processor: str) -> None:
    library = built.build / f"CoreLayer/python/{module}.cpython-313-{processor}-linux-gnu.so"

    header = library.read_bytes()[:20]

    # ELF, 64 bits, and the machine it is for (e_machine: 62 is x86-64, 183 AArch64).
    assert header[:5] == b"\x7fELF\x02"
    assert int.from_bytes(header[18:20], "little") == {"x86_64": 62, "aarch64": 183}[processor]


def imported(runtime: Runtime) -> set[str]:
    """Return the packages that a function under PYTHONPROFILEIMPORTTIME has imported."""
    lines = runtime.log.read_text(errors="replace").splitlines()
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines if line.startswith("import time:")}


@pytest.mark.parametrize(
    ("function", "event"), [("Reconcile", SOMEBODY), ("Sweep", {}), ("Notify", FAILURE)], ids=FUNCTIONS
)
@pytest.mark.parametrize(
    ("policy", "parsers"), [("", set()), ("budget: 99", {"pydantic", "yaml"})], ids=["no policy", "a policy"]
)
def test_only_who_has_a_policy_pays_for_its_parser(
    world: World, tmp_path: Path, function: str, event: object, policy: str, parsers: set[str]
) -> None:
    world.sagemaker.create_endpoint("churn", ProductionVariant("AllTraffic", "ml.m5.xlarge"))
    if policy:
        world.policy.client.put_parameter(Name=world.policy.parameter, Value=policy, Overwrite=True)
    environment = {**variables(world, function), **endpoints(world), "PYTHONPROFILEIMPORTTIME": "1"}

    with running(world.stack.emulators.checkout, function, environment, tmp_path / "log") as runtime:
        runtime.invoke(event)

    assert "sagewatch" in imported(runtime)
    assert imported(runtime) & {"pydantic", "yaml"} == parsers


def test_a_built_function_follows_a_policy_with_the_variables_of_the_template_alone(
    world: World, tmp_path: Path
) -> None:
    world.silent_sagemaker.create_endpoint("churn", ProductionVariant("AllTraffic", "ml.m5.2xlarge"))
    policy = "alarms: [{kind: endpoint, alarm: cpu, threshold: 80%}]"
    world.policy.client.put_parameter(Name=world.policy.parameter, Value=policy, Overwrite=True)
    environment = {**variables(world, "Reconcile"), **endpoints(world)}

    with running(world.stack.emulators.checkout, "Reconcile", environment, tmp_path / "log") as runtime:
        answer = runtime.invoke(records(json.dumps({"kind": "endpoint", "name": "churn"})))

    assert answer == {"batchItemFailures": []}
    assert world.alarms()["sagewatch/endpoint/churn/AllTraffic/cpu"]["Threshold"] == 8 * 80


def click(secret: str, said: str) -> dict[str, Any]:
    """Return a click on Acknowledge as a function URL hands it on, signed with a secret."""
    action = {"action_id": "ack", "value": said, "action_ts": f"{time.time():.6f}"}
    payload = {"type": "block_actions", "user": {"id": "U0ALICE"}, "actions": [action]}
    body, stamp = urlencode({"payload": json.dumps(payload)}), str(int(time.time()))
    signature = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    headers = {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={signature}"}
    return {"headers": headers, "body": base64.b64encode(body.encode()).decode(), "isBase64Encoded": True}


def test_a_click_is_taken_from_slack_alone_and_is_told(world: World, tmp_path: Path) -> None:
    bot = {**world.stack.emulators.slack.bot, "signing_secret": "of the app"}
    world.stack.client("ssm").put_parameter(
        Name="/sagewatch/buttons", Type="SecureString", Value=json.dumps(bot), Overwrite=True
    )
    kept = ("ALARM_PREFIX", "INCIDENTS_TABLE", "NOTIFY_QUEUE_URL")
    environment = {name: value for name, value in variables(world, "Notify").items() if name in kept}
    environment |= {**endpoints(world), "SLACK_CREDENTIALS": "ssm:/sagewatch/buttons"}
    world.sagemaker.create_endpoint("churn", ProductionVariant("AllTraffic", "ml.m5.2xlarge"))
    world.reconciled()
    world.cloudwatch.fire("sagewatch/endpoint/churn/AllTraffic/errors-5xx", 12.5)
    world.notified()

    with running(world.stack.emulators.checkout, "Interact", environment, tmp_path / "log") as runtime:
        answers = [runtime.invoke(click(secret, "default|endpoint/churn")) for secret in ("a guess", "of the app")]
    world.notified()

    assert answers == [{"statusCode": 401}, {"statusCode": 200}]
    [said] = world.said()
    assert said.text.endswith("CRITICAL, acknowledged")
