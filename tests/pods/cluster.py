"""A cluster of one node: applies manifests, keeps Deployments at their replicas, tells the router its endpoints.

What a real cluster takes time for takes time here: a pod that became ready, or ends, is known to the router a second
later.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import requests

from tests.e2e.waiting import wait_until
from tests.pods.container import Image
from tests.pods.edges import Place, enforce, refused
from tests.pods.kubelet import TICK, Pod, data_of, digest
from tests.pods.network import Network
from tests.sim.client import ROOT

NAMESPACE = "openhands"
NAMESPACES = {
    NAMESPACE: {"kubernetes.io/metadata.name": NAMESPACE},
    "kube-system": {"kubernetes.io/metadata.name": "kube-system"},
    "monitoring": {"kubernetes.io/metadata.name": "monitoring"},
}
ENDPOINT_DELAY = 1.0


def share(value: str | int, whole: int, up: bool) -> int:
    """A number of pods given as a number or in percent."""
    if isinstance(value, int):
        return value
    part = whole * int(value.rstrip("%"))
    return -(-part // 100) if up else part // 100


class Deployment:
    """A Deployment or StatefulSet with its pods."""

    def __init__(self, cluster: Cluster, manifest: dict[str, Any]) -> None:
        self.cluster, self.manifest = cluster, manifest
        self.name = manifest["metadata"]["name"]
        self.replicas = int(manifest["spec"].get("replicas", 1))
        self.pods: list[Pod] = []
        self.past: list[Pod] = []

    def apply(self, manifest: dict[str, Any]) -> None:
        """A new version of the object."""
        self.manifest = manifest
        self.replicas = int(manifest["spec"].get("replicas", self.replicas))

    def scale(self, replicas: int) -> None:
        """As `kubectl scale`."""
        self.replicas = replicas

    @property
    def live(self) -> list[Pod]:
        """Pods that are not on their way out."""
        return [pod for pod in self.pods if not pod.terminating]

    def is_current(self, pod: Pod) -> bool:
        """Whether a pod was made from today's template."""
        return digest(pod.template) == digest(self.manifest["spec"]["template"])

    def is_done(self) -> bool:
        """Whether all pods are current, ready and wanted, and the others gone."""
        wanted = len(self.pods) == len(self.live) == self.replicas
        return wanted and all(pod.ready and self.is_current(pod) for pod in self.pods)

    def reconcile(self) -> None:
        """One step of the controller: what maxSurge and maxUnavailable allow."""
        for pod in [pod for pod in self.pods if pod.gone.is_set()]:
            self.pods.remove(pod)
            self.past.append(pod)
        strategy = self.manifest["spec"].get("strategy", {}).get("rollingUpdate", {})
        surge = share(strategy.get("maxSurge", "25%"), self.replicas, True)
        away = share(strategy.get("maxUnavailable", "25%"), self.replicas, False)
        if self.manifest["kind"] == "StatefulSet":
            surge, away = 0, 1
            if len(self.pods) > len(self.live):
                return
        fresh = [pod for pod in self.live if self.is_current(pod)]
        stale = [pod for pod in self.live if not self.is_current(pod)]
        room = min(self.replicas - len(fresh), self.replicas + (surge if stale else 0) - len(fresh) - len(stale))
        for _ in range(room):
            hostname = f"{self.name}-0" if self.manifest["kind"] == "StatefulSet" else ""
            pod = Pod(self.cluster, self.name, self.manifest["spec"]["template"], hostname=hostname)
            self.pods.append(pod)
            self.cluster.follow(pod)
            pod.start()
        for pod in sorted(fresh, key=lambda p: (not p.ready, p.times["created"]))[self.replicas :]:
            pod.delete()
        spare = sum(pod.ready for pod in fresh + stale) - (self.replicas - away)
        for pod in sorted(stale, key=lambda p: p.ready):
            if pod.ready:
                spare -= 1
            if not pod.ready or spare >= 0:
                pod.delete()

    def describe(self) -> str:
        """For a failure's message."""
        return "\n".join(pod.describe() for pod in self.pods)


