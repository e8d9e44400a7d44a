"""Bad input: a documented verdict or a 4xx; nothing crashes and the partition goes on."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.e2e.signing import GOOD, encode, post, produce, pull_body
from tests.e2e.waiting import wait_until
from tests.e2e.world import World

MIB = 1024 * 1024

# also bodies without the label word, so that each gets its own verdict
SETTINGS = {"OHDC_KEEP_BODIES": "all"}


def verdict_of(world: World, request_id: str) -> str | None:
    """Verdict of the delivery with this request id."""
    rows = world.stack.rows("select verdict from delivery where request_id = %s", request_id)
    return rows[0]["verdict"] if rows else None


def text_body(world: World, change: Callable[[dict], object]) -> bytes:
    """A body with a mention, changed."""
    body = pull_body(world, "@openhands do it")
    change(body)
    return encode(body)


def raw(world: World, old: str, new: str) -> bytes:
    """A body with a mention, changed as text."""
    text = json.dumps(pull_body(world, "@openhands PLACE"), ensure_ascii=False)
    assert old in text
    return text.replace(old, new, 1).encode("utf-8", "surrogatepass")


def nested(depth: int) -> str:
    """JSON so many arrays deep."""
    return "[" * depth + "]" * depth


@dataclass(frozen=True)
class Case:
    """A signed body, the answer's status and the verdict where it is 200."""

    name: str
    make: Callable[[World], bytes]
    status: int
    verdict: str | None = None

    def __str__(self) -> str:
        return self.name


def wide(_: World) -> bytes:
    """No JSON object at the top."""
    return b"[1, 2, 3]"


CASES = [
    Case("not-json", lambda w: b"hello", 400),
    Case("empty", lambda w: b"", 200),
    Case("cut-off", lambda w: encode(pull_body(w, "@openhands x"))[:-7], 400),
    Case("two-values", lambda w: encode(pull_body(w, "x")) + b"{}", 400),
    Case("an-array", wide, 200, "MALFORMED"),
    Case("a-number", lambda w: b"7", 200, "MALFORMED"),
    Case(
        "deep-100",
        lambda w: raw(w, '"comments": []', f'"comments": {nested(100)}'),
        200,
        "MALFORMED",
    ),
    Case(
        "deep-100000",
        lambda w: raw(w, '"comments": []', f'"comments": {nested(100000)}'),
        200,
        "MALFORMED",
    ),
    Case(
        "duplicate-event-key",
        lambda w: raw(w, '"eventKey"', '"eventKey": "pr:opened", "eventKey"'),
        200,
        "MALFORMED",
    ),
    Case(
        "duplicate-comment",
        lambda w: raw(w, '"comment": {', '"comment": {}, "comment": {'),
        200,
        "MALFORMED",
    ),
    Case(
        "comment-is-text",
        lambda w: text_body(w, lambda b: b.update(comment="@openhands x")),
        200,
        "MALFORMED",
    ),
    Case(
        "text-is-a-number",
        lambda w: text_body(w, lambda b: b["comment"].update(text=7)),
        200,
        "MALFORMED",
    ),
    Case(
        "id-is-text",
        lambda w: text_body(w, lambda b: b["comment"].update(id="openhands")),
        200,
        "MALFORMED",
    ),
    Case("id-is-huge", lambda w: raw(w, '"version": 0', '"version": 1e999'), 200, "MALFORMED"),
    Case(
        "integer-over-64-bits",
        lambda w: raw(w, '"version": 0', f'"version": {10**40}'),
        200,
        "MALFORMED",
    ),
    Case(
        "no-actor",
        lambda w: text_body(w, lambda b: (b.pop("actor"), b["comment"].pop("author"))),
        200,
        "MALFORMED",
    ),
    Case("no-comment", lambda w: text_body(w, lambda b: b.pop("comment")) + b" " * 4, 200, None),
    Case(
        "no-pull-request-id",
        lambda w: text_body(w, lambda b: b["pullRequest"].pop("id")),
        200,
        "MALFORMED",
    ),
    Case("lone-surrogate", lambda w: raw(w, "PLACE", "broken \\ud83d emoji"), 200, "TRIGGERED"),
    Case("nul-escape", lambda w: raw(w, "PLACE", "a\\u0000b"), 200, "TRIGGERED"),
    Case(
        "invalid-utf8",
        lambda w: raw(w, "PLACE", "caf").replace(b"caf", b"caf\xe9"),
        200,
        "TRIGGERED",
    ),
    Case(
        "nulls-everywhere",
        lambda w: text_body(w, lambda b: [b.update({k: None}) for k in ("actor", "comment", "pullRequest")]),
        200,
        None,
    ),
]


