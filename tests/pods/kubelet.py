"""One pod, run as the kubelet runs it: volumes, init containers in order, probes, restarts, the way it ends.

Everything comes from the pod's spec; a field these tests do not know fails them instead of being ignored.
"""

from __future__ import annotations

import base64
import http.client
import itertools
import json
import re
import signal
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.image.container import seccomp
from tests.pods.container import Container, Image, Mount, Recipe
from tests.pods.network import Network, Port
from tests.pods.volumes import Volumes

TICK = 0.05
NUMBERS = itertools.count(1)
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
UNITS = {"": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "k": 10**3, "M": 10**6, "G": 10**9}
KNOWN_POD = {
    "affinity", "automountServiceAccountToken", "containers", "enableServiceLinks", "hostAliases", "hostname",
    "imagePullSecrets", "initContainers", "nodeSelector", "priorityClassName", "restartPolicy", "securityContext",
    "serviceAccountName", "subdomain", "terminationGracePeriodSeconds", "tolerations", "topologySpreadConstraints",
    "volumes",
}  # fmt: skip
KNOWN_CONTAINER = {
    "args", "command", "env", "envFrom", "image", "imagePullPolicy", "lifecycle", "livenessProbe", "name", "ports",
    "readinessProbe", "resources", "securityContext", "startupProbe", "volumeMounts", "workingDir",
}  # fmt: skip


class Node(Protocol):
    """What a pod needs of the place where it runs."""

    network: Network
    folder: Path
    claims: Path

    def find(self, kind: str, name: str) -> dict[str, bytes] | None:
        """Data of a Secret or ConfigMap."""

    def image(self, name: str) -> Image:
        """An image that is there."""


def quantity(text: str | int) -> int:
    """Bytes of a Kubernetes quantity."""
    found = re.fullmatch(r"(\d+)([A-Za-z]*)", str(text))
    assert found and found[2] in UNITS, f"a quantity these tests do not know: {text}"
    return int(found[1]) * UNITS[found[2]]


@dataclass
class Probe:
    """A probe with its counts."""

    spec: dict[str, Any]
    due: float
    good: int = 0
    bad: int = 0

    def due_now(self) -> bool:
        """Whether it is time; sets the next time."""
        now = time.monotonic()
        if now < self.due:
            return False
        self.due = now + float(self.spec.get("periodSeconds", 10))
        return True

    def ask(self, address: str, ports: dict[str, int]) -> None:
        """Probe once and count."""
        if self._answers(address, ports):
            self.good, self.bad = self.good + 1, 0
        else:
            self.good, self.bad = 0, self.bad + 1

    @property
    def passed(self) -> bool:
        """Often enough in a row."""
        return self.good >= int(self.spec.get("successThreshold", 1))

    @property
    def failed(self) -> bool:
        """Often enough in a row."""
        return self.bad >= int(self.spec.get("failureThreshold", 3))

    def _answers(self, address: str, ports: dict[str, int]) -> bool:
        kind = next(kind for kind in ("httpGet", "tcpSocket") if kind in self.spec)
        port = self.spec[kind]["port"]
        port, wait = ports.get(port, port), float(self.spec.get("timeoutSeconds", 1))
        try:
            if kind == "tcpSocket":
                socket.create_connection((address, int(port)), wait).close()
                return True
            line = http.client.HTTPConnection(address, int(port), timeout=wait)
            line.request("GET", self.spec[kind].get("path", "/"), headers={"User-Agent": "kube-probe/1.36"})
            status = line.getresponse().status
            line.close()
        except (OSError, http.client.HTTPException):
            return False
        return 200 <= status < 400


class Pod(threading.Thread):
    """A pod from its template; `start()` runs it, `delete()` ends it."""

    def __init__(
        self, node: Node, owner: str, template: dict[str, Any], namespace: str = "openhands", hostname: str = ""
    ) -> None:
        name = f"{owner}-{next(NUMBERS)}"
        super().__init__(name=name, daemon=True)
        self.hostname = hostname or name
        self.node, self.owner, self.namespace = node, owner, namespace
        self.labels = template["metadata"].get("labels", {})
        self.template, self.spec = template, template["spec"]
        unknown = set(self.spec) - KNOWN_POD
        assert not unknown, f"{owner}: fields of a pod these tests do not know: {unknown}"
        assert len(self.spec["containers"]) == 1, owner
        self.folder = node.folder / "pods" / name
        self.port: Port = node.network.plug(f"p{next(NUMBERS)}")
        self.ready = False
        self.deleted = threading.Event()
        self.gone = threading.Event()
        self.restarts = 0
        self.statuses: list[int] = []
        self.trouble = ""
        self.container: Container | None = None
        self.volumes: Volumes | None = None
        self.times: dict[str, float] = {"created": time.monotonic()}

    # --- what the outside sees ----------------------------------------------------------------------

    @property
    def terminating(self) -> bool:
        """Whether it was deleted."""
        return self.deleted.is_set()

    @property
    def log(self) -> Path:
        """What its container printed."""
        return self.folder / f"{self.spec['containers'][0]['name']}.log"

    def delete(self) -> None:
        """Not ready from now on; hook, SIGTERM, grace period, SIGKILL follow."""
        self.ready = False
        self.times["deleted"] = time.monotonic()
        self.deleted.set()

    def execute(self, *argv: str, env: dict[str, str] | None = None, given: bytes = b"") -> Any:
        """As `kubectl exec`."""
        assert self.container, self.name
        return self.container.execute(list(argv), env, given)

    def ports(self) -> dict[str, int]:
        """Its named ports."""
        return self._ports(self.spec["containers"][0])

    def port_of(self, name: str | int) -> int:
        """Number of a named port."""
        return self.ports().get(str(name)) or int(name)

    def describe(self) -> str:
        """For a failure's message."""
        tail = "".join(p.read_text(errors="replace")[-1500:] for p in sorted(self.folder.glob("*.log")))
        return f"{self.name}: ready {self.ready}, restarts {self.restarts}, {self.trouble}\n{tail}"

    # --- its life -----------------------------------------------------------------------------------

    def run(self) -> None:
        try:
            self.folder.mkdir(parents=True)
            self.volumes = Volumes(self.node, self.folder / "volumes", self.spec, self.node.claims)
            if all(self._init(container) for container in self.spec.get("initContainers", [])):
                self.times["initialised"] = time.monotonic()
                while not self.terminating:
                    self._serve(self.spec["containers"][0])
        except Exception as error:  # the test's thread shows it
            self.trouble = f"{type(error).__name__}: {error}"
            self.deleted.wait()
        finally:
            self.ready = False
            self.node.network.unplug(self.port)
            self.times["gone"] = time.monotonic()
            self.gone.set()

    def _init(self, spec: dict[str, Any]) -> bool:
        """One init container, again and again until it ends well; False when the pod is deleted first."""
        pause = 1.0
        while not self.terminating:
            container = self._launch(spec)
            while container.ended is None and not self.terminating:
                time.sleep(TICK)
            if self.terminating:
                self._end(container, 5)
                return False
            if container.ended == 0:
                return True
            self.trouble = f"init container {spec['name']} ended with {container.ended}"
            self.restarts += 1
            self.deleted.wait(pause)
            pause = min(pause * 2, 10)
        return False

    def _serve(self, spec: dict[str, Any]) -> None:
        """The main container until it ends, fails its liveness probe or the pod is deleted."""
        self.container = container = self._launch(spec)
        self.times.setdefault("started", time.monotonic())
        now, ports = time.monotonic(), self._ports(spec)
        probes = {
            kind: Probe(spec[f"{kind}Probe"], now + float(spec[f"{kind}Probe"].get("initialDelaySeconds", 0)))
            for kind in ("startup", "readiness", "liveness")
            if f"{kind}Probe" in spec
        }
        started = "startup" not in probes
        while container.ended is None and not self.terminating:
            for kind, probe in probes.items():
                if started == (kind == "startup") or not probe.due_now():
                    continue
                probe.ask(self.port.address, ports)
                if kind == "readiness" and (probe.passed or probe.failed):
                    self._set_ready(probe.passed)
                elif kind == "startup" and probe.passed:
                    started = True
                elif kind != "readiness" and probe.failed:
                    self.trouble = f"{kind} probe failed"
                    self._stop(container, spec)
            if started and "readiness" not in probes:
                self._set_ready(True)
            time.sleep(TICK)
        if self.terminating:
            self._stop(container, spec)
        self.ready = False
        self.statuses.append(int(container.process.wait()))
        if not self.terminating:
            self.restarts += 1
            self.trouble = f"ended with {container.ended}; {self.trouble}"
            self.deleted.wait(1.0)

    def _set_ready(self, ready: bool) -> None:
        self.ready = ready and not self.terminating
        if self.ready:
            self.times.setdefault("ready", time.monotonic())

    def _stop(self, container: Container, spec: dict[str, Any]) -> None:
        grace, began = float(self.spec.get("terminationGracePeriodSeconds", 30)), time.monotonic()
        hook = spec.get("lifecycle", {}).get("preStop")
        if hook and "sleep" in hook:
            time.sleep(float(hook["sleep"]["seconds"]))
        elif hook:
            container.execute(hook["exec"]["command"])
        self._end(container, grace - (time.monotonic() - began))

    def _end(self, container: Container, grace: float) -> None:
        container.send(signal.SIGTERM)
        end = time.monotonic() + grace
        while container.ended is None and time.monotonic() < end:
            time.sleep(TICK)
        if container.ended is None:
            self.trouble = f"killed after {grace:.0f} s"
            container.send(signal.SIGKILL)
            container.process.wait()

    # --- from spec to process -----------------------------------------------------------------------

    @staticmethod
    def _ports(spec: dict[str, Any]) -> dict[str, int]:
        return {port["name"]: int(port["containerPort"]) for port in spec.get("ports", []) if "name" in port}

    def _launch(self, spec: dict[str, Any]) -> Container:
        unknown = set(spec) - KNOWN_CONTAINER
        assert not unknown, f"{self.name}: fields of a container these tests do not know: {unknown}"
        pod, own = self.spec.get("securityContext", {}), spec.get("securityContext", {})
        security = {**pod, **own}
        uid, gid = int(security.get("runAsUser", 0)), int(security.get("runAsGroup", 0))
        assert uid or not security.get("runAsNonRoot"), "container has runAsNonRoot and image will run as root"
        capabilities = own.get("capabilities", {})
        assert capabilities.get("drop") == ["ALL"] and not capabilities.get("add"), capabilities
        group = pod.get("fsGroup")
        limit = spec.get("resources", {}).get("limits", {}).get("memory")
        argv = [*spec.get("command", []), *spec.get("args", [])]
        env = self._env(spec)
        recipe = Recipe(
            name=f"{self.name}-{spec['name']}-{next(NUMBERS)}",
            image=self.node.image(spec["image"]),
            argv=[expand(word, env) for word in argv],
            env=env,
            mounts=[*self._mounts(spec), Mount(self.node.network.hosts, "/etc/hosts")],
            uid=uid,
            gid=gid,
            groups=[int(group)] if group is not None else [],
            netns=self.port.netns,
            hostname=self.hostname,
            read_only=bool(own.get("readOnlyRootFilesystem")),
            no_new_privileges=own.get("allowPrivilegeEscalation") is False,
            capabilities=[],
            memory=quantity(limit) if limit else 0,
            cwd=spec.get("workingDir", "/"),
            seccomp=seccomp() if security.get("seccompProfile") == {"type": "RuntimeDefault"} else None,
        )
        return Container(recipe, self.node.folder, self.folder / f"{spec['name']}.log")

    def _mounts(self, spec: dict[str, Any]) -> list[Mount]:
        assert self.volumes
        made = []
        for mount in spec.get("volumeMounts", []):
            source = self.volumes.paths[mount["name"]]
            if "subPath" in mount:
                source = source / mount["subPath"]
            only = bool(mount.get("readOnly")) or mount["name"] in self.volumes.projections
            made.append(Mount(source, mount["mountPath"], only))
        return made

    def _env(self, spec: dict[str, Any]) -> dict[str, str]:
        env = {"PATH": PATH, "HOSTNAME": self.hostname, "HOME": "/"}
        for source in spec.get("envFrom", []):
            kind = "Secret" if "secretRef" in source else "ConfigMap"
            part = source["secretRef" if kind == "Secret" else "configMapRef"]
            data = self.node.find(kind, part["name"])
            assert data is not None or part.get("optional"), f'{kind} "{part["name"]}" not found'
            env |= {source.get("prefix", "") + key: value.decode() for key, value in (data or {}).items()}
        for entry in spec.get("env", []):
            value = self._value(entry)
            if value is not None:
                env[entry["name"]] = expand(value, env)
        return env

    def _value(self, entry: dict[str, Any]) -> str | None:
        if "valueFrom" not in entry:
            return str(entry.get("value", ""))
        source = entry["valueFrom"]
        if "fieldRef" in source:
            return {
                "metadata.name": self.hostname,
                "metadata.namespace": self.namespace,
                "status.podIP": self.port.address,
            }[source["fieldRef"]["fieldPath"]]
        kind = "Secret" if "secretKeyRef" in source else "ConfigMap"
        part = source["secretKeyRef" if kind == "Secret" else "configMapKeyRef"]
        data = self.node.find(kind, part["name"]) or {}
        if part["key"] not in data:
            assert part.get("optional"), f"couldn't find key {part['key']} in {kind} {part['name']}"
            return None
        return data[part["key"]].decode()


def expand(text: str, env: dict[str, str]) -> str:
    """`$(NAME)` of variables that are known."""
    return re.sub(r"\$\(([A-Za-z_]\w*)\)", lambda found: env.get(found[1], found[0]), text)


def data_of(manifest: dict[str, Any]) -> dict[str, bytes]:
    """Contents of a Secret or ConfigMap as the API holds it."""
    plain = {key: value.encode() for key, value in (manifest.get("stringData") or {}).items()}
    if manifest["kind"] == "ConfigMap":
        return plain | {key: value.encode() for key, value in (manifest.get("data") or {}).items()}
    return plain | {key: base64.b64decode(value) for key, value in (manifest.get("data") or {}).items()}


def digest(value: Any) -> str:
    """Equal for equal templates."""
    return json.dumps(value, sort_keys=True)
