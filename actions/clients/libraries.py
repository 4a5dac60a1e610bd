"""Heavy libraries, imported when they are first needed and beside the loop, whole before anybody gets them."""

import asyncio
import threading
from importlib import import_module
from typing import Any

_ONE_AT_A_TIME = threading.Lock()
"""Modules that import each other come out half made where two threads begin at different ends of the circle."""
_whole: dict[str, Any] = {}


def load(name: str) -> Any:
    """The library. Blocking. Raises ImportError."""
    with _ONE_AT_A_TIME:
        _whole[name] = import_module(name)
        return _whole[name]


async def library(name: str) -> Any:
    """The library, imported in a thread, so that what else is measured meanwhile is not delayed."""
    return _whole.get(name) or await asyncio.to_thread(load, name)
