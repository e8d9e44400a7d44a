"""The broker of kafka.mode embedded, run for real: properties, JVM options and format command as they were rendered."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from tests.chart.helm import ROOT, Rendered, refusal, render
from tests.run.servers import Kafka, process_started, scratch_dir

PROPERTIES = "/etc/ohdc/kafka/server.properties"
DATA = "/var/lib/kafka/data"
MAIN = {"/opt/kafka/bin/kafka-storage.sh": "kafka.tools.StorageTool",
        "/opt/kafka/bin/kafka-server-start.sh": "kafka.Kafka"}
TOPICS = ("ohdc.webhook.v1", "ohdc.job.v1", "ohdc.status.v1", "ohdc.dlq.v1")


def quantity(text: str) -> int:
    """Bytes of a Kubernetes quantity or of a JVM size."""
    number, unit = re.fullmatch(r"(\d+)([KMGTkmgt]?)i?", text).groups()  # type: ignore[union-attr]
    return int(number) * 1024 ** ("KMGT".index(unit.upper()) + 1 if unit else 0)


def properties(rendered: Rendered) -> dict[str, str]:
    """The broker's properties."""
    text = rendered.get("ConfigMap", "kafka")["data"]["server.properties"]
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found = dict(line.split("=", 1) for line in lines)
    assert len(found) == len(lines), "a property comes twice"
    return found


class Embedded(Kafka):
    """The rendered broker; only addresses and folder are this machine's."""

    def __init__(self, directory: Path, rendered: Rendered):
        self.use(rendered)
        super().__init__(directory, jvm=self.options())

    def use(self, rendered: Rendered) -> None:
        """What the next start takes."""
        self.rendered = rendered

    def options(self) -> list[str]:
        """Options of the JVM, as Kafka's scripts read them."""
        env = self.rendered.env("kafka")
        return shlex.split(env["KAFKA_HEAP_OPTS"]) + shlex.split(env["KAFKA_JVM_PERFORMANCE_OPTS"])

    def command(self, container: str) -> list[str]:
        """A container's command, without the script around Java."""
        script, *arguments = self.rendered.container("kafka", container)["command"]
        return self._java(MAIN[script], *[a.replace(PROPERTIES, str(self._config)) for a in arguments])

    def _prepare(self) -> None:
        port, controller = self._ports()
        here = {"listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
                "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
                "controller.quorum.voters": f"1@127.0.0.1:{controller}"}
        wanted = properties(self.rendered)
        assert here.keys() <= wanted.keys()
        wanted |= here | {"log.dirs": wanted["log.dirs"].replace(DATA, str(self.dir / "data"))}
        self._config.write_text("".join(f"{k}={v}\n" for k, v in wanted.items()))
        self.format()

    def format(self) -> str:
        """What the init container does before each start."""
        done = subprocess.run(self.command("format"), capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _command(self) -> list[str]:
        return self.command("kafka")

    def memory(self) -> int:
        """Most bytes of memory that it had so far."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]


@pytest.fixture(scope="module")
def broker() -> Iterator[Embedded]:
    folder = scratch_dir("embedded")
    server = Embedded(folder, render())
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def make_topics(broker: Embedded) -> str:
    """What the init container `topics` does."""
    env = {k: v for k, v in broker.rendered.env("linker", "topics").items() if isinstance(v, str)}
    env |= {"PATH": os.environ["PATH"], "OHDC_KAFKA_BROKERS": broker.brokers}
    _, *arguments = broker.rendered.container("linker", "topics")["command"]
    program = os.environ.get("OHDC_BIN", str(ROOT / "build/bin")) + "/ohdc"
    done = subprocess.run([program, *arguments], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def produce(broker: Embedded, count: int, size: int) -> None:
    """Write records that are confirmed."""
    lost: list[object] = []
    producer = Producer({"bootstrap.servers": broker.brokers, "acks": "all", "message.max.bytes": 13 * 1024 * 1024})
    for number in range(count):
        producer.produce(TOPICS[0], os.urandom(size), str(number),
                         on_delivery=lambda error, _: lost.append(error) if error else None)
    assert producer.flush(60) == 0
    assert not lost


def count_records(broker: Embedded) -> int:
    """How many there are in the webhook topic."""
    consumer = Consumer({"bootstrap.servers": broker.brokers, "group.id": "count"})
    try:
        return sum(high - low for low, high in (marks_of(consumer, p, time.monotonic() + 20) for p in range(3)))
    finally:
        consumer.close()


NOT_YET = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)


def marks_of(consumer: Consumer, partition: int, deadline: float) -> tuple[int, int]:
    """First and next offset; a broker that has just started may not lead its partitions yet."""
    while True:
        try:
            marks: tuple[int, int] = consumer.get_watermark_offsets(TopicPartition(TOPICS[0], partition), timeout=20)
            return marks
        except KafkaException as error:
            if error.args[0].code() not in NOT_YET or time.monotonic() > deadline:
                raise
            consumer.list_topics(TOPICS[0], timeout=20)


def meta(broker: Embedded) -> dict[str, str]:
    """What the format wrote."""
    lines = (broker.dir / "data/kraft/meta.properties").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def test_a_second_format_changes_nothing(broker: Embedded) -> None:
    """The init container runs before each start."""
    before = meta(broker)
    assert "already formatted" in broker.format()
    assert meta(broker) == before
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", before["cluster.id"])


def test_topics_are_made_once(broker: Embedded) -> None:
    """By the pods' init containers: three partitions, each record on the disk before it is confirmed."""
    assert make_topics(broker).count(" made") == 4
    assert make_topics(broker).count("is there") == 4
    admin = AdminClient({"bootstrap.servers": broker.brokers})
    found = admin.list_topics(timeout=20).topics
    for topic in TOPICS:
        assert len(found[topic].partitions) == 3
        config = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)])
        settings = next(iter(config.values())).result()
        assert settings["flush.messages"].value == "1"
        assert settings["retention.bytes"].value == properties(broker.rendered)["log.retention.bytes"]


