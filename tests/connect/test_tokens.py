"""A person's Jira token: renewed once however many ask, given to who may have it, and lost only with a word."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
import requests

from tests.connect.browser import Browser, Page
from tests.connect.office import Office
from tests.connect.test_canary import assert_gone
from tests.e2e.stack import Program
from tests.e2e.waiting import wait_until
from tests.e2e.world import World

SETTINGS = {"OHDC_JIRA_TOKEN_IN_SANDBOX": "1"}
ORG = "0a000000-0000-4000-8000-000000000001"
PATH = "/integration/jira-dc/secrets/token"
KEY = b"jwt-secret-of-the-tests"
TOKEN_CALL = "POST /rest/oauth2/latest/token"
NUMBERS = itertools.count(1)


@dataclass
class Person:
    """Somebody of OpenHands with a Jira account, and their browser."""

    name: str
    id: str
    key: str
    browser: Browser


@pytest.fixture(autouse=True)
def usual(world: World) -> Iterator[None]:
    """Jira's provider as it was."""
    yield
    world.stack.sims.jira.release()
    world.stack.sims.jira.oauth_configure()


@pytest.fixture
def nina(world: World) -> Person:
    """A newcomer with a link by OAuth, whose first token has an hour left."""
    person = newcomer(world)
    link(person)
    return person


@pytest.fixture
def otto(world: World) -> Person:
    """A newcomer whose first token has three minutes left; the next one has an hour."""
    person = newcomer(world)
    world.stack.sims.jira.oauth_configure(access_seconds=180)
    link(person)
    world.stack.sims.jira.oauth_configure()
    return person


def newcomer(world: World) -> Person:
    """Signed in at OpenHands, not linked."""
    sims, name = world.stack.sims, f"toni{next(NUMBERS)}"
    identity = str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
    key = sims.jira.add_user(name=name, display=f"{name.title()} Example")["key"]
    sims.keycloak.add_person(identity=identity, email=f"{name}@example.com")
    repos = {"bitbucket_data_center": ["PROJ/web"]}
    sims.ohe.add_person(email=f"{name}@example.com", identity=identity, repos=repos)
    sims.ohe.set_role(identity=identity, org=ORG, role="member")
    session = sims.ohe.sign_in(identity=identity, org=ORG)
    return Person(name, identity, key, Browser(world.stack, session))


def link(person: Person) -> None:
    """Through Jira and the confirmation."""
    stack = person.browser.stack
    body = {"workspace_name": stack.jira_url}
    begun = person.browser.call("POST", "/integration/jira-dc/workspaces/link", body)
    assert begun.status_code == 200, begun.text
    page = person.browser.arrive(person.browser.jira(begun.json()["authorizationUrl"], person.name))
    done = person.browser.submit(Page(page).form("/confirm"))
    assert done.status_code == 302, done.text
    stack.secrets += live(stack.sims.jira, person)


def live(jira: Any, person: Person) -> list[str]:
    """All tokens of a person that count at Jira."""
    return [text for pair in jira.oauth_tokens(user=person.name) for text in pair.values() if text]


