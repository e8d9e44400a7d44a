"""Canaries: a PAT and tokens that passed through are in no memory, log, store or core file afterwards."""

from __future__ import annotations

import os
import resource
import secrets
import signal
import threading
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.connect.browser import Page
from tests.connect.office import BITBUCKET_API, JIRA_API, PROVIDER, Office, open_office
from tests.e2e.stack import Program, Stack
from tests.e2e.waiting import wait_until

PATIENCE = 10
PAGE = resource.getpagesize()


@pytest.fixture(scope="module")
def opened(stack: Stack) -> Office:
    """People, and all four services."""
    office = open_office(stack)
    stack.start("dispatcher")
    return office


@pytest.fixture
def office(opened: Office) -> Iterator[Office]:
    """The office without a connection of Jira; peers as they were."""
    opened.forget()
    yield opened
    opened.stack.sims.jira.release()
    opened.stack.sims.jira.heal()


def canary(kind: str) -> str:
    """A text that is nowhere else."""
    return f"{kind}-canary-{secrets.token_urlsafe(24)}"


def regions(program: Program) -> Iterator[bytes]:
    """The memory of a running program, run by run of pages that are really there."""
    assert program.process is not None
    folder = Path(f"/proc/{program.process.pid}")
    with (folder / "mem").open("rb", 0) as memory, (folder / "pagemap").open("rb", 0) as pagemap:
        for line in (folder / "maps").read_text().splitlines():
            place, rights, *rest = line.split(None, 5)
            if "r" not in rights or rest[-1].startswith("[v"):
                continue
            start, end = (int(part, 16) // PAGE for part in place.split("-"))
            pagemap.seek(start * 8)
            entries = memoryview(pagemap.read((end - start) * 8)).cast("Q")
            # present or swapped out
            for there, run in groupby(enumerate(entries, start), lambda entry: entry[1] >> 62 != 0):
                pages = [page for page, _ in run]
                if there:
                    memory.seek(pages[0] * PAGE)
                    yield memory.read(len(pages) * PAGE)


def in_memory(office: Office, *texts: str) -> list[str]:
    """What is in the memory of which service."""
    found = []
    for program in office.stack.programs.values():
        if program.process is None or program.process.poll() is not None:
            continue
        try:
            for region in regions(program):
                found += [f"{program.name}: {text[:12]}" for text in texts if text.encode() in region]
        except PermissionError:
            pytest.skip("the memory of services can be read by root alone")
    return found


def on_disk(office: Office, *texts: str) -> list[str]:
    """What is in which file: logs, Kafka's and PostgreSQL's data, core files."""
    office.sql("checkpoint")
    found = []
    for folder in (office.stack.folder, office.stack.kafka.dir, office.stack.postgres.dir):
        # the simulators' own log is not ours
        for path in (p for p in folder.rglob("*") if p.is_file() and p.name != "sims.log"):
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                continue
            found += [f"{path}: {text[:12]}" for text in texts if text.encode() in data]
    return found


def assert_gone(office: Office, *texts: str) -> None:
    """Nowhere, as soon as the last answers are sent."""
    wait_until(lambda: in_memory(office, *texts) == [], PATIENCE, "nothing in memory")
    assert on_disk(office, *texts) == []


def connect(office: Office, pat: str, who: str = "olga") -> requests.Response:
    """Automatic setup with a PAT for once."""
    body = {
        "workspace_name": office.host,
        "svc_acc_email": "openhands@example.com",
        "svc_acc_api_key": "bot-pat",
        "admin_api_key": pat,
        "is_active": True,
    }
    return office.call(who, "POST", f"{JIRA_API}/workspaces", body)


def jira_admin(office: Office, **more: Any) -> str:
    """The PAT of another administrator of Jira."""
    pat = canary("pat")
    office.stack.sims.jira.add_user(name=f"root-{secrets.token_hex(4)}", token=pat, **{"admin": True} | more)
    return pat


def test_the_search_finds_what_is_there(office: Office) -> None:
    """What services have in their environment, and what is public in the stores."""
    found = in_memory(office, "jwt-secret-of-the-tests")
    assert {text.partition(":")[0] for text in found} == {"linker", "installer", "dispatcher"}
    office.set_up()
    stack = office.stack
    places = " ".join(on_disk(office, "openhands@example.com", f"{stack.prefix}webhook"))
    assert str(stack.postgres.dir) in places
    assert str(stack.kafka.dir) in places


def test_a_pat_is_gone_after_setup(office: Office) -> None:
    """Accepted, for the hook's first installation and for its repair; with it the admin's session."""
    pat = jira_admin(office)
    for _ in range(2):
        answer = connect(office, pat)
        assert answer.status_code == 200, answer.text
    assert_gone(office, pat, office.sessions["olga"])


def test_a_pat_is_gone_after_a_refusal(office: Office) -> None:
    """Unknown to Jira, without the right, from somebody who may not, in a body that is no JSON or too long."""
    unknown, plain, ours = canary("pat"), jira_admin(office, admin=False), canary("pat")
    assert connect(office, unknown).status_code == 400
    assert connect(office, plain).status_code == 400
    assert connect(office, ours, who="mia").status_code == 403
    url = f"http://127.0.0.1:{office.stack.programs['installer'].http}{JIRA_API}/workspaces"
    named = {"Cookie": f"keycloak_auth={office.sessions['olga']}"}
    assert requests.post(url, data=f'{{"admin_api_key":"{ours}"', headers=named, timeout=20).status_code == 422
    assert requests.post(url, data=f"{ours}{'x' * 70000}", headers=named, timeout=20).status_code == 413
    assert requests.put(f"{url}?pat={ours}", data=ours, headers=named, timeout=20).status_code == 405
    assert_gone(office, unknown, plain, ours)


def test_a_pat_is_gone_after_a_failure(office: Office) -> None:
    """Jira fails in the middle, and does not answer in time."""
    pats = [jira_admin(office), jira_admin(office)]
    office.stack.sims.jira.fault(match="webhooks", status=500, body="down", times=-1)
    connect(office, pats[0])
    assert office.stack.sims.jira.fault_hits() == [1]
    office.stack.sims.jira.heal()
    office.stack.sims.jira.hold(match="webhooks", times=-1)
    connect(office, pats[1])
    assert office.stack.sims.jira.release() == 1
    assert {bool(row["hook_error"]) for row in office.connections()} == {True}
    assert_gone(office, *pats)


def test_a_pat_is_gone_after_a_crash(office: Office) -> None:
    """It is in memory while Jira is asked; the program dies there and leaves nothing, also no core file."""
    pat = jira_admin(office)
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    installer = office.stack.programs["installer"]
    installer.stop()
    usual = installer.env["JIRA_DC_HTTP_TIMEOUT"]
    installer.env["JIRA_DC_HTTP_TIMEOUT"] = "60"
    installer.start()
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
    office.stack.sims.jira.hold(match="webhooks")

    def ask() -> None:
        with pytest.raises(requests.RequestException):
            connect(office, pat)

    asking = threading.Thread(target=ask)
    asking.start()
    wait_until(lambda: office.stack.sims.jira.held() == 1, 20, "Jira is being asked")
    assert in_memory(office, pat) != []
    assert installer.process is not None
    os.kill(installer.process.pid, signal.SIGABRT)
    _, status = os.waitpid(installer.process.pid, 0)
    installer.process.returncode = os.waitstatus_to_exitcode(status)
    asking.join()
    assert installer.process.returncode == -signal.SIGABRT
    assert not os.WCOREDUMP(status)
    assert_gone(office, pat)
    installer.env["JIRA_DC_HTTP_TIMEOUT"] = usual
    installer.start()
    assert_gone(office, pat)


def test_what_forms_carry_is_gone(office: Office) -> None:
    """Our own pages: a PAT that is refused and shown an error for, one that works, Bitbucket tokens given for once."""
    pats, tokens = [canary("pat"), jira_admin(office)], [canary("token"), canary("token")]
    browser = office.browser("olga")
    for pat in pats:
        form = Page(browser.open("/integration/dc/jira")).form("/integration/dc/jira")
        answer = browser.submit(form, admin_pat=pat, mode="auto", email="openhands@example.com", pat="bot-pat")
        assert answer.headers["Content-Type"].startswith("text/html")
        assert pat not in answer.text
    assert len(office.connections()) == 1
    office.stack.sims.bitbucket.add_user(name="max", token=tokens[0])
    visitor = office.browser("max")
    for path, token in (("/install", tokens[1]), ("/list", tokens[0])):
        form = Page(visitor.open("/integration/dc/repositories")).form(f"/repositories{path}")
        answer = visitor.submit(form, bitbucket_token=token, repository="PROJ/nowhere")
        assert token not in answer.text
    assert_gone(office, *pats, *tokens)


def test_tokens_are_gone_after_linking(office: Office) -> None:
    """Code, state and both tokens of Jira's OAuth; the session of the person."""
    office.set_up()
    browser = office.browser("mia")
    made = browser.call("POST", f"{JIRA_API}/workspaces/link", {"workspace_name": office.host})
    url = browser.jira(made.json()["authorizationUrl"], "mia")
    page = browser.arrive(url)
    assert browser.submit(Page(page).form("/confirm")).status_code == 302
    assert office.links("mia")[0]["status"] == "active"
    (tokens,) = office.stack.sims.jira.oauth_tokens(user="mia")
    query = parse_qs(urlsplit(url).query)
    kept = [query["code"][0], query["state"][0], tokens["access"], tokens["refresh"]]
    assert_gone(office, *kept, office.sessions["mia"])


def test_tokens_of_bitbucket_are_gone_after_installing(office: Office) -> None:
    """The one that OpenHands keeps for a person, and one that is given for once."""
    sims, tokens = office.stack.sims, [canary("token"), canary("token")]
    for name, token in zip(("olga", "adam"), tokens, strict=True):
        sims.bitbucket.add_user(name=name, token=token)
    sims.ohe.set_provider_token(identity=office.ids["olga"], provider=PROVIDER, token=tokens[0])
    repo = {"project_key": "PROJ", "repo_slug": "canary"}
    rights = {"olga": "REPO_ADMIN", "adam": "REPO_ADMIN", "openhands": "REPO_WRITE"}
    sims.bitbucket.add_repo(key="PROJ", slug="canary", rights=rights)
    for who, named in (("olga", {}), ("adam", {"X_Bitbucket_Token": tokens[1]})):
        for _ in range(2):
            answer = office.call(who, "GET", f"{BITBUCKET_API}/resources", **named)
            assert answer.status_code == 200, answer.text
            body = {"resource": repo}
            answer = office.call(who, "POST", f"{BITBUCKET_API}/reinstall-webhook", body, **named)
            assert answer.status_code == 200 and answer.json()["success"], answer.text
    assert_gone(office, *tokens)
