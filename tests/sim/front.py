"""The app's address as browsers see it: TLS, our paths to our services, the rest to a stand-in for OpenHands.

    front = Front(folder, {"ingress": URL, "linker": URL, "installer": URL, "ohe": URL}).start()
    front.port    # for any host name; chromium: --host-resolver-rules="MAP app.example.com 127.0.0.1:{port}"
    front.stop()

OpenHands: `/api/…` goes to the simulator; `/settings/…` is a page of the test's (or a plain one);
`/_front/sign-in?session=…&to=…` sets the cookie keycloak_auth, Strict as OpenHands does, `/_front/sign-out` removes it.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import subprocess
import threading
from pathlib import Path

import aiohttp
from aiohttp import web

ROUTES = (
    (r"/integration/(jira|bitbucket)-dc/connections/[^/]+/events", "ingress"),
    (r"/integration/jira-dc/(workspaces/link|callback|secrets/token)", "linker"),
    (r"/bitbucket-dc-proxy/oauth2/userinfo", "linker"),
    (r"/integration/dc/link(/.*)?", "linker"),
    (r"/integration/jira-dc/workspaces(/.*)?", "installer"),
    (
        r"/integration/bitbucket-dc/(resources|(reinstall|uninstall|enroll)-webhook|webhook-id)",
        "installer",
    ),
    (r"/integration/dc(/.*)?", "installer"),
)
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "upgrade", "te"}
SETTINGS = "<!doctype html><html lang=en><title>OpenHands</title><body><h1>Integrations</h1></body></html>"


def service_of(path: str) -> str | None:
    """Which of our services a path belongs to; None: it stays with OpenHands."""
    return next((name for pattern, name in ROUTES if re.fullmatch(pattern, path)), None)


def make_certificate(folder: Path, host: str) -> tuple[Path, Path]:
    """A certificate for a host name, signed by itself; certificate and key."""
    certificate, key = folder / "front.pem", folder / "front-key.pem"
    names = f"subjectAltName=DNS:{host},DNS:localhost,IP:127.0.0.1"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-subj", f"/CN={host}", "-addext", names, "-days", "30"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


class Front:
    """A reverse proxy in a thread of its own; `upstreams` may change while it runs."""

    def __init__(
        self,
        folder: Path,
        upstreams: dict[str, str],
        host: str = "app.example.com",
        page: Path | None = None,
    ) -> None:
        self.upstreams = upstreams
        self.page = page
        self.host = host
        self.port = 0
        self.seen: list[tuple[str, str, int]] = []
        self.certificate, key = make_certificate(folder, host)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(self.certificate, key)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def start(self) -> Front:
        """Listen on a free port."""
        self.thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self.loop).result(20)
        return self

    def stop(self) -> None:
        """Close everything."""
        asyncio.run_coroutine_threadsafe(self._close(), self.loop).result(20)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    async def _open(self) -> None:
        timeout = aiohttp.ClientTimeout(total=90)
        self.client = aiohttp.ClientSession(timeout=timeout, auto_decompress=False)
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_get("/_front/sign-in", self._sign_in)
        app.router.add_get("/_front/sign-out", self._sign_out)
        app.router.add_route("*", "/{tail:.*}", self._serve)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0, ssl_context=self.tls)
        await site.start()
        self.port = self.runner.addresses[0][1]

    async def _close(self) -> None:
        await self.runner.cleanup()
        await self.client.close()

    async def _sign_in(self, request: web.Request) -> web.Response:
        answer = web.Response(status=302, headers={"Location": request.query.get("to", "/settings")})
        session = request.query["session"]
        answer.set_cookie("keycloak_auth", session, secure=True, httponly=True, samesite="Strict", path="/")
        return answer

    async def _sign_out(self, request: web.Request) -> web.Response:
        answer = web.Response(status=302, headers={"Location": request.query.get("to", "/settings")})
        answer.del_cookie("keycloak_auth", path="/")
        return answer

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path = request.rel_url.raw_path
        name = service_of(path) or ("ohe" if path.startswith("/api/") else None)
        if name is None:
            text = self.page.read_text() if self.page else SETTINGS
            found = path.startswith(("/settings", "/conversations")) or path == "/"
            return web.Response(text=text, content_type="text/html", status=200 if found else 404)
        headers = {k: v for k, v in request.headers.items() if k.lower() not in HOP}
        headers |= {"Host": request.host, "X-Forwarded-Proto": "https", "X-Forwarded-Host": request.host}
        url = self.upstreams[name] + str(request.rel_url)
        try:
            answer = await self.client.request(
                request.method, url, data=await request.read(), headers=headers, allow_redirects=False
            )
        except (aiohttp.ClientError, TimeoutError):
            self.seen.append((request.method, path, 502))
            return web.Response(status=502, text="Bad Gateway")
        async with answer:
            body = await answer.read()
        self.seen.append((request.method, path, answer.status))
        made = web.Response(status=answer.status, body=body)
        made.headers.clear()
        for key, value in answer.headers.items():
            if key.lower() not in HOP:
                made.headers.add(key, value)
        return made
