"""Jira's OAuth 2.0 provider: consent, codes that live ten seconds, tokens that rotate, and what it refuses."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode

from tests.sim.core import Answer, Req, SimError, Simulator, control, route
from tests.sim.jira_shapes import User

PARAMETERS = "client_id scope redirect_uri state response_type code_challenge code_challenge_method"
SETTINGS = {
    "code_seconds": 10.0,
    "access_seconds": 3600.0,
    "as_text": False,  # expires_in as text
    "need_pkce": True,
    "scope": "WRITE",  # what the application link allows
}


@dataclass
class Client:
    """An incoming application link."""

    id: str
    secret: str
    redirect_uri: str


@dataclass
class Grant:
    """What a person allowed: a code, then pairs of tokens."""

    user: User
    client: Client
    challenge: str | None
    code: str
    code_until: float
    is_used: bool = False
    refreshes: int = 0


def challenge_of(verifier: str) -> str:
    """S256."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class OAuthProvider(Simulator):
    """The part of Jira that links applications; `users` and `tokens` are Jira's."""

    users: dict[str, User]

    def __init__(self) -> None:
        super().__init__()
        self.clients = {"ohdc-client": Client("ohdc-client", "ohdc-client-secret", "")}
        self.settings: dict[str, Any] = dict(SETTINGS)
        self.grants: dict[str, Grant] = {}
        self.requests: dict[str, dict[str, str]] = {}
        self.access: dict[str, tuple[Grant, float]] = {}
        self.refresh: dict[str, Grant] = {}
        self.issued: set[str] = set()
        self.counts = {"exchanged": 0, "refreshed": 0, "refused": 0}
        self.reasons: list[str] = []
        self.decision: tuple[str | None, bool] | None = None

    # --- tokens on /rest/api ------------------------------------------------------------------

    def holder(self, token: str) -> User | None:
        """Whose access token this is; None for an expired or unknown one."""
        grant, until = self.access.get(token, (None, 0.0))
        return grant.user if grant and until > time.time() else None

    def was_issued(self, token: str) -> bool:
        """Whether this was a token of ours once."""
        return token in self.issued

    # --- consent ------------------------------------------------------------------------------

    @route("GET", "/rest/oauth2/latest/authorize", query=PARAMETERS, auth=False, any_headers=True)
    def authorize(self, req: Req) -> Answer:
        """The consent page, or the decision that the test made before; X-Sim-User decides for one request."""
        given = {name: values[0] for name, values in req.query.items()}
        for name, values in req.query.items():
            if len(values) > 1:
                self.violate(req, f"{name} twice")
        client = self.clients.get(given.get("client_id", ""))
        if client is None or given.get("redirect_uri") != client.redirect_uri:
            what = "unknown client" if client is None else "redirect_uri differs"
            self.violate(req, f"authorize: {what}")
            return Answer(400, f"<html><body><h1>Invalid request</h1><p>{what}</p></body></html>")
        fault = self._authorize_fault(given)
        if fault:
            self.violate(req, f"authorize: {fault[1]}")
            return self._back(given, error=fault[0], error_description=fault[1])
        user = req.header("X-Sim-User")
        decision = (user, user != "-") if user else self.decision
        if decision is not None:
            return self._decide(given, *decision)
        request = secrets.token_urlsafe(16)
        self.requests[request] = given
        return self._consent_page(request)

    def _authorize_fault(self, given: dict[str, str]) -> tuple[str, str] | None:
        checks = (
            ("unsupported_response_type", "response_type", given.get("response_type") == "code"),
            ("invalid_scope", "scope", given.get("scope") == self.settings["scope"]),
            ("invalid_request", "state", bool(given.get("state"))),
            ("invalid_request", "code_challenge", self._is_challenge(given)),
        )
        return next(((error, name) for error, name, good in checks if not good), None)

    def _is_challenge(self, given: dict[str, str]) -> bool:
        if "code_challenge" not in given:
            return not self.settings["need_pkce"]
        well = re.fullmatch(r"[A-Za-z0-9_-]{43}", given["code_challenge"])
        return bool(well) and given.get("code_challenge_method") == "S256"

    def _consent_page(self, request: str) -> Answer:
        base = f"{self.base_url}{self.context}/rest/oauth2/latest/consent/{request}"
        names = [html.escape(name) for name in self.users]
        links = "".join(f'<p><a id="allow-{name}" href="{base}?user={name}">Allow as {name}</a></p>' for name in names)
        page = f'<h1>OpenHands wants access to Jira</h1>{links}<p><a id="deny" href="{base}">Deny</a></p>'
        return Answer(200, f"<html lang=en><title>Jira</title><body>{page}</body></html>")

    @route("GET", "/rest/oauth2/latest/consent/{request}", query="user", auth=False, any_headers=True)
    def consent(self, req: Req, request: str) -> Answer:
        """A click on the consent page."""
        given = self.requests.pop(request, None)
        if given is None:
            return Answer(400, "<html><body>This request is over.</body></html>")
        user = req.one("user")
        return self._decide(given, user, user is not None)

    def _decide(self, given: dict[str, str], user: str | None, allow: bool) -> Answer:
        if not allow or user is None:
            return self._back(given, error="access_denied")
        client = self.clients[given["client_id"]]
        code = secrets.token_urlsafe(24)
        until = time.time() + self.settings["code_seconds"]
        self.grants[code] = Grant(self.users[user], client, given.get("code_challenge"), code, until)
        return self._back(given, code=code)

    @staticmethod
    def _back(given: dict[str, str], **more: str) -> Answer:
        query = urlencode(more | ({"state": given["state"]} if given.get("state") else {}))
        return Answer(302, None, {"Location": f"{given['redirect_uri']}?{query}"})

    # --- tokens -------------------------------------------------------------------------------

    @route("POST", "/rest/oauth2/latest/token", auth=False)
    def token(self, req: Req) -> Answer:
        """Code or refresh token for a new pair; the form is read strictly."""
        if (req.header("Content-Type") or "").split(";")[0] != "application/x-www-form-urlencoded":
            self.violate(req, "the token endpoint reads forms")
            return self._refused(req, "invalid_request", "content type")
        fields = parse_qs(req.raw.decode(), keep_blank_values=True)
        form = {name: values[0] for name, values in fields.items()}
        if any(len(values) > 1 for values in fields.values()):
            self.violate(req, "token: a field twice")
        if req.header("Authorization"):
            self.violate(req, "token: client credentials outside the form")
        client = self.clients.get(form.get("client_id", ""))
        if client is None or form.get("client_secret") != client.secret:
            self.violate(req, "token: wrong client credentials")
            return self._refused(req, "invalid_client", "client authentication failed")
        if form.get("redirect_uri") != client.redirect_uri:
            self.violate(req, "token: redirect_uri missing or different")
            return self._refused(req, "invalid_grant", None)
        if form.get("grant_type") == "authorization_code":
            return self._exchange(req, client, form)
        if form.get("grant_type") == "refresh_token":
            return self._renew(req, client, form)
        self.violate(req, "token: unknown grant_type")
        return self._refused(req, "unsupported_grant_type", "grant_type")

    def _exchange(self, req: Req, client: Client, form: dict[str, str]) -> Answer:
        verifier = form.get("code_verifier")
        if self.settings["need_pkce"] and not re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", verifier or ""):
            self.violate(req, "token: code_verifier missing or malformed")
            return self._refused(req, "invalid_request", "code_verifier")
        grant = self.grants.get(form.get("code", ""))
        if grant is None or grant.client is not client:
            return self._refused(req, "invalid_grant", "The code is unknown")
        if grant.is_used:
            self._revoke(grant)
            return self._refused(req, "invalid_grant", "The code was used before")
        grant.is_used = True
        if grant.code_until < time.time():
            return self._refused(req, "invalid_grant", "The code has expired")
        if (grant.challenge or verifier) and challenge_of(verifier or "") != grant.challenge:
            return self._refused(req, "invalid_grant", "The code_verifier does not match")
        self.counts["exchanged"] += 1
        return self._pair(grant)

    def _renew(self, req: Req, client: Client, form: dict[str, str]) -> Answer:
        grant = self.refresh.get(form.get("refresh_token", ""))
        if grant is None or grant.client is not client:
            if not self.was_issued(form.get("refresh_token", "")):
                self.violate(req, "token: a refresh token that was never issued")
            return self._refused(req, "invalid_grant", "The provided refresh_token is invalid")
        self._revoke(grant)
        self.counts["refreshed"] += 1
        grant.refreshes += 1
        return self._pair(grant)

    def _revoke(self, grant: Grant) -> None:
        self.access = {text: pair for text, pair in self.access.items() if pair[0] is not grant}
        self.refresh = {text: one for text, one in self.refresh.items() if one is not grant}

    def _pair(self, grant: Grant) -> Answer:
        seconds = self.settings["access_seconds"]
        access, refresh = f"at-{secrets.token_urlsafe(32)}", f"rt-{secrets.token_urlsafe(32)}"
        self.access[access] = (grant, time.time() + seconds)
        self.refresh[refresh] = grant
        self.issued |= {access, refresh}
        whole = int(seconds)
        body = {
            "access_token": access,
            "refresh_token": refresh,
            "token_type": "bearer",
            "expires_in": str(whole) if self.settings["as_text"] else whole,
            "scope": self.settings["scope"],
        }
        return Answer(body=body, headers={"Cache-Control": "no-store"})

    def _refused(self, req: Req, name: str, why: str | None) -> Answer:
        self.counts["refused"] += 1
        self.reasons.append(why or name)
        body = {"error": name} | ({"error_description": why} if why else {})
        return Answer(400, body)

    # --- control ------------------------------------------------------------------------------

    @control
    def oauth_client(self, redirect_uri: str, client: str = "ohdc-client", secret: str = "ohdc-client-secret") -> None:
        """Make the application link."""
        self.clients[client] = Client(client, secret, redirect_uri)

    @control
    def oauth_configure(self, **settings: Any) -> None:
        """Set code_seconds, access_seconds, as_text, need_pkce, scope; without any, all as at the start."""
        if not settings:
            self.settings = dict(SETTINGS)
        for name, value in settings.items():
            if name not in SETTINGS:
                raise SimError(f"no setting {name}")
            self.settings[name] = value

    @control
    def oauth_as(self, user: str | None = None, allow: bool = True, ask: bool = False) -> None:
        """Who is signed in and what is clicked from now on; ask: show the consent page, as at the start."""
        self.decision = None if ask else (user, allow)

    @control
    def oauth_counts(self) -> dict[str, int]:
        """Exchanges, refreshes and refusals so far."""
        return self.counts

    @control
    def oauth_reasons(self) -> list[str]:
        """Why the token endpoint refused, oldest first."""
        return self.reasons

    @control
    def oauth_tokens(self, user: str) -> list[dict[str, str]]:
        """The live pairs of a user."""
        pairs = []
        for refresh, grant in self.refresh.items():
            access = next((text for text, pair in self.access.items() if pair[0] is grant), "")
            if grant.user.name == user:
                pairs.append({"access": access, "refresh": refresh})
        return pairs

    @control
    def oauth_codes(self) -> list[dict[str, Any]]:
        """All codes issued, oldest first."""
        return [{"code": g.code, "user": g.user.name, "used": g.is_used} for g in self.grants.values()]

    @control
    def oauth_revoke(self, user: str) -> int:
        """The person withdraws the access: codes and tokens are void."""
        gone = [grant for grant in self.refresh.values() if grant.user.name == user]
        for grant in gone:
            self._revoke(grant)
        return len(gone)

    @control
    def oauth_expire(self, user: str) -> None:
        """End the life of a user's access tokens now; the refresh tokens stay."""
        self.access = {
            text: (grant, 0.0 if grant.user.name == user else until) for text, (grant, until) in self.access.items()
        }
