"""Each rule of the simulators has a test that breaks it: the refusal and the recorded violation."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from tests.sim.client import Remote, Sims

ORG = "11111111-1111-4111-8111-111111111111"
PULL = "/rest/api/latest/projects/PROJ/repos/web/pull-requests/1"
CONVERSATIONS = "/api/v1/app-conversations"


@pytest.fixture(scope="module")
def sims() -> Iterator[Sims]:
    """Simulators with one user each."""
    started = Sims().start()
    try:
        jira, bitbucket, ohe = started.jira, started.bitbucket, started.ohe
        jira.add_user(name="ana", token="pat")
        jira.add_user(name="bob", token="bob")
        jira.add_issue(key="PROJ-1", reporter="ana")
        jira.comment_as(issue="PROJ-1", user="bob", body="by bob")
        bitbucket.add_user(name="ana", token="pat")
        bitbucket.add_user(name="bob", token="bob")
        bitbucket.add_repo(key="PROJ", slug="web", rights={"ana": "REPO_READ", "bob": "REPO_READ"})
        bitbucket.add_pull(repo="PROJ/web", author="ana")
        bitbucket.comment_as(repo="PROJ/web", number=1, user="bob", text="by bob")
        ohe.add_person(email="ana@example.com", identity=ORG, repos={"bitbucket_data_center": []})
        started.keycloak.add_client(name="ohdc", secret="s")
        yield started
    finally:
        started.stop()


@pytest.fixture
def headers(sims: Sims) -> dict[str, str]:
    """Login of each simulator, filled in for the placeholder."""
    url = f"{sims.ohe.base_url}/api/service/users/{ORG}/orgs/{ORG}/api-keys"
    key = requests.post(url, json={"name": "t"}, headers={"X-Service-API-Key": "service-key"})
    form = {"grant_type": "client_credentials", "client_id": "ohdc", "client_secret": "s"}
    token = requests.post(f"{sims.keycloak.base_url}/realms/allhands/protocol/openid-connect/token", data=form)
    return {
        "jira": "pat",
        "bitbucket": "pat",
        "ohe": key.json()["key"],
        "keycloak": token.json()["access_token"],
    }


@dataclass(frozen=True)
class Case:
    """A call that breaks one rule, the status it gets and a word of the violation."""

    sim: str
    call: str
    status: int
    word: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: str | None = None
    login: bool = True

    def __str__(self) -> str:
        return f"{self.sim}-{self.word.replace(' ', '-')}"


CASES = [
    # Jira
    Case("jira", "GET /rest/api/3/myself", 404, "unexpected path"),
    Case("jira", "DELETE /rest/api/2/myself", 405, "unexpected method"),
    Case("jira", "GET /rest/api/2/myself", 401, "wrong credential", login=False),
    Case(
        "jira",
        "GET /rest/api/2/myself",
        401,
        "wrong credential",
        headers={"Authorization": "Basic YW5hOnBhdA=="},
    ),
    Case(
        "jira",
        "GET /rest/api/2/myself",
        200,
        "X-Service-API-Key",
        headers={"X-Service-API-Key": "leak"},
    ),
    Case("jira", "GET /rest/api/2/myself", 200, "browser", headers={"User-Agent": "Mozilla/5.0"}),
    Case("jira", "GET /rest/api/2/myself?verbose=1", 200, "unknown query parameter"),
    Case("jira", "GET /rest/api/2/issue/PROJ-1?expand=all", 200, "unknown expand"),
    Case("jira", "GET /rest/api/2/issue/PROJ-1/comment?orderBy=date", 200, "unknown orderBy"),
    Case("jira", "GET /rest/api/2/user/search?query=ana", 400, "username"),
    Case("jira", "POST /rest/api/2/issue/PROJ-1/comment", 415, "content type", raw="body=x"),
    Case("jira", "POST /rest/api/2/issue/PROJ-1/comment", 400, "body:", body={"body": 5}),
    Case("jira", "POST /rest/api/2/issue/PROJ-1/comment", 400, "body:", body={"text": "x"}),
    Case(
        "jira",
        "POST /rest/api/2/issue/PROJ-1/comment",
        400,
        "body:",
        body={"body": "x", "visibility": {"type": "team", "value": "y"}},
    ),
    Case("jira", "POST /rest/api/2/issue/PROJ-1/comment", 400, "empty comment", body={"body": " "}),
    Case(
        "jira",
        "POST /rest/api/2/issue/PROJ-1/comment",
        400,
        "characters",
        body={"body": "x" * 32768},
    ),
    Case(
        "jira",
        "PUT /rest/api/2/issue/PROJ-1/comment/{bob}",
        403,
        "another person",
        body={"body": "changed"},
    ),
    Case(
        "jira",
        "POST /rest/internal/2/reactions",
        400,
        "palette",
        body={"commentId": "{bob}", "emojiId": "1f440"},
    ),
    Case(
        "jira",
        "POST /rest/internal/2/reactions",
        404,
        "unknown comment",
        body={"commentId": 1, "emojiId": "1f44d"},
    ),
    Case(
        "jira",
        "POST /rest/internal/2/reactions",
        400,
        "body:",
        body={"commentId": 1, "emojiId": ":+1:"},
    ),
    Case("jira", "GET /rest/jira-webhook/1.0/webhooks", 403, "admin rights"),
    # Bitbucket
    Case("bitbucket", "GET /rest/api/2.0/users", 404, "unexpected path"),
    Case("bitbucket", "PATCH /rest/api/latest/projects", 405, "unexpected method"),
    Case("bitbucket", f"GET {PULL}", 401, "wrong credential", login=False),
    Case("bitbucket", f"GET {PULL}", 200, "Cookie", headers={"Cookie": "a=b"}),
    Case("bitbucket", f"GET {PULL}?full=1", 200, "unknown query parameter"),
    Case("bitbucket", f"GET {PULL}/comments", 400, "without path"),
    Case("bitbucket", f"GET {PULL}/activities?start=25", 200, "nextPageStart"),
    Case("bitbucket", f"GET {PULL}/activities?fromId=1", 400, "fromType"),
    Case("bitbucket", f"POST {PULL}/comments", 400, "body:", body={"body": "x"}),
    Case("bitbucket", f"POST {PULL}/comments", 400, "body:", body={"text": "x", "parent": 3}),
    Case("bitbucket", f"POST {PULL}/comments", 400, "characters", body={"text": "x" * 32769}),
    Case(
        "bitbucket",
        f"POST {PULL}/comments",
        400,
        "reply with an anchor",
        body={"text": "x", "parent": {"id": 1}, "anchor": {"path": "a"}},
    ),
    Case(
        "bitbucket",
        f"POST {PULL}/comments",
        400,
        "body:",
        body={"text": "x", "anchor": {"path": "a", "lineType": "NEW"}},
    ),
    Case(
        "bitbucket",
        f"PUT {PULL}/comments/{{bob}}",
        401,
        "another person",
        body={"text": "x", "version": 0},
    ),
    Case("bitbucket", f"PUT {PULL}/comments/{{bob}}", 400, "body:", body={"text": "x"}),
    Case(
        "bitbucket",
        "PUT /rest/comment-likes/latest" + PULL[len("/rest/api/latest") :] + "/comments/{bob}/reactions/:eyes:",
        400,
        "unknown emoticon",
    ),
    Case("bitbucket", "GET /rest/api/latest/users?permission=REPO_OWNER", 400, "permission filter"),
    # the app server
    Case("ohe", "GET /api/v2/app-conversations", 404, "unexpected path"),
    Case("ohe", f"GET {CONVERSATIONS}?ids=1", 401, "wrong credential", login=False),
    Case("ohe", f"GET {CONVERSATIONS}?ids=abc", 400, "malformed id"),
    Case("ohe", f"GET {CONVERSATIONS}/start-tasks?ids=abc", 422, "malformed id"),
    Case("ohe", f"GET {CONVERSATIONS}", 422, "0 ids"),
    Case("ohe", f"GET {CONVERSATIONS}/start-tasks/search?limit=500", 422, "limit"),
    Case("ohe", f"GET {CONVERSATIONS}/start-tasks/search?page_id=2", 400, "invented page_id"),
    Case("ohe", f"POST {CONVERSATIONS}", 422, "body:", body={"initial_message": "do it"}),
    Case("ohe", f"POST {CONVERSATIONS}", 422, "body:", body={"conversation_id": "7"}),
    Case("ohe", f"POST {CONVERSATIONS}", 422, "body:", body={"trigger": "bitbucket_dc"}),
    Case("ohe", f"POST {CONVERSATIONS}", 422, "body:", body={"git_provider": "bitbucket-dc"}),
    Case("ohe", f"POST {CONVERSATIONS}", 422, "body:", body={"titel": "x"}),
    Case("ohe", f"POST {CONVERSATIONS}", 422, "content type", raw="{}"),
    Case(
        "ohe",
        f"POST {CONVERSATIONS}",
        200,
        "cannot read",
        body={"selected_repository": "PROJ/web", "git_provider": "bitbucket_data_center"},
    ),
    Case(
        "ohe",
        f"POST {CONVERSATIONS}",
        200,
        "service key sent to a user's path",
        headers={"X-Service-API-Key": "service-key"},
        body={},
    ),
    Case(
        "ohe",
        f"POST /api/service/users/{ORG}/orgs/{ORG}/api-keys",
        401,
        "service key",
        body={"name": "x"},
        login=False,
    ),
    Case(
        "ohe",
        f"POST /api/service/users/{ORG}/orgs/mine/api-keys",
        422,
        "malformed org id",
        body={"name": "x"},
        headers={"X-Service-API-Key": "service-key"},
        login=False,
    ),
    Case(
        "ohe",
        f"POST /api/service/users/{ORG}/orgs/{ORG}/api-keys",
        422,
        "body:",
        body={"name": ""},
        headers={"X-Service-API-Key": "service-key"},
        login=False,
    ),
    Case("ohe", "GET /api/v1/git/repositories/search?provider=bbdc&query=x", 422, "unknown provider"),
    Case(
        "ohe",
        "GET /api/v1/git/repositories/search?provider=bitbucket_data_center",
        200,
        "enumerates",
    ),
    Case(
        "ohe",
        "POST /api/v1/conversations/" + ORG + "/pending-messages",
        201,
        "never delivered",
        body={"content": [{"type": "text", "text": "x"}]},
    ),
    # Keycloak
    Case("keycloak", "GET /auth/admin/realms/allhands/users", 404, "unexpected path"),
    Case("keycloak", "GET /admin/realms/allhands/users?q=a:1", 401, "wrong credential", login=False),
    Case("keycloak", "GET /admin/realms/allhands/users", 200, "lists all users"),
    Case("keycloak", "GET /admin/realms/other/users?q=a:1", 404, "unknown realm"),
    Case("keycloak", "GET /admin/realms/allhands/users?email=a@b.c", 200, "without exact"),
    Case(
        "keycloak",
        "POST /realms/allhands/protocol/openid-connect/token",
        415,
        "reads forms",
        body={"grant_type": "client_credentials"},
    ),
]


def fill(case: Case, value: Any, bob: int) -> Any:
    """Put the id of bob's comment in, and what every start needs."""
    if isinstance(value, dict):
        found = {k: bob if v == "{bob}" else v for k, v in value.items()}
        if case.call == f"POST {CONVERSATIONS}" and "initial_message" not in found:
            found.setdefault("conversation_id", str(uuid.uuid4()))
            message = {"role": "user", "content": [{"type": "text", "text": "x"}]}
            found["initial_message"] = message
        return found
    return value


