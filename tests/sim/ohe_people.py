"""Who calls OpenHands: sessions, keys, organisations, roles, permissions; and people's tokens at the Git providers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
import uuid
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any

from tests.sim.core import Answer, Req, Simulator, control, route
from tests.sim.ohe_schema import PROVIDERS, UUID

ROLES = {
    "owner": ["manage_integration_providers", "manage_integrations"],
    "admin": ["manage_integration_providers", "manage_integrations"],
    "member": ["manage_integrations"],
    "guest": [],
}
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
GONE = "keycloak_auth=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict"


@dataclass
class Person:
    """An OpenHands user: organisations by id (with role and permissions), repositories by provider."""

    id: str
    email: str
    orgs: dict[str, dict[str, Any]]
    repos: dict[str, list[str]] = field(default_factory=dict)
    refuse_start: Answer | None = None
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the call record shows."""
        return self.email


@dataclass
class Key:
    """A minted key; dead ones answer 401 like expired ones."""

    text: str
    person: Person
    org: str
    name: str
    dead: bool = False


@dataclass
class Session:
    """A browser's sign-in."""

    person: Person
    org: str
    is_expired: bool = False


def base62(data: bytes) -> str:
    """Digits 0-9A-Za-z, most significant first."""
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 62)
        text = DIGITS[digit] + text
    return text or "0"


