"""What the chart tells clients of Kafka, against a real broker with TLS, SCRAM and ACLs."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from tests.chart.helm import ROOT, Rendered, render
from tests.run.servers import Kafka, free_port, scratch_dir

PROGRAM = os.environ.get("OHDC_BIN", str(ROOT / "build/bin")) + "/ohdc"
MOUNT = "/etc/ohdc/kafka/"
PASSWORD = "correct horse, battery"
# Profile, and who speaks to Kafka there.
PEOPLE = [(profile, user) for profile, users in (
    ("external-scram", ["ingress", "linker", "dispatcher"]),
    ("external-mtls", ["ingress", "linker", "dispatcher", "topics"]),
    ("strimzi-tls", ["ingress", "linker", "dispatcher"]),
    ("strimzi-scram", ["ingress", "linker", "dispatcher"]),
    ("everything", ["ingress", "linker", "dispatcher", "topics"]),
) for user in users]


def openssl(*arguments: str) -> None:
    """Run openssl."""
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class Authority:
    """A CA and what it signs, as PEM files."""

    def __init__(self, folder: Path):
        self.folder = folder
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                "/CN=ca", "-keyout", self.path("ca.key"), "-out", self.path("ca.crt"))

    def path(self, name: str) -> str:
        return str(self.folder / name)

    @functools.cache  # noqa: B019
    def sign(self, name: str) -> tuple[str, str]:
        """Certificate and key of a name."""
        key, wish, cert, more = (self.path(f"{name}.{end}") for end in ("key", "csr", "crt", "ext"))
        Path(more).write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", key, "-out", wish)
        openssl("x509", "-req", "-in", wish, "-CA", self.path("ca.crt"), "-CAkey", self.path("ca.key"), "-days", "2",
                "-extfile", more, "-out", cert)
        return cert, key


class Guarded(Kafka):
    """A broker that lets only known users in, each to what is its own; on its plain port everything is allowed."""

    def __init__(self, folder: Path):
        self.authority = Authority(folder)
        cert, key = self.authority.sign("broker")
        Path(folder / "broker.pem").write_text(Path(key).read_text() + Path(cert).read_text())
        super().__init__(folder)
        self.ports = {"SSL": free_port(), "SASL_SSL": free_port()}
        plain, controller = self._ports()
        more = ",".join(f"{name}://127.0.0.1:{port}" for name, port in self.ports.items())
        self.properties = {
            "listeners": f"PLAINTEXT://127.0.0.1:{plain},CONTROLLER://127.0.0.1:{controller},{more}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{plain},{more}",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(folder / "broker.pem"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.authority.path("ca.crt"),
            "listener.name.ssl.ssl.client.auth": "required",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config":
                "org.apache.kafka.common.security.scram.ScramLoginModule required;",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }

    @functools.cached_property
    def admin(self) -> AdminClient:
        """A client that may do anything."""
        return AdminClient({"bootstrap.servers": self.brokers})

    def add_user(self, name: str) -> None:
        """A user with PASSWORD."""
        scram = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        wish = UserScramCredentialUpsertion(name, scram, PASSWORD.encode())
        for done in self.admin.alter_user_scram_credentials([wish]).values():
            done.result()

    def allow(self, principal: str, kind: str, name: str, operation: str) -> None:
        """One right."""
        rule = AclBinding(ResourceType[kind.upper()], name, ResourcePatternType.LITERAL, principal, "*",
                          AclOperation[{"DescribeConfigs": "DESCRIBE_CONFIGS"}.get(operation, operation.upper())],
                          AclPermissionType.ALLOW)
        for done in self.admin.create_acls([rule]).values():
            done.result()


@pytest.fixture(scope="module")
def broker() -> Iterator[Guarded]:
    folder = scratch_dir("guarded")
    server = Guarded(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


class Client:
    """A user of a rendering: its environment and files as its container has them, at a real broker."""

    def __init__(self, rendered: Rendered, user: str, broker: Guarded, folder: Path):
        self.folder = folder
        env = rendered.env("linker", "topics") if user == "topics" else rendered.env(user)
        self.env = {k: v for k, v in env.items() if k.startswith("OHDC_KAFKA_") and isinstance(v, str)}
        text = rendered.get("ConfigMap", "kafka-clients")["data"][f"{user}.properties"]
        self.properties = dict(line.split("=", 1) for line in text.splitlines())
        self.protocol = self.properties["security.protocol"].upper()
        self.name = self.properties.get("sasl.username", f"ohdc-{user}")
        for name in self.files(rendered, user):
            self.write(broker, name)
        (folder / "client.properties").write_text(text.replace(MOUNT, f"{folder}/"))
        self.env |= {"OHDC_KAFKA_CONFIG_FILE": str(folder / "client.properties"),
                     "OHDC_KAFKA_BROKERS": f"127.0.0.1:{broker.ports[self.protocol]}"}
        if "OHDC_KAFKA_PASSWORD_FILE" in self.env:
            self.env["OHDC_KAFKA_PASSWORD_FILE"] = self.env["OHDC_KAFKA_PASSWORD_FILE"].replace(MOUNT, f"{folder}/")

    @staticmethod
    def files(rendered: Rendered, user: str) -> list[str]:
        """What is mounted at /etc/ohdc/kafka."""
        service = "linker" if user == "topics" else user
        mounts = rendered.container(service, user)["volumeMounts"]
        volume = next(m["name"] for m in mounts if m["mountPath"] == MOUNT.rstrip("/"))
        sources = next(v for v in rendered.pod(service)["volumes"] if v["name"] == volume)["projected"]["sources"]
        return [item["path"] for source in sources for item in source["secret"]["items"]]

    def write(self, broker: Guarded, name: str) -> None:
        """Fill one of these files."""
        if name == "password":
            broker.add_user(self.name)
            (self.folder / name).write_text(PASSWORD + "\n")
        elif name == "ca.crt":
            shutil.copy(broker.authority.path("ca.crt"), self.folder / name)
        else:
            shutil.copy(broker.authority.sign(self.name)[name == "user.key"], self.folder / name)

    @property
    def principal(self) -> str:
        """As whom the broker knows it."""
        return f"User:{'' if 'sasl.username' in self.properties else 'CN='}{self.name}"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `ohdc` with that environment."""
        env = self.env | {"PATH": os.environ["PATH"]}
        return subprocess.run([PROGRAM, *arguments], env=env, capture_output=True, text=True, timeout=60)

    def config(self) -> dict[str, Any]:
        """For confluent_kafka."""
        own = {k: v.replace(MOUNT, f"{self.folder}/") for k, v in self.properties.items()}
        password = {"sasl.password": PASSWORD} if "sasl.username" in own else {}
        return own | password | {"bootstrap.servers": self.env["OHDC_KAFKA_BROKERS"]}


