"""A short history that a test tells step by step: an account with the stack in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from tests.model.account import WRITES, AccountDouble, Queue
from tests.model.clean_room import People, differences
from tests.model.stack import QUEUE_URL, Stack
from tests.model.world import World


@dataclass(slots=True)
class Scene:
    """An account with the stack in it."""

    account: AccountDouble = field(default_factory=AccountDouble)
    stack: Stack = field(init=False)
    world: World = field(init=False)

    def __post_init__(self) -> None:
        self.stack = Stack(self.account)
        self.world = World(self.account, self.stack.event)
        self.policy("# as deployed")

    def policy(self, text: str) -> None:
        """Push a policy; nothing is told of it."""
        self.account.parameters.setdefault(self.stack.policy_parameter, []).append(text)

    def made(self, kind: str, name: str = "churn", shape: int = 0) -> set[str]:
        """Make a resource, let its events be worked on, and return the names of its alarms."""
        self.world.create(kind, name, shape)
        self.stack.drain()
        return self.alarms(kind, name)

    def alarms(self, kind: str, name: str = "churn") -> set[str]:
        return {alarm for alarm in self.account.alarms if alarm.startswith(f"sagewatch/{kind}/{name}/")}

    def silently(self) -> None:
        """From now on no event arrives."""
        self.world.fate = lambda _event: iter(())

    def swept(self, mode: str = "light", after: timedelta = timedelta(minutes=16)) -> None:
        """Let a quarter of an hour pass, sweep once, and work on what was named."""
        self.account.clock.now += after
        assert self.stack.sweep(mode).raised is None
        self.stack.drain()

    def dead(self) -> list[str]:
        return [body for queue in self.account.queues.values() for body in queue.dead]

    def reconcile_queue(self) -> Queue:
        return self.account.queues[QUEUE_URL.format("ReconcileQueue")]

    def named(self) -> int:
        """Sweep once (light) and return how many messages that sent to anybody but notify."""
        self.account.clock.advance(16 * 60)
        queues = [queue for url, queue in self.account.queues.items() if "Notify" not in url]
        before = sum(queue.sent for queue in queues)
        self.stack.sweep()
        sent = sum(queue.sent for queue in queues) - before
        self.stack.drain()
        return sent

    def since(self, begin: int) -> Counter[str]:
        """Return the writes since so many calls."""
        return Counter(operation for operation, _ in self.account.calls[begin:] if operation in WRITES)

    def wrong(self) -> list[str]:
        return list(differences(self.world, People()))
