"""The image's programs in containers as restricted as a pod's: read-only root, no rights, seccomp."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.e2e.waiting import wait_until
from tests.e2e.world import World
from tests.image.contained import ContainedProgram
from tests.image.container import Mount, image_config, run_container
from tests.image.test_files import PROGRAMS

SERVICES = PROGRAMS[1:]


def output(root: Path, folder: Path, argv: Sequence[str], mounts: Sequence[Mount] = ()) -> tuple[int, str]:
    """Exit status and output of a command that ends."""
    container = run_container(root, argv, folder=folder, mounts=mounts)
    try:
        return container.wait(20), container.text()
    finally:
        container.remove()


def test_the_sandbox_is_one(root: Path, tmp_path: Path) -> None:
    """What the tests below stand on: user, no capabilities, no new privileges, seccomp, nothing to write to."""
    script = """id -u; id -g; grep -E '^(Cap|NoNew|Seccomp:)' /proc/self/status
        for place in / /etc /usr/local/bin /var/tmp /tmp /run; do touch $place/x 2>/dev/null && echo wrote $place; done
        unshare --user true 2>/dev/null && echo unshared; true"""
    status, text = output(root, tmp_path, ["/bin/sh", "-c", script])
    lines = text.splitlines()
    assert (status, lines[:2]) == (0, ["65532", "65532"])
    facts = dict(re.findall(r"^(\w+):\s+(\w+)$", text, re.MULTILINE))
    assert [value for name, value in facts.items() if name.startswith("Cap")] == ["0" * 16] * 5
    assert (facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2")
    assert "wrote" not in text and "unshared" not in text


def test_the_cached_files_stay_as_they_are(root: Path, tmp_path: Path) -> None:
    """A mount's place is made for its container alone."""
    status, text = output(root, tmp_path, ["/bin/sh", "-c", "ls -d /etc/ohdc/here"], [Mount("/etc/ohdc/here")])
    assert (status, text) == (0, "/etc/ohdc/here\n")
    assert not (root / "etc/ohdc").exists()


def test_version(root: Path, tmp_path: Path) -> None:
    """`ohdc version` says what the label and the chart say."""
    label = image_config()["config"]["Labels"]["org.opencontainers.image.version"]
    assert output(root, tmp_path, ["/usr/local/bin/ohdc", "version"]) == (0, f"ohdc {label}\n")


@pytest.mark.parametrize("name", PROGRAMS)
def test_help(root: Path, tmp_path: Path, name: str) -> None:
    """Each program prints its help; found on PATH, as `docker run IMAGE NAME --help` finds it."""
    status, text = output(root, tmp_path, [name, "--help"])
    assert status == 0 and text.startswith(f"{name}: ") and len(text.splitlines()) > 10, text


@pytest.mark.parametrize("name", SERVICES)
def test_missing_settings(root: Path, tmp_path: Path, name: str) -> None:
    """A service without settings names the first that is missing, and ends with status 2."""
    status, text = output(root, tmp_path, [f"/usr/local/bin/{name}"])
    assert status == 2
    assert re.fullmatch(rf"{name}: [A-Z_]+: not set, expected .*\n", text), text


def test_the_main_job(world: World) -> None:
    """Schema and topics made, all four ready, a Jira comment and a Bitbucket comment answered; all in containers."""
    for program in world.stack.programs.values():
        assert isinstance(program, ContainedProgram)
        assert program.get("/readyz").status_code == 200
    key, comment = world.ask_issue("@openhands look at the image")
    number, pull_comment = world.ask_pull("@openhands and at this")
    assert len(world.wait_issue(key)) == 2
    assert len(world.wait_pull(number)) == 2
    world.drained()
    world.one_job(comment)
    world.one_job(pull_comment)


@pytest.mark.parametrize("name", ["ingress", "linker", "dispatcher", "installer"])
def test_process_1_drains(world: World, name: str) -> None:
    """SIGTERM to process 1 of the container, for which the kernel has no default: drained, status 0, and back again."""
    program = world.stack.programs[name]
    assert isinstance(program, ContainedProgram)
    assert (program.container.folder / "pid").exists()
    program.container.send(signal.SIGTERM)
    assert program.container.wait(30) == 0, program.container.text()
    program.container.remove()
    program.start()
    wait_until(program.ready, 20, f"{name} is ready again")
