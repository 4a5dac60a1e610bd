"""The one place where every error of the program ends: one clear line and an exit code."""

import os
import sys
from collections.abc import Callable, Sequence

from actions.model.errors import VqError
from vq_tui.commands.crash import write_crash_file
from vq_tui.commands.output import Output, ReaderGone

INTERNAL, INTERRUPTED, BROKEN_PIPE = 70, 130, 141


def guarded(output: Output, arguments: Sequence[str], work: Callable[[], int]) -> int:
    """The exit code of `work`, or that of the error it ended with. Never raises."""
    try:
        return work()
    except VqError as error:
        more = {"run": run_id} if (run_id := getattr(error, "run_id", None)) else {}
        return _last_words(output, error.message, error.code, **more)
    except KeyboardInterrupt:
        return _last_words(output, "interrupted", INTERRUPTED)
    except ReaderGone:
        return _quiet()
    except Exception as error:  # noqa: BLE001 - the last place: whatever it is becomes one line and a crash file
        where = write_crash_file(error, arguments)
        return _last_words(output, f"internal error ({type(error).__name__}); the details are in {where}", INTERNAL)


def _last_words(output: Output, message: str, code: int, **more: str) -> int:
    try:
        return output.error(message, code, **more)
    except ReaderGone:
        return _quiet()


def _quiet() -> int:
    """Whoever read our output has gone: say nothing, not even when Python flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE
