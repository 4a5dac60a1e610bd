"""The band on top of every screen: which system is this, in word, shape and colour (rule 2).

A drill and a read-only session are told by words and by the fill of the band itself, so that no colour is needed.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from screens.cells import Row, ends, row
from screens.glyphs import BANDS, DRILL, HATCH
from screens.words import ago

if TYPE_CHECKING:
    from actions.model.health import Snapshot
    from screens.desk_protocol import Viewer


@dataclass(frozen=True, slots=True)
class Identity:
    """What the frame says about this session: known before the desk is open. `interval` in seconds."""

    name: str
    product: str
    band: str
    drill: bool
    read_only: bool
    interval: float
    host: str
    operator: str

    @classmethod
    def of(cls, desk: "Viewer") -> "Identity":
        """The identity of a desk's session."""
        one = desk.environment
        return cls(
            desk.environment_name, one.product, one.band, one.drill,
            desk.read_only, one.interval, desk.host, desk.operator,
        )  # fmt: skip

    @property
    def colour(self) -> str:
        """The style class of the band."""
        return "drill" if self.drill else self.band


def band(who: Identity, left: tuple[str, ...], right: tuple[str, ...], width: int) -> Row:
    """The band in `width` columns. On the right the first words go first when there is no room."""
    shape = DRILL if who.drill else BANDS[who.band]
    name = f"DRILL {shape} {who.name}" if who.drill else who.name.upper()
    head = row((f" {shape} {name}", "band-name"))
    if who.read_only:
        head += row(("   READ-ONLY", "band-name"))
    for words in left:
        head += row((f"   {words}", "band"))
    fill = HATCH if who.drill else "·" if who.read_only else " "
    parts, edges = list(right), 1 if fill == " " else 2
    while True:
        tail = row(
            *((f"   {words}", "band-dim" if index < len(parts) - 1 else "band") for index, words in enumerate(parts))
        )
        tail += row((" ", "band"))
        if len(parts) <= 1 or head.width + tail.width + edges <= width:
            break
        parts.pop(0)
    if fill == " ":
        return ends(head, tail, width, role="band")
    head += row((" ", "band"))
    return ends(head, tail, width, fill=fill, role="band-dim")


def live(snapshot: "Snapshot | None", now: datetime, interval: float) -> str:
    """How old what is on the screen is; data older than three intervals is called stale."""
    if snapshot is None:
        return "no data yet"
    age = max(0.0, (now - snapshot.at).total_seconds())
    return f"STALE {ago(age)}" if age > 3 * interval + 1 else f"live {age:.0f}s"
