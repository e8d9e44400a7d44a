"""Conversations of the simulated app server: each is a timeline read off the clock."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.sim.ohe_schema import STARTING


@dataclass
class Script:
    """How a job whose first message contains `match` goes.

    outcome: finish, message, error, stuck, waiting, paused, missing, silent (runs for ever),
    start_error, start_stuck. step_ms is the pace of the start states, work_ms of the job.
    """

    match: str = ""
    outcome: str = "finish"
    text: str = "All done."
    detail: str = "sandbox could not start"
    step_ms: int = 15
    work_ms: int = 100


OUTCOMES = {
    "finish",
    "message",
    "error",
    "stuck",
    "waiting",
    "paused",
    "missing",
    "silent",
    "start_error",
    "start_stuck",
}
ENDS = {"error": "error", "stuck": "stuck", "waiting": "waiting_for_confirmation"}


def zulu(at: float) -> str:
    """The time form of start answers and conversations."""
    return naive(at) + "Z"


def naive(at: float) -> str:
    """The time form of start tasks and events: the same instant without a zone."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


@dataclass
class Task:
    """One start task; conversation is None where the start will not lead to one."""

    id: str
    owner: str
    request: dict[str, Any]
    script: Script
    created: float
    ready_at: float
    collides: bool = False

    @property
    def conversation_id(self) -> str:
        """Hex form of the id the caller chose."""
        return self.request["conversation_id"].replace("-", "").lower()

    def status(self, now: float) -> str:
        """State at a moment."""
        if self.collides:
            return "ERROR"
        place = int((now - self.created) * 1000 / max(self.script.step_ms, 1))
        if self.script.outcome == "start_stuck":
            return STARTING[0]
        if self.script.outcome == "start_error":
            return STARTING[place] if place < 2 else "ERROR"
        return STARTING[min(place, len(STARTING) - 1)] if now < self.ready_at else "READY"

    def body(self, now: float, with_zone: bool) -> dict[str, Any]:
        """JSON as the POST answer (with zone) or the start-task reads (without) show it."""
        form = zulu if with_zone else naive
        status = "WORKING" if with_zone else self.status(now)
        detail = None
        if status == "ERROR":
            detail = "500 from the agent server" if self.collides else self.script.detail
        ready = status == "READY"
        return {
            "id": self.id,
            "created_by_user_id": self.owner,
            "status": status,
            "detail": detail,
            "app_conversation_id": self.conversation_id if ready else None,
            "sandbox_id": self.conversation_id if ready else None,
            "agent_server_url": None,
            "request": self.request,
            "created_at": form(self.created),
            "updated_at": form(min(now, self.ready_at)),
        }


@dataclass
class Conversation:
    """A conversation: events and states with the moment each becomes visible."""

    id: str
    owner: str
    request: dict[str, Any]
    script: Script
    born: float
    events: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    states: list[tuple[float, str | None]] = field(default_factory=list)
    sandboxes: list[tuple[float, str]] = field(default_factory=list)
    title: str = "Conversation"
    deleted: bool = False
    messages: int = 0

    def add(self, at: float, kind: str, source: str, **body: Any) -> None:
        """Write an event that shows at a moment."""
        event = {"id": str(uuid.uuid4()), "timestamp": naive(at), "source": source, "kind": kind}
        self.events.append((at, event | body))

    def say(self, at: float, source: str, text: str) -> None:
        """A MessageEvent."""
        role = "user" if source == "user" else "assistant"
        content = [{"type": "text", "text": text}]
        self.add(at, "MessageEvent", source, llm_message={"role": role, "content": content})

    def become(self, at: float, status: str) -> None:
        """A state and both kinds of events that tell it."""
        self.states.append((at, status))
        self.add(at, "ConversationStateUpdateEvent", "environment", key="execution_status", value=status)
        self.add(
            at,
            "ConversationStateUpdateEvent",
            "environment",
            key="full_state",
            value={"execution_status": status, "id": self.id},
        )

    def run(self, start: float, text: str, again: bool = False) -> None:
        """Take a user message and play the script."""
        script, end = self.script, start + self.script.work_ms / 1000
        self.messages += 1
        self.say(start, "user", text)
        if again:
            self.become(start, "idle")
        self.become(start, "running")
        outcome = script.outcome
        if outcome == "silent":
            return
        if outcome in ("finish", "paused", "missing"):
            action = {"kind": "FinishAction", "message": script.text}
            self.add(end, "ActionEvent", "agent", tool_name="finish", action=action)
        elif outcome == "message":
            self.say(end, "agent", script.text)
        elif outcome == "error":
            self.add(end, "ConversationErrorEvent", "environment", code="LLMError", detail=script.detail)
        self.become(end, ENDS.get(outcome, "finished"))
        if outcome in ("paused", "missing"):
            self.states.append((end, None))
            self.sandboxes.append((end, outcome.upper()))

    def now(self, pairs: list[tuple[float, Any]], empty: Any) -> Any:
        """The newest value whose moment has come."""
        moment = time.time()
        seen = [value for at, value in pairs if at <= moment]
        return seen[-1] if seen else empty

    @property
    def status(self) -> str | None:
        """Execution status now; null unless the sandbox runs."""
        return self.now(self.states, None) if self.sandbox == "RUNNING" else None

    @property
    def sandbox(self) -> str:
        """Sandbox status now."""
        return self.now(self.sandboxes, "RUNNING")

    def visible(self) -> list[dict[str, Any]]:
        """Events so far, oldest first."""
        moment = time.time()
        return [event for at, event in sorted(self.events, key=lambda e: e[0]) if at <= moment]

    def body(self) -> dict[str, Any]:
        """JSON of an AppConversation."""
        moment = zulu(self.born)
        return {
            "id": self.id,
            "created_by_user_id": self.owner,
            "sandbox_id": self.id,
            "selected_repository": self.request.get("selected_repository"),
            "selected_branch": self.request.get("selected_branch"),
            "git_provider": self.request.get("git_provider"),
            "title": self.title,
            "trigger": self.request.get("trigger"),
            "pr_number": self.request.get("pr_number", []),
            "llm_model": "openai/simulated",
            "agent_kind": "openhands",
            "acp_server": None,
            "launched_agent_profile": None,
            "metrics": None,
            "parent_conversation_id": None,
            "sub_conversation_ids": [],
            "public": False,
            "tags": {},
            "created_at": moment,
            "updated_at": moment,
            "sandbox_status": self.sandbox,
            "execution_status": self.status,
            "conversation_url": f"http://127.0.0.1:9/api/conversations/{self.id}",
            "session_api_key": "never-to-be-used",
        }
