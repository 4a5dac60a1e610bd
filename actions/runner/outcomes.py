"""How the carrying out of a step or a run can end other than by going on."""

from actions.model.errors import VqError
from actions.model.plan import PlannedStep
from actions.model.record import CommandRow


class StepFailed(VqError):
    """A step failed; what follows is declared by its `on_failure`."""

    def __init__(self, message: str, step: PlannedStep) -> None:
        super().__init__(message)
        self.step = step


class NeedsOperator(VqError):
    """Neither forward nor back is safe without a person. `step` is where it stopped."""

    def __init__(self, message: str, step: PlannedStep | None = None) -> None:
        super().__init__(message)
        self.step = step


class BackOut(VqError):
    """An operator wants what was done undone, told by a command or by the answer to a question."""

    def __init__(self, message: str, row: CommandRow | None = None) -> None:
        super().__init__(message)
        self.row = row

    @classmethod
    def told(cls, row: CommandRow) -> "BackOut":
        """From a command."""
        return cls(f"backed out by {row.by}" + (f": {row.reason}" if row.reason else ""), row)


class Aborted(VqError):
    """An operator, or a second SIGTERM, stops the run before anything was changed."""

    def __init__(self, message: str, row: CommandRow | None = None) -> None:
        super().__init__(message)
        self.row = row


class Parked(VqError):
    """The executor was told to end; the run is paused and goes on when somebody resumes it."""


class Interrupted(VqError):
    """A wait was broken off because something was told; what it is decides what follows."""
