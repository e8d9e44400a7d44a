"""What one, two and four replicas of each service do on this machine; writes docs/figures-scale.md.

usage: make bench-scale

Ingress: signed 4 KiB bodies by wrk, one wrk for each replica. Linker: records that wait in the topic. Dispatcher: asks
that wait in the topic, from the job record to the answer, with simulated peers that answer at once. Everything shares
the machine, so beyond what its cores give a replica adds nothing here; CPU for each piece of work is what to plan with.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.figures import ROOT, cpu_seconds, pid_of, signed_body, wrk_script
from tests.e2e.stack import Program, Stack
from tests.e2e.waiting import wait_until
from tests.e2e.world import World, make_world
from tests.run.servers import Kafka, Postgres, scratch_dir

REPLICAS = (1, 2, 4)
SECONDS = 6
CONNECTIONS = 64
JOBS = 120
SETTINGS = {"OHDC_KAFKA_PARTITIONS": "12", "OHDC_MAX_BODY_BYTES": "1048576"}


def peak_mib(pid: int) -> float:
    """Most resident memory so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024


class Replicas:
    """Programs of one service beside each other, and what they used."""

    def __init__(self, stack: Stack, name: str, count: int) -> None:
        self.programs = [Program(name, stack.folder, stack.env_for(name)) for _ in range(count)]
        for number, program in enumerate(self.programs):
            program.log = stack.folder / f"{name}-{count}-{number}.log"
            program.start(wait=False)
        for program in self.programs:
            wait_until(program.ready, 30, f"{name} is ready")
        self.before = self.cpu()

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        return sum(cpu_seconds(pid_of(program)) for program in self.programs)

    def end(self) -> tuple[float, float]:
        """CPU seconds since the start, and the most memory of one; then they stop."""
        used = self.cpu() - self.before
        most = max(peak_mib(pid_of(program)) for program in self.programs)
        for program in self.programs:
            assert program.stop() == 0, program.name
        return used, most


Row = tuple[float, float, float]  # a second, CPU milliseconds each, MiB


def wrk(script: Path, urls: list[str], seconds: int) -> int:
    """Deliveries that were acknowledged; none may be refused."""
    options = [f"-c{CONNECTIONS // len(urls)}", f"-d{seconds}s", "-s", str(script)]
    runs = [subprocess.Popen(["wrk", "-t1", *options, url], stdout=subprocess.PIPE, text=True) for url in urls]
    total = 0
    for run in runs:
        found = json.loads(run.communicate()[0].splitlines()[-1])
        assert found["errors"] == 0, found
        total += found["requests"]
    return total


def ingress(world: World, script: Path, count: int) -> Row:
    """Acknowledgements."""
    made = Replicas(world.stack, "ingress", count)
    urls = [f"http://127.0.0.1:{program.http}{world.bitbucket.path}" for program in made.programs]
    wrk(script, urls, 1)
    made.before = made.cpu()
    done = wrk(script, urls, SECONDS)
    used, most = made.end()
    return done / SECONDS, used * 1000 / done, most


def place(world: World) -> int:
    """Records that the linkers have taken in."""
    return world.stack.rows("select coalesce(sum(next_offset), 0)::int8 as n from consumer_offset")[0]["n"]


def linker(world: World, script: Path, count: int) -> Row:
    """Records that wait while no linker runs."""
    first, waiting = place(world), wrk(script, [world.stack.events_url(world.bitbucket)], 5)
    began = time.monotonic()
    made = Replicas(world.stack, "linker", count)
    made.before = 0.0
    wait_until(lambda: place(world) - first >= waiting, 120, "all is read", 0.02)
    spent = time.monotonic() - began
    used, most = made.end()
    return waiting / spent, used * 1000 / waiting, most


def open_jobs(world: World) -> int:
    """Jobs that have not ended."""
    return world.stack.rows("select count(*) as n from job where ended_at is null")[0]["n"]


def dispatcher(world: World, script: Path, count: int) -> Row:
    """Asks whose job records wait while no dispatcher runs, from there to the answer."""
    before = world.stack.rows("select count(*) as n from job")[0]["n"]
    for number in range(JOBS):
        world.ask_issue(f"@openhands number {number}")
    sql = "select count(*) as n from trigger where state = 'SENT'"
    wait_until(lambda: world.stack.rows(sql)[0]["n"] >= JOBS, 60, "all asks are decided")
    began = time.monotonic()
    made = Replicas(world.stack, "dispatcher", count)
    made.before = 0.0

    def all_done() -> bool:
        taken = world.stack.rows("select count(*) as n from job")[0]["n"] - before
        return taken >= JOBS and open_jobs(world) == 0

    wait_until(all_done, 300, "all jobs have ended", 0.05)
    spent = time.monotonic() - began
    used, most = made.end()
    return JOBS / spent, used * 1000 / JOBS, most


WORK: tuple[tuple[str, str, Callable[[World, Path, int], Row]], ...] = (
    ("ingress", "acknowledgements", ingress),
    ("linker", "records", linker),
    ("dispatcher", "jobs", dispatcher),
)


def measure(world: World, folder: Path) -> list[str]:
    """Rows of the table."""
    script = wrk_script(folder, world, signed_body(world))
    rows = []
    for name, unit, work in WORK:
        if name != "ingress":
            world.drained(120)
            world.stack.programs[name].stop()
        for count in REPLICAS:
            rate, cpu, memory = work(world, script, count)
            rows.append(f"| {name} | {count} | {rate:.0f} {unit} | {cpu:.2f} | {memory:.0f} |")
            print(rows[-1], flush=True)
        if name != "ingress":
            world.stack.programs[name].start()
    return rows


def write(rows: list[str], load: float) -> None:
    """docs/figures-scale.md."""
    commit = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], text=True).strip()
    lines = [
        "# One, two and four replicas",
        "",
        f"Made by `make bench-scale` on {time.strftime('%Y-%m-%d')}, commit {commit}, {os.cpu_count()} cores, "
        f"{platform.machine()}, load average {load:.1f} before.",
        "Load, broker, PostgreSQL, simulated peers and all services share these cores: where they are used up, more",
        "replicas add nothing, and the rates are lower bounds. CPU for each piece of work is what to plan with.",
        "Bodies of 4 KiB, HMAC verified, acks=all, 12 partitions. Linker and dispatcher work off what waited; start of",
        f"the programs and joining the group included ({JOBS} Jira asks). Memory is the most that one replica had.",
        "",
        "| Service | Replicas | Together, a second | CPU ms for each | MiB of one |",
        "| --- | --- | --- | --- | --- |",
        *rows,
        "",
    ]
    (ROOT / "docs" / "figures-scale.md").write_text("\n".join(lines))


def main() -> int:
    """Servers, services, work, table."""
    folder = scratch_dir("scale")
    kafka, postgres = Kafka(folder), Postgres(folder)
    kafka.start()
    postgres.start()
    try:
        stack = Stack(folder, kafka, postgres, SETTINGS)
        load = os.getloadavg()[0]
        write(measure(make_world(stack), folder), load)
        stack.stop()
    finally:
        kafka.stop()
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
