"""What must not be reached: listeners that count who connects; an honest server outside; names that change."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.e2e.waiting import wait_until

OUTSIDE = "127.0.0.2"  # plays the internet: the tests allow it, and it alone
NAMESERVER = "127.0.0.77"
MARK = b"the test itself"


def own_address() -> str | None:
    """An address of this machine that is not loopback, as a node of a cluster has; None: there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))
        except OSError:
            return None
        address = probe.getsockname()[0]
    return None if address.startswith("127.") or address == "0.0.0.0" else address


class Trap:
    """Listens on one port of every address of this machine except the outside's; whatever connects is kept."""

    def __init__(self, port: int = 0) -> None:
        self.seen: list[tuple[str, bytes]] = []
        self.sockets = [socket.create_server(("127.0.0.1", port), backlog=64)]
        self.port = self.sockets[0].getsockname()[1]
        more = ["127.255.255.254", own_address(), "::1" if socket.has_ipv6 else None]
        for address in filter(None, more):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            self.sockets.append(socket.create_server((address, self.port), family=family))
        for one in self.sockets:
            threading.Thread(target=self._accept, args=(one,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            client.settimeout(2)
            local = client.getsockname()[0]
            try:
                data = client.recv(4096)
            except OSError:
                data = b""
            self.seen.append((local, data))
            client.close()

    def settled(self) -> list[tuple[str, bytes]]:
        """Everything that connected before this call."""
        for one in self.sockets:
            with socket.create_connection(one.getsockname()[:2], timeout=5) as own:
                own.sendall(MARK)
            wait_until(lambda: any(data == MARK for _, data in self.seen), 10, "the trap sees its own call")
            self.seen = [entry for entry in self.seen if entry[1] != MARK]
        return self.seen

    def close(self) -> None:
        """Stop listening."""
        for one in self.sockets:
            one.shutdown(socket.SHUT_RDWR)  # ends the thread that waits in it
            one.close()


def make_certificate(folder: Path, *names: str) -> tuple[Path, Path]:
    """A certificate for names and addresses, signed by itself; certificate and key."""
    certificate, key = folder / "outside.pem", folder / "outside-key.pem"
    kinds = [f"IP:{n}" if n[0].isdigit() or ":" in n else f"DNS:{n}" for n in names]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-subj", "/CN=outside", "-addext", f"subjectAltName={','.join(kinds)}", "-days", "30"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


class Outside:
    """A Jira outside, over TLS; `answer` decides, given method and path: status, headers, body."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.answer: Callable[[str, str], tuple[int, dict[str, str], Any]] = lambda *_: (404, {}, {})
        self.certificate, key = make_certificate(folder, OUTSIDE, *names)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _do(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.requests.append((self.command, self.path, dict(self.headers.items())))
                status, headers, value = outer.answer(self.command, self.path)
                body = json.dumps(value).encode()
                self.send_response(status)
                for name, text in ({"Content-Type": "application/json"} | headers).items():
                    self.send_header(name, text)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_DELETE = _do

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer((OUTSIDE, 0), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop."""
        self.server.shutdown()
        self.server.server_close()


class Names:
    """A name server; each name has a list of addresses to give in turn, the last for ever (a list: several at once)."""

    def __init__(self) -> None:
        self.names: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((NAMESERVER, 53))
        self.socket.settimeout(0.1)
        self.is_open = True
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while self.is_open:
            try:
                query, peer = self.socket.recvfrom(2048)
            except TimeoutError:
                continue
            try:
                self.socket.sendto(self._reply(query), peer)
            except (OSError, struct.error, IndexError, UnicodeDecodeError):
                continue

    def _reply(self, query: bytes) -> bytes:
        labels, place = [], 12
        while query[place]:
            labels.append(query[place + 1 : place + 1 + query[place]].decode().lower())
            place += 1 + query[place]
        (kind,) = struct.unpack_from("!H", query, place + 1)
        name = ".".join(labels)
        family, width = (socket.AF_INET, 4) if kind == 1 else (socket.AF_INET6, 16)
        known = self.names.get(name)
        records = []
        if known is not None and kind in (1, 28):
            wanted = [a for a in known[0] if (":" in a) == (kind == 28)]
            if wanted:
                self.asked.append(name)
                known[:] = known[1:] or known
            for address in wanted:
                raw = socket.inet_pton(family, address)
                records.append(struct.pack("!HHHIH", 0xC00C, kind, 1, 0, width) + raw)
        code = 0 if known is not None else 3
        head = query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(records), 0, 0)
        return head + query[12 : place + 5] + b"".join(records)

    def close(self) -> None:
        """Stop."""
        self.is_open = False
        self.thread.join(5)
        self.socket.close()


def why_no_names() -> str | None:
    """Why a program cannot be given a name server of its own here; None: it can."""
    if not shutil.which("unshare"):
        return "no unshare"
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((NAMESERVER, 53))
    except OSError as err:
        return f"port 53 of {NAMESERVER}: {err.strerror}"
    tried = subprocess.run(
        ["unshare", "-rm", "sh", "-c", "mount --bind /etc/hosts /etc/resolv.conf"], capture_output=True
    )
    return None if tried.returncode == 0 else "no mount namespace"


def with_names(folder: Path) -> list[str]:
    """The start of a command whose program asks the name server above."""
    resolv = folder / "resolv.conf"
    resolv.write_text(f"nameserver {NAMESERVER}\noptions timeout:1 attempts:1\n")
    script = f'mount --bind "{resolv}" /etc/resolv.conf && exec "$0" "$@"'
    return ["unshare", "-rm", "sh", "-c", script]
