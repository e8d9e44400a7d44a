"""A server that is not there yet."""

from __future__ import annotations

import socket
import threading

from tests.run.servers import free_port


class Door:
    """A port that leads to another one, once it is open."""

    def __init__(self, target: int) -> None:
        self.port, self.target = free_port(), target
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

    def open(self) -> None:
        """From now on."""
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """No more new ones."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self) -> None:
        while True:
            try:
                come, _ = self.listener.accept()
            except OSError:
                return
            on = socket.create_connection(("127.0.0.1", self.target))
            for one, two in ((come, on), (on, come)):
                threading.Thread(target=self._pass, args=(one, two), daemon=True).start()

    @staticmethod
    def _pass(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass
