"""Who signs in by Bitbucket: exactly the person whose token it is, whatever stands around the name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.e2e.stack import Stack
from tests.sim.client import Remote

TOKEN = "bb-token-of-ann"
WHOAMI = "^GET /plugins/servlet/applinks/whoami"
USERS = "^GET /rest/api/latest/users"


@pytest.fixture(scope="module")
def linker(stack: Stack) -> str:
    """The address that Keycloak asks."""
    stack.sims.bitbucket.add_user(name="ann", token=TOKEN)
    stack.secrets.append(TOKEN)
    stack.prepare()
    stack.start("linker")
    return f"http://127.0.0.1:{stack.programs['linker'].http}/bitbucket-dc-proxy/oauth2/userinfo"


@pytest.fixture
def bitbucket(stack: Stack, linker: str) -> Iterator[Remote]:
    """Bitbucket without faults, before and after; what went wrong there is the test's to say."""
    yield stack.sims.bitbucket
    stack.sims.bitbucket.heal()
    assert stack.sims.bitbucket.forgive() == []


def get(linker: str, **headers: str) -> requests.Response:
    """As Keycloak asks."""
    return requests.get(linker, headers={"Authorization": f"Bearer {TOKEN}"} | headers, timeout=30)


def user(number: int, name: str, **more: Any) -> dict[str, Any]:
    """A user as Bitbucket shows one."""
    return {
        "id": number,
        "name": name,
        "slug": name.lower(),
        "displayName": name.title(),
        "emailAddress": f"u{number}@example.com",
        "active": True,
        "type": "NORMAL",
    } | more


def page(*values: dict[str, Any], following: int = 0) -> dict[str, Any]:
    """A page of a list, with another behind it."""
    rest = {"isLastPage": False, "nextPageStart": following} if following else {"isLastPage": True}
    return {"size": len(values), "limit": 1000, "start": 0, "values": list(values)} | rest


PEOPLE: list[tuple[str, str, list[dict[str, Any]], str | None]] = [
    ("one", "ann", [page(user(7, "ann"))], "7"),
    ("not the first", "ann", [page(user(1, "anna"), user(2, "joann"), user(7, "ann"))], "7"),
    ("in another case", "ANN", [page(user(1, "annx"), user(7, "Ann"))], "7"),
    ("by slug", "a.nn@x", [page(user(1, "annx"), user(7, "other", slug="a.nn@x"))], "7"),
    ("a name before a slug", "ann", [page(user(1, "x", slug="ann"), user(7, "ann"))], "7"),
    (
        "a name on a later page before a slug",
        "ann",
        [page(user(1, "x", slug="ann"), following=1000), page(user(7, "ann"))],
        "7",
    ),
    (
        "a slug on the first of two pages",
        "ann",
        [page(user(7, "x", slug="ann"), following=1000), page(user(1, "joann"))],
        "7",
    ),
    ("only somebody who is like it", "ann", [page(user(1, "anna"))], None),
    ("only by e-mail", "ann", [page(user(1, "x", emailAddress="ann"))], None),
    ("only by display name", "ann", [page(user(1, "x", displayName="ann"))], None),
    ("nobody", "ann", [page()], None),
    ("pages without end", "ann", [page(following=1000)] * 9, None),
    ("a user without a name", "ann", [page({"id": 1}, user(7, "ann"))], "7"),
]


@pytest.mark.parametrize(("name", "who", "pages", "sub"), PEOPLE, ids=[row[0] for row in PEOPLE])
def test_exactly_who_it_is(
    linker: str, bitbucket: Remote, name: str, who: str, pages: list[dict[str, Any]], sub: str | None
) -> None:
    """By name, else by slug, else nobody."""
    bitbucket.fault(match=WHOAMI, status=200, body=f"{who}\n")
    for body in pages:
        bitbucket.fault(match=USERS, status=200, body=body)
    answer = get(linker)
    if sub is None:
        assert (answer.status_code, answer.json()) == (404, {"error": f"user_not_found: {who}"})
    else:
        assert (answer.status_code, answer.json()["sub"]) == (200, sub)


@pytest.mark.parametrize("who", ["a b", "ä", "x&filter=ann", "50%", "a#b", "~ann", "ann/../bob"])
def test_a_name_cannot_change_the_question(linker: str, bitbucket: Remote, who: str) -> None:
    """Bitbucket is asked for exactly that name."""
    before = len(bitbucket.calls(match=USERS))
    bitbucket.fault(match=WHOAMI, status=200, body=who)
    assert get(linker).json() == {"error": f"user_not_found: {who}"}
    (call,) = bitbucket.calls(match=USERS)[before:]
    assert call["query"]["filter"] == [who]


def test_what_bitbucket_does_not_say_is_null(linker: str, bitbucket: Remote) -> None:
    """No id: the name; no address: null."""
    bitbucket.fault(match=USERS, status=200, body=page({"name": "ann", "slug": "ann"}))
    assert get(linker).json() == {
        "sub": "ann",
        "preferred_username": "ann",
        "name": None,
        "email": None,
    }


def test_the_header_of_a_proxy_is_not_believed(linker: str, bitbucket: Remote) -> None:
    """X-AUSERNAME names somebody else."""
    lie = {"X-AUSERNAME": "admin"}
    bitbucket.fault(match=WHOAMI, status=200, body="ann", headers=lie)
    assert get(linker).json()["preferred_username"] == "ann"
    bitbucket.fault(match=WHOAMI, status=200, body="", headers=lie)
    answer = get(linker)
    assert (answer.status_code, answer.json()) == (401, {"error": "not_authenticated"})


NOBODY: list[tuple[str, dict[str, Any]]] = [
    ("a page for signing in", {"status": 200, "body": "<!DOCTYPE html><html>"}),
    ("a page with blanks before it", {"status": 200, "body": "\n\n  <html>"}),
    ("two lines", {"status": 200, "body": "ann\nadmin"}),
    ("too long for a name", {"status": 200, "body": "a" * 600}),
    ("elsewhere", {"status": 302, "headers": {"Location": "https://evil.example/"}, "body": ""}),
    ("not found", {"status": 404, "body": ""}),
    ("broken", {"status": 500, "body": "ann"}),
]


@pytest.mark.parametrize(("name", "fault"), NOBODY, ids=[row[0] for row in NOBODY])
def test_whoami_that_names_nobody(linker: str, bitbucket: Remote, name: str, fault: dict[str, Any]) -> None:
    """Everything but a name is no sign-in, and nothing is followed."""
    bitbucket.fault(match=WHOAMI, **fault)
    answer = get(linker)
    assert (answer.status_code, answer.json()) == (401, {"error": "not_authenticated"})


@pytest.mark.parametrize(("status", "shown"), [(401, 401), (403, 403), (429, 429), (503, 503), (302, 502)])
def test_bitbucket_refuses_the_list(linker: str, bitbucket: Remote, status: int, shown: int) -> None:
    """Its own status, with the number in the text; a redirect is none that could be passed on."""
    bitbucket.fault(match=USERS, status=status, body="{}")
    answer = get(linker)
    assert (answer.status_code, answer.json()) == (shown, {"error": f"bitbucket_error: {status}"})


def test_a_list_that_is_none(linker: str, bitbucket: Remote) -> None:
    """200 without JSON."""
    bitbucket.fault(match=USERS, status=200, body="<html>")
    answer = get(linker)
    assert (answer.status_code, answer.json()) == (502, {"error": "bitbucket_error: 200"})


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Bearer    ", "Basic YW5uOng=", TOKEN])
def test_no_bearer_token(linker: str, bitbucket: Remote, value: str) -> None:
    """Bitbucket is not asked."""
    before = len(bitbucket.calls())
    answer = get(linker, Authorization=value)
    assert (answer.status_code, answer.json()) == (401, {"error": "missing_token"})
    assert len(bitbucket.calls()) == before


def test_only_the_token_goes_to_bitbucket(linker: str, bitbucket: Remote) -> None:
    """No cookie, no other header of who asks."""
    answer = get(linker, Cookie="keycloak_auth=x", **{"X-Session-API-Key": "k", "X-Org-Id": "o"})
    assert answer.status_code == 200
    (whoami, users) = bitbucket.calls()[-2:]
    for call in (whoami, users):
        credentials = {name.lower(): value for name, value in call["credentials"].items()}
        assert credentials == {"authorization": f"Bearer {TOKEN}"}


def test_the_scheme_in_any_case_and_no_other_method(linker: str, bitbucket: Remote) -> None:
    """HTTP's schemes have no case; the path answers GET alone."""
    assert get(linker, Authorization=f"bearer {TOKEN}").status_code == 200
    post = requests.post(linker, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)
    assert post.status_code == 405