def sign(claims: dict[str, Any], key: bytes = KEY, alg: str = "HS256") -> str:
    """A compact JWS, as OpenHands makes it."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    head = part(json.dumps({"alg": alg, "typ": "JWT", "kid": "any"}).encode())
    text = f"{head}.{part(json.dumps(claims).encode())}"
    return f"{text}.{part(hmac.new(key, text.encode(), hashlib.sha256).digest())}"


def claims_of(world: World, person: Person, **changed: Any) -> dict[str, Any]:
    """What a lookup of this person says; None leaves a claim out."""
    claims = {
        "user_id": person.id,
        "integration": "jira_dc",
        "secret_name": "JIRA_DC_TOKEN",
        "workspace_id": world.jira.id,
        "iat": int(time.time()),
        "exp": int(time.time()) + 600,
    }
    return {name: value for name, value in (claims | changed).items() if value is not None}


def ask(world: World, token: str | None, program: Program | None = None) -> requests.Response:
    """As a sandbox does."""
    port = (program or world.stack.programs["linker"]).http
    headers = {"X-Access-Token": token} if token is not None else {}
    return requests.get(f"http://127.0.0.1:{port}{PATH}", headers=headers, timeout=60)


def token_of(world: World, person: Person, program: Program | None = None) -> str:
    """The token that is given out; it must be the live one."""
    answer = ask(world, sign(claims_of(world, person)), program)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["Cache-Control"] == "no-store"
    world.stack.secrets.append(answer.text)
    return answer.text


def works(world: World, token: str) -> str | None:
    """Whom Jira takes the token for."""
    headers = {"Authorization": f"Bearer {token}"}
    answer = requests.get(f"{world.stack.jira_url}/rest/api/2/myself", headers=headers, timeout=20)
    return answer.json()["name"] if answer.status_code == 200 else None


def row_of(world: World, person: Person) -> dict[str, Any]:
    """The person's only active link."""
    sql = "select * from user_link where user_id = %s and status = 'active'"
    (row,) = world.stack.rows(sql, person.id)
    return row


def refreshed(world: World) -> int:
    """How often Jira has given a new pair for an old one."""
    return int(world.stack.sims.jira.oauth_counts()["refreshed"])


def test_an_account_that_moves_meanwhile_gives_no_token(world: World, otto: Person) -> None:
    """Another person proves the account between the look and the renewal: the new token is not the former owner's."""
    other, before = newcomer(world), refreshed(world)
    waits = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like 'update user_link%%'"
    with psycopg.connect(world.stack.url) as moving, ThreadPoolExecutor(1) as pool:
        moving.execute("update user_link set user_id = %s where user_id = %s", (other.id, otto.id))
        asked = pool.submit(ask, world, sign(claims_of(world, otto)))
        wait_until(lambda: world.stack.rows(waits) != [], 10, "the renewal waits for the row")
        moving.commit()
        answer = asked.result()
    assert (answer.status_code, refreshed(world)) == (404, before), answer.text


# --- the endpoint ---------------------------------------------------------------------------------------


def test_a_token_that_lasts_is_given_as_it_is(world: World, nina: Person) -> None:
    """No call to Jira."""
    before = refreshed(world)
    token = token_of(world, nina)
    assert works(world, token) == nina.name
    assert token_of(world, nina) == token
    assert refreshed(world) == before


REFUSED: list[tuple[str, int, dict[str, Any]]] = [
    ("another person", 404, {"user_id": "00000000-0000-4000-8000-000000000000"}),
    ("no person", 401, {"user_id": None}),
    ("a person of another type", 401, {"user_id": 7}),
    ("another integration", 403, {"integration": "bitbucket_dc"}),
    ("no integration", 403, {"integration": None}),
    ("another secret", 403, {"secret_name": "GITHUB_TOKEN"}),
    ("another connection", 404, {"workspace_id": 77}),
    ("no connection", 401, {"workspace_id": None}),
    ("a connection that is none", 401, {"workspace_id": "1 or 1=1"}),
    ("expired", 401, {"exp": 1700000000}),
    ("without an end", 401, {"exp": None}),
    ("of tomorrow", 401, {"iat": 4000000000, "exp": 4000000600}),
]


@pytest.mark.parametrize(("name", "status", "changed"), REFUSED, ids=[row[0] for row in REFUSED])
def test_who_may_not_have_it(world: World, nina: Person, name: str, status: int, changed: dict[str, Any]) -> None:
    """Signed by the right key, but not for this."""
    answer = ask(world, sign(claims_of(world, nina, **changed)))
    assert answer.status_code == status, name
    assert answer.json()["detail"]
    assert all(text not in answer.text for text in live(world.stack.sims.jira, nina))