class Cluster:
    """Objects by kind and name, and what follows from them."""

    def __init__(self, folder: Path, network: Network) -> None:
        self.folder, self.network = folder, network
        self.claims = folder / "claims"
        self.images: dict[str, Image] = {}
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.deployments: dict[str, Deployment] = {}
        self.places: list[Place] = []
        self.ended = threading.Event()
        self.lock = threading.RLock()
        self.news: deque[tuple[float, dict[str, list[str]]]] = deque()
        self.told: Any = None
        self.seen: Any = None
        self.edges: Any = None
        self.closed: Counter[str] = Counter()
        self.trouble: list[str] = []
        self.router_port = network.plug("router")
        self.place("router", self.router_port.address, "kube-system", app="traefik")
        self.router = self._start_router()
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    # --- what pods ask ------------------------------------------------------------------------------

    def find(self, kind: str, name: str) -> dict[str, bytes] | None:
        """Data of a Secret or ConfigMap."""
        found = self.objects.get((kind, name))
        return data_of(found) if found else None

    def image(self, name: str) -> Image:
        """An image by its whole name."""
        assert name in self.images, f'image "{name}" not found; there are {list(self.images)}'
        return self.images[name]

    # --- changing -----------------------------------------------------------------------------------

    def place(self, name: str, address: str, namespace: str = NAMESPACE, **labels: str) -> None:
        """A pod of somebody else, which policies may select."""
        self.places.append(Place(name, address, namespace, labels))

    def secret(self, name: str, **values: str | bytes) -> None:
        """Make or change a Secret (with _ for - in keys); running pods see it as the kubelet shows it."""
        data = {key: value if isinstance(value, str) else value.decode() for key, value in values.items()}
        self.apply([{"kind": "Secret", "metadata": {"name": name}, "stringData": data}])
        self.refresh()

    def refresh(self) -> None:
        """The kubelet's sync of volumes, now instead of within a minute."""
        for deployment in self.deployments.values():
            for pod in deployment.live:
                if pod.volumes:
                    pod.volumes.refresh()

    def apply(self, manifests: Iterable[dict[str, Any]]) -> None:
        """Objects as the API server would take them; Deployments start to follow."""
        with self.lock:
            for manifest in manifests:
                name = manifest["metadata"]["name"]
                self.objects[manifest["kind"], name] = manifest
                if manifest["kind"] not in ("Deployment", "StatefulSet"):
                    continue
                if name in self.deployments:
                    self.deployments[name].apply(manifest)
                else:
                    self.deployments[name] = Deployment(self, manifest)

    def of_kind(self, *kinds: str) -> list[dict[str, Any]]:
        """All objects of some kinds."""
        return [found for (kind, _), found in self.objects.items() if kind in kinds]

    def deployment(self, component: str) -> Deployment:
        """The Deployment of a service."""
        found = [d for name, d in self.deployments.items() if name.endswith(f"-{component}")]
        assert len(found) == 1, (component, list(self.deployments))
        return found[0]

    def wait(self, deadline: float = 90, names: Iterable[str] = ()) -> None:
        """As `helm --wait` (or `kubectl rollout status`): all pods current, ready, the others gone."""
        wanted = [self.deployment(name) for name in names] or list(self.deployments.values())

        def done() -> bool:
            assert not self.trouble, self.trouble
            assert all(pod.restarts < 4 for d in wanted for pod in d.pods), "a pod starts again and again"
            return all(deployment.is_done() for deployment in wanted)

        try:
            wait_until(done, deadline, "all pods are ready")
        except AssertionError as error:
            told = "\n".join(next(iter(d.pods)).describe() for d in wanted if d.pods and not d.is_done())
            raise AssertionError(f"{error}\n{told}") from None

    def pods(self, component: str) -> list[Pod]:
        """Pods of a service that are there and stay."""
        return self.deployment(component).live

    def all_pods(self) -> list[Pod]:
        """Every pod there was."""
        return [pod for deployment in self.deployments.values() for pod in deployment.past + deployment.pods]

    def stop(self) -> None:
        """Delete all pods and wait for their end."""
        with self.lock:
            for deployment in self.deployments.values():
                deployment.scale(0)
        wait_until(lambda: all(pod.gone.is_set() or not pod.ident for pod in self.all_pods()), 90, "all pods are gone")
        self.ended.set()
        self.thread.join(10)
        self.router.terminate()
        self.router.wait(10)
        self.network.unplug(self.router_port)

    # --- controllers --------------------------------------------------------------------------------

    def _work(self) -> None:
        while not self.ended.is_set():
            try:
                with self.lock:
                    for deployment in self.deployments.values():
                        deployment.reconcile()
                    self._follow_edges()
                    self._follow_endpoints()
            except Exception as error:  # the test's thread shows it
                self.trouble.append(f"{type(error).__name__}: {error}")
            self.ended.wait(TICK)

    def follow(self, pod: Pod) -> None:
        """Edges and names are there before a new pod's first packet."""
        for service in self.of_kind("Service"):
            if service["spec"].get("clusterIP") == "None" and selected(service, pod):
                name = service["metadata"]["name"]
                stems = (name, f"{pod.hostname}.{name}")
                self.network.call(pod.port.address, *stems, *(f"{stem}.{NAMESPACE}.svc" for stem in stems))
        self._follow_edges()

    def _follow_edges(self) -> None:
        policies = self.of_kind("NetworkPolicy")
        places = self.places + [
            Place(p.name, p.port.address, p.namespace, p.labels, p.ports())
            for d in self.deployments.values()
            for p in d.pods
        ]
        now = digest([policies, [place.__dict__ for place in places]])
        if now != self.edges:
            if self.edges:
                self.closed += refused()
            enforce(policies, places, NAMESPACES)
            self.edges = now

    def _follow_endpoints(self) -> None:
        endpoints = {
            f"{service['metadata']['name']}:{port[key]}": [
                f"{pod.port.address}:{pod.port_of(port.get('targetPort', port['port']))}"
                for deployment in self.deployments.values()
                for pod in deployment.pods
                if pod.ready and selected(service, pod)
            ]
            for service in self.of_kind("Service")
            for port in service["spec"]["ports"]
            for key in ("name", "port")
            if key in port
        }
        now = time.monotonic()
        if endpoints != self.seen:
            self.seen = endpoints
            self.news.append((now + ENDPOINT_DELAY, endpoints))
        while self.news and self.news[0][0] <= now:
            self.told = self.news.popleft()[1]
            self._tell(self.told)

    def rules(self) -> list[dict[str, str]]:
        """Routes of all Ingress and HTTPRoute objects."""
        made = []
        for ingress in self.of_kind("Ingress"):
            for rule in ingress["spec"]["rules"]:
                for path in rule["http"]["paths"]:
                    service = path["backend"]["service"]
                    target = service["port"].get("name") or service["port"]["number"]
                    kind = "Exact" if path["pathType"] == "Exact" else "Prefix"
                    made.append(route(rule.get("host", ""), path["path"], kind, f"{service['name']}:{target}"))
        for http in self.of_kind("HTTPRoute"):
            for host in http["spec"].get("hostnames", [""]):
                for rule in http["spec"]["rules"]:
                    backend = rule["backendRefs"][0]
                    for match in rule["matches"]:
                        kind = "Exact" if match["path"]["type"] == "Exact" else "Prefix"
                        target = f"{backend['name']}:{backend['port']}"
                        made.append(route(host, match["path"]["value"], kind, target))
        return made

    def _start_router(self) -> subprocess.Popen[bytes]:
        log = (self.folder / "router.log").open("ab")
        command = ["ip", "netns", "exec", "router", sys.executable, "-m", "tests.pods.router", "80", "81"]
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def _tell(self, endpoints: dict[str, list[str]]) -> None:
        table = {"rules": self.rules(), "endpoints": endpoints}
        wait_until(lambda: self._put(table), 10, "the router answers")

    def _put(self, table: dict[str, Any]) -> bool:
        try:
            return requests.put(f"http://{self.router_port.address}:81/", json=table, timeout=5).ok
        except requests.ConnectionError:
            return False

    def refused(self) -> dict[str, int]:
        """Packets that the policies refused so far, by pod and direction."""
        with self.lock:
            return dict(self.closed + Counter(refused()))

    def answered(self) -> dict[str, dict[str, int]]:
        """What the router answered so far: `answers` by status, `pods` by the pod (ADDRESS:PORT) that gave it."""
        found: dict[str, dict[str, int]] = requests.get(f"http://{self.router_port.address}:81/", timeout=5).json()
        return found


def route(host: str, path: str, kind: str, backend: str) -> dict[str, str]:
    """A rule as the router takes it."""
    return {"host": host, "path": path, "type": kind, "backend": backend}


def selected(service: dict[str, Any], pod: Pod) -> bool:
    """Whether a Service takes a pod."""
    wanted = service["spec"].get("selector") or {}
    return bool(wanted) and all(pod.labels.get(key) == value for key, value in wanted.items())
