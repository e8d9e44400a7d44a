"""Bitbucket's webhooks as OHE's Settings install them: with the caller's own rights, and again after trouble."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.connect.office import BITBUCKET_API as PATH
from tests.connect.office import PROVIDER, RESOLVER_EVENTS, Office, open_office
from tests.e2e.signing import encode, sign
from tests.e2e.stack import Stack
from tests.e2e.waiting import wait_until

NAME = "OpenHands Resolver"
NO_RIGHT = "Bitbucket answered 401: You are not permitted to access this resource"
NOT_ADMIN = "User does not have admin access to this repository"
NOT_THERE = "Bitbucket answered 404: Repository PROJ/gone does not exist."


@pytest.fixture(scope="module")
def opened(stack: Stack) -> Office:
    """People with accounts in Bitbucket: olga administers, mia writes, max has not signed in there."""
    office = open_office(stack)
    for name in ("olga", "mia", "max", "adam"):
        stack.sims.bitbucket.add_user(name=name, token=f"bb-{name}")
        stack.secrets.append(f"bb-{name}")
        if name != "max":
            stack.sims.ohe.set_provider_token(identity=office.ids[name], provider=PROVIDER, token=f"bb-{name}")
    return office


@pytest.fixture
def office(opened: Office) -> Iterator[Office]:
    """The office; no peer may have seen a forbidden call."""
    yield opened
    opened.stack.sims.settle()


def new_repo(office: Office, key: str = "PROJ", slug: str | None = None, **more: Any) -> dict[str, str]:
    """A repository that olga and adam administer, and the bot can write to."""
    slug = slug or f"repo-{next(office.numbers)}"
    rights = {"olga": "REPO_ADMIN", "adam": "REPO_ADMIN", "mia": "REPO_WRITE", "openhands": "REPO_WRITE"}
    office.stack.sims.bitbucket.add_repo(key=key, slug=slug, rights=rights, **more)
    return {"project_key": key, "repo_slug": slug}


def post(office: Office, who: str | None, what: str, repo: dict[str, str], **headers: str) -> requests.Response:
    """A call about one repository."""
    return office.call(who, "POST", f"{PATH}/{what}", {"resource": repo}, **headers)


def install(office: Office, repo: dict[str, str], who: str = "olga") -> dict[str, Any]:
    """Install, expecting success."""
    answer = post(office, who, "reinstall-webhook", repo)
    assert answer.status_code == 200 and answer.json()["success"], answer.text
    return answer.json()


def row_of(office: Office, connection: int) -> dict[str, Any]:
    """A connection's row."""
    sql = "select * from connection where provider = 'bitbucket' and id = %s"
    return office.stack.rows(sql, connection)[0]


def hooks(office: Office, repo: dict[str, str]) -> list[dict[str, Any]]:
    """Bitbucket's webhooks."""
    return office.stack.sims.bitbucket.hooks_of(repo=f"{repo['project_key']}/{repo['repo_slug']}")


def deliver(office: Office, repo: dict[str, str], connection: int, secret: str) -> int:
    """A signed delivery to the ingress; its status."""
    place = {"slug": repo["repo_slug"], "project": {"key": repo["project_key"]}}
    body = encode({"eventKey": "repo:refs_changed", "repository": place})
    port = office.stack.programs["ingress"].http
    url = f"http://127.0.0.1:{port}{PATH}/connections/{connection}/events"
    named = {"X-Event-Key": "repo:refs_changed", "X-Hub-Signature": sign(secret, body)}
    return requests.post(url, data=body, headers=named, timeout=10).status_code


def wait_delivery(office: Office, repo: dict[str, str], connection: int, secret: str) -> None:
    """Until the ingress has heard of the secret and takes a delivery signed with it."""
    wait_until(lambda: deliver(office, repo, connection, secret) == 200, 5, "the delivery is taken")


def listed(office: Office, who: str, repo: dict[str, str]) -> dict[str, Any] | None:
    """The repository's entry in the list, read anew."""
    answer = office.call(who, "GET", f"{PATH}/resources", X_Bitbucket_Token=f"bb-{who}")
    assert answer.status_code == 200, answer.text
    name = f"{repo['project_key']}/{repo['repo_slug']}"
    return next((r for r in answer.json()["resources"] if r["full_name"] == name), None)