def test_who_is_not_known_to_have_signed(world: World, nina: Person) -> None:
    """No header, no JWS, another key, another algorithm, somebody else's cookie of sign-in."""
    claims = claims_of(world, nina)
    good = sign(claims)
    for token in (None, "", "x", good[:-2], good + "A", sign(claims, b"other"), sign(claims, alg="none")):
        answer = ask(world, token)
        assert answer.status_code == 401, token
        assert answer.json()["detail"] == "Invalid access token"


def test_a_connection_that_is_paused_gives_nothing(world: World, nina: Person) -> None:
    """And gives again when it is resumed."""
    world.stack.ohdc("connections", "pause", world.jira.name)
    try:
        assert ask(world, sign(claims_of(world, nina))).status_code == 404
    finally:
        world.stack.ohdc("connections", "resume", world.jira.name)
    assert works(world, token_of(world, nina)) == nina.name


def test_who_has_unlinked_has_no_token(world: World, nina: Person) -> None:
    """The stored pair is gone with the link."""
    page = Page(nina.browser.open("/integration/dc/link"))
    assert nina.browser.submit(page.form("/unlink")).status_code in (200, 302, 303)
    sql = "select * from user_link where user_id = %s"
    assert [(row["status"], row["tokens_sealed"]) for row in world.stack.rows(sql, nina.id)] == [("inactive", None)]
    assert ask(world, sign(claims_of(world, nina))).status_code == 404


def test_it_is_off_unless_it_is_switched_on(world: World, nina: Person) -> None:
    """404 whoever asks, and the key is not read."""
    env = world.stack.env_for("linker") | {"OHDC_JIRA_TOKEN_IN_SANDBOX": "0"}
    plain = Program("linker", world.stack.folder, env)
    plain.log = world.stack.folder / "linker-plain.log"
    plain.start()
    try:
        assert ask(world, sign(claims_of(world, nina)), plain).status_code == 404
        assert ask(world, None, plain).status_code == 404
    finally:
        assert plain.stop() == 0


@pytest.mark.parametrize("service", ["linker", "dispatcher"])
@pytest.mark.parametrize("missing", ["JWT_SECRET", "JIRA_DC_CLIENT_SECRET", "JIRA_DC_BASE_URL"])
def test_it_does_not_start_half_configured(world: World, service: str, missing: str) -> None:
    """One line says what is missing, and status 2."""
    env = world.stack.env_for(service) | {missing: ""}
    program = Program(service, world.stack.folder, env)
    program.log = world.stack.folder / f"{service}-half.log"
    program.start(wait=False)
    assert program.process
    assert program.process.wait(20) == 2
    assert f"{missing} is not set, expected because OHDC_JIRA_TOKEN_IN_SANDBOX is on" in program.log.read_text()
    program.log.unlink()


# --- renewing -------------------------------------------------------------------------------------------


@pytest.fixture
def twin(world: World) -> Iterator[Program]:
    """A second linker on the same database."""
    other = Program("linker", world.stack.folder, world.stack.env_for("linker"))
    other.log = world.stack.folder / f"linker-twin-{next(NUMBERS)}.log"
    other.start()
    yield other
    if other.process and other.process.poll() is None:
        assert other.stop() == 0


def test_fifty_at_once_are_one_refresh(world: World, otto: Person, twin: Program) -> None:
    """Two processes; Jira keeps its answer back until everybody has asked."""
    jira, before = world.stack.sims.jira, refreshed(world)
    (old, _) = live(jira, otto)
    token = sign(claims_of(world, otto))
    programs = itertools.cycle([world.stack.programs["linker"], twin])
    started = threading.Barrier(51)

    def one(program: Program) -> requests.Response:
        started.wait(30)
        return ask(world, token, program)

    jira.hold(match=TOKEN_CALL)
    with ThreadPoolExecutor(50) as pool:
        answers = [pool.submit(one, next(programs)) for _ in range(50)]
        started.wait(30)
        wait_until(lambda: jira.held() == 1, 10, "one call of somebody is kept back")
        jira.release()
        texts = {(answer.result().status_code, answer.result().text) for answer in answers}
    assert len(texts) == 1, texts
    ((status, new),) = texts
    world.stack.secrets.append(new)
    assert (status, works(world, new), works(world, old)) == (200, otto.name, None)
    assert refreshed(world) == before + 1
    row = row_of(world, otto)
    assert (row["refresh_owner"], row["refresh_until"]) == (None, None)


