"""Follows an installation and prints each change: webhooks, deliveries, job steps, effects."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.demo import screen
from tests.sim.client import Sims

DELIVERIES = """select delivery_id::text as id, event, verdict, event_key, intake_at as at
                  from delivery order by intake_at"""
DECIDED = """select event_key, outcome, user_id, decided_at as at from trigger
              where decided_at is not null order by decided_at"""
STEPS = """select s.id, s.job_id::text as job, j.record, s.state, s.reason, s.detail, s.at
             from job_step s join job j using (job_id) order by s.id"""
EFFECTS = """select e.job_id::text || e.kind || e.seq as id, e.job_id::text as job, j.record, e.kind,
                    e.updated_at as at
               from effect e join job j using (job_id) where e.state = 'confirmed'
              order by e.updated_at"""
WORDS = {
    "reaction": "reaction on the asking comment",
    "ack": "acknowledgement posted",
    "start": "conversation started",
    "result": "result posted",
    "guidance": "guidance posted",
}
STATES = {
    "PREPARING": "reads the comment again, finds the organisation",
    "STARTING": "repository found, starts a conversation",
    "RUNNING": "the agent works",
    "ANSWERING": "the agent has finished",
}
ISSUES = ("PROJ-1", "PROJ-2")
HELD_BACK = 0.3


def seconds(value: datetime | float) -> float:
    """A moment as seconds since 1970."""
    return value.timestamp() if isinstance(value, datetime) else value


def in_short(text: str, limit: int = 90) -> str:
    """A comment on one line, without the mark that is not shown to people."""
    lines = [part.strip() for part in text.splitlines() if "ohdc-" not in part]
    found = " ".join(part for part in lines if part)
    return found if len(found) <= limit else found[: limit - 1] + "…"


def name_of(row: dict[str, Any]) -> str:
    """A job as people know it: its id and what it is about."""
    ask = row["record"]["ask"]
    about = ask.get("issue_key") or f"{ask['project_key']}/{ask['repo_slug']} #{ask['pull_request_id']}"
    return f"job {row['job'][:8]} ({about})"


@dataclass
class Live:
    """What has been shown so far; show() prints the news in order of time."""

    url: str
    sims: Sims
    seen: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)

    def show(self, everything: bool = False) -> None:
        """Print what is new, in order of time; the last moments are held back until they are whole."""
        horizon = time.time() - (0 if everything else HELD_BACK)
        news = self._webhooks() + self._database() + self._peers()
        fresh = [entry for entry in news if entry[0] not in self.seen and entry[1] <= horizon]
        for key, at, who, text in sorted(fresh, key=lambda entry: entry[1]):
            self.seen.add(key)
            screen.line(at, who, text)

    def _webhooks(self) -> list[tuple[str, float, str, str]]:
        found = []
        for name in ("jira", "bitbucket"):
            for place, sent in enumerate(getattr(self.sims, name).deliveries()):
                mine = '"name": "openhands"' in sent["body"].split('"pullRequest"')[0][:3000]
                if sent["status"] == 0 or mine:
                    continue
                text = f"webhook {sent['event']} → ingress: {sent['status']}, durable in Kafka"
                found.append((f"{name}{place}", sent["at"], name.title(), text))
        return found

    def _database(self) -> list[tuple[str, float, str, str]]:
        with psycopg.connect(self.url, row_factory=dict_row, autocommit=True) as base:
            deliveries = base.execute(DELIVERIES).fetchall()
            decided = base.execute(DECIDED).fetchall()
            steps = base.execute(STEPS).fetchall()
            effects = base.execute(EFFECTS).fetchall()
        self.own |= {row["id"] for row in deliveries if row["verdict"] == "BOT_AUTHOR"}
        found = [
            (row["id"], seconds(row["at"]), "Linker", self._delivery(row))
            for row in deliveries
            if row["id"] not in self.own
        ]
        for row in decided:
            who = f"is OpenHands user {row['user_id']}" if row["user_id"] else row["outcome"]
            key = f"{row['event_key']}{row['at']}"
            found.append((key, seconds(row["at"]), "Linker", f"{row['event_key']} {who}"))
        found += [
            (f"step{row['id']}", seconds(row["at"]), "Dispatcher", self._step(row))
            for row in steps
            if (row["state"], row["reason"]) != ("STARTING", "JOB_STARTED")
        ]
        for row in effects:
            text = f"{name_of(row)}  {WORDS.get(row['kind'], row['kind'])}"
            found.append((row["id"], seconds(row["at"]), "Dispatcher", text))
        return found

    @staticmethod
    def _delivery(row: dict[str, Any]) -> str:
        key = f"  {row['event_key']}" if row["event_key"] else ""
        return f"delivery {row['id'][:8]}  {row['event']}  {row['verdict']}{key}"

    @staticmethod
    def _step(row: dict[str, Any]) -> str:
        reason = "" if row["reason"] == "JOB_STARTED" else row["reason"] or ""
        words = [row["state"], reason, row["detail"] or STATES.get(row["state"], "")]
        return f"{name_of(row)}  {'  '.join(word for word in words if word)}"

    def _peers(self) -> list[tuple[str, float, str, str]]:
        found = []
        for place, call in enumerate(self.sims.ohe.calls(match="^POST /api/v1/app-conv")):
            text = f"conversation started as {call['user']}"
            found.append((f"ohe{place}", call["at"], "OpenHands", text))
        for comment in self.answers():
            body = comment.get("body") or comment.get("text") or ""
            text = f"{comment['where']}: “{in_short(body)}”"
            found.append((f"c{comment['where']}{comment['id']}", comment["at"], comment["who"], text))
        return found

    def answers(self) -> list[dict[str, Any]]:
        """Every comment of the demo's issues and pull requests, with where it is."""
        found = []
        for key in ISSUES:
            for comment in self.sims.jira.thread(issue=key):
                found.append({**comment, "where": key, "who": "Jira"})
        for comment in self.sims.bitbucket.thread(repo="PROJ/web", number=1):
            found.append({**comment, "where": "PROJ/web #1", "who": "Bitbucket"})
        return [{**c, "id": str(c["id"])} for c in found]
