"""Peers that hang: whoever does not need them notices nothing, and a stop does not wait for them for ever."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import requests
from confluent_kafka import ConsumerGroupState
from confluent_kafka.admin import AdminClient

from tests.connect.office import JIRA_API, Office, open_office
from tests.e2e.stack import Stack
from tests.e2e.waiting import wait_until

SETTINGS = {"JIRA_DC_HTTP_TIMEOUT": "30", "OHDC_DRAIN_MS": "3000"}
AT_ONCE = 64
QUICK_S = 2.0


@pytest.fixture(scope="module")
def office(stack: Stack) -> Office:
    made = open_office(stack)
    made.set_up()
    stack.sims.bitbucket.add_user(name="quinn", token="quinns-token", display="Quinn")
    return made


def signs_in(office: Office) -> None:
    """Keycloak finds out at once who has a Bitbucket token."""
    url = f"http://127.0.0.1:{office.stack.programs['linker'].http}/bitbucket-dc-proxy/oauth2/userinfo"
    began = time.monotonic()
    answer = requests.get(url, headers={"Authorization": "Bearer quinns-token"}, timeout=20)
    assert (answer.status_code, answer.json()["preferred_username"]) == (200, "quinn")
    assert time.monotonic() - began < QUICK_S


def sees_link(office: Office) -> None:
    """Somebody whom we know finds out at once about their link."""
    began = time.monotonic()
    assert office.call("olga", "GET", f"{JIRA_API}/workspaces/link").status_code == 404
    assert time.monotonic() - began < QUICK_S


def group_state(office: Office) -> ConsumerGroupState:
    """What Kafka knows of the linkers' group."""
    name = f"{office.stack.prefix}linker"
    admin = AdminClient({"bootstrap.servers": office.stack.kafka.brokers})
    return admin.describe_consumer_groups([name])[name].result(10).state


@contextmanager
def many(office: Office, path: str, cookie: bool = False) -> Iterator[None]:
    """The same path many times at once, by people who come back from Jira (cookie) or are new to us."""
    people = [office.browser(office.newcomer()) for _ in range(AT_ONCE)]
    states = [""] * AT_ONCE
    for place, browser in enumerate(people if cookie else []):
        made = browser.call("POST", f"{JIRA_API}/workspaces/link", {"workspace_name": office.host})
        found = re.search(r"state=([^&]+)", made.json()["authorizationUrl"])
        assert found
        states[place] = found[1]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for browser, state in zip(people, states, strict=True):
            pool.submit(browser.call, "GET", path + state)
        yield


def test_a_jira_that_hangs_stops_neither_sign_in_nor_links(office: Office) -> None:
    jira = office.stack.sims.jira
    jira.hold(match="POST /rest/oauth2/latest/token", times=AT_ONCE)
    sees_link(office)
    with many(office, f"{JIRA_API}/callback?code=any&state=", cookie=True):
        wait_until(lambda: jira.held() >= 10, 10, "ten wait for Jira")
        signs_in(office)
        sees_link(office)
        assert jira.held() == 10
        jira.release()


def test_an_app_that_hangs_stops_no_sign_in(office: Office) -> None:
    ohe = office.stack.sims.ohe
    ohe.hold(match="GET /api/v1/users/me", times=AT_ONCE)
    with many(office, f"{JIRA_API}/workspaces/link"):
        wait_until(lambda: ohe.held() >= 22, 5, "all threads that may wait for the app do")
        signs_in(office)
        ohe.release()


def test_a_stop_ends_though_jira_hangs_and_hands_the_deliveries_over(office: Office) -> None:
    jira, linker = office.stack.sims.jira, office.stack.programs["linker"]
    jira.hold(match="POST /rest/oauth2/latest/token", times=AT_ONCE)
    with many(office, f"{JIRA_API}/callback?code=any&state=", cookie=True):
        wait_until(lambda: jira.held() >= 10, 10, "ten wait for Jira")
        linker.ask_to_stop()
        assert linker.process is not None
        assert linker.process.wait(10) == 1
        wait_until(lambda: group_state(office) == ConsumerGroupState.EMPTY, 5, "no dead member in the group")
        jira.release()
    linker.start()
