"""Nodes without machines: what a kubelet and a volume provisioner tell the API, and nothing behind it.

As a kubelet does, a pod's containers start only when every Secret, ConfigMap and key that it mounts or reads into its
environment is there (unless optional). Init containers succeed, containers become ready at once. The annotation
`ohdc.test/stage` of a pod changes that: `never-ready` (its containers run), `init-fails` (its init containers do not).
Images, probes, volumes and network do not exist here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.cluster.api import CORE, Api, Object

STAGE = "ohdc.test/stage"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
PROVISIONER = "ohdc.test/disks"
# What a node offers: that of a small virtual machine.
CAPACITY = {"cpu": "4", "memory": "16Gi", "pods": "110", "ephemeral-storage": "50Gi"}


def now() -> str:
    """The time as the API writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def references(pod: Object) -> list[tuple[str, str, list[str]]]:
    """(kind, name, keys) of everything a pod cannot start without."""
    found: list[tuple[str, str, list[str]]] = []

    def add(kind: str, source: Object, name: str, keys: list[str]) -> None:
        if not source.get("optional"):
            found.append((kind, name, keys))

    def volume(source: Object) -> None:
        for kind, field, key in (("secrets", "secret", "secretName"), ("configmaps", "configMap", "name")):
            if field in source:
                inner = source[field]
                name = inner.get(key) or inner["name"]
                add(kind, inner, name, [item["key"] for item in inner.get("items", [])])

    def environment(container: Object) -> None:
        for variable in container.get("env", []):
            source = variable.get("valueFrom", {})
            for kind, field in (("secrets", "secretKeyRef"), ("configmaps", "configMapKeyRef")):
                if field in source:
                    add(kind, source[field], source[field]["name"], [source[field]["key"]])
        for source in container.get("envFrom", []):
            for kind, field in (("secrets", "secretRef"), ("configmaps", "configMapRef")):
                if field in source:
                    add(kind, source[field], source[field]["name"], [])

    spec = pod["spec"]
    for entry in spec.get("volumes", []):
        volume(entry)
        for source in entry.get("projected", {}).get("sources", []):
            volume(source)
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        environment(container)
    return found


