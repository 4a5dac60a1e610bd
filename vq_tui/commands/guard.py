"""The one place where every error of the program ends: one clear line and an exit code."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence

from actions.model.errors import VqError
from vq_tui.commands.crash import write_crash_file
from vq_tui.commands.output import Output, ReaderGone

INTERNAL, INTERRUPTED, BROKEN_PIPE = 70, 130, 141
ENDING = (signal.SIGTERM, signal.SIGHUP)


class Terminated(BaseException):
    """A signal ends this command. Like KeyboardInterrupt it is no Exception: nobody may take it for a failed part."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def guarded(output: Output, arguments: Sequence[str], work: Callable[[], int]) -> int:
    """The exit code of `work`, or that of the error it ended with. Never raises."""
    try:
        with _heeding(output):
            return work()
    except VqError as error:
        more = {"run": run_id} if (run_id := getattr(error, "run_id", None)) else {}
        return _last_words(output, error.message, error.code, **more)
    except KeyboardInterrupt:
        return _last_words(output, "interrupted", INTERRUPTED)
    except Terminated as ended:
        return _last_words(output, f"ended by {signal.Signals(ended.number).name}", 128 + ended.number)
    except ReaderGone:
        return _quiet()
    except Exception as error:  # noqa: BLE001 - the last place: whatever it is becomes one line and a crash file
        return _last_words(output, f"internal error ({type(error).__name__}); {_kept(error, arguments)}", INTERNAL)


@contextlib.contextmanager
def _heeding(output: Output) -> Iterator[None]:
    """With --json the one object is owed also to whom a signal ends before the work listens to signals itself."""
    if not output.json:
        yield
        return

    def end(number: int, _frame: object) -> None:
        raise Terminated(number)

    heard = [number for number in ENDING if signal.getsignal(number) is signal.SIG_DFL]
    for number in heard:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, signal.SIG_DFL)


def _kept(error: Exception, arguments: Sequence[str]) -> str:
    try:
        return f"the details are in {write_crash_file(error, arguments)}"
    except OSError as trouble:
        return f"its details could not be kept: {trouble.strerror or type(trouble).__name__}"


def _last_words(output: Output, message: str, code: int, **more: str) -> int:
    try:
        return output.error(message, code, **more)
    except ReaderGone:
        return _quiet()
    except OSError:  # the terminal is gone, or the disk is full: nobody can be told
        _quiet()
        return code


def _quiet() -> int:
    """Whoever read our output has gone: say nothing, not even when Python flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE
