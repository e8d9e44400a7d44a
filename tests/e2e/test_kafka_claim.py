"""Two installations on one cluster and prefix would take each other's records: the second one stops at start."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from tests.e2e.door import Door
from tests.e2e.stack import Program, Stack
from tests.e2e.test_start import ended
from tests.e2e.waiting import wait_until
from tests.e2e.world import World
from tests.run.servers import Kafka, Postgres

CONCERNED = ("ingress", "linker", "dispatcher")
PARTITIONS = 4


def installation(stack: Stack) -> str:
    """Its id."""
    return str(stack.rows("select id from installation")[0]["id"])


def committed(stack: Stack) -> list[TopicPartition]:
    """What the linkers' group has committed of each partition."""
    consumer = Consumer({"bootstrap.servers": stack.kafka.brokers, "group.id": f"{stack.prefix}linker"})
    try:
        return consumer.committed([TopicPartition(stack.topic("webhook"), i) for i in range(PARTITIONS)], 10)
    finally:
        consumer.close()


def claim_of(place: TopicPartition) -> str:
    """What stands beside one offset; this client reads over the end of what it was given."""
    try:
        return (place.metadata or "")[:36]
    except UnicodeDecodeError as error:
        return error.object[:36].decode()


def claims(stack: Stack) -> set[str]:
    """Whose ids stand beside the offsets."""
    return {claim_of(place) for place in committed(stack)}


def commit_as(stack: Stack, metadata: str | None) -> None:
    """Commit the same offsets with other metadata, as another program would; nobody may be in the group."""
    consumer = Consumer({"bootstrap.servers": stack.kafka.brokers, "group.id": f"{stack.prefix}linker"})
    places = [TopicPartition(p.topic, p.partition, max(p.offset, 0), metadata or "") for p in committed(stack)]
    consumer.commit(offsets=places, asynchronous=False)
    consumer.close()


@pytest.fixture(scope="module")
def second(stack: Stack, running: World, run_dir: Path, kafka: Kafka, postgres: Postgres) -> Iterator[Stack]:
    """Another database, the same cluster and prefix."""
    folder = run_dir / "claim-second"
    folder.mkdir()
    made = Stack(folder, kafka, postgres)
    made.prefix = stack.prefix
    made.prepare()
    try:
        yield made
    finally:
        made.stop()


def begin(stack: Stack, name: str, change: dict[str, str] | None = None) -> Program:
    """A service, started and not waited for."""
    program = Program(name, stack.folder, stack.env_for(name) | (change or {}))
    program.start(wait=False)
    return program


def refusals(program: Program) -> list[str]:
    """What its log says at level error."""
    lines = [json.loads(line) for line in program.log.read_text().splitlines()]
    return [line["error"] for line in lines if line["level"] == "error"]


def stopped_by_claim(program: Program, own: Stack, other: str) -> None:
    """It ended with 2, and one line says which prefix, which cluster, whose, and what to do."""
    assert ended(program) == 2
    said = refusals(program)
    assert len(said) == 1, said
    for word in ("OHDC_KAFKA_PREFIX", own.prefix, own.kafka.brokers, other, installation(own), "ohdc topics claim"):
        assert word in said[0], said


def test_the_claim_is_there_without_traffic(world: World) -> None:
    """Every partition carries it from the first start on, and keeps it when records come."""
    stack = world.stack
    wait_until(lambda: claims(stack) == {installation(stack)}, 20, "all partitions are claimed")
    number, _ = world.ask_pull("@openhands claim")
    world.wait_pull(number)
    world.drained()
    ends = stack.ends("webhook")
    wait_until(lambda: all(p.offset == ends.get(p.partition, 0) for p in committed(stack)), 20, "committed to the end")
    assert claims(stack) == {installation(stack)}


