"""The programs judge what the chart sets: each setting is known to its reader, none is missing, each file is there."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.chart.helm import PROFILES, ROOT, SERVICES, Rendered, render

OHDC = ROOT / "build/bin/ohdc"
# Not in the table of settings: libcurl reads them.
PLAIN = {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}
# What OHE's Secrets hold, by key; every other key holds "secret".
KNOWN = {
    "base-url": "https://jira.example.com",
    "host": "bitbucket.example.com",
    "service-account-email": "openhands@example.com",
    "seal-keys": "k1 " + "5a" * 32 + "\n",
}


def readers() -> dict[str, set[str]]:
    """Programs that read each setting, by the table that `ohdc config docs` prints; a secret may be a file as well."""
    text = subprocess.run([OHDC, "config", "docs"], capture_output=True, text=True, check=True).stdout
    ret: dict[str, set[str]] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < 7 or not cells[1].startswith("`"):
            continue
        everybody = {"services": ", ".join(SERVICES), "all": ", ".join([*SERVICES, "ohdc"])}
        names = set(everybody.get(cells[2], cells[2]).split(", "))
        setting = cells[1].strip("`")
        ret.setdefault(setting, set()).update(names)
        if f"{setting}_FILE" in cells[4]:
            ret.setdefault(f"{setting}_FILE", set()).update(names)
    return ret


@dataclass
class Container:
    """One container as a folder: its mounts below `folder`, its environment with paths below it."""

    name: str
    folder: Path
    spec: dict[str, Any]
    pod: dict[str, Any]
    chart: Rendered
    env: dict[str, str] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)

    def build(self, without: tuple[str, ...] = ()) -> Container:
        """Write the files of all mounts, and resolve the environment; keys in `without` are in no Secret."""
        for mount in self.spec.get("volumeMounts", []):
            volume = next(each for each in self.pod["volumes"] if each["name"] == mount["name"])
            assert mount["readOnly"] is True
            for name, content in self.content(volume, without).items():
                path = Path(mount["mountPath"]) / name
                self.files.add(str(path))
                (self.folder / str(path)[1:]).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / str(path)[1:]).write_text(content)
        for each in self.spec["env"]:
            source = each.get("valueFrom", {}).get("secretKeyRef")
            if source and source["key"] in without:
                assert source.get("optional") is True
                continue
            value = KNOWN.get(source["key"], "secret") if source else each["value"]
            self.env[each["name"]] = value.replace("/etc/", f"{self.folder}/etc/")
        return self

    def content(self, volume: dict[str, Any], without: tuple[str, ...]) -> dict[str, str]:
        """Names and contents of a volume's files."""
        if "projected" in volume:
            return {k: v for each in volume["projected"]["sources"] for k, v in self.content(each, without).items()}
        if "configMap" in volume:
            source = volume["configMap"]
            return {item["path"]: self.text(source["name"], item["key"]) for item in source["items"]}
        return {
            item["path"]: KNOWN.get(item["key"], "secret")
            for item in volume["secret"]["items"]
            if item["key"] not in without
        }

    def text(self, name: str, key: str) -> str:
        """A ConfigMap's text: ours, or OHE's CA bundle."""
        found = [each for each in self.chart.of("ConfigMap") if each["metadata"]["name"] == name]
        return found[0]["data"][key] if found else Path("/etc/ssl/certs/ca-certificates.crt").read_text()

    def check(self, program: str) -> subprocess.CompletedProcess[str]:
        """`ohdc config check` with this environment and no other."""
        command = [OHDC, "config", "check", program]
        return subprocess.run(command, env=self.env, capture_output=True, text=True, check=False)


