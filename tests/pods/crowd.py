"""Deliveries at a steady rate and asks through the front door while pods come and go, and what must hold afterwards."""

from __future__ import annotations

import collections
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.connect.browser import Browser
from tests.e2e.fleet import Fleet, Load
from tests.e2e.waiting import wait_until
from tests.e2e.world import World
from tests.pods.installation import Pods

CATCH_UP_S = 30.0
ORG = "0a000000-0000-4000-8000-000000000001"
PAGES = ("/integration/jira-dc/workspaces/link", "/integration/jira-dc/workspaces/status")


@dataclass
class Crowd(Fleet):
    """The world behind the router; `under_load` runs both kinds of traffic."""

    visits: collections.Counter[str] = field(default_factory=collections.Counter)

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
        """Deliveries at a rate, an ask every `pause` seconds and somebody at Settings, while the block runs."""
        load, ended = self.load(rate), threading.Event()
        others = [
            threading.Thread(target=act, args=(ended, pause), daemon=True) for act in (self._ask_again, self._visit)
        ]
        for thread in others:
            thread.start()
        try:
            yield load
        finally:
            ended.set()
            for thread in others:
                thread.join(60)
            load.finish()
            print(f"deliveries {load.tally()}, slowest {load.slowest:.2f} s, asks {len(self.asks)}, {self.visits}")

    def _visit(self, ended: threading.Event, pause: float) -> None:
        """Calls of OHE's screens, which the linker and the installer answer."""
        sims, ana = self.pods.sims, self.world.people["ana"]
        sims.ohe.set_role(identity=ana, org=ORG, role="owner")
        browser = Browser(self.pods, sims.ohe.sign_in(identity=ana, org=ORG))
        while not ended.wait(pause / 4):
            for path in PAGES:
                try:
                    answer = browser.call("GET", path)
                    self.visits[f"{answer.status_code} {'' if answer.ok else answer.text[:80]}"] += 1
                except requests.RequestException as error:
                    self.visits[repr(error)] += 1

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
        print(f"{time.strftime('%H:%M:%S')} {what}: {spent:.1f} s, caught up {caught:.1f} s later", flush=True)

    def slowest_intake(self) -> float:
        """Longest time from the receipt of a delivery to its place in the database, seconds."""
        sql = "select extract(epoch from max(intake_at - received_at))::float8 as s from delivery"
        return float(self.pods.rows(sql)[0]["s"])

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

    def wait_work(self, name: str) -> None:
        """Until each pod of a service has done some of its work."""
        counter = {"linker": "ohdc_deliveries_total", "dispatcher": "ohdc_jobs_taken_total"}.get(name)

        def done() -> list[float]:
            pods = self.pods.cluster.pods(name)
            if counter:
                return [sum(v for k, v in self.pods.metrics_of(pod).items() if k.startswith(counter)) for pod in pods]
            served = self.pods.cluster.answered()["pods"]
            return [served.get(f"{pod.port.address}:8080", 0) for pod in pods]

        wait_until(lambda: all(done()), 60, f"each {name} works: {done()}", 0.5)
        print(f"work of each {name}: {[round(count) for count in done()]}")

    def hold(self, load: Load, may_refuse: bool = False) -> None:
        """Nothing was refused (where it may: other than by a 503), lost or done twice."""
        assert set(load.tally()) <= ({200, 503} if may_refuse else {200}), (load.tally(), self.pods.cluster.answered())
        assert [visit for visit in self.visits if not visit.startswith("200")] == []
        began = time.monotonic()
        self.world.drained(CATCH_UP_S)
        told = f"all work done {time.monotonic() - began:.1f} s after the last delivery"
        print(f"{told}; slowest intake so far {self.slowest_intake():.1f} s", flush=True)
        self.finish(60)
        assert may_refuse or [ask for ask in self.asks if not ask.accepted] == []
        assert self.wrong_asks() == []
        assert self.lost(load) == []
        taken = [name for name, outcome in load.outcomes.items() if outcome == 200]
        assert len(self.pods.rows("select 1 from delivery where request_id = any(%s)", taken)) == len(taken)


def crowd_of(world: World) -> Crowd:
    """A world's crowd; its conversations take a moment."""
    world.stack.sims.ohe.script(step_ms=60, work_ms=700)
    return Crowd(world)
