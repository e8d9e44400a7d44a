"""A Keycloak: the token endpoint and the user search of its admin API."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any, ClassVar
from urllib.parse import parse_qs

from tests.sim.core import Answer, Req, Simulator, control, route


class KeycloakSim(Simulator):
    """State and behaviour; tokens live as long as `token_seconds`."""

    name: ClassVar[str] = "keycloak"

    def __init__(self) -> None:
        super().__init__()
        self.realm = "allhands"
        self.clients: dict[str, tuple[str, bool]] = {}
        self.admin_password = "admin-password"
        self.people: list[dict[str, Any]] = []
        self.tokens: dict[str, tuple[float, bool]] = {}
        self.token_seconds = 60.0

    def authenticate(self, req: Req) -> bool | Answer:
        """Bearer tokens until they expire; True when the holder may view users."""
        kind, _, text = (req.header("Authorization") or "").partition(" ")
        found = self.tokens.get(text) if kind == "Bearer" else None
        if found is None:
            self.violate(req, "missing or wrong credential")
        if found is None or found[0] < time.time():
            return Answer(401, {"error": "HTTP 401 Unauthorized"})
        return found[1]

    def refuse_path(self, req: Req) -> Answer:
        """Keycloak's 404."""
        return Answer(404, {"error": "Unable to find matching target resource method"})

    @route("POST", "/realms/{realm}/protocol/openid-connect/token", auth=False)
    def token(self, req: Req, realm: str) -> Answer:
        """Client credentials in the realm, or the password grant of admin-cli in master."""
        if (req.header("Content-Type") or "").split(";")[0] != "application/x-www-form-urlencoded":
            self.violate(req, "the token endpoint reads forms")
            return Answer(415, {"error": "HTTP 415 Unsupported Media Type"})
        form = {k: v[0] for k, v in parse_qs(req.raw.decode(), strict_parsing=True).items()}
        grant, client = form.get("grant_type"), form.get("client_id", "")
        if grant == "client_credentials" and realm == self.realm:
            known = self.clients.get(client)
            if known is None or known[0] != form.get("client_secret"):
                return self._denied(req, 401, "invalid_client")
            return self._issue(known[1])
        if grant == "password" and realm == "master" and client == "admin-cli":
            if (form.get("username"), form.get("password")) != ("admin", self.admin_password):
                return self._denied(req, 401, "invalid_grant")
            return self._issue(True)
        return self._denied(req, 400, "unsupported_grant_type")

    def _denied(self, req: Req, status: int, name: str) -> Answer:
        self.violate(req, name)
        return Answer(status, {"error": name, "error_description": "Invalid credentials"})

    def _issue(self, may_view: bool) -> Answer:
        text = uuid.uuid4().hex
        self.tokens[text] = (time.time() + self.token_seconds, may_view)
        body = {"access_token": text, "expires_in": int(self.token_seconds), "token_type": "Bearer"}
        return Answer(body=body | {"refresh_expires_in": 0, "scope": "email profile"})

    @route("GET", "/admin/realms/{realm}/users", query="q email exact first max enabled")
    def search(self, req: Req, realm: str) -> Answer:
        """Search; without view-users the answer is an empty list, not a refusal."""
        if realm != self.realm:
            self.violate(req, f"unknown realm {realm}")
            return Answer(404, {"error": "Realm not found."})
        if not req.user:
            return Answer(body=[])
        query, email = req.one("q"), req.one("email")
        if not query and not email:
            self.violate(req, "lists all users")
        hits = self.people
        if query:
            name, _, value = query.partition(":")
            hits = [p for p in hits if value in p["attributes"].get(name, [])]
        if email:
            text, exact = email.lower(), req.one("exact") == "true"
            if not exact:
                self.violate(req, "e-mail search without exact")
            hits = [p for p in hits if p["email"] == text or (not exact and text in p["email"])]
        return Answer(body=[{k: v for k, v in p.items() if k != "attributes"} for p in hits])

    @route("GET", "/admin/realms/{realm}/users/count")
    def count(self, req: Req, realm: str) -> Answer:
        """How many users the holder may see: none without view-users; a realm has its first user."""
        if realm != self.realm:
            self.violate(req, f"unknown realm {realm}")
            return Answer(404, {"error": "Realm not found."})
        return Answer(body=len(self.people) + 1 if req.user else 0)

    @route("GET", "/admin/realms/{realm}/users/{user}", query="userProfileMetadata")
    def user(self, req: Req, realm: str, user: str) -> Answer:
        """One user."""
        found = next((p for p in self.people if p["id"] == user), None)
        if not req.user or found is None:
            return Answer(404 if req.user else 403, {"error": "User not found"})
        return Answer(body=json.loads(json.dumps(found)))

    @control
    def add_client(self, name: str, secret: str, may_view_users: bool = True) -> None:
        """Make a client with a service account."""
        self.clients[name] = (secret, may_view_users)

    @control
    def add_person(
        self,
        identity: str,
        email: str,
        attributes: dict[str, list[str]] | None = None,
        enabled: bool = True,
        verified: bool = True,
    ) -> None:
        """Make a user; attributes are searched exactly and not shown, as undeclared ones are."""
        self.people.append(
            {
                "id": identity,
                "username": email.lower(),
                "email": email.lower(),
                "enabled": enabled,
                "emailVerified": verified,
                "attributes": attributes or {},
            }
        )

    @control
    def remove_person(self, identity: str) -> None:
        """Remove a user."""
        self.people = [p for p in self.people if p["id"] != identity]

    @control
    def expire_tokens(self) -> None:
        """End every token's life now."""
        self.tokens = {text: (0.0, may) for text, (_, may) in self.tokens.items()}
