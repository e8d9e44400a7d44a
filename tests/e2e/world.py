"""The people, repositories, issues and connections that most scenarios share."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.stack import Connection, Stack
from tests.e2e.waiting import wait_until

PROVIDER = "bitbucket_data_center"
BOT = "openhands"


@dataclass
class World:
    """A stack with connections, and short ways to act and look."""

    stack: Stack
    bitbucket: Connection
    jira: Connection
    people: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    # --- acting -----------------------------------------------------------------------------

    def pull(self, repo: str = "PROJ/web", **more: Any) -> int:
        """A new pull request."""
        return self.stack.sims.bitbucket.add_pull(repo=repo, author="ana", **more)

    def ask_pull(self, text: str, user: str = "ana", number: int = 0, **more: Any) -> tuple[int, int]:
        """Comment on a (new) pull request; pull request and comment id. Expects a 200."""
        number = number or self.pull()
        sent = self.stack.sims.bitbucket.comment_as(repo="PROJ/web", number=number, user=user, text=text, **more)
        assert sent["statuses"] == [200], sent
        return number, sent["id"]

    def issue(self, reporter: str = "ana", **more: Any) -> str:
        """A new issue; its description names the repository unless told otherwise."""
        key = f"PROJ-{next(self.numbers)}"
        more.setdefault("description", "Steps to see it.\nRepository: PROJ/web")
        made = self.stack.sims.jira.add_issue(key=key, reporter=reporter, **more)
        assert all(status == 200 for status in made["statuses"]), made
        return key

    def ask_issue(self, text: str, user: str = "ana", issue: str = "", **more: Any) -> tuple[str, str]:
        """Comment on a (new) issue: two deliveries; issue key and comment id."""
        key = issue or self.issue()
        sent = self.stack.sims.jira.comment_as(issue=key, user=user, body=text, **more)
        assert sent["statuses"] == [200, 200], sent
        return key, sent["id"]

    # --- looking ----------------------------------------------------------------------------

    def pull_answers(self, number: int) -> list[dict[str, Any]]:
        """The bot's comments on a pull request."""
        thread = self.stack.sims.bitbucket.thread(repo="PROJ/web", number=number)
        return [c for c in thread if c["author"] == BOT]

    def issue_answers(self, key: str) -> list[dict[str, Any]]:
        """The bot's comments on an issue."""
        return [c for c in self.stack.sims.jira.thread(issue=key) if c["author"] == BOT]

    def jobs(self, text: str) -> list[dict[str, Any]]:
        """The app server's jobs whose first message has the text."""
        found = []
        for job in self.stack.sims.ohe.jobs():
            content = job["request"]["initial_message"]["content"][0]["text"]
            if text in content:
                found.append(job)
        return found

    def job_rows(self, event_key_end: str) -> list[dict[str, Any]]:
        """Rows of table job whose event key ends so, oldest first."""
        return self.stack.rows("select * from job where event_key like %s order by created_at", f"%{event_key_end}")

    def nudge(self, comment: int | str) -> None:
        """Let a job that waits for a limit or a locked-out bot try now instead of in minutes."""
        self.stack.rows(
            "update job set next_attempt_at = now(), progress = jsonb_set(progress, '{next_ms}', '0')"
            " where event_key like %s and state = 'WAITING' and lease_owner is null returning job_id",
            f"%:comment:{comment}",
        )

    def wait_waiting(self, comment: int | str) -> dict[str, Any]:
        """Until the job of a comment is WAITING; its row."""
        sql = "select * from job where event_key like %s and state = 'WAITING'"
        return wait_until(lambda: self.stack.rows(sql, f"%:comment:{comment}"), 20, "a job that is WAITING")[0]

    def one_job(self, key_part: str | int) -> dict[str, Any]:
        """The app server's only job of an ask: started once, run once."""
        rows = [row for row in self.job_rows(f":{key_part}") if row["kind"] == "start"]
        assert len(rows) == 1, rows
        identity = rows[0]["conversation_id"].hex
        found = [job for job in self.stack.sims.ohe.jobs() if job["id"] == identity]
        assert [(job["posts"], job["runs"]) for job in found] == [(1, 1)], found
        return found[0]

    def wait_pull(self, number: int, count: int = 2, deadline: float = 30) -> list[dict[str, Any]]:
        """Until the bot has written so many comments on a pull request."""
        wait_until(
            lambda: len(self.pull_answers(number)) >= count,
            deadline,
            f"{count} answers on {number}",
        )
        return self.pull_answers(number)

    def wait_issue(self, key: str, count: int = 2, deadline: float = 30) -> list[dict[str, Any]]:
        """Until the bot has written so many comments on an issue."""
        wait_until(lambda: len(self.issue_answers(key)) >= count, deadline, f"{count} answers on {key}")
        return self.issue_answers(key)

    def settle(self, deadline: float = 40) -> None:
        """Until nothing is left to do: every trigger decided, every job ended, every outbox empty."""
        sql = """select (select count(*) from trigger where state in ('NEW', 'SENT'))
                      + (select count(*) from job where ended_at is null)
                      + (select count(*) from job_outbox) as left"""
        wait_until(lambda: self.stack.rows(sql)[0]["left"] == 0, deadline, "all work is done")

    def drained(self, deadline: float = 40) -> None:
        """Until the linker has read the webhook topic to its end, and all work is done."""
        ends = self.stack.ends("webhook")
        sql = """select topic_partition as number, next_offset as place from consumer_offset
                  where group_name = %s and topic = %s"""
        place = (f"{self.stack.prefix}linker", self.stack.topic("webhook"))

        def read() -> bool:
            places = {row["number"]: row["place"] for row in self.stack.rows(sql, *place)}
            return all(places.get(number, 0) >= end for number, end in ends.items())

        wait_until(read, deadline, f"everything is read: {ends}")
        self.settle(deadline)


