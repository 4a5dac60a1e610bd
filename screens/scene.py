"""What every screen looks at: one frozen `Scene`. Light to import: the first frame shows an empty one."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actions.model.health import Snapshot
    from actions.model.plan import Readiness
    from actions.model.record import ChangeNote, Drill, KeeperFacts
    from actions.model.run import Run, RunView


@dataclass(frozen=True, slots=True)
class Scene:
    """The last known state of everything that is always on show. None: never heard of yet."""

    snapshot: "Snapshot | None" = None
    readiness: "Readiness | None" = None
    changes: "tuple[ChangeNote, ...] | None" = None
    last: "Run | None" = None
    active: "Run | None" = None
    active_view: "RunView | None" = None
    asked: bool = False
    keeper: "KeeperFacts | None" = None
    drill: "Drill | None" = None
    errors: dict[str, str] = field(default_factory=dict)
