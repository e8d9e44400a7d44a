"""Attacks: what a stranger at the door, or a person among the others, must not get away with."""

from __future__ import annotations

import contextlib
import json
import socket
import uuid
from pathlib import Path

from confluent_kafka import Producer

from tests.e2e.signing import encode, post, pull_body
from tests.e2e.waiting import wait_until
from tests.e2e.world import World

SETTINGS = {"OHDC_KEEP_BODIES": "all"}
MIB = 1024 * 1024
ONLY = {"type": "role", "value": "Developers"}


def memory_mib(world: World, program: str) -> int:
    """Resident memory of a program."""
    process = world.stack.programs[program].process
    assert process is not None
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


def unsigned_upload(world: World, size: int) -> socket.socket:
    """A request whose last byte never comes; the connection."""
    made = socket.create_connection(("127.0.0.1", world.stack.programs["ingress"].http))
    head = f"POST {world.bitbucket.path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n"
    made.settimeout(5)
    # it may be refused while it is sent
    with contextlib.suppress(OSError):
        made.sendall(head.encode() + b"x" * (size - 1))
    return made


def test_bodies_of_strangers_fit_into_a_budget(world: World) -> None:
    """Many large bodies at once: refused beyond the budget, while small deliveries go on."""
    uploads = [unsigned_upload(world, 9 * MIB) for _ in range(16)]
    held = memory_mib(world, "ingress")
    answer = post(world, world.bitbucket, encode(pull_body(world, "in between")))
    for upload in uploads:
        upload.close()
    assert answer.status_code == 200
    assert held < 110
    body = encode(pull_body(world, "x" * 4 * MIB))
    wait_until(lambda: post(world, world.bitbucket, body).status_code == 200, 15, "room again")


def test_a_body_of_a_million_objects_costs_no_memory(world: World) -> None:
    """Signed, but no program makes values of them."""
    before = {name: memory_mib(world, name) for name in ("ingress", "linker")}
    request_id = str(uuid.uuid4())
    body = encode(pull_body(world, "@openhands x", more=[{}] * MIB))
    answer = post(world, world.bitbucket, body, change={"X-Request-Id": request_id})
    assert answer.status_code == 200
    sql = "select verdict from delivery where request_id = %s"
    rows = wait_until(lambda: world.stack.rows(sql, request_id), 20, "a verdict")
    assert rows[0]["verdict"] == "MALFORMED"
    assert all(memory_mib(world, name) < mib + 60 for name, mib in before.items())


def test_a_header_that_is_no_text_loses_no_event(world: World) -> None:
    """The sender's request id is not signed: it is left out, the delivery is not."""
    text = f"odd header {uuid.uuid4()}"
    body = encode(pull_body(world, text))
    answer = post(world, world.bitbucket, body, change={"X-Request-Id": "\xff\xfe"})  # type: ignore[dict-item]
    assert answer.status_code == 200
    found = [r for r in world.stack.records("webhook") if text.encode() in r.value]
    assert [r.headers.get("ohdc-request-id") for r in found] == [None]


def comment_event(world: World, number: str, comment: str, user: str, text: str) -> bytes:
    """The bare comment_created of a comment, without any visibility."""
    base = world.stack.sims.jira.base_url
    return json.dumps(
        {
            "timestamp": 4102444800000,
            "webhookEvent": "comment_created",
            "comment": {
                "self": f"{base}/rest/api/2/issue/{number}/comment/{comment}",
                "id": comment,
                "body": text,
                "author": {"name": user, "key": world.keys[user]},
            },
        }
    ).encode()


def test_a_comment_restricted_meanwhile_is_answered_to_the_same_people(world: World) -> None:
    """As the comment stands when it is read again, not as the delivery had it."""
    key, text = "PROJ-9000", "@openhands this became a secret\nRepository: PROJ/web"
    jira = world.stack.sims.jira
    number = jira.add_issue(key=key, reporter="ana")["id"]
    made = jira.comment_as(issue=key, user="ana", body=text, visibility=ONLY, quiet=True)
    body = comment_event(world, number, made["id"], "ana", text)
    assert post(world, world.jira, body).status_code == 200
    answers = world.wait_issue(key)
    assert [a["visibility"] for a in answers] == [ONLY, ONLY]


def test_a_restricted_line_names_no_repository_in_public(world: World) -> None:
    """Whoever may not read it learns nothing from the acknowledgement."""
    key = world.issue(description="No repository here.")
    sims = world.stack.sims
    sims.jira.comment_as(issue=key, user="ana", body="Repository: PROJ/api", visibility=ONLY, quiet=True)
    world.ask_issue("@openhands in public", issue=key)
    answers = world.wait_issue(key, 1)
    assert "PROJ/api" not in answers[0]["body"]
    assert "Could not determine which repository" in answers[0]["body"]


def test_a_job_of_the_future_holds_only_its_own_partition(world: World) -> None:
    """A newer schema waits for a newer program; the jobs beside it do not."""
    producer = Producer({"bootstrap.servers": world.stack.kafka.brokers})
    producer.produce(world.stack.topic("job"), value=b'{"schema": "9.0"}', partition=1)
    producer.flush(10)
    log = world.stack.programs["dispatcher"].log
    wait_until(lambda: "a newer schema" in log.read_text(), 20, "the held partition")
    pulls = {world.ask_pull(f"@openhands beside it {place}")[0] for place in range(6)}

    def done() -> bool:
        # the sweeper sends a job again that nobody takes: count subjects, not records
        jobs = [r for r in world.stack.records("job") if b"beside it" in r.value]
        free = {r.key for r in jobs if r.partition != 1}
        answered = [number for number in pulls if len(world.pull_answers(number)) == 2]
        return len({r.key for r in jobs}) == 6 and len(free) == len(answered)

    wait_until(done, 20, "answers in the other partitions", every=0.3)