def make_world(stack: Stack) -> World:
    """Fill the simulators, add the connections and register their webhooks; starts the services."""
    sims = stack.sims
    sims.ohe.configure(service_key="service-key")
    sims.keycloak.add_client(name="ohdc", secret="keycloak-secret")
    people: dict[str, str] = {}
    keys: dict[str, str] = {}
    for name in ("ana", "bob", "zoe"):
        account = sims.bitbucket.add_user(name=name, display=f"{name.title()} Example")
        keys[name] = sims.jira.add_user(name=name, display=f"{name.title()} Example")["key"]
        if name == "zoe":
            continue
        people[name] = str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
        sims.keycloak.add_person(
            identity=people[name],
            email=f"{name}@example.com",
            attributes={"bitbucket_data_center_id": [str(account["id"])]},
        )
    sims.ohe.add_person(
        email="ana@example.com",
        identity=people["ana"],
        repos={PROVIDER: ["PROJ/web", "PROJ/api", "OTHER/web"]},
    )
    sims.ohe.add_person(email="bob@example.com", identity=people["bob"], repos={PROVIDER: ["X/y"]})
    sims.bitbucket.add_user(name=BOT, token="bot-token", display="OpenHands")
    sims.jira.add_user(
        name=BOT,
        token="bot-pat",
        key="JIRAUSER9",
        email="openhands@example.com",
        display="OpenHands",
    )
    rights = {"ana": "REPO_WRITE", "bob": "REPO_WRITE", "zoe": "REPO_READ", BOT: "REPO_WRITE"}
    sims.bitbucket.add_repo(key="PROJ", slug="web", rights=rights)
    stack.prepare()
    bitbucket = stack.connect("bitbucket", "--repo", "PROJ/web")
    jira = stack.connect("jira", "--base-url", stack.jira_url)
    for name in ("ana", "bob"):
        stack.ohdc(
            "links",
            "add",
            "--connection",
            jira.name,
            "--jira-key",
            keys[name],
            "--user",
            people[name],
        )
    stack.start()
    sims.bitbucket.add_hook(repo="PROJ/web", url=stack.events_url(bitbucket), secret=bitbucket.secret)
    sims.jira.add_hook(url=stack.events_url(jira), secret=jira.secret)
    return World(stack, bitbucket, jira, people, keys)
