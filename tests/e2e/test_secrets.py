"""Secrets as a cluster mounts them: directories whose content is swapped at once, under running services."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
from pathlib import Path

import pytest
import requests

from tests.e2e.signing import encode, headers, pull_body
from tests.e2e.stack import SERVICES, Connection, Stack
from tests.e2e.waiting import wait_until
from tests.e2e.world import World, make_world

LOOK_S = 20  # the services look every two seconds

FILES = {
    "openhands/key": "AUTOMATIONS_SERVICE_KEY",
    "openhands/jwt-secret": "JWT_SECRET",
    "jira/service-account-pat": "JIRA_DC_SERVICE_ACCOUNT_PAT",
    "jira/client-secret": "JIRA_DC_CLIENT_SECRET",
    "bitbucket/token": "BITBUCKET_DATA_CENTER_BOT_TOKEN",
    "keycloak/client-secret": "OHDC_KEYCLOAK_CLIENT_SECRET",
}


class Volume:
    """A Secret as kubelet lays it out: files are links into ..data, a link to a folder that is replaced as a whole."""

    numbers = itertools.count(1)

    def __init__(self, folder: Path, values: dict[str, str]) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.values: dict[str, str] = {}
        self.swap(values)

    def swap(self, values: dict[str, str]) -> None:
        """Another content, all files at the same moment."""
        fresh = self.folder / f"..2026_{next(self.numbers)}"
        fresh.mkdir()
        for name, value in values.items():
            (fresh / name).write_text(value)
        data, link = self.folder / "..data", self.folder / "..data_tmp"
        old = os.readlink(data) if data.is_symlink() else None
        link.symlink_to(fresh.name)
        os.replace(link, data)
        for name in values.keys() - self.values.keys():
            (self.folder / name).symlink_to(f"..data/{name}")
        for name in self.values.keys() - values.keys():
            (self.folder / name).unlink()
        if old:
            shutil.rmtree(self.folder / old)
        self.values = dict(values)

    def change(self, **more: str) -> None:
        """Other values of some files (- written as _)."""
        self.swap(self.values | {name.replace("_", "-"): value for name, value in more.items()})


@pytest.fixture(scope="module")
def volumes(stack: Stack) -> dict[str, Volume]:
    """One for each Secret; the settings lead to them."""
    values = stack.peers_env()
    given: dict[str, dict[str, str]] = {}
    for path, setting in FILES.items():
        folder, name = path.split("/")
        given.setdefault(folder, {})[name] = values[setting] + "\n"
    made = {folder: Volume(stack.folder / "secrets" / folder, files) for folder, files in given.items()}
    for path, setting in FILES.items():
        stack.settings |= {setting: "", f"{setting}_FILE": str(stack.folder / "secrets" / path)}
    return made


@pytest.fixture(scope="module")
def running(stack: Stack, volumes: dict[str, Volume]) -> World:
    """Everything started on those files, the sealing keys among them."""
    seal = volumes["seal"] = Volume(stack.folder / "secrets" / "seal", {"seal-keys": ""})
    stack.keys = seal.folder / "seal-keys"
    world = make_world(stack)
    seal.values["seal-keys"] = stack.keys.read_text()
    return world


def refused(world: World, service: str) -> set[str]:
    """Settings whose newest content a service does not use."""
    text = world.stack.programs[service].get("/metrics").text
    return set(re.findall(r'^ohdc_secret_refused\{name="(\w+)"\} 1$', text, re.MULTILINE))


def said(world: World, service: str, text: str) -> int:
    """How often a service has logged it."""
    return world.stack.programs[service].log.read_text().count(text)


def does_the_main_job(world: World) -> None:
    """An issue and a pull request, from the comment to the result."""
    number, _ = world.ask_pull("@openhands do it")
    issue, _ = world.ask_issue("@openhands do it")
    wait_until(lambda: len(world.pull_answers(number)) == 2, 60, "the pull request's result")
    wait_until(lambda: len(world.issue_answers(issue)) == 2, 60, "the issue's result")


def delivers(world: World, connection: Connection) -> int:
    """Status of one signed delivery."""
    body = encode(pull_body(world, "nothing to do"))
    url = world.stack.events_url(connection)
    return requests.post(url, data=body, headers=headers(connection, body), timeout=10).status_code


def test_changed_secrets_are_used(world: World, volumes: dict[str, Volume]) -> None:
    """All peers want other credentials from now on: no restart, nothing fails."""
    does_the_main_job(world)
    sims = world.stack.sims
    sims.jira.add_token(name="openhands", token="bot-pat-2")
    sims.bitbucket.add_token(name="openhands", token="bot-token-2")
    volumes["jira"].change(service_account_pat="bot-pat-2")
    volumes["bitbucket"].change(token="bot-token-2")
    volumes["keycloak"].change(client_secret="keycloak-secret-2")
    volumes["openhands"].change(key="service-key-2")
    sims.jira.revoke(token="bot-pat")
    sims.bitbucket.revoke(token="bot-token")
    sims.keycloak.add_client(name="ohdc", secret="keycloak-secret-2")
    sims.ohe.configure(service_key="service-key-2")
    world.stack.secrets += ["bot-pat-2", "bot-token-2", "keycloak-secret-2", "service-key-2"]
    does_the_main_job(world)
    for service in SERVICES:
        assert refused(world, service) == set()


def test_wrong_secrets_change_nothing(world: World, volumes: dict[str, Volume]) -> None:
    """Empty, two lines, a control character, gone: said once with its name, shown by the metric; the old one stays."""
    wrong = {
        "dispatcher": {
            "AUTOMATIONS_SERVICE_KEY": "an empty value",
            "JIRA_DC_SERVICE_ACCOUNT_PAT": "a control character",
            "BITBUCKET_DATA_CENTER_BOT_TOKEN": "a control character",
            "JWT_SECRET": "no such file",
        },
        "linker": {"JIRA_DC_SERVICE_ACCOUNT_PAT": "a control character", "JWT_SECRET": "no such file"},
        "installer": {"BITBUCKET_DATA_CENTER_BOT_TOKEN": "a control character", "JWT_SECRET": "no such file"},
    }
    kept = {name: dict(volume.values) for name, volume in volumes.items()}
    volumes["openhands"].swap({"key": "\n"})
    volumes["jira"].change(service_account_pat="two\nlines\n")
    volumes["bitbucket"].change(token="bell\a")
    for service, faults in wrong.items():
        wait_until(lambda s=service, f=faults: refused(world, s) >= f.keys(), LOOK_S, f"{service} refuses")
    does_the_main_job(world)
    for service, faults in wrong.items():
        for setting, fault in faults.items():
            log = world.stack.programs[service].log.read_text().splitlines()
            lines = [line for line in log if f'"{setting}"' in line and "cannot be used" in line]
            assert len(lines) == 1 and fault in lines[0], (service, setting, lines)
        assert not refused(world, service) - faults.keys() - {"JIRA_DC_SERVICE_ACCOUNT_PAT"}
    for name, values in kept.items():
        volumes[name].swap(values)
    for service in SERVICES:
        wait_until(lambda s=service: refused(world, s) == set(), LOOK_S, f"{service} is content")
    does_the_main_job(world)


def test_a_new_sealing_key(world: World, volumes: dict[str, Volume]) -> None:
    """In front of the list it seals within seconds, in every service; what the old one sealed opens as before."""
    stack, old = world.stack, volumes["seal"].values["seal-keys"]
    fresh = "k-fresh " + "6b" * 32 + "\n"
    stack.secrets.append("6b" * 32)
    stack.sims.bitbucket.add_repo(key="PROJ", slug="api", rights={"ana": "REPO_WRITE", "openhands": "REPO_WRITE"})
    volumes["seal"].swap({"seal-keys": fresh + old})
    for service in SERVICES:
        wait_until(lambda s=service: said(world, s, "changed sealing keys are in use"), LOOK_S, f"{service} has it")
    made = stack.connect("bitbucket", "--repo", "PROJ/api")
    kept = stack.rows(
        "select substr(secret_sealed, 3, 7) as key from connection where provider = 'bitbucket' and id = %s", made.id
    )
    assert kept[0]["key"] == b"k-fresh"
    body = encode(json.loads(encode(pull_body(world, "nothing to do")).replace(b'"web"', b'"api"')))
    assert delivers(world, world.bitbucket) == 200
    url = stack.events_url(made)
    answer = requests.post(url, data=body, headers=headers(made, body), timeout=10)
    assert answer.status_code == 200, answer.text
    assert said(world, "ingress", "cannot be opened") == 0
    assert stack.rows("select seal_key_id as key from installation")[0]["key"] == old.split()[0]
    does_the_main_job(world)


def test_wrong_sealing_keys_change_nothing(world: World, volumes: dict[str, Volume]) -> None:
    """A list without the database's key, a broken one, an empty one, a known name with another key."""
    kept = volumes["seal"].values["seal-keys"]
    for text, fault in (
        ("k-other " + "7c" * 32 + "\n", "lacks key"),
        ("k-short 00ff\n", "line 1: expected"),
        ("", "there is no key"),
        ("k-fresh " + "7d" * 32 + "\n" + kept.splitlines()[-1] + "\n", "is not the one it was"),
    ):
        volumes["seal"].swap({"seal-keys": text})
        for service in SERVICES:
            wait_until(lambda s=service, f=fault: said(world, s, f), LOOK_S, f"{service}: {fault}")
            assert "OHDC_SEAL_KEYS_FILE" in refused(world, service)
        assert delivers(world, world.bitbucket) == 200
        for service in SERVICES:
            assert said(world, service, fault) == 1
    volumes["seal"].swap({"seal-keys": kept})
    for service in SERVICES:
        wait_until(lambda s=service: refused(world, s) == set(), LOOK_S, f"{service} is content")
    does_the_main_job(world)
