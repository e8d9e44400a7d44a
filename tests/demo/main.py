"""`make demo`: real Kafka, real PostgreSQL, four services, simulated peers, three asks."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

from tests.demo import screen
from tests.demo.live import ISSUES, Live
from tests.e2e.stack import Stack, bin_dir
from tests.e2e.world import World, make_world
from tests.run.servers import Kafka, Postgres, process_started, scratch_dir
from tests.sim.client import ROOT, Sims

STATE = Path(os.environ.get("OHDC_DEMO_STATE") or ROOT / "build" / "demo.json")
PACE = {"OHDC_POLL_MIN_MS": "250", "OHDC_POLL_MAX_MS": "1000"}
ANCHOR = {"path": "src/login.c", "line": 42, "lineType": "ADDED", "fileType": "TO"}
RESULT = {
    "comment": "Fixed the login: the session is renewed before it is read. See branch `PROJ-1-login`.",
    "label": "Added the missing index; the start page needs **40 ms** now. See branch `PROJ-2-start`.",
    "inline": "The check is there because `user` may be NULL for anonymous visitors.",
}
PATIENCE = 90


def scripts(world: World) -> None:
    """How the simulated agent answers each ask, slowly enough to be read."""
    slow = {"step_ms": 150, "work_ms": 1500}
    world.stack.sims.ohe.script(**slow)
    for match, text in (
        ("repair the login", RESULT["comment"]),
        ("start page is slow", RESULT["label"]),
        ("why is this check here", RESULT["inline"]),
    ):
        world.stack.sims.ohe.script(match=match, text=text, **slow)


def ask(world: World) -> None:
    """The three asks, as people do them in the browser."""
    sims = world.stack.sims
    sims.jira.comment_as(issue="PROJ-1", user="ana", body="@openhands please repair the login")
    sims.jira.label_as(issue="PROJ-2", user="bob", labels=["openhands"])
    sims.bitbucket.comment_as(
        repo="PROJ/web",
        number=1,
        user="ana",
        text="@openhands why is this check here?",
        anchor=ANCHOR,
    )


def prepare(folder: Path) -> tuple[Stack, World]:
    """Servers, schema, topics, services, people, issues and a pull request."""
    kafka, postgres = Kafka(folder), Postgres(folder)
    with screen.working(f"Kafka on {kafka.brokers}"):
        kafka.start(background=True)
    with screen.working(f"PostgreSQL on 127.0.0.1:{postgres.port}"):
        postgres.start(background=True)
    logs = folder / "logs"
    logs.mkdir()
    stack = Stack(logs, kafka, postgres, PACE)
    try:
        with screen.working("schema, topics, connections, four services, simulated peers"):
            world = make_world(stack)
            sims = stack.sims
            sims.ohe.set_repos(identity=world.people["bob"], repos={"bitbucket_data_center": ["PROJ/web"]})
            world.issue(summary="Login fails", description="Repository: PROJ/web")
            world.issue(
                reporter="bob",
                summary="The start page is slow",
                description="It takes seconds.\nRepository: PROJ/web",
            )
            world.pull(title="Check for NULL", branch="feature/null-check")
            scripts(world)
    except BaseException:
        stop_all(stack)
        raise
    return stack, world


def answered(live: Live) -> bool:
    """Acknowledgement and result on both issues and the pull request."""
    count = {"PROJ-1": 0, "PROJ-2": 0, "PROJ/web #1": 0}
    for comment in live.answers():
        count[comment["where"]] += comment["author"] == "openhands"
    return all(n >= 2 for n in count.values())


def watch(stack: Stack, live: Live) -> bool:
    """Print what happens until the three asks are answered and every job is done."""
    deadline = time.monotonic() + PATIENCE
    open_jobs = "select count(*) as n from job where ended_at is null"
    while time.monotonic() < deadline:
        live.show()
        if answered(live) and stack.rows(open_jobs)[0]["n"] == 0:
            live.show(everything=True)
            if live.own:
                print(f"  and {len(live.own)} deliveries of our own comments, recognised and left alone")
            return True
        time.sleep(0.1)
    return False


def trace(stack: Stack) -> None:
    """`ohdc trace` of the first ask."""
    sql = """select delivery_id::text as id from delivery where verdict = 'TRIGGERED'
              order by received_at limit 1"""
    identity = stack.rows(sql)[0]["id"]
    screen.title(f"$ ohdc trace {identity}")
    print(stack.ohdc("trace", identity).rstrip(), flush=True)


def stop_all(stack: Stack) -> None:
    """Drain the services, stop the servers, remove the data."""
    try:
        stack.stop()
    finally:
        stack.kafka.stop()
        stack.postgres.stop()
        shutil.rmtree(stack.kafka.dir.parent, ignore_errors=True)


def leave_running(stack: Stack) -> None:
    """Write down what runs, and say what to try."""
    programs = {name: program.process.pid for name, program in stack.programs.items() if program.process}
    pids = {**programs, "sims": stack.sims.process.pid if stack.sims.process else 0}
    folder = stack.kafka.dir.parent
    state = {
        "folder": str(folder),
        "pids": {name: [pid, process_started(pid)] for name, pid in pids.items()},
        "sims": stack.sims.addresses,
        "url": stack.url,
    }
    STATE.write_text(json.dumps(state))
    STATE.chmod(0o600)
    env = folder / "env"
    wanted = stack.common_env() | {"OHDC_OPERATOR": "demo"}
    env.write_text(
        "".join(f"export {k}='{v}'\n" for k, v in wanted.items() if k.startswith(("OHDC", "WEB", "JIRA", "BITBUCKET")))
    )
    env.chmod(0o600)
    screen.title("It is still running. Try:")
    for text, command in (
        ("ask something", "tests/demo/run ask PROJ-1 '@openhands add a test for it'"),
        ("ask where nobody knows you", "tests/demo/run ask PROJ-2 '@openhands hello' zoe"),
        ("ask in the pull request", "tests/demo/run ask pull '@openhands is this safe?'"),
        ("watch what happens", "tests/demo/run watch"),
        ("use the operator's program", f". {env}; {bin_dir().relative_to(ROOT)}/ohdc status"),
        ("read a log", f"tail -f {stack.folder}/dispatcher.log"),
        ("stop it", "tests/demo/run stop"),
    ):
        print(f"  {text:<28} {screen.paint(command, '1')}")


def kept() -> dict:
    """The installation that was left running."""
    if not STATE.exists():
        sys.exit("no demo is running; start one with: make demo KEEP=1")
    return json.loads(STATE.read_text())


def ask_kept(where: str, text: str, user: str = "ana") -> int:
    """One more ask."""
    sims = Sims().attach(kept()["sims"])
    if where in ISSUES:
        sent = sims.jira.comment_as(issue=where, user=user, body=text)
    else:
        sent = sims.bitbucket.comment_as(repo="PROJ/web", number=1, user=user, text=text)
    print(f"sent; the ingress answered {sent['statuses']}")
    return 0


def watch_kept() -> int:
    """Print changes until Ctrl-C."""
    state = kept()
    live = Live(state["url"], Sims().attach(state["sims"]))
    try:
        while True:
            live.show()
            time.sleep(0.2)
    except KeyboardInterrupt:
        return 0


def stop_kept() -> int:
    """End what was left running, by process id."""
    state = kept()
    for pid, started in state["pids"].values():
        if process_started(pid) == started:
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 30
    alive = [pid for pid, started in state["pids"].values() if process_started(pid) == started]
    while alive and time.monotonic() < deadline:
        time.sleep(0.05)
        alive = [pid for pid in alive if process_started(pid)]
    folder = Path(state["folder"])
    Kafka(folder).stop()
    Postgres(folder).stop()
    shutil.rmtree(folder, ignore_errors=True)
    STATE.unlink()
    print("stopped")
    return 0 if not alive else 1


def show() -> int:
    """The whole demo."""
    keep = os.environ.get("KEEP", "") not in ("", "0")
    if STATE.exists():
        sys.exit("a demo is still running; stop it with: tests/demo/run stop")
    screen.title("Starting")
    folder = scratch_dir("demo")
    stack = None
    try:
        stack, world = prepare(folder)
        live = Live(stack.url, stack.sims)
        live.show()
        screen.title("A Jira comment, a Jira label, an inline comment in a Bitbucket pull request")
        ask(world)
        good = watch(stack, live)
        violations = stack.sims.violations()
        trace(stack)
        if not good:
            print(f"\nnot everything was answered within {PATIENCE} s; logs: {stack.folder}")
        for text in violations:
            print(f"a peer saw something forbidden: {text}")
        good = good and not violations
        if keep:
            leave_running(stack)
            stack = None
        return 0 if good else 1
    finally:
        if stack is not None:
            screen.title("Stopping")
            with screen.working("services drained, servers stopped, data removed"):
                stop_all(stack)
        elif not keep:
            Kafka(folder).stop()
            Postgres(folder).stop()
            shutil.rmtree(folder, ignore_errors=True)


def main(arguments: list[str]) -> int:
    """Command line, see tests/demo/run."""
    verbs = {"ask": ask_kept, "watch": watch_kept, "stop": stop_kept}
    if not arguments:
        return show()
    if arguments[0] not in verbs:
        sys.exit("usage: run [ask PROJ-1|PROJ-2|pull TEXT [USER] | watch | stop]")
    return verbs[arguments[0]](*arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
