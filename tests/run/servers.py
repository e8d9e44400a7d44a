#!/usr/bin/python3
"""Private Kafka and PostgreSQL servers for tests, demo and developers.

    servers.py up DIR [kafka] [postgres]            start in the background, print how to reach them
    servers.py down DIR                             stop them; the data stays
    servers.py run [kafka] [postgres] -- COMMAND    start, run COMMAND with TEST_KAFKA_BROKERS
                                                    and TEST_DATABASE_URL in its environment,
                                                    stop, remove the data

Everything listens on loopback, on ports chosen at the first start and kept afterwards, with its
data below one folder. Servers are ended by process id, and waited for. Only the standard library
is used; `make deps` must have run.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import pathlib
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
START_SECONDS = 60
STOP_SECONDS = 30


class ServerError(Exception):
    """A server did not start, stop or do what it was asked."""


def scratch_dir(name: str) -> pathlib.Path:
    """A new folder that every user may enter (PostgreSQL refuses to run as root)."""
    path = pathlib.Path(tempfile.mkdtemp(prefix=f"ohdc-{name}-"))
    path.chmod(0o755)
    return path


def free_port() -> int:
    """The next free port outside the range of outgoing connections, so that a restart finds it free.

    A counter in a file goes round, so that two programs that have yet to listen never get the same.
    """
    low, high = 10240, 32000
    with open(pathlib.Path(tempfile.gettempdir()) / f"ohdc-ports-{os.getuid()}", "a+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        port = int(file.read() or random.randrange(low, high))
        while True:
            port = port + 1 if port + 1 < high else low
            with socket.socket() as sock:
                try:
                    sock.bind(("127.0.0.1", port))
                except OSError:
                    continue
            file.truncate(0)
            file.write(str(port))
            return port


def port_answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_for(condition, seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise ServerError(f"{what} within {seconds} s")
        time.sleep(0.02)


def process_started(pid: int) -> str | None:
    """The start time of a living process (with the id it names the process), or None.

    A zombie counts as gone: where process 1 reaps late it stays visible for long.
    """
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


class Server:
    """One daemon: its folder, its process id (kept in a file, so that another run finds it)."""

    name = ""

    def __init__(self, directory: str | os.PathLike[str]):
        self.dir = pathlib.Path(directory).resolve() / self.name
        self.dir.mkdir(parents=True, exist_ok=True)
        self._child: subprocess.Popen[bytes] | None = None

    # What each server defines.
    def _prepare(self) -> None:
        raise NotImplementedError

    def _command(self) -> list[str]:
        raise NotImplementedError

    def _ready(self) -> bool:
        raise NotImplementedError

    stop_signal = signal.SIGTERM

    # Process id and start time of the process that runs now.
    @property
    def pid(self) -> int | None:
        try:
            pid, started = (self.dir / "pid").read_text().split()
        except (OSError, ValueError):
            return None
        return int(pid) if process_started(int(pid)) == started else None

    @property
    def log_path(self) -> pathlib.Path:
        return self.dir / "log"

    def _log_since_start(self) -> str:
        with self.log_path.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def start(self, background: bool = False) -> None:
        """Start and wait until ready; `background` servers outlive this program."""
        if self.pid is not None:
            return
        self._prepare()
        with self.log_path.open("ab") as log:
            self._log_start = log.tell()
            self._child = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )
        started = process_started(self._child.pid)
        (self.dir / "pid").write_text(f"{self._child.pid} {started}\n")
        if not background:
            atexit.register(self.stop)
        try:
            wait_for(self._ready_or_dead, START_SECONDS, f"{self.name} is not ready")
        except ServerError as error:
            self.kill9()
            raise ServerError(f"{error}; end of its log:\n{self._log_since_start()[-3000:]}") from error

    def _ready_or_dead(self) -> bool:
        if self._child is not None and self._child.poll() is not None:
            raise ServerError(f"{self.name} ended with status {self._child.returncode}")
        return self._ready()

    def _signal(self, number: int) -> bool:
        pid = self.pid
        if pid is None:
            return False
        os.kill(pid, number)
        return True

    def _end(self, number: int) -> bool:
        """Send a signal and wait for the end; false when the process is still there."""
        if not self._signal(number):
            return True
        self._signal(signal.SIGCONT)
        deadline = time.monotonic() + STOP_SECONDS
        while self.pid is not None:
            if self._child is not None:
                self._child.poll()
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def stop(self) -> None:
        """Stop in order, wait for the end; killed when it does not end."""
        if not self._end(self.stop_signal):
            self.kill9()
        self._child_done()

    def kill9(self) -> None:
        """End at once, as a crash would."""
        self._end(signal.SIGKILL)
        self._child_done()

    def _child_done(self) -> None:
        if self._child is not None:
            self._child.wait()
            self._child = None
        atexit.unregister(self.stop)

    def restart(self, kill: bool = False) -> None:
        """Stop (or kill) and start again with the same data and port."""
        if kill:
            self.kill9()
        else:
            self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze the process: connections stay open, nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def remove(self) -> None:
        """Stop at once and delete the data."""
        self.kill9()
        shutil.rmtree(self.dir, ignore_errors=True)


KAFKA_TOOLS = {
    "AclCommand": "org.apache.kafka.tools.AclCommand",
    "ConfigCommand": "kafka.admin.ConfigCommand",
    "ConsoleConsumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "ConsoleProducer": "org.apache.kafka.tools.ConsoleProducer",
    "ConsumerGroupCommand": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "DeleteRecordsCommand": "org.apache.kafka.tools.DeleteRecordsCommand",
    "GetOffsetShell": "org.apache.kafka.tools.GetOffsetShell",
    "ProducerPerformance": "org.apache.kafka.tools.ProducerPerformance",
    "TopicCommand": "org.apache.kafka.tools.TopicCommand",
}

KAFKA_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
message.max.bytes=14680064
replica.fetch.max.bytes=14680064
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
controller.quorum.election.timeout.ms=1000
controller.quorum.fetch.timeout.ms=2000
log.cleaner.dedupe.buffer.size=4194304
num.network.threads=2
num.io.threads=4
"""

