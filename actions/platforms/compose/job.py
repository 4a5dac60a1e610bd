"""One replacement on its way: what is to be done, from what, and where it is written down."""

from dataclasses import dataclass
from pathlib import Path

from actions.platforms.compose.body import Recreation
from actions.platforms.compose.params import Recreate
from actions.platforms.protocols import Report


@dataclass(frozen=True)
class Job:
    """`wanted` is the new container; `archive` the files that Compose put into the old one, as a tar."""

    params: Recreate
    key: str
    folder: Path
    wanted: Recreation
    archive: bytes
    report: Report
