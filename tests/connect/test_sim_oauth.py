"""Sign-in at the simulators: an independent OAuth client gets along, and each rule refuses who breaks it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from oauthlib.oauth2 import WebApplicationClient
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError, OAuth2Error
from requests_oauthlib import OAuth2Session

from tests.e2e.waiting import wait_until
from tests.sim.client import Remote, Sims
from tests.sim.jira_oauth import challenge_of
from tests.sim.ohe_people import base62

CALLBACK = "https://app.example.com/integration/jira-dc/callback"
VERIFIER = "v" * 43
ANA = "11111111-1111-4111-8111-111111111111"
ORG = "22222222-2222-4222-8222-222222222222"
KEY = b"jwt-secret-of-the-tests"


@pytest.fixture(scope="module")
def sims() -> Iterator[Sims]:
    """Jira with an application link, OpenHands with one person."""
    started = Sims(names=("jira", "ohe")).start()
    try:
        started.jira.add_user(name="ana", token="pat")
        started.jira.add_user(name="root", token="admin", admin=True)
        started.jira.oauth_client(redirect_uri=CALLBACK)
        started.ohe.add_person(email="ana@example.com", identity=ANA)
        started.ohe.set_role(identity=ANA, org=ORG, role="admin")
        started.ohe.set_provider_token(identity=ANA, provider="bitbucket_data_center", token="bb")
        yield started
    finally:
        started.stop()


@pytest.fixture
def jira(sims: Sims) -> Iterator[Remote]:
    """Jira as it was at the start; a test takes the violations it makes."""
    sims.jira.forgive()
    sims.jira.oauth_as(user="ana")
    yield sims.jira
    sims.jira.oauth_configure()
    assert sims.jira.forgive() == []


def consent(jira: Remote, **changed: str | None) -> requests.Response:
    """A browser opens the authorize address; None leaves a parameter out."""
    query: dict[str, Any] = {
        "client_id": "ohdc-client",
        "scope": "WRITE",
        "redirect_uri": CALLBACK,
        "state": "s" * 43,
        "response_type": "code",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    } | changed
    headers = {"User-Agent": "Mozilla/5.0"}
    url = f"{jira.base_url}/rest/oauth2/latest/authorize"
    return requests.get(url, params=query, headers=headers, allow_redirects=False)


def returned(answer: requests.Response) -> dict[str, str]:
    """What the browser brings back to the callback."""
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"].startswith(CALLBACK + "?")
    return {k: v[0] for k, v in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def post(jira: Remote, **changed: str | None) -> requests.Response:
    """The token call of a code, with changes."""
    form = {
        "grant_type": "authorization_code",
        "client_id": "ohdc-client",
        "client_secret": "ohdc-client-secret",
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    } | changed
    form = {name: value for name, value in form.items() if value is not None}
    return requests.post(f"{jira.base_url}/rest/oauth2/latest/token", data=form)


def pair(jira: Remote) -> dict[str, Any]:
    """A pair of tokens."""
    answer = post(jira, code=returned(consent(jira))["code"])
    assert answer.status_code == 200, answer.text
    return answer.json()


def myself(jira: Remote, token: str) -> int:
    """Whether a token works."""
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{jira.base_url}/rest/api/2/myself", headers=headers).status_code


def test_an_independent_client_links_and_renews(jira: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyPI requests-oauthlib: authorize with PKCE, exchange, call, renew; the old pair is void."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    token_url = f"{jira.base_url}/rest/oauth2/latest/token"
    session = OAuth2Session(
        client=WebApplicationClient("ohdc-client", code_verifier=None),
        redirect_uri=CALLBACK,
        scope=["WRITE"],
        pkce="S256",
    )
    url, state = session.authorization_url(f"{jira.base_url}/rest/oauth2/latest/authorize")
    back = requests.get(url, headers={"User-Agent": "Mozilla"}, allow_redirects=False)
    assert returned(back)["state"] == state
    extra = {"include_client_id": True, "client_secret": "ohdc-client-secret"}
    first = session.fetch_token(token_url, authorization_response=back.headers["Location"], **extra)
    assert session.get(f"{jira.base_url}/rest/api/2/myself").json()["name"] == "ana"
    again = session.refresh_token(
        token_url,
        client_id="ohdc-client",
        client_secret="ohdc-client-secret",
        redirect_uri=CALLBACK,
    )
    assert again["refresh_token"] != first["refresh_token"]
    assert (myself(jira, first["access_token"]), myself(jira, again["access_token"])) == (401, 200)
    with pytest.raises(InvalidGrantError):
        session.refresh_token(
            token_url,
            refresh_token=first["refresh_token"],
            client_id="ohdc-client",
            client_secret="ohdc-client-secret",
            redirect_uri=CALLBACK,
        )
    jira.oauth_as(user="ana", allow=False)
    url, _ = session.authorization_url(f"{jira.base_url}/rest/oauth2/latest/authorize")
    denied = requests.get(url, allow_redirects=False).headers["Location"]
    with pytest.raises(OAuth2Error, match="access_denied"):
        session.fetch_token(token_url, authorization_response=denied, **extra)


def test_the_consent_page_waits_for_a_click(jira: Remote) -> None:
    """Nobody decided before: a page with a link for each person and one to deny; each request counts once."""
    jira.oauth_as(ask=True)
    page = consent(jira)
    assert page.status_code == 200
    link = page.text.split('id="allow-ana" href="')[1].split('"')[0]
    assert "code" in returned(requests.get(link, allow_redirects=False))
    assert requests.get(link, allow_redirects=False).status_code == 400
    deny = consent(jira).text.split('id="deny" href="')[1].split('"')[0]
    assert returned(requests.get(deny, allow_redirects=False))["error"] == "access_denied"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"scope": "READ"}, "invalid_scope"),
        ({"state": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": VERIFIER[:40]}, "invalid_request"),
    ],
    ids=str,
)
def test_a_wrong_authorize_request_comes_back_with_an_error(
    jira: Remote, changed: dict[str, str | None], error: str
) -> None:
    """The browser is sent back; the violation names the parameter."""
    assert returned(consent(jira, **changed))["error"] == error
    assert "authorize: " in jira.forgive()[0]


@pytest.mark.parametrize("changed", [{"redirect_uri": CALLBACK + "/"}, {"client_id": "other"}], ids=str)
def test_a_wrong_client_or_address_is_not_sent_back(jira: Remote, changed: dict[str, str]) -> None:
    """An error page: nothing may be sent to an address that is not registered."""
    assert consent(jira, **changed).status_code == 400
    assert len(jira.forgive()) == 1


@pytest.mark.parametrize(
    ("changed", "error", "word"),
    [
        ({"client_secret": "x"}, "invalid_client", "client credentials"),
        ({"client_id": "x"}, "invalid_client", "client credentials"),
        ({"redirect_uri": None}, "invalid_grant", "redirect_uri"),
        ({"redirect_uri": "https://evil.example.com/"}, "invalid_grant", "redirect_uri"),
        ({"code_verifier": None}, "invalid_request", "code_verifier"),
        ({"code_verifier": "short"}, "invalid_request", "code_verifier"),
        ({"grant_type": "password"}, "unsupported_grant_type", "grant_type"),
    ],
    ids=str,
)
def test_a_wrong_token_request_is_refused_and_recorded(
    jira: Remote, changed: dict[str, str | None], error: str, word: str
) -> None:
    """400 with the error's name; the code stays good for who asks rightly."""
    code = returned(consent(jira))["code"]
    answer = post(jira, code=code, **changed)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert word in jira.forgive()[0]
    assert post(jira, code=code).status_code == 200