# --- installing ---------------------------------------------------------------------------------


def test_install_makes_the_hook_and_the_connection(office: Office) -> None:
    """The contract's answer; name, events in order, secret, address; the row; deliveries count."""
    repo = new_repo(office)
    made = install(office, repo)
    number = made["connection_id"]
    (hook,) = hooks(office, repo)
    url = f"{office.stack.origin}{PATH}/connections/{number}/events"
    assert made == repo | {
        "success": True,
        "error": None,
        "webhook_id": str(hook["id"]),
        "connection_id": number,
        "webhook_url": url,
    }
    secret = hook["configuration"]["secret"]
    assert (hook["name"], hook["url"], hook["events"], hook["active"]) == (NAME, url, RESOLVER_EVENTS, True)
    assert len(secret) == 43 and hook["sslVerificationRequired"] is True
    row = row_of(office, number)
    assert (row["status"], row["hook_id"], row["hook_error"]) == ("active", str(hook["id"]), None)
    assert row["owner_user_id"] == office.ids["olga"] and row["repo_id"] > 0
    assert secret.encode() not in bytes(row["secret_sealed"])
    wait_delivery(office, repo, number, secret)
    office.stack.secrets.append(secret)


def test_install_again_keeps_the_id_and_changes_the_secret(office: Office) -> None:
    """Reinstall: same connection and hook, put right; the old secret still counts."""
    repo = new_repo(office)
    first = install(office, repo)
    old = hooks(office, repo)[0]["configuration"]["secret"]
    office.sql("update connection set rotated_at = now() - interval '1 hour'")
    again = install(office, repo, "adam")
    (hook,) = hooks(office, repo)
    new = hook["configuration"]["secret"]
    assert again == first and new != old
    assert row_of(office, first["connection_id"])["owner_user_id"] == office.ids["adam"]
    for secret in (old, new):
        wait_delivery(office, repo, first["connection_id"], secret)
    assert deliver(office, repo, first["connection_id"], "x" * 43) == 403


@pytest.mark.parametrize(
    ("name", "url"),
    [
        (NAME, "{origin}/integration/bitbucket-dc/events"),
        (NAME, "{origin}/integration/bitbucket-dc/connections/17/events"),
        (NAME, "{upper}/integration/bitbucket-dc/connections/{id}/events"),
        ("Somebody renamed it", "{origin}/integration/bitbucket-dc/connections/{id}/events/"),
        (NAME, "https://old.example.com/integration/bitbucket-dc/connections/{id}/events"),
    ],
    ids=["legacy", "other id", "capitals", "renamed", "other host"],
)
def test_install_takes_over_a_hook_of_ours(office: Office, name: str, url: str) -> None:
    """Found by what it is, not only by its id: changed in place, no second one."""
    repo = new_repo(office)
    number = install(office, repo)["connection_id"]
    bitbucket = office.stack.sims.bitbucket
    bitbucket.drop_hooks()
    origin = office.stack.origin
    address = url.format(origin=origin, upper=origin.upper().replace("HTTPS", "https"), id=number)
    found = bitbucket.add_hook(repo=f"PROJ/{repo['repo_slug']}", url=address, name=name, active=False)
    again = install(office, repo)
    (hook,) = hooks(office, repo)
    assert again["webhook_id"] == str(found) == str(hook["id"])
    assert (hook["name"], hook["url"], hook["active"]) == (NAME, again["webhook_url"], True)
    assert hook["events"] == RESOLVER_EVENTS


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("CI", "https://ci.example.com/hook"),
        (NAME, "https://staging.example.com/integration/bitbucket-dc/connections/17/events"),
        ("Mirror", "{origin}/elsewhere"),
        (NAME, "{origin}/integration/jira-dc/connections/17/events"),
    ],
    ids=["foreign", "another installation", "our host", "another path"],
)
def test_install_leaves_the_hooks_of_others_alone(office: Office, name: str, url: str) -> None:
    """Neither changed nor removed, by Uninstall neither."""
    repo = new_repo(office)
    address = url.format(origin=office.stack.origin)
    bitbucket = office.stack.sims.bitbucket
    other = bitbucket.add_hook(repo=f"PROJ/{repo['repo_slug']}", url=address, name=name)
    before = hooks(office, repo)
    made = install(office, repo)
    assert [h["id"] for h in hooks(office, repo)] == [other, int(made["webhook_id"])]
    assert post(office, "olga", "uninstall-webhook", repo).json()["success"]
    assert hooks(office, repo) == before


