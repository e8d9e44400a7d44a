"""The front door: nothing is acknowledged that is not in the topic, byte for byte."""

from __future__ import annotations

import hashlib
import re
import threading
import time
import uuid

import pytest
import requests

from tests.e2e.signing import encode, post, pull_body, sign
from tests.e2e.waiting import wait_until
from tests.e2e.world import World

SETTINGS = {"OHDC_KEEP_BODIES": "all"}
REFUSED = {"jira": "Invalid webhook signature!", "bitbucket": "Request signatures didn't match!"}


@pytest.mark.asan
def test_each_200_has_its_record_byte_for_byte(world: World) -> None:
    """Odd bytes and spacing survive; the headers tell what, when and from whom."""
    bodies = {}
    for place in range(20):
        text = f"no ask {place} ünïcödé 🐧 \\u00e9 {'x' * (place * 997)}"
        body = encode(pull_body(world, text)).replace(b'", "', b'" ,\n\t"')
        answer = post(world, world.bitbucket, body)
        assert answer.status_code == 200
        expected = {"message": "Bitbucket DC events endpoint reached successfully."}
        assert answer.json() == expected
        bodies[hashlib.sha256(body).hexdigest()] = body
    found = {
        r.headers["ohdc-body-sha256"]: r
        for r in world.stack.records("webhook")
        if r.headers["ohdc-body-sha256"] in bodies
    }
    assert {digest: record.value for digest, record in found.items()} == bodies
    for record in found.values():
        headers = record.headers
        assert headers["ohdc-provider"] == "bitbucket"
        assert headers["ohdc-connection-id"] == str(world.bitbucket.id)
        assert headers["ohdc-event"] == "pr:comment:added"
        assert headers["ohdc-source"] == "webhook"
        assert headers["ohdc-schema"].split(".")[0] == "1"
        assert uuid.UUID(headers["ohdc-delivery-id"]).version in (4, 7)
        assert abs(int(headers["ohdc-received-at"]) / 1000 - time.time()) < 120
        assert record.key is not None
        assert record.key.startswith(b"bitbucket:")


def jira_body(world: World) -> bytes:
    """A small delivery of the right Jira."""
    base = world.stack.sims.jira.base_url
    return encode(
        {
            "timestamp": 1,
            "webhookEvent": "comment_created",
            "comment": {
                "self": f"{base}/rest/api/2/issue/1/comment/2",
                "id": "2",
                "body": "x",
                "author": {"name": "ana", "key": "ana"},
            },
        }
    )


@pytest.mark.asan
@pytest.mark.parametrize("provider", ["jira", "bitbucket"])
def test_refusals_are_all_alike(world: World, provider: str) -> None:
    """Bad, missing, doubled, malformed signature and unknown connection: the same 403, no record."""
    connection = getattr(world, provider)
    body = jira_body(world) if provider == "jira" else encode(pull_body(world, "x"))
    good = sign(connection.secret, body)
    records = len(world.stack.records("webhook"))
    wrong: list[str | None] = [
        None,
        "",
        good[:-1],
        good[:-1] + ("0" if good[-1] != "0" else "1"),
        good.replace("sha256=", "sha1="),
        good.replace("sha256=", ""),
        good + "0",
        f"{good}, {good}",
        sign("another secret", body),
    ]
    answers = [post(world, connection, body, change={"X-Hub-Signature": w}) for w in wrong]
    stranger = connection.path.replace(str(connection.id), "424242")
    answers.append(post(world, connection, body, path=stranger))
    shown = {(a.status_code, a.text, a.headers["Content-Type"]) for a in answers}
    assert len(shown) == 1, shown
    assert answers[0].status_code == 403
    assert answers[0].json() == {"detail": REFUSED[provider]}
    assert len(world.stack.records("webhook")) == records