def test_records_outlive_a_crash_and_an_upgrade(broker: Embedded) -> None:
    """Killed, then started from values with another size: formatted once, everything confirmed is there, soon."""
    make_topics(broker)
    before, identity = count_records(broker), meta(broker)
    produce(broker, 500, 4096)
    broker.kill9()
    broker.use(render({"kafka.embedded.persistence.size": "20Gi"}))
    broker.start()
    assert meta(broker) == identity
    assert count_records(broker) == before + 500


def test_memory_stays_within_the_request(broker: Embedded) -> None:
    """With the largest records there may be, some at a time."""
    make_topics(broker)
    produce(broker, 40, 13 * 1024 * 1024 - 4096)
    assert process_started(broker.pid) is not None  # type: ignore[arg-type]
    assert broker.memory() < quantity(broker.rendered.container("kafka")["resources"]["requests"]["memory"])


def test_bounds_of_memory_fit_the_limit() -> None:
    """Heap, classes, code and buffers, each full, leave room for threads."""
    rendered = render()
    options = Embedded.options(type("", (), {"rendered": rendered})())  # type: ignore[arg-type]
    sizes = {name: quantity(value) for name, value in
             (re.fullmatch(r"-(?:XX:)?([A-Za-z]+?)=?(\d+[kmg])", o).groups() for o in options  # type: ignore[union-attr]
              if re.fullmatch(r"-(?:XX:)?[A-Za-z]+?=?\d+[kmg]", o))}
    assert sizes.keys() == {"Xms", "Xmx", "MaxMetaspaceSize", "ReservedCodeCacheSize", "MaxDirectMemorySize"}
    resources = rendered.container("kafka")["resources"]
    assert sizes["Xmx"] == 384 * 1024**2
    assert sum(sizes.values()) - sizes["Xms"] < quantity(resources["limits"]["memory"]) - 128 * 1024**2


@pytest.mark.parametrize(("heap", "limit", "fits"), [("384m", "768Mi", True), ("384m", "767Mi", False),
                                                    ("1g", "1408Mi", True), ("1g", "1407Mi", False),
                                                    ("1g", "1G", False), ("1g", "2G", True)])
