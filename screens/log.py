"""The log of one instance, every line of it whole."""

from screens.cells import Row, row
from screens.fold import folded
from screens.reading import ReadingPage
from screens.service_rows import log_role

HANG = 4


class LogPage(ReadingPage):
    """The lines that were read when it was opened, the newest in view; it stands still, to be read."""

    def __init__(self, service: str, name: str, lines: tuple[str, ...], words: str) -> None:
        super().__init__()
        self.service, self.name_of = service, name
        self.lines = lines
        self.filter = words
        self.top = 10**9

    def about_service(self) -> str:
        return self.service

    def heading(self) -> tuple[str, ...]:
        return (self.service, f"log {self.name_of}")

    def text(self, width: int) -> list[Row]:
        return self.shown(width)

    def shown(self, width: int) -> list[Row]:
        """The lines that match the filter, each with all its rows."""
        words = self.filter.lower()
        lines = [line for line in self.lines if words in line.lower()]
        if not lines:
            return [row((f"none in the last {len(self.lines)} lines" if words else "no lines yet in this log", "dim"))]
        return folded((row((line, log_role(line))) for line in lines), width, HANG)

    def plain(self) -> str:
        return "\n".join(line for line in self.lines if self.filter.lower() in line.lower()) + "\n"
