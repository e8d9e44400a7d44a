"""The operator's program: its outputs, its exit statuses, and what the services say at start."""

from __future__ import annotations

import json
import re
import subprocess
import time
import uuid

import pytest

from tests.e2e.stack import SERVICES, bin_dir
from tests.e2e.world import World

UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")


def test_connections_are_added_listed_and_shown_without_their_secret(world: World) -> None:
    """The secret is shown once, where it is made."""
    rows = world.stack.ohdc_lines("connections", "list")
    by_name = {row["connection"]: row for row in rows}
    assert {world.jira.name, world.bitbucket.name} <= set(by_name)
    assert by_name[world.bitbucket.name]["status"] == "active"
    shown = world.stack.ohdc("connections", "show", world.bitbucket.name)
    assert "PROJ" in shown
    assert "openhands" in shown
    for text in (json.dumps(rows), shown):
        assert world.bitbucket.secret not in text


def test_a_connection_takes_a_given_secret(world: World) -> None:
    """--secret-file FILE."""
    sims = world.stack.sims
    sims.bitbucket.add_repo(key="PROJ", slug="given", rights={"openhands": "REPO_WRITE"})
    file = world.stack.folder / "given-secret"
    file.write_text("a secret of forty-three characters or so....\n")
    made = world.stack.ohdc_json("connections", "add", "bitbucket", "--repo", "PROJ/given", "--secret-file", str(file))
    assert set(made) >= {"connection", "provider", "id", "events_url", "webhook_secret", "status"}
    assert made["webhook_secret"] == file.read_text().strip()
    assert made["connection"] == f"bitbucket/{made['id']}"
    assert made["events_url"].startswith("https://app.example.com/integration/bitbucket-dc/")


def test_deliveries_and_trace_explain_an_ask(world: World) -> None:
    """From the delivery to its job and its effects, with the times of each step."""
    number, comment = world.ask_pull("@openhands trace me")
    world.wait_pull(number)
    world.settle()
    rows = world.stack.ohdc_lines("deliveries", "list")
    row = next(r for r in rows if (r["event_key"] or "").endswith(f":comment:{comment}"))
    assert set(row) == {
        "delivery_id",
        "received_at",
        "connection",
        "event",
        "event_key",
        "reason",
        "source",
        "job_id",
    }
    assert row["reason"] == "JOB_STARTED"
    assert row["connection"] == world.bitbucket.name
    assert UUID.match(row["job_id"])
    traced = world.stack.ohdc_json("trace", row["delivery_id"])
    assert set(traced) >= {"delivery", "trigger", "job", "effects", "steps"}
    assert {e["kind"] for e in traced["effects"]} == {"start", "reaction", "ack", "result"}
    assert {e["state"] for e in traced["effects"]} == {"confirmed"}
    assert [s["state"] for s in traced["steps"]][-1] == "DONE"
    by_job = world.stack.ohdc_json("trace", row["job_id"])
    assert by_job["delivery"]["delivery_id"] == row["delivery_id"]
    text = world.stack.ohdc("trace", row["delivery_id"])
    assert row["job_id"] in text
    assert "JOB_STARTED" in text
    assert "\x1b[" not in text
    shown = world.stack.ohdc("deliveries", "show", row["delivery_id"])
    assert row["delivery_id"] in shown


def test_status_shows_the_whole_path(world: World) -> None:
    """Text for people, one object for machines."""
    assert world.stack.ohdc("status")
    assert isinstance(world.stack.ohdc_json("status"), dict)


