"""Containers of the image as real processes, by runc: what a cluster's node does with a container of a restricted pod.

    root = image_root()
    container = run_container(root, ["/usr/local/bin/ohdc", "version"], folder=tmp_path)
    assert container.wait(10) == 0, container.text()

The image's files are shared and never changed: each container sees them through an overlay that ends with it.
"""

from __future__ import annotations

import functools
import json
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
USER = 65532
# The default profile of podman and CRI-O, and what containerd's default refuses beyond it: namespaces and mounts.
SECCOMP = Path("/usr/share/containers/seccomp.json")
CONTAINERD_REFUSES = {
    "clone",
    "clone3",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "mount",
    "mount_setattr",
    "move_mount",
    "open_tree",
    "pivot_root",
    "setdomainname",
    "sethostname",
    "setns",
    "umount",
    "umount2",
    "unshare",
}
ANY_CLONE_NEW = 0x7E020000
MASKED = (
    "acpi",
    "asound",
    "interrupts",
    "kcore",
    "keys",
    "latency_stats",
    "sched_debug",
    "scsi",
    "timer_list",
    "timer_stats",
)
READ_ONLY = ("bus", "fs", "irq", "sys", "sysrq-trigger")


def why_not() -> str | None:
    """Why containers cannot be run on this machine, or None."""
    if os.geteuid() != 0:
        return "only root may build and run images on this machine"
    missing = [name for name in ("buildah", "mmdebstrap", "runc") if not shutil.which(name)]
    if missing or not SECCOMP.exists():
        return f"{', '.join(missing) or SECCOMP} is missing: run 'make deps-image'"
    return None


@functools.cache
def image_folder() -> Path:
    """What tools/image made of this tree: oci/, oci.tar, rootfs/, digest; built when these sources have none yet."""
    done = subprocess.run([ROOT / "tools" / "image"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise AssertionError(f"tools/image: {done.stderr[-3000:]}")
    return Path(done.stdout.splitlines()[-1])


def image_root() -> Path:
    """The image's unpacked files; not to be changed."""
    return image_folder() / "rootfs"


@dataclass(frozen=True)
class Mount:
    """A file or folder of this machine in a container; without a source an empty folder in memory."""

    target: str
    source: Path | None = None
    read_only: bool = True
    size: str = "64m"

    def spec(self) -> dict[str, Any]:
        """As in an OCI configuration."""
        access = "ro" if self.read_only and self.source else "rw"
        if self.source is None:
            options = ["nosuid", "nodev", "mode=1777", f"size={self.size}", access]
            return {"destination": self.target, "type": "tmpfs", "source": "tmpfs", "options": options}
        return {
            "destination": self.target,
            "type": "bind",
            "source": str(self.source),
            "options": ["rbind", "rprivate", "nosuid", "nodev", access],
        }


@dataclass
class Container:
    """One container that was started; its output is in `log`."""

    id: str
    folder: Path
    process: subprocess.Popen[bytes]
    log: Path
    state: Path = field(repr=False)

    def _runc(self, *args: str) -> subprocess.CompletedProcess[str]:
        command = ["runc", "--root", str(self.state), *args]
        return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30)

    @property
    def pid(self) -> int:
        """Process id, on this machine, of the container's process 1."""
        file = self.folder / "pid"
        wait_until(
            lambda: file.exists() or self.poll() is not None, 10, f"{self.id} has a process; {self.text()}", 0.005
        )
        return int(file.read_text())

    def poll(self) -> int | None:
        """Exit status, or None while it runs (a signal's number + 128 where one ended it)."""
        return self.process.poll()

    def wait(self, seconds: float) -> int:
        """Exit status, which comes within that time."""
        return self.process.wait(seconds)

    def send(self, number: int = signal.SIGTERM) -> None:
        """A signal to process 1 of the container; nothing if it has ended."""
        if self.poll() is None:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return

    def stop(self, grace: float = 30) -> int:
        """SIGTERM, and SIGKILL after the grace, as a node does; the exit status (137: it had to be killed)."""
        self.send(signal.SIGTERM)
        try:
            return self.wait(grace)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGKILL)
            return self.wait(30)
        finally:
            self.remove()

    def remove(self) -> None:
        """End it at once, if it still runs, and forget it."""
        self.send(signal.SIGKILL)
        if self.process.poll() is None:
            self.process.wait(30)
        self._runc("delete", "--force", self.id)

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a command inside, as `kubectl exec` does."""
        return self._runc("exec", self.id, *argv)

    def text(self) -> str:
        """Its output so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""


