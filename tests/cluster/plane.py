"""A real Kubernetes API on loopback: etcd, kube-apiserver, controller-manager, scheduler.

PodSecurity enforces `restricted` in every namespace. Users prove themselves by certificates of a CA of this run:
`admin` may do everything, `installer` only what a namespace's role binding gives.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.run.servers import Server, free_port

ADMISSION = {
    "apiVersion": "apiserver.config.k8s.io/v1",
    "kind": "AdmissionConfiguration",
    "plugins": [
        {
            "name": "PodSecurity",
            "configuration": {
                "apiVersion": "pod-security.admission.config.k8s.io/v1",
                "kind": "PodSecurityConfiguration",
                "defaults": {
                    f"{mode}{suffix}": value
                    for mode in ("enforce", "audit", "warn")
                    for suffix, value in (("", "restricted"), ("-version", "latest"))
                },
            },
        }
    ],
}


def run(*command: str | Path, cwd: Path | None = None) -> None:
    """Run a command that must succeed."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


class Authority:
    """The CA of one run, and what it has signed."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True)
        self._openssl("req", "-x509", *self._key("ca"), "-out", "ca.crt", "-subj", "/CN=test-ca", "-days", "7")
        names = "subjectAltName=IP:127.0.0.1,IP:10.96.0.1,DNS:kubernetes.default.svc"
        self._sign("apiserver", "/CN=kube-apiserver", names)
        self._openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "accounts.key")
        self._openssl("pkey", "-in", "accounts.key", "-pubout", "-out", "accounts.pub")

    def _openssl(self, *arguments: str) -> None:
        run("openssl", *arguments, cwd=self.folder)

    @staticmethod
    def _key(name: str) -> list[str]:
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key"]

    def _sign(self, name: str, subject: str, extension: str) -> None:
        (self.folder / f"{name}.ext").write_text(extension + "\n")
        self._openssl("req", *self._key(name), "-out", f"{name}.csr", "-subj", subject)
        issuer = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"]
        files = ["-in", f"{name}.csr", "-out", f"{name}.crt", "-extfile", f"{name}.ext"]
        self._openssl("x509", "-req", *issuer, *files, "-days", "7")

    def path(self, name: str) -> str:
        """A file of the CA's folder."""
        return str(self.folder / name)

    def user(self, name: str, group: str = "") -> None:
        """A client certificate for a user, in NAME.crt and NAME.key."""
        self._sign(name, (f"/O={group}" if group else "") + f"/CN={name}", "extendedKeyUsage=clientAuth")

    def kubeconfig(self, user: str, server: str, namespace: str = "default") -> str:
        """The path of a kubeconfig for a user and namespace."""
        path = self.folder / f"{user.replace(':', '-')}.{namespace}.kubeconfig"
        cluster = {"server": server, "certificate-authority": self.path("ca.crt")}
        proof = {"client-certificate": self.path(f"{user}.crt"), "client-key": self.path(f"{user}.key")}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": user, "user": proof}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user, "namespace": namespace}}],
        }
        path.write_text(yaml.safe_dump(config))
        return str(path)


class Part(Server):
    """One program of the control plane, ready when its health page says so."""

    def __init__(self, name: str, folder: Path, command: list[str], health: str, **proof: Any):
        self.name = name
        super().__init__(folder)
        self._line = command
        self._health = health
        self._proof = proof

    def _prepare(self) -> None:
        pass

    def _command(self) -> list[str]:
        return self._line

    def _ready(self) -> bool:
        try:
            return requests.get(self._health, timeout=2, **self._proof).ok
        except requests.RequestException:
            return False


class ControlPlane:
    """Starts and stops the four programs found in a folder; `url` is the API."""

    def __init__(self, programs: Path, folder: Path):
        self.ca = Authority(folder / "ca")
        for user, group in (
            ("admin", "system:masters"),
            ("installer", ""),
            ("system:kube-controller-manager", ""),
            ("system:kube-scheduler", ""),
        ):
            self.ca.user(user, group)
        self.url = f"https://127.0.0.1:{free_port()}"
        self.parts: list[Part] = []
        self._programs, self._folder = programs, folder
        self._etcd()
        self._apiserver()
        self._controllers()

    def _add(self, name: str, flags: dict[str, str], health: str, admin: bool = False) -> None:
        command = [str(self._programs / name), *(f"--{key}={value}" for key, value in flags.items())]
        identity = (self.ca.path("admin.crt"), self.ca.path("admin.key")) if admin else None
        self.parts.append(Part(name, self._folder, command, health, cert=identity, verify=self.ca.path("ca.crt")))

    def _etcd(self) -> None:
        self._etcd_url, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        flags = {
            "data-dir": str(self._folder / "etcd-data"),
            "listen-client-urls": self._etcd_url,
            "advertise-client-urls": self._etcd_url,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"default={peer}",
            "unsafe-no-fsync": "true",
            "log-level": "warn",
        }
        self._add("etcd", flags, self._etcd_url + "/health")

    def _apiserver(self) -> None:
        admission = self._folder / "admission.yaml"
        admission.write_text(json.dumps(ADMISSION))
        flags = {
            "etcd-servers": self._etcd_url,
            "bind-address": "127.0.0.1",
            "secure-port": self.url.rpartition(":")[2],
            "tls-cert-file": self.ca.path("apiserver.crt"),
            "tls-private-key-file": self.ca.path("apiserver.key"),
            "client-ca-file": self.ca.path("ca.crt"),
            "authorization-mode": "Node,RBAC",
            "enable-admission-plugins": "NodeRestriction,PodSecurity",
            "admission-control-config-file": str(admission),
            "endpoint-reconciler-type": "none",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": self.ca.path("accounts.pub"),
            "service-account-signing-key-file": self.ca.path("accounts.key"),
            "service-cluster-ip-range": "10.96.0.0/16",
        }
        self._add("kube-apiserver", flags, self.url + "/readyz", admin=True)

    def _controllers(self) -> None:
        for name in ("kube-controller-manager", "kube-scheduler"):
            port = str(free_port())
            flags = {
                "kubeconfig": self.ca.kubeconfig(f"system:{name}", self.url),
                "leader-elect": "false",
                "bind-address": "127.0.0.1",
                "secure-port": port,
                "tls-cert-file": self.ca.path("apiserver.crt"),
                "tls-private-key-file": self.ca.path("apiserver.key"),
            }
            if name == "kube-controller-manager":
                flags |= {
                    "use-service-account-credentials": "true",
                    "service-account-private-key-file": self.ca.path("accounts.key"),
                    "root-ca-file": self.ca.path("ca.crt"),
                    # An autoscaler that looks each second and forgets at once; Kubernetes takes 15 s and 5 minutes.
                    "horizontal-pod-autoscaler-sync-period": "1s",
                    "horizontal-pod-autoscaler-downscale-stabilization": "1s",
                    "horizontal-pod-autoscaler-initial-readiness-delay": "1s",
                    "horizontal-pod-autoscaler-cpu-initialization-period": "1s",
                }
            self._add(name, flags, f"https://127.0.0.1:{port}/healthz")

    def start(self) -> None:
        """Start all; each is ready before the next starts."""
        for part in self.parts:
            part.start()

    def stop(self) -> None:
        """Stop all, the last first, each waited for."""
        for part in reversed(self.parts):
            part.stop()
