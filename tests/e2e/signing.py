"""Deliveries made by hand: signed as the products sign, sent to the ingress."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from typing import Any

import requests
from confluent_kafka import Producer

from tests.e2e.stack import Connection
from tests.e2e.world import World

# headers of a record that can be read, apart from its delivery id
GOOD = {
    "ohdc-schema": "1",
    "ohdc-provider": "bitbucket",
    "ohdc-connection-id": "1000000",
    "ohdc-event": "pr:comment:added",
    "ohdc-received-at": "1764000000000",
    "ohdc-source": "webhook",
}


def sign(secret: str, body: bytes) -> str:
    """Value of X-Hub-Signature."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def headers(connection: Connection, body: bytes, event: str = "") -> dict[str, str]:
    """Headers of a delivery; Jira 10 sends no event header."""
    made = {
        "Content-Type": "application/json",
        "X-Request-Id": str(uuid.uuid4()),
        "X-Hub-Signature": sign(connection.secret, body),
    }
    if connection.provider == "bitbucket":
        made["X-Event-Key"] = event or "pr:comment:added"
    return made


def post(
    world: World,
    connection: Connection,
    body: bytes,
    event: str = "",
    change: dict[str, str | None] | None = None,
    path: str = "",
) -> requests.Response:
    """POST a body; change replaces headers, None removes one."""
    sent: dict[str, str | None] = {**headers(connection, body, event), **(change or {})}
    kept = {name: value for name, value in sent.items() if value is not None}
    url = world.stack.events_url(connection)
    if path:
        url = url.replace(connection.path, path)
    return requests.post(url, data=body, headers=kept, timeout=30)


def pull_body(world: World, text: str, **more: Any) -> dict[str, Any]:
    """A pr:comment:added body for the world's repository; the comment exists nowhere."""
    repo = {
        "slug": "web",
        "id": 1,
        "name": "web",
        "project": {"key": "PROJ", "id": 1, "name": "Proj", "type": "NORMAL"},
    }
    found = world.stack.rows("select repo_id from connection where provider = 'bitbucket'")
    if found and found[0]["repo_id"] is not None:
        repo["id"] = found[0]["repo_id"]
    user = {"name": "ana", "id": 7, "slug": "ana", "displayName": "Ana", "active": True}
    ref = {"id": "refs/heads/x", "displayId": "x", "latestCommit": "0" * 40, "repository": repo}
    body = {
        "eventKey": "pr:comment:added",
        "date": "2026-11-21T12:00:00+0000",
        "actor": user,
        "pullRequest": {"id": 900, "title": "By hand", "fromRef": ref, "toRef": ref},
        "comment": {
            "id": int(uuid.uuid4().int % 10**9) + 10**6,
            "version": 0,
            "text": text,
            "author": user,
            "createdDate": 4102444800000,
            "updatedDate": 4102444800000,
            "comments": [],
        },
    }
    return body | more


def encode(value: Any) -> bytes:
    """Compact UTF-8 JSON."""
    return json.dumps(value, ensure_ascii=False).encode()


def produce(world: World, value: bytes, headers: dict[str, str]) -> tuple[int, int]:
    """Write a record as nobody should; partition and offset."""
    producer = Producer({"bootstrap.servers": world.stack.kafka.brokers})
    placed: list[tuple[int, int]] = []
    producer.produce(
        world.stack.topic("webhook"),
        key=b"poison",
        value=value,
        headers=list(headers.items()),
        on_delivery=lambda err, message: placed.append((message.partition(), message.offset())),
    )
    producer.flush(10)
    return placed[0]