def test_hex_digits_in_any_case_are_taken(world: World) -> None:
    """The signature's case does not matter."""
    body = encode(pull_body(world, "upper case"))
    upper = "sha256=" + sign(world.bitbucket.secret, body)[7:].upper()
    change = {"X-Hub-Signature": upper}
    assert post(world, world.bitbucket, body, change=change).status_code == 200


def test_a_body_of_another_origin_is_refused(world: World) -> None:
    """Rightly signed, but of another repository or another Jira."""
    foreign = pull_body(world, "x")
    for ref in ("fromRef", "toRef"):
        foreign["pullRequest"][ref] = {
            **foreign["pullRequest"][ref],
            "repository": {"slug": "other", "id": 99999, "project": {"key": "ELSE"}},
        }
    answer = post(world, world.bitbucket, encode(foreign))
    assert (answer.status_code, answer.json()) == (403, {"detail": REFUSED["bitbucket"]})
    other = jira_body(world).replace(b"127.0.0.1", b"jira.example.org")
    answer = post(world, world.jira, other)
    assert (answer.status_code, answer.json()) == (403, {"detail": REFUSED["jira"]})


def test_a_ping_is_answered_and_not_stored(world: World) -> None:
    """Bitbucket's test button is unsigned."""
    records = len(world.stack.records("webhook"))
    change = {"X-Hub-Signature": None, "X-Event-Key": "diagnostics:ping"}
    answer = post(world, world.bitbucket, b'{"test":true}', change=change)
    assert (answer.status_code, answer.json()) == (
        200,
        {"message": "Bitbucket DC ping acknowledged."},
    )
    assert len(world.stack.records("webhook")) == records


def test_other_methods_and_paths(world: World) -> None:
    """404 and 405 with a readable detail; never a hint about connections."""
    url = world.stack.events_url(world.bitbucket)
    got = requests.get(url, timeout=5)
    assert got.status_code == 405
    assert isinstance(got.json()["detail"], str)
    missing = requests.post(url.replace("/events", "/nothing"), data=b"{}", timeout=5)
    assert missing.status_code == 404
    text = url.replace(str(world.bitbucket.id), "seven")
    assert requests.post(text, data=b"{}", timeout=5).status_code in (403, 404, 422)


def test_a_new_connection_works_at_once(world: World) -> None:
    """Its first delivery comes before any cache could know it."""
    sims = world.stack.sims
    sims.bitbucket.add_repo(key="PROJ", slug="fresh", rights={"openhands": "REPO_WRITE"})
    made = world.stack.connect("bitbucket", "--repo", "PROJ/fresh")
    body = encode(pull_body(world, "x")).replace(b'"slug": "web"', b'"slug": "fresh"')
    assert post(world, made, body).status_code == 200


def test_a_paused_connection_takes_and_ignores(world: World) -> None:
    """200, verdict INTEGRATION_OFF, no job; after resume it works."""
    world.stack.ohdc("connections", "pause", world.bitbucket.name)

    def paused() -> bool:
        number, _ = world.ask_pull("@openhands while paused")
        del number
        rows = world.stack.rows("select verdict from delivery where verdict = 'INTEGRATION_OFF'")
        return bool(rows)

    wait_until(paused, 20, "a delivery that is ignored", every=0.3)
    world.stack.ohdc("connections", "resume", world.bitbucket.name)
    wait_until(lambda: world.stack.rows("select 1 from connection where status = 'active'"), 5, "active")


