"""Figures in words: seconds, ages, moments."""

from datetime import datetime


def seconds(value: float | None) -> str:
    """`11.2 s`, `4 m`, `3 h`, `9 d`; `?` for what was not measured."""
    if value is None:
        return "?"
    if value < 100:
        return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if value >= 2 * size or unit == "m":
            return f"{value / size:.0f} {unit}"
    return f"{value:.0f} s"


def ago(at: datetime | None, now: datetime) -> str:
    """How long ago, in words."""
    return "never" if at is None else f"{seconds(max(0.0, (now - at).total_seconds()))} ago"


def moment(at: datetime | None) -> str:
    """A moment in UTC, as people read it."""
    return "-" if at is None else at.strftime("%Y-%m-%d %H:%M:%SZ")


def number(value: object) -> str:
    """A measured figure; `not measured` for None."""
    if value is None:
        return "not measured"
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
