"""TLS before a simulator that speaks plain HTTP: for servers that are known by an https address alone."""

from __future__ import annotations

import asyncio
import ssl
import threading
from urllib.parse import urlsplit


class Tunnel:
    """Passes bytes on to the simulator; `base_url` is the https address, by IP."""

    def __init__(self, base_url: str, tls: ssl.SSLContext) -> None:
        self.target = urlsplit(base_url).port
        self.tls = tls
        self.base_url = ""
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def start(self) -> Tunnel:
        """Listen on a free port."""
        self.thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self.loop).result(20)
        return self

    def stop(self) -> None:
        """Stop listening; connections end with the thread."""
        self.loop.call_soon_threadsafe(self.server.close)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    async def _open(self) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.base_url = f"https://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self.target)
        await asyncio.gather(self._pass(reader, to_writer), self._pass(to_reader, writer))

    @staticmethod
    async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except (ConnectionError, ssl.SSLError):
            pass
        writer.close()
