"""The world of the model itself: without faults, every kind gets the alarms of its rows, and loses them."""

import time
import pytest
from tests.model.account import AccountDouble
from tests.model.stack import Stack
from tests.model.world import SHAPES, WATCHED, World

@pytest.mark.parametrize("kind", WATCHED)
def test_a(kind):
    account = AccountDouble(); stack = Stack(account, loud=True); world = World(account, stack.event)
    for n in range(len(SHAPES[kind])):
        world.create(kind, "churn", n)
        t=time.time()
        stack.drain()
        stack.sweep(); stack.drain()
        print(kind, n, len(account.alarms), [i for i in stack.invocations if i.raised], time.time()-t, len(account.calls))
    world.delete(kind, "churn")
    stack.drain(); stack.sweep(); stack.drain()
    print(sorted(account.alarms)[:2], [q.dead for q in account.queues.values() if q.dead])
    for l in stack.log.lines:
        if "ERROR" in l or "WARN" in l: print(l[:1500])
    assert 0
