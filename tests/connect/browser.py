"""A browser as far as security goes: cookie prefixes, SameSite, Origin, Sec-Fetch headers, forms; one at one screen."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from tests.e2e.stack import Stack
from tests.sim.front import service_of


@dataclass
class Cookie:
    """One cookie of the app's host."""

    name: str
    value: str
    same_site: str
    secure: bool = True
    path: str = "/"


@dataclass
class Form:
    """A form of a page: where it goes and what it carries."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    """Collects forms, and the text that people see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.text: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.attributes.extend(given)
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif tag in ("input", "button") and self.forms and "name" in given:
            self.forms[-1].fields[given["name"]] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


class Page:
    """What an answer shows."""

    def __init__(self, answer: requests.Response) -> None:
        parser = _Forms()
        parser.feed(answer.text)
        self.forms, self.tags, self.attributes = parser.forms, parser.tags, parser.attributes
        self.text = " ".join(" ".join(parser.text).split())

    def form(self, part: str) -> Form:
        """The only form whose action contains a text."""
        found = [form for form in self.forms if part in form.action]
        assert len(found) == 1, (part, self.forms, self.text)
        return found[0]


class Browser:
    """Talks to the services directly, as the front would after TLS."""

    def __init__(self, stack: Stack, session: str | None = None, strict: bool = True) -> None:
        self.stack = stack
        self.cookies: dict[str, Cookie] = {}
        self.http = requests.Session()
        self.http.trust_env = False
        if session:
            self.sign_in(session, strict)

    def sign_in(self, session: str, strict: bool = True) -> None:
        """OpenHands sets its cookie."""
        kind = "Strict" if strict else "Lax"
        self.cookies["keycloak_auth"] = Cookie("keycloak_auth", session, kind)

    def sign_out(self) -> None:
        """OpenHands removes its cookie."""
        self.cookies.pop("keycloak_auth", None)

    # --- moving -------------------------------------------------------------------------------

    def open(self, path: str, **more: Any) -> requests.Response:
        """Type an address, or follow a link on our own page."""
        return self.send("GET", path, more.pop("site", "same-origin"), navigates=True, **more)

    def arrive(self, url: str, **more: Any) -> requests.Response:
        """Be sent here by another site's redirect or link."""
        return self.send("GET", url, "cross-site", navigates=True, **more)

    def submit(self, form: Form, site: str = "same-origin", **changed: str | None) -> requests.Response:
        """Post a form, with changes; None leaves a field out."""
        fields = {k: v for k, v in (form.fields | changed).items() if v is not None}
        return self.send(form.method.upper(), form.action, site, navigates=True, data=fields)

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        """What a script on a page of ours (or, with site, of another) does with fetch()."""
        return self.send(method, path, more.pop("site", "same-origin"), navigates=False, json=body, **more)

    def jira(self, url: str, user: str) -> str:
        """Open Jira's authorize address and allow as a user ("-": deny); where Jira sends the browser."""
        headers = {"X-Sim-User": user, "User-Agent": "Mozilla/5.0"}
        answer = self.http.get(url, headers=headers, allow_redirects=False, timeout=20)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def jar(self) -> str:
        """All cookies, as if none were kept back from other sites."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies.values())

    # --- how a request is made ----------------------------------------------------------------

    def send(
        self, method: str, url: str, site: str, navigates: bool, headers: dict[str, str] | None = None, **more: Any
    ) -> requests.Response:
        """One request to our own host; redirects are not followed. A header with value "" is left out."""
        parts = urlsplit(urljoin(self.stack.origin, url))
        assert parts.netloc == urlsplit(self.stack.origin).netloc, url
        service = service_of(parts.path)
        assert service, f"{parts.path} is not ours"
        sent = self._headers(method, site, navigates) | (headers or {})
        sent = {name: value for name, value in sent.items() if value}
        answer = self.http.request(
            method,
            f"{self.stack.front(service)}{parts.path}" + (f"?{parts.query}" if parts.query else ""),
            headers=sent,
            allow_redirects=False,
            timeout=90,
            **more,
        )
        self.http.cookies.clear()
        self._keep(answer)
        return answer

    def _headers(self, method: str, site: str, navigates: bool) -> dict[str, str]:
        mine = urlsplit(self.stack.origin)
        foreign = "https://evil.example.net" if site == "cross-site" else f"https://other.{mine.netloc}"
        origin = self.stack.origin if site == "same-origin" else foreign
        kinds = {"Strict"} if site != "cross-site" else set()
        kinds |= {"Lax"} if site != "cross-site" or (navigates and method == "GET") else set()
        cookies = "; ".join(f"{c.name}={c.value}" for c in self.cookies.values() if c.same_site in kinds | {"None"})
        return {
            "Host": mine.netloc,
            "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0",
            "Accept": "text/html" if navigates else "application/json, text/plain, */*",
            "Sec-Fetch-Site": site,
            "Sec-Fetch-Mode": "navigate" if navigates else "cors",
            "Origin": origin if method != "GET" else "",
            "X-Forwarded-Proto": "https",
            "Cookie": cookies,
        }

    def _keep(self, answer: requests.Response) -> None:
        for line in answer.raw.headers.getlist("Set-Cookie"):
            pair, *rest = [part.strip() for part in line.split(";")]
            name, _, value = pair.partition("=")
            attributes = {k.lower(): v for k, _, v in (part.partition("=") for part in rest)}
            good = "secure" in attributes and attributes.get("path") == "/" and "domain" not in attributes
            assert good or not name.startswith("__Host-"), f"browsers refuse {line}"
            if attributes.get("max-age") == "0" or not value:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = Cookie(name, value, attributes.get("samesite", "Lax"))
