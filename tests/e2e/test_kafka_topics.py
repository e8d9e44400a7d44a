"""`ohdc topics`: waits for brokers, makes what is missing, says what is different, and tells what the docs tell."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest

from tests.e2e.door import Door
from tests.e2e.stack import Stack, bin_dir
from tests.e2e.waiting import wait_until
from tests.run.servers import Kafka
from tests.sim.client import ROOT

SETTINGS = {"OHDC_SEAL_KEYS_FILE": ""}


def plan(stack: Stack, env: dict[str, str] | None = None) -> Any:
    """`ohdc topics plan --json`."""
    done = stack.ohdc_run("topics", "plan", "--json", env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def states(stack: Stack) -> dict[str, tuple[str, str]]:
    """State and differences by the kind of topic."""
    return {t["name"].removeprefix(stack.prefix): (t["state"], t["different"]) for t in plan(stack)["topics"]}


def begin_apply(stack: Stack, port: int, *args: str) -> subprocess.Popen[str]:
    """`ohdc topics apply` against a port."""
    return subprocess.Popen(
        [bin_dir() / "ohdc", "topics", "apply", *args],
        env=stack.common_env() | SETTINGS | {"OHDC_KAFKA_BROKERS": f"127.0.0.1:{port}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_apply_waits_for_brokers(stack: Stack, kafka: Kafka) -> None:
    """A line says what is waited for; brokers that never come end it with 6."""
    door, shut = Door(kafka.port), Door(kafka.port)
    waiting, given_up = begin_apply(stack, door.port, "--wait", "120"), begin_apply(stack, shut.port, "--wait", "1")
    assert waiting.stderr is not None
    line = waiting.stderr.readline()
    assert f"waiting for 127.0.0.1:{door.port}" in line, line
    assert states(stack)["webhook.v1"] == ("missing", "")
    door.open()
    told, _ = waiting.communicate(timeout=60)
    assert waiting.returncode == 0 and told.count("made") == 4, told
    assert given_up.wait(60) == 6
    door.close()
    wait_until(lambda: set(states(stack).values()) == {("is there", "")}, 10, "the broker shows them")


def test_apply_changes_nothing_that_is_there(stack: Stack) -> None:
    """Idempotent: init containers of several pods run it at the same time."""
    many = [begin_apply(stack, stack.kafka.port) for _ in range(3)]
    assert [one.wait(60) for one in many] == [0, 0, 0]
    assert stack.ohdc("topics", "apply").count("is there") == 4


def test_one_broker(stack: Stack) -> None:
    """OHDC_KAFKA_PARTITIONS for webhook and job, three for the others; one copy, flushed; no retention.bytes."""
    topics = {topic["name"].removeprefix(stack.prefix): topic for topic in plan(stack)["topics"]}
    assert {name: topic["found"] for name, topic in topics.items()} == {
        "webhook.v1": 4,
        "job.v1": 4,
        "status.v1": 3,
        "dlq.v1": 3,
    }
    for topic in topics.values():
        assert topic["configs"]["flush.messages"] == "1" and topic["configs"]["min.insync.replicas"] == "1"
        assert "retention.bytes" not in topic["configs"]


def test_plan_says_what_is_different(stack: Stack, kafka: Kafka) -> None:
    """A shorter retention and too few partitions, each with what is wanted."""
    name = stack.topic("webhook")
    change = ["--entity-type", "topics", "--entity-name", name, "--alter", "--add-config", "retention.ms=1000"]
    kafka.tool("ConfigCommand", change)
    found = {t["name"]: t["different"] for t in plan(stack, {"OHDC_KAFKA_PARTITIONS": "6"})["topics"]}
    assert "retention.ms is 1000, wanted 1209600000" in found[name] and "wanted are 6" in found[name], found
    assert found[stack.topic("job")] == "wanted are 6"
    assert f"{name}  4 partitions  is there, but retention.ms is 1000" in stack.ohdc("topics", "plan")


@pytest.mark.parametrize("wait", ["", "soon", "-1", "86401"])
def test_a_wrong_wait(stack: Stack, wait: str) -> None:
    """The option is named; status 2."""
    done = stack.ohdc_run("topics", "apply", f"--wait={wait}")
    assert done.returncode == 2 and b"--wait" in done.stderr, done.stderr


def test_the_table_in_the_docs(stack: Stack) -> None:
    """docs/topics.md has the rows of `ohdc topics plan`."""
    text = (ROOT / "docs" / "topics.md").read_text()
    rows = re.findall(r"^\| (\w+) \| (topic|group) `ohdc\.([\w.]+)` \| ([\w, ]+) \|$", text, re.M)
    acls = plan(stack, {"OHDC_KAFKA_BROKERS": ""})["acls"]
    wanted = [
        (acl["service"], acl["type"], acl["name"].removeprefix(stack.prefix), ", ".join(acl["operations"]))
        for acl in acls
    ]
    assert rows == wanted
