"""One installation of ohdc for tests: own database, own topics, own simulators, the real programs."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import requests
from confluent_kafka import Consumer, TopicPartition
from psycopg.rows import dict_row

from tests.e2e.waiting import wait_until
from tests.run.servers import Kafka, Postgres, free_port
from tests.sim.client import ROOT, Sims

SERVICES = ("ingress", "linker", "dispatcher", "installer")
WEB_HOST = "app.example.com"

SPEED = {
    "OHDC_GRACE_MS": "0",
    "OHDC_POLL_MIN_MS": "50",
    "OHDC_POLL_MAX_MS": "300",
    "OHDC_CALL_DEADLINE_MS": "2000",
    "OHDC_LEASE_MARGIN_MS": "500",
    "OHDC_LEASE_MS": "4000",
    "OHDC_SWEEP_MS": "500",
    "OHDC_PROBE_DELAYS_MS": "100,200,400",
    "JIRA_DC_HTTP_TIMEOUT": "3",
}


def bin_dir() -> Path:
    """Where the programs are; OHDC_BIN names another build."""
    return Path(os.environ.get("OHDC_BIN") or ROOT / "build" / "bin").resolve()


@dataclass
class Record:
    """One record of a topic."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: dict[str, str]


class Program:
    """One running service: its process, ports and log."""

    def __init__(self, name: str, folder: Path, env: dict[str, str]) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self.http = free_port()
        self.admin = free_port()
        self.env = env | {
            "OHDC_HTTP_LISTEN": f"127.0.0.1:{self.http}",
            "OHDC_ADMIN_LISTEN": f"127.0.0.1:{self.admin}",
        }
        self.prefix: list[str] = []  # a command that starts the program in surroundings of its own
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, wait: bool = True) -> None:
        """Start; with wait, until it says it is ready."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, str(bin_dir() / f"ohdc-{self.name}")],
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if wait:
            wait_until(self.ready, 20, f"{self.name} is ready; its log is {self.log}")

    def ready(self) -> bool:
        """Whether /readyz says 200; an ended process fails the test."""
        assert self.process is not None
        if self.process.poll() is not None:
            tail = self.log.read_text(errors="replace")[-2000:]
            raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{tail}")
        try:
            return self.get("/readyz").status_code == 200
        except requests.RequestException:
            return False

    def get(self, path: str) -> requests.Response:
        """A page of the admin port."""
        return requests.get(f"http://127.0.0.1:{self.admin}{path}", timeout=5)

    def kill9(self) -> None:
        """End at once, as a crash would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def ask_to_stop(self) -> None:
        """Ask to drain."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def stop(self) -> int | None:
        """Ask to drain and wait; the exit status (None: was not running)."""
        if self.process is None or self.process.poll() is not None:
            return None
        self.ask_to_stop()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise AssertionError(f"{self.name} did not drain within 30 s") from None


@dataclass
class Connection:
    """A connection as `ohdc connections add --json` printed it."""

    name: str
    id: int
    secret: str
    path: str
    provider: str


class Stack:
    """Everything of one installation; use start() and stop()."""

    sim_names: tuple[str, ...] = ()

    def __init__(self, folder: Path, kafka: Kafka, postgres: Postgres, settings: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.kafka = kafka
        self.postgres = postgres
        self.name = f"t{secrets.token_hex(4)}"
        self.prefix = f"{self.name}."
        self.url = postgres.create_database(self.name)
        self.sims = Sims(folder / "sims.log", self.sim_names).start()
        self.jira_url = self.sims.jira.base_url
        self.bitbucket_url = self.sims.bitbucket.base_url
        self.settings = settings or {}
        self.web_host = self.settings.get("WEB_HOST", WEB_HOST)
        self.programs: dict[str, Program] = {}
        self.sims.jira.oauth_client(redirect_uri=f"{self.origin}/integration/jira-dc/callback")
        self.secrets: list[str] = [
            "service-key",
            "bot-pat",
            "bot-token",
            "keycloak-secret",
            "ohdc-client-secret",
            "jwt-secret-of-the-tests",
        ]
        self.keys = folder / "seal-keys"
        # Every service has a database role of its own; OHDC_TEST_ROLES=0: all have the owner's.
        own = SERVICES if os.environ.get("OHDC_TEST_ROLES") != "0" else ()
        self.roles = {name: f"{self.name}_{name}" for name in own}

    @property
    def origin(self) -> str:
        """Where browsers see the app."""
        return self.web_host if "://" in self.web_host else f"https://{self.web_host}"

    def move(self, jira: dict[str, str], bitbucket: dict[str, str]) -> None:
        """Give the simulated products a context path or another version, before anything starts."""
        self.jira_url = self.sims.jira.configure(**jira)
        self.bitbucket_url = self.sims.bitbucket.configure(**bitbucket)

    # --- setting up -------------------------------------------------------------------------

    def prepare(self) -> None:
        """Seal keys, schema and topics."""
        made = self.ohdc_run("keys", "generate", env={"OHDC_SEAL_KEYS_FILE": ""})
        assert made.returncode == 0, made.stderr
        line = made.stdout.decode().strip()
        self.keys.write_text(line + "\n")
        self.keys.chmod(0o600)
        self.secrets.append(line.split()[1])
        if self.roles:
            self._make_roles()
        else:
            self.ohdc("migrate")
        self.ohdc("topics", "apply")

    def roles_env(self) -> dict[str, str]:
        """What `ohdc migrate --create` needs to make the services' roles."""
        folder = self.folder / "roles"
        folder.mkdir(exist_ok=True)
        for name in self.roles:
            (folder / name).write_text(f"{name}-role-password\n")
        return {
            "OHDC_DATABASE_ADMIN_URL": self.postgres.url_of("postgres"),
            "OHDC_DATABASE_ROLES": ",".join(f"{name}={role}" for name, role in self.roles.items()),
            "OHDC_DATABASE_ROLE_PASSWORDS_DIR": str(folder),
        }

    def _make_roles(self) -> None:
        done = self.ohdc_run("migrate", "--create", env=self.roles_env())
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        self.secrets += [f"{name}-role-password" for name in self.roles]

    def url_for(self, program: str) -> str:
        """The database as a program's own role."""
        if program not in self.roles:
            return self.url
        return f"postgresql://{self.roles[program]}:{program}-role-password@127.0.0.1:{self.postgres.port}/{self.name}"

    def common_env(self) -> dict[str, str]:
        """What every program gets."""
        kept = ("PATH", "HOME", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TZ")
        env = {name: os.environ[name] for name in kept if name in os.environ}
        return env | {
            "OHDC_DATABASE_URL": self.url,
            "OHDC_KAFKA_BROKERS": self.kafka.brokers,
            "OHDC_KAFKA_PREFIX": self.prefix,
            "OHDC_KAFKA_PARTITIONS": "4",
            "OHDC_SEAL_KEYS_FILE": str(self.keys),
            "WEB_HOST": self.web_host,
            "ENABLE_JIRA_DC": "1",
            "JIRA_DC_BASE_URL": self.jira_url,
            "OHDC_ALLOWED_NETWORKS": "127.0.0.0/8",
            "BITBUCKET_DATA_CENTER_HOST": self.bitbucket_url,
            "BITBUCKET_DATA_CENTER_BOT_USERNAME": "openhands",
            "OHDC_OPERATOR": "e2e",
        }

    def peers_env(self) -> dict[str, str]:
        """Addresses and credentials of the peers; not for ingress."""
        return {
            "OHDC_OPENHANDS_URL": self.sims.ohe.base_url,
            "AUTOMATIONS_SERVICE_KEY": "service-key",
            "KEYCLOAK_SERVER_URL": self.sims.keycloak.base_url,
            "KEYCLOAK_REALM_NAME": "allhands",
            "OHDC_KEYCLOAK_CLIENT_ID": "ohdc",
            "OHDC_KEYCLOAK_CLIENT_SECRET": "keycloak-secret",
            "OHDC_DIRECTORIES": "links,keycloak",
            "JIRA_DC_SERVICE_ACCOUNT_EMAIL": "openhands@example.com",
            "JIRA_DC_SERVICE_ACCOUNT_PAT": "bot-pat",
            "JIRA_DC_ENABLE_OAUTH": "1",
            "JIRA_DC_CLIENT_ID": "ohdc-client",
            "JIRA_DC_CLIENT_SECRET": "ohdc-client-secret",
            "JWT_SECRET": "jwt-secret-of-the-tests",
            "BITBUCKET_DATA_CENTER_BOT_TOKEN": "bot-token",
        }

    def env_for(self, program: str) -> dict[str, str]:
        """Environment of one program."""
        env = self.common_env() | SPEED | {"OHDC_DATABASE_URL": self.url_for(program)}
        if program != "ingress":
            env |= self.peers_env()
        return env | self.settings

    def start(self, *names: str) -> None:
        """Start services (all when none is named) and wait until each is ready."""
        for name in names or SERVICES:
            if name not in self.programs:
                self.programs[name] = Program(name, self.folder, self.env_for(name))
            self.programs[name].start(wait=False)
        for name in names or SERVICES:
            wait_until(self.programs[name].ready, 30, f"{name} is ready")

    def stop(self) -> None:
        """Drain everything; a bad exit, a sanitizer report or a secret in a log is a failure."""
        running = [p for p in self.programs.values() if p.process and p.process.poll() is None]
        for program in running:
            program.ask_to_stop()
        statuses = {p.name: p.process.wait(30) for p in running if p.process}
        self.sims.stop()
        self.postgres.drop_database(self.name)
        for role in self.roles.values():
            self.postgres.psql(f'DROP ROLE IF EXISTS "{role}"', "postgres")
        bad = {name: status for name, status in statuses.items() if status != 0}
        assert not bad, f"exit statuses {bad}; logs in {self.folder}"
        for program in self.programs.values():
            self._check_log(program)

    def _check_log(self, program: Program) -> None:
        text = program.log.read_text(errors="replace")
        for sign in ("AddressSanitizer", "LeakSanitizer", "runtime error:"):
            assert sign not in text, f"{sign} in {program.log}"
        for secret in self.secrets:
            assert secret not in text, f"a secret is in {program.log}"

    # --- the operator's program ---------------------------------------------------------------

    def ohdc_run(
        self, *args: str, text: str | bytes | None = None, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run `ohdc`; whatever it exits with."""
        given = text.encode() if isinstance(text, str) else text
        return subprocess.run(
            [bin_dir() / "ohdc", *args],
            env=self.common_env() | self.peers_env() | self.settings | (env or {}),
            input=given if given is not None else b"",
            capture_output=True,
            timeout=60,
            check=False,
        )

    def ohdc(self, *args: str, text: str | bytes | None = None) -> str:
        """Run `ohdc` and expect success; its standard output."""
        done = self.ohdc_run(*args, text=text)
        assert done.returncode == 0, (
            f"ohdc {' '.join(args)}: exit {done.returncode}\n"
            f"{done.stdout.decode(errors='replace')}{done.stderr.decode(errors='replace')}"
        )
        return done.stdout.decode()

    def ohdc_json(self, *args: str) -> Any:
        """Run `ohdc … --json`; its one object."""
        return json.loads(self.ohdc(*args, "--json"))

    def ohdc_lines(self, *args: str) -> list[Any]:
        """Run `ohdc … --json`; one object a line."""
        return [json.loads(line) for line in self.ohdc(*args, "--json").splitlines() if line]

    def connect(self, provider: str, *args: str) -> Connection:
        """Add a connection and register its webhook nowhere yet."""
        made = self.ohdc_json("connections", "add", provider, *args)
        self.secrets.append(made["webhook_secret"])
        path = made["events_url"].split(self.web_host, 1)[1]
        return Connection(made["connection"], made["id"], made["webhook_secret"], path, provider)

    def front(self, service: str) -> str:
        """Where a service is reached; the port of its own."""
        return f"http://127.0.0.1:{self.programs[service].http}"

    def events_url(self, connection: Connection) -> str:
        """Where the senders post."""
        return f"{self.front('ingress')}{connection.path}"

    # --- looking inside -----------------------------------------------------------------------

    def rows(self, sql: str, *args: Any) -> list[dict[str, Any]]:
        """Rows of the database."""
        with psycopg.connect(self.url, row_factory=dict_row, autocommit=True) as connection:
            return connection.execute(sql, args).fetchall()

    def topic(self, kind: str) -> str:
        """Full name of a topic."""
        return f"{self.prefix}{kind}.v1"

    @contextmanager
    def _reader(self) -> Iterator[Consumer]:
        consumer = Consumer(
            {
                "bootstrap.servers": self.kafka.brokers,
                "group.id": f"{self.prefix}reader",
                "enable.auto.commit": False,
                "fetch.message.max.bytes": 16 * 1024 * 1024,
            }
        )
        try:
            yield consumer
        finally:
            consumer.close()

    def ends(self, kind: str) -> dict[int, int]:
        """Offset behind the last record of each partition that has records."""
        with self._reader() as consumer:
            return self._ends(consumer, self.topic(kind))

    def records(self, kind: str) -> list[Record]:
        """All records of a topic, by partition and offset."""
        with self._reader() as consumer:
            return list(self._read(consumer, self.topic(kind)))

    @staticmethod
    def _ends(consumer: Consumer, topic: str) -> dict[int, int]:
        metadata = consumer.list_topics(topic, timeout=10).topics[topic]
        ends = {}
        for number in metadata.partitions:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)
            if high > low:
                ends[number] = high
        return ends

    @classmethod
    def _read(cls, consumer: Consumer, topic: str) -> Iterable[Record]:
        ends = cls._ends(consumer, topic)
        consumer.assign([TopicPartition(topic, number, 0) for number in ends])
        deadline = time.monotonic() + 30
        while ends:
            assert time.monotonic() < deadline, f"{topic} could not be read to its end"
            message = consumer.poll(0.5)
            if message is None or message.error():
                continue
            headers = {k: v.decode() for k, v in message.headers() or []}
            yield Record(
                message.partition(),
                message.offset(),
                message.key(),
                message.value() or b"",
                headers,
            )
            if message.offset() + 1 >= ends.get(message.partition(), 0):
                ends.pop(message.partition(), None)
