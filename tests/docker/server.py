"""The service inside the test images: a small HTTP API with the standard library only, steered by its environment.

VERSION names it; MODE says how it behaves: ok, exit (ends at once with 3), loop (ends after 0.3 s), sick (health says
503), admits (health says 200, but down), flap (every other health answer is 503), liar (names another version), deaf
(listens on nothing), stubborn (ignores SIGTERM). `/health` carries version and host name, `/count` counts what was
written by `/write`.
"""

import json
import os
import signal
import socket
import sys
import threading
import time

VERSION = os.environ.get("VERSION", "unknown")
MODE = os.environ.get("MODE", "ok")
PORT = int(os.environ.get("PORT", "8080"))
state = {"health": 0, "written": 0}


def main() -> None:
    if MODE != "stubborn":
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    else:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print(f"starting {VERSION} {MODE} \x1b]0;owned\x07 [link=x]y[/link]", flush=True)
    if MODE == "exit":
        sys.exit(3)
    if MODE == "loop":
        time.sleep(0.3)
        sys.exit(4)
    if MODE == "deaf":
        signal.pause()
    listener = socket.create_server(("0.0.0.0", PORT), backlog=64)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def serve(connection: socket.socket) -> None:
    with connection:
        connection.settimeout(5)
        raw = b""
        while b"\r\n\r\n" not in raw:
            piece = connection.recv(65536)
            if not piece:
                return
            raw += piece
        status, body = answer(raw.split(b" ")[1].decode())
        content = json.dumps(body).encode()
        version = "0.0.0-liar" if MODE == "liar" else VERSION
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        connection.sendall(f"{head}X-Version: {version}\r\nConnection: close\r\n\r\n".encode() + content)


def answer(path: str) -> tuple[int, dict[str, object]]:
    about: dict[str, object] = {"status": "ok", "version": VERSION, "host": socket.gethostname()}
    if path == "/health":
        state["health"] += 1
        sick = MODE == "sick" or (MODE == "flap" and state["health"] % 2 == 0)
        if MODE == "admits":
            return 200, about | {"status": "down"}
        return (503, about | {"status": "sick"}) if sick else (200, about)
    if path == "/write":
        state["written"] += 1
        return 200, about | {"written": state["written"]}
    if path == "/boom":
        os._exit(5)
    return (200, about) if path in ("/", "/count") else (404, {"error": "no such path"})


if __name__ == "__main__":
    main()
