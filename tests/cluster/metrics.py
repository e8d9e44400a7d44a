"""The API metrics.k8s.io, as metrics-server has it, where a test says how much CPU each pod uses."""

from __future__ import annotations

import http.server
import json
import ssl
import threading
import urllib.parse
from datetime import UTC, datetime
from typing import Any

from tests.cluster.api import CORE, Api, Object, until
from tests.cluster.plane import Authority
from tests.run.servers import free_port

GROUP = "metrics.k8s.io"
VERSION = "v1beta1"
BASE = f"/apis/{GROUP}/{VERSION}"
DISCOVERY = {
    "kind": "APIResourceList",
    "apiVersion": "v1",
    "groupVersion": f"{GROUP}/{VERSION}",
    "resources": [
        {"name": "pods", "singularName": "", "namespaced": True, "kind": "PodMetrics", "verbs": ["get", "list"]}
    ],
}


class Metrics:
    """Serves, from `start` to `stop`; `use` is millicores of each ready pod by namespace."""

    def __init__(self, api: Api, ca: Authority):
        self.api, self.use = api, dict[str, int]()
        self.port = free_port()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(ca.path("apiserver.crt"), ca.path("apiserver.key"))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        metrics = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = json.dumps(metrics.answer(self.path)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: Any) -> None:
                pass

        return Handler

    def answer(self, path: str) -> Object:
        """What a GET gets."""
        url = urllib.parse.urlsplit(path)
        words = url.path.removeprefix(BASE).strip("/").split("/")
        if words[-1] != "pods":
            return DISCOVERY
        namespace = words[1]
        chosen = urllib.parse.quote(urllib.parse.parse_qs(url.query).get("labelSelector", [""])[0])
        pods = self.api.items(f"{CORE}/namespaces/{namespace}/pods?labelSelector={chosen}")
        items = [self._use(pod["metadata"], pod["spec"]["containers"]) for pod in pods]
        return {"kind": "PodMetricsList", "apiVersion": f"{GROUP}/{VERSION}", "metadata": {}, "items": items}

    def _use(self, meta: Object, containers: list[Object]) -> Object:
        usage = {"cpu": f"{self.use.get(meta['namespace'], 0)}m", "memory": "20Mi"}
        return {
            "metadata": {"name": meta["name"], "namespace": meta["namespace"]},
            "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "window": "10s",
            "containers": [{"name": container["name"], "usage": usage} for container in containers],
        }

    def start(self) -> None:
        """Serve, and be known to the control plane."""
        self._thread.start()
        service = {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": self.port}]}
        self.api.create(f"{CORE}/namespaces/kube-system/services", {"metadata": {"name": "metrics"}, "spec": service})
        spec = {
            "group": GROUP,
            "version": VERSION,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
            "service": {"name": "metrics", "namespace": "kube-system", "port": self.port},
        }
        path = "/apis/apiregistration.k8s.io/v1/apiservices"
        self.api.create(path, {"metadata": {"name": f"{VERSION}.{GROUP}"}, "spec": spec})
        until(lambda: self.api.call("GET", BASE).ok, "the metrics API is served")

    def stop(self) -> None:
        """No longer known, no longer served."""
        self.api.delete(f"/apis/apiregistration.k8s.io/v1/apiservices/{VERSION}.{GROUP}")
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
