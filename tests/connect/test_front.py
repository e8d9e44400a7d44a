"""What linker and installer serve at all, and how they stop while people wait."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.connect.office import BITBUCKET_API, JIRA_API, Office, open_office
from tests.e2e.stack import Stack
from tests.e2e.waiting import wait_until

JIRA_PATHS = [
    ("installer", "GET", f"{JIRA_API}/workspaces/status"),
    ("installer", "POST", f"{JIRA_API}/workspaces"),
    ("installer", "POST", f"{JIRA_API}/workspaces/unlink"),
    ("linker", "GET", f"{JIRA_API}/workspaces/link"),
    ("linker", "GET", f"{JIRA_API}/callback"),
]
BITBUCKET_PATHS = [
    ("installer", "GET", f"{BITBUCKET_API}/resources"),
    ("installer", "POST", f"{BITBUCKET_API}/reinstall-webhook"),
    ("linker", "GET", "/bitbucket-dc-proxy/oauth2/userinfo"),
]


@pytest.fixture(scope="module")
def opened(stack: Stack) -> Office:
    """People."""
    return open_office(stack)


@pytest.fixture
def office(opened: Office) -> Iterator[Office]:
    """The office; nothing at Jira is held afterwards."""
    yield opened
    opened.stack.sims.jira.release()


def ask(office: Office, service: str, method: str, path: str, **more: Any) -> requests.Response:
    """A request without credentials, past the front."""
    url = f"http://127.0.0.1:{office.stack.programs[service].http}{path}"
    return requests.request(method, url, timeout=30, **more)


@pytest.mark.parametrize(
    ("setting", "off", "paths", "others"),
    [
        ("ENABLE_JIRA_DC", "0", JIRA_PATHS, BITBUCKET_PATHS),
        ("BITBUCKET_DATA_CENTER_HOST", "", BITBUCKET_PATHS, JIRA_PATHS),
    ],
)
def test_a_product_that_is_off_has_no_paths(
    office: Office, setting: str, off: str, paths: list[Any], others: list[Any]
) -> None:
    """404 as for any unknown path; the other product's paths and the pages stay."""
    with office.variant("installer", **{setting: off}), office.variant("linker", **{setting: off}):
        for service, method, path in paths:
            answer = ask(office, service, method, path)
            assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"}), path
        for service, method, path in others:
            assert ask(office, service, method, path).status_code != 404, path
        assert ask(office, "installer", "GET", "/integration/dc").status_code != 404
    for service, method, path in paths:
        assert ask(office, service, method, path).status_code != 404, path


def test_every_answer_is_kept_by_nobody(office: Office) -> None:
    """The headers of API answers, refusals included; nothing is known without credentials."""
    for service, method, path in JIRA_PATHS[:4]:
        answer = ask(office, service, method, path)
        assert (answer.status_code, answer.json()) == (401, {"error": "NoCredentialsError"}), path
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_what_is_no_request_is_refused(office: Office) -> None:
    """Wrong method, body too long, wrong escape: before anybody is asked who calls."""
    path = f"{JIRA_API}/workspaces"
    answer = ask(office, "installer", "PUT", path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert ask(office, "installer", "POST", path, data=b"x" * 70000).status_code == 413
    raw = http.client.HTTPConnection("127.0.0.1", office.stack.programs["installer"].http, timeout=30)
    raw.request("GET", f"{path}/validate/a%2")
    refused = raw.getresponse()
    assert (refused.status, refused.read()) == (400, b'{"detail":"The request has a wrong percent escape"}')


def test_a_stop_waits_for_those_who_wait(office: Office) -> None:
    """Jira is being asked when the installer is told to stop: the answer still comes, then it is gone."""
    installer, answers = office.stack.programs["installer"], []
    office.stack.sims.jira.hold(match="myself|serverInfo")

    def save() -> None:
        body = {
            "workspace_name": office.host,
            "svc_acc_email": "openhands@example.com",
            "svc_acc_api_key": "bot-pat",
            "admin_api_key": "admin-pat",
            "is_active": True,
        }
        answers.append(office.call("olga", "POST", f"{JIRA_API}/workspaces", body))

    waiting = threading.Thread(target=save)
    waiting.start()
    wait_until(lambda: office.stack.sims.jira.held() == 1, 20, "Jira is being asked")
    installer.ask_to_stop()
    wait_until(lambda: not installer.ready(), 10, "the installer is not ready any more")
    office.stack.sims.jira.release()
    waiting.join()
    assert [answer.status_code for answer in answers] == [200], answers[0].text
    assert installer.process is not None and installer.process.wait(30) == 0
    installer.start()