def test_the_token_endpoint_reads_forms_only(jira: Remote) -> None:
    """JSON is refused."""
    url = f"{jira.base_url}/rest/oauth2/latest/token"
    assert requests.post(url, json={"grant_type": "refresh_token"}).status_code == 400
    assert "reads forms" in jira.forgive()[0]


def test_a_code_works_once_and_its_tokens_end_with_a_second_use(jira: Remote) -> None:
    """The second use is refused and voids what the first one got."""
    code = returned(consent(jira))["code"]
    token = post(jira, code=code).json()["access_token"]
    assert post(jira, code=code).json()["error"] == "invalid_grant"
    assert myself(jira, token) == 401


def test_a_code_ends_and_belongs_to_its_challenge(jira: Remote) -> None:
    """After its time, and with another verifier, it is worth nothing."""
    code = returned(consent(jira))["code"]
    assert post(jira, code=code, code_verifier="w" * 43).json()["error"] == "invalid_grant"
    jira.oauth_configure(code_seconds=-1)
    code = returned(consent(jira))["code"]
    assert post(jira, code=code).json()["error"] == "invalid_grant"
    assert [r.split()[-1] for r in jira.oauth_reasons()[-2:]] == ["match", "expired"]


def test_a_refresh_needs_the_redirect_address_too(jira: Remote) -> None:
    """Without it a bare invalid_grant; the token is not used up."""
    refresh = pair(jira)["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": refresh, "code_verifier": None}
    bare = post(jira, redirect_uri=None, **form)
    assert bare.json() == {"error": "invalid_grant"}
    assert len(jira.forgive()) == 1
    before = jira.oauth_counts()["refreshed"]
    assert post(jira, **form).status_code == 200
    assert post(jira, **form).json()["error"] == "invalid_grant"
    assert jira.oauth_counts()["refreshed"] == before + 1


