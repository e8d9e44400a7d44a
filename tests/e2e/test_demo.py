"""The demo: three asks are answered, trace is shown, exit status 0, nothing is left running."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.e2e.waiting import wait_until
from tests.run.servers import process_started
from tests.sim.client import ROOT


def demo(state: Path, *arguments: str, keep: bool = False) -> subprocess.CompletedProcess[str]:
    """Run it as `make demo` does after building."""
    env = {**os.environ, "OHDC_DEMO_STATE": str(state), "KEEP": "1" if keep else ""}
    return subprocess.run(
        [sys.executable, "-m", "tests.demo.main", *arguments],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=180,
    )


def test_the_demo_shows_the_path_and_can_be_kept(programs: Path, tmp_path: Path) -> None:
    """Kept running it takes more asks; stopped, no process and no data are left."""
    state = tmp_path / "demo.json"
    shown = demo(state, keep=True)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    kept = json.loads(state.read_text())
    try:
        for word in ("comment_created", "pr:comment:added", "TRIGGERED", "RUNNING", "ohdc trace"):
            assert word in shown.stdout, word
        assert "\x1b[" not in shown.stdout
        assert "tests/demo/run stop" in shown.stdout
        asked = demo(state, "ask", "PROJ-1", "@openhands and a test for it")
        assert "[200, 200]" in asked.stdout, asked.stdout + asked.stderr
        again = demo(state)
        assert again.returncode != 0
        assert "still running" in again.stderr
    finally:
        stopped = demo(state, "stop")
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr
    assert not state.exists()
    assert not Path(kept["folder"]).exists()
    for pid, started in kept["pids"].values():
        wait_until(lambda pid=pid, started=started: process_started(pid) != started, 5, "an end")
