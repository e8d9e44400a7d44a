"""What every simulator shares: routes, strictness, faults, a record of calls, sending webhooks."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar
from urllib.parse import unquote

import aiohttp
import jsonschema
from aiohttp import web

MAX_BODY = 64 * 1024 * 1024
SECRET_HEADERS = ("X-Service-API-Key", "X-Access-Token", "X-Session-API-Key", "Cookie")
CREDENTIALS = ("authorization", "cookie", "x-access-token", "x-session-api-key", "x-org-id")


class SimError(Exception):
    """A control call that cannot be done; its text goes back to the test."""


@dataclass
class Answer:
    """One HTTP answer: a JSON value, or text when body is a str."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str | None = None


@dataclass
class Req:
    """One request as a handler sees it; body is the parsed JSON when the route wants JSON."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    raw: bytes
    body: Any = None
    user: Any = None

    def one(self, name: str, default: str | None = None) -> str | None:
        """First value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else default

    def number(self, name: str, default: int) -> int:
        """A query parameter that must be a whole number."""
        text = self.one(name)
        return int(text) if text is not None and text.isdigit() else default

    def header(self, name: str) -> str | None:
        """A header by its name in any case."""
        return self.headers.get(name.lower())


@dataclass
class Fault:
    """What goes wrong with the next `times` calls whose `METHOD path` matches (-1: for ever)."""

    match: str
    times: int = 1
    skip: int = 0
    status: int = 0
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_ms: int = 0
    close: bool = False
    effect: bool = False
    hits: int = 0

    def takes(self, line: str) -> bool:
        """Whether this call is hit; counts it."""
        if not re.search(self.match, line) or self.times == 0:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1 if self.times > 0 else 0
        self.hits += 1
        return True


@dataclass
class Hold:
    """Calls that wait until the test releases them: before their work, or after it with the answer ready."""

    match: str
    times: int
    after: bool
    waiting: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)

    def takes(self, line: str, after: bool) -> bool:
        """Whether this call has to wait here; counts it."""
        if self.after != after or self.times == 0 or not re.search(self.match, line):
            return False
        self.times -= 1 if self.times > 0 else 0
        return True

    async def wait(self) -> None:
        """Until released."""
        self.waiting += 1
        try:
            await self.open.wait()
        finally:
            self.waiting -= 1


@dataclass(frozen=True)
class Route:
    """One path of a product: what it takes, whether it needs a login, and who answers."""

    method: str
    pattern: re.Pattern[str]
    query: frozenset[str]
    schema: dict[str, Any] | None
    body: bool
    auth: bool
    any_headers: bool
    handler: str