def test_withdrawn_and_expired_tokens_are_refused_without_a_violation(jira: Remote) -> None:
    """What a person or the clock did is nobody's mistake."""
    first = pair(jira)
    jira.oauth_expire(user="ana")
    assert myself(jira, first["access_token"]) == 401
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = post(jira, code_verifier=None, **form).json()
    assert myself(jira, second["access_token"]) == 200
    jira.oauth_revoke(user="ana")
    assert myself(jira, second["access_token"]) == 401
    jira.oauth_configure(as_text=True)
    assert pair(jira)["expires_in"] == "3600"


def test_an_answer_can_be_held(jira: Remote) -> None:
    """The work is done, the caller hears nothing until the release."""
    code = returned(consent(jira))["code"]
    jira.hold(match="^POST /rest/oauth2/latest/token", after=True)
    with pytest.raises(requests.Timeout):
        url = f"{jira.base_url}/rest/oauth2/latest/token"
        form = {"client_id": "ohdc-client", "client_secret": "ohdc-client-secret", "code": code}
        form |= {"grant_type": "authorization_code", "redirect_uri": CALLBACK}
        requests.post(url, data=form | {"code_verifier": VERIFIER}, timeout=0.5)
    wait_until(lambda: jira.held() == 1)
    assert jira.oauth_codes()[-1]["used"]
    assert jira.release() == 1
    wait_until(lambda: jira.held() == 0)


# --- hooks ------------------------------------------------------------------------------------


def test_jira_ignores_a_secret_at_the_wrong_place(jira: Remote) -> None:
    """It is taken without an error and deliveries stay unsigned; the real place gives the secret back."""
    url = f"{jira.base_url}/rest/jira-webhook/1.0/webhooks"
    headers = {"Authorization": "Bearer admin"}
    hook = {"name": "x", "url": "http://127.0.0.1:9/x", "events": ["comment_created"]}
    made = requests.post(url, json=hook | {"secret": "s"}, headers=headers)
    assert made.status_code == 201
    assert "SECRET" not in made.json()["configuration"]
    assert "top-level secret is ignored" in jira.forgive()[0]
    latest = requests.get(f"{url}/{made.json()['id']}/latest", headers=headers)
    assert latest.status_code == 204
    again = requests.put(
        f"{url}/{made.json()['id']}",
        json=hook | {"configuration": {"SECRET": "s"}},
        headers=headers,
    )
    assert again.json()["configuration"] == {"SECRET": "s"}
    bad = requests.post(url, json=hook | {"events": ["x"]}, headers=headers)
    assert bad.status_code == 400
    assert "unknown events" in jira.forgive()[0]
    jira.drop_hooks()