def test_names_go_out_as_they_are(office: Office) -> None:
    """Personal repositories, dots, names in another case and with spaces around."""
    person = new_repo(office, "~olga", "dot.files_1", owner="olga")
    assert install(office, person)["project_key"] == "~olga"
    repo = new_repo(office)
    made = install(office, {"project_key": " proj ", "repo_slug": f" {repo['repo_slug'].upper()}"})
    assert made | repo == made
    assert install(office, repo)["connection_id"] == made["connection_id"]


def test_a_moved_repository_keeps_its_connection(office: Office) -> None:
    """Found by its number; the name is brought up to date."""
    repo = new_repo(office)
    first = install(office, repo)
    moved = {"project_key": "NEXT", "repo_slug": f"new-{repo['repo_slug']}"}
    office.stack.sims.bitbucket.move_repo(repo=f"PROJ/{repo['repo_slug']}", key="NEXT", slug=moved["repo_slug"])
    entry = listed(office, "olga", moved)
    assert entry and entry["connection_id"] == first["connection_id"]
    again = install(office, moved)
    assert again == first | moved
    row = row_of(office, first["connection_id"])
    assert (row["project_key"], row["repo_slug"]) == ("NEXT", moved["repo_slug"])


def test_a_repository_made_anew_takes_the_name_over(office: Office) -> None:
    """The old one moved away, another took its name: not enrolled, then the connection is its."""
    repo = new_repo(office)
    first = install(office, repo)
    office.stack.sims.bitbucket.move_repo(repo=f"PROJ/{repo['repo_slug']}", key="AWAY", slug=repo["repo_slug"])
    new_repo(office, "PROJ", repo["repo_slug"])
    entry = listed(office, "olga", repo)
    assert entry and entry["webhook_enrolled"] is False and entry["connection_id"] is None
    again = install(office, repo)
    assert again["connection_id"] == first["connection_id"]
    assert again["webhook_id"] != first["webhook_id"]
    entry = listed(office, "olga", repo)
    assert entry and entry["webhook_enrolled"] is True


# --- what goes wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["reinstall-webhook", "uninstall-webhook", "enroll-webhook"])
def test_only_an_admin_of_the_repository_may(office: Office, what: str) -> None:
    """Writing is not enough; nothing is stored, no secret shown."""
    repo = new_repo(office)
    answer = post(office, "mia", what, repo)
    assert answer.status_code == 403
    assert answer.json() == {"detail": NOT_ADMIN, "error": NO_RIGHT}
    sql = "select 1 from connection where repo_slug = %s"
    assert office.stack.rows(sql, repo["repo_slug"]) == [] and hooks(office, repo) == []


def test_an_installed_hook_is_safe_from_who_is_no_admin(office: Office) -> None:
    """The upstream hole: enrolling again changed the secret and took the installation over."""
    repo = new_repo(office)
    number = install(office, repo)["connection_id"]
    before, hook = row_of(office, number), hooks(office, repo)
    body = {"resource": repo, "webhook_id": "1"}
    assert office.call("mia", "PATCH", f"{PATH}/webhook-id", body).status_code == 403
    for what in ("reinstall-webhook", "uninstall-webhook", "enroll-webhook"):
        assert post(office, "mia", what, repo).status_code == 403
    assert row_of(office, number) == before and hooks(office, repo) == hook


def test_what_bitbucket_refuses_is_shown(office: Office) -> None:
    """200 with success false and its words; a first installation leaves nothing active."""
    gone = {"project_key": "PROJ", "repo_slug": "gone"}
    answer = post(office, "olga", "reinstall-webhook", gone)
    nothing = {"webhook_id": None, "connection_id": None, "webhook_url": None}
    assert answer.status_code == 200
    assert answer.json() == gone | {"success": False, "error": NOT_THERE} | nothing
    repo = new_repo(office)
    body = {"errors": [{"context": "url", "message": "The URL is on no allow list.", "exceptionName": None}]}
    office.stack.sims.bitbucket.fault(match="POST .*/webhooks", status=400, body=body, times=1)
    answer = post(office, "olga", "reinstall-webhook", repo)
    words = "Bitbucket answered 400: The URL is on no allow list."
    assert (answer.status_code, answer.json()["success"]) == (200, False)
    assert answer.json()["error"] == words
    (row,) = office.stack.rows("select * from connection where repo_slug = %s", repo["repo_slug"])
    assert (row["status"], row["hook_error"], row["hook_id"]) == ("pending", words, None)
    entry = listed(office, "olga", repo)
    assert entry and entry["webhook_enrolled"] is False
    assert install(office, repo)["connection_id"] == row["id"]
    assert row_of(office, row["id"])["hook_error"] is None


