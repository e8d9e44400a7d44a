"""The rendered chart beside a simulated OpenHands Enterprise: its Secrets, its names, its ports, nothing else."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.e2e.stack import WEB_HOST, Connection, Stack
from tests.e2e.waiting import wait_until
from tests.pods.cluster import NAMESPACE, Cluster
from tests.pods.container import Image
from tests.pods.kubelet import Pod
from tests.pods.network import Network
from tests.pods.servers import Embedded, NodePostgres
from tests.sim.client import ROOT

CHART = ROOT / "deploy" / "helm" / "openhands-dc"
RELEASE = "ohdc"
COMPONENT = "app.kubernetes.io/component"
QUICK = {
    "OHDC_POLL_MIN_MS": "50",
    "OHDC_POLL_MAX_MS": "300",
    "OHDC_CALL_DEADLINE_MS": "2000",
    "OHDC_LEASE_MARGIN_MS": "500",
    "OHDC_LEASE_MS": "4000",
    "OHDC_SWEEP_MS": "500",
    "OHDC_PROBE_DELAYS_MS": "100,200,400",
}
# Service, its port, its pod, the pod's port
OHE = (
    ("openhands-service", 3000, "openhands-0", 3000),
    ("keycloak", 80, "keycloak-0", 8080),
    ("oh-main-postgresql", 5432, "postgresql-0", 5432),
)
VALUES: dict[str, Any] = {
    "image": {"repository": "ohdc.test/openhands-dc", "tag": "now"},
    "openhands": {"host": WEB_HOST, "jwtSecret": {"existingSecret": "jwt-secret"}},
    "takeover": {"events": True, "settings": True, "signIn": True},
    "bitbucket": {"botUsername": "openhands"},
    "jira": {"httpTimeout": 3},
    # pods and services; Jira and Bitbucket are outside
    "networks": {"denied": ["10.77.0.0/16", "10.78.0.0/16"]},
    "networkPolicy": {
        "openhands": {"podSelector": {"matchLabels": {"app": "openhands-service"}}},
        "keycloak": {"podSelector": {"matchLabels": {"app": "keycloak"}}},
        "database": {"podSelector": {"matchLabels": {"app": "oh-main-postgresql"}}},
        "ingressController": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}},
        "monitoring": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}},
    },
    "env": QUICK,
}


def merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Values over values, as Helm merges files."""
    made = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(made.get(key), dict)
        made[key] = merge(made[key], value) if both else value
    return made


def helm() -> str:
    """Helm 3 as the gate uses it."""
    tools = ROOT / "build" / "chart-tools"
    for folder in (tools / "bin", tools):
        if (folder / "helm").exists():
            return str(folder / "helm")
    pytest.skip("no Helm in build/chart-tools: run tools/deps-chart")


