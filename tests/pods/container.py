"""One container as a real process: runc with exactly what the pod's spec says, nothing of this process's own."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
DEVICES = ["nosuid", "noexec"]
BASE_MOUNTS = [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {
        "destination": "/dev",
        "type": "tmpfs",
        "source": "tmpfs",
        "options": ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": [*DEVICES, "nodev", "mode=1777"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": [*DEVICES, "nodev", "ro"]},
]


@dataclass
class Mount:
    """A folder or file of the node inside a container."""

    source: Path
    destination: str
    read_only: bool = True

    def as_oci(self) -> dict[str, object]:
        """For config.json."""
        options = ["rbind", "rprivate", "nosuid", "nodev", "ro" if self.read_only else "rw"]
        return {"destination": self.destination, "type": "bind", "source": str(self.source), "options": options}


@dataclass
class Image:
    """A root file system, and what is laid over it."""

    root: Path
    over: list[Mount] = field(default_factory=list)


@dataclass
class Recipe:
    """What a container is made of."""

    name: str
    image: Image
    argv: list[str]
    env: dict[str, str]
    mounts: list[Mount]
    uid: int
    gid: int
    groups: list[int]
    netns: str
    hostname: str
    read_only: bool
    no_new_privileges: bool
    capabilities: list[str]
    memory: int = 0
    cwd: str = "/"
    seccomp: dict[str, object] | None = None

    def as_oci(self) -> dict[str, object]:
        """config.json."""
        sets = ("bounding", "effective", "permitted")
        kinds = [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")]
        linux: dict[str, object] = {
            "namespaces": [*kinds, {"type": "network", "path": self.netns}],
            "cgroupsPath": f"/ohdc-pods-{os.getpid()}/{self.name}",
            "resources": {"memory": {"limit": self.memory}} if self.memory else {},
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
        }
        if self.seccomp:
            linux["seccomp"] = self.seccomp
        return {
            "ociVersion": "1.0.2",
            "process": {
                "terminal": False,
                "user": {"uid": self.uid, "gid": self.gid, "additionalGids": self.groups},
                "args": self.argv,
                "env": [f"{name}={value}" for name, value in self.env.items()],
                "cwd": self.cwd,
                "capabilities": {kind: self.capabilities for kind in sets},
                "rlimits": [{"type": "RLIMIT_NOFILE", "hard": FILES, "soft": FILES}],
                "noNewPrivileges": self.no_new_privileges,
            },
            "root": {"path": str(self.image.root), "readonly": self.read_only},
            "hostname": self.hostname,
            "mounts": [*BASE_MOUNTS, *(m.as_oci() for m in [*self.image.over, *self.mounts])],
            "linux": linux,
        }


class Container:
    """A running container."""

    def __init__(self, recipe: Recipe, folder: Path, log: Path) -> None:
        self.name, self.log = recipe.name, log
        self.state = folder / "runc"
        bundle = folder / "bundles" / recipe.name
        bundle.mkdir(parents=True)
        (bundle / "config.json").write_text(json.dumps(recipe.as_oci(), indent=1))
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [*self._runc, "run", "--bundle", str(bundle), recipe.name],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    @property
    def _runc(self) -> list[str]:
        return ["runc", "--root", str(self.state)]

    @property
    def ended(self) -> int | None:
        """Exit status, or None while it runs."""
        return self.process.poll()

    @property
    def pid(self) -> int:
        """Process id of its first process, on the node."""
        done = subprocess.run([*self._runc, "state", self.name], capture_output=True, text=True)
        return int(json.loads(done.stdout)["pid"])

    def send(self, number: signal.Signals) -> None:
        """A signal to its first process."""
        subprocess.run([*self._runc, "kill", self.name, number.name], capture_output=True)

    def execute(
        self, argv: list[str], env: dict[str, str] | None = None, given: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        """A command beside its first process, as `kubectl exec` does."""
        more = [word for name, value in (env or {}).items() for word in ("--env", f"{name}={value}")]
        command = [*self._runc, "exec", *more, self.name, *argv]
        return subprocess.run(command, input=given, capture_output=True, timeout=120)