def containers(profile: str, folder: Path, values: dict[str, Any] | None = None) -> list[tuple[str, Container]]:
    """All containers of all Deployments, as (program, container)."""
    chart = render(values, profile)
    ret = []
    for deployment in chart.of("Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        for spec in pod["initContainers"] + pod["containers"]:
            program = spec["name"] if spec["name"] in SERVICES else "ohdc"
            place = folder / f"{deployment['metadata']['name']}-{spec['name']}"
            ret.append((program, Container(spec["name"], place, spec, pod, chart)))
    assert {program for program, _ in ret} == {*SERVICES, "ohdc"}
    return ret


@pytest.mark.parametrize("profile", PROFILES)
def test_settings_are_accepted_by_their_program(profile: str, tmp_path: Path) -> None:
    """None is missing, wrong or unknown."""
    for program, container in containers(profile, tmp_path):
        answer = container.build().check(program)
        assert (answer.returncode, answer.stderr) == (0, ""), (profile, container.name, answer.stderr)


@pytest.mark.parametrize("profile", PROFILES)
def test_settings_are_read_by_their_program(profile: str, tmp_path: Path) -> None:
    """What a program does not read is not given to it, least of all a secret."""
    known = readers()
    for program, container in containers(profile, tmp_path):
        given = {each["name"] for each in container.spec["env"]} - PLAIN
        assert {name for name in given if program not in known.get(name, set())} == set(), (profile, container.name)


@pytest.mark.parametrize("profile", PROFILES)
def test_each_file_is_mounted_and_each_mount_is_used(profile: str, tmp_path: Path) -> None:
    """Settings name files that are there; a Secret that no setting names is mounted nowhere."""
    for _, container in containers(profile, tmp_path):
        container.build()
        values = " ".join(each.get("value", "") for each in container.spec["env"])
        texts = "".join(path.read_text() for path in container.folder.glob("etc/ohdc/kafka-config/*"))
        for path in container.files:
            folder = str(Path(path).parent)
            assert path in values + texts or f"ROLE_PASSWORDS_DIR={folder}" in roles(container), (container.name, path)
        for each in container.spec["env"]:
            if each["name"].endswith("_FILE"):
                assert each["value"].lstrip("-") in container.files, (profile, container.name, each)


def roles(container: Container) -> str:
    """ROLE_PASSWORDS_DIR=folder, where it is set."""
    return "".join(f"ROLE_PASSWORDS_DIR={e['value']}" for e in container.spec["env"] if "PASSWORDS_DIR" in e["name"])


@pytest.mark.parametrize("without", ["bot-token", "client-secret", "service-account-pat", "base-url", "host"])
def test_a_key_that_ohe_does_not_have_keeps_no_program_from_its_settings(without: str, tmp_path: Path) -> None:
    """Only the Keycloak client's keys are needed in any mode."""
    for program, container in containers("single-vm", tmp_path, {"keycloak.client.secretKey": "other"}):
        answer = container.build((without,)).check(program)
        assert answer.returncode == 0, (container.name, answer.stderr)


def test_what_people_set_wins_and_appears_once(tmp_path: Path) -> None:
    """A service's own before that of all; NAME before the chart's NAME_FILE."""
    own = {"OHDC_WORKERS": 7, "OHDC_KEYCLOAK_CLIENT_SECRET": {"secretKeyRef": {"name": "own", "key": "own-key"}}}
    values = {"env": {"OHDC_WORKERS": 9, "OHDC_RETRY_HORIZON_S": 1000000}, "linker.env": own}
    found = {container.name: container.build() for _, container in containers("single-vm", tmp_path, values)}
    workers = {name: found[name].env["OHDC_WORKERS"] for name in ("linker", "dispatcher")}
    assert workers == {"linker": "7", "dispatcher": "9"}
    assert found["linker"].env["OHDC_RETRY_HORIZON_S"] == "1000000"
    assert found["linker"].env["OHDC_KEYCLOAK_CLIENT_SECRET"] == "secret"
    assert "OHDC_KEYCLOAK_CLIENT_SECRET_FILE" not in found["linker"].env
    for container in found.values():
        names = [each["name"] for each in container.spec["env"]]
        assert len(names) == len(set(names))
