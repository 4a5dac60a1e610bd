"""A front of the Kubernetes double for kubectl, which wants discovery, and sends no token over plain HTTP."""

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.kubernetes.double import KubernetesDouble
from tests.kubernetes.double.kinds import KINDS
from tests.kubernetes.double.kubeconfig import write

ENVIRONMENT = {"KUBE_FEATURE_WatchListClient": "false"}
"""The double lists and then watches; it does not stream a list."""
PASSED = ("accept", "content-type", "user-agent")
BLOCK = 65_536


@contextmanager
def for_kubectl(double: KubernetesDouble, path: Path) -> Iterator[Path]:
    """A kubeconfig at `path` whose server passes everything on to the double, as `admin`."""
    handler = type("Bound", (_Front,), {"double": double})
    with _Server(("127.0.0.1", 0), handler) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        try:
            yield write(path, f"http://127.0.0.1:{server.server_port}", "none", "admin", "front", "vq")
        finally:
            server.shutdown()
            serving.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A watch ends by a cut connection, on either side."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def discovery(path: str) -> dict[str, Any] | None:
    """What the API says of itself at this path; None for any other path."""
    groups = sorted({(kind.group, kind.version) for kind in KINDS if kind.group})
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(*one) for one in groups]}
    named = path.removeprefix("/apis/").removeprefix("/api/")
    found = [kind for kind in KINDS if kind.api_version == named]
    return {"kind": "APIResourceList", "groupVersion": named, "resources": [*map(_resource, found)]} if found else None


def _group(group: str, version: str) -> dict[str, Any]:
    entry = {"groupVersion": f"{group}/{version}", "version": version}
    return {"name": group, "versions": [entry], "preferredVersion": entry}


def _resource(kind: Any) -> dict[str, Any]:
    verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
    names = {"name": kind.plural, "singularName": kind.name.lower(), "kind": kind.name}
    return names | {"namespaced": kind.namespaced, "verbs": verbs}


class _Front(BaseHTTPRequestHandler):
    double: KubernetesDouble
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on stderr."""

    def do_GET(self) -> None:
        """Any request: discovery is answered here, all else by the double."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        known = discovery(urlsplit(self.path).path)
        if known is not None:
            self._answer(json.dumps(known).encode())
            return
        address = urlsplit(self.double.url)
        connection = HTTPConnection(address.hostname or "", address.port)
        headers = {name: self.headers[name] for name in PASSED if name in self.headers}
        headers["Authorization"] = f"Bearer {self.double.access.token('admin')}"
        connection.request(self.command, self.path, body, headers)
        try:
            self._pass_on(connection.getresponse())
        finally:
            connection.close()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 -- the names that the base class looks for

    def _answer(self, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _pass_on(self, answer: HTTPResponse) -> None:
        """Bytes as they come: a watch has no length, and ends with its connection."""
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.getheader("Content-Type") or "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        while block := answer.read1(BLOCK):
            self.wfile.write(block)
            self.wfile.flush()
