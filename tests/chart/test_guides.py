"""The docs speak of values that there are, and what they say to write into values.yaml is taken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.chart.helm import HOST, ROOT, default_values, nested, refusal, render

DOCS = ("install", "scale", "upgrade", "uninstall")
INSTALL = (ROOT / "docs/install.md").read_text()
SNIPPETS = [s for s in re.findall(r"```yaml\n(.*?)```", INSTALL, re.DOTALL) if "values of OHE's chart" not in s]


@pytest.mark.parametrize("snippet", SNIPPETS, ids=[text.splitlines()[-1].strip()[:40] for text in SNIPPETS])
def test_snippets_are_taken(snippet: str) -> None:
    """Each alone, with a host."""
    values = yaml.safe_load(snippet)
    values["openhands"] = nested(HOST)["openhands"] | values.get("openhands", {})
    assert len(render(values).of("Deployment")) == 4


def named() -> Iterator[tuple[str, str]]:
    """(document, dotted value) of every value that is named; not those of OHE's chart, in a first column."""
    known = default_values()
    for doc in DOCS:
        text = (ROOT / f"docs/{doc}.md").read_text()
        before, _, after = text.partition("\n## Names that differ")
        rows, end, rest = after.partition("\n## ")
        text = before + re.sub(r"(?m)^\|[^|]*\|", "|", rows) + end + rest
        for name in re.findall(r"`([A-Za-z]+(?:\.[A-Za-z]+)+)[:`]", text):
            if name.split(".")[0] in known and not name.endswith((".md", ".yaml")):
                yield doc, name


@pytest.mark.parametrize(("doc", "name"), sorted(set(named())))
def test_named_values_are_there(doc: str, name: str) -> None:
    """A reader may copy the name."""
    place: Any = default_values()
    for key in name.split("."):
        assert isinstance(place, dict) and key in place, f"docs/{doc}.md: {name}"
        place = place[key]


@pytest.mark.parametrize("name", ["ingress.host", "database.secretName", "caBundle.path"])
def test_names_of_others_are_refused(name: str) -> None:
    """Names of OHE's chart that differ here are not passed over in silence."""
    assert f"additional properties '{name.split('.')[1]}' not allowed" in refusal({name: "x"})