@functools.cache
def seccomp() -> dict[str, Any]:
    """The default profile for a process without capabilities on x86-64, as an OCI configuration has it."""
    profile = json.loads(SECCOMP.read_text())
    rules = []
    for rule in profile["syscalls"]:
        wanted, unwanted = rule.get("includes") or {}, rule.get("excludes") or {}
        if (
            wanted.get("caps")
            or "amd64" not in wanted.get("arches", ["amd64"])
            or "amd64" in unwanted.get("arches", [])
        ):
            continue
        names = [name for name in rule["names"] if name not in CONTAINERD_REFUSES]
        if not names:
            continue
        kept = {"names": names, "action": rule["action"]}
        if rule.get("args"):
            kept["args"] = rule["args"]
        if rule.get("errnoRet") is not None:
            kept["errnoRet"] = rule["errnoRet"]
        rules.append(kept)
    no_namespace = {"index": 0, "value": ANY_CLONE_NEW, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
    rules.append({"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [no_namespace]})
    return {
        "defaultAction": profile["defaultAction"],
        "defaultErrnoRet": profile["defaultErrnoRet"],
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "syscalls": rules,
    }


def _system_mounts() -> list[dict[str, Any]]:
    table = [
        ("/proc", "proc", []),
        ("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=64k"]),
        ("/dev/pts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]),
        ("/dev/shm", "tmpfs", ["nosuid", "noexec", "nodev", "mode=1777", "size=64m"]),
        ("/dev/mqueue", "mqueue", ["nosuid", "noexec", "nodev"]),
        ("/sys", "sysfs", ["nosuid", "noexec", "nodev", "ro"]),
    ]
    return [{"destination": to, "type": kind, "source": kind, "options": options} for to, kind, options in table]


def run_container(
    root: Path,
    argv: Sequence[str],
    env: dict[str, str] | None = None,
    *,
    folder: Path,
    mounts: Sequence[Mount] = (),
    uid: int = USER,
    gid: int = USER,
    groups: Sequence[int] = (),
    netns: str | Path | None = None,
    hostname: str = "ohdc",
    read_only: bool = True,
    capabilities: Sequence[str] = (),
    no_new_privileges: bool = True,
    with_seccomp: bool = True,
    memory: int | None = None,
    cwd: str = "/",
) -> Container:
    """Start argv in a container of `root` (image_root()) and return at once.

    `folder` (made where missing) gets its configuration and `log`, one folder for each container. `netns` is the name
    of a network namespace (ip netns) or the path of one; None: the surrounding network. `memory`: limit in bytes.
    The caller ends it: stop(), or remove() after wait().
    """
    name = f"ohdc-{secrets.token_hex(6)}"
    folder = (folder / name).resolve()
    folder.mkdir(parents=True)
    namespaces = [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")]
    if netns is not None:
        path = netns if "/" in str(netns) else f"/run/netns/{netns}"
        namespaces.append({"type": "network", "path": str(path)})
    kept = {kind: list(capabilities) for kind in ("bounding", "effective", "permitted")}
    spec = {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": False,
            "user": {"uid": uid, "gid": gid, "additionalGids": list(groups)},
            "args": list(argv),
            "env": [f"{key}={value}" for key, value in (_image_env() | {"HOSTNAME": hostname} | (env or {})).items()],
            "cwd": cwd,
            "capabilities": kept,
            "noNewPrivileges": no_new_privileges,
        },
        "root": {"path": "rootfs", "readonly": read_only},
        "hostname": hostname,
        "mounts": [*_system_mounts(), *(mount.spec() for mount in mounts)],
        "linux": {
            "cgroupsPath": f"/ohdc-tests/{name}",
            "namespaces": namespaces,
            "maskedPaths": [*(f"/proc/{entry}" for entry in MASKED), "/sys/firmware"],
            "readonlyPaths": [f"/proc/{entry}" for entry in READ_ONLY],
            "resources": {"devices": [{"allow": False, "access": "rwm"}]}
            | ({"memory": {"limit": memory}} if memory else {}),
        }
        | ({"seccomp": seccomp()} if with_seccomp else {}),
    }
    (folder / "config.json").write_text(json.dumps(spec))
    (folder / "rootfs").mkdir()
    (folder / "over").mkdir()
    # In a mount namespace of its own, so that nothing stays mounted whatever happens.
    script = (
        "mount -t tmpfs -o mode=755 tmpfs over && mkdir over/upper over/work && chmod 755 over/upper"
        ' && mount -t overlay -o "lowerdir=$1,upperdir=over/upper,workdir=over/work" overlay rootfs'
        ' && exec runc --root "$2" run --no-new-keyring --pid-file pid "$3"'
    )
    state = folder / "state"
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", script, "sh", str(root.resolve()), str(state), name],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return Container(name, folder, process, log, state)


@functools.cache
def _image_env() -> dict[str, str]:
    config = image_config()["config"]
    return dict(entry.split("=", 1) for entry in config.get("Env", []))


def _blob(digest: str) -> Any:
    return json.loads((image_folder() / "oci" / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_text())


def image_manifest() -> dict[str, Any]:
    """The image's manifest: its layers with their sizes."""
    index = json.loads((image_folder() / "oci" / "index.json").read_text())
    return _blob(index["manifests"][0]["digest"])


def image_config() -> dict[str, Any]:
    """The image's configuration: user, command, labels."""
    return _blob(image_manifest()["config"]["digest"])
