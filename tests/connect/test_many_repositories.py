"""Somebody who administers 40,000 repositories: the list answers at once, and stays small in memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connect.office import BITBUCKET_API as PATH
from tests.connect.office import PROVIDER, Office, open_office
from tests.e2e.stack import Stack
from tests.e2e.waiting import wait_until

MANY = 40_000
SETTINGS = {"OHDC_REPOSITORIES_FRESH_S": "1"}


@pytest.fixture(scope="module")
def opened(stack: Stack) -> Office:
    """Olga administers 40,000 repositories, of which 2,000 are connected; adam three."""
    office = open_office(stack)
    bitbucket = stack.sims.bitbucket
    for name in ("olga", "adam"):
        bitbucket.add_user(name=name, token=f"bb-{name}")
        stack.sims.ohe.set_provider_token(identity=office.ids[name], provider=PROVIDER, token=f"bb-{name}")
    bitbucket.add_repos(count=MANY, user="olga")
    rights = {"olga": "REPO_ADMIN", "adam": "REPO_ADMIN"}
    first = bitbucket.add_repo(key="~adam", slug="own.site", rights={"adam": "REPO_ADMIN"}, owner="adam")
    bitbucket.add_repo(key="K0", slug="shared", rights=rights)
    bitbucket.add_repo(key="WEB", slug="Front", rights={"adam": "REPO_ADMIN"})
    server = "insert into instance (provider, base_url) values ('bitbucket', %s) returning id"
    (made,) = stack.rows(server, stack.bitbucket_url)
    connected = """insert into connection (provider, instance_id, project_key, repo_slug, repo_id, status,
                   secret_sealed, hook_id, owner_user_id)
                   select 'bitbucket', %s, 'K' || n %% 400, 'service-' || n, null, 'active', 'x', n, 'somebody'
                     from generate_series(0, 1999) n returning id"""
    assert len(stack.rows(connected, made["id"])) == 2000
    assert first["slug"] == "own.site"
    return office


@pytest.fixture
def office(opened: Office) -> Iterator[Office]:
    """The office; no peer may have seen a forbidden call."""
    yield opened
    opened.stack.sims.settle()


def memory_kib(office: Office, what: str = "VmRSS") -> int:
    """Memory of the installer."""
    process = office.stack.programs["installer"].process
    assert process is not None
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(what)).split()[1])


def test_the_whole_list_answers_at_once(office: Office) -> None:
    """After the first fill: 40,001 repositories in less than 300 ms, all of them in the contract's shape."""
    before = memory_kib(office)
    began = time.monotonic()
    first = office.call("olga", "GET", f"{PATH}/resources")
    filled = time.monotonic() - began
    assert first.status_code == 200
    took = []
    for _ in range(7):
        began = time.monotonic()
        answer = office.call("olga", "GET", f"{PATH}/resources")
        took.append(time.monotonic() - began)
    found = answer.json()["resources"]
    assert len(found) == len({r["full_name"] for r in found}) == MANY + 1
    assert sum(r["webhook_enrolled"] for r in found) == 2000
    assert list(answer.json()) == ["resources"] and len(found[0]) == 12
    wait_until(lambda: memory_kib(office) < 24 * 1024, 15, "what the answers needed is given back")
    after = memory_kib(office)
    print(
        f"first fill {filled:.2f} s; then {[round(t * 1000) for t in took]} ms for {len(answer.content)} bytes;"
        f" memory {before} -> {after} KiB, most {memory_kib(office, 'VmHWM')}"
    )
    # the machine may be busy: the quickest shows what the service needs
    assert min(took) < 0.3


def test_pages_and_search(office: Office) -> None:
    """Parts of names in any case; pages without gaps; the numbers in range."""
    search = f"{PATH}/resources?query=k7/SERVICE"
    page = office.call("olga", "GET", f"{search}&limit=30").json()
    assert page["total"] == 100 and page["next_start"] == 30
    names = [r["full_name"] for r in page["resources"]]
    page = office.call("olga", "GET", f"{search}&start=30&limit=1000").json()
    names += [r["full_name"] for r in page["resources"]]
    assert page["next_start"] is None and len(names) == len(set(names)) == 100
    assert names == sorted(names) and all(n.startswith("K7/service-") for n in names)
    entry = office.call("olga", "GET", f"{PATH}/resources?query=K7/service-407").json()["resources"][0]
    assert (entry["status"], entry["hook_error"], entry["webhook_enrolled"]) == ("active", None, True)
    for query in ("start=-1", "limit=0", "limit=1001", "start=x"):
        answer = office.call("olga", "GET", f"{PATH}/resources?{query}")
        assert answer.status_code == 422 and query[:5] in answer.json()["detail"]
    past = office.call("olga", "GET", f"{PATH}/resources?start=999999").json()
    assert past == {"resources": [], "next_start": None, "total": MANY + 1}


def test_each_sees_what_is_theirs(office: Office) -> None:
    """Sorted by name without case; personal repositories too."""
    found = office.call("adam", "GET", f"{PATH}/resources").json()["resources"]
    assert [r["full_name"] for r in found] == ["K0/shared", "WEB/Front", "~adam/own.site"]


def test_an_old_list_is_given_at_once_and_read_anew(office: Office) -> None:
    """A new repository appears by itself; who waits for Bitbucket is not the person."""
    office.call("adam", "GET", f"{PATH}/resources")
    bitbucket = office.stack.sims.bitbucket
    bitbucket.add_repo(key="NEW", slug="one", rights={"adam": "REPO_ADMIN"})
    bitbucket.hold(match="GET .*/repos$", times=-1)

    def names() -> list[str]:
        answer = office.call("adam", "GET", f"{PATH}/resources")
        return [r["full_name"] for r in answer.json()["resources"]]

    wait_until(lambda: names() and bitbucket.held() == 1, 10, "a reading behind the answers")
    assert "NEW/one" not in names()
    bitbucket.release()
    wait_until(lambda: "NEW/one" in names(), 10, "the new repository")


def test_a_right_that_ended_ends_the_list(office: Office) -> None:
    """The sign-in with Bitbucket is gone: nothing old is shown for long."""
    office.call("adam", "GET", f"{PATH}/resources")
    office.stack.sims.ohe.set_provider_token(identity=office.ids["adam"], provider=PROVIDER, token=None)
    wait_until(lambda: office.call("adam", "GET", f"{PATH}/resources").status_code == 500, 10, "the end of the list")
