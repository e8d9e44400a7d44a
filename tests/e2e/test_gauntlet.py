"""Everything goes wrong at once, two of each service running: nothing is lost, nothing happens twice."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator

import pytest

from tests.e2e.fleet import Fleet
from tests.e2e.test_repeats import runbook_command
from tests.e2e.waiting import wait_until
from tests.e2e.world import World

pytestmark = [pytest.mark.prove, pytest.mark.timeout(900)]

SEED = int(os.environ.get("OHDC_E2E_SEED") or random.SystemRandom().randrange(10**6))
RATE = float(os.environ.get("OHDC_GAUNTLET_RATE") or 40)
ROUNDS = int(os.environ.get("OHDC_GAUNTLET_ROUNDS") or 1)
LEASE_S = 4.0
OUTAGE_S = float(os.environ.get("OHDC_GAUNTLET_OUTAGE_S") or 30)


@pytest.fixture
def fleet(world: World) -> Iterator[Fleet]:
    """Twins of everything."""
    made = Fleet(world).start()
    yield made
    made.stop_twins()


def wait_moment(seconds: float) -> None:
    """The length of a fault is the experiment, not a synchronisation."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.01)


class Chaos:
    """What can go wrong; each method leaves everything running again."""

    def __init__(self, fleet: Fleet, dice: random.Random) -> None:
        self.fleet, self.dice = fleet, dice
        self.stack = fleet.world.stack

    def kill(self) -> None:
        """kill -9 of any service, three times."""
        for _ in range(3):
            program = self.fleet.twins[self.dice.choice(["ingress", "linker", "dispatcher"])][self.dice.randrange(2)]
            self.fleet.ask("killed")
            wait_moment(self.dice.uniform(0.02, 0.6))
            program.kill9()
            program.start()

    def pause(self) -> None:
        """Stopped for longer than a lease and than Kafka's session, then resumed."""
        name = self.dice.choice(["linker", "dispatcher"])
        process = self.fleet.twins[name][self.dice.randrange(2)].process
        assert process is not None
        self.fleet.ask("paused")
        wait_moment(self.dice.uniform(0.02, 0.6))
        process.send_signal(signal.SIGSTOP)
        self.fleet.ask("while paused")
        wait_moment(LEASE_S * 2)
        process.send_signal(signal.SIGCONT)

    def drain(self) -> None:
        """SIGTERM in mid-traffic: exit 0, and the groups rebalance."""
        for name in ("linker", "dispatcher", "ingress"):
            program = self.fleet.twins[name][self.dice.randrange(2)]
            self.fleet.ask("drained")
            assert program.stop() == 0, name
            program.start()

    def database(self) -> None:
        """PostgreSQL ends at once and starts again."""
        self.fleet.ask("database")
        self.stack.postgres.restart(kill=True)

    def broker(self) -> None:
        """The broker restarts."""
        self.fleet.ask("broker")
        self.stack.kafka.restart()

    def outage(self) -> None:
        """The broker is away for long."""
        self.fleet.ask("outage")
        self.stack.kafka.stop()
        self.fleet.ask("during the outage")
        wait_moment(OUTAGE_S)
        self.stack.kafka.start()

    def frozen_broker(self) -> None:
        """The broker answers nothing for a while, its connections stay."""
        self.stack.kafka.pause()
        wait_moment(8)
        self.stack.kafka.resume()

    def peers(self) -> None:
        """Keycloak, OpenHands and both products are away, then answer and close."""
        sims = self.stack.sims
        for remote in (sims.keycloak, sims.ohe):
            remote.fault(match=".", status=503, body="<html>away</html>", times=-1)
        self.fleet.ask("peers away")
        wait_moment(4)
        for remote in (sims.keycloak, sims.ohe):
            remote.heal()
        sims.ohe.fault(match="^POST /api/v1/app-conversations$", effect=True, close=True)
        sims.bitbucket.fault(match="^POST .*/comments$", effect=True, close=True)
        sims.jira.fault(match="^POST .*/comment$", effect=True, close=True)
        for _ in range(2):
            self.fleet.ask("answer lost")

    def replay(self) -> None:
        """The runbook in mid-traffic: linkers stopped, offsets set back, linkers started."""
        reset_offsets(self.fleet)


def reset_offsets(fleet: Fleet) -> None:
    """docs/runbooks/replay.md, step by step, by its own words."""
    stack = fleet.world.stack
    for program in fleet.twins["linker"]:
        assert program.stop() == 0
    group = ["--group", f"{stack.prefix}linker", "--describe", "--state"]
    wait_until(lambda: "Empty" in stack.kafka.tool("ConsumerGroupCommand", group), 60, "empty group")
    words = [word.replace("ohdc.", stack.prefix) for word in runbook_command()]
    assert stack.topic("webhook") in stack.kafka.tool("ConsumerGroupCommand", words)
    for program in fleet.twins["linker"]:
        program.start()


def test_everything_at_once(fleet: Fleet) -> None:
    """Faults of every kind under load, then the whole topic read again twice."""
    print(f"seed {SEED}, {RATE} deliveries/s, {ROUNDS} rounds")
    dice = random.Random(SEED)
    chaos = Chaos(fleet, dice)
    fleet.world.stack.sims.ohe.script(step_ms=60, work_ms=700)
    load = fleet.load(RATE)
    for turn in range(ROUNDS):
        plan = [chaos.kill, chaos.pause, chaos.drain, chaos.database, chaos.broker]
        plan += [chaos.peers, chaos.replay, chaos.kill, chaos.frozen_broker]
        plan += [chaos.outage] if turn == 0 else []
        dice.shuffle(plan)
        for act in plan:
            print(f"{time.strftime('%H:%M:%S')} {act.__name__}: {act.__doc__}")
            act()
    load.finish()
    print(f"deliveries {load.tally()}, slowest {load.slowest:.1f} s, asks {len(fleet.asks)}")
    fleet.finish()
    assert fleet.wrong_asks() == [], f"seed {SEED}"
    assert fleet.lost(load) == [], f"seed {SEED}"
    assert fleet.untraced() == [], f"seed {SEED}"
    assert sum(ask.accepted for ask in fleet.asks) > len(fleet.asks) / 2
    before = fleet.counts()
    for _ in range(2):
        reset_offsets(fleet)
        last = fleet.ask("behind the replay")
        fleet.finish()
        after = fleet.counts()
        assert after["runs"] == before["runs"] + 1, f"seed {SEED}"
        assert after["comments"] == before["comments"] + 2, f"seed {SEED}"
        assert after["job"] == before["job"] + 1, f"seed {SEED}"
        assert last.accepted and fleet.wrong_asks() == [], f"seed {SEED}"
        before = after