def unpad(text: str) -> bytes:
    """Base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class OhePeople(Simulator):
    """The part of OpenHands that knows people."""

    def __init__(self) -> None:
        super().__init__()
        self.people: dict[str, Person] = {}
        self.keys: dict[str, Key] = {}
        self.sessions: dict[str, Session] = {}
        self.jwt_secret = "jwt-secret-of-the-tests"

    # --- who calls ----------------------------------------------------------------------------

    @route("GET", "/api/v1/users/me", query="expose_secrets", auth=False, any_headers=True)
    def me(self, req: Req) -> Answer:
        """The caller: Bearer first, then X-Session-API-Key, then the cookie; in the organisation asked for."""
        if req.header("X-Service-API-Key") or req.header("X-Access-Token"):
            self.violate(req, "a service's credential sent to a user's path")
        found = self._caller(req)
        if isinstance(found, Answer):
            return found
        person, org, is_bound = found
        wanted = req.header("X-Org-Id")
        if wanted:
            if not re.match(UUID, wanted):
                return Answer(400, {"detail": "Invalid X-Org-Id header (must be a UUID)"})
            if is_bound and wanted != org:
                text = "API key is not authorized for this organization"
                return Answer(403, {"detail": text})
            if wanted not in person.orgs:
                text = "User is not a member of the requested organization"
                return Answer(403, {"detail": text})
            org = wanted
        req.user = person
        return Answer(body=self.describe(person, org))

    def _caller(self, req: Req) -> tuple[Person, str, bool] | Answer:
        kind, _, text = (req.header("Authorization") or "").partition(" ")
        text = text if kind == "Bearer" else req.header("X-Session-API-Key") or ""
        if text:
            key = self.keys.get(text)
            if key is None or key.dead:
                return Answer(401, {"error": "BearerTokenError"})
            return key.person, key.org, True
        session = self.sessions.get(self._cookie(req))
        if session is None:
            if not req.header("Cookie") and not kind:
                self.violate(req, "asks who nobody is")
            return Answer(401, {"error": "NoCredentialsError"}, {"Set-Cookie": GONE})
        if session.is_expired:
            return Answer(401, {"error": "ExpiredError"}, {"Set-Cookie": GONE})
        return session.person, session.org, False

    @staticmethod
    def _cookie(req: Req) -> str:
        try:
            found = SimpleCookie(req.header("Cookie") or "").get("keycloak_auth")
        except CookieError:
            return ""
        return found.value if found else ""

    @staticmethod
    def describe(person: Person, org: str) -> dict[str, Any]:
        """A person as /users/me shows it."""
        member = person.orgs[org]
        role = member.get("role", "member")
        return {
            "id": person.id,
            "email": person.email,
            "email_verified": True,
            "org_id": org,
            "org_name": member["name"],
            "role": role,
            "permissions": member.get("permissions", ROLES[role]),
        }

    # --- people's tokens at the providers -----------------------------------------------------

    @route("GET", "/api/v1/webhooks/secrets", auth=False, any_headers=True)
    def provider_token(self, req: Req) -> Answer:
        """A person's current token at a Git provider, for who can make a token of ours."""
        for name in ("Cookie", "Authorization", "X-Service-API-Key", "X-Session-API-Key"):
            if req.header(name):
                self.violate(req, f"{name} beside X-Access-Token")
        claims = self._claims(req)
        if claims is None:
            return Answer(401, {"detail": "Invalid access token"})
        provider, person = claims.get("provider_type"), self.people.get(claims.get("user_id", ""))
        if provider not in PROVIDERS:
            self.violate(req, f"unknown provider {provider}")
        if person is None or provider not in person.tokens:
            return Answer(404, {"detail": "No such provider"})
        return Answer(body=person.tokens[provider], content_type="text/plain")

    def _claims(self, req: Req) -> dict[str, Any] | None:
        try:
            head, body, signature = (req.header("X-Access-Token") or "").split(".")
            header, claims = json.loads(unpad(head)), json.loads(unpad(body))
            digest = hmac.new(self.jwt_secret.encode(), f"{head}.{body}".encode(), hashlib.sha256)
            kid = base62(hashlib.sha256(self.jwt_secret.encode()).digest())
            now = time.time()
            checks = {
                "algorithm": header.get("alg") == "HS256",
                "kid": header.get("kid") == kid,
                "signature": hmac.compare_digest(digest.digest(), unpad(signature)),
                "iat": isinstance(claims["iat"], int) and claims["iat"] <= now + 5,
                "exp": isinstance(claims["exp"], int) and now < claims["exp"] <= now + 3600,
            }
        except (ValueError, KeyError, TypeError) as err:
            checks = {f"form ({type(err).__name__})": False}
            claims = {}
        for name, good in checks.items():
            if not good:
                self.violate(req, f"access token: {name}")
        return claims if all(checks.values()) else None

    # --- control ------------------------------------------------------------------------------

    @control
    def add_person(
        self,
        email: str,
        repos: dict[str, list[str]] | None = None,
        orgs: list[dict[str, Any]] | None = None,
        identity: str | None = None,
    ) -> str:
        """Make a user with a personal organisation and more (id, name[, role, permissions]); returns the id."""
        identity = identity or str(uuid.uuid4())
        own = {"id": identity, "name": email, "is_personal": True}
        mine = {org["id"]: org for org in [own, *(orgs or [])]}
        self.people[identity] = Person(identity, email, mine, dict(repos or {}))
        return identity

    @control
    def set_repos(self, identity: str, repos: dict[str, list[str]]) -> None:
        """Change what a user can read."""
        self.people[identity].repos = repos

    @control
    def set_role(
        self,
        identity: str,
        role: str,
        org: str | None = None,
        name: str = "Acme",
        permissions: list[str] | None = None,
    ) -> None:
        """Give a role in an organisation (None: the own one), with the role's permissions or others."""
        place = self.people[identity].orgs.setdefault(org or identity, {"id": org or identity, "name": name})
        place["role"] = role
        place.pop("permissions", None)
        if permissions is not None:
            place["permissions"] = permissions

    @control
    def leave_org(self, identity: str, org: str) -> None:
        """Take a user out of an organisation."""
        del self.people[identity].orgs[org]

    @control
    def set_provider_token(self, identity: str, provider: str, token: str | None) -> None:
        """Store a user's token at a Git provider, or remove it."""
        self.people[identity].tokens.pop(provider, None)
        if token:
            self.people[identity].tokens[provider] = token

    @control
    def sign_in(self, identity: str, org: str | None = None, session: str | None = None) -> str:
        """Sign a user in, in an organisation (None: the own one); the value of cookie keycloak_auth."""
        session = session or f"session-{uuid.uuid4().hex}"
        self.sessions[session] = Session(self.people[identity], org or identity)
        return session

    @control
    def sign_out(self, session: str) -> None:
        """End a session."""
        self.sessions.pop(session, None)

    @control
    def expire_session(self, session: str) -> None:
        """A session that cannot be renewed any more."""
        self.sessions[session].is_expired = True

    @control
    def add_key(self, identity: str, org: str | None = None, name: str = "personal") -> str:
        """An API key that a user made, bound to an organisation."""
        text = f"sk-oh-{uuid.uuid4().hex}"
        self.keys[text] = Key(text, self.people[identity], org or identity, name)
        return text

    @control
    def use_jwt_secret(self, secret: str) -> None:
        """What signs access tokens."""
        self.jwt_secret = secret
