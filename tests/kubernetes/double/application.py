"""What the pods serve to the outside: a small HTTP application behind a load balancer over the pods that are ready."""

import itertools
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.kubernetes.double.controllers.pods import ready, terminating
from tests.kubernetes.double.images import version_of
from tests.kubernetes.double.kinds import POD
from tests.kubernetes.double.selectors import labels_match
from tests.kubernetes.double.status import Json
from tests.kubernetes.double.store import Store


class Application:
    """Answers every GET with the version of a ready pod, in turn; 503 when none is ready.

    The body on every path: `{"status": "healthy", "version": "1.4.1", "instance": "<pod>"}`. `url` is its address,
    `answered` counts answers by (status, version).
    """

    def __init__(self, store: Store, namespace: str, selector: str) -> None:
        self._store, self._namespace, self._selector = store, namespace, selector
        self._turn = itertools.count()
        self.answered: dict[tuple[int, str], int] = {}
        application = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing on stderr."""

            def do_GET(self) -> None:
                code, body = application.answer()
                data = json.dumps(body).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def _serving(self) -> list[Json]:
        with self._store.lock:
            pods = self._store.all(POD, self._namespace)
        return [pod for pod in pods if labels_match(self._selector, pod) and ready(pod) and not terminating(pod)]

    def answer(self) -> tuple[int, Json]:
        pods = self._serving()
        code, version, instance = 503, "", ""
        if pods:
            pod = pods[next(self._turn) % len(pods)]
            code, version = 200, version_of(pod["spec"]["containers"][0]["image"])
            instance = pod["metadata"]["name"]
        self.answered[code, version] = self.answered.get((code, version), 0) + 1
        if code != 200:
            return code, {"status": "unavailable"}
        return code, {"status": "healthy", "version": version, "instance": instance}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)