def test_a_failed_reinstallation_leaves_the_hook_working(office: Office) -> None:
    """The old hook keeps its secret, which counts; the list says enrolled."""
    repo = new_repo(office)
    number = install(office, repo)["connection_id"]
    old = hooks(office, repo)[0]["configuration"]["secret"]
    office.sql("update connection set rotated_at = now() - interval '1 hour'")
    office.stack.sims.bitbucket.fault(match="PUT .*/webhooks", status=500, body="oops", times=1)
    answer = post(office, "olga", "reinstall-webhook", repo).json()
    # an unsafe call that failed is looked for: it was not written, so it is written again
    assert answer["success"], answer
    office.stack.sims.bitbucket.fault(match="PUT .*/webhooks", status=409, body={}, times=1)
    answer = post(office, "olga", "reinstall-webhook", repo).json()
    assert not answer["success"]
    assert row_of(office, number)["status"] == "active"
    wait_delivery(office, repo, number, old)
    entry = listed(office, "olga", repo)
    assert entry and entry["webhook_enrolled"] is True


def test_a_token_that_bitbucket_does_not_know(office: Office) -> None:
    """Told apart from a missing right."""
    bitbucket = office.stack.sims.bitbucket
    repo = new_repo(office)
    answer = post(office, "olga", "reinstall-webhook", repo, X_Bitbucket_Token="wrong")
    assert bitbucket.forgive() != []
    assert (answer.status_code, answer.json()["success"]) == (200, False)
    assert answer.json()["error"].startswith("Bitbucket does not accept the token")
    answer = office.call("olga", "GET", f"{PATH}/resources", X_Bitbucket_Token="wrong")
    assert bitbucket.forgive() != []
    assert answer.status_code == 500
    assert answer.json()["detail"] == "Failed to retrieve Bitbucket DC resources"
    assert answer.json()["error"].startswith("Bitbucket does not accept the token")


def test_somebody_who_has_not_signed_in_with_bitbucket(office: Office) -> None:
    """The way out is named; a token given once is enough."""
    repo = new_repo(office)
    bitbucket = office.stack.sims.bitbucket
    for answer, detail in (
        (post(office, "max", "reinstall-webhook", repo), "Failed to install Bitbucket DC webhook"),
        (post(office, "max", "uninstall-webhook", repo), "Failed to uninstall Bitbucket DC webhook"),
        (post(office, "max", "enroll-webhook", repo), "Failed to enroll Bitbucket DC webhook"),
        (office.call("max", "GET", f"{PATH}/resources"), "Failed to retrieve Bitbucket DC resources"),
    ):
        assert answer.status_code == 500 and answer.json()["detail"] == detail
        assert answer.json()["error"].startswith("you have not signed in with Bitbucket")
    bitbucket.grant(repo=f"PROJ/{repo['repo_slug']}", user="max", right="REPO_ADMIN")
    assert post(office, "max", "reinstall-webhook", repo, X_Bitbucket_Token="bb-max").json()["success"]
    entry = listed(office, "max", repo)
    assert entry and entry["installed_by_user_id"] == office.ids["max"]
    # for a while the list is there without the token; nothing else is
    again = office.call("max", "GET", f"{PATH}/resources").json()["resources"]
    assert [r["full_name"] for r in again] == [f"PROJ/{repo['repo_slug']}"]
    assert post(office, "max", "reinstall-webhook", repo).status_code == 500


def test_bitbucket_away_is_ours(office: Office) -> None:
    """No answer of Bitbucket: 500 with the contract's text; a list that is known stays."""
    repo = new_repo(office)
    assert listed(office, "adam", repo)
    office.stack.sims.bitbucket.fault(match=".", close=True, times=-1)
    answer = post(office, "adam", "reinstall-webhook", repo)
    assert answer.status_code == 500
    assert answer.json()["detail"] == "Failed to install Bitbucket DC webhook"
    assert answer.json()["error"]
    assert office.call("adam", "GET", f"{PATH}/resources").status_code == 200


def test_the_bot_that_cannot_read_is_noted(office: Office) -> None:
    """Installed, and the reason why answers will fail is kept for our page."""
    repo = new_repo(office)
    office.stack.sims.bitbucket.grant(repo=f"PROJ/{repo['repo_slug']}", user="openhands", right=None)
    number = install(office, repo)["connection_id"]
    row = row_of(office, number)
    assert row["status"] == "active" and "the bot cannot see it" in row["hook_error"]
    entry = listed(office, "olga", repo)
    assert entry and entry["webhook_enrolled"] is True
    page = office.call("olga", "GET", f"{PATH}/resources?query={repo['repo_slug']}").json()
    assert page["resources"][0]["hook_error"] == row["hook_error"]


def test_the_bot_is_known_after_the_first_installation(office: Office) -> None:
    """Its own comments must not start anything."""
    install(office, new_repo(office))
    (server,) = office.stack.rows("select * from instance where provider = 'bitbucket'")
    assert server["bot_name"] == "openhands" and server["bot_id"]


# --- crashes and races --------------------------------------------------------------------------


def test_an_installation_killed_in_between_is_repaired(office: Office) -> None:
    """Killed while Bitbucket writes: nothing authentic is refused; Install again is the cure."""
    repo = new_repo(office)
    bitbucket = office.stack.sims.bitbucket

    def act() -> None:
        with pytest.raises(requests.RequestException):
            install(office, repo)

    for match in ("POST .*/webhooks", "PUT .*/webhooks"):
        bitbucket.hold(match=match, after=True)
        caller = threading.Thread(target=act)
        caller.start()
        wait_until(lambda: bitbucket.held() == 1, 10, "Bitbucket is writing")
        office.stack.programs["installer"].kill9()
        bitbucket.release()
        caller.join()
        wait_until(lambda: len(hooks(office, repo)) == 1, 5, "the hook is there")
        office.stack.programs["installer"].start()
        (row,) = office.stack.rows("select * from connection where repo_slug = %s", repo["repo_slug"])
        secret = hooks(office, repo)[0]["configuration"]["secret"]
        wait_delivery(office, repo, row["id"], secret)
        office.sql("update connection set rotated_at = now() - interval '1 hour'")
        made = install(office, repo)
        assert made["connection_id"] == row["id"] and len(hooks(office, repo)) == 1
        assert row_of(office, row["id"])["secret_next_sealed"] is None


def test_an_answer_that_never_came_is_looked_for(office: Office) -> None:
    """The hook was written, the answer lost: one hook, success."""
    repo = new_repo(office)
    office.stack.sims.bitbucket.fault(match="POST .*/webhooks", close=True, effect=True)
    made = install(office, repo)
    assert [str(h["id"]) for h in hooks(office, repo)] == [made["webhook_id"]]


@pytest.mark.parametrize("again", range(3))
def test_two_who_install_at_once_make_one_hook(office: Office, again: int) -> None:
    """Also when neither saw the other's: the younger one is removed."""
    repo = new_repo(office, "TWICE", f"repo-{again}")
    bitbucket = office.stack.sims.bitbucket
    bitbucket.hold(match="POST .*/webhooks", times=2)
    found: list[dict[str, Any]] = []

    def act(who: str) -> None:
        found.append(post(office, who, "reinstall-webhook", repo).json())

    people = [threading.Thread(target=act, args=(who,)) for who in ("olga", "adam")]
    for person in people:
        person.start()
    wait_until(lambda: bitbucket.held() == 2, 10, "both are about to write")
    bitbucket.release()
    for person in people:
        person.join()
    assert [f["success"] for f in found] == [True, True], found
    (hook,) = hooks(office, repo)
    assert {f["webhook_id"] for f in found} == {str(hook["id"])}
    wait_delivery(office, repo, found[0]["connection_id"], hook["configuration"]["secret"])


# --- the rest -----------------------------------------------------------------------------------


def test_uninstall_removes_the_hook_and_pauses(office: Office) -> None:
    """Idempotent; deliveries on their way are taken and have no effect; the id stays."""
    repo = new_repo(office)
    made = install(office, repo)
    number = made["connection_id"]
    secret = hooks(office, repo)[0]["configuration"]["secret"]
    gone = post(office, "olga", "uninstall-webhook", repo)
    assert gone.status_code == 200 and gone.json() == made
    assert hooks(office, repo) == []
    row = row_of(office, number)
    assert (row["status"], row["hook_id"]) == ("paused", None)
    wait_delivery(office, repo, number, secret)
    entry = listed(office, "olga", repo)
    assert entry and entry["webhook_enrolled"] is False
    again = post(office, "olga", "uninstall-webhook", repo).json()
    assert again == made | {"webhook_id": None}
    assert install(office, repo)["connection_id"] == number
    assert row_of(office, number)["status"] == "active"


def test_uninstall_where_nothing_is(office: Office) -> None:
    """Success without a connection; a hook of OHE's own stays."""
    repo = new_repo(office)
    url = f"{office.stack.origin}{PATH}/connections/17/events"
    office.stack.sims.bitbucket.add_hook(repo=f"PROJ/{repo['repo_slug']}", url=url)
    answer = post(office, "olga", "uninstall-webhook", repo)
    nothing = {"webhook_id": None, "connection_id": None, "webhook_url": None}
    assert answer.json() == repo | {"success": True, "error": None} | nothing
    assert len(hooks(office, repo)) == 1


def test_a_connection_that_only_watches_is_left_alone(office: Office) -> None:
    """Its secret and hook are OHE's own until the take-over is committed."""
    repo = new_repo(office)
    number = install(office, repo)["connection_id"]
    office.sql(f"update connection set status = 'shadow' where id = {number} and provider = 'bitbucket'")
    before = hooks(office, repo)
    for what in ("reinstall-webhook", "uninstall-webhook", "enroll-webhook"):
        answer = post(office, "olga", what, repo).json()
        assert answer["success"] is False and "take-over" in answer["error"]
    assert hooks(office, repo) == before


def test_enroll_shows_the_secret_and_takes_the_id(office: Office) -> None:
    """The manual flow: both secrets count until the new one is used; webhook-id notes the hook."""
    repo = new_repo(office)
    made = post(office, "olga", "enroll-webhook", repo).json()
    number = made["connection_id"]
    secret = made.pop("webhook_secret")
    assert made == repo | {
        "success": True,
        "error": None,
        "connection_id": number,
        "webhook_url": f"{office.stack.origin}{PATH}/connections/{number}/events",
        "webhook_name": NAME,
        "events": RESOLVER_EVENTS,
    }
    wait_delivery(office, repo, number, secret)
    entry = listed(office, "olga", repo)
    assert entry and entry["webhook_enrolled"] is True and entry["webhook_id"] is None
    office.sql("update connection set created_at = created_at - interval '1 hour'")
    other = post(office, "adam", "enroll-webhook", repo).json()["webhook_secret"]
    for one in (secret, other):
        wait_delivery(office, repo, number, one)
    office.stack.secrets += [secret, other]
    body = {"resource": repo, "webhook_id": "4711"}
    noted = office.call("olga", "PATCH", f"{PATH}/webhook-id", body)
    assert noted.status_code == 200
    assert noted.json() == repo | {"success": True, "error": None}
    assert row_of(office, number)["hook_id"] == "4711"


def test_webhook_id_without_enrollment(office: Office) -> None:
    """404 with the contract's text; 400 for what is empty; 422 for what is no text."""
    body: dict[str, Any] = {"resource": new_repo(office), "webhook_id": "1"}
    answer = office.call("olga", "PATCH", f"{PATH}/webhook-id", body)
    assert (answer.status_code, answer.json()) == (
        404,
        {"detail": "Bitbucket DC webhook enrollment not found"},
    )
    answer = office.call("olga", "PATCH", f"{PATH}/webhook-id", body | {"webhook_id": " "})
    assert (answer.status_code, answer.json()) == (
        400,
        {"detail": "project_key, repo_slug, and webhook_id are required"},
    )
    answer = office.call("olga", "PATCH", f"{PATH}/webhook-id", {"resource": body["resource"]})
    assert answer.status_code == 422 and isinstance(answer.json()["detail"], str)


