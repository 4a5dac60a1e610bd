"""The words used everywhere: states and verdicts of health, gates, runs, steps and releases."""

from enum import StrEnum


class HealthState(StrEnum):
    """What a probe found. UNKNOWN means no measurement and is never shown as good."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


class Gate(StrEnum):
    """Three-valued verdict of a check; no measurement is INCONCLUSIVE, never a pass."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class RunState(StrEnum):
    """Life of a run."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    UNDOING = "undoing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # ended before any effect, or with effects that were declared acceptable
    UNDONE = "undone"  # failed or backed out, and the world is as before
    ABORTED = "aborted"  # stopped by an operator before any effect
    NEEDS_OPERATOR = "needs-operator"

    @property
    def waits(self) -> bool:
        """Whether nothing happens until a person says so."""
        return self in (RunState.PAUSED, RunState.NEEDS_OPERATOR)

    @property
    def active(self) -> bool:
        """Whether the run still holds its target."""
        return self in ACTIVE_STATES

    @property
    def terminal(self) -> bool:
        """Whether an executor has nothing more to do without a person."""
        return self not in {RunState.QUEUED, RunState.RUNNING, RunState.PAUSED, RunState.UNDOING}


ACTIVE_STATES = frozenset(
    {RunState.QUEUED, RunState.RUNNING, RunState.PAUSED, RunState.UNDOING, RunState.NEEDS_OPERATOR}
)


class StepState(StrEnum):
    """Life of a step within a run."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNDONE = "undone"
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    """What became of a release: GOOD needs evidence of soak under health; BAD was rolled back from or blocked."""

    CANDIDATE = "candidate"
    GOOD = "good"
    BAD = "bad"


class ProbeState(StrEnum):
    """What a step's probe found after a crash."""

    NOT_STARTED = "not-started"
    RUNNING = "running"
    DONE = "done"
    PARTIAL = "partial"
    UNKNOWN = "unknown"


class Command(StrEnum):
    """What an operator may tell a running run."""

    PAUSE = "pause"
    RESUME = "resume"
    ABORT = "abort"  # stop before the next act; allowed only while nothing was changed
    BACK_OUT = "back-out"  # undo what was done
    TAKE_OVER = "take-over"  # another operator becomes the owner
    NOTE = "note"