def test_heap_must_fit_the_limit(heap: str, limit: str, fits: bool) -> None:
    """With room for what is outside of it."""
    values = {"kafka.embedded.heap": heap, "kafka.embedded.resources.limits.memory": limit}
    if fits:
        render(values)
        return
    said = refusal(values)
    assert f"limits.memory is {limit}, kafka.embedded.heap {heap}" in said
    assert f"at least {quantity(heap) // 1024**2 + 384}Mi" in said


@pytest.mark.parametrize(("size", "partitions"), [("2Gi", 0), ("10Gi", 0), ("10Gi", 3), ("10G", 12), ("100Gi", 6),
                                                  ("1Ti", 12), ("1100Mi", 3)])
def test_all_partitions_fit_seventy_percent_of_the_volume(size: str, partitions: int) -> None:
    """Each full, with the segment that is written and the one that is about to go."""
    found = properties(render({"kafka.embedded.persistence.size": size, "kafka.partitions": partitions,
                               "linker.replicas": 1}))
    segment, retention = int(found["log.segment.bytes"]), int(found["log.retention.bytes"])
    volume = quantity(size) if size.endswith("i") else 10 * 1000**3
    share = retention + 2 * segment
    assert 0.99 * 0.7 * volume < share * (2 * (partitions or 3) + 6) <= 0.7 * volume
    assert segment >= 16 * 1024**2 > int(found["message.max.bytes"])
    assert retention >= 2 * segment


def cluster_id(values: dict[str, Any], release: str) -> str:
    """The id that is given to the format command."""
    found = re.search(r"--cluster-id=(\S+)", render(values, release=release).text)
    assert found
    return found[1]


def test_cluster_id_belongs_to_the_release() -> None:
    """It stays over upgrades, and another release has another one."""
    assert cluster_id({}, "one") == cluster_id({"kafka.embedded.heap": "512m", "image.tag": "2"}, "one")
    assert cluster_id({}, "one") != cluster_id({}, "two")


@pytest.mark.parametrize(("profile", "kind"), [("single-vm", "PersistentVolumeClaim"), ("strimzi-tls", "KafkaTopic")])
def test_what_holds_records_outlives_the_release(profile: str, kind: str) -> None:
    """Neither an uninstall nor another kafka.mode deletes records."""
    found = render(profile=profile).of(kind)
    assert found
    assert all(thing["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep" for thing in found)


@pytest.mark.parametrize(("name", "value"), [
    ("auto.create.topics.enable", "false"), ("log.flush.interval.messages", "1"),
    ("offsets.topic.replication.factor", "1"), ("default.replication.factor", "1"), ("min.insync.replicas", "1"),
    ("log.dirs", "/var/lib/kafka/data/kraft"), ("process.roles", "broker,controller"),
    ("advertised.listeners", "PLAINTEXT://openhands-dc-kafka.openhands.svc:9092"),
])
def test_property(name: str, value: str) -> None:
    """What a single broker's promises rest on."""
    assert properties(render())[name] == value


def test_clients_find_the_broker_while_it_starts() -> None:
    """By a headless Service that names the pod ready or not; the init container makes a second start harmless."""
    rendered = render()
    service = rendered.get("Service", "kafka")["spec"]
    assert (service["clusterIP"], service["publishNotReadyAddresses"]) == ("None", True)
    assert rendered.get("StatefulSet", "kafka")["spec"]["serviceName"] == "openhands-dc-kafka"
    assert rendered.env("ingress")["OHDC_KAFKA_BROKERS"] == "openhands-dc-kafka.openhands.svc:9092"
    assert "--ignore-formatted" in rendered.container("kafka", "format")["command"]


def test_a_broker_that_cannot_start_is_replaced_after_a_rollback() -> None:
    """A StatefulSet of ordered pods waits for the broken one for ever."""
    assert render().get("StatefulSet", "kafka")["spec"]["podManagementPolicy"] == "Parallel"


def test_tools_in_the_brokers_pod_find_the_broker() -> None:
    """`kubectl exec` is the way to them: the policy lets the pod ask nobody for the name that the broker tells."""
    rendered = render()
    name = properties(rendered)["advertised.listeners"].removeprefix("PLAINTEXT://").removesuffix(":9092")
    assert rendered.pod("kafka")["hostAliases"] == [{"ip": "127.0.0.1", "hostnames": [name]}]
    assert properties(rendered)["listeners"].startswith("PLAINTEXT://:9092,")
