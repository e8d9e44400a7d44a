"""README.md is what tools/chart-readme makes of values.yaml; the schema knows exactly the keys of values.yaml."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from tests.chart.helm import CHART, ROOT, default_values

TOOL = ROOT / "tools/chart-readme"


def test_readme_in_step() -> None:
    """`make chart-readme` would change nothing; it also refuses a key without a comment."""
    ran = subprocess.run([sys.executable, TOOL], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == (CHART / "README.md").read_text(), "run `make chart-readme`"


def keys(value: Any, path: str = "") -> Iterator[str]:
    """Dotted paths of all keys."""
    for key, below in value.items():
        yield f"{path}{key}"
        if isinstance(below, dict):
            yield from keys(below, f"{path}{key}.")


def schema_keys(schema: dict[str, Any], whole: dict[str, Any], path: str = "") -> Iterator[str]:
    """The same of a schema."""
    while "$ref" in schema:
        schema = whole["definitions"][schema["$ref"].rsplit("/", 1)[1]]
    for key, below in schema.get("properties", {}).items():
        yield f"{path}{key}"
        yield from schema_keys(below, whole, f"{path}{key}.")
    for part in schema.get("allOf", []):
        yield from schema_keys(part, whole, path)


# Parts of Kubernetes' own objects, and what Helm itself gives.
FOREIGN = re.compile(r"^global$|^probes\.|\.resources\.|Selector\.")


def test_schema_knows_no_other_keys() -> None:
    """Every key of the schema has a default and a comment in values.yaml."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    known = set(keys(default_values()))
    assert [k for k in schema_keys(schema, schema) if k not in known and not FOREIGN.search(k)] == []


def test_schema_is_closed() -> None:
    """No object of the schema takes any key, but for what goes on to Kubernetes, and Helm's global."""

    def open_places(part: Any, path: str) -> Iterator[str]:
        if isinstance(part, dict):
            if part.get("type") == "object" and part.get("additionalProperties", True) is True:
                yield path
            for key, below in part.items():
                yield from open_places(below, f"{path}.{key}")
        elif isinstance(part, list):
            for i, below in enumerate(part):
                yield from open_places(below, f"{path}.{i}")

    schema = json.loads((CHART / "values.schema.json").read_text())
    assert list(open_places(schema, "")) == [".properties.global", ".definitions.kubernetes"]
