"""Run the simulators as one process: each on its own loopback port, plus the control API."""

from __future__ import annotations

import argparse
import asyncio
import inspect
import json
import signal
import socket
import sys
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from tests.sim.bitbucket import BitbucketSim
from tests.sim.core import MAX_BODY, SimError, Simulator
from tests.sim.jira import JiraSim
from tests.sim.keycloak import KeycloakSim
from tests.sim.ohe import OheSim

KINDS: dict[str, type[Simulator]] = {sim.name: sim for sim in (JiraSim, BitbucketSim, OheSim, KeycloakSim)}


def control_app(sims: dict[str, Simulator]) -> web.Application:
    """`POST /_sim/{name}/{method}` with the arguments as a JSON object."""

    async def call(request: web.Request) -> web.Response:
        sim = sims.get(request.match_info["sim"])
        method = getattr(sim, request.match_info["method"], None)
        if sim is None or not getattr(method, "sim_control", False):
            return web.json_response({"error": "no such control call"}, status=404)
        try:
            result: Any = method(**(await request.json()))
            if inspect.isawaitable(result):
                result = await result
            return web.json_response({"result": result})
        except (SimError, TypeError, KeyError, ValueError, IndexError) as err:
            return web.json_response({"error": f"{type(err).__name__}: {err}"}, status=400)

    async def names(_: web.Request) -> web.Response:
        return web.json_response({name: sim.base_url for name, sim in sims.items()})

    app = web.Application(client_max_size=MAX_BODY)
    app.router.add_post("/_sim/{sim}/{method}", call)
    app.router.add_get("/_sim/", names)
    return app


async def listen(app: web.Application, port: int, runners: list[web.AppRunner], host: str = "127.0.0.1") -> int:
    """Serve an application, usually on loopback; returns the port it got."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    runners.append(runner)
    await runner.setup()
    site = web.TCPSite(runner, host, port, backlog=1024)
    await site.start()
    return runner.addresses[0][1]


async def run(places: dict[str, str], control_port: int) -> None:
    """Start the simulators, print their addresses as one JSON line, serve until told to stop."""
    sims = {name: KINDS[name]() for name in places}
    runners: list[web.AppRunner] = []
    for name, sim in sims.items():
        place = urlsplit(places[name])
        if place.hostname:
            await listen(sim.app(), place.port or 80, runners, socket.gethostbyname(place.hostname))
            sim.base_url = places[name]
        else:
            port = await listen(sim.app(), int(places[name] or 0), runners)
            sim.base_url = f"http://127.0.0.1:{port}"
    control = await listen(control_app(sims), control_port, runners)
    addresses = {name: sim.base_url for name, sim in sims.items()}
    print(json.dumps({"control": f"http://127.0.0.1:{control}", **addresses}), flush=True)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    for runner in runners:
        await runner.cleanup()


def main() -> int:
    """Command line: the simulators wanted, each as NAME, NAME=PORT or NAME=URL (it listens there); none means all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sims", nargs="*", metavar="NAME[=PORT|=URL]", help=", ".join(KINDS))
    parser.add_argument("--control-port", type=int, default=0)
    args = parser.parse_args()
    places: dict[str, str] = {}
    for text in args.sims or list(KINDS):
        name, _, place = text.partition("=")
        if name not in KINDS:
            parser.error(f"no simulator named {name}; there are: {', '.join(KINDS)}")
        places[name] = place
    asyncio.run(run(places, args.control_port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
