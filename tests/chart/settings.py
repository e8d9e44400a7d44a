"""The programs' settings, as docs/config.md has them (the gate keeps it in step with the programs)."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from tests.chart.helm import ROOT, SERVICES

# Honoured by the HTTP client, not in the table.
PROXY = {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}


@dataclass(frozen=True)
class Setting:
    """A row of the table."""

    name: str
    readers: frozenset[str]
    required: frozenset[str]
    is_secret: bool


def _programs(text: str) -> frozenset[str]:
    words = {w.strip() for w in text.split(",")} - {"\N{EN DASH}"}
    if "all" in words:
        words |= {*SERVICES, "ohdc"}
    if "services" in words:
        words |= set(SERVICES)
    return frozenset(words - {"all", "services"})


@functools.cache
def settings() -> dict[str, Setting]:
    """All settings by name; a setting with several rows is read by all of their readers."""
    found: dict[str, Setting] = {}
    for line in (ROOT / "docs/config.md").read_text().splitlines():
        cells = [c.strip() for c in line.strip("|").split("|")]
        if not line.startswith("| `") or len(cells) < 6:
            continue
        name = cells[0].strip("`")
        row = Setting(name, _programs(cells[1]), _programs(cells[2]), cells[3].startswith("a secret"))
        if name in found:
            row = Setting(name, row.readers | found[name].readers, row.required | found[name].required, row.is_secret)
        found[name] = row
    assert len(found) > 50
    return found


def setting_of(variable: str) -> Setting | None:
    """The setting that an environment variable gives, itself or by a file."""
    rows = settings()
    if variable in rows:
        return rows[variable]
    row = rows.get(variable.removesuffix("_FILE"))
    return row if row and row.is_secret else None
