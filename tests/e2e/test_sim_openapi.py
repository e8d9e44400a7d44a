"""The simulated app server agrees with the OpenAPI document of the real one, where that is at hand."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import requests

from tests.e2e.waiting import wait_until
from tests.sim import ohe_jobs, ohe_schema
from tests.sim.client import Sims, beside

NAME = "openhands-ai-1.11.0.json"
FOUND = beside(f"openapi/{NAME}")
pytestmark = pytest.mark.skipif(FOUND is None, reason="no OpenAPI document beside the repository")
SPEC: dict[str, Any] = json.loads(FOUND.read_text()) if FOUND else {"components": {"schemas": {}}}
SCHEMAS = SPEC["components"]["schemas"]
NEWER = {"observability_span_name", "observability_tags", "observability_metadata"}
BASE = "/api/v1/app-conversations"
PERSON = "22222222-2222-4222-8222-222222222222"


class Client:
    """Calls the simulator and holds each answer against the document."""

    def __init__(self, sims: Sims) -> None:
        self.base = sims.ohe.base_url
        minted = requests.post(
            f"{self.base}/api/service/users/{PERSON}/orgs/{PERSON}/api-keys",
            json={"name": "test"},
            headers={"X-Service-API-Key": "service-key"},
        )
        self.headers = {"Authorization": f"Bearer {minted.json()['key']}"}

    def call(self, method: str, path: str, template: str, body: Any = None) -> Any:
        """One call; the answer must fit the operation's schema for its status."""
        answer = requests.request(method, self.base + path, json=body, headers=self.headers)
        operation = SPEC["paths"][template][method.lower()]
        described = operation["responses"][str(answer.status_code)]
        schema = described["content"]["application/json"]["schema"]
        whole = {**schema, "components": SPEC["components"]}
        jsonschema.Draft202012Validator(whole).validate(answer.json())
        return answer.json()


@pytest.fixture(scope="module")
def sims() -> Iterator[Sims]:
    """The app server alone, with one person."""
    started = Sims(names=("ohe",)).start()
    try:
        repos = {"bitbucket_data_center": ["PROJ/web"]}
        started.ohe.add_person(email="ana@example.com", identity=PERSON, repos=repos)
        yield started
        assert started.violations() == []
    finally:
        started.stop()


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Follow one $ref."""
    ref = schema.get("$ref")
    return SCHEMAS[ref.rpartition("/")[2]] if ref else schema


def test_what_we_may_send_is_what_the_server_takes() -> None:
    """Each member that the simulator allows is one that the document has; the enums are equal."""
    request = SCHEMAS["AppConversationStartRequest-Input"]["properties"]
    assert set(ohe_schema.START["properties"]) <= set(request) | NEWER
    assert set(ohe_schema.TRIGGERS) == set(SCHEMAS["ConversationTrigger"]["enum"])
    assert set(ohe_schema.PROVIDERS) == set(SCHEMAS["ProviderType"]["enum"])
    states = SCHEMAS["AppConversationStartTaskStatus"]["enum"]
    assert {*ohe_schema.STARTING, "READY", "ERROR"} == set(states)


def test_every_answer_fits_the_document(sims: Sims) -> None:
    """From the start over start task, conversation, events and a second message to the sandbox."""
    client = Client(sims)
    sims.ohe.script(step_ms=20, work_ms=100)
    identity = str(uuid.uuid4())
    content = [{"type": "text", "text": "do it"}]
    body = {
        "conversation_id": identity,
        "initial_message": {"role": "user", "content": content},
        "selected_repository": "PROJ/web",
        "git_provider": "bitbucket_data_center",
        "trigger": "resolver",
    }
    task = client.call("POST", BASE, BASE, body)
    query = f"ids={task['id']}&ids={uuid.uuid4().hex}"
    path = f"{BASE}/start-tasks"

    def ready() -> Any:
        found = client.call("GET", f"{path}?{query}", path)
        assert found[1] is None
        return found[0]["status"] == "READY"

    wait_until(ready)
    client.call("GET", f"{path}/search?created_at__gte=2020-01-01T00:00:00", f"{path}/search")

    def finished() -> bool:
        (found,) = client.call("GET", f"{BASE}?ids={identity}", BASE)
        return found["execution_status"] == "finished"

    wait_until(finished)
    client.call(
        "GET",
        "/api/v1/git/repositories/search?provider=bitbucket_data_center&query=web",
        "/api/v1/git/repositories/search",
    )
    client.call("GET", f"/api/v1/sandboxes?id={identity.replace('-', '')}", "/api/v1/sandboxes")
    client.call(
        "POST",
        f"{BASE}/{identity}/send-message",
        BASE + "/{conversation_id}/send-message",
        {"role": "user", "content": content},
    )
    wait_until(finished)


def test_the_events_have_the_kinds_and_members_of_the_document(sims: Sims) -> None:
    """The members that a reader of the final answer and the state relies on."""
    client = Client(sims)
    sims.ohe.script(match="fail please", outcome="error", work_ms=10, step_ms=1)
    identity = str(uuid.uuid4())
    message = {"role": "user", "content": [{"type": "text", "text": "fail please"}]}
    client.call("POST", BASE, BASE, {"conversation_id": identity, "initial_message": message})

    def events() -> list[dict[str, Any]]:
        url = f"{client.base}/api/v1/conversation/{identity}/events/search?sort_order=TIMESTAMP"
        found = requests.get(url, headers=client.headers).json()["items"]
        return found if any(e["kind"] == "ConversationErrorEvent" for e in found) else []

    for event in wait_until(events):
        kind = event["kind"]
        described = (SCHEMAS.get(kind) or SCHEMAS[f"{kind}-Output"])["properties"]
        assert set(event) <= set(described), kind
        assert event["source"] in resolved(described["source"])["enum"]


def test_the_clock_forms() -> None:
    """With Z where the server writes it, without where it does not."""
    assert ohe_jobs.zulu(0.5) == "1970-01-01T00:00:00.500000Z"
    assert ohe_jobs.naive(0.5) == "1970-01-01T00:00:00.500000"
