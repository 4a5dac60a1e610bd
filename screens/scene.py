"""What every screen looks at: one frozen `Scene`. Light to import: the first frame shows an empty one."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from actions.model.health import Snapshot
    from actions.model.plan import Readiness
    from actions.model.record import ChangeNote, Drill, KeeperFacts
    from actions.model.run import Run, RunView


@dataclass(frozen=True, slots=True)
class Scene:
    """The last known state of everything that is always on show. None: never heard of yet.

    A source that fails has its words in `errors` and, where it answered before, the time of that in `heard`: its last
    values stay. `readiness` is that of the one service that can be rolled back; where there are several, each is in
    `ways` by its name. `trouble` is what stands between this session and the record, for as long as it does,
    `unwatched` why it does not watch releases and drills, `waiting` which runs the record does not have yet.
    """

    snapshot: "Snapshot | None" = None
    readiness: "Readiness | None" = None
    ways: "dict[str, Readiness]" = field(default_factory=dict)
    changes: "tuple[ChangeNote, ...] | None" = None
    last: "Run | None" = None
    active: "Run | None" = None
    active_view: "RunView | None" = None
    asked: bool = False
    keeper: "KeeperFacts | None" = None
    drill: "Drill | None" = None
    errors: dict[str, str] = field(default_factory=dict)
    heard: "dict[str, datetime]" = field(default_factory=dict)
    trouble: str = ""
    unwatched: str = ""
    waiting: str = ""

    def way(self, service: str | None) -> "Readiness | None":
        """The way back of a service; without a name that of the only one."""
        return self.ways.get(service or "", self.readiness)
