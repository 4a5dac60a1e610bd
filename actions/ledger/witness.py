"""The newest anchor of a ledger, held outside its directory: an older copy in its place is known by it.

It lies beside the directory (`ledger.anchor`) and, until the machine restarts, among the files of this user's runtime
directory. Where neither can be written the ledger works as ever; only its going back in time is not noticed.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from actions.ledger.anchor import Anchor
from actions.ledger.runtime import name_of, runtime_directory
from actions.model.identity import canonical_json

MOST_BYTES = 64 * 1024


def witness_files(directory: Path, identity: str) -> tuple[Path, ...]:
    """Where anchors of this ledger are held outside its directory."""
    place, outside = directory.absolute(), runtime_directory()
    beside = place.with_name(f"{place.name}.anchor")
    return (beside,) if outside is None else (beside, outside / f"{name_of('anchor', identity)}.anchor")


def hold_outside(directory: Path, identity: str, anchor: Anchor) -> None:
    """Add the anchor to each of the files. A file that cannot be written holds what it held."""
    line = "\n" + canonical_json(anchor.model_dump(exclude={"held_in"}) | {"ledger": identity})
    for path in witness_files(directory, identity) if identity else ():
        try:
            _append(path, line.encode(), identity)
        except OSError:
            continue


def held_outside(directory: Path, identity: str) -> Iterator[Anchor]:
    """The newest anchor of this ledger in each of the files."""
    for path in witness_files(directory, identity) if identity else ():
        mine = [one for ledger, one in _anchors(path) if ledger == identity]
        if mine:
            yield max(mine, key=lambda one: one.seq)


def _append(path: Path, line: bytes, identity: str) -> None:
    how = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, how, 0o600)
    try:
        if os.fstat(descriptor).st_size > MOST_BYTES:
            newest = dict(sorted(_anchors(path), key=lambda pair: pair[1].seq))
            kept = [
                canonical_json(one.model_dump(exclude={"held_in"}) | {"ledger": name}) for name, one in newest.items()
            ]
            os.ftruncate(descriptor, 0)
            os.write(descriptor, ("\n" + "\n".join(kept)).encode())
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


def _anchors(path: Path) -> Iterator[tuple[str, Anchor]]:
    """Ledgers and their anchors; a line cut short, or that is none, is passed over."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            values = json.loads(line)
            yield str(values["ledger"]), Anchor.model_validate(values | {"held_in": str(path)}, extra="ignore")
        except (ValueError, TypeError, KeyError, ValidationError):
            continue