def bob_comment(sims: Sims, case: Case) -> int:
    """The comment that belongs to somebody else."""
    if case.sim == "jira":
        return int(sims.jira.thread(issue="PROJ-1")[0]["id"])
    return int(sims.bitbucket.thread(repo="PROJ/web", number=1)[0]["id"])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_broken_rule_is_refused_and_recorded(sims: Sims, headers: dict[str, str], case: Case) -> None:
    """The answer is the product's; the violation names what was wrong."""
    remote: Remote = getattr(sims, case.sim)
    remote.forgive()
    bob = bob_comment(sims, case)
    method, path = case.call.replace("{bob}", str(bob)).split(" ", 1)
    sent = {"Authorization": f"Bearer {headers[case.sim]}"} if case.login else {}
    body = fill(case, case.body, bob)
    answer = requests.request(
        method, remote.base_url + path, json=body, data=case.raw, headers={**sent, **case.headers}
    )
    assert answer.status_code == case.status, answer.text
    violations = remote.forgive()
    assert any(case.word in text for text in violations), violations


def start(sims: Sims, headers: dict[str, str], identity: str) -> dict[str, Any]:
    """Start a conversation as a client would."""
    message = {"role": "user", "content": [{"type": "text", "text": "do it"}]}
    answer = requests.post(
        sims.ohe.base_url + CONVERSATIONS,
        json={"conversation_id": identity, "initial_message": message},
        headers={"Authorization": f"Bearer {headers['ohe']}"},
    )
    assert answer.status_code == 200
    return answer.json()


