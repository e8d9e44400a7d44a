"""Neighbours that go away and come back: nothing is lost, nothing is refused in haste."""

from __future__ import annotations

import pytest

from tests.e2e.waiting import wait_until
from tests.e2e.world import World


def waits(world: World, comment: int | str, seconds: float = 20) -> None:
    """Until the ask is known and still undecided."""
    sql = "select state, attempts from trigger where event_key like %s and attempts > 0"
    wait_until(lambda: world.stack.rows(sql, f"%:comment:{comment}"), seconds, "an attempt")


@pytest.mark.asan
def test_keycloak_down_then_up(world: World) -> None:
    """The look-up is retried; the person is never called unknown."""
    sims = world.stack.sims
    sims.keycloak.fault(match=".", status=503, body="<html>down</html>", times=-1)
    number, comment = world.ask_pull("@openhands while keycloak is down")
    waits(world, comment)
    assert world.pull_answers(number) == []
    sims.keycloak.heal()
    world.wait_pull(number, 2, 60)
    world.one_job(comment)


def test_an_expired_admin_token_is_renewed(world: World) -> None:
    """401 from the directory means a new token, not a failure."""
    number, _ = world.ask_pull("@openhands warm up")
    world.wait_pull(number)
    world.stack.sims.keycloak.expire_tokens()
    number, comment = world.ask_pull("@openhands after expiry")
    world.wait_pull(number)
    world.one_job(comment)


def test_a_directory_account_without_rights_is_no_answer(world: World) -> None:
    """An empty list for a client that may not view users must not read as unknown."""
    sims = world.stack.sims
    sims.keycloak.add_client(name="ohdc", secret="keycloak-secret", may_view_users=False)
    sims.keycloak.expire_tokens()
    number, comment = world.ask_pull("@openhands no rights")
    waits(world, comment)
    assert world.pull_answers(number) == []
    sims.keycloak.add_client(name="ohdc", secret="keycloak-secret", may_view_users=True)
    sims.keycloak.expire_tokens()
    world.wait_pull(number, 2, 60)
    world.one_job(comment)


def test_jira_429_is_waited_out(world: World) -> None:
    """Retry-After is obeyed; one acknowledgement, one result."""
    sims = world.stack.sims
    sims.jira.fault(
        match="/rest/api/2/issue",
        status=429,
        headers={"retry-after": "1"},
        body="slow down",
        times=3,
    )
    key, comment = world.ask_issue("@openhands slowly")
    world.wait_issue(key, 2, 60)
    world.settle()
    assert len(world.issue_answers(key)) == 2
    world.one_job(comment)


def test_jira_html_errors_are_retried(world: World) -> None:
    """A proxy's 502 page and a closed connection while reading."""
    sims = world.stack.sims
    sims.jira.fault(match="^GET /rest/api/2/issue", status=502, body="<html>502</html>", times=2)
    sims.jira.fault(match="^GET /rest/api/2/issue", close=True, times=1)
    key, comment = world.ask_issue("@openhands through a bad proxy")
    world.wait_issue(key, 2, 60)
    world.one_job(comment)


def test_a_bot_that_gets_401_waits(world: World) -> None:
    """Jobs and answers wait for the operator; then they go on."""
    sims = world.stack.sims
    sims.bitbucket.fault(
        match=".",
        status=401,
        body={"errors": [{"context": None, "message": "no", "exceptionName": None}]},
        times=-1,
    )
    number, comment = world.ask_pull("@openhands bot locked out")
    world.wait_waiting(comment)
    sims.bitbucket.heal()
    world.nudge(comment)
    world.wait_pull(number, 2, 60)
    world.one_job(comment)


def test_the_app_server_down_then_up(world: World) -> None:
    """Connection refused is not possible here: it answers 503 to everything."""
    sims = world.stack.sims
    sims.ohe.fault(match=".", status=503, body="down", times=-1)
    number, comment = world.ask_pull("@openhands while the app is down")
    wait_until(lambda: world.job_rows(f":comment:{comment}"), 20, "the job row")
    sims.ohe.heal()
    world.wait_pull(number, 2, 60)
    world.one_job(comment)


def test_a_slow_person_blocks_nobody(world: World) -> None:
    """One ask whose peer is slow; another finishes meanwhile."""
    sims = world.stack.sims
    sims.ohe.script(match="never ends", outcome="silent")
    slow, comment = world.ask_pull("@openhands never ends")
    quick, _ = world.ask_pull("@openhands quick one")
    world.wait_pull(quick)
    assert len(world.pull_answers(slow)) <= 1
    job = wait_until(lambda: world.jobs("never ends"), 20, "the slow job")[0]
    sims.ohe.finish(identity=job["id"])
    world.wait_pull(slow, 2)
    world.one_job(comment)


@pytest.mark.parametrize("kill", [False, True], ids=["restart", "kill"])
def test_postgresql_restarts_in_mid_job(world: World, kill: bool) -> None:
    """Everything committed is there; work goes on without a restart of ours."""
    world.stack.sims.ohe.script(match=f"database {kill}", work_ms=1500)
    asked = [world.ask_pull(f"@openhands database {kill} {n}") for n in range(3)]
    world.stack.postgres.restart(kill=kill)
    late = world.ask_pull(f"@openhands database {kill} after")
    for number, comment in [*asked, late]:
        world.wait_pull(number, 2, 60)
        world.one_job(comment)
    world.drained(60)
    for number, _ in [*asked, late]:
        assert len(world.pull_answers(number)) == 2
    for program in world.stack.programs.values():
        assert program.ready()


def test_the_broker_restarts_in_mid_job(world: World) -> None:
    """Consumers and producers come back by themselves."""
    number, comment = world.ask_pull("@openhands before the broker restart")
    world.stack.kafka.restart()

    def after() -> tuple[int, int] | None:
        number = world.pull()
        sent = world.stack.sims.bitbucket.comment_as(
            repo="PROJ/web", number=number, user="ana", text="@openhands after the broker restart"
        )
        return (number, sent["id"]) if sent["statuses"] == [200] else None

    later, second = wait_until(after, 30, "a delivery is taken again", every=0.5)
    for where, key in ((number, comment), (later, second)):
        world.wait_pull(where, 2, 60)
        world.one_job(key)
