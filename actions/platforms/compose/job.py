"""One replacement on its way: what is to be done, from what, and where it is written down."""

from dataclasses import dataclass
from pathlib import Path

from actions.platforms.compose.body import Recreation
from actions.platforms.compose.params import Recreate
from actions.platforms.protocols import Report


@dataclass(frozen=True)
class Job:
    """`wanted` is the new container; `archive` the files that Compose put into the old one, as a tar.

    `loosely` is the new container with any port of the range that was asked for; None where none was.
    """

    params: Recreate
    key: str
    folder: Path
    wanted: Recreation
    archive: bytes
    report: Report
    loosely: Recreation | None = None
