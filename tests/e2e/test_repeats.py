"""The same delivery again, an offset reset, a replay with Kafka's own tools: nothing happens twice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.signing import produce
from tests.e2e.waiting import wait_until
from tests.e2e.world import World
from tests.sim.client import ROOT


def counts(world: World) -> dict[str, int]:
    """Everything that must not grow."""
    sims = world.stack.sims
    return {
        "jobs": len(sims.ohe.jobs()),
        "runs": sum(job["runs"] for job in sims.ohe.jobs()),
        "job rows": world.stack.rows("select count(*) as n from job")[0]["n"],
        "comments": len(sims.bitbucket.calls(match=r"^POST .*/comments$"))
        + len(sims.jira.calls(match=r"^POST .*/comment$")),
    }


@pytest.mark.asan
def test_a_delivery_sent_five_times_is_one_job(world: World) -> None:
    """Same bytes, same signature, same request id, as a sender or an attacker would repeat them."""
    number, comment = world.ask_pull("@openhands five times")
    again = world.stack.sims.bitbucket.redeliver(containing="five times", times=4)
    assert again == [200] * 4
    world.wait_pull(number)
    world.drained()
    assert len(world.pull_answers(number)) == 2
    rows = world.stack.rows("select verdict from delivery where event_key like %s", f"%:comment:{comment}")
    assert sorted(row["verdict"] for row in rows) == ["DUPLICATE"] * 4 + ["TRIGGERED"]
    world.one_job(comment)


def forget_one(world: World) -> str:
    """Delete the row of a delivery that asked nothing, as a restored backup would lack it; its id."""
    number = world.pull()
    sent = world.stack.sims.bitbucket.comment_as(
        repo="PROJ/web", number=number, user="ana", text="`@openhands` is only a name here"
    )
    part = f"%:comment:{sent['id']}"
    sql = "select delivery_id::text as id from delivery where event_key like %s"
    identity = wait_until(lambda: world.stack.rows(sql, part), 20, "its row")[0]["id"]
    world.stack.rows("delete from delivery where delivery_id = %s returning 1 as one", identity)
    return identity


def is_known(world: World, identity: str) -> bool:
    """Whether a delivery has its row."""
    return bool(world.stack.rows("select 1 from delivery where delivery_id = %s", identity))


def runbook_command() -> list[str]:
    """The reset command as docs/runbooks/replay.md prints it, without program and server."""
    text = (ROOT / "docs/runbooks/replay.md").read_text()
    found = re.search(r"kafka-consumer-groups[^\n]*((?:\\\n[^\n]*)*--to-earliest[^\n]*)", text)
    assert found, "the runbook has no reset to the earliest offset"
    line = found[0].replace("\\\n", " ").split()
    start = line.index("--bootstrap-server")
    return [word for place, word in enumerate(line) if place not in (0, start, start + 1)]


def reset(world: World, where: str = "--to-earliest") -> None:
    """Reset the stopped linker's group by the runbook's words."""
    words = [where if word == "--to-earliest" else word for word in runbook_command()]
    arguments = [word.replace("ohdc.", world.stack.prefix) for word in words]
    shown = world.stack.kafka.tool("ConsumerGroupCommand", arguments)
    assert world.stack.topic("webhook") in shown, shown


def test_the_runbook_is_there() -> None:
    """Its command is the one that the next test runs."""
    assert Path(ROOT / "docs/runbooks/replay.md").exists()
    words = runbook_command()
    assert words[:3] == ["--group", "ohdc.linker", "--topic"]
    assert "--execute" in words


@pytest.mark.asan
def test_offsets_reset_to_the_beginning_change_nothing(world: World) -> None:
    """Every record is read again; each ask still has one conversation and one answer."""
    linker = world.stack.programs["linker"]
    number, comment = world.ask_pull("@openhands before the reset")
    key, jira_comment = world.ask_issue("@openhands before the reset")
    refused, refused_comment = world.ask_issue("@openhands who am I", user="zoe")
    world.wait_pull(number)
    world.wait_issue(key)
    world.wait_issue(refused, 1)
    world.drained()
    before = counts(world)
    deliveries = world.stack.rows("select count(*) as n from delivery")[0]["n"]
    lost = forget_one(world)
    assert linker.stop() == 0
    reset(world)
    linker.start()
    later, last = world.ask_pull("@openhands after the reset")
    world.wait_pull(later)
    world.drained()
    wait_until(lambda: is_known(world, lost), 20, "the row that was lost")
    after = counts(world)
    assert after["jobs"] == before["jobs"] + 1
    assert after["job rows"] == before["job rows"] + 1
    assert after["comments"] == before["comments"] + 2
    assert world.stack.rows("select count(*) as n from delivery")[0]["n"] == deliveries + 4
    for part in (comment, jira_comment, last):
        world.one_job(part)
    assert len(world.job_rows(f":comment:{refused_comment}")) == 1


def test_a_lost_database_position_is_taken_from_kafka(world: World) -> None:
    """The smaller of both positions wins: a database set back to nothing reads all again."""
    number, comment = world.ask_pull("@openhands position")
    world.wait_pull(number)
    world.drained()
    before = counts(world)
    lost = forget_one(world)
    linker = world.stack.programs["linker"]
    linker.kill9()
    world.stack.rows("update consumer_offset set next_offset = 0 returning 1 as one")
    linker.start()
    later, _ = world.ask_pull("@openhands position again")
    world.wait_pull(later)
    world.drained()
    wait_until(lambda: is_known(world, lost), 20, "the row that was lost")
    assert counts(world)["jobs"] == before["jobs"] + 1
    world.one_job(comment)


def test_a_poison_record_is_set_aside_again(world: World) -> None:
    """What cannot be read cannot be known: each reading makes one dead letter, as the runbook says."""
    stack = world.stack
    produce(world, b"poison for the replay", {})

    def letters() -> int:
        return sum(r.value == b"poison for the replay" for r in stack.records("dlq"))

    wait_until(lambda: letters() == 1, 20, "a dead letter")
    linker = stack.programs["linker"]
    assert linker.stop() == 0
    reset(world)
    linker.start()
    wait_until(lambda: letters() == 2, 20, "a second dead letter")
    world.drained()
    assert letters() == 2


def test_offsets_set_forward_skip_nothing(world: World) -> None:
    """The database knows better than Kafka how far the work has come."""
    linker = world.stack.programs["linker"]
    assert linker.stop() == 0
    asked = [world.ask_pull(f"@openhands not to be skipped {n}") for n in range(3)]
    reset(world, "--to-latest")
    linker.start()
    for number, comment in asked:
        world.wait_pull(number)
        world.one_job(comment)
