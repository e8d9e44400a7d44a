"""`ohdc explain` on the bodies in tests/data: what is asked, by whom, about what, under which key."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.sim.client import ROOT

DATA = ROOT / "tests" / "data"
FILES = sorted(DATA.glob("*/*.json"))
MEMBERS = {
    "provider",
    "event",
    "event_key",
    "subject",
    "trigger",
    "reason",
    "mention",
    "actor",
    "comment_id",
    "repositories",
}


def explain(
    programs: Path, provider: str, body: bytes, *more: str, label: str = ""
) -> subprocess.CompletedProcess[bytes]:
    """Run it with nothing but the label in the environment: neither database nor broker is needed."""
    env = {"OH_RESOLVER_LABEL": label} if label else {}
    return subprocess.run(
        [programs / "ohdc", "explain", provider, "--bot", "openhands", *more],
        input=body,
        env=env,
        capture_output=True,
        timeout=10,
    )


def matches(expected: Any, found: Any) -> bool:
    """Objects member by member, everything else whole; ids are text or number."""
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(matches(v, found.get(k)) for k, v in expected.items())
    if isinstance(expected, str) and isinstance(found, int):
        return expected == str(found)
    return expected == found


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_explain_says_what_a_body_asks(programs: Path, file: Path) -> None:
    """One object with every member, the expected ones as expected."""
    case = json.loads(file.read_text())
    provider = file.parent.name
    done = explain(programs, provider, json.dumps(case["body"]).encode())
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    thing = {"jira": "issue", "bitbucket": "pull_request"}[provider]
    assert set(found) >= MEMBERS | {thing}
    assert matches(case["expect"], found), (case["expect"], found)
    assert (found["reason"] is None) == (found["trigger"] is not None)


def test_the_connection_is_part_of_the_key(programs: Path) -> None:
    """--connection N stands for the instance; --event is the header; --bot may be repeated."""
    body = json.dumps(json.loads((DATA / "bitbucket/comment.json").read_text())["body"]).encode()
    more = ("--connection", "7", "--bot", "other", "--event", "pr:comment:added")
    found = json.loads(explain(programs, "bitbucket", body, *more).stdout)
    assert found["event_key"] == "bitbucket:7:31:comment:777"
    assert found["subject"] == "bitbucket:7:31:12"


def test_another_label_is_another_mention(programs: Path) -> None:
    """OH_RESOLVER_LABEL is honoured."""
    body = json.dumps(json.loads((DATA / "bitbucket/comment.json").read_text())["body"])
    assert json.loads(explain(programs, "bitbucket", body.encode(), label="helper").stdout)["reason"] == "NO_TRIGGER"
    asked = body.replace("@openhands", "@helper").encode()
    found = json.loads(explain(programs, "bitbucket", asked, label="helper").stdout)
    assert found["trigger"] == "comment"


@pytest.mark.parametrize("body", [b"", b"hello", b'{"a":', b"[" * 200000, b"\xff\xfe\x00"])
def test_what_is_no_json_fails_with_one_line(programs: Path, body: bytes) -> None:
    """Exit status 1 or 2, one line, no crash."""
    done = explain(programs, "jira", body)
    assert done.returncode in (1, 2)
    assert len(done.stderr.decode().strip().splitlines()) == 1
    assert done.stdout == b""
