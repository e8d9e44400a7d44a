"""Changing Jira's webhook secret under load: whatever dies between two steps, no authentic delivery is refused."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
import requests

from tests.connect.office import JIRA_API, Office, open_office
from tests.e2e.signing import encode, sign
from tests.e2e.stack import Stack
from tests.e2e.waiting import wait_until

SETTINGS = {"JIRA_DC_ENABLE_OAUTH": "0", "JIRA_DC_HTTP_TIMEOUT": "20"}
HOOKS = "/rest/jira-webhook/1.0/webhooks"
NUMBERS = itertools.count(1)
WAITED = "update connection set rotated_at = rotated_at - interval '1 hour', next_at = next_at - interval '1 hour'"


@pytest.fixture(scope="module")
def office(stack: Stack) -> Office:
    """One connected Jira, set up automatically by olga."""
    made = open_office(stack)
    made.set_up(svc_acc_api_key=None)
    return made


@pytest.fixture(autouse=True)
def rested(office: Office) -> Iterator[None]:
    """The last change was long ago; what an ended program asked twice is no matter here."""
    office.sql(WAITED)
    yield
    office.stack.sims.jira.release()
    for remote in office.stack.sims.remotes():
        remote.heal()


@dataclass
class Load:
    """Jira as it sends: each delivery is signed with what the webhook has at that moment."""

    office: Office
    number: int
    statuses: list[int] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def secret(self) -> str:
        """Of the webhook in Jira."""
        (hook,) = self.office.stack.sims.jira.hooks_now()
        return str(hook["configuration"]["SECRET"])

    def send(self, http: requests.Session, secret: str) -> int:
        """One delivery; its status."""
        issue = {"id": "1", "self": f"{self.office.stack.jira_url}/rest/api/2/issue/1"}
        body = encode(
            {
                "webhookEvent": "jira:issue_updated",
                "issue": issue,
                "timestamp": next(NUMBERS),
            }
        )
        port = self.office.stack.programs["ingress"].http
        url = f"http://127.0.0.1:{port}{JIRA_API}/connections/{self.number}/events"
        headers = {"X-Hub-Signature": sign(secret, body)}
        return http.post(url, data=body, headers=headers, timeout=20).status_code

    def run(self) -> None:
        """Until told to stop."""
        http = requests.Session()
        while not self.stopping.wait(0.01):
            self.statuses.append(self.send(http, self.secret()))


@contextmanager
def load(office: Office) -> Iterator[Load]:
    """Deliveries all the while; at the end not one was refused."""
    (row,) = office.connections()
    made = Load(office, row["id"])
    threads = [threading.Thread(target=made.run) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: len(made.statuses) > 10, 10, "deliveries")
        yield made
        count = len(made.statuses)
        wait_until(lambda: len(made.statuses) > count + 20, 10, "more deliveries")
    finally:
        made.stopping.set()
        for thread in threads:
            thread.join(30)
    assert set(made.statuses) == {200}, made.statuses


def update(office: Office, **more: Any) -> requests.Response:
    """Update in the dialog, with an administrator's PAT."""
    body = {
        "workspace_name": office.host,
        "svc_acc_email": "openhands@example.com",
        "is_active": True,
        "admin_api_key": "admin-pat",
    }
    return office.call("olga", "POST", f"{JIRA_API}/workspaces", body | more)


def row_of(office: Office) -> dict[str, Any]:
    """The connection."""
    (row,) = office.connections()
    return row


def new_secret() -> str:
    """As the browser makes them."""
    return f"secret-of-the-browser-{next(NUMBERS)}"


class Lost:
    """An update that is under way when its program is killed."""

    def __init__(self, office: Office, secret: str) -> None:
        self.ended: list[str] = []
        self.thread = threading.Thread(target=self._run, args=(office, secret))
        self.thread.start()

    def _run(self, office: Office, secret: str) -> None:
        try:
            self.ended.append(str(update(office, webhook_secret=secret).status_code))
        except requests.ConnectionError:
            self.ended.append("lost")


def kill(office: Office, lost: Lost) -> None:
    """SIGKILL; the update's caller sees a broken connection; another program takes over."""
    office.stack.programs["installer"].kill9()
    lost.thread.join(30)
    assert lost.ended == ["lost"]
    office.stack.sims.jira.release()
    office.stack.programs["installer"].start()


@contextmanager
def locked(office: Office) -> Iterator[None]:
    """Nobody can change the connection's row."""
    with psycopg.connect(office.stack.url) as connection:
        connection.execute("select from connection for update")
        yield


def asks_for_the_row(office: Office) -> bool:
    """Whether somebody waits for the row."""
    sql = "select count(*) as n from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    return bool(office.stack.rows(sql)[0]["n"])


STEPS = {
    "before the next secret is stored": ("GET .*/serverInfo", False),
    "before the webhooks are read": (f"GET .*{HOOKS}$", False),
    "before the webhook is changed": (f"PUT .*{HOOKS}/", False),
    "after the webhook was changed": (f"PUT .*{HOOKS}/", True),
    "before the webhook is read back": (rf"GET .*{HOOKS}/\d+", False),
    "after the webhook was read back": (rf"GET .*{HOOKS}/\d+", True),
}


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_killed_between_two_steps(office: Office, step: str) -> None:
    """Nothing authentic is refused; the next update repairs."""
    jira, secret = office.stack.sims.jira, new_secret()
    match, after = STEPS[step]
    with load(office) as sent:
        jira.hold(match=match, after=after)
        lost = Lost(office, secret)
        wait_until(lambda: jira.held() == 1, 20, "Jira is asked")
        kill(office, lost)
        repaired = update(office)
        assert repaired.status_code == 200 and repaired.json()["webhookEnrolled"], repaired.text
        row = row_of(office)
        assert (row["secret_next_sealed"], row["status"]) == (None, "active")
        if "stored" not in step:
            assert sent.secret() == secret


def test_killed_while_every_ingress_learns_the_next_secret(office: Office) -> None:
    """The pause between storing and changing."""
    secret = new_secret()
    with load(office) as sent:
        lost = Lost(office, secret)
        wait_until(
            lambda: row_of(office)["secret_next_sealed"] is not None,
            20,
            "next is stored",
        )
        kill(office, lost)
        assert sent.send(requests.Session(), secret) == 200
        assert update(office).json()["webhookEnrolled"] and sent.secret() == secret


def test_killed_before_the_new_secret_counts(office: Office) -> None:
    """The webhook has it, the row cannot be written; deliveries alone finish the change."""
    jira, secret = office.stack.sims.jira, new_secret()
    with load(office) as sent:
        jira.hold(match=rf"GET .*{HOOKS}/\d+", after=True)
        lost = Lost(office, secret)
        wait_until(lambda: jira.held() == 1, 20, "the webhook was changed")
        with locked(office):
            jira.release()
            wait_until(lambda: asks_for_the_row(office), 10, "the row is waited for")
            kill(office, lost)
        wait_until(
            lambda: row_of(office)["secret_next_sealed"] is None,
            30,
            "what is in use counts",
        )
        assert sent.secret() == secret
    assert office.stack.rows("select operator from audit where action = 'connection.secret_promoted'") == [
        {"operator": "ohdc-installer"}
    ]


def test_updates_without_pause_refuse_nothing(office: Office) -> None:
    """Automatic ones keep the secret; rotations follow each other no faster than deliveries travel."""
    with load(office) as sent:
        first = sent.secret()
        for _ in range(5):
            assert update(office).json()["webhookEnrolled"]
        assert sent.secret() == first
        statuses = [update(office, webhook_secret=new_secret()).status_code for _ in range(3)]
        assert statuses == [200, 429, 429]
        assert update(office, rotate_secret=True).status_code == 200


def test_two_at_once_refuse_nothing(office: Office) -> None:
    """One secret wins; the other caller is told to wait."""
    with load(office):
        answers: list[requests.Response] = []
        threads = [
            threading.Thread(target=lambda: answers.append(update(office, webhook_secret=new_secret())))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [200, 429, 429], [answer.text for answer in answers]
        late = next(answer for answer in answers if answer.status_code == 429)
        assert 0 < int(late.headers["Retry-After"]) <= 61
        assert "try again in" in late.json()["error"]


def test_a_webhook_changed_by_hand_ends_the_rotation(office: Office) -> None:
    """Manual update: both secrets are good until the administrator has entered the new one; then it counts."""
    jira, secret = office.stack.sims.jira, new_secret()
    with load(office):
        answer = update(office, webhook_secret=secret, admin_api_key="")
        assert answer.status_code == 200 and not answer.json()["webhookEnrolled"]
        assert row_of(office)["secret_next_sealed"] is not None
        (hook,) = jira.hooks_now()
        jira.set_hook(hook=hook["id"], configuration={"SECRET": secret})
        wait_until(
            lambda: row_of(office)["secret_next_sealed"] is None,
            30,
            "what is in use counts",
        )


def test_the_former_secret_ends_an_hour_after_its_successor_was_seen(
    office: Office,
) -> None:
    """Not before: nobody knows what is still on its way."""
    http, sent = requests.Session(), Load(office, row_of(office)["id"])
    old = sent.secret()
    assert update(office, webhook_secret=new_secret()).json()["webhookEnrolled"]
    assert sent.send(http, old) == 200
    row = row_of(office)
    assert row["secret_previous_sealed"] is not None and row["previous_until"] is None
    office.sql("update connection set rotated_at = rotated_at - interval '2 minutes'")
    assert sent.send(http, sent.secret()) == 200
    wait_until(lambda: row_of(office)["previous_until"] is not None, 20, "the new one was seen")
    assert sent.send(http, old) == 200
    office.sql("update connection set previous_until = now()")
    wait_until(
        lambda: row_of(office)["secret_previous_sealed"] is None,
        20,
        "the old one has ended",
    )
    wait_until(lambda: sent.send(http, old) == 403, 10, "the old one is refused")
    assert sent.send(http, sent.secret()) == 200
