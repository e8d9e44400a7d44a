"""Fixtures: the servers of the run, one front with TLS, one chromium, an office of people for each module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.connect.office import Office, open_office
from tests.e2e.conftest import kafka, postgres, programs, run_dir, stack  # noqa: F401
from tests.e2e.stack import Stack
from tests.pages.desk import Desk, launch
from tests.sim.front import Front


@pytest.fixture(scope="session")
def front(run_dir: Path) -> Iterator[Front]:  # noqa: F811
    """The app's address, whose services change from module to module."""
    made = Front(run_dir, {}, page=Path(__file__).with_name("settings.html")).start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def chromium(front: Front) -> Iterator[Browser]:
    """One browser for the run."""
    with sync_playwright() as playwright:
        browser = launch(playwright, front.port)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def office(request: pytest.FixtureRequest, stack: Stack, front: Front) -> Office:  # noqa: F811
    """People and services; a module's SETTINGS change the services."""
    made = open_office(stack)
    ports = {name: f"http://127.0.0.1:{program.http}" for name, program in stack.programs.items()}
    front.upstreams = ports | {"ohe": stack.sims.ohe.base_url}
    return made


@pytest.fixture
def desk(office: Office, chromium: Browser) -> Iterator[Callable[..., Desk]]:
    """Windows of people: desk("olga", color_scheme="dark")."""
    opened: list[Desk] = []

    def sit(name: str | None = None, **more: Any) -> Desk:
        opened.append(Desk(chromium, office.sessions[name] if name else None, **more))
        return opened[-1]

    yield sit
    for each in opened:
        each.close()
