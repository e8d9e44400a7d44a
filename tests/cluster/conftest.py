"""Fixtures: one control plane with two fake nodes for the run, a namespace of its own for each test, both Helms."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.api import Api, Object, until
from tests.cluster.charts import ROOT, Helm, Place, next_chart
from tests.cluster.nodes import Nodes, wait_nodes_ready
from tests.cluster.plane import ControlPlane, run
from tests.run.servers import scratch_dir

MAJORS = (3, 4)
FIGURES = pytest.StashKey[list[tuple[str, float]]]()
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CUSTOM = ("keda", "gateway", "monitoring")


def pytest_configure(config: pytest.Config) -> None:
    """Where figures are kept until the summary."""
    config.stash[FIGURES] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The seconds that tests have measured: API, chart and Helm only, since the nodes run nothing."""
    for what, seconds in config.stash[FIGURES]:
        terminalreporter.write_line(f"{seconds:6.1f} s  {what}")


def tool_folder(script: str) -> Path:
    """Where a deps script has put what it made."""
    done = subprocess.run([ROOT / "tools" / script, "--where"], check=True, capture_output=True, text=True)
    return Path(done.stdout.strip())


@pytest.fixture(scope="session")
def run_dir() -> Iterator[Path]:
    """Folder of this run."""
    folder = scratch_dir("cluster")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def tools() -> Path:
    """What tools/deps-prove has built."""
    folder = tool_folder("deps-prove")
    assert (folder / "complete").exists(), "not built: run 'make deps-prove'"
    return folder


@pytest.fixture(scope="session")
def helms(tools: Path, run_dir: Path) -> dict[int, Helm]:
    """Both Helms, each with a home of its own."""
    programs = {3: tool_folder("deps-chart") / "bin" / "helm", 4: tools / "bin" / "helm4"}
    found = {major: Helm(major, program, run_dir / f"helm{major}") for major, program in programs.items()}
    for major, helm in found.items():
        assert helm.run("version", "--template", "{{.Version}}").startswith(f"v{major}.")
    return found


@pytest.fixture(params=MAJORS, ids=[f"helm{major}" for major in MAJORS])
def helm(request: pytest.FixtureRequest, helms: dict[int, Helm]) -> Helm:
    """Each Helm in turn."""
    return helms[request.param]


@pytest.fixture(scope="session")
def plane(tools: Path, run_dir: Path) -> Iterator[ControlPlane]:
    """A running control plane."""
    made = ControlPlane(tools / "bin", run_dir / "plane")
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def api(plane: ControlPlane) -> Api:
    """The API, as admin."""
    identity = (plane.ca.path("admin.crt"), plane.ca.path("admin.key"))
    return Api(plane.url, identity, plane.ca.path("ca.crt"))


@pytest.fixture(scope="session")
def nodes(api: Api) -> Iterator[Nodes]:
    """Two nodes that run nothing."""
    made = Nodes(api)
    made.start()
    wait_nodes_ready(api, made.names)
    yield made
    made.stop()


@pytest.fixture(scope="session")
def kubectl(plane: ControlPlane, tools: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """kubectl as admin; the caller looks at its result."""
    kubeconfig = plane.ca.kubeconfig("admin", plane.url)

    def call(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        command = [tools / "bin" / "kubectl", "--kubeconfig", kubeconfig, *arguments]
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=120)

    return call


@pytest.fixture(scope="session")
def strimzi() -> Path | None:
    """The folder of Strimzi's CRDs; None where no Java is new enough to make them."""
    folder = tool_folder("deps-strimzi")
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def custom_kinds(plane: ControlPlane, api: Api, tools: Path, strimzi: Path | None, run_dir: Path) -> None:
    """The CRDs of KEDA, Gateway API, prometheus-operator and Strimzi, accepted and served."""
    kubectl = [tools / "bin" / "kubectl", "--kubeconfig", plane.ca.kubeconfig("admin", plane.url)]
    if strimzi is None:
        strimzi = run_dir / "strimzi"
        strimzi.mkdir()
        for kind in ("KafkaTopic", "KafkaUser"):
            (strimzi / f"{kind}.yaml").write_text(json.dumps(stand_in("kafka.strimzi.io", kind)))
    for folder in (*(tools / "crds" / name for name in CUSTOM), strimzi):
        run(*kubectl, "apply", "--server-side", "-f", folder)
    for crd in api.items(CRDS):
        spec = crd["spec"]
        for version in (item["name"] for item in spec["versions"] if item["served"]):
            path = f"/apis/{spec['group']}/{version}/{spec['names']['plural']}"
            until(lambda path=path: api.call("GET", path).ok, f"{path} is served")


def stand_in(group: str, kind: str) -> Object:
    """A CRD that takes any spec: only its name is real."""
    plural = kind.lower() + "s"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": kind, "plural": plural, "singular": kind.lower()}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


@pytest.fixture(scope="session")
def newer(run_dir: Path) -> Path:
    """The chart, one version later."""
    return next_chart(run_dir)


@pytest.fixture(scope="session")
def _names() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def make_place(plane: ControlPlane, api: Api, nodes: Nodes, _names: Iterator[int]) -> Iterator[Callable[..., Place]]:
    """Makes namespaces with OHE's Secrets; deletes them in the end."""
    made: list[Place] = []

    def make(secrets: dict[str, tuple[str, ...]] | None = None) -> Place:
        made.append(Place(plane, api, f"test-{next(_names)}", secrets))
        return made[-1]

    yield make
    if nodes.failure:
        raise RuntimeError("the nodes have died") from nodes.failure
    for place in made:
        place.remove()


@pytest.fixture
def place(make_place: Callable[..., Place]) -> Place:
    """A namespace with OHE's Secrets."""
    return make_place()


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Callable[[str, float], None]:
    """Keeps a figure for the summary."""
    return lambda what, seconds: request.config.stash[FIGURES].append((what, seconds))