@pytest.fixture
def client(broker: Guarded, tmp_path: Path) -> Callable[[str, str], Client]:
    """A user of a profile."""
    return lambda profile, user: Client(render(profile=profile), user, broker, tmp_path)


@pytest.mark.parametrize(("profile", "user"), PEOPLE, ids=["-".join(p) for p in PEOPLE])
def test_each_user_gets_in(client: Callable[[str, str], Client], broker: Guarded, profile: str, user: str) -> None:
    """With the properties, password or certificate of its pod, and the rights that `ohdc topics plan` wants for it."""
    someone = client(profile, user)
    for topic in ("webhook", "job", "status", "dlq"):
        for operation in ("Create", "Describe", "DescribeConfigs"):
            broker.allow(someone.principal, "topic", f"{someone.env['OHDC_KAFKA_PREFIX']}{topic}.v1", operation)
    done = someone.run("topics", "apply")
    assert done.returncode == 0, done.stderr
    assert f"{someone.env['OHDC_KAFKA_PREFIX']}webhook.v1" in done.stdout


@pytest.mark.parametrize(("profile", "broken", "word"), [
    ("external-scram", ("sasl.mechanism=", "sasl.mechanizm="), "sasl.mechanizm"),
    ("external-scram", ("sasl_ssl", "sasl_tls"), "security.protocol"),
    ("strimzi-tls", ("ssl.key.location", "group.id=x\nssl.key.location"), "group.id"),
])
def test_wrong_properties_are_refused(client: Callable[[str, str], Client], profile: str, broken: tuple[str, str],
                                      word: str) -> None:
    """So the test above sees a property that does not exist, or may not be set."""
    someone = client(profile, "linker")
    file = Path(someone.env["OHDC_KAFKA_CONFIG_FILE"])
    file.write_text(file.read_text().replace(*broken))
    done = someone.run("topics", "plan")
    assert done.returncode not in (0, 6)
    assert word in done.stderr


