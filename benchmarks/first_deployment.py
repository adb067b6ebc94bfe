"""Plays the first deployment over a fleet against CloudWatch's quota, in a time that stands still while code runs.

Two workers take batches of five from the backfill queue, as the template has it. CloudWatch takes three puts a second
(CloudWatch service quotas) from a bucket of three. What a bucket holds at most is not documented.

Run: .venv/bin/python -m benchmarks.first_deployment [endpoints]
"""

from __future__ import annotations

import json
import random
import sys
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from benchmarks.counted_account import CountedAccount, throttled
from benchmarks.virtual_time import VirtualTime
from sagewatch.aws.clients import Clients
from sagewatch.aws.deadline import Deadline
from sagewatch.aws.pace import Pace
from sagewatch.aws.policy_store import PolicyStore
from sagewatch.aws.retries import PATIENT
from sagewatch.errors import Retry
from sagewatch.model import Ref
from sagewatch.watch.batch import Batch

QUOTA = 3.0  # puts a second
CALL_S = 0.04
WORKERS, BATCH, TIMEOUT_S, VISIBILITY_S = 2, 5, 120.0, 720.0  # template.yaml
QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/backfill"


class Killed(BaseException):
    """Lambda ended the invocation."""


@dataclass(slots=True)
class Quota:
    """A bucket of puts that fills at QUOTA a second, and what became of the puts."""

    time: VirtualTime
    puts: float = QUOTA
    filled_at: float = 0.0
    taken: int = 0
    refused: int = 0
    others: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})

    def take(self) -> bool:
        """Take one put, if there is one."""
        now = self.time.now()
        self.puts = min(QUOTA, self.puts + (now - self.filled_at) * QUOTA)
        self.filled_at = now
        if self.puts < 1:
            return False
        self.puts -= 1
        return True


@dataclass(slots=True)
class Deployment:
    """One first deployment: the fleet, the queue, and the workers."""

    endpoints: int
    others_a_second: float = 0.0
    """Puts a second that somebody else asks for, each once."""
    time: VirtualTime = field(default_factory=VirtualTime)
    killed: int = 0
    invocations: int = 0
    failed: int = 0

    def play(self) -> dict[str, Any]:
        """Play it to its end, and return its figures."""
        random.seed(0)  # botocore's pauses between attempts are drawn
        quota = Quota(self.time)
        account = CountedAccount(self.endpoints)
        queue = deque((0.0, json.dumps({"kind": "endpoint", "name": name})) for name in account.endpoints)
        working = [True] * WORKERS
        ends: dict[int, float] = {}
        running: list[int] = [0]

        def before(operation: str) -> Any:
            worker = running[0]
            self.time.sleep(CALL_S)
            if self.time.now() >= ends[worker]:
                raise Killed
            running[0] = worker
            if operation != "PutMetricAlarm":
                return None
            if quota.take():
                quota.taken += 1
                return None
            quota.refused += 1
            return throttled()

        account.before = before

        def work(number: int) -> None:
            boto = {each: account.client(each, PATIENT) for each in ("sagemaker", "cloudwatch", "sqs")}
            for client in boto.values():
                client.meta.events.register_first("before-send", lambda **_: running.__setitem__(0, number))
            clients = Clients(PATIENT, pace=Pace(self.time.now, self.time.sleep), **boto)
            while queue:
                taken = [queue.popleft() for _ in range(min(BATCH, len(queue)))]
                due = [body for at, body in taken if at <= self.time.now()]
                queue.extend(each for each in taken if each[0] > self.time.now())
                if not due:
                    self.time.sleep(1.0)
                    continue
                ends[number] = self.time.now() + TIMEOUT_S
                self.invocations += 1
                queue.extend(
                    (self.time.now() + VISIBILITY_S, body) for body in self._invoke(clients, due, ends[number])
                )
                queue.extend((0.0, body) for body in account.bodies)
                account.bodies.clear()
            working[number] = False

        def others() -> None:
            while self.others_a_second and any(working):
                quota.others[quota.take()] += 1
                self.time.sleep(1 / self.others_a_second)

        with self.time.of_botocore():
            self.time.run(*(lambda n=n: work(n) for n in range(WORKERS)), others)
        floor = len(account.alarms) / (QUOTA - self.others_a_second)
        tried = sum(quota.others.values())
        return {
            "endpoints": self.endpoints,
            "alarms": len(account.alarms),
            "seconds": round(self.time.now()),
            "times_the_floor": round(self.time.now() / floor, 3),
            "puts_throttled_share": round(quota.refused / (quota.refused + quota.taken), 3),
            "invocations": self.invocations,
            "invocations_killed": self.killed,
            "messages_failed": self.failed,
            "others_a_second": self.others_a_second,
            "others_served_share": round(quota.others[True] / tried, 3) if tried else None,
        }

    def _invoke(self, clients: Clients, bodies: list[str], end: float) -> list[str]:
        """Do one batch; return the messages that come back."""
        batch = Batch(
            clients, "sagewatch", PolicyStore(None, None, PATIENT), Deadline(lambda: int((end - self.time.now()) * 1e3))
        )
        back = []
        for body in bodies:
            try:
                batch.reconcile(Ref(**json.loads(body)), QUEUE)
            except Retry:
                self.failed += 1
                back.append(body)
            except Killed:
                self.killed += 1
                return bodies
        return back


if __name__ == "__main__":
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    for others in (0.0, 1.0):
        print(json.dumps(Deployment(size, others).play(), indent=2))
