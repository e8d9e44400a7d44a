"""Nothing lasts for ever: each phase has a deadline, and whoever asked hears of its end."""

from __future__ import annotations

import pytest

from tests.e2e.waiting import wait_until
from tests.e2e.world import World

SETTINGS = {
    "OHDC_START_DEADLINE_S": "2",
    "OHDC_RUN_DEADLINE_S": "3",
    "OHDC_RETRY_HORIZON_S": "3",
}


def ended(world: World, comment: int) -> dict:
    """The job of a comment, once it has ended."""
    sql = "select * from job where event_key like %s and ended_at is not null"
    return wait_until(lambda: world.stack.rows(sql, f"%:comment:{comment}"), 40, "the end")[0]


@pytest.mark.parametrize("outcome", ["start_stuck", "silent"])
def test_a_job_that_never_ends_is_answered(world: World, outcome: str) -> None:
    """A start task that stays WORKING, a conversation that runs for ever."""
    world.stack.sims.ohe.script(match=f"for ever {outcome}", outcome=outcome)
    number, comment = world.ask_pull(f"@openhands for ever {outcome}")
    assert ended(world, comment)["state"] == "FAILED"
    answers = world.pull_answers(number)
    assert len(answers) == 2
    assert "/conversations/" in answers[-1]["text"]


def test_an_app_server_that_stays_away_is_told(world: World) -> None:
    """After the horizon: one comment, UPSTREAM_FAILED, and a later edit asks again."""
    sims = world.stack.sims
    sims.ohe.fault(match=".", status=503, body="down", times=-1)
    number, comment = world.ask_pull("@openhands while it is away")
    assert ended(world, comment)["outcome"] == "UPSTREAM_FAILED"
    assert len(world.pull_answers(number)) == 1
    sims.ohe.heal()
    edit = {"repo": "PROJ/web", "number": number, "user": "ana", "comment": comment}
    assert sims.bitbucket.edit_as(**edit, text="@openhands while it is back") == [200]
    world.wait_pull(number, 3)
    assert len(world.jobs("while it is back")) == 1


def test_a_directory_that_stays_away_is_told(world: World) -> None:
    """The linker gives up after the horizon, and says so."""
    sims = world.stack.sims
    sims.keycloak.fault(match=".", close=True, times=-1)
    number, comment = world.ask_pull("@openhands is anybody there")
    assert ended(world, comment)["outcome"] == "UPSTREAM_FAILED"
    assert len(world.pull_answers(number)) == 1
    sims.keycloak.heal()


def test_slow_answers_are_waited_for(world: World) -> None:
    """Every call takes a third of a second: slower, not worse."""
    sims = world.stack.sims
    for name in ("ohe", "bitbucket", "keycloak"):
        getattr(sims, name).fault(match=".", delay_ms=300, times=-1)
    number, comment = world.ask_pull("@openhands slowly")
    world.wait_pull(number, 2, 40)
    world.one_job(comment)
    assert len(world.pull_answers(number)) == 2
