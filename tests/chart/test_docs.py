"""What the guides for operators say, against the chart and the programs: names, metrics, numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.chart.helm import CHART, RELEASE, ROOT, SERVICES, default_values, render

GUIDES = ["README.md", "docs/install.md", "docs/scale.md", "docs/upgrade.md", "docs/uninstall.md", "docs/topics.md",
          "docs/runbooks/replay.md", "ARCHITECTURE.md"]


def source(*folders: str) -> str:
    """All C below folders."""
    return "".join(path.read_text() for folder in folders for path in sorted((ROOT / folder).rglob("*.c")))


@pytest.mark.parametrize("guide", GUIDES)
def test_metrics_are_there(guide: str) -> None:
    """Each metric that a guide names is one that a program has."""
    code = source("services", "common")
    named = set(re.findall(r"`(ohdc_[a-z_]+)[`{]", (ROOT / guide).read_text()))
    assert [metric for metric in sorted(named) if f'"{metric}"' not in code] == []


@pytest.mark.parametrize("guide", GUIDES)
def test_objects_are_there(guide: str) -> None:
    """Each object that a command names is rendered by one of the modes."""
    scaled = {"linker.autoscaling.enabled": True, "dispatcher.autoscaling.enabled": True}
    known = {(o["kind"].lower(), o["metadata"]["name"]) for o in render(scaled).objects}
    short = {"deploy": "deployment", "pvc": "persistentvolumeclaim"}
    text = (ROOT / guide).read_text()
    named = r"\b(deploy|deployment|pvc|scaledobject)[ /]([a-z0-9-]*(?:ohdc|openhands)[a-z0-9-]*)"
    for kind, name in re.findall(named, text):
        assert (short.get(kind, kind), name) in known, f"{guide}: {kind} {name}"
    for name in re.findall(rf"exec ({RELEASE}-[a-z]+)-0 ", text):
        assert ("statefulset", name) in known, f"{guide}: pod {name}-0"


def connections(service: str) -> int:
    """The most of one pod."""
    code = (ROOT / f"services/{service}/main.c").read_text()
    more = re.search(r"\.extra_connections = (\d+)", code)
    size: int = default_values()["database"]["poolSize"]
    return size + (int(more[1]) if more else 0)


def test_database_connections() -> None:
    """docs/scale.md says how many there may be; a DBA plans with it."""
    text = " ".join((ROOT / "docs/scale.md").read_text().split())
    each = {service: connections(service) for service in SERVICES}
    values = default_values()
    assert ", ".join(f"{service} {number}" for service, number in each.items()) in text
    assert f"may so have {sum(number * values[service]['replicas'] for service, number in each.items())}, " in text
    assert f"and {sum(each.values())} more while an upgrade" in text
    told = (CHART / "values.yaml").read_text()
    for service in ("linker", "dispatcher"):
        assert f"{service} {each[service] - values['database']['poolSize']}" in told


def test_links_lead_somewhere() -> None:
    """From one guide to another."""
    for guide in GUIDES:
        place = (ROOT / guide).parent
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / guide).read_text()):
            assert Path(place / link).exists(), f"{guide}: {link}"
