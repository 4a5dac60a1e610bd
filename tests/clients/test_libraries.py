"""A library that is imported late is whole for everybody who asks for it."""

import asyncio
import sys
import threading
from pathlib import Path

import pytest

from actions.clients.libraries import library

MODULE = """
import threading
for gate in (one for one in threading.enumerate() if one.name == "gate of the slow library"):
    gate.entered.set()
    gate.opened.wait(30)
VALUE = 1
"""


class Gate(threading.Thread):
    """Found by the module under import by its name."""

    def __init__(self) -> None:
        super().__init__(name="gate of the slow library", daemon=True)
        self.entered, self.opened = threading.Event(), threading.Event()

    def run(self) -> None:
        self.opened.wait(60)


async def test_who_asks_while_it_is_imported_gets_it_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_slow_library.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    gate = Gate()
    gate.start()
    try:
        first = asyncio.create_task(library("a_slow_library"))
        assert await asyncio.to_thread(gate.entered.wait, 30)
        assert "a_slow_library" in sys.modules
        second = asyncio.create_task(library("a_slow_library"))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not second.done()
    finally:
        gate.opened.set()
    assert [(await one).VALUE for one in (first, second)] == [1, 1]
    sys.modules.pop("a_slow_library")
