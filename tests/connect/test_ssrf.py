"""Typed hosts, names that change, peers that redirect: nothing forbidden is reached, no credential leaves."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.connect.office import JIRA_API, ORG, Office, open_office
from tests.connect.traps import OUTSIDE, Names, Outside, Trap, own_address, why_no_names, with_names
from tests.e2e.stack import Program, Stack
from tests.e2e.waiting import wait_until

CLUSTER = own_address()
SETTINGS = {
    "JIRA_DC_BASE_URL": "",
    "JIRA_DC_ENABLE_OAUTH": "0",
    "JIRA_DC_SERVICE_ACCOUNT_EMAIL": "",
    "JIRA_DC_SERVICE_ACCOUNT_PAT": "",
    "JIRA_DC_HTTP_TIMEOUT": "5",
    "OHDC_ALLOWED_NETWORKS": f"{OUTSIDE}/32",
    "OHDC_DENIED_NETWORKS": ",".join(["10.96.0.0/12", "fd00:10:96::/112", *([f"{CLUSTER}/32"] if CLUSTER else [])]),
    "KUBERNETES_SERVICE_HOST": "198.51.100.7",
}
SECRETS = ("typed-bot-pat", "typed-admin-pat", "bot-pat", "service-key", "jwt-secret")


@pytest.fixture(scope="module")
def server(run_dir: Path) -> Iterator[Outside]:
    """The server that may be reached."""
    folder = run_dir / "outside"
    folder.mkdir()
    made = Outside(folder, "outside.test", "*.rebind.test")
    yield made
    made.close()


@pytest.fixture(scope="module")
def office(server: Outside, stack: Stack) -> Office:
    """E-mail mode without a configured Jira: whoever may set up types the host. The server outside is trusted."""
    stack.settings = stack.settings | {"SSL_CERT_FILE": str(server.certificate)}
    made = open_office(stack)
    stack.secrets += ["typed-bot-pat", "typed-admin-pat"]
    return made


@pytest.fixture
def trap() -> Iterator[Trap]:
    """A listener that must stay alone."""
    made = Trap()
    yield made
    found = made.settled()
    made.close()
    assert found == []


@pytest.fixture
def beside(outside: Outside) -> Iterator[Trap]:
    """A trap on the port of the server outside, at our own addresses."""
    made = Trap(outside.port)
    yield made
    found = made.settled()
    made.close()
    assert found == []


@pytest.fixture
def outside(server: Outside) -> Outside:
    """It is honest, and nobody has asked it yet."""
    server.answer = honest
    server.requests.clear()
    return server


def honest(method: str, path: str) -> tuple[int, dict[str, str], Any]:
    """A Jira 10 whose tokens are all good."""
    answers: dict[str, Any] = {
        "/rest/api/2/serverInfo": {"version": "10.3.5", "versionNumbers": [10, 3, 5], "deploymentType": "Server"},
        "/rest/api/2/myself": {"key": "JIRAUSER9", "name": "bot", "emailAddress": "openhands@example.com"},
        "/rest/api/2/mypermissions": {"permissions": {"ADMINISTER": {"havePermission": True}}},
    }
    bare = path.partition("?")[0]
    if "jira-webhook" in bare:
        return (200, {}, []) if method == "GET" else (400, {}, {"errorMessages": ["not here"]})
    return (200, {}, answers[bare]) if bare in answers else (404, {}, {})


def typed(office: Office, host: str, **more: Any) -> requests.Response:
    """Automatic setup with a host, a bot's token and an admin's token."""
    body = {
        "workspace_name": host,
        "svc_acc_email": "openhands@example.com",
        "svc_acc_api_key": "typed-bot-pat",
        "admin_api_key": "typed-admin-pat",
        "is_active": True,
    } | more
    return office.call("olga", "POST", f"{JIRA_API}/workspaces", body)


def refused(answer: requests.Response) -> str:
    """A refusal in words, without a credential in it; its text."""
    said = answer.json()
    assert answer.status_code >= 400 or said.get("webhookEnrolled") is False, answer.text
    assert not [secret for secret in SECRETS if secret in answer.text]
    return f"{said.get('detail')} {said.get('error')}"


FORMS = [
    "127.0.0.1:{port}",
    "localhost:{port}",
    "LOCALHOST:{port}",
    "localhost.:{port}",
    "127.0.0.1.:{port}",
    "127.1:{port}",
    "127.0.1:{port}",
    "127.255.255.254:{port}",
    "2130706433:{port}",
    "0x7f000001:{port}",
    "0x7f.0.0.1:{port}",
    "0177.0.0.1:{port}",
    "017700000001:{port}",
    "0:{port}",
    "0.0.0.0:{port}",
    "[::1]:{port}",
    "[::]:{port}",
    "[0:0:0:0:0:0:0:1]:{port}",
    "[::ffff:127.0.0.1]:{port}",
    "[::ffff:7f00:1]:{port}",
    "[::127.0.0.1]:{port}",
    "[64:ff9b::7f00:1]:{port}",
    "[64:ff9b::127.0.0.1]:{port}",
    "[2002:7f00:1::]:{port}",
    "[::1%25lo]:{port}",
    "[fe80::1%25lo]:{port}",
    "[::ffff:0:127.0.0.1]:{port}",
    "jira.example.com@127.0.0.1:{port}",
    "user:typed@127.0.0.1:{port}",
    "https://jira.example.com@127.0.0.1:{port}/",
    "127.0.0.1:{port}#jira.example.com",
    "127.0.0.1:{port}?jira.example.com",
    "127.0.0.1:{port}/jira.example.com",
    "127.0.0.1:{port}\\@jira.example.com",
    "127.0.0.1%3a{port}",
    "127.0.0.1%00.example.com:{port}",
    "127。0。0。1:{port}",
    "①②⑦.0.0.1:{port}",
    "ⓛocalhost:{port}",
    "127.0.0.1:{port}:443",
    "127.0.0.1 :{port}",
    "127.0.0.1\t:{port}",
    "127.0.0.1\r\nHost: x:{port}",
    "http://127.0.0.1:{port}",
    "https://https://127.0.0.1:{port}",
    "ftp://127.0.0.1:{port}",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_x",
    "//127.0.0.1:{port}",
    "127.0.0.1:00{port}",
    "127.0.0.1:+{port}",
]


@pytest.mark.parametrize("form", FORMS, ids=[ascii(form).strip("'") for form in FORMS])
def test_our_own_addresses_in_all_their_forms(office: Office, trap: Trap, form: str) -> None:
    """Refused at setup; link, status and validate connect nowhere either. Nothing is stored as connected."""
    host = form.format(port=trap.port)
    refused(typed(office, host))
    for who, path, body in (
        ("mia", "link", {"workspace_name": host}),
        ("olga", "status", {"workspace_name": host, "is_active": True}),
    ):
        answer = office.call(who, "POST", f"{JIRA_API}/workspaces/{path}", body)
        assert answer.status_code >= 400, answer.text
    assert office.stack.rows("select 1 from connection where status in ('active', 'shadow')") == []
    assert office.links() == []


ADDRESSES = [
    "169.254.169.254",
    "[fe80::a9fe:a9fe]",
    "[fd00:ec2::254]",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
    "2852039166",
    "10.96.0.1",
    "10.111.255.254",
    "[::ffff:10.96.0.1]",
    "[fd00:10:96::1]",
    "224.0.0.1",
    "[ff02::1]",
    "255.255.255.255",
    "0.0.0.0",
    "198.51.100.7",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_metadata_cluster_and_special_addresses(office: Office, address: str) -> None:
    """Refused at once and for that reason, not after a time-out: the socket is never opened."""
    began = time.monotonic()
    text = refused(typed(office, address))
    assert time.monotonic() - began < 3
    assert "timed out" not in text and "timeout" not in text.lower(), text
    assert office.stack.rows("select 1 from connection where status in ('active', 'shadow')") == []


@pytest.mark.skipif(CLUSTER is None, reason="this machine has loopback addresses only")
def test_an_address_of_the_cluster_that_somebody_listens_on(office: Office, trap: Trap) -> None:
    """OHDC_DENIED_NETWORKS holds against a listener that would answer."""
    assert "may not be used" in refused(typed(office, f"{CLUSTER}:{trap.port}"))


def test_what_is_allowed_is_reached(office: Office, outside: Outside) -> None:
    """The counterpart: the same call reaches a server outside, so the refusals above are not for another reason."""
    text = refused(typed(office, f"{OUTSIDE}:{outside.port}"))
    assert "not here" in text
    assert ("GET", "/rest/api/2/serverInfo") in [(method, path) for method, path, _ in outside.requests]
    office.forget()


def test_a_certificate_that_is_not_trusted_ends_it(office: Office, outside: Outside) -> None:
    """Without the CA no request is made, so no credential is sent."""
    with office.variant("installer", SSL_CERT_FILE=""):
        answer = typed(office, f"{OUTSIDE}:{outside.port}")
    refused(answer)
    assert "its certificate is not trusted here, add its issuer to SSL_CERT_FILE" in answer.json()["error"]
    assert outside.requests == []
    office.forget()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("path", ["serverInfo", "myself", "mypermissions", "webhooks"])
def test_redirects_are_not_followed(office: Office, trap: Trap, outside: Outside, path: str, status: int) -> None:
    """A peer that sends us to ourselves, on any of its answers."""
    target = {"Location": f"http://127.0.0.1:{trap.port}/rest/api/2/{path}"}

    def answer(method: str, asked: str) -> tuple[int, dict[str, str], Any]:
        return (status, target, {}) if path in asked else honest(method, asked)

    outside.answer = answer
    refused(typed(office, f"{OUTSIDE}:{outside.port}"))
    assert len(outside.requests) < 12
    office.forget()


def test_the_environments_token_never_goes_to_a_typed_host(office: Office, outside: Outside) -> None:
    """With a managed account but no configured Jira: a typed server gets no credential of the environment."""
    managed = {
        "JIRA_DC_SERVICE_ACCOUNT_EMAIL": "openhands@example.com",
        "JIRA_DC_SERVICE_ACCOUNT_PAT": "bot-pat",
    }
    with office.variant("installer", **managed):
        typed(office, f"{OUTSIDE}:{outside.port}")
        typed(office, f"{OUTSIDE}:{outside.port}", svc_acc_api_key="", admin_api_key="")
    for _, path, headers in outside.requests:
        assert "bot-pat" not in json.dumps(headers).replace("typed-bot-pat", ""), path
        assert "service-key" not in json.dumps(headers)
    office.forget()


def test_our_callers_credentials_never_go_to_a_typed_host(office: Office, outside: Outside) -> None:
    """Cookie, session key, organisation: they are OpenHands' only."""
    typed(office, f"{OUTSIDE}:{outside.port}")
    assert outside.requests
    for _, _, headers in outside.requests:
        names = {name.lower() for name in headers}
        assert not names & {"cookie", "x-session-api-key", "x-org-id", "x-service-api-key", "x-access-token"}
        assert office.sessions["olga"] not in json.dumps(headers)
    office.forget()