# --- OpenHands --------------------------------------------------------------------------------


def me(sims: Sims, **headers: str) -> requests.Response:
    """Who OpenHands says the caller is."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.get(f"{sims.ohe.base_url}/api/v1/users/me", headers=named)


def test_openhands_knows_sessions_keys_and_organisations(sims: Sims) -> None:
    """Cookie, Bearer, X-Session-API-Key; role and permissions are those of the organisation asked for."""
    session = sims.ohe.sign_in(identity=ANA)
    cookie = f"other=1; keycloak_auth={session}"
    own = me(sims, Cookie=cookie).json()
    assert (own["id"], own["org_id"], own["role"]) == (ANA, ANA, "member")
    org = me(sims, Cookie=cookie, X_Org_Id=ORG).json()
    assert (org["org_id"], org["role"]) == (ORG, "admin")
    assert "manage_integration_providers" in org["permissions"]
    key = sims.ohe.add_key(identity=ANA, org=ORG)
    assert me(sims, Authorization=f"Bearer {key}").json()["org_id"] == ORG
    assert me(sims, X_Session_API_Key=key).json()["org_id"] == ORG
    foreign = "33333333-3333-4333-8333-333333333333"
    refused = [
        me(sims, Cookie=cookie, X_Org_Id="acme"),
        me(sims, Cookie=cookie, X_Org_Id=foreign),
        me(sims, Authorization=f"Bearer {key}", X_Org_Id=ANA),
        me(sims, Authorization="Bearer wrong"),
    ]
    assert [answer.status_code for answer in refused] == [400, 403, 403, 401]
    sims.ohe.expire_session(session=session)
    assert me(sims, Cookie=cookie).json() == {"error": "ExpiredError"}
    sims.ohe.sign_out(session=session)
    assert me(sims, Cookie=cookie).json() == {"error": "NoCredentialsError"}
    assert sims.ohe.forgive() == []


def test_asking_openhands_who_nobody_is_is_a_violation(sims: Sims) -> None:
    """And so is a service's key there."""
    assert me(sims).status_code == 401
    assert "nobody" in sims.ohe.forgive()[0]
    assert me(sims, X_Service_API_Key="service-key").status_code == 401
    assert "service" in sims.ohe.forgive()[0]


def token(key: bytes = KEY, alg: str = "HS256", kid: str | None = None, **claims: Any) -> str:
    """An access token, with changes."""
    now = int(time.time())
    body = {"user_id": ANA, "provider_type": "bitbucket_data_center", "iat": now, "exp": now + 60}
    kid = kid or base62(hashlib.sha256(KEY).digest())
    parts = [{"alg": alg, "kid": kid}, body | claims]
    texts = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts]
    signed = hmac.new(key, ".".join(texts).encode(), hashlib.sha256).digest()
    return ".".join([*texts, base64.urlsafe_b64encode(signed).rstrip(b"=").decode()])


@pytest.mark.parametrize(
    ("made", "status", "word"),
    [
        ({}, 200, ""),
        ({"user_id": "nobody"}, 404, ""),
        ({"provider_type": "github"}, 404, ""),
        ({"provider_type": "bbdc"}, 404, "unknown provider"),
        ({"key": b"other"}, 401, "signature"),
        ({"alg": "none"}, 401, "algorithm"),
        ({"kid": "1"}, 401, "kid"),
        ({"exp": 1}, 401, "exp"),
        ({"exp": "tomorrow"}, 401, "exp"),
        ({"iat": 10**11}, 401, "iat"),
    ],
    ids=str,
)
def test_openhands_checks_access_tokens(sims: Sims, made: dict[str, Any], status: int, word: str) -> None:
    """200 with the token as text; each fault of the token is a violation."""
    headers = {"X-Access-Token": token(**made)}
    answer = requests.get(f"{sims.ohe.base_url}/api/v1/webhooks/secrets", headers=headers)
    assert answer.status_code == status
    assert status != 200 or (answer.text, answer.headers["Content-Type"][:10]) == ("bb", "text/plain")
    assert word in "".join(sims.ohe.forgive())
