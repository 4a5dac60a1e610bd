"""Where notices end up in the embedded stack: every one received is kept in `notices.jsonl`."""

import json
import time
from pathlib import Path
from typing import Any

KEPT = 200


class NoticesSink:
    """Stores what is posted to `/notices` or `/notices/<channel>`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def receive(self, channel: str, body: Any) -> dict[str, Any]:
        """Store one notice; it is on disk when this returns."""
        line = json.dumps({"received_at": round(time.time(), 3), "channel": channel, "body": body})
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        return {"ok": True}

    def newest(self) -> dict[str, Any]:
        """The newest notices, oldest first."""
        if not self._path.exists():
            return {"notices": []}
        lines = self._path.read_text(encoding="utf-8").splitlines()[-KEPT:]
        return {"notices": [json.loads(line) for line in lines]}