def test_a_proxy_is_not_asked_for_them(office: Office, trap: Trap) -> None:
    """With HTTPS_PROXY the address is checked before the proxy hears of it."""
    proxy = f"http://127.0.0.1:{trap.port}"
    with office.variant("installer", HTTPS_PROXY=proxy, https_proxy=proxy, NO_PROXY="127.0.0.1"):
        for host in ("169.254.169.254", "localhost:8443", "[::1]:8443", "10.96.0.1"):
            refused(typed(office, host))


# --- names ------------------------------------------------------------------------------------

needs_names = pytest.mark.skipif(why_no_names() is not None, reason=str(why_no_names()))


@pytest.fixture(scope="module")
def asker(office: Office) -> Iterator[tuple[Program, Names]]:
    """An installer that asks a name server of ours."""
    made = Names()
    other = Program("installer", office.stack.folder, office.stack.env_for("installer"))
    other.log = office.stack.folder / "installer-names.log"
    other.prefix = with_names(office.stack.folder)
    other.start()
    yield other, made
    assert other.stop() == 0
    made.close()


@pytest.fixture
def names(office: Office, asker: tuple[Program, Names]) -> Iterator[Names]:
    """It answers instead of the first one; nobody has asked for a name yet."""
    first = office.stack.programs["installer"]
    office.stack.programs["installer"], made = asker
    made.names.clear()
    made.asked.clear()
    yield made
    office.stack.programs["installer"] = first
    office.forget()