def test_the_list_has_the_contracts_members(office: Office) -> None:
    """Only what the caller administers; connected or not; no secret."""
    plain, connected = new_repo(office), new_repo(office)
    made = install(office, connected)
    entry = listed(office, "olga", plain)
    assert entry == {
        "project_key": "PROJ",
        "repo_slug": plain["repo_slug"],
        "name": plain["repo_slug"],
        "full_name": f"PROJ/{plain['repo_slug']}",
        "type": "repository",
        "connection_id": None,
        "webhook_enrolled": False,
        "webhook_id": None,
        "webhook_url": None,
        "webhook_secret_set": False,
        "installed_by_user_id": None,
        "last_synced": None,
    }
    entry = listed(office, "olga", connected)
    assert entry
    assert entry.pop("last_synced").endswith("+00:00")
    assert entry["webhook_secret_set"] is True and entry["webhook_enrolled"] is True
    assert entry["installed_by_user_id"] == office.ids["olga"]
    for name in ("connection_id", "webhook_id", "webhook_url"):
        assert entry[name] == made[name]
    assert listed(office, "mia", connected) is None


def test_who_may_not_call(office: Office) -> None:
    """Nobody, somebody without the permission, another site's page."""
    repo = new_repo(office)
    assert post(office, None, "reinstall-webhook", repo).json() == {"error": "NoCredentialsError"}
    assert office.call(None, "GET", f"{PATH}/resources").status_code == 401
    answer = post(office, "gus", "reinstall-webhook", repo)
    assert (answer.status_code, answer.json()["detail"]) == (
        403,
        "Requires manage_integrations permission",
    )
    for what in ("reinstall-webhook", "uninstall-webhook", "enroll-webhook"):
        sent = {"resource": repo}
        answer = office.browser("olga", strict=False).call("POST", f"{PATH}/{what}", sent, site="cross-site")
        assert answer.status_code == 403
    assert hooks(office, repo) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"resource": {"project_key": " ", "repo_slug": "x"}}, 400),
        ({"resource": {"project_key": "P", "repo_slug": ""}}, 400),
        ({"resource": {"project_key": "P"}}, 422),
        ({"resource": {"project_key": 7, "repo_slug": "x"}}, 422),
        ({"resource": None}, 422),
        ({}, 422),
        ([], 422),
    ],
)
def test_bodies_that_cannot_be_used(office: Office, body: Any, status: int) -> None:
    """Refused with a text, before Bitbucket is asked."""
    answer = office.call("olga", "POST", f"{PATH}/reinstall-webhook", body)
    assert answer.status_code == status
    assert isinstance(answer.json()["detail"], str)
    if status == 400:
        assert answer.json() == {"detail": "project_key and repo_slug are required"}


def test_without_the_jwt_secret_a_token_is_given_once(office: Office) -> None:
    """The list and the installation work with it, and without it the way out is named."""
    repo = new_repo(office)
    with office.variant("installer", JWT_SECRET=""):
        answer = office.call("olga", "GET", f"{PATH}/resources")
        assert answer.status_code == 500
        assert "JWT_SECRET is not set" in answer.json()["error"]
        assert "/integration/dc/repositories" in answer.json()["error"]
        assert listed(office, "olga", repo)
        answer = post(office, "olga", "reinstall-webhook", repo, X_Bitbucket_Token="bb-olga")
        assert answer.json()["success"], answer.text
        assert post(office, "olga", "reinstall-webhook", repo).status_code == 500
    assert office.stack.rows("select 1 from connection where bot_token_sealed is not null") == []


def test_bitbucket_that_is_away_is_said_with_what_to_look_at(office: Office) -> None:
    """In the list's and the installation's failure, and on our page."""
    why = "Bitbucket at http://127.0.0.1:9: it cannot be reached from here, check the address and the network: "
    with office.variant("installer", BITBUCKET_DATA_CENTER_HOST="http://127.0.0.1:9"):
        listed = office.call("olga", "GET", f"{PATH}/resources")
        installed = post(office, "olga", "reinstall-webhook", {"project_key": "PROJ", "repo_slug": "away"})
        page = office.browser("olga").open("/integration/dc/repositories")
    for answer in (listed, installed):
        assert answer.status_code == 500 and answer.json()["error"].startswith(why), answer.text
    assert why in page.text and "signed in" not in page.text