def test_the_next_one_is_renewed_with_the_new_pair(world: World, otto: Person) -> None:
    """A pair counts once: what was stored is what renews."""
    jira = world.stack.sims.jira
    jira.oauth_configure(access_seconds=180)
    first = token_of(world, otto)
    second = token_of(world, otto)
    jira.oauth_configure()
    third = token_of(world, otto)
    assert len({first, second, third}) == 3
    assert [works(world, token) for token in (first, second, third)] == [None, None, otto.name]


def test_jira_away_costs_nothing_while_the_token_is_good(world: World, otto: Person) -> None:
    """The old one serves; the new one comes when Jira is back."""
    jira, before = world.stack.sims.jira, refreshed(world)
    jira.fault(match=TOKEN_CALL, status=503, body="down", times=-1)
    old = token_of(world, otto)
    assert old in live(jira, otto)
    jira.heal()
    new = wait_until(lambda: (text := token_of(world, otto)) != old and text, 20, "a new token")
    assert works(world, new) == otto.name
    assert refreshed(world) == before + 1


def test_a_process_that_dies_over_it_is_followed(world: World, otto: Person, twin: Program) -> None:
    """Killed before Jira has worked on the call: the other one waits for the lease, then renews."""
    jira = world.stack.sims.jira
    jira.fault(match=TOKEN_CALL, delay_ms=2500, close=True)
    with ThreadPoolExecutor(2) as pool:
        lost = pool.submit(lambda: ask(world, sign(claims_of(world, otto)), twin))
        wait_until(lambda: jira.fault_hits() == [1], 10, "the call has begun")
        twin.kill9()
        with pytest.raises(requests.RequestException):
            lost.result()
    token = token_of(world, otto)
    assert works(world, token) == otto.name
    assert row_of(world, otto)["refresh_owner"] is None


# --- the conversation -----------------------------------------------------------------------------------


def start_of(world: World, comment: int | str) -> dict[str, Any]:
    """The start that OpenHands got for a comment, secrets in clear."""
    identity = world.one_job(comment)["id"]
    calls = world.stack.sims.ohe.calls(match="POST .*app-conversations$")
    bodies = [json.loads(call["body"]) for call in calls]
    (body,) = [body for body in bodies if body["conversation_id"].replace("-", "") == identity]
    return body


def test_the_conversation_gets_the_token_and_the_next_one(world: World, nina: Person) -> None:
    """Both values work; the prompt says how; no log, record or row holds them."""
    key, comment = world.ask_issue("@openhands with a token", user=nina.name)
    world.wait_issue(key, 2)
    body = start_of(world, comment)
    assert set(body["secrets"]) == {"JIRA_DC_TOKEN", "JIRA_DC_TOKEN_KEY"}
    token, lookup = body["secrets"]["JIRA_DC_TOKEN"], body["secrets"]["JIRA_DC_TOKEN_KEY"]
    world.stack.secrets += [token, lookup]
    assert works(world, token) == nina.name
    assert ask(world, lookup).text == token
    hint = body["system_message_suffix"]
    assert "Authorization: Bearer $JIRA_DC_TOKEN" in hint
    assert world.stack.jira_url in hint
    assert f"{world.stack.origin}{PATH}" in hint
    assert "wiki markup" in hint
    for secret in (token, lookup):
        assert secret not in json.dumps(body | {"secrets": None})
        assert all(secret.encode() not in record.value for record in world.stack.records("job"))
        assert not world.stack.rows("select 1 from job where job::text like %s", f"%{secret}%")


