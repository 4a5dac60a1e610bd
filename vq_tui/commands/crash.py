"""The crash file: what a maintainer needs, readable only by its owner, without values that could be secrets."""

import os
import platform
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from actions.model.text import clean


def write_crash_file(error: BaseException, arguments: Sequence[str]) -> Path:
    """Write the frames of `error` and of its causes to a new 0600 file in the temporary directory and return its path.

    The texts of the exceptions are left out, because they may quote an address with a token or a refused value.
    """
    from importlib.metadata import version

    lines = [
        f"vq-tui {version('vq-tui')}, Python {platform.python_version()}, {platform.platform()}",
        f"at {datetime.now(UTC).isoformat()}, command: {' '.join(clean(word) for word in arguments)}",
    ]
    seen: BaseException | None = error
    while seen is not None:
        lines.append(f"{type(seen).__module__}.{type(seen).__qualname__}")
        lines += [
            f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(seen.__traceback__)
        ]
        seen = seen.__cause__ or seen.__context__
    descriptor, path = tempfile.mkstemp(prefix="vq-tui-crash-", suffix=".txt")
    with os.fdopen(descriptor, "w") as file:
        file.write("\n".join(lines) + "\n")
    return Path(path)
