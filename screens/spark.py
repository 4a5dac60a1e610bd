"""Small plots in block characters; a gap in the data is a gap in the plot."""

from collections.abc import Sequence

from screens.glyphs import BLOCKS


def spark(values: Sequence[float | None], width: int, *, zero: bool = False) -> str:
    """The last `width` values in one line.

    Scaled from the smallest value over at least half of the largest, so that a quiet figure draws a quiet line; with
    `zero`, from zero.
    """
    shown = list(values[-width:]) if width > 0 else []
    known = [value for value in shown if value is not None]
    if not known:
        return " " * width
    low = 0.0 if zero else min(known)
    span = max(max(known) - low, 0.5 * abs(max(known)))
    return "".join(_block(value, low, span) for value in shown).rjust(width)


def _block(value: float | None, low: float, span: float) -> str:
    if value is None:
        return " "
    return BLOCKS[min(7, max(0, round((value - low) / span * 7)))] if span > 0 else BLOCKS[0]


def chart(values: Sequence[float | None], width: int, height: int, *, top: float | None = None) -> list[str]:
    """The last `width` values over `height` lines, first line on top, scaled as `spark`."""
    shown = list(values[-width:])
    known = [value for value in shown if value is not None]
    peak = max(known + ([top] if top else []), default=0.0)
    levels = [0 if v is None else max(1, round(v / peak * height * 8)) if peak > 0 else 1 for v in shown]
    lines = []
    for line in range(height - 1, -1, -1):
        filled = (max(0, min(8, level - 8 * line)) for level in levels)
        lines.append("".join(BLOCKS[part - 1] if part else " " for part in filled).rjust(width))
    return lines


FEW = 3


def falling(values: Sequence[float | None]) -> str:
    """`rising`, `falling` or `steady`: the last few values against the few just before; what is zero does not rise."""
    known = [value for value in values if value is not None]
    if len(known) < 2 * FEW:
        return ""
    old, new = sum(known[-2 * FEW : -FEW]) / FEW, sum(known[-FEW:]) / FEW
    if abs(new - old) <= 0.1 * max(abs(old), abs(new)) or (new > old and known[-1] <= 0):
        return "steady"
    return "rising" if new > old else "falling"
