"""Without Helm, as Argo CD works: render, apply, compare, again, remove."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest
import yaml

from tests.cluster.api import until
from tests.cluster.charts import BASE, Helm, Place, settings
from tests.cluster.test_life import all_settled, images
from tests.cluster.test_profiles import APIS

pytestmark = pytest.mark.usefixtures("custom_kinds")

Kubectl = Callable[..., subprocess.CompletedProcess[str]]
KINDS = [word for api in APIS for word in ("--api-versions", api)]


@pytest.mark.parametrize("way", [("--server-side",), ()], ids=["server-side", "client-side"])
def test_applied_twice_is_applied_once(
    place: Place, helms: dict[int, Helm], kubectl: Kubectl, way: tuple[str, ...]
) -> None:
    """What controllers and defaults add is no difference to what the chart says: nothing is ever 'out of sync'."""
    before = place.objects()

    def rendered(*values: str) -> str:
        return yaml.safe_dump_all(helms[4].render("--namespace", place.name, *KINDS, *settings([*BASE, *values])))

    def apply(text: str) -> str:
        done = kubectl("apply", *way, "-n", place.name, "-f", "-", text=text)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def difference(text: str) -> int:
        return kubectl("diff", *way, "-n", place.name, "-f", "-", text=text).returncode

    text = rendered()
    assert difference(text) == 1
    apply(text)
    until(lambda: all_settled(place), "all pods are ready")
    assert difference(text) == 0
    assert difference(rendered()) == 0, "rendered again"
    uids = {pod["metadata"]["uid"] for pod in place.pods()}
    apply(rendered())
    assert {pod["metadata"]["uid"] for pod in place.pods()} == uids

    other = rendered("image.tag=9.9.9")
    assert difference(other) == 1
    apply(other)
    until(lambda: all_settled(place), "all pods are replaced")
    assert all(image.endswith(":9.9.9") for image in images(place))

    done = kubectl("delete", "--wait=false", "-n", place.name, "-f", "-", text=other)
    assert done.returncode == 0, done.stderr
    place.holds_only(before)
