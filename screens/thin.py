"""Fewer bytes on the wire: a partial update writes only the cells of its dirty spans.

Textual 8.2.8 writes from the left edge of a widget to the end of the dirty span; on a console of full-width rows that
is ten times too much over a thin link. Textual is pinned exactly, and the byte budget of the idle screen is a test.
"""

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate, Compositor


class ThinUpdate(ChopsUpdate):
    """`ChopsUpdate` cropped on both sides."""

    def render_segments(self, console: Console) -> str:
        """The update as terminal sequences."""
        parts: list[str] = []
        for y, first, last in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                start, stop = max(x, first), min(end, last)
                if strip is not None and start < stop:
                    parts.append(Control.move_to(start, y).segment.text)
                    parts.append(strip.crop(start - x, stop - x).render(console))
        return "".join(parts)


class ThinCompositor(Compositor):
    """A compositor whose partial updates are thin."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """What is dirty, and nothing else."""
        update = super().render_partial_update()
        return None if update is None else ThinUpdate(update.chops, update.spans, update.chop_ends)
