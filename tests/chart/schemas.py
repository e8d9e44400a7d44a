"""Kubernetes' API and the CRDs as strict schemas (tools/chart-schemas): no unknown field, no wrong type."""

from __future__ import annotations

import functools
import json
from typing import Any

import jsonschema

from tests.chart.helm import ROOT

FOLDER = ROOT / "build/chart-tools/schemas"
MINORS = sorted(p.stem for p in FOLDER.glob("*.json"))


@functools.cache
def _schemas(minor: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{minor}.json").read_text())


@functools.cache
def _validator(minor: str, kind: str) -> jsonschema.Draft202012Validator | None:
    schemas = _schemas(minor)
    if kind not in schemas["kinds"]:
        return None
    return jsonschema.Draft202012Validator(schemas["kinds"][kind] | {"definitions": schemas["definitions"]})


def is_known(minor: str, thing: dict[str, Any]) -> bool:
    """Whether there is a schema for an object's kind."""
    return _validator(minor, f"{thing['apiVersion']}/{thing['kind']}") is not None


def faults(minor: str, thing: dict[str, Any]) -> list[str]:
    """What is wrong with an object."""
    kind = f"{thing['apiVersion']}/{thing['kind']}"
    validator = _validator(minor, kind)
    if validator is None:
        return [f"{kind}: no such kind in Kubernetes {minor}"]
    name = thing["metadata"]["name"]
    return [f"{kind} {name}: {'.'.join(map(str, e.absolute_path))}: {e.message[:300]}" for e in
            validator.iter_errors(thing)]