@pytest.mark.asan
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_signed_body_that_is_bad(world: World, case: Case) -> None:
    """Status and verdict as documented."""
    request_id = str(uuid.uuid4())
    body = case.make(world)
    answer = post(world, world.bitbucket, body, change={"X-Request-Id": request_id})
    assert answer.status_code == case.status, answer.text
    if case.status == 400:
        expected = {"error": "Invalid payload.", "error_type": "JSONDecodeError"}
        assert answer.json() == expected
        return
    if case.verdict:
        found = wait_until(lambda: verdict_of(world, request_id), 20, "a verdict")
        assert found == case.verdict


def test_an_unknown_event_asks_nothing(world: World) -> None:
    """Whatever the sender calls it."""
    request_id = str(uuid.uuid4())
    body = encode(pull_body(world, "@openhands x", eventKey="pr:comment:imagined"))
    change = {"X-Request-Id": request_id}
    answer = post(world, world.bitbucket, body, event="pr:comment:imagined", change=change)
    assert answer.status_code == 200
    assert wait_until(lambda: verdict_of(world, request_id), 20) == "NO_TRIGGER"


@pytest.mark.parametrize(("size", "status"), [(12 * MIB, 200), (32 * MIB, 200)])
def test_a_huge_body_that_is_authentic(world: World, size: int, status: int) -> None:
    """Recorded without its body, verdict TOO_LARGE."""
    request_id = str(uuid.uuid4())
    body = encode(pull_body(world, "@openhands " + "x" * size))
    answer = post(world, world.bitbucket, body, change={"X-Request-Id": request_id})
    assert answer.status_code == status
    assert wait_until(lambda: verdict_of(world, request_id), 20) == "TOO_LARGE"
    record = next(r for r in world.stack.records("webhook") if r.headers.get("ohdc-request-id") == request_id)
    assert record.value == b""
    assert record.headers["ohdc-verdict"] == "TOO_LARGE"


def test_a_huge_body_that_is_not_authentic(world: World) -> None:
    """413, nothing stored."""
    records = len(world.stack.records("webhook"))
    body = b"x" * (12 * MIB)
    answer = post(world, world.bitbucket, body, change={"X-Hub-Signature": "sha256=" + "0" * 64})
    assert answer.status_code == 413
    assert isinstance(answer.json()["detail"], str)
    assert len(world.stack.records("webhook")) == records


@pytest.mark.asan
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("no headers", None),
        ("no delivery id", {}),
        ("delivery id is no uuid", {"ohdc-delivery-id": "seven"}),
        ("provider unknown", {"ohdc-delivery-id": "*", "ohdc-provider": "gitlab"}),
        ("time is no number", {"ohdc-delivery-id": "*", "ohdc-received-at": "now"}),
        ("connection is no number", {"ohdc-delivery-id": "*", "ohdc-connection-id": "x"}),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_a_poison_record_goes_to_the_dead_letters(world: World, name: str, change: dict[str, str] | None) -> None:
    """With its error and place; the partition moves on."""
    headers = {} if change is None else {**GOOD, **change}
    if headers.get("ohdc-delivery-id") == "*":
        headers["ohdc-delivery-id"] = str(uuid.uuid4())
    value = f"poison: {name}".encode()
    partition, offset = produce(world, value, headers)

    def letter() -> dict[str, str] | None:
        found = [r for r in world.stack.records("dlq") if r.value == value]
        return found[0].headers if found else None

    found = wait_until(letter, 20, "a dead letter", every=0.3)
    assert found["ohdc-dlq-topic"] == world.stack.topic("webhook")
    assert (found["ohdc-dlq-partition"], found["ohdc-dlq-offset"]) == (str(partition), str(offset))
    assert found["ohdc-dlq-error"]
    sql = "select next_offset from consumer_offset where topic = %s and topic_partition = %s"
    where = (world.stack.topic("webhook"), partition)
    wait_until(lambda: world.stack.rows(sql, *where)[0]["next_offset"] > offset, 20, "moving on")


def test_after_all_this_asks_still_work(world: World) -> None:
    """No program was restarted on the way."""
    number, comment = world.ask_pull("@openhands still there?")
    world.wait_pull(number)
    world.one_job(comment)
    for program in world.stack.programs.values():
        assert program.process is not None
        assert program.process.poll() is None


def test_an_unknown_major_schema_pauses_and_is_kept(world: World) -> None:
    """Never a dead letter; visible in a metric; other partitions go on."""
    headers = {**GOOD, "ohdc-delivery-id": str(uuid.uuid4()), "ohdc-schema": "9"}
    letters = len(world.stack.records("dlq"))
    value = b"from the future"
    partition, offset = produce(world, value, headers)
    wait_until(lambda: "pause" in world.stack.programs["linker"].get("/metrics").text, 20, "metric")
    sql = "select next_offset from consumer_offset where topic = %s and topic_partition = %s"
    where = (world.stack.topic("webhook"), partition)
    rows = world.stack.rows(sql, *where)
    assert not rows or rows[0]["next_offset"] <= offset
    assert len(world.stack.records("dlq")) == letters