def test_two_starts_of_one_id_at_the_same_time_run_twice(sims: Sims, headers: dict[str, str]) -> None:
    """As on the real server; a violation, because one writer per id is the client's duty."""
    sims.ohe.forgive()
    sims.ohe.script(match="do it", step_ms=500)
    identity = str(uuid.uuid4())
    start(sims, headers, identity)
    assert sims.ohe.violations() == []
    start(sims, headers, identity)
    assert "while the first starts" in sims.ohe.forgive()[0]
    job = next(j for j in sims.ohe.jobs() if j["id"] == identity.replace("-", ""))
    assert (job["posts"], job["runs"]) == (2, 2)


@pytest.mark.parametrize("effect", [True, False])
def test_a_closed_connection_does_or_does_not_do_the_work(sims: Sims, headers: dict[str, str], effect: bool) -> None:
    """The caller sees the same: no answer."""
    identity = str(uuid.uuid4())
    sims.ohe.fault(match=f"^POST {CONVERSATIONS}$", close=True, effect=effect)
    with pytest.raises(requests.ConnectionError):
        start(sims, headers, identity)
    known = {job["id"] for job in sims.ohe.jobs()}
    assert (identity.replace("-", "") in known) == effect


def test_an_expired_key_is_no_violation_and_minting_again_helps(sims: Sims, headers: dict[str, str]) -> None:
    """401 for the old key, another key from the same call."""
    sims.ohe.forgive()
    sims.ohe.expire_keys()
    url = sims.ohe.base_url + "/api/v1/users/me"
    old = requests.get(url, headers={"Authorization": f"Bearer {headers['ohe']}"})
    again = requests.post(
        f"{sims.ohe.base_url}/api/service/users/{ORG}/orgs/{ORG}/api-keys",
        json={"name": "t"},
        headers={"X-Service-API-Key": "service-key"},
    )
    assert (old.status_code, again.status_code) == (401, 200)
    assert again.json()["key"] != headers["ohe"]
    assert sims.ohe.violations() == []


