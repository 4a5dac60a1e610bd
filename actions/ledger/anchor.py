"""The anchor file: the head of the chain, written again outside the database when a run starts and ends."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from actions.ledger.tables import instant, now
from actions.model.base import Fact
from actions.model.errors import LedgerError
from actions.model.identity import canonical_json

NAME = "anchor.jsonl"


class Anchor(Fact):
    """The chain's head at one moment. `held_in` is the file outside the ledger that it was read from."""

    at: str
    seq: int
    hash: str
    run_id: str
    held_in: str = ""


def write_anchor(directory: Path, seq: int, tip: str, run_id: str) -> Anchor:
    """Append one anchor and wait until the disk has it; returns it. Raises LedgerError.

    Each line begins with a line break of its own, so that a line cut short by a crash spoils no other.
    """
    anchor = Anchor(at=instant(now()), seq=seq, hash=tip, run_id=run_id)
    line = "\n" + canonical_json(anchor.model_dump(exclude={"held_in"}))
    try:
        descriptor = os.open(
            directory / NAME, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        try:
            os.write(descriptor, line.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise LedgerError(
            f"the anchor {directory / NAME} cannot be written: {error.strerror}; free space or rights"
        ) from error
    return anchor


def read_anchors(directory: Path) -> Iterator[Anchor]:
    """All anchors, oldest first. A line cut short by a crash is no anchor; any other bad line is a LedgerError."""
    for number, line in enumerate(_lines(directory / NAME), start=1):
        if not line.endswith("}"):
            continue
        try:
            yield Anchor.model_validate(json.loads(line), extra="ignore")
        except (ValueError, ValidationError) as error:
            raise LedgerError(f"{directory / NAME} line {number} is damaged; the audit cannot vouch for it") from error


def last_anchor(directory: Path) -> Anchor | None:
    """The newest anchor, without reading the whole file; None when there is none."""
    try:
        with (directory / NAME).open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 4_096))
            lines = file.read().splitlines()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LedgerError(f"{directory / NAME} cannot be read: {error.strerror}") from error
    for line in reversed(lines):
        try:
            return Anchor.model_validate(json.loads(line), extra="ignore")
        except (ValueError, ValidationError):
            continue  # cut short by a crash, or the beginning of the window
    return None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise LedgerError(f"{path} cannot be read: {error.strerror}") from error
