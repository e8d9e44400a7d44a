"""The images that pods run: the one of this tree, the programs of another commit in it, and one like Kafka's."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.pods.container import Image, Mount
from tests.run.servers import Kafka, scratch_dir
from tests.sim.client import ROOT

SYSTEM = ("ssl", "passwd", "group", "ld.so.cache", "alternatives", "java-17-openjdk")
SCRIPT = """#!/bin/sh
exec java $KAFKA_HEAP_OPTS $KAFKA_JVM_PERFORMANCE_OPTS -cp '/opt/kafka/libs/*' {main} "$@"
"""


def now() -> Image:
    """The image of this tree: OHDC_PODS_ROOT (tests/pods/run), copied by links, since mount points are made in it."""
    given = os.environ.get("OHDC_PODS_ROOT")
    if not given:
        return on_this_machine(ROOT / "build" / "bin")
    root = scratch_dir("root") / "rootfs"
    subprocess.run(["cp", "-a", "--reflink=auto", given, str(root)], check=True)
    return Image(root)


def before(commit: str) -> Image:
    """The image with the programs of another commit."""
    done = subprocess.run([ROOT / "tools" / "programs-of", commit], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(done.stderr.strip())
    image = now()
    return Image(image.root, [*image.over[:-1], Mount(Path(done.stdout.strip()), "/usr/local/bin")])


def kafka() -> Image:
    """What the chart uses of Kafka's official image: its two scripts, over the jars of `make deps`."""
    image = on_this_machine(ROOT / "build" / "bin")
    scripts = image.root / "opt" / "kafka" / "bin"
    scripts.mkdir(parents=True)
    for name, main in (("kafka-server-start.sh", "kafka.Kafka"), ("kafka-storage.sh", "kafka.tools.StorageTool")):
        (scripts / name).write_text(SCRIPT.format(main=main))
        (scripts / name).chmod(0o755)
    return Image(image.root, [*image.over, Mount(Kafka.jars(), "/opt/kafka/libs")])


def on_this_machine(programs: Path) -> Image:
    """Programs over this machine's own libraries; programs are the last mount."""
    root = scratch_dir("root")
    for name in ("usr/local/bin", "proc", "dev", "sys", "etc", "tmp"):
        (root / name).mkdir(parents=True)
    for name in ("bin", "lib", "lib64", "sbin"):
        (root / name).symlink_to(f"usr/{name}")
    over = [Mount(Path(f"/usr/{name}"), f"/usr/{name}") for name in ("bin", "sbin", "lib", "lib64", "share")]
    over += [Mount(Path("/etc") / name, f"/etc/{name}") for name in SYSTEM if (Path("/etc") / name).exists()]
    over += [Mount(folder, str(folder)) for folder in library_folders(programs)]
    return Image(root, [*over, Mount(programs, "/usr/local/bin")])


def library_folders(programs: Path) -> list[Path]:
    """Where the programs look for libraries besides the system's folders."""
    text = subprocess.check_output(["ldd", str(programs / "ohdc")], text=True)
    found = {Path(line.split(" => ")[1].split()[0]).parent for line in text.splitlines() if " => /" in line}
    return sorted(folder for folder in found if not str(folder).startswith(("/lib", "/usr")))
