"""Deliveries at a steady rate and asks through the front door while pods come and go, and what must hold afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.fleet import Fleet, Load
from tests.e2e.waiting import wait_until
from tests.e2e.world import World
from tests.pods.installation import Pods

CATCH_UP_S = 30.0


@dataclass
class Crowd(Fleet):
    """The world behind the router; `under_load` runs both kinds of traffic."""

    spans: list[tuple[str, float, float]] = field(default_factory=list)

    @property
    def pods(self) -> Pods:
        """The installation."""
        stack = self.world.stack
        assert isinstance(stack, Pods)
        return stack

    def urls(self, path: str) -> list[str]:
        """One front door."""
        return [f"{self.pods.front('')}{path}"]

    @contextmanager
    def under_load(self, rate: float, pause: float = 0.7) -> Iterator[Load]:
        """Deliveries at a rate and an ask every `pause` seconds while the block runs."""
        load, ended = self.load(rate), threading.Event()
        asker = threading.Thread(target=self._ask_again, args=(ended, pause), daemon=True)
        asker.start()
        try:
            yield load
        finally:
            ended.set()
            asker.join(60)
            load.finish()
            print(f"deliveries {load.tally()}, slowest {load.slowest:.2f} s, asks {len(self.asks)}")

    def _ask_again(self, ended: threading.Event, pause: float) -> None:
        while not ended.wait(pause):
            self.ask("while pods come and go")

    def step(self, what: str, act: Any) -> None:
        """Something happens to the pods; afterwards what had arrived by then is read within 30 s."""
        began = time.monotonic()
        act()
        done, ends = time.monotonic(), self.pods.ends("webhook")
        wait_until(lambda: self._behind(ends) == 0, CATCH_UP_S, f"{what}: the linkers catch up")
        spent, caught = done - began, time.monotonic() - done
        self.spans.append((what, spent, caught))
        print(f"{time.strftime('%H:%M:%S')} {what}: {spent:.1f} s, caught up {caught:.1f} s later", flush=True)

    def _behind(self, ends: dict[int, int]) -> int:
        sql = """select topic_partition as number, next_offset as place from consumer_offset
                  where group_name = %s and topic = %s"""
        place = (f"{self.pods.prefix}linker", self.pods.topic("webhook"))
        places = {row["number"]: row["place"] for row in self.pods.rows(sql, *place)}
        return sum(max(0, end - places.get(number, 0)) for number, end in ends.items())

    def scale(self, name: str, replicas: int) -> None:
        """As `kubectl scale`, until it is so."""
        deployment = self.pods.cluster.deployment(name)

        def act() -> None:
            deployment.scale(replicas)
            self.pods.cluster.wait(120, [name])

        self.step(f"{name} {replicas}", act)

    def hold(self, load: Load) -> None:
        """Nothing was refused, lost or done twice."""
        assert set(load.tally()) == {200}, (load.tally(), self.pods.cluster.answered())
        began = time.monotonic()
        self.world.drained(CATCH_UP_S)
        print(f"all work done {time.monotonic() - began:.1f} s after the last delivery")
        self.finish(60)
        assert [ask for ask in self.asks if not ask.accepted] == []
        assert self.wrong_asks() == []
        assert self.lost(load) == []
        assert len(self.pods.rows("select 1 from delivery where request_id = any(%s)", list(load.outcomes))) == len(
            load.outcomes
        )


def crowd_of(world: World) -> Crowd:
    """A world's crowd; its conversations take a moment."""
    world.stack.sims.ohe.script(step_ms=60, work_ms=700)
    return Crowd(world)
