"""The window must hold a decision whole; a smaller one says what it needs."""

from collections.abc import Sequence

from textual.geometry import Size

from screens.cells import Row, row, wrap
from screens.registry import find

COLUMNS, ROWS = 80, 24


def too_small(size: Size) -> bool:
    """Whether a page does not fit."""
    return size.width < COLUMNS or size.height < ROWS


def rows(window: Size, width: int, height: int) -> Sequence[Row]:
    """The words a small window shows."""
    text = f"window too small: need {COLUMNS}x{ROWS}, have {window.width}x{window.height}"
    said = [row((line, "bright")) for line in wrap(text, max(1, width))]
    return [*said, row((f"{find('all.quit').key} leaves", "dim"))][:height]
