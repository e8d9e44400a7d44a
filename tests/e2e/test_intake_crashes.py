"""A record whose intake ends the process: counted, run alone, set aside; what follows it is taken in."""

from __future__ import annotations

import uuid

import psycopg

from tests.e2e.stack import Program
from tests.e2e.test_bad_input import GOOD, produce
from tests.e2e.waiting import wait_until
from tests.e2e.world import World


def begun(world: World, partition: int, offset: int) -> int:
    """How often the intake was begun at this place."""
    rows = world.stack.rows(
        "select attempts from intake_attempt where topic = %s and topic_partition = %s and first_offset = %s",
        world.stack.topic("webhook"),
        partition,
        offset,
    )
    return rows[0]["attempts"] if rows else 0


def test_a_record_that_ends_the_process_is_set_aside(world: World) -> None:
    """Two crashes of the batch, one alone, then the dead letters; the partition moves on."""
    linker = world.stack.programs["linker"]
    world.drained()
    assert linker.stop() == 0
    headers = {**GOOD, "ohdc-delivery-id": str(uuid.uuid4())}
    partition, offset = produce(world, b"heavy", headers)
    follower = {**GOOD, "ohdc-delivery-id": str(uuid.uuid4())}
    produce(world, b"light", follower)
    with psycopg.connect(world.stack.url) as stuck:
        # Whoever writes a delivery now waits: there the process is ended.
        stuck.execute("lock table delivery in access exclusive mode")
        for attempts in (1, 2, 4):
            linker.start(wait=False)
            wait_until(
                lambda wanted=attempts: begun(world, partition, offset) >= wanted,
                40,
                f"attempt {attempts}",
            )
            linker.kill9()
        linker.start(wait=False)
        wait_until(lambda: world.stack.records("dlq"), 40, "a dead letter", every=0.5)
    (letter,) = world.stack.records("dlq")
    assert letter.value == b"heavy"
    assert letter.headers["ohdc-dlq-offset"] == str(offset)
    assert letter.headers["ohdc-dlq-attempts"] == "3"
    sql = "select verdict from delivery where delivery_id = %s"
    wait_until(lambda: world.stack.rows(sql, follower["ohdc-delivery-id"]), 40, "the follower")
    assert world.stack.rows(sql, headers["ohdc-delivery-id"]) == []
    number, comment = world.ask_pull("@openhands still there?")
    world.wait_pull(number)
    world.one_job(comment)


def test_two_linkers_share_the_work(world: World) -> None:
    """A second one joins, the first is killed: every ask is one job."""
    folder = world.stack.folder / "second"
    folder.mkdir()
    second = Program("linker", folder, world.stack.env_for("linker"))
    asked = [world.ask_pull("@openhands shared 0")]
    second.start()
    try:
        asked += [world.ask_pull(f"@openhands shared {n}") for n in range(1, 5)]
        world.stack.programs["linker"].kill9()
        asked += [world.ask_pull(f"@openhands shared {n}") for n in range(5, 9)]
        for number, comment in asked:
            world.wait_pull(number, 2, 60)
            world.one_job(comment)
        world.settle()
        for number, _ in asked:
            assert len(world.pull_answers(number)) == 2
    finally:
        world.stack.programs["linker"].start()
        assert second.stop() == 0
