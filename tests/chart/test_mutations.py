"""A key of values.yaml that is written with one wrong character is refused, and so is a value of another type."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml

from tests.chart.helm import CHART, HOST, default_values, nested, template

Path = tuple[str, ...]
# Below these people choose the keys: labels, annotations.
CHOSEN = re.compile(r"(^|\.)(matchLabels|annotations)\.")


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every key, inner ones too."""
    for key, below in value.items():
        if not CHOSEN.search(".".join((*path, key))):
            yield (*path, key)
            if isinstance(below, dict):
                yield from paths(below, (*path, key))


PATHS = sorted(paths(default_values()))


def misspelt(key: str) -> list[str]:
    """The key with each character dropped, doubled, changed, in the other case, or swapped with the next."""
    found = set()
    for i, char in enumerate(key):
        before, after = key[:i], key[i + 1:]
        found |= {before + after, before + char + char + after, before + char.swapcase() + after,
                  before + ("x" if char != "x" else "y") + after}
        if after:
            found.add(before + after[0] + char + after[1:])
    return sorted(found - {key, ""})


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft7Validator:
    """values.schema.json."""
    return jsonschema.Draft7Validator(json.loads((CHART / "values.schema.json").read_text()))


def place_of(values: Any, path: Path) -> Any:
    """The map in which a key stands."""
    for key in path[:-1]:
        values = values[key]
    return values


def test_defaults_are_taken(validator: jsonschema.Draft7Validator) -> None:
    """values.yaml itself, and every profile over it, fit the schema."""
    validator.validate(default_values())
    for file in (CHART / "profiles").glob("*.yaml"):
        validator.validate(yaml.safe_load(file.read_text()))


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_misspelt_key(validator: jsonschema.Draft7Validator, path: Path) -> None:
    """Given alone, as with -f."""
    value = copy.deepcopy(place_of(default_values(), path)[path[-1]])
    siblings = set(place_of(default_values(), path))
    taken = []
    for key in misspelt(path[-1]):
        if key not in siblings:
            values = nested({".".join((*path[:-1], key)): value})
            taken += [key] if validator.is_valid(values) else []
    assert not taken, f"the schema takes {taken} for {path[-1]}"


@pytest.mark.parametrize("path", PATHS[::7], ids=".".join)
def test_misspelt_key_for_helm(path: Path) -> None:
    """The same by Helm itself, which names the place and the key; a sample."""
    value = place_of(default_values(), path)[path[-1]]
    key = path[-1] + path[-1][-1]
    values = nested(HOST)
    place = values
    for parent in path[:-1]:
        place = place.setdefault(parent, {})
    place[key] = value
    answer = template(json.dumps(values), None, ())
    assert answer.status != 0
    assert f"'{key}' not allowed" in answer.err, answer.err


OTHERS = {"str": [7, True, {"x": 1}], "bool": ["yes", 2, {}], "int": ["a few", -1, 1.5], "list": ["x", 3, {"x": 1}],
          "dict": ["x", 3, ["x"]]}


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_value_of_another_type(validator: jsonschema.Draft7Validator, path: Path) -> None:
    """A text where a number belongs, and so on."""
    value = place_of(default_values(), path)[path[-1]]
    # Kubernetes takes quantities as numbers too.
    others = [o for o in OTHERS[type(value).__name__] if not (o == 7 and "resources" in path)]
    taken = [o for o in others if validator.is_valid(nested({".".join(path): o}))]
    assert not taken, f"the schema takes {taken} for {'.'.join(path)}"
