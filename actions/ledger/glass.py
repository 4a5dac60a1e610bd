"""Whether the ledger truly refuses, who still holds its lock, and whether an emergency ledger may lie at a place.

The glass is broken only while the ledger refuses in an emergency, and only while no other run is at work.
"""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from actions.ledger import open_reader, open_writer
from actions.ledger.place import make_parents
from actions.ledger.processes import process_facts
from actions.ledger.reader import LedgerReader
from actions.ledger.target_lock import locked_file
from actions.model.errors import Busy, LedgerError, VqError
from actions.model.identity import short_id
from actions.model.plan import Release
from actions.model.words import Verdict

NO_GLOBAL_LOCK = "no global lock: an operator on another host is not seen"


def refusal(directory: Path, environment: str, services: Iterable[str]) -> str:
    """Why no run can be planned and started on this ledger; empty when one can. What normal procedures do, is done."""
    try:
        with open_writer(directory) as ledger:
            ledger.ready()
            ledger.active(environment)
            ledger.drills(environment, 20)
            for service in services:
                _known(ledger, environment, service)
                ledger.past_seconds(environment, service)
    except LedgerError as error:
        return error.message
    except OSError as error:
        return f"the ledger in {directory} cannot be used: {error.strerror}"
    return ""


def remembered(directory: Path, environment: str, services: Iterable[str]) -> tuple[Release, ...]:
    """The verdicts that a ledger without writer still tells. Raises LedgerError when it tells none."""
    with open_reader(directory) as ledger:
        return tuple(one for service in services for one in _known(ledger, environment, service))


def _known(ledger: LedgerReader, environment: str, service: str) -> list[Release]:
    """Releases with those counted as bad that a rollback has left without coming to record it."""
    left = ledger.left_behind(environment, service)
    found = []
    for one in ledger.releases(environment, service):
        if one.reference in left and one.verdict is not Verdict.BAD:
            run_id, at = left[one.reference].run_id, left[one.reference].at
            reason = f"left by rollback {short_id(run_id)}"
            one = one.model_copy(
                update={"verdict": Verdict.BAD, "verdict_reason": reason, "verdict_at": at, "verdict_run": run_id}
            )
        found.append(one)
    return found


def beside_nobody(directory: Path, target: str) -> tuple[str, ...]:
    """What to warn of when nobody is seen to hold the target in this ledger. Raises Busy, saying who holds it."""
    try:
        held = locked_file(directory, target, _identity(directory))
    except LedgerError as error:
        return NO_GLOBAL_LOCK, error.message
    if held is not None:
        raise _busy(directory, held, target)
    left = _left_open(directory, target)
    return (NO_GLOBAL_LOCK, *([left] if left else []))


def _identity(directory: Path) -> str:
    """Which ledger it is, as far as it says so."""
    try:
        with open_reader(directory) as ledger:
            return ledger.identity
    except LedgerError:
        return ""


def _busy(directory: Path, path: Path, target: str) -> Busy:
    """Who holds it: as the kernel tells, and as the ledger does, where it can be read."""
    pid = flock_holder(path)
    who = f"process {pid}" if pid is not None and process_facts(pid) else "a process"
    try:
        with open_reader(directory) as ledger:
            run = ledger.active_on(target)
    except LedgerError:  # it refuses: that is why this is asked
        run = None
    if run is not None:
        who = f"run {short_id(run.id)} of {run.operator} ({who})"
    words = f"{who} holds '{target}': no glass is broken beside it; wait for its end"
    return Busy(words, run_id=run.id if run else None)


def flock_holder(path: Path, locks: Path = Path("/proc/locks")) -> int | None:
    """The process that locked the file, as the kernel lists it; None where it does not say."""
    try:
        facts, lines = path.stat(), locks.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    wanted = f"{os.major(facts.st_dev):02x}:{os.minor(facts.st_dev):02x}:{facts.st_ino}"
    for line in lines:
        words = line.split()
        if len(words) > 5 and words[1] == "FLOCK" and words[5] == wanted and words[4].isdigit():
            return int(words[4]) or None
    return None


def _left_open(directory: Path, target: str) -> str:
    """A run that the old record says is not over, though nobody carries it out."""
    try:
        with open_reader(directory) as ledger:
            run = ledger.active_on(target)
    except VqError:
        return ""
    if run is None:
        return ""
    who = f"{run.procedure} {short_id(run.id)} of {run.operator}"
    return f"{who} stands in the old record as {run.state}, and nobody carries it out"


def safe_way(directory: Path) -> None:
    """Make what leads to an emergency ledger. Raises LedgerError where somebody else could put another in its place."""
    make_parents(directory)
    for parent in directory.parents:
        if parent.parent == parent:
            return
        link, facts = _seen(parent, follow=False), _seen(parent)
        if {link.st_uid, facts.st_uid} - {0, os.geteuid()}:
            raise _unsafe(directory, f"{parent} belongs to another user")
        if facts.st_mode & stat.S_ISVTX:
            return  # nobody can replace what another one has there
        if facts.st_mode & 0o022:
            raise _unsafe(directory, f"{parent} can be written by others")


def _seen(path: Path, *, follow: bool = True) -> os.stat_result:
    try:
        return path.stat(follow_symlinks=follow)
    except OSError as error:
        raise _unsafe(path, f"it cannot be looked at: {error.strerror}") from error


def _unsafe(directory: Path, why: str) -> LedgerError:
    return LedgerError(f"no emergency ledger in {directory}: {why}; set 'break_glass' in the configuration")
