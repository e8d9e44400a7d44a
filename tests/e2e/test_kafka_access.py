"""Kafka with TLS, a user for each service and ACLs: what the plan grants is enough, and no more; secrets change."""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.secure_stack import USERS, SecureStack
from tests.e2e.stack import SERVICES, Program
from tests.e2e.waiting import wait_until
from tests.e2e.world import World
from tests.run.secure_kafka import Authority, SecureKafka
from tests.run.servers import Postgres

KAFKA_SERVICES = ("ingress", "linker", "dispatcher")


@pytest.fixture(scope="module")
def kafka(run_dir: Path) -> Iterator[SecureKafka]:
    """A broker of this module's own."""
    server = SecureKafka(run_dir / "secure")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def stack(run_dir: Path, programs: Path, kafka: SecureKafka, postgres: Postgres) -> Iterator[SecureStack]:
    """An installation whose services are users of Kafka."""
    folder = run_dir / "access"
    folder.mkdir()
    made = SecureStack(folder, kafka, postgres, {})
    try:
        yield made
    finally:
        made.stop()


def job(world: World, text: str) -> None:
    """An ask in Jira becomes a conversation, started once, and is answered."""
    issue, comment = world.ask_issue(f"@openhands {text}")
    world.wait_issue(issue, 2, 60)
    world.one_job(comment)


def log_lines(program: Program, message: str) -> list[dict[str, str]]:
    """Lines of a program's log with this message."""
    lines = [json.loads(line) for line in program.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["message"] == message]


def restart(stack: SecureStack, scheme: str) -> None:
    """All services anew, with another way to come to Kafka."""
    stack.scheme = scheme
    for name in SERVICES:
        assert stack.programs[name].stop() in (0, None)
        stack.programs[name].env.update(stack.env_for(name))
        if scheme == "tls":
            stack.programs[name].env.pop("OHDC_KAFKA_PASSWORD_FILE", None)
    stack.start()


def test_the_main_job_with_a_user_for_each_service(world: World) -> None:
    """SCRAM over TLS; the ACLs are those of `ohdc topics plan` alone, the topics made by its user `topics`."""
    job(world, "with scram")
    for name in KAFKA_SERVICES:
        assert log_lines(world.stack.programs[name], "not seen whose the prefix is") == []


def test_a_user_is_refused_what_is_not_its_own(world: World, stack: SecureStack) -> None:
    """The broker grants each user what the plan says, of each topic and group, and nothing else."""
    places = [("topic", stack.topic(kind)) for kind in ("webhook", "job", "status", "dlq")]
    places += [("group", f"{stack.prefix}{name}") for name in ("linker", "dispatcher")]
    rows = stack.plan()["acls"]
    for user, (kind, name) in itertools.product(USERS, places):
        granted = {o for row in rows if (row["service"], row["name"]) == (user, name) for o in row["operations"]}
        assert stack.operations(user, kind, name) == granted, (user, name)
        if kind == "topic" and "Write" not in granted:
            assert not stack.may_write(user, name), (user, name)


def test_ingress_cannot_read_jobs(world: World, stack: SecureStack) -> None:
    """Not with Kafka's own consumer either; the dispatcher's user can."""
    topic = stack.topic("job")
    assert "TopicAuthorizationException" in stack.read_by_tool("ingress", topic)
    assert "uthorization" not in stack.read_by_tool("dispatcher", topic)


def test_status_as_the_dispatcher(stack: SecureStack) -> None:
    """Its rights are enough for `ohdc status`."""
    done = stack.ohdc_run("status", "--json", env=stack.kafka_env("dispatcher"))
    assert done.returncode == 0, done.stderr
    assert [topic.get("lag") is not None for topic in json.loads(done.stdout)["topics"]] == [True, True, False, False]


def test_the_printed_commands_are_kafkas_own(stack: SecureStack, kafka: SecureKafka) -> None:
    """The lines of `ohdc topics plan` go through Kafka's tools as they are."""
    lines = [line.split() for line in stack.ohdc("topics", "plan").splitlines()]
    acls = [line[1:] for line in lines if line[:1] == ["kafka-acls.sh"]]
    assert len(acls) == len(stack.plan()["acls"])
    by_hand = [word.replace(":ohdc-", ":hand-") for word in next(line for line in acls if "--group" in line)]
    assert "Adding ACLs" in kafka.tool("AclCommand", by_hand)
    made = [line[1:] for line in lines if line[:1] == ["kafka-topics.sh"]]
    assert len(made) == 4
    kafka.tool("TopicCommand", [word.replace(stack.prefix, f"{stack.prefix}by-hand.") for word in made[0]])
    shown = stack.ohdc_run(
        "topics",
        "plan",
        "--json",
        env={
            "OHDC_KAFKA_BROKERS": kafka.brokers,
            "OHDC_KAFKA_CONFIG_FILE": "",
            "OHDC_KAFKA_PASSWORD_FILE": "",
            "OHDC_KAFKA_PREFIX": f"{stack.prefix}by-hand.",
        },
    )
    topics = {topic["name"].rpartition("by-hand.")[2]: topic for topic in json.loads(shown.stdout)["topics"]}
    assert (topics["webhook.v1"]["state"], topics["webhook.v1"]["different"]) == ("is there", "")
    assert topics["job.v1"]["state"] == "missing"


def test_a_password_that_changes(world: World, stack: SecureStack, kafka: SecureKafka) -> None:
    """Broker and Secret get a new one, connections are cut: the services go on without a restart."""
    for user in KAFKA_SERVICES:
        password = secrets.token_hex(16)
        stack.secrets.append(password)
        stack.set_password(user, password)
        stack.passwords[user].swap({"password": f"{password}\n".encode()})
    pids = {name: stack.programs[name].process.pid for name in KAFKA_SERVICES}
    for user in KAFKA_SERVICES:
        program = stack.programs[user]
        wait_until(lambda p=program: log_lines(p, "a changed secret is in use"), 60, f"{user} has read it")
    kafka.restart()
    job(world, "after a new password")
    assert {name: stack.programs[name].process.pid for name in KAFKA_SERVICES} == pids


def test_a_password_that_is_none(world: World, stack: SecureStack) -> None:
    """An empty file keeps the old one and is said once."""
    mount = stack.passwords["linker"]
    right = Path(mount.path("password")).read_bytes()
    mount.swap({"password": b"\n"})
    said = "a changed secret cannot be used, the old one stays in use"
    found = wait_until(lambda: log_lines(stack.programs["linker"], said), 60, "it is said")
    job(world, "with an empty password file")
    assert [line["setting"] for line in found] == ["OHDC_KAFKA_PASSWORD"]
    mount.swap({"password": right})
    job(world, "and back")
    assert len(log_lines(stack.programs["linker"], said)) == 1


def test_a_password_that_is_wrong(world: World, stack: SecureStack) -> None:
    """Not the broker's: the old one stays in use, also for new connections, and it is said once by each client."""
    said = "changed Kafka credentials reach no broker, the old ones stay in use"
    mount, linker = stack.passwords["linker"], stack.programs["linker"]
    right = Path(mount.path("password")).read_bytes()
    mount.swap({"password": b"not-the-brokers\n"})
    wait_until(lambda: len(log_lines(linker, said)) == 2, 60, "both clients say it")
    stack.kafka.restart()
    job(world, "with a wrong password")
    used = len(log_lines(linker, "changed Kafka credentials are in use"))
    mount.swap({"password": right})
    wait_until(lambda: len(log_lines(linker, "changed Kafka credentials are in use")) == used + 2, 60, "mended")
    job(world, "with the right password again")
    assert len(log_lines(linker, said)) == 2


def test_a_password_in_both_places(stack: SecureStack) -> None:
    """Refused at start, with both names and without the password."""
    file = stack.folder / "both.properties"
    file.write_text("security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\nsasl.username=a\nsasl.password=unseen\n")
    done = stack.ohdc_run("topics", "plan", env={"OHDC_KAFKA_CONFIG_FILE": str(file)})
    text = done.stderr.decode()
    assert done.returncode in (1, 2)
    assert "OHDC_KAFKA_PASSWORD" in text and "sasl.password" in text and str(file) in text and "unseen" not in text


def test_the_main_job_with_certificates(world: World, stack: SecureStack) -> None:
    """Mutual TLS: the user is the certificate's name."""
    restart(stack, "tls")
    job(world, "with certificates")
    assert stack.operations("ingress", "topic", stack.topic("job")) == set()
    assert stack.operations("ingress", "topic", stack.topic("webhook")) == {"Write", "Describe"}


def test_certificates_that_change(world: World, stack: SecureStack) -> None:
    """A new certificate of another name takes over: the old name's rights are not needed any more."""
    rows = [row for row in stack.plan()["acls"] if row["service"] in KAFKA_SERVICES]
    stack.allow([(f"new-{row['service']}", row) for row in rows])
    said = "changed Kafka credentials are in use"
    clients = {"ingress": 1, "linker": 2, "dispatcher": 2}
    counts = {user: len(log_lines(stack.programs[user], said)) + more for user, more in clients.items()}
    for user in KAFKA_SERVICES:
        stack.certificates[user].swap(stack.certificate(f"new-{user}"))
    for user, count in counts.items():
        wait_until(lambda n=user, c=count: len(log_lines(stack.programs[n], said)) == c, 60, f"{user} uses it")
    stack.forbid([(f"ohdc-{row['service']}", row) for row in rows])
    job(world, "with new certificates")


@pytest.mark.parametrize("what", ["another CA's", "broken"])
def test_certificates_that_are_wrong(world: World, stack: SecureStack, what: str) -> None:
    """The old ones stay in use, and it is said once by each client."""
    said = "changed Kafka credentials reach no broker, the old ones stay in use"
    wrong = {"user.crt": b"-----BEGIN CERTIFICATE-----\n", "user.key": b"x"}
    if what == "broken":
        said = "changed Kafka credentials cannot be used, the old ones stay in use"
    else:
        certificate, key = Authority(stack.folder / "strange", "strange").issue(stack.folder / "strange", "new-linker")
        wrong = {"user.crt": certificate, "user.key": key}
    right = {name: Path(stack.certificates["linker"].path(name)).read_bytes() for name in wrong}
    linker = stack.programs["linker"]
    before = len(log_lines(linker, said))
    stack.certificates["linker"].swap(wrong)
    wait_until(lambda: len(log_lines(linker, said)) == before + 2, 60, "both clients say it")
    job(world, f"with {what} certificates")
    stack.certificates["linker"].swap(right)
    used = len(log_lines(linker, "changed Kafka credentials are in use"))
    wait_until(lambda: len(log_lines(linker, "changed Kafka credentials are in use")) == used + 2, 60, "mended")
    job(world, f"after {what} certificates")
    assert len(log_lines(linker, said)) == before + 2
