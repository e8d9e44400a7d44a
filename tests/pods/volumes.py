"""Volumes as the kubelet lays them out: Secrets and ConfigMaps behind a `..data` link that is swapped at once."""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path
from typing import Any

NUMBERS = itertools.count(1)
MODE = 0o644


class Projection:
    """A folder of files that change together."""

    def __init__(self, folder: Path, group: int) -> None:
        self.folder, self.group = folder, group
        folder.mkdir(parents=True)
        os.chown(folder, 0, group)

    def write(self, files: dict[str, tuple[bytes, int]]) -> None:
        """New contents (path: bytes, mode): written aside, then one rename makes them current."""
        made = self.folder / f"..2026_01_01_00_00_00.{next(NUMBERS)}"
        made.mkdir(mode=0o755)
        for path, (content, mode) in files.items():
            file = made / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            os.chown(file, 0, self.group)
            # with an fsGroup the kubelet lets the group read what the owner may
            file.chmod(mode | (0o440 if self.group else 0))
        data, fresh = self.folder / "..data", self.folder / "..data_tmp"
        old = self.folder / os.readlink(data) if data.is_symlink() else None
        fresh.symlink_to(made.name)
        fresh.rename(data)
        wanted = {path.split("/")[0] for path in files}
        for name in wanted:
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(f"..data/{name}")
        for entry in self.folder.iterdir():
            if entry.is_symlink() and not entry.name.startswith("..") and entry.name not in wanted:
                entry.unlink()
        if old:
            shutil.rmtree(old)


class Volumes:
    """The volumes of one pod; `refresh` brings changed Secrets and ConfigMaps into them."""

    def __init__(self, store: Any, folder: Path, spec: dict[str, Any], claims: Path) -> None:
        self.store, self.folder = store, folder
        self.group = int(spec.get("securityContext", {}).get("fsGroup", 0))
        self.volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
        self.projections: dict[str, Projection] = {}
        self.paths = {name: self._make(name, volume, claims) for name, volume in self.volumes.items()}

    def _make(self, name: str, volume: dict[str, Any], claims: Path) -> Path:
        path = self.folder / name
        if "emptyDir" in volume or "persistentVolumeClaim" in volume:
            claim = volume.get("persistentVolumeClaim", {}).get("claimName")
            path = claims / claim if claim else path
            path.mkdir(parents=True, exist_ok=True)
            os.chown(path, 0, self.group)
            path.chmod(0o2777 if self.group else 0o777)
            return path
        self.projections[name] = Projection(path, self.group)
        self.projections[name].write(self._files(volume))
        return path

    def refresh(self) -> None:
        """As the kubelet's sync does."""
        for name, projection in self.projections.items():
            projection.write(self._files(self.volumes[name]))

    def _files(self, volume: dict[str, Any]) -> dict[str, tuple[bytes, int]]:
        if "projected" in volume:
            mode = volume["projected"].get("defaultMode", MODE)
            return {k: v for source in volume["projected"]["sources"] for k, v in self._source(source, mode).items()}
        return self._source(volume, MODE)

    def _source(self, source: dict[str, Any], mode: int) -> dict[str, tuple[bytes, int]]:
        kind = "secret" if "secret" in source else "configMap"
        assert kind in source, f"volume of a kind these tests do not know: {source}"
        part = source[kind]
        name = part.get("secretName") or part["name"]
        mode = part.get("defaultMode", mode)
        data = self.store.find("Secret" if kind == "secret" else "ConfigMap", name)
        if data is None:
            assert part.get("optional"), f'MountVolume.SetUp failed: {kind} "{name}" not found'
            return {}
        items = part.get("items")
        if items is None:
            return {key: (value, mode) for key, value in data.items()}
        missing = [item["key"] for item in items if item["key"] not in data]
        assert not missing or part.get("optional"), f'references non-existent key of {kind} "{name}": {missing}'
        return {i["path"]: (data[i["key"]], i.get("mode", mode)) for i in items if i["key"] in data}