def users_rights(rendered: Rendered) -> dict[str, set[tuple[str, str, str]]]:
    """Of each KafkaUser: type, name and operation of what it may do."""
    return {Rendered.short(u): {(a["resource"]["type"], a["resource"]["name"], operation)
                                for a in u["spec"]["authorization"]["acls"] for operation in a["operations"]}
            for u in rendered.of("KafkaUser")}


@pytest.mark.parametrize("values", [{}, {"kafka.prefix": "team_A."}], ids=["default", "prefix"])
def test_strimzi_is_told_what_the_plan_says(values: dict[str, Any]) -> None:
    """Rights of the users, topics and their settings are the program's own."""
    rendered = render(values, profile="strimzi-tls")
    env = {k: v for k, v in rendered.env("linker").items() if k in ("OHDC_KAFKA_PREFIX",)}
    env |= {"OHDC_KAFKA_PARTITIONS": "12"}
    done = subprocess.run([PROGRAM, "topics", "plan", "--json"], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    wanted: dict[str, set[tuple[str, str, str]]] = {}
    for rule in plan["acls"]:
        wanted.setdefault(rule["service"], set()).update((rule["type"], rule["name"], o) for o in rule["operations"])
    wanted.pop("topics")
    assert users_rights(rendered) == wanted
    topics = {t["spec"]["topicName"]: t["spec"] for t in rendered.of("KafkaTopic")}
    assert topics.keys() == {t["name"] for t in plan["topics"]}
    for topic in plan["topics"]:
        config = {k: str(v) for k, v in topics[topic["name"]]["config"].items() if k != "min.insync.replicas"}
        assert config == topic["configs"]
        assert topics[topic["name"]]["partitions"] == topic["partitions"]


def may(action: Callable[[], object]) -> bool:
    """Whether the broker lets somebody do it."""
    try:
        action()
    except KafkaException as error:
        name = error.args[0].name()
        assert name == "_TIMED_OUT" or name.endswith("AUTHORIZATION_FAILED"), error
        return False
    return True


def write(config: dict[str, Any], topic: str) -> None:
    """Write a record."""
    answers: list[Any] = []
    producer = Producer(config | {"enable.idempotence": True})
    producer.produce(topic, b"x", partition=0, on_delivery=lambda error, _: answers.append(error))
    producer.flush(20)
    if answers[0]:
        raise KafkaException(answers[0])


def read(config: dict[str, Any], topic: str, group: str) -> None:
    """Read records without joining the group."""
    consumer = Consumer(config | {"group.id": group, "auto.offset.reset": "earliest"})
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        message = consumer.poll(20)
        assert message is not None, f"nothing came from {topic}"
        if message.error():
            raise KafkaException(message.error())
    finally:
        consumer.close()


def commit(config: dict[str, Any], topic: str, group: str) -> None:
    """Move a group, as its members do. Who may not even see it never learns where to ask, and waits."""
    wish = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 0)])
    admin = AdminClient(config)
    for done in admin.alter_consumer_group_offsets([wish], request_timeout=3).values():
        for partition in done.result(20).topic_partitions:
            if partition.error:
                raise KafkaException(partition.error)


@pytest.mark.parametrize("user", ["ingress", "linker", "dispatcher"])
def test_strimzis_users_may_do_what_is_theirs_and_no_more(client: Callable[[str, str], Client], broker: Guarded,
                                                         user: str) -> None:
    """The rules of the KafkaUsers, given to a real broker: every topic and group is tried."""
    someone = client("strimzi-tls", user)
    rights = users_rights(render(profile="strimzi-tls"))[user]
    for kind, name, operation in rights:
        broker.allow(someone.principal, kind, name, operation)
    names = [f"ohdc.{topic}.v1" for topic in ("webhook", "job", "status", "dlq")]
    for done in broker.admin.create_topics([NewTopic(n, 3, 1) for n in names]).values():
        done.exception(20)
    config = someone.config()
    for name in names:
        write({"bootstrap.servers": broker.brokers}, name)
        may_write = may(functools.partial(write, config, name))
        assert may_write == (("topic", name, "Write") in rights), f"{user} writes {name}"
        may_read = may(functools.partial(read, config, name, f"ohdc.{user}"))
        assert may_read == (("topic", name, "Read") in rights), f"{user} reads {name}"
    for group, topic in (("ohdc.linker", names[0]), ("ohdc.dispatcher", names[1])):
        may_commit = may(functools.partial(commit, config, topic, group))
        assert may_commit == (("group", group, "Read") in rights), f"{user} commits in {group}"