@pytest.mark.parametrize("name", CONCERNED)
def test_a_second_installation_stops(world: World, second: Stack, name: str) -> None:
    """Status 2 at once; the first one goes on."""
    wait_until(lambda: claims(world.stack) == {installation(world.stack)}, 20, "the first has claimed")
    stopped_by_claim(begin(second, name), second, installation(world.stack))
    assert second.rows("select count(*) as n from delivery")[0]["n"] == 0
    number, comment = world.ask_pull(f"@openhands beside a second {name}")
    world.wait_pull(number)
    world.one_job(comment)


def test_no_take_over_of_what_runs(world: World, second: Stack) -> None:
    """The first one's linker is in the group: nothing changes."""
    done = second.ohdc_run("topics", "claim")
    assert done.returncode != 0
    assert b"is a linker still running with" in done.stderr, done.stderr
    assert claims(world.stack) == {installation(world.stack)}


def test_a_claim_that_an_older_program_wiped(world: World) -> None:
    """Its commits carry none; the next linker puts ours there again, and no offset moves."""
    stack = world.stack
    assert stack.programs["linker"].stop() == 0
    before = [place.offset for place in committed(stack)]
    commit_as(stack, None)
    assert claims(stack) == {""}
    stack.start("linker")
    wait_until(lambda: claims(stack) == {installation(stack)}, 20, "claimed again")
    assert [place.offset for place in committed(stack)] == before


def test_other_metadata_is_no_claim(world: World) -> None:
    """What somebody's tool left beside an offset stops nobody."""
    stack = world.stack
    assert stack.programs["linker"].stop() == 0
    commit_as(stack, "moved by hand")
    stack.start("linker")
    wait_until(lambda: claims(stack) == {installation(stack)}, 20, "claimed again")


def test_ingress_does_not_wait_for_brokers(world: World, second: Stack) -> None:
    """Ready while they are away; once they are there it sees that the prefix is another's."""
    door = Door(world.stack.kafka.port)
    program = begin(second, "ingress", {"OHDC_KAFKA_BROKERS": f"127.0.0.1:{door.port}"})
    wait_until(program.ready, 5, "ready without brokers")
    door.open()
    assert program.process is not None and program.process.wait(20) == 2
    assert any(installation(world.stack) in text for text in refusals(program))
    door.close()


def test_the_deliberate_take_over(world: World, second: Stack) -> None:
    """After `ohdc topics claim` the second one runs, and the first one, where it still does, stops by itself."""
    first, other = world.stack, installation(world.stack)
    assert first.programs["linker"].stop() == 0
    told = second.ohdc("topics", "claim")
    assert second.prefix in told and installation(second) in told and other in told
    assert claims(second) == {installation(second)}
    audit = second.rows("select operator, action, detail from audit where action = 'kafka.claim'")
    assert [(row["operator"], row["detail"]["from"]) for row in audit] == [("e2e", other)]
    second.start("ingress", "dispatcher", "linker")
    for name in ("ingress", "dispatcher"):
        process = first.programs[name].process
        assert process is not None and process.wait(40) == 2
    stopped_by_claim(begin(first, "linker"), first, installation(second))
    for name in ("ingress", "dispatcher", "linker"):
        assert second.programs[name].stop() == 0
    first.ohdc("topics", "claim")
    first.start("ingress", "dispatcher", "linker")
    number, comment = world.ask_pull("@openhands back again")
    world.wait_pull(number)
    world.one_job(comment)


def test_two_that_start_together(running: World, run_dir: Path, kafka: Kafka, postgres: Postgres) -> None:
    """Nobody has claimed yet: at most one of them goes on."""
    stacks = []
    for name in ("left", "right"):
        folder = run_dir / f"claim-{name}"
        folder.mkdir()
        stacks.append(Stack(folder, kafka, postgres))
    stacks[1].prefix = stacks[0].prefix
    for stack in stacks:
        stack.prepare()
    programs = [begin(stack, "linker") for stack in stacks]
    ends = lambda: [program.process.poll() for program in programs if program.process]  # noqa: E731
    wait_until(lambda: 2 in ends(), 60, "one of them stops")
    for program, stack in zip(programs, stacks, strict=True):
        assert program.stop() in (None, 0)
        stack.stop()
    assert set(ends()) <= {0, 2}