def test_tokens_are_gone_after_renewing_and_starting(world: World, otto: Person) -> None:
    """Old pair, new pair and key passed through linker and dispatcher, and are nowhere afterwards."""
    jira = world.stack.sims.jira
    texts = [*live(jira, otto), token_of(world, otto), *live(jira, otto)]
    key, comment = world.ask_issue("@openhands and leave no trace", user=otto.name)
    world.wait_issue(key, 2)
    texts.append(start_of(world, comment)["secrets"]["JIRA_DC_TOKEN_KEY"].rpartition(".")[2])
    world.settle()
    assert_gone(Office(world.stack), *texts)


def test_who_is_linked_by_an_operator_starts_without(world: World) -> None:
    """Nothing to give, nothing said about it."""
    key, comment = world.ask_issue("@openhands without a token", user="ana")
    world.wait_issue(key, 2)
    body = start_of(world, comment)
    assert "secrets" not in body
    assert "JIRA_DC_TOKEN" not in body["system_message_suffix"]


def test_bitbucket_gets_no_jira_token(world: World) -> None:
    """It is for Jira's issues."""
    number, comment = world.ask_pull("@openhands in Bitbucket")
    world.wait_pull(number, 2)
    assert "secrets" not in start_of(world, comment)


def test_who_has_to_link_again_is_told_and_then_served(world: World, otto: Person) -> None:
    """Access withdrawn in Jira: the asker reads it, links again, and the ask starts by itself."""
    jira = world.stack.sims.jira
    jira.oauth_revoke(user=otto.name)
    key, comment = world.ask_issue("@openhands after the withdrawal", user=otto.name)
    (answer,) = world.wait_issue(key, 1)
    assert "Please re-link in" in answer["body"]
    assert world.jobs("after the withdrawal") == []
    assert ask(world, sign(claims_of(world, otto))).status_code == 401
    row = row_of(world, otto)
    assert (row["account_key"], row["tokens_sealed"]) == (otto.key, None)
    (ended,) = world.job_rows(f":comment:{comment}")
    assert ended["outcome"] == "LOGIN_NEEDED"
    world.settle()
    link(otto)
    world.wait_issue(key, 3)
    assert len(world.jobs("after the withdrawal")) == 1


def test_a_pair_lost_between_jira_and_us_is_told(world: World, otto: Person, twin: Program) -> None:
    """The window that stays: killed with Jira's answer on its way. Nobody is served with a dead token."""
    jira = world.stack.sims.jira
    jira.hold(match=TOKEN_CALL, after=True)
    with ThreadPoolExecutor(2) as pool:
        lost = pool.submit(lambda: ask(world, sign(claims_of(world, otto)), twin))
        wait_until(lambda: jira.held() == 1, 10, "the answer is kept back")
        twin.kill9()
        with pytest.raises(requests.RequestException):
            lost.result()
        jira.release()
    assert ask(world, sign(claims_of(world, otto))).status_code == 401
    link(otto)
    assert works(world, token_of(world, otto)) == otto.name


def test_jira_that_gives_no_token_does_not_stop_a_start(world: World, otto: Person) -> None:
    """Run out and not to be renewed: the conversation starts without."""
    world.stack.rows(
        "update user_link set token_expires_at = now() - interval '1 s' where user_id = %s returning id",
        otto.id,
    )
    jira = world.stack.sims.jira
    jira.fault(match=TOKEN_CALL, status=503, body="down", times=-1)
    key, comment = world.ask_issue("@openhands although Jira gives none", user=otto.name)
    world.wait_issue(key, 2)
    assert "secrets" not in start_of(world, comment)
    jira.heal()
