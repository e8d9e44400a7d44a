"""kill -9 of linker or dispatcher in mid-job: one conversation, acknowledgement and result each."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from tests.e2e.stack import Program
from tests.e2e.waiting import wait_until
from tests.e2e.world import World

KILLS = 20
SEED = int(os.environ.get("OHDC_E2E_SEED") or 20261121)


def ask(world: World, place: int) -> tuple[str, int | str]:
    """The next ask: pull requests and issues in turn."""
    if place % 3:
        number, comment = world.ask_pull(f"@openhands survive {place}")
        return f"pull {number}", comment
    key, comment = world.ask_issue(f"@openhands survive {place}")
    return f"issue {key}", comment


def answers(world: World, where: str) -> list[dict]:
    """The bot's comments there."""
    kind, name = where.split()
    return world.pull_answers(int(name)) if kind == "pull" else world.issue_answers(name)


def check(world: World, asked: dict[str, int | str], before: int = 0) -> None:
    """Exactly one conversation, one acknowledgement, one result for each ask."""
    wrong = []
    jobs = {job["id"]: job for job in world.stack.sims.ohe.jobs()}
    for where, comment in asked.items():
        rows = [r for r in world.job_rows(f":comment:{comment}") if r["kind"] == "start"]
        texts = [c.get("text") or c.get("body") for c in answers(world, where)]
        job = jobs.get(rows[0]["conversation_id"].hex) if len(rows) == 1 else None
        started = (job["posts"], job["runs"], job["messages"]) if job else None
        if started != (1, 1, 1) or len(texts) != 2 or "All done." not in texts[1]:
            wrong.append((where, comment, started, texts))
    assert wrong == [], f"seed {SEED}"
    assert len(jobs) == before + len(asked), f"seed {SEED}"


def test_twenty_kills_at_random_moments(world: World) -> None:
    """A steady stream of asks while linker and dispatcher are killed again and again."""
    dice = random.Random(SEED)
    print(f"seed {SEED}")
    world.stack.sims.ohe.script(step_ms=60, work_ms=700)
    asked: dict[str, int | str] = {}
    for kill in range(KILLS):
        where, comment = ask(world, kill)
        asked[where] = comment
        pause_until(time.monotonic() + dice.uniform(0.02, 0.9))
        program = world.stack.programs[dice.choice(["linker", "dispatcher"])]
        program.kill9()
        program.start()
    world.drained(deadline=150)
    wait_until(lambda: all(len(answers(world, w)) >= 2 for w in asked), 30, "all answers")
    check(world, asked)


def pause_until(moment: float) -> None:
    """Let the chosen moment of a job come: the moment is the experiment, not a synchronisation."""
    while time.monotonic() < moment:
        time.sleep(0.005)


@pytest.mark.parametrize("peer", ["ohe", "bitbucket"])
def test_a_kill_during_an_unsafe_call(world: World, peer: str) -> None:
    """The peer did the work, the dispatcher died before it read the answer: found, not repeated."""
    sims = world.stack.sims
    path = {
        "ohe": "^POST /api/v1/app-conversations$",
        "bitbucket": r"^POST .*/comments$",
    }[peer]
    remote = getattr(sims, peer)
    remote.fault(match=path, delay_ms=100, effect=True, close=False, status=0)
    before = len(remote.calls(match=path))
    number, comment = world.ask_pull(f"@openhands die at {peer}")
    wait_until(lambda: len(remote.calls(match=path)) > before, 20, f"the call to {peer}", 0.002)
    dispatcher = world.stack.programs["dispatcher"]
    dispatcher.kill9()
    dispatcher.start()
    world.wait_pull(number, 2, deadline=60)
    world.settle(60)
    assert len(world.pull_answers(number)) == 2
    world.one_job(comment)


def test_replicas_come_and_go(world: World) -> None:
    """More of each joins under a stream of asks, the first ones leave: each ask is served once."""
    stack = world.stack
    world.stack.sims.ohe.script(step_ms=30, work_ms=300)
    before = len(stack.sims.ohe.jobs())
    asked: dict[str, int | str] = {}
    more = []
    for place in range(12):
        where, comment = ask(world, place)
        asked[where] = comment
        if place in (2, 6):
            name = "linker" if place == 2 else "dispatcher"
            more.append(Program(name, stack.folder, stack.env_for(name)))
            more[-1].start()
        if place == 9:
            assert stack.programs["linker"].stop() == 0
            assert stack.programs["dispatcher"].stop() == 0
    try:
        world.drained(60)
        check(world, asked, before)
    finally:
        statuses = [program.stop() for program in more]
        stack.programs["linker"].start()
        stack.programs["dispatcher"].start()
    assert statuses == [0, 0]


def test_a_paused_dispatcher_does_not_act_on_a_lost_lease(world: World) -> None:
    """Stopped past its lease while another takes over; resumed, it does nothing twice."""
    stack = world.stack
    first = stack.programs["dispatcher"]
    world.stack.sims.ohe.script(match="sleeps through", work_ms=1500)
    number, comment = world.ask_pull("@openhands sleeps through")
    wait_until(lambda: world.job_rows(f":comment:{comment}"), 20, "the job row")
    assert first.process is not None
    first.process.send_signal(signal.SIGSTOP)
    second = Program("dispatcher", stack.folder, stack.env_for("dispatcher"))
    second.start()
    try:
        world.wait_pull(number, 2, deadline=60)
        first.process.send_signal(signal.SIGCONT)
        world.settle(60)
        assert len(world.pull_answers(number)) == 2
        world.one_job(comment)
    finally:
        first.process.send_signal(signal.SIGCONT)
        assert second.stop() == 0