class Load:
    """A steady stream of deliveries; keeps the digest of each body that got a 200."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.acknowledged: set[str] = set()
        self.statuses: dict[int, int] = {}
        self.go = True
        self.sent = 0
        self.threads = [threading.Thread(target=self._run, args=(n,)) for n in range(4)]
        for thread in self.threads:
            thread.start()

    def _run(self, lane: int) -> None:
        place = 0
        while self.go:
            body = encode(pull_body_cached(self.world, f"{self.name} {lane} {place}"))
            place += 1
            self.sent += 1
            try:
                status = post(self.world, self.world.bitbucket, body).status_code
            except requests.RequestException:
                status = 0
            self.statuses[status] = self.statuses.get(status, 0) + 1
            if status == 200:
                self.acknowledged.add(hashlib.sha256(body).hexdigest())
            time.sleep(0.01)

    def open_requests(self) -> int:
        """How many requests have no answer yet."""
        return self.sent - sum(self.statuses.values())

    def stop(self) -> None:
        """End the stream."""
        self.go = False
        for thread in self.threads:
            thread.join()


TEMPLATE: dict[str, dict] = {}


def pull_body_cached(world: World, text: str) -> dict:
    """A body without a database call for each."""
    base = TEMPLATE.setdefault(world.stack.name, pull_body(world, ""))
    comment = {**base["comment"], "id": uuid.uuid4().int % 10**9 + 10**6, "text": text}
    return {**base, "comment": comment}


def test_a_broker_restart_under_load_loses_nothing(world: World) -> None:
    """Killed and started again: every acknowledged body is in the topic; others got 503."""
    load = Load(world, "restart")
    wait_until(lambda: len(load.acknowledged) > 50, 20, "load before the restart")
    world.stack.kafka.restart(kill=True)
    seen = len(load.acknowledged)
    wait_until(lambda: len(load.acknowledged) > seen + 50, 60, "load after the restart")
    load.stop()
    assert set(load.statuses) <= {200, 503}, load.statuses
    stored = {r.headers["ohdc-body-sha256"] for r in world.stack.records("webhook")}
    assert load.acknowledged <= stored, len(load.acknowledged - stored)
    world.drained(60)


def test_a_killed_ingress_loses_nothing_acknowledged(world: World) -> None:
    """kill -9 under load, while a slow broker holds records back: a 200 was never given too early."""
    load = Load(world, "killed")
    ingress = world.stack.programs["ingress"]
    for _ in range(3):
        seen = len(load.acknowledged)
        wait_until(lambda seen=seen: len(load.acknowledged) > seen + 25, 20, "load")
        world.stack.kafka.pause()
        wait_until(lambda: load.open_requests() == len(load.threads), 10, "requests that wait")
        ingress.kill9()
        world.stack.kafka.resume()
        ingress.start()
    load.stop()
    assert set(load.statuses) <= {0, 200, 503}, load.statuses
    stored = {r.headers["ohdc-body-sha256"] for r in world.stack.records("webhook")}
    assert load.acknowledged <= stored, len(load.acknowledged - stored)
    world.drained(60)


def late(world: World) -> int:
    """Requests that were answered with 503 for want of a delivery report."""
    page = world.stack.programs["ingress"].get("/metrics").text
    found = re.search(r"^ohdc_requests_late_total (\d+)$", page, re.MULTILINE)
    return int(found[1]) if found else 0


def test_without_a_broker_the_answer_is_503(world: World) -> None:
    """Retry-After, no record, counted and said; and 200 again when the broker is back."""
    before = late(world)
    world.stack.kafka.pause()
    try:
        answer = post(world, world.bitbucket, encode(pull_body(world, "broker away")))
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) == 5
        assert isinstance(answer.json()["detail"], str)
        assert late(world) == before + 1
        assert "deliveries are answered with 503" in world.stack.programs["ingress"].log.read_text()
    finally:
        world.stack.kafka.resume()
    body = encode(pull_body(world, "broker back"))
    wait_until(lambda: post(world, world.bitbucket, body).status_code == 200, 30, "200 again")


def test_metrics_and_health(world: World) -> None:
    """Text that Prometheus reads, with the program's own names."""
    for program in world.stack.programs.values():
        assert program.get("/livez").status_code == 200
        assert program.get("/readyz").status_code == 200
        page = program.get("/metrics")
        assert page.headers["Content-Type"].startswith("text/plain")
        names = [line.split()[2] for line in page.text.splitlines() if line.startswith("# TYPE")]
        # the installer has nothing of its own to count yet
        assert program.name == "installer" or any(name.startswith("ohdc_") for name in names)
        assert len(names) == len(set(names))
