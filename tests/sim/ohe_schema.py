"""What a client may send to the OpenHands app server, as JSON Schema.

Unknown members are refused here although the real server ignores most of them: a client that
sends one has a typing error or relies on something that is not there.
"""

from __future__ import annotations

from typing import Any

UUID = "^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$"
TRIGGERS = [
    "resolver",
    "gui",
    "suggested_task",
    "openhands_api",
    "slack",
    "microagent_management",
    "jira",
    "jira_dc",
    "linear",
    "bitbucket",
    "automation",
]
PROVIDERS = [
    "github",
    "gitlab",
    "bitbucket",
    "bitbucket_data_center",
    "forgejo",
    "azure_devops",
    "enterprise_sso",
]
STARTING = [
    "WORKING",
    "WAITING_FOR_SANDBOX",
    "PREPARING_REPOSITORY",
    "RUNNING_SETUP_SCRIPT",
    "SETTING_UP_GIT_HOOKS",
    "SETTING_UP_SKILLS",
    "STARTING_CONVERSATION",
]

TEXT = {
    "type": "object",
    "required": ["type", "text"],
    "additionalProperties": False,
    "properties": {
        "type": {"const": "text"},
        "text": {"type": "string", "minLength": 1},
        "cache_prompt": {"type": "boolean"},
    },
}
MESSAGE = {
    "type": "object",
    "required": ["content"],
    "additionalProperties": False,
    "properties": {
        "role": {"const": "user"},
        "content": {"type": "array", "minItems": 1, "items": TEXT},
        "run": {"type": "boolean"},
    },
}


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


STRING = _nullable({"type": "string"})

START: dict[str, Any] = {
    "type": "object",
    "required": ["conversation_id", "initial_message"],
    "additionalProperties": False,
    "properties": {
        "conversation_id": {"type": "string", "pattern": UUID},
        "sandbox_id": STRING,
        "initial_message": MESSAGE,
        "system_message_suffix": STRING,
        "llm_model": STRING,
        "agent_profile_id": STRING,
        "selected_repository": _nullable({"type": "string", "pattern": "^[^/ ]+(/[^/ ]+)+$"}),
        "selected_branch": STRING,
        "git_provider": _nullable({"enum": PROVIDERS}),
        "title": STRING,
        "trigger": _nullable({"enum": TRIGGERS}),
        "pr_number": {"type": "array", "items": {"type": "integer"}},
        "agent_type": {"enum": ["default", "plan"]},
        "public": _nullable({"type": "boolean"}),
        "secrets": _nullable({"type": "object", "additionalProperties": {"type": "string"}}),
        "observability_metadata": _nullable({"type": "object"}),
        "observability_tags": _nullable({"type": "array", "items": {"type": "string"}}),
        "observability_span_name": STRING,
    },
}
KEY_NAME = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {"name": {"type": "string", "minLength": 1}},
}
PATCH = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"title": STRING, "public": _nullable({"type": "boolean"})},
}