class Nodes:
    """Two nodes and a default storage class; their life runs in threads from `start` to `stop`."""

    def __init__(self, api: Api, names: tuple[str, ...] = ("node-1", "node-2")):
        self.api, self.names = api, names
        self.waiting: dict[str, str] = {}
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._addresses: dict[str, str] = {}
        self._lock = threading.Lock()
        self.failure: BaseException | None = None

    def start(self) -> None:
        """Register the nodes and begin."""
        storage = {
            "metadata": {"name": "disks", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
        }
        self.api.create(CLASSES, storage | {"provisioner": PROVISIONER, "volumeBindingMode": "Immediate"})
        for name in self.names:
            self._register(name)
        for task in (self._renew, self._follow_pods, self._follow_claims, self._look_again):
            thread = threading.Thread(target=self._guarded, args=(task,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """End all threads; raises what one of them died of."""
        self._stop.set()
        for thread in self._threads:
            thread.join(20)
        if self.failure:
            raise self.failure

    def _guarded(self, task: Callable[[], None]) -> None:
        try:
            task()
        except BaseException as error:
            if not self._stop.is_set():
                self.failure = error
                raise

    def _register(self, name: str) -> None:
        conditions = [("Ready", "True", "KubeletReady")]
        conditions += [(kind, "False", "Fine") for kind in ("MemoryPressure", "DiskPressure", "PIDPressure")]
        status = {
            "capacity": CAPACITY,
            "allocatable": CAPACITY,
            "conditions": [
                {
                    "type": kind,
                    "status": value,
                    "reason": reason,
                    "lastHeartbeatTime": now(),
                    "lastTransitionTime": now(),
                }
                for kind, value, reason in conditions
            ],
        }
        labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
        self.api.create(f"{CORE}/nodes", {"metadata": {"name": name, "labels": labels}, "status": status})
        self.api.patch(f"{CORE}/nodes/{name}/status", {"status": status})
        self.api.create(LEASES, {"metadata": {"name": name}, "spec": self._lease(name)})

    @staticmethod
    def _lease(name: str) -> Object:
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": stamp}

    def _renew(self) -> None:
        while not self._stop.wait(5):
            for name in self.names:
                self.api.patch(f"{LEASES}/{name}", {"spec": self._lease(name)})

    # --- pods ---

    def _follow_pods(self) -> None:
        for kind, pod in self.api.watch(f"{CORE}/pods", self._stop):
            if kind != "DELETED":
                self._settle(pod)

    def _look_again(self) -> None:
        """Pods that waited for a Secret or ConfigMap."""
        while not self._stop.wait(0.2):
            for path in list(self.waiting):
                pod = self.api.find(path)
                if pod is None:
                    self.waiting.pop(path, None)
                else:
                    self._settle(pod)

    def _settle(self, pod: Object) -> None:
        meta, spec, status = pod["metadata"], pod["spec"], pod.get("status", {})
        path = f"{CORE}/namespaces/{meta['namespace']}/pods/{meta['name']}"
        if spec.get("nodeName") not in self.names:
            return
        if meta.get("deletionTimestamp"):
            self.waiting.pop(path, None)
            self.api.delete(path, {"gracePeriodSeconds": 0, "preconditions": {"uid": meta["uid"]}})
        elif status.get("phase") == "Pending" and not status.get("podIP"):
            missing = self._missing(pod)
            if missing:
                self.waiting[path] = missing
                return
            self.waiting.pop(path, None)
            self.api.patch(path + "/status", {"status": self._status(pod)}, "strategic")

    def _missing(self, pod: Object) -> str:
        namespace = pod["metadata"]["namespace"]
        for kind, name, keys in references(pod):
            found = self.api.find(f"{CORE}/namespaces/{namespace}/{kind}/{name}")
            if found is None:
                return f"{kind} {name}"
            for key in keys:
                if key not in found.get("data", {}) and key not in found.get("binaryData", {}):
                    return f"key {key} of {kind} {name}"
        return ""

    def _status(self, pod: Object) -> Object:
        stage = pod["metadata"].get("annotations", {}).get(STAGE, "")
        failing, ready = stage == "init-fails", stage not in ("init-fails", "never-ready")
        with self._lock:  # two threads may meet at one pod, which has one address
            number = len(self._addresses) + 1
            address = self._addresses.setdefault(pod["metadata"]["uid"], f"10.244.{number >> 8 & 255}.{number & 255}")

        def container(entry: Object, state: Object, ready: bool) -> Object:
            more: Object = {"restartCount": 0, "imageID": entry["image"], "ready": ready}
            return more | {"name": entry["name"], "image": entry["image"], "state": state}

        running: Object = {"running": {"startedAt": now()}}
        finished: Object = {
            "terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now(), "finishedAt": now()}
        }
        failed: Object = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off restarting failed container"}}
        begun: Object = {"waiting": {"reason": "PodInitializing"}} if failing else running
        flags: dict[str, Any] = {"Initialized": not failing, "ContainersReady": ready, "Ready": ready}
        return {
            "phase": "Pending" if failing else "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": now(),
            "conditions": [
                {"type": kind, "status": str(value), "lastTransitionTime": now()} for kind, value in flags.items()
            ],
            "initContainerStatuses": [
                container(entry, failed if failing else finished, not failing)
                for entry in pod["spec"].get("initContainers", [])
            ],
            "containerStatuses": [container(entry, begun, ready) for entry in pod["spec"]["containers"]],
        }

    # --- volumes ---

    def _follow_claims(self) -> None:
        for kind, claim in self.api.watch(f"{CORE}/persistentvolumeclaims", self._stop):
            meta, spec = claim["metadata"], claim["spec"]
            if kind == "DELETED" or spec.get("volumeName") or spec.get("storageClassName") != "disks":
                continue
            reference = {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "uid": meta["uid"]}
            volume = {
                "metadata": {
                    "name": f"disk-{meta['uid']}",
                    "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER},
                },
                "spec": {
                    "capacity": {"storage": spec["resources"]["requests"]["storage"]},
                    "accessModes": spec["accessModes"],
                    "persistentVolumeReclaimPolicy": "Retain",
                    "storageClassName": "disks",
                    "hostPath": {"path": "/nowhere"},
                    "claimRef": reference | {"namespace": meta["namespace"], "name": meta["name"]},
                },
            }
            self.api.create(f"{CORE}/persistentvolumes", volume)


def wait_nodes_ready(api: Api, names: tuple[str, ...], seconds: float = 60) -> None:
    """Until nothing keeps pods from the nodes."""
    deadline = time.monotonic() + seconds
    while True:
        nodes = {node["metadata"]["name"]: node for node in api.items(f"{CORE}/nodes")}
        if set(names) <= set(nodes) and not any(nodes[name]["spec"].get("taints") for name in names):
            return
        assert time.monotonic() < deadline, f"nodes are not ready: {nodes}"
        time.sleep(0.05)
