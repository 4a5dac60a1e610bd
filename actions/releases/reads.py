"""Reading one source for a plan: several tries within a budget, and what was seen before where the source is slow."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar, cast

from actions.model.errors import Slow, Unreachable, VqError
from actions.model.health import Check
from actions.model.patience import tried
from actions.model.platform import TrafficFacts, WorkloadFacts
from actions.model.text import clean
from actions.model.waiting import Deadline
from actions.model.words import Gate

T = TypeVar("T")
F = TypeVar("F", bound=WorkloadFacts | TrafficFacts)

TRY_SECONDS = 5.0
"""The least a try is given; of a longer budget half of what is left."""

REMEMBERED_SECONDS = 60.0
"""A source that is slow is planned with as it was seen at most so long ago; the run looks again before it acts."""


@dataclass(frozen=True)
class Reads:
    """The budget of all readings of one plan. `remembering`: whether an earlier observation may stand in."""

    seconds: float
    remembering: bool = True
    try_seconds: float = TRY_SECONDS
    deadline: Deadline = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "deadline", Deadline(self.seconds))

    async def read(self, ask: Callable[[], Awaitable[T]]) -> tuple[T | None, VqError | None]:
        """The answer, or None and why there is none. A source that is slow is asked again; a refusal is final."""
        return await self._read(ask, self.deadline)

    async def observe(
        self, ask: Callable[[], Awaitable[F | None]], remembered: tuple[float, F] | None, what: str
    ) -> tuple[F | None, VqError | None]:
        """What `ask` observes; where it is slow, what is `remembered` of it, with a note that says how old that is."""
        usable = remembered is not None and self.remembering
        seen, error = await self._read(ask, Deadline(min(self.try_seconds, self.seconds)) if usable else self.deadline)
        if not isinstance(error, Slow) or not usable or remembered is None:
            return seen, error
        age, facts = remembered[0], remembered[1]
        evidence = f"as seen {age:.0f} s ago: {error.message}"
        note = Check(id="slow", title=f"{what} is slow", gate=Gate.INCONCLUSIVE, evidence=evidence)
        return cast(F, facts.model_copy(update={"notes": (*facts.notes, note)})), None

    async def _read(self, ask: Callable[[], Awaitable[T]], deadline: Deadline) -> tuple[T | None, VqError | None]:
        each = max(min(self.try_seconds, self.seconds), deadline.remaining() / 2)
        try:
            return await tried(ask, each, deadline), None
        except VqError as error:
            return None, error
        except Exception as error:  # noqa: BLE001 - a reading that errs is a failed reading: it is said, and refuses
            return None, Unreachable(clean(f"the reading failed: {type(error).__name__}: {error}", limit=300))
