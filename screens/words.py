"""Figures in few characters: ages, durations, clock faces. Unknown is said, never shown as zero."""

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actions.model.health import Check, ServiceHealth
    from actions.model.plan import Readiness
    from actions.model.views import LogCounts

NOTHING = "—"
NOWHERE = "no target release"


def ago(seconds: float | None) -> str:
    """An age in one unit: `12 s`, `47 m`, `2 h`, `4 d`."""
    if seconds is None:
        return NOTHING
    seconds = max(0.0, seconds)
    for limit, size, unit in ((60, 1, "s"), (3_600, 60, "m"), (172_800, 3_600, "h")):
        if seconds < limit:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds // 86_400)} d"


def since(then: datetime | None, now: datetime) -> float | None:
    """Seconds from `then` to `now`; None when `then` is unknown."""
    return None if then is None else (now - then).total_seconds()


def took(seconds: float | None) -> str:
    """A duration as measured: `0.1 s`, `11 s`, `2 m 05 s`, `1 h 02 m`."""
    if seconds is None:
        return NOTHING
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    if seconds < 3_600:
        return f"{int(seconds // 60)} m {int(seconds % 60):02d} s"
    return f"{int(seconds // 3_600)} h {int(seconds % 3_600 // 60):02d} m"


def about(seconds: float | None) -> str:
    """An estimate, without false precision: `1 s`, `11 s`, `2 m`."""
    if seconds is None:
        return NOTHING
    if seconds < 99.5:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} m"


def face(seconds: float | None) -> str:
    """A stop watch: `00:07`, `1:02:03`."""
    if seconds is None:
        return "--:--"
    whole = max(0, int(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes:02d}:{whole % 60:02d}"


def moment(at: datetime, now: datetime) -> str:
    """A time of day, with the date where it was another day."""
    return f"{at:%H:%M:%S}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M}"


def number(value: float | str | None, unit: str = "") -> str:
    """A measured value with its unit; `not measured` for None."""
    if value is None:
        return "not measured"
    if isinstance(value, str):
        return f"{value} {unit}".rstrip()
    if unit in ("fraction", "ratio"):
        return f"{value * 100:.1f} %".replace(".0 %", " %")
    if unit in ("bytes", "B"):
        return size(value)
    text = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
    return f"{text} {unit}".rstrip()


def size(value: float) -> str:
    """Bytes in the largest unit that keeps one digit before the point."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < 1_000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"
        value /= 1_000
    return f"{value:.1f} TB"


def nowhere(readiness: "Readiness") -> str:
    """Of a way back that leads nowhere: whether there is none, or nobody knows."""
    unknown = any(check.id == "good" and check.gate == "inconclusive" for check in readiness.checks)
    return "where to is not known" if unknown else NOWHERE


def told(health: "ServiceHealth") -> str:
    """What was found and what went wrong; where one says the other as well, it alone."""
    summary, error = health.summary, health.error or ""
    if error in summary:
        return summary
    return error if summary in error else f"{summary}  {error}"


def plural(count: int, word: str) -> str:
    """`1 line`, `2 lines`."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def short_name(check: "Check") -> str:
    """A check by one short word: its id, where that is one."""
    return "rights" if check.id == "permissions" else check.id


def short_evidence(check: "Check") -> str:
    """Its evidence where its short name stands before it: that word is not said twice."""
    return check.evidence.removeprefix(f"{short_name(check)} ")


def counted(counts: "LogCounts") -> str:
    """What the logs of a service hold; what could not be read is not counted as clean."""
    missing = len(counts.unread)
    if missing and not counts.lines:
        return "not counted: no log could be read"
    found = f"error {counts.error}  performance {counts.performance}  security {counts.security}"
    return f"{found}  of {plural(counts.lines, 'line')}" + (f", {missing} not read" if missing else "")