@pytest.mark.parametrize(
    "arguments",
    [
        ["bitbucket-comment", "--connection", "{bitbucket}"],
        ["jira-comment", "--connection", "{jira}"],
        ["jira-label", "--connection", "{jira}"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_simulate_goes_the_real_way(world: World, arguments: list[str]) -> None:
    """A simulated delivery is a record whose source says so."""
    filled = [word.format(bitbucket=world.bitbucket.name, jira=world.jira.name) for word in arguments]

    def simulated() -> int:
        sources = [r.headers["ohdc-source"] for r in world.stack.records("webhook")]
        return sources.count("simulate")

    before = simulated()
    done = world.stack.ohdc_run("simulate", *filled)
    assert done.returncode == 0, done.stderr.decode()
    assert simulated() == before + 1


def test_migrate_and_topics_can_run_again(world: World) -> None:
    """Nothing to do is success, and the plan says so."""
    world.stack.ohdc("migrate")
    plan = world.stack.ohdc("migrate", "--plan")
    world.stack.ohdc("topics", "apply")
    topics = world.stack.ohdc("topics", "plan")
    for kind in ("webhook", "job", "status", "dlq"):
        assert world.stack.topic(kind) in topics
    assert isinstance(plan, str)


def test_keys_generate_prints_one_line(world: World) -> None:
    """KEYID 64hex, another each time."""
    lines = {world.stack.ohdc("keys", "generate") for _ in range(2)}
    assert len(lines) == 2
    for line in lines:
        assert re.fullmatch(r"\S+ [0-9a-f]{64}\n", line)


def test_version_help_and_completion(world: World) -> None:
    """No stores are needed for these."""
    env = {"OHDC_DATABASE_URL": "", "OHDC_KAFKA_BROKERS": ""}
    assert re.search(r"\d+\.\d+", world.stack.ohdc_run("version", env=env).stdout.decode())
    text = world.stack.ohdc_run("--help", env=env)
    assert text.returncode == 0
    for verb in ("status", "deliveries", "trace", "connections", "explain", "migrate"):
        assert verb in text.stdout.decode()


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["nonsense"], 2),
        (["deliveries", "show", "not-a-uuid"], 2),
        (["trace", str(uuid.uuid4())], 1),
        (["connections", "show", "bitbucket/424242"], 1),
        (["connections", "show", "github/1"], 2),
        (["connections", "add", "bitbucket"], 2),
        (["connections", "add", "jira", "--base-url", "nonsense"], 2),
        (["explain", "gitlab"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_exit_statuses(world: World, arguments: list[str], status: int) -> None:
    """2 for usage, 1 for not found; one line on standard error."""
    done = world.stack.ohdc_run(*arguments)
    assert done.returncode == status, (done.stdout, done.stderr)
    assert done.stderr.strip()
    assert done.stdout == b""


def test_a_changing_verb_wants_an_operator(world: World) -> None:
    """And writes it into the audit."""
    done = world.stack.ohdc_run("connections", "pause", world.jira.name, env={"OHDC_OPERATOR": ""})
    assert done.returncode == 2
    assert b"operator" in done.stderr.lower()
    rows = world.stack.rows("select distinct operator from audit")
    assert [row["operator"] for row in rows] == ["e2e"]


def test_an_unreachable_database_is_exit_6(world: World) -> None:
    """Unreachable, said in one line without the password."""
    url = "postgresql://ohdc:pa55word@127.0.0.1:9/ohdc"
    done = world.stack.ohdc_run("status", env={"OHDC_DATABASE_URL": url})
    assert done.returncode == 6
    assert b"pa55word" not in done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_wrong_setting_stops_a_service_with_one_line(world: World, service: str) -> None:
    """Setting, what was found, what is expected; exit status 2; never a secret."""
    env = world.stack.env_for(service) | {"OHDC_DRAIN_MS": "soon"}
    done = subprocess.run([bin_dir() / f"ohdc-{service}"], env=env, capture_output=True, timeout=20)
    assert done.returncode == 2
    text = (done.stdout + done.stderr).decode().strip()
    assert len(text.splitlines()) == 1, text
    assert "OHDC_DRAIN_MS" in text
    assert "soon" in text


@pytest.mark.parametrize("service", ["ingress", "linker", "dispatcher"])
def test_a_missing_setting_stops_a_service_with_one_line(world: World, service: str) -> None:
    """The first thing a newcomer meets."""
    env = world.stack.env_for(service)
    del env["OHDC_KAFKA_BROKERS"]
    done = subprocess.run([bin_dir() / f"ohdc-{service}"], env=env, capture_output=True, timeout=20)
    assert done.returncode == 2
    text = (done.stdout + done.stderr).decode().strip()
    assert len(text.splitlines()) == 1, text
    assert "OHDC_KAFKA_BROKERS" in text


def test_config_check_names_what_is_wrong(world: World) -> None:
    """The operator's way to ask before a rollout."""
    assert world.stack.ohdc_run("config", "check").returncode == 0
    done = world.stack.ohdc_run("config", "check", env={"OH_RESOLVER_LABEL": "two words"})
    assert done.returncode == 2
    assert b"OH_RESOLVER_LABEL" in done.stdout + done.stderr


def test_starting_is_quick(world: World) -> None:
    """Ready soon after the start: seconds, whatever the machine does beside it."""
    program = world.stack.programs["linker"]
    assert program.stop() == 0
    before = time.monotonic()
    program.start()
    assert time.monotonic() - before < 10
