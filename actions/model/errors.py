"""Errors an operator can meet: one clear line each, with a distinct exit code."""

from collections.abc import Sequence
from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of every command. Scripts may rely on them."""

    OK = 0
    FAILED = 1  # the run or check ended badly
    USAGE = 2  # the words of the command are off
    CONFIG = 3  # configuration missing, unreadable or wrong
    UNKNOWN_NAME = 4  # unknown environment, service, version, run, scenario
    LEDGER = 5  # ledger absent, damaged, newer, or no rights to it
    REFUSED = 6  # a precondition failed or the plan is stale; nothing was touched
    READ_ONLY = 7  # this session may only read
    BUSY = 8  # another run holds the target
    UNREACHABLE = 9  # a platform or service cannot be reached
    NEEDS_OPERATOR = 10  # a run stopped and waits for a person
    TERMINAL = 11  # this terminal cannot carry the console
    MISSING_PART = 12  # an optional part is not installed

    @property
    def word(self) -> str:
        """Its name in JSON, as `read-only`."""
        return self.name.lower().replace("_", "-")


class VqError(Exception):
    """What is wrong, where, and what to do, in one line. `code` becomes the exit code of a command."""

    code: ExitCode = ExitCode.FAILED

    def __init__(self, message: str, *, code: ExitCode | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


def code_of(error: BaseException) -> str:
    """The word of its exit code; `failed` for an error that is none of ours."""
    return (error.code if isinstance(error, VqError) else ExitCode.FAILED).word


class UsageError(VqError):
    """The words of the command are off."""

    code = ExitCode.USAGE


class ConfigError(VqError):
    """The configuration is missing, unreadable or wrong; the message names file, line and key.

    `problems` holds every single one, also those that the message has no room for.
    """

    code = ExitCode.CONFIG

    def __init__(self, message: str, *, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems) or (message,)


class UnknownNameError(VqError):
    """A name that is not known; the message lists the names that are."""

    code = ExitCode.UNKNOWN_NAME


class LedgerError(VqError):
    """The ledger cannot be opened, is damaged, or comes from a newer version."""

    code = ExitCode.LEDGER


class Refused(VqError):
    """A precondition failed; nothing was touched."""

    code = ExitCode.REFUSED


class Drifted(Refused):
    """What is configured was changed behind our back: `reason`. `command` asks for the same and accepts that."""

    def __init__(self, reason: str, command: str) -> None:
        super().__init__(f"{reason}; to accept it: '{command}'")
        self.reason = reason


class Stale(Refused):
    """The world moved between plan and act; plan again."""


class Busy(VqError):
    """Another run holds the target; `run_id` names it."""

    code = ExitCode.BUSY

    def __init__(self, message: str, run_id: str | None = None) -> None:
        super().__init__(message)
        self.run_id = run_id


class ReadOnlyError(VqError):
    """This session holds no writing client."""

    code = ExitCode.READ_ONLY


class Unreachable(VqError):
    """A platform or service did not answer in time or refused the connection."""

    code = ExitCode.UNREACHABLE


class Slow(Unreachable):
    """No answer in the time allowed. It may be busy rather than gone, and may answer when it is asked again."""


class Ambiguous(VqError):
    """A write was sent but its answer was lost: only a probe can tell whether it took effect."""

    code = ExitCode.UNREACHABLE


class VerifyFailed(VqError):
    """An effect was not observed before its deadline, or the observed outcome is wrong."""


class Undecided(VqError):
    """Neither side answers well enough to be preferred: going back is not known to help anybody."""


class OutOfSight(VqError):
    """What was done stands, and its outcome could not be observed: only a person can say whether to go back."""

    code = ExitCode.NEEDS_OPERATOR


class MissingPartError(VqError):
    """An optional part is not installed; the message names the extra to install."""

    code = ExitCode.MISSING_PART
