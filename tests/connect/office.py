"""People at OpenHands' Settings: an owner, an admin, members of one organisation, their sessions, and Jira's people."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import psycopg
import requests

from tests.connect.browser import Browser
from tests.e2e.signing import sign
from tests.e2e.stack import Program, Stack
from tests.e2e.waiting import wait_until

ORG = "0a000000-0000-4000-8000-000000000001"
OTHER_ORG = "0a000000-0000-4000-8000-000000000002"
PROVIDER = "bitbucket_data_center"
ROLES = {"olga": "owner", "adam": "admin", "mia": "member", "max": "member", "gus": "guest"}
SERVICES = ("ingress", "linker", "installer")
RESOLVER_EVENTS = [
    "repo:refs_changed",
    "repo:comment:added",
    "repo:comment:edited",
    "repo:comment:deleted",
    "pr:opened",
    "pr:from_ref_updated",
    "pr:modified",
    "pr:reviewer:approved",
    "pr:reviewer:unapproved",
    "pr:reviewer:needs_work",
    "pr:merged",
    "pr:declined",
    "pr:deleted",
    "pr:comment:added",
    "pr:comment:edited",
    "pr:comment:deleted",
]
EVENTS = [
    "comment_created",
    "comment_deleted",
    "comment_updated",
    "jira:issue_created",
    "jira:issue_deleted",
    "jira:issue_updated",
]
JIRA_API = "/integration/jira-dc"
BITBUCKET_API = "/integration/bitbucket-dc"


@dataclass
class Office:
    """A stack with people; short ways to act as one of them and to look."""

    stack: Stack
    ids: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def host(self) -> str:
        """Jira's host as people type it."""
        return urlsplit(self.stack.jira_url).netloc

    # --- acting -------------------------------------------------------------------------------

    def browser(self, name: str | None = None, **more: Any) -> Browser:
        """A browser in which somebody (None: nobody) is signed in."""
        return Browser(self.stack, self.sessions[name] if name else None, **more)

    def call(self, who: str | None, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """A call of OpenHands' own screens; header names with _ for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.browser(who).call(method, path, body, headers=named)

    def newcomer(self, role: str = "member") -> str:
        """Another person, signed in, with an account at Jira; the name."""
        name = f"p{next(self.numbers)}"
        self.hire(name, role)
        return name

    def hire(self, name: str, role: str) -> None:
        """Make a person."""
        sims = self.stack.sims
        self.ids[name] = str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
        sims.ohe.add_person(email=f"{name}@example.com", identity=self.ids[name])
        sims.ohe.set_role(identity=self.ids[name], org=ORG, role=role)
        self.sessions[name] = sims.ohe.sign_in(identity=self.ids[name], org=ORG)
        self.keys[name] = sims.jira.add_user(name=name, display=f"{name.title()} Example")["key"]

    @contextmanager
    def variant(self, service: str, **settings: str) -> Iterator[None]:
        """The service with other settings while the block runs; the first one keeps running."""
        first = self.stack.programs[service]
        other = Program(service, self.stack.folder, self.stack.env_for(service) | settings)
        other.log = self.stack.folder / f"{service}-{next(self.numbers)}.log"
        other.start()
        self.stack.programs[service] = other
        try:
            yield
        finally:
            self.stack.programs[service] = first
            assert other.stop() == 0

    def deliver(self, base: str, secret: str, connection: int, key: str = "JIRAUSER77") -> int:
        """A signed comment with a mention by a person without an address, as the Jira at `base` would send it."""
        user = {"self": f"{base}/rest/api/2/user?username=ana", "name": "ana", "key": key, "displayName": "Ana"}
        issue = {"id": "10", "key": "P-1", "self": f"{base}/rest/api/2/issue/10", "fields": {"summary": "x"}}
        comment = {"id": "11", "self": f"{base}/rest/api/2/issue/10/comment/11", "body": "@openhands go"}
        value = {"timestamp": int(time.time() * 1000), "webhookEvent": "comment_created", "issue": issue}
        value["comment"] = comment | {"author": user, "updateAuthor": user}
        body = json.dumps(value).encode()
        headers = {"Content-Type": "application/json", "X-Hub-Signature": sign(secret, body)}
        url = f"http://127.0.0.1:{self.stack.programs['ingress'].http}{JIRA_API}/connections/{connection}/events"
        return requests.post(url, data=body, headers=headers, timeout=20).status_code

    # --- looking ------------------------------------------------------------------------------

    def connections(self) -> list[dict[str, Any]]:
        """Jira's connections, with the server of each."""
        return self.stack.rows(
            "select c.*, i.base_url from connection c join instance i on i.id = c.instance_id"
            " where c.provider = 'jira' order by c.id"
        )

    def links(self, name: str | None = None) -> list[dict[str, Any]]:
        """Links of a person, or all."""
        return self.stack.rows(
            "select * from user_link where %s::text is null or user_id = %s order by id",
            self.ids[name] if name else None,
            self.ids[name] if name else None,
        )

    def states(self) -> int:
        """How many one-time states are open."""
        return self.stack.rows("select count(*) as n from oauth_state where expires_at > now()")[0]["n"]

    def forget(self) -> None:
        """No connection, link or state of Jira; no hook there. Caches of who is asked by id are outlived."""
        self.sql("delete from user_link", "delete from oauth_state", "delete from connection where provider = 'jira'")
        self.stack.sims.jira.drop_hooks()

    @contextmanager
    def broken(self, table: str) -> Iterator[None]:
        """A table is away while the block runs: what is unexpected for everybody."""
        self.sql(f"alter table {table} rename to {table}_away")
        try:
            yield
        finally:
            self.sql(f"alter table {table}_away rename to {table}")

    def sql(self, *statements: str) -> None:
        """Change the database."""
        with psycopg.connect(self.stack.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def set_up(self, owner: str = "olga", **more: Any) -> dict[str, Any]:
        """An active connection with its hook, made by an owner through the screens; its row."""
        body = {
            "workspace_name": self.host,
            "svc_acc_email": "openhands@example.com",
            "svc_acc_api_key": "bot-pat",
            "admin_api_key": "admin-pat",
            "is_active": True,
        } | more
        made = self.call(owner, "POST", f"{JIRA_API}/workspaces", body)
        assert made.status_code == 200, made.text
        (row,) = self.connections()
        return row


def open_office(stack: Stack) -> Office:
    """Make the people, start what answers them."""
    sims, office = stack.sims, Office(stack)
    sims.ohe.configure(service_key="service-key")
    sims.keycloak.add_client(name="ohdc", secret="keycloak-secret")
    for name, role in ROLES.items():
        office.hire(name, role)
    sims.jira.add_user(name="root", token="admin-pat", admin=True)
    sims.jira.add_user(name="plain", token="plain-pat")
    bot = {"display": "OpenHands", "email": "openhands@example.com"}
    sims.jira.add_user(name="openhands", token="bot-pat", key="JIRAUSER9", **bot)
    sims.bitbucket.add_user(name="openhands", token="bot-token", display="OpenHands")
    stack.secrets += ["admin-pat", "plain-pat"]
    stack.prepare()
    stack.start(*SERVICES)
    return office


def wait_states(office: Office, count: int) -> None:
    """Until so many one-time states are open."""
    wait_until(lambda: office.states() == count, 10, f"{count} open states")