def render(values: dict[str, Any], folder: Path, chart: Path = CHART) -> list[dict[str, Any]]:
    """The chart's objects."""
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    command = [helm(), "template", RELEASE, str(chart), "--namespace", NAMESPACE, "-f", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": os.environ["PATH"], "HOME": "/tmp"})
    assert done.returncode == 0, done.stderr
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


class Pods(Stack):
    """An installation made of pods; what ohdc's programs are told comes from the chart alone."""

    sim_names = (
        "ohe=http://openhands-0:3000",
        "keycloak=http://keycloak-0:8080",
        "jira=http://jira.example.com",
        "bitbucket=http://bitbucket.example.com",
    )

    def __init__(
        self,
        folder: Path,
        network: Network,
        postgres: NodePostgres,
        images: dict[str, Image],
        values: dict[str, Any] | None = None,
    ) -> None:
        self.cluster = Cluster(folder, network)
        self.cluster.images |= images
        self.beside(network)
        super().__init__(folder, self.broker(), postgres)
        self.postgres.drop_database(self.name)  # the chart makes it
        self.values = merge(merge(VALUES, {"database": {"name": self.name}}), values or {})
        self.prefix = "ohdc."

    def broker(self) -> Any:
        """Where tests read topics."""
        return Embedded()

    def beside(self, network: Network) -> None:
        """OHE's pods behind its Services, the products outside, the router at the app's address."""
        for number, (service, port, pod, target) in enumerate(OHE):
            address = network.server(f"10.77.1.{number + 1}", pod)
            self.cluster.place(pod, address, app=service)
            network.service(service, f"10.78.0.{number + 1}", port, f"{address}:{target}")
        network.server("10.99.0.1", "jira.example.com")
        network.server("10.99.0.2", "bitbucket.example.com")
        network.call(self.cluster.router_port.address, WEB_HOST)

    # --- setting up ---------------------------------------------------------------------------------

    def prepare(self) -> None:
        """OHE's Secrets and our seal key; then the chart, until every pod is ready."""
        made = subprocess.run([ROOT / "build" / "bin" / "ohdc", "keys", "generate"], capture_output=True, check=True)
        self.cluster.secret("ohdc-seal-keys", **{"seal-keys": made.stdout.decode()})
        self.secrets.append(made.stdout.decode().split()[1])
        self.secrets.append(self.postgres.password)
        for name, values in self.given().items():
            self.cluster.secret(name, **values)
        self.install()

    def given(self) -> dict[str, dict[str, str]]:
        """The Secrets that OHE has, with the keys that it gives them."""
        return {
            "automation-service-key": {"automation-service-key": "service-key"},
            "jwt-secret": {"jwt-secret": "jwt-secret-of-the-tests"},
            "postgres-password": {"password": self.postgres.password, "postgres-password": self.postgres.password},
            "ohdc-keycloak-client": {"client-id": "ohdc", "client-secret": "keycloak-secret"},
            "jira-dc-app": {
                "base-url": self.jira_url,
                "client-id": "ohdc-client",
                "client-secret": "ohdc-client-secret",
                "service-account-email": "openhands@example.com",
                "service-account-pat": "bot-pat",
            },
            "bitbucket-data-center-app": {
                "host": self.bitbucket_url,
                "client-id": "bitbucket-client",
                "client-secret": "bitbucket-secret",
                "bot-token": "bot-token",
            },
        }

    def manifests(self, **change: Any) -> list[dict[str, Any]]:
        """The chart rendered with this installation's values and a change."""
        return render(merge(self.values, change), self.folder)

    def install(self, wait: float = 90, **change: Any) -> None:
        """Install, or upgrade to other values, as `helm --wait` does."""
        self.cluster.apply(self.manifests(**change))
        if wait:
            self.cluster.wait(wait)

    def start(self, *names: str) -> None:
        """Pods run already; the front door must know them."""
        wait_until(self.is_open, 20, "the front door leads to the services")

    def is_open(self) -> bool:
        """Whether each service answers through the router."""
        paths = ("/integration/dc/link", "/integration/dc/health", "/integration/jira-dc/connections/1/events")
        answers = [requests.get(f"http://{WEB_HOST}{path}", timeout=5).status_code for path in paths]
        return not {404, 502, 503} & set(answers)

    def stop(self) -> None:
        """Drain everything; no pod may have been restarted, ended badly or printed a secret."""
        self.cluster.stop()
        self.sims.stop()
        self.postgres.drop_database(self.name)
        for pod in self.cluster.all_pods():
            # a JVM says 143 when SIGTERM ended it in order
            wanted = [143] if pod.labels.get(COMPONENT) == "kafka" else [0]
            assert pod.statuses == wanted, f"exit statuses {pod.statuses}: {pod.describe()}"
            assert pod.restarts == 0, pod.describe()
            for log in pod.folder.glob("*.log"):
                # names of files are no secrets, though some of the tests' secrets look like them
                text = re.sub(r"/etc/ohdc/[a-z/-]+", "", log.read_text(errors="replace"))
                assert not [secret for secret in self.secrets if secret in text], f"a secret is in {log}"

    # --- acting and looking -------------------------------------------------------------------------

    def front(self, service: str) -> str:
        """Everything comes through the front door."""
        return f"http://{self.web_host}"

    def ohdc_run(
        self, *args: str, text: str | bytes | None = None, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """`kubectl exec deploy/…-dispatcher -- ohdc …`."""
        pods = [pod for pod in self.cluster.pods("dispatcher") if pod.ready]
        given = text.encode() if isinstance(text, str) else text or b""
        done = pods[0].execute("/usr/local/bin/ohdc", *args, env={"OHDC_OPERATOR": "e2e"} | (env or {}), given=given)
        return subprocess.CompletedProcess(args, done.returncode, done.stdout, done.stderr)

    def connect(self, provider: str, *args: str) -> Connection:
        """Add a connection."""
        made = self.ohdc_json("connections", "add", provider, *args)
        self.secrets.append(made["webhook_secret"])
        path = made["events_url"].split(self.web_host, 1)[1]
        return Connection(made["connection"], made["id"], made["webhook_secret"], path, provider)

    @staticmethod
    def metrics_of(pod: Pod) -> dict[str, float]:
        """Metrics of a pod, by name with labels."""
        text = requests.get(f"http://{pod.port.address}:{pod.port_of('admin')}/metrics", timeout=5).text
        lines = [line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, _, value in lines}
