"""An installation whose programs come to Kafka each as its own user, with its secrets as a kubelet mounts them."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer, TopicCollection
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from tests.e2e.stack import Stack
from tests.run.secure_kafka import SecureKafka
from tests.run.servers import KAFKA_TOOLS, Postgres

USERS = ("ingress", "linker", "dispatcher", "topics")
OPERATIONS = {
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
    "Describe": AclOperation.DESCRIBE,
    "Create": AclOperation.CREATE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
}

REFUSED = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
)


class Mount:
    """A Secret as a kubelet mounts it: files are links into ..data, which is a link that is swapped."""

    def __init__(self, folder: Path, files: dict[str, bytes]) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.count = 0
        self.swap(files)
        for name in files:
            (folder / name).symlink_to(Path("..data") / name)

    def swap(self, files: dict[str, bytes]) -> None:
        """All files at once, as after a change of the Secret."""
        self.count += 1
        fresh = self.folder / f"..{self.count}"
        fresh.mkdir()
        for name, content in files.items():
            (fresh / name).write_bytes(content)
        link = self.folder / "..data_tmp"
        link.symlink_to(fresh.name)
        os.replace(link, self.folder / "..data")

    def path(self, name: str) -> str:
        """Where a program is told to look."""
        return str(self.folder / name)


class SecureStack(Stack):
    """A Stack on a SecureKafka; `scheme` is scram or tls and decides for programs that start from then on."""

    kafka: SecureKafka

    def __init__(self, folder: Path, kafka: SecureKafka, postgres: Postgres, settings: dict[str, str]) -> None:
        super().__init__(folder, kafka, postgres, settings)
        self.scheme = "scram"
        self.admin = AdminClient({"bootstrap.servers": kafka.brokers})
        self.passwords: dict[str, Mount] = {}
        self.certificates: dict[str, Mount] = {}
        for user in USERS:
            password = secrets.token_hex(16)
            self.secrets.append(password)
            self.set_password(user, password)
            self.passwords[user] = Mount(folder / "password" / user, {"password": f"{password}\n".encode()})
            self.certificates[user] = Mount(folder / "tls" / user, self.certificate(f"ohdc-{user}"))

    def certificate(self, principal: str) -> dict[str, bytes]:
        """Files of a new certificate."""
        certificate, key = self.kafka.authority.issue(self.folder / "issued", principal)
        return {"user.crt": certificate, "user.key": key}

    def set_password(self, user: str, password: str) -> None:
        """Make the broker expect it from now on."""
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        change = UserScramCredentialUpsertion(f"ohdc-{user}", info, password.encode())
        for done in self.admin.alter_user_scram_credentials([change]).values():
            done.result(20)

    def properties(self, user: str) -> dict[str, str]:
        """What a properties file of this user says; no secret in it."""
        common = {"ssl.ca.location": str(self.kafka.authority.certificate)}
        if self.scheme == "scram":
            return common | {
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.username": f"ohdc-{user}",
            }
        mount = self.certificates[user]
        return common | {
            "security.protocol": "SSL",
            "ssl.certificate.location": mount.path("user.crt"),
            "ssl.key.location": mount.path("user.key"),
        }

    def kafka_env(self, user: str) -> dict[str, str]:
        """How a program comes to Kafka as this user."""
        file = self.folder / f"kafka-{user}-{self.scheme}.properties"
        file.write_text("".join(f"{name}={value}\n" for name, value in self.properties(user).items()))
        if self.scheme == "tls":
            return {"OHDC_KAFKA_BROKERS": self.kafka.tls_brokers, "OHDC_KAFKA_CONFIG_FILE": str(file)}
        return {
            "OHDC_KAFKA_BROKERS": self.kafka.sasl_brokers,
            "OHDC_KAFKA_CONFIG_FILE": str(file),
            "OHDC_KAFKA_PASSWORD_FILE": self.passwords[user].path("password"),
        }

    def env_for(self, program: str) -> dict[str, str]:
        """The installer has no user: it is told of Kafka where its own port is shut."""
        env = super().env_for(program)
        return env | (self.kafka_env(program) if program in USERS else {"OHDC_KAFKA_BROKERS": "127.0.0.1:1"})

    def prepare(self) -> None:
        """Rights from the table that `ohdc topics plan` prints; the topics are made by the user for that."""
        plan = self.plan()
        self.allow([(f"ohdc-{row['service']}", row) for row in plan["acls"]])
        super().prepare()

    def plan(self) -> Any:
        """`ohdc topics plan --json`, which needs no brokers."""
        none = {"OHDC_KAFKA_BROKERS": "", "OHDC_SEAL_KEYS_FILE": ""}
        done = self.ohdc_run("topics", "plan", "--json", env=none)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def common_env(self) -> dict[str, str]:
        """`ohdc` makes topics with its own user."""
        return super().common_env() | self.kafka_env("topics")

    # --- rights ---------------------------------------------------------------------------------

    @staticmethod
    def _bindings(kind: Any, rows: list[tuple[str, dict[str, Any]]]) -> list[Any]:
        types = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP}
        return [
            kind(
                types[row["type"]],
                row["name"],
                ResourcePatternType.LITERAL,
                f"User:{user}",
                "*",
                OPERATIONS[operation],
                AclPermissionType.ALLOW,
            )
            for user, row in rows
            for operation in row["operations"]
        ]

    def allow(self, rows: list[tuple[str, dict[str, Any]]]) -> None:
        """Make ACLs: pairs of user and row of the plan."""
        for done in self.admin.create_acls(self._bindings(AclBinding, rows)).values():
            done.result(20)

    def forbid(self, rows: list[tuple[str, dict[str, Any]]]) -> None:
        """Take them back."""
        for done in self.admin.delete_acls(self._bindings(AclBindingFilter, rows)).values():
            done.result(20)

    # --- trying -----------------------------------------------------------------------------------

    def client(self, user: str) -> dict[str, Any]:
        """What another client comes to Kafka with, as this user."""
        found: dict[str, Any] = {"bootstrap.servers": self.kafka_env(user)["OHDC_KAFKA_BROKERS"]}
        if self.scheme == "scram":
            found["sasl.password"] = Path(self.passwords[user].path("password")).read_text().strip()
        return found | self.properties(user)

    def operations(self, user: str, kind: str, name: str) -> set[str]:
        """What the broker says that this user may do with a topic or group."""
        admin = AdminClient(self.client(user))
        if kind == "topic":
            asked = admin.describe_topics(TopicCollection([name]), include_authorized_operations=True)
        else:
            asked = admin.describe_consumer_groups([name], include_authorized_operations=True)
        try:
            found = asked[name].result(20)
        except KafkaException as error:
            assert error.args[0].code() in REFUSED, error
            return set()
        names = {value: key for key, value in OPERATIONS.items()}
        return {names.get(operation, str(operation)) for operation in found.authorized_operations}

    def read_by_tool(self, user: str, topic: str) -> str:
        """What Kafka's own console consumer says when this user reads a topic."""
        password = Path(self.passwords[user].path("password")).read_text().strip()
        login = f'org.apache.kafka.common.security.scram.ScramLoginModule required username="ohdc-{user}"'
        lines = {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.jaas.config": f'{login} password="{password}";',
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.kafka.authority.certificate),
            "bootstrap.servers": self.kafka.sasl_brokers,
        }
        file = self.folder / "console.properties"
        file.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
        command = self.kafka._java(KAFKA_TOOLS["ConsoleConsumer"], "--bootstrap-server", self.kafka.sasl_brokers)
        command += ["--consumer.config", str(file), "--topic", topic, "--partition", "0", "--offset", "earliest"]
        done = subprocess.run([*command, "--timeout-ms", "8000"], capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr

    def may_write(self, user: str, topic: str) -> bool:
        """Whether the user can produce."""
        outcome: list[KafkaError | None] = []
        producer = Producer(self.client(user) | {"message.timeout.ms": 10000})
        producer.produce(topic, b"x", on_delivery=lambda error, _: outcome.append(error))
        producer.flush(15)
        assert outcome and (outcome[0] is None or outcome[0].code() in REFUSED), outcome
        return outcome[0] is None
