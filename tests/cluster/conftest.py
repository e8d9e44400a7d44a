"""Fixtures: one control plane with two fake nodes for the run, a namespace of its own for each test, both Helms."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.api import Api
from tests.cluster.charts import ROOT, Helm, Place, next_chart
from tests.cluster.nodes import Nodes, wait_nodes_ready
from tests.cluster.plane import ControlPlane, run
from tests.run.servers import scratch_dir

MAJORS = (3, 4)
CUSTOM = ("keda", "gateway", "monitoring")


def tool_folder(script: str) -> Path:
    """Where a deps script has put what it made."""
    done = subprocess.run([ROOT / "tools" / script, "--where"], check=True, capture_output=True, text=True)
    folder = Path(done.stdout.strip())
    assert folder.is_dir(), f"{folder} is not there: run tools/{script}"
    return folder


@pytest.fixture(scope="session")
def run_dir() -> Iterator[Path]:
    """Folder of this run."""
    folder = scratch_dir("cluster")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def tools() -> Path:
    """What tools/deps-prove has built."""
    return tool_folder("deps-prove")


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
def custom_kinds(plane: ControlPlane, tools: Path) -> None:
    """The CRDs of KEDA, Gateway API and prometheus-operator, accepted and served."""
    kubectl = [tools / "bin" / "kubectl", "--kubeconfig", plane.ca.kubeconfig("admin", plane.url)]
    for folder in CUSTOM:
        run(*kubectl, "apply", "--server-side", "-f", tools / "crds" / folder)
    run(*kubectl, "wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")


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
    assert nodes.failure is None
    for place in made:
        place.remove()


@pytest.fixture
def place(make_place: Callable[..., Place]) -> Place:
    """A namespace with OHE's Secrets."""
    return make_place()