def test_forty_thousand_repositories_are_paged_fast(sims: Sims) -> None:
    """Pages of at most 1000 with opaque places; only those that the caller administers; each page within a second."""
    sims.bitbucket.add_user(name="root", token="root")
    assert sims.bitbucket.add_repos(count=40000, user="root") == ["K0/service-0", "K399/service-39999"]
    sims.bitbucket.add_repos(count=1, user="root", right="REPO_WRITE", start=40000)
    url, session, start = f"{sims.bitbucket.base_url}/rest/api/latest/repos", requests.Session(), 0
    session.headers["Authorization"] = "Bearer root"
    seen: set[int] = set()
    while start is not None:
        query = {"permission": "REPO_ADMIN", "limit": 5000, "start": start}
        answer = session.get(url, params=query, timeout=1).json()
        assert answer["size"] == 1000
        seen |= {repo["id"] for repo in answer["values"]}
        start = answer.get("nextPageStart")
    assert len(seen) == 40000
    hooks = f"{sims.bitbucket.base_url}/rest/api/latest/projects/K0/repos/service-40000/webhooks"
    assert session.get(hooks).status_code == 401
    sims.bitbucket.grant(repo="K0/service-40000", user="root", right="REPO_ADMIN")
    assert session.get(hooks).status_code == 200
    sims.bitbucket.move_repo(repo="K0/service-40000", key="NEW", slug="moved")
    assert session.get(hooks).status_code == 404
