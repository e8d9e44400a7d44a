"""Two of each service on one installation, deliveries at a steady rate, and what must hold afterwards."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from confluent_kafka import Consumer, TopicPartition

from tests.e2e.signing import encode, headers, pull_body
from tests.e2e.stack import Program
from tests.e2e.waiting import wait_until
from tests.e2e.world import World

TWINS = ("ingress", "linker", "dispatcher")


@dataclass
class Ask:
    """One comment with a mention, and whether a delivery of it got a 200."""

    where: str
    name: int | str
    comment: int | str
    accepted: bool


class Load(threading.Thread):
    """Signed deliveries that ask for nothing, to each ingress in turn; every outcome is kept."""

    def __init__(self, world: World, urls: list[str], rate: float) -> None:
        super().__init__(daemon=True)
        self.world, self.urls, self.rate = world, urls, rate
        self.outcomes: dict[str, int | str] = {}
        self.slowest = 0.0
        self.ended = threading.Event()
        self.body = pull_body(world, "nothing to do for openhands")

    def run(self) -> None:
        asyncio.run(self._send_all())

    async def _send_all(self) -> None:
        started, numbers = time.monotonic(), itertools.count()
        timeout = aiohttp.ClientTimeout(total=20)
        connector = aiohttp.TCPConnector(limit=0)
        session = aiohttp.ClientSession(timeout=timeout, connector=connector)
        async with session, asyncio.TaskGroup() as work:
            while not self.ended.is_set():
                number = next(numbers)
                work.create_task(self._send(session, number))
                await asyncio.sleep(max(0.0, started + (number + 1) / self.rate - time.monotonic()))

    async def _send(self, session: aiohttp.ClientSession, number: int) -> None:
        value = dict(self.body, comment=dict(self.body["comment"], id=10**8 + number))
        body = encode(value)
        sent = headers(self.world.bitbucket, body)
        name, began = sent["X-Request-Id"], time.monotonic()
        try:
            url = self.urls[number % len(self.urls)]
            async with session.post(url, data=body, headers=sent) as answer:
                await answer.read()
                self.outcomes[name] = answer.status
        except (aiohttp.ClientError, TimeoutError) as err:
            self.outcomes[name] = type(err).__name__
        self.slowest = max(self.slowest, time.monotonic() - began)

    def finish(self) -> None:
        """No more deliveries; waits for the open ones."""
        self.ended.set()
        self.join(40)
        assert not self.is_alive(), "deliveries are still open"

    def tally(self) -> dict[int | str, int]:
        """How many ended how."""
        found: dict[int | str, int] = {}
        for outcome in self.outcomes.values():
            found[outcome] = found.get(outcome, 0) + 1
        return found


@dataclass
class Fleet:
    """The world with twins of ingress, linker and dispatcher; hooks lead to both ingresses."""

    world: World
    twins: dict[str, list[Program]] = field(default_factory=dict)
    asks: list[Ask] = field(default_factory=list)

    def start(self) -> Fleet:
        """Start the second of each and register its hooks."""
        stack = self.world.stack
        for name in TWINS:
            twin = Program(name, stack.folder, stack.env_for(name))
            twin.log = Path(stack.folder / f"{name}-2.log")
            twin.start()
            self.twins[name] = [stack.programs[name], twin]
        for connection, add in (
            (self.world.bitbucket, lambda **a: stack.sims.bitbucket.add_hook(repo="PROJ/web", **a)),
            (self.world.jira, stack.sims.jira.add_hook),
        ):
            add(url=self.urls(connection.path)[1], secret=connection.secret)
        return self

    def urls(self, path: str) -> list[str]:
        """A path on each ingress."""
        return [f"http://127.0.0.1:{program.http}{path}" for program in self.twins["ingress"]]

    def load(self, rate: float) -> Load:
        """Deliveries at a rate (a second), started."""
        made = Load(self.world, self.urls(self.world.bitbucket.path), rate)
        made.start()
        return made

    def ask(self, text: str) -> Ask:
        """The next ask: pull requests and issues in turn; whatever its deliveries get."""
        sims, place = self.world.stack.sims, len(self.asks)
        text = f"@openhands {text} {place}"
        if place % 2:
            number = self.world.pull()
            sent = sims.bitbucket.comment_as(repo="PROJ/web", number=number, user="ana", text=text)
            made = Ask("pull", number, sent["id"], 200 in sent["statuses"])
        else:
            key = f"PROJ-{next(self.world.numbers)}"
            sims.jira.add_issue(key=key, reporter="ana", description="Repository: PROJ/web")
            sent = sims.jira.comment_as(issue=key, user="ana", body=text)
            made = Ask("issue", key, sent["id"], 200 in sent["statuses"])
        self.asks.append(made)
        return made

    def answers(self, ask: Ask) -> list[str]:
        """What the bot wrote there."""
        if ask.where == "pull":
            return [c["text"] for c in self.world.pull_answers(int(ask.name))]
        return [c["body"] for c in self.world.issue_answers(str(ask.name))]

    def has_read_all(self) -> bool:
        """Whether the linkers' group has committed the end of the webhook topic."""
        stack = self.world.stack
        ends = stack.ends("webhook")
        config = {"bootstrap.servers": stack.kafka.brokers, "group.id": f"{stack.prefix}linker"}
        consumer = Consumer(config)
        try:
            topic = stack.topic("webhook")
            places = consumer.committed([TopicPartition(topic, number) for number in ends], 10)
        finally:
            consumer.close()
        return all(place.offset >= ends[place.partition] for place in places)

    def finish(self, deadline: float = 120) -> None:
        """Until all that was accepted is taken in, decided, carried out and answered."""
        wait_until(self.has_read_all, deadline, "the topic is read to its end", 0.5)
        self.world.drained(deadline)
        wait_until(lambda: all(len(self.answers(a)) >= 2 for a in self.asks if a.accepted), 60, "answers")

    def stop_twins(self) -> None:
        """Drain the second of each; every exit status must be 0."""
        statuses = {name: pair[1].stop() for name, pair in self.twins.items()}
        assert set(statuses.values()) == {0}, statuses

    # --- what must hold ---------------------------------------------------------------------------

    def wrong_asks(self) -> list[Any]:
        """Asks that have not exactly one conversation, one acknowledgement and one result."""
        jobs = {job["id"]: job for job in self.world.stack.sims.ohe.jobs()}
        wrong: list[Any] = []
        for ask in self.asks:
            rows = [r for r in self.world.job_rows(f":comment:{ask.comment}") if r["kind"] == "start"]
            texts = self.answers(ask)
            if not ask.accepted and not rows and not texts:
                continue
            job = jobs.get(rows[0]["conversation_id"].hex) if len(rows) == 1 else None
            started = (job["posts"], job["runs"], job["messages"]) if job else None
            if started != (1, 1, 1) or len(texts) != 2 or "All done." not in texts[1]:
                wrong.append((ask, started, texts))
        return wrong

    def lost(self, load: Load) -> list[str]:
        """Request ids that got a 200 without a record in the topic and a row that explains it."""
        topic = {r.headers.get("ohdc-request-id") for r in self.world.stack.records("webhook")}
        rows = self.world.stack.rows("select request_id from delivery_outcome where reason is not null")
        known = {row["request_id"] for row in rows} & topic
        return [name for name, outcome in load.outcomes.items() if outcome == 200 and name not in known]

    def untraced(self) -> list[str]:
        """Asks that `ohdc trace` does not tell to the end."""
        missing = []
        sql = "select delivery_id::text as id from delivery where event_key like %s and verdict = 'TRIGGERED'"
        for ask in self.asks:
            for row in self.world.stack.rows(sql, f"%:comment:{ask.comment}"):
                told = self.world.stack.ohdc("trace", row["id"])
                if "JOB_STARTED" not in told or "DONE" not in told:
                    missing.append(told)
        return missing

    def counts(self) -> dict[str, Any]:
        """Everything that reading again must not change."""
        stack, sims = self.world.stack, self.world.stack.sims
        one = lambda table: stack.rows(f"select count(*) as n from {table}")[0]["n"]  # noqa: E731
        return {table: one(table) for table in ("delivery", "trigger", "job", "effect")} | {
            "runs": sum(job["runs"] for job in sims.ohe.jobs()),
            "comments": len(sims.bitbucket.calls(match=r"^POST .*/comments$"))
            + len(sims.jira.calls(match=r"^POST .*/comment$")),
        }
