"""The rendered pods as real processes: asks become conversations and answers, people link and set up."""

from __future__ import annotations

import subprocess
import sys
import uuid
from pathlib import Path

import requests

from tests.connect.browser import Browser, Page
from tests.e2e.world import PROVIDER, World
from tests.pods.installation import OHE, Pods
from tests.pods.kubelet import Pod

ORG = "0a000000-0000-4000-8000-000000000001"
LINK = "/integration/jira-dc/workspaces/link"


def test_a_jira_comment_becomes_a_conversation_and_an_answer(world: World) -> None:
    """Two deliveries through the front door, one job, one answer."""
    key, comment = world.ask_issue("@openhands repair the login")
    ack, result = world.wait_issue(key)
    job = world.one_job(comment)
    assert job["owner"] == world.people["ana"]
    assert f"/conversations/{job['id']}" in ack["body"] and "All done." in result["body"]
    world.drained()
    assert len(world.issue_answers(key)) == 2


def test_a_jira_label_becomes_a_conversation_and_an_answer(world: World) -> None:
    """The whole issue is the request."""
    key = world.issue(summary="Slow start page", labels=["backend"])
    sent = world.stack.sims.jira.label_as(issue=key, user="ana", labels=["backend", "openhands"])
    assert sent["statuses"] == [200]
    world.wait_issue(key)
    assert world.one_job(sent["id"])["owner"] == world.people["ana"]


def test_a_bitbucket_comment_becomes_a_conversation_and_an_answer(world: World) -> None:
    """In the asking thread."""
    number, comment = world.ask_pull("@openhands why is this slow?")
    _, result = world.wait_pull(number)
    assert world.one_job(comment)["request"]["selected_repository"] == "PROJ/web"
    assert "All done." in result["text"]


def test_somebody_links_an_account_by_oauth(world: World) -> None:
    """From Settings through Jira back to our page, the confirmation, and then an ask of theirs."""
    sims, name = world.stack.sims, "nina"
    identity = str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
    sims.jira.add_user(name=name, display="Nina Example")
    sims.keycloak.add_person(identity=identity, email=f"{name}@example.com")
    repos = {"bitbucket_data_center": ["PROJ/web"]}
    sims.ohe.add_person(email=f"{name}@example.com", identity=identity, repos=repos)
    sims.ohe.set_role(identity=identity, org=ORG, role="member")
    browser = Browser(world.stack, sims.ohe.sign_in(identity=identity, org=ORG))
    begun = browser.call("POST", LINK, {"workspace_name": world.stack.jira_url})
    assert begun.status_code == 200, begun.text
    page = browser.arrive(browser.jira(begun.json()["authorizationUrl"], name))
    assert page.status_code == 200, page.text
    assert browser.submit(Page(page).form("/confirm")).status_code == 302
    shown = browser.call("GET", LINK)
    assert shown.status_code == 200 and shown.json()["status"] == "active", shown.text
    key, comment = world.ask_issue("@openhands as myself", user=name)
    world.wait_issue(key)
    assert world.one_job(comment)["owner"] == identity


def test_settings_are_served_on_the_routed_paths(world: World) -> None:
    """What OHE's screens call, each by the service it belongs to; a path of OHE's own is not ours."""
    sims = world.stack.sims
    sims.ohe.set_role(identity=world.people["ana"], org=ORG, role="owner")
    sims.ohe.set_provider_token(identity=world.people["ana"], provider=PROVIDER, token="bb-of-ana")
    sims.bitbucket.add_user(name="ana", token="bb-of-ana")
    browser = Browser(world.stack, sims.ohe.sign_in(identity=world.people["ana"], org=ORG))
    status = browser.call("GET", "/integration/jira-dc/workspaces/status")
    assert status.status_code == 200, status.text
    listed = browser.call("GET", "/integration/bitbucket-dc/resources")
    assert listed.status_code == 200, listed.text
    health = browser.open("/integration/dc/health")
    assert health.status_code == 200 and world.jira.name.split("/")[1] in Page(health).text
    nobody = requests.get(f"{world.stack.front('')}/bitbucket-dc-proxy/oauth2/userinfo", timeout=5)
    assert nobody.status_code == 401, nobody.text
    assert requests.get(f"{world.stack.front('')}/api/v1/users/me", timeout=5).status_code == 404


def test_no_edge_was_wanted_that_is_closed(world: World) -> None:
    """Whatever the services tried in these tests, the policies allowed."""
    assert isinstance(world.stack, Pods)
    assert world.stack.cluster.refused() == {}


def test_containers_are_what_the_spec_says(world: World) -> None:
    """User, groups, no capability, no new privileges, a root nobody can write, no secret in the environment."""
    stack = world.stack
    assert isinstance(stack, Pods)
    for name in ("ingress", "linker", "dispatcher", "installer"):
        (pod, *_) = stack.cluster.pods(name)
        assert pod.container
        proc = Path(f"/proc/{pod.container.pid}")
        status = dict(line.split(":\t", 1) for line in (proc / "status").read_text().splitlines() if ":\t" in line)
        assert status["Uid"].split() == ["65532"] * 4 and status["Gid"].split() == ["65532"] * 4
        assert [status[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd")] == ["0000000000000000"] * 4
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
        mounts = [line.split() for line in (proc / "mounts").read_text().splitlines()]
        writable = [m[1] for m in mounts if "rw" in m[3].split(",") and not m[1].startswith(("/dev", "/proc", "/sys"))]
        assert writable == [], writable
        pairs = [pair.partition("=") for pair in (proc / "environ").read_text().split("\0")]
        assert not [pair for pair in pairs if pair[2] in stack.secrets], pairs
        assert pod.restarts == 0


EDGES = {
    "ingress": "kafka postgresql-0",
    "linker": "bitbucket jira kafka keycloak-0 openhands-0 postgresql-0",
    "dispatcher": "bitbucket jira kafka openhands-0 postgresql-0",
    "installer": "bitbucket jira openhands-0 postgresql-0",
    "kafka": "",
}


def test_edges_are_exactly_these(world: World) -> None:
    """From each pod a connection to everything there is, pods of the release included: only the design's edges open."""
    stack = world.stack
    assert isinstance(stack, Pods)
    names = stack.cluster.network.names
    places = {name: (names[name], port) for _, _, name, port in OHE}
    places |= {name: (names[f"{name}.example.com"], 80) for name in ("jira", "bitbucket")}
    for component in EDGES:
        (pod, *_) = stack.cluster.pods(component)
        for kind, port in pod.ports().items():
            places[component if kind == "kafka" else f"{component} {kind}"] = (pod.port.address, port)
    for component, wanted in EDGES.items():
        (pod, *_) = stack.cluster.pods(component)
        own = [name for name in places if name.split()[0] == component]
        opened = {name for name, place in places.items() if name not in own and opens(pod, *place)}
        assert opened == set(wanted.split()), component
    assert stack.cluster.refused() != {}


def opens(pod: Pod, address: str, port: int) -> bool:
    """Whether a connection out of a pod's network opens."""
    script = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)"
    command = ["ip", "netns", "exec", pod.port.name, sys.executable, "-c", script, address, str(port)]
    return subprocess.run(command, capture_output=True).returncode == 0