def route(
    method: str,
    path: str,
    *,
    query: str = "",
    schema: dict[str, Any] | None = None,
    body: bool = False,
    auth: bool = True,
    any_headers: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a handler's path; `{name}` is one segment, `{name:regex}` a restricted one."""

    def hole(match: re.Match[str]) -> str:
        return f"(?P<{match[1]}>{match[2] or '[^/]+'})"

    pattern = re.compile("^" + re.sub(r"\{(\w+)(?::([^}]+))?\}", hole, path) + "$")

    def mark(handler: Callable[..., Any]) -> Callable[..., Any]:
        routes = getattr(handler, "sim_routes", [])
        routes.append(
            Route(
                method,
                pattern,
                frozenset(query.split()),
                schema,
                body or schema is not None,
                auth,
                any_headers,
                handler.__name__,
            )
        )
        handler.sim_routes = routes  # type: ignore[attr-defined]
        return handler

    return mark


def control(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a method as callable from tests through the control API."""
    handler.sim_control = True  # type: ignore[attr-defined]
    return handler


class Simulator:
    """Base of the simulators; subclasses declare routes and how they refuse."""

    name: ClassVar[str] = ""
    own_secret_headers: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self.base_url = ""
        self.context = ""
        self.faults: list[Fault] = []
        self.holds: list[Hold] = []
        self.calls_made: list[dict[str, Any]] = []
        self.found: list[str] = []
        self.sent: list[dict[str, Any]] = []
        self.background: set[asyncio.Task[None]] = set()
        self.client: aiohttp.ClientSession | None = None
        self.routes: list[Route] = []
        for _, member in inspect.getmembers(type(self), inspect.isfunction):
            self.routes.extend(getattr(member, "sim_routes", []))

    # --- what a product decides -------------------------------------------------------------

    def authenticate(self, req: Req) -> Any:
        """The user behind a request, or an Answer that refuses it."""
        raise NotImplementedError

    def refuse_path(self, req: Req) -> Answer:
        """What the product says about a path it does not have."""
        return Answer(404, "Not Found")

    def refuse_body(self, req: Req, reason: str) -> Answer:
        """What the product says about a body it cannot use."""
        return Answer(400, {"message": reason})

    def refuse_type(self, req: Req) -> Answer:
        """What the product says about a content type it does not read."""
        return Answer(415, "Unsupported Media Type")

    def decorate(self, req: Req, answer: Answer) -> None:
        """Headers that the product puts on each answer."""

    # --- serving ----------------------------------------------------------------------------

    def violate(self, req: Req, why: str) -> None:
        """Record that the caller did something no client should do."""
        self.found.append(f"{self.name}: {req.method} {req.path}: {why}")

    def app(self) -> web.Application:
        """The aiohttp application that serves this product."""
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_route("*", "/{tail:.*}", self._serve)
        app.on_startup.append(self._open)
        app.on_cleanup.append(self._close)
        return app

    async def _open(self, _: web.Application) -> None:
        self.client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20), auto_decompress=False)

    async def _close(self, _: web.Application) -> None:
        for task in list(self.background):
            task.cancel()
        if self.client:
            await self.client.close()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        req = await self._read(request)
        await self._hold(req, after=False)
        fault = next((f for f in self.faults if f.takes(f"{req.method} {req.path}")), None)
        if fault and fault.delay_ms:
            await asyncio.sleep(fault.delay_ms / 1000)
        if fault and not fault.effect and (fault.close or fault.status):
            answer = Answer(fault.status, fault.body, dict(fault.headers))
        else:
            answer = await self._answer(req)
            if fault and fault.status:
                answer = Answer(fault.status, fault.body, dict(fault.headers))
        await self._hold(req, after=True)
        closing = bool(fault and fault.close)
        self._record(req, 0 if closing else answer.status)
        if closing and request.transport:
            request.transport.close()
            return web.Response(status=500)
        return self._response(answer)

    async def _hold(self, req: Req, after: bool) -> None:
        line = f"{req.method} {req.path}"
        hold = next((h for h in self.holds if h.takes(line, after)), None)
        if hold:
            await hold.wait()

    async def _read(self, request: web.Request) -> Req:
        raw = await request.read()
        query: dict[str, list[str]] = {}
        for key, value in request.rel_url.query.items():
            query.setdefault(key, []).append(value)
        headers = {k.lower(): v for k, v in request.headers.items()}
        return Req(request.method, request.rel_url.raw_path, query, headers, raw)

    async def _answer(self, req: Req) -> Answer:
        if not self.context or req.path.startswith(self.context + "/"):
            answer = await self._dispatch(req, req.path[len(self.context) :])
        else:
            self.violate(req, f"outside the context path {self.context}")
            answer = self.refuse_path(req)
        self.decorate(req, answer)
        return answer

    async def _dispatch(self, req: Req, path: str) -> Answer:
        hits = [(r, m) for r in self.routes if (m := r.pattern.match(path))]
        chosen = next(((r, m) for r, m in hits if r.method == req.method), None)
        if chosen is None or not chosen[0].any_headers:
            self._check_headers(req)
        if chosen is None:
            self.violate(req, "unexpected method" if hits else "unexpected path")
            return Answer(405, "Method Not Allowed") if hits else self.refuse_path(req)
        found, match = chosen
        if found.auth:
            who = self.authenticate(req)
            if isinstance(who, Answer):
                return who
            req.user = who
        refusal = self._check_input(req, found)
        if refusal:
            return refusal
        result = getattr(self, found.handler)(req, **{k: unquote(v) for k, v in match.groupdict().items()})
        return await result if inspect.isawaitable(result) else result

    def _check_headers(self, req: Req) -> None:
        for name in SECRET_HEADERS:
            if req.header(name) is not None and name not in self.own_secret_headers:
                self.violate(req, f"unexpected header {name}")
        if not req.header("User-Agent"):
            self.violate(req, "missing header User-Agent")
        if "Mozilla" in (req.header("User-Agent") or ""):
            self.violate(req, "a browser's User-Agent")

    def _check_input(self, req: Req, found: Route) -> Answer | None:
        for name in sorted(set(req.query) - found.query):
            self.violate(req, f"unknown query parameter {name}")
        if not found.body:
            if req.raw and req.method in ("GET", "DELETE"):
                self.violate(req, "a body where none belongs")
            return None
        kind = (req.header("Content-Type") or "").split(";")[0].strip()
        if kind != "application/json":
            self.violate(req, f"content type {kind or 'missing'}")
            return self.refuse_type(req)
        try:
            req.body = json.loads(req.raw.decode("utf-8"))
            if found.schema is not None:
                jsonschema.validate(req.body, found.schema)
        except (ValueError, jsonschema.ValidationError) as err:
            reason = getattr(err, "message", None) or str(err)
            self.violate(req, f"body: {reason}")
            return self.refuse_body(req, reason)
        return None

    def _record(self, req: Req, status: int) -> None:
        who = getattr(req.user, "name", None) if req.user is not None else None
        text = req.raw[:100_000].decode("utf-8", "replace")
        self.calls_made.append(
            {
                "at": time.time(),
                "method": req.method,
                "path": req.path,
                "query": req.query,
                "credentials": {n: req.headers[n] for n in CREDENTIALS if n in req.headers},
                "status": status,
                "user": who,
                "body": text,
            }
        )

    @staticmethod
    def _response(answer: Answer) -> web.Response:
        headers = dict(answer.headers)
        if answer.body is None:
            return web.Response(status=answer.status, headers=headers)
        if isinstance(answer.body, str):
            kind = answer.content_type or ("text/html" if answer.body.startswith("<") else "text/plain")
            return web.Response(status=answer.status, text=answer.body, content_type=kind, headers=headers)
        kind = answer.content_type or "application/json"
        return web.Response(
            status=answer.status,
            body=json.dumps(answer.body, ensure_ascii=False).encode(),
            headers={"Content-Type": f"{kind}", **headers},
        )

    # --- sending ----------------------------------------------------------------------------

    async def deliver(self, url: str, event: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        """POST one webhook once, as the products do; the outcome is kept and returned."""
        assert self.client is not None
        record: dict[str, Any] = {"url": url, "event": event, "at": time.time(), "status": 0}
        record["headers"] = headers
        record["body"] = body.decode("utf-8", "replace")
        self.sent.append(record)
        try:
            async with self.client.post(url, data=body, headers=headers) as answer:
                record["status"] = answer.status
                record["answer"] = (await answer.read())[:2000].decode("utf-8", "replace")
        except (aiohttp.ClientError, TimeoutError) as err:
            record["error"] = type(err).__name__
        return record

    def spawn(self, work: Any) -> None:
        """Run a coroutine in the background, kept alive until it ends."""
        task = asyncio.get_running_loop().create_task(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)

    # --- control ----------------------------------------------------------------------------

    @control
    def violations(self) -> list[str]:
        """Everything a caller did wrong so far."""
        return self.found

    @control
    def forgive(self) -> list[str]:
        """Hand over the violations so far and forget them."""
        found, self.found = self.found, []
        return found

    @control
    def fault(self, **spec: Any) -> None:
        """Add a fault, see Fault."""
        re.compile(spec.get("match", ""))
        self.faults.append(Fault(**spec))

    @control
    def hold(self, match: str, times: int = 1, after: bool = False) -> None:
        """Let the next calls wait before their work; with after, do the work and keep the answer back."""
        re.compile(match)
        self.holds.append(Hold(match, times, after))

    @control
    def held(self) -> int:
        """How many calls wait."""
        return sum(hold.waiting for hold in self.holds)

    @control
    def release(self) -> int:
        """Let all that waits go on; nothing waits any more."""
        count = self.held()
        for hold in self.holds:
            hold.times = 0
            hold.open.set()
        self.holds.clear()
        return count

    @control
    def heal(self) -> list[dict[str, Any]]:
        """Remove all faults; returns them with their hit counts."""
        gone, self.faults = self.faults, []
        return [asdict(f) for f in gone]

    @control
    def fault_hits(self) -> list[int]:
        """How often each fault struck."""
        return [f.hits for f in self.faults]

    @control
    def calls(self, match: str = "") -> list[dict[str, Any]]:
        """The calls whose `METHOD path` matches, oldest first."""
        return [c for c in self.calls_made if re.search(match, f"{c['method']} {c['path']}")]

    @control
    def deliveries(self) -> list[dict[str, Any]]:
        """The webhooks sent so far, with the status each got (0: none)."""
        return self.sent

    @control
    async def redeliver(self, containing: str, times: int = 1) -> list[int]:
        """Send the first webhook whose body has a text again, byte for byte."""
        old = next(record for record in self.sent if containing in record["body"])
        statuses = []
        for _ in range(times):
            body = old["body"].encode()
            again = await self.deliver(old["url"], old["event"], body, old["headers"])
            statuses.append(again["status"])
        return statuses