@needs_names
def test_a_name_outside_is_reached(office: Office, outside: Outside, names: Names) -> None:
    """The counterpart: names do work."""
    names.names["outside.test"] = [[OUTSIDE]]
    assert "not here" in refused(typed(office, f"outside.test:{outside.port}"))
    assert outside.requests


INSIDE = ["127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "10.96.0.1", "0.0.0.0", "::"]


@needs_names
@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside(office: Office, trap: Trap, names: Names, address: str) -> None:
    """The address counts, not the name."""
    name = f"i{next(office.numbers)}.inside.test"  # names are remembered for a while
    names.names[name] = [[address]]
    began = time.monotonic()
    refused(typed(office, f"{name}:{trap.port}"))
    assert time.monotonic() - began < 3
    assert name in names.asked


@needs_names
@pytest.mark.parametrize("inside", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("honest_answers", [1, 2, 3])
def test_rebinding(
    office: Office, beside: Trap, outside: Outside, names: Names, inside: str, honest_answers: int
) -> None:
    """The name leads outside when it is checked and inside afterwards: each socket is checked when it is opened."""
    name = f"r{next(office.numbers)}.rebind.test"
    names.names[name] = [[OUTSIDE]] * honest_answers + [[inside]]

    def answer(method: str, path: str) -> tuple[int, dict[str, str], Any]:
        status, headers, body = honest(method, path)
        return status, headers | {"Connection": "close"}, body

    outside.answer = answer
    refused(typed(office, f"{name}:{outside.port}"))
    assert name in names.asked
    assert outside.requests


@needs_names
def test_a_name_with_an_outer_and_an_inner_address(office: Office, trap: Trap, names: Names) -> None:
    """Nobody listens outside on that port: the other address of the same name is not tried."""
    for pair in ([OUTSIDE, "127.0.0.1"], ["127.0.0.1", OUTSIDE], ["::1", OUTSIDE]):
        name = f"b{next(office.numbers)}.both.test"
        names.names[name] = [pair]
        refused(typed(office, f"{name}:{trap.port}"))
        assert name in names.asked


# --- servers that are stored --------------------------------------------------------------------


@pytest.fixture
def stored(office: Office, trap: Trap, outside: Outside) -> Iterator[Callable[[], int]]:
    """A connection with a bot's token whose server is inside by now; delivers one comment."""
    secret = "secret-of-a-stored-connection-01234567"
    host = f"{OUTSIDE}:{outside.port}"
    made = typed(office, host, admin_api_key="", is_active=False, webhook_secret=secret)
    assert made.status_code == 200, made.text
    active = {"workspace_name": host, "is_active": True}
    assert office.call("olga", "POST", f"{JIRA_API}/workspaces/status", active).status_code == 200
    base = f"https://127.0.0.1:{trap.port}"
    (row,) = office.connections()
    assert str(row["org_id"]) == ORG
    office.sql(f"update instance set base_url = '{base}' where id = {row['instance_id']}")
    office.stack.start("dispatcher")
    yield lambda: office.deliver(base, secret, row["id"])
    assert office.stack.programs["dispatcher"].stop() == 0
    office.forget()


def test_a_stored_server_inside_is_not_called(office: Office, trap: Trap, stored: Callable[[], int]) -> None:
    """Neither the look at who asked nor the answer: linker and dispatcher check when they open the socket."""
    wait_until(lambda: stored() == 200, 10, "the ingress knows the connection")
    sql = "select attempts from job where event_key like '%%comment:11' and (attempts > 1 or ended_at is not null)"
    wait_until(lambda: trap.seen or office.stack.rows(sql), 30, "the dispatcher tries to answer")
    assert trap.settled() == []


def test_everything_still_lives(office: Office) -> None:
    """After all of it each program serves, and none wrote a credential into its log."""
    for program in office.stack.programs.values():
        assert program.process
        if program.process.poll() is None:
            log = program.log.read_text()
            assert program.get("/readyz").status_code == 200
            assert not [secret for secret in ("typed-bot-pat", "typed-admin-pat") if secret in log]