JVM = [
    "-Xms256m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-XX:MaxMetaspaceSize=160m",
    "-Djava.util.logging.SimpleFormatter.format=%1$tFT%1$tT.%1$tL %4$s %3$s %5$s%6$s%n",
]


class Kafka(Server):
    """A single-node KRaft broker. `properties` are added to (or replace) the usual ones."""

    name = "kafka"

    def __init__(self, directory, properties: dict[str, str] | None = None, jvm: list[str] | None = None):
        super().__init__(directory)
        self.properties = properties or {}
        self.jvm = jvm or JVM

    @property
    def port(self) -> int:
        return self._ports()[0]

    @property
    def brokers(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _ports(self) -> list[int]:
        file = self.dir / "ports"
        if not file.exists():
            file.write_text(f"{free_port()} {free_port()}\n")
        return [int(port) for port in file.read_text().split()]

    @staticmethod
    def jars() -> pathlib.Path:
        """Folder of Kafka's jars."""
        where = subprocess.run(
            [HERE.parents[1] / "tools" / "deps-kafka", "--where"], check=True, capture_output=True, text=True
        ).stdout.strip()
        if not os.path.isdir(where):
            raise ServerError("the Kafka jars are not there: run 'make deps'")
        return pathlib.Path(where)

    def _java(self, main: str, *args: str) -> list[str]:
        return ["java", *self.jvm, "-cp", f"{self.jars()}/*", main, *args]

    def _prepare(self) -> None:
        port, controller_port = self._ports()
        data = self.dir / "data"
        text = KAFKA_PROPERTIES.format(port=port, controller_port=controller_port, data=data)
        properties = dict(line.split("=", 1) for line in text.splitlines()) | self.properties
        self._config.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
        if (data / "meta.properties").exists():
            return
        cluster = secrets.token_urlsafe(16)
        cluster = cluster if not cluster.startswith("-") else "A" + cluster[1:]
        command = self._java("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self._config))
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise ServerError(f"kafka format: {done.stdout}{done.stderr}")

    @property
    def _config(self) -> pathlib.Path:
        return self.dir / "server.properties"

    def _command(self) -> list[str]:
        return self._java("kafka.Kafka", str(self._config))

    def _ready(self) -> bool:
        return "Kafka Server started" in self._log_since_start() and port_answers(self.port)

    def tool(self, name: str, args: list[str], text: str | None = None, check: bool = True) -> str:
        """Run one of Kafka's own tools (KAFKA_TOOLS) against this broker; its standard output."""
        server = ["--bootstrap-server", self.brokers]
        if name == "ProducerPerformance":
            server = []
        done = subprocess.run(
            self._java(KAFKA_TOOLS[name], *server, *args),
            input=text or "",
            capture_output=True,
            text=True,
            timeout=120,
        )
        if check and done.returncode != 0:
            raise ServerError(f"{name} {' '.join(args)}: {done.stdout}{done.stderr}")
        return done.stdout


def postgres_bin() -> pathlib.Path:
    """The folder of the newest installed PostgreSQL's programs (15 or newer)."""
    found = sorted(
        (p for p in pathlib.Path("/usr/lib/postgresql").glob("*/bin") if (p / "postgres").exists()),
        key=lambda p: int(p.parent.name),
    )
    if not found or int(found[-1].parent.name) < 15:
        raise ServerError("PostgreSQL 15 or newer is not there: run 'make deps'")
    return found[-1]


class Postgres(Server):
    """A private cluster with one superuser and a database named ohdc."""

    name = "postgres"
    # "Fast" shutdown; SIGTERM would wait for the clients.
    stop_signal = signal.SIGINT

    def __init__(self, directory, settings: dict[str, str] | None = None):
        super().__init__(directory)
        self.settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "64MB",
            "timezone": "UTC",
            "log_line_prefix": "%m %p %q%u@%d ",
        } | (settings or {})

    @property
    def port(self) -> int:
        return int(self._kept("port", lambda: str(free_port())))

    @property
    def password(self) -> str:
        return self._kept("password", lambda: secrets.token_hex(16))

    @property
    def url(self) -> str:
        return self.url_of("ohdc")

    def url_of(self, database: str) -> str:
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    def _kept(self, name: str, make) -> str:
        file = self.dir / name
        if not file.exists():
            file.write_text(make() + "\n")
        return file.read_text().strip()

    @property
    def _data(self) -> pathlib.Path:
        return self.dir / "data"

    @staticmethod
    def _as_owner() -> list[str]:
        """PostgreSQL refuses root: then its own user runs it."""
        if os.geteuid() != 0:
            return []
        user = ["--reuid=postgres", "--regid=postgres", "--init-groups", "--reset-env"]
        return ["setpriv", *user, "env", f"TZ={os.environ.get('TZ', 'UTC')}"]

    def _check_reachable(self) -> None:
        for folder in [self.dir, *self.dir.parents]:
            if os.geteuid() == 0 and not folder.stat().st_mode & 0o001:
                raise ServerError(f"{folder} is closed to the user 'postgres'; use another folder (scratch_dir)")

    def _initdb(self) -> None:
        self._check_reachable()
        password_file = self.dir / "initial-password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password + "\n")
        self._data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            for path in (self._data, password_file):
                shutil.chown(path, "postgres", "postgres")
        options = ["-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256"]
        command = [*self._as_owner(), str(postgres_bin() / "initdb"), "-D", str(self._data), *options]
        done = subprocess.run([*command, f"--pwfile={password_file}"], capture_output=True, text=True, cwd="/")
        password_file.unlink()
        if done.returncode != 0:
            shutil.rmtree(self._data)
            raise ServerError(f"initdb: {done.stdout}{done.stderr}")

    def _prepare(self) -> None:
        if not (self._data / "PG_VERSION").exists():
            self._initdb()

    def _command(self) -> list[str]:
        settings = self.settings | {"port": str(self.port)}
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return [*self._as_owner(), str(postgres_bin() / "postgres"), "-D", str(self._data), *options]

    def _ready(self) -> bool:
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready" and lines[0] == str(self.pid)

    def start(self, background: bool = False) -> None:
        super().start(background)
        if not (self.dir / "created").exists():
            self.create_database("ohdc")
            (self.dir / "created").touch()

    def _children(self) -> list[int]:
        stats = [(path.parent.name, path) for path in pathlib.Path("/proc").glob("[0-9]*/stat")]
        postmaster = self.pid
        children = []
        for pid, path in stats:
            try:
                parent = path.read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if int(parent) == postmaster:
                children.append(int(pid))
        return children

    def kill9(self) -> None:
        """As a crash of the machine: the backends too, which would keep a restart from starting."""
        children = self._children() if self.pid is not None else []
        super().kill9()
        for pid in children:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            wait_for(lambda pid=pid: process_started(pid) is None, STOP_SECONDS, f"backend {pid} has not ended")

    def psql(self, sql: str, database: str = "ohdc") -> str:
        """Run SQL as the superuser; unaligned rows."""
        done = subprocess.run(
            [str(postgres_bin() / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", self.url_of(database)],
            input=sql,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise ServerError(f"psql: {done.stderr.strip()}")
        return done.stdout

    def create_database(self, name: str) -> str:
        """A new empty database; its URL."""
        self.psql(f'CREATE DATABASE "{name}"', "postgres")
        return self.url_of(name)

    def drop_database(self, name: str) -> None:
        self.psql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', "postgres")


# --- command line ---------------------------------------------------------------------------------


def chosen(names: list[str], directory: pathlib.Path) -> list[Server]:
    kinds = {"kafka": Kafka, "postgres": Postgres}
    return [kinds[name](directory) for name in (names or list(kinds))]


def up(directory: str, *names: str) -> int:
    path = pathlib.Path(directory)
    path.mkdir(parents=True, exist_ok=True)
    for server in chosen(list(names), path):
        server.start(background=True)
        print(f"brokers={server.brokers}" if isinstance(server, Kafka) else f"url={server.url}", flush=True)
    return 0


def down(directory: str, *names: str) -> int:
    for server in chosen(list(names), pathlib.Path(directory)):
        server.stop()
    return 0


def run(*args: str) -> int:
    names, command = list(args[: args.index("--")]), list(args[args.index("--") + 1 :])
    directory = scratch_dir("run")
    servers = chosen(names, directory)
    environment = dict(os.environ)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        for server in servers:
            server.start()
            if isinstance(server, Kafka):
                environment["TEST_KAFKA_BROKERS"] = server.brokers
            elif isinstance(server, Postgres):
                environment["TEST_DATABASE_URL"] = server.url
        return subprocess.run(command, env=environment).returncode
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(directory, ignore_errors=True)


def main(argv: list[str]) -> int:
    verbs = {"up": up, "down": down, "run": run}
    if len(argv) < 2 or argv[0] not in verbs or (argv[0] == "run" and "--" not in argv):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        return verbs[argv[0]](*argv[1:])
    except (ServerError, OSError) as error:
        print(f"servers: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
