"""A small client of the Kubernetes API: JSON in, JSON out, and waiting for what should become true."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

Object = dict[str, Any]

CORE = "/api/v1"
APPS = "/apis/apps/v1"

PATCH_TYPES = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}


def until(condition: Callable[[], Any], what: str, seconds: float = 60, pause: float = 0.1) -> Any:
    """The first true result of a condition, asked again after a pause; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(pause)
    return result


class Api:
    """Calls as one user; each thread has its own connections."""

    def __init__(self, url: str, certificate: tuple[str, str], authority: str):
        self.url = url
        self._certificate, self._authority = certificate, authority
        self._local = threading.local()

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            session = requests.Session()
            session.trust_env = False
            session.cert, session.verify = self._certificate, self._authority
            # A kept connection that the server has closed meanwhile: all our calls may be made twice.
            again = Retry(3, allowed_methods=None, backoff_factor=0.2, respect_retry_after_header=False)
            session.mount("https://", HTTPAdapter(max_retries=again))
            self._local.session = session
        return self._local.session

    def call(self, method: str, path: str, body: Object | None = None, **options: Any) -> requests.Response:
        """One request; the caller looks at the status."""
        headers = {
            "Content-Type": PATCH_TYPES[options.pop("patch", "merge")] if method == "PATCH" else "application/json"
        }
        data = None if body is None else json.dumps(body)
        return self._session().request(method, self.url + path, data=data, headers=headers, timeout=60, **options)

    def _done(self, response: requests.Response, missing: tuple[int, ...] = ()) -> Object | None:
        if response.status_code in missing:
            return None
        assert response.ok, (
            f"{response.request.method} {response.request.path_url}: {response.status_code} {response.text}"
        )
        return response.json()

    def get(self, path: str) -> Object:
        """What must be there."""
        return self._done(self.call("GET", path)) or {}

    def find(self, path: str) -> Object | None:
        """An object, or None."""
        return self._done(self.call("GET", path), (404,))

    def items(self, path: str) -> list[Object]:
        """A list's items."""
        return self.get(path)["items"]

    def create(self, path: str, body: Object) -> Object:
        """Create; it is all right when it is there already."""
        return self._done(self.call("POST", path, body), (409,)) or {}

    def patch(self, path: str, body: Object, kind: str = "merge") -> Object | None:
        """Change; None when it has gone or changed in between."""
        return self._done(self.call("PATCH", path, body, patch=kind), (404, 409))

    def delete(self, path: str, body: Object | None = None) -> None:
        """Delete; it is all right when it has gone."""
        self._done(self.call("DELETE", path, body), (404, 409))

    def watch(self, path: str, stop: threading.Event) -> Iterator[tuple[str, Object]]:
        """All objects of a list and then their changes, until stopped; lists anew when the connection ends."""
        while not stop.is_set():
            listed = self.get(path)
            for item in listed["items"]:
                yield "ADDED", item
            parameters = {"watch": "1", "resourceVersion": listed["metadata"]["resourceVersion"], "timeoutSeconds": "5"}
            try:
                with self.call("GET", path, params=parameters, stream=True) as response:
                    for line in response.iter_lines():
                        if stop.is_set():
                            return
                        event = json.loads(line)
                        if event["type"] == "ERROR":
                            break
                        yield event["type"], event["object"]
            except requests.RequestException:
                stop.wait(0.1)
