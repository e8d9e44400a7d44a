"""An ingress controller: routes of Ingress and HTTPRoute objects to the ready pods behind a Service, round robin.

usage: router.py PORT CONTROL-PORT

Connections to pods are kept alive and used again. Nothing is sent twice: a connection that breaks is a 502, as Traefik
and nginx answer a POST. The table comes as JSON by PUT to the control port:
{"rules": [{"host", "path", "type": "Exact"|"Prefix", "backend": "NAME:PORT"}],
 "endpoints": {"NAME:PORT": ["ADDRESS:PORT"]}}
"""

from __future__ import annotations

import asyncio
import collections
import itertools
import sys
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

HOP = {"connection", "keep-alive", "proxy-authenticate", "te", "trailer", "transfer-encoding", "upgrade", "host"}


class Router:
    """The table and the connections."""

    def __init__(self) -> None:
        self.rules: list[dict[str, str]] = []
        self.endpoints: dict[str, list[str]] = {}
        self.turn = itertools.count()
        self.seen: collections.Counter[str] = collections.Counter()
        self.served: collections.Counter[str] = collections.Counter()
        self.session: aiohttp.ClientSession | None = None

    def pick(self, host: str, path: str) -> str | None:
        """Backend of the best rule: exact before prefix, longer before shorter."""
        found = [
            (rule["type"] == "Exact", len(rule["path"]), rule["backend"])
            for rule in self.rules
            if rule["host"] in ("", host) and matches(rule, path)
        ]
        return max(found)[2] if found else None

    async def configure(self, request: web.Request) -> web.Response:
        """PUT of a new table."""
        table = await request.json()
        self.rules, self.endpoints = table["rules"], table["endpoints"]
        return web.json_response({})

    async def counts(self, _: web.Request) -> web.Response:
        """GET of what was answered: status, or what went wrong behind; and how many each pod answered."""
        return web.json_response({"answers": self.seen, "pods": self.served})

    async def forward(self, request: web.Request) -> web.StreamResponse:
        """One request to one pod."""
        backend = self.pick(request.host.split(":")[0], request.path)
        if backend is None:
            return self._own(404, "no route")
        places = self.endpoints.get(backend, [])
        if not places:
            return self._own(503, f"no endpoint of {backend}")
        place = places[next(self.turn) % len(places)]
        headers: Any = [(k, v) for k, v in request.headers.items() if k.lower() not in HOP]
        headers += [("Host", request.host), ("X-Forwarded-For", request.remote or "")]
        if "X-Forwarded-Proto" not in request.headers:
            headers.append(("X-Forwarded-Proto", "https"))
        body = await request.read()
        assert self.session
        try:
            async with self.session.request(
                request.method,
                f"http://{place}{request.raw_path}",
                data=body or None,
                headers=headers,
                allow_redirects=False,
            ) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            return self._own(502, f"{place} {type(error).__name__} {error}")
        self.seen[str(answer.status)] += 1
        self.served[place] += 1
        kept: Any = [(k, v) for k, v in answer.headers.items() if k.lower() not in HOP | {"content-length"}]
        return web.Response(status=answer.status, body=content, headers=CIMultiDict(kept))

    def _own(self, status: int, text: str) -> web.Response:
        self.seen[f"{status} {text}"] += 1
        return web.Response(status=status, text=text)


def matches(rule: dict[str, str], path: str) -> bool:
    """Kubernetes' rules: a prefix ends at a slash."""
    wanted = rule["path"]
    if rule["type"] == "Exact":
        return path == wanted
    stem = wanted.rstrip("/")
    return path == stem or path.startswith(f"{stem}/")


async def serve(port: int, control: int) -> None:
    """Both ports until the process is ended."""
    router = Router()
    front, back = web.Application(client_max_size=2**26), web.Application(client_max_size=2**24)
    front.router.add_route("*", "/{tail:.*}", router.forward)
    back.router.add_put("/", router.configure)
    back.router.add_get("/", router.counts)
    router.session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
        timeout=aiohttp.ClientTimeout(total=30, sock_connect=5),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    )
    for app, number in ((front, port), (back, control)):
        runner = web.AppRunner(app, access_log=None, keepalive_timeout=90)
        await runner.setup()
        await web.TCPSite(runner, "0.0.0.0", number, backlog=1024).start()
    print("listening", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
