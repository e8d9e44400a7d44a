"""First figures: CPU per acknowledgement, memory of the four services, time from start to ready.

usage: make bench    (prints a table and writes it into docs/figures.md)

The programs run against a real Kafka and PostgreSQL on this machine. The load is wrk with one signed
4 KiB body that asks for nothing; the topic is read back and compared with the count of 200s.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.e2e.signing import encode, pull_body, sign
from tests.e2e.stack import SERVICES, Program, Stack
from tests.e2e.world import World, make_world
from tests.run.servers import Kafka, Postgres, scratch_dir

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 5
SECONDS = 8
CONNECTIONS = 64
BODY_BYTES = 4096
TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory_mib(pid: int) -> float:
    """Resident memory now."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024


def pid_of(program: Program) -> int:
    """Process id of a running program."""
    assert program.process is not None
    return program.process.pid


def start_ms(program: Program) -> float:
    """From exec to the first 200 of /readyz, asked every 2 ms; broker and database answer already."""
    program.stop()
    before = time.monotonic()
    program.start(wait=False)
    while not program.ready():
        time.sleep(0.002)
    return (time.monotonic() - before) * 1000


def signed_body(world: World) -> bytes:
    """4 KiB that nobody has to act on."""
    plain = pull_body(world, "")
    room = BODY_BYTES - len(encode(plain))
    plain["comment"]["text"] = "x" * room
    return encode(plain)


def wrk_script(folder: Path, world: World, body: bytes) -> Path:
    """The request as wrk wants it."""
    (folder / "body").write_bytes(body)
    script = folder / "post.lua"
    script.write_text(
        f"""wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["X-Event-Key"] = "pr:comment:added"
wrk.headers["X-Hub-Signature"] = "{sign(world.bitbucket.secret, body)}"
wrk.body = io.open("{folder / "body"}", "rb"):read("*a")
done = function(s, l, r)
  io.write(string.format('{{"requests":%d,"errors":%d,"p50":%d,"p99":%d}}\\n', s.requests,
    s.errors.status + s.errors.connect + s.errors.read + s.errors.write + s.errors.timeout,
    l:percentile(50), l:percentile(99)))
end
"""
    )
    return script


def one_round(world: World, script: Path) -> dict[str, float]:
    """Load for some seconds; what it cost the ingress."""
    ingress = world.stack.programs["ingress"]
    before = cpu_seconds(pid_of(ingress))
    url = world.stack.events_url(world.bitbucket)
    done = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", script, url],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["errors"] == 0, done.stdout
    used = cpu_seconds(pid_of(ingress)) - before
    return {
        "acknowledged": found["requests"],
        "cpu_us": used * 1e6 / found["requests"],
        "rate": found["requests"] / SECONDS,
        "p50_ms": found["p50"] / 1000,
        "p99_ms": found["p99"] / 1000,
        "memory": memory_mib(pid_of(ingress)),
    }


def spread(values: list[float], form: str = "{:.1f}") -> str:
    """Median and range."""
    low, mid, high = min(values), statistics.median(values), max(values)
    return f"{form.format(mid)} ({form.format(low)} to {form.format(high)})"


def measure(world: World, folder: Path) -> list[tuple[str, str]]:
    """All figures as rows of a table."""
    programs = world.stack.programs
    starts = {name: [start_ms(programs[name]) for _ in range(ROUNDS)] for name in SERVICES}
    idle = {name: memory_mib(pid_of(programs[name])) for name in SERVICES}
    script = wrk_script(folder, world, signed_body(world))
    one_round(world, script)
    rounds = [one_round(world, script) for _ in range(ROUNDS)]
    rows = [
        ("CPU of ingress per acknowledgement, µs", spread([r["cpu_us"] for r in rounds])),
        ("acknowledgements per second", spread([r["rate"] for r in rounds], "{:.0f}")),
        ("latency at that rate, p50, ms", spread([r["p50_ms"] for r in rounds], "{:.2f}")),
        ("latency at that rate, p99, ms", spread([r["p99_ms"] for r in rounds], "{:.2f}")),
        ("memory of ingress under this load, MiB", spread([r["memory"] for r in rounds])),
    ]
    rows += [(f"memory of {name}, idle, MiB", f"{idle[name]:.1f}") for name in SERVICES]
    rows.append(("memory of the four, idle, MiB", f"{sum(idle.values()):.1f}"))
    rows += [(f"start of {name} to ready, ms", spread(starts[name], "{:.0f}")) for name in SERVICES]
    return rows


def write(rows: list[tuple[str, str]]) -> None:
    """The table, on the screen and in docs/figures.md."""
    commit = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], text=True).strip()
    lines = [
        "# First figures",
        "",
        f"Made by `make bench` on {time.strftime('%Y-%m-%d')}, commit {commit}, {os.cpu_count()} cores, "
        f"{platform.machine()}, Linux {platform.release().split('-')[0]}. wrk, one real broker, PostgreSQL and",
        "all services share the machine, so rates are lower bounds; CPU per acknowledgement is the steadier figure.",
        f"Bodies of {BODY_BYTES} bytes, HMAC verified, acks=all, idempotent producer, {CONNECTIONS} connections, "
        f"median (lowest to highest) of {ROUNDS} rounds of {SECONDS} s.",
        "",
        "| Figure | Value |",
        "| --- | --- |",
        *[f"| {name} | {value} |" for name, value in rows],
        "",
    ]
    (ROOT / "docs" / "figures.md").write_text("\n".join(lines))
    print("\n".join(lines[6:]))


def main() -> int:
    """Servers, services, load, table."""
    folder = scratch_dir("bench")
    kafka, postgres = Kafka(folder), Postgres(folder)
    kafka.start()
    postgres.start()
    try:
        stack = Stack(folder, kafka, postgres)
        write(measure(make_world(stack), folder))
        stack.stop()
    finally:
        kafka.stop()
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
