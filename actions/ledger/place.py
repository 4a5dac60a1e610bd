"""Whether a directory may hold a ledger: own, private, on a local file system, no symbolic links."""

import os
import pwd
import stat
from pathlib import Path

from actions.model.errors import LedgerError

DATABASE = "ledger.sqlite"
_REMOTE = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "afs",
    "ceph",
    "coda",
    "glusterfs",
    "lustre",
    "beegfs",
    "ncpfs",
}
_REMOTE |= {"vboxsf", "prl_fs", "drvfs"}


def file_system(path: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """Type of the file system `path` lies on; empty where the machine does not say."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    best, found = -1, ""
    wanted = path.resolve()
    for line in lines:
        before, _, after = line.partition(" - ")
        point = Path(before.split(" ")[4].encode().decode("unicode_escape"))
        if wanted.is_relative_to(point) and len(point.parts) >= best:
            best, found = len(point.parts), after.split(" ")[0]
    return found


def refuse_remote(directory: Path) -> None:
    """Raises LedgerError on a file system whose locks and syncs cannot be relied on."""
    kind = file_system(directory)
    if kind in _REMOTE or kind.startswith("fuse"):
        raise LedgerError(
            f"ledger directory {directory} lies on a {kind} file system, where locks cannot be relied on;"
            " set 'ledger' in the configuration to a directory on a local disk"
        )


def _owner(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _facts(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LedgerError(f"{path} cannot be looked at: {error.strerror}; choose another 'ledger' directory") from error


def check_entry(path: Path, *, directory: bool) -> bool:
    """Whether `path` exists; raises LedgerError when it is a link, of the wrong kind, another's, or open to others."""
    facts = _facts(path)
    if facts is None:
        return False
    if stat.S_ISLNK(facts.st_mode):
        raise LedgerError(f"{path} is a symbolic link; the ledger must lie at its own path")
    if directory != stat.S_ISDIR(facts.st_mode) or (not directory and not stat.S_ISREG(facts.st_mode)):
        raise LedgerError(f"{path} is not a plain {'directory' if directory else 'file'}; move it away")
    if facts.st_uid != os.geteuid():
        owner = _owner(facts.st_uid)
        raise LedgerError(f"{path} belongs to '{owner}', you are '{_owner(os.geteuid())}'; run as '{owner}'")
    if facts.st_mode & 0o022:
        raise LedgerError(
            f"{path} can be written by others; run: chmod go-rwx '{path}' and check 'vq-tui audit verify'"
        )
    return True


def check_place(directory: Path) -> None:
    """Raises LedgerError unless a ledger stands at `directory` and is safe to use."""
    if not check_entry(directory, directory=True):
        raise LedgerError(f"no ledger at {directory}; it is created by the first run, 'vq-tui keeper' or 'sandbox up'")
    refuse_remote(directory)
    found = False
    for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", "anchor.jsonl"):
        found |= check_entry(directory / name, directory=False) and name == DATABASE
    if not found:
        raise LedgerError(f"no ledger at {directory}: {DATABASE} is not there")
    for name in ("locks", "runs"):
        check_entry(directory / name, directory=True)


def is_filled(directory: Path) -> bool:
    """Whether a database with something in it lies there. Raises LedgerError where the directory is not safe."""
    facts = _facts(directory / DATABASE) if check_entry(directory, directory=True) else None
    return facts is not None and facts.st_size > 0


def prepare_place(directory: Path) -> None:
    """Create what is missing of the ledger's directory, private to its owner. Raises LedgerError like `check_place`."""
    _tighten(directory)
    if not check_entry(directory, directory=True):
        _make(directory)
    refuse_remote(directory)
    if not os.access(directory, os.W_OK):
        raise LedgerError(f"ledger directory {directory} cannot be written: it is read-only here")
    try:
        if directory.stat().st_mode & 0o077:
            directory.chmod(0o700)
        for name in ("locks", "runs"):
            if not check_entry(directory / name, directory=True):
                (directory / name).mkdir(mode=0o700, exist_ok=True)
        for name in (DATABASE, "anchor.jsonl", "keeper.lock"):
            _make_file(directory / name)
    except OSError as error:
        raise LedgerError(f"ledger directory {directory} cannot be written: {error.strerror}") from error


def _make(directory: Path) -> None:
    make_parents(directory)
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise LedgerError(
            f"ledger directory {directory} cannot be created: {error.strerror}; set 'ledger' to one you may write"
        ) from error


def make_parents(directory: Path) -> None:
    """Create what is missing above a directory, each private to its owner. Raises LedgerError."""
    try:
        for parent in [one for one in reversed(directory.parents) if not one.exists()]:
            parent.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise LedgerError(
            f"ledger directory {directory} cannot be created: {error.strerror}; set 'ledger' to one you may write"
        ) from error


def _tighten(directory: Path) -> None:
    """A directory that holds no ledger yet may simply be made private, if it is ours; another's is not looked into."""
    facts = _facts(directory)
    if facts is None or not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid():
        return
    if _facts(directory / DATABASE) is None and facts.st_mode & 0o077:
        _chmod(directory)


def _chmod(directory: Path) -> None:
    try:
        directory.chmod(0o700)
    except OSError as error:
        raise LedgerError(f"ledger directory {directory} cannot be written: {error.strerror}") from error


def _make_file(path: Path) -> None:
    """Create an empty private file. An existing one is never opened: closing it would drop SQLite's locks."""
    if check_entry(path, directory=False):
        return
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        check_entry(path, directory=False)


def private_directory(path: Path) -> Path:
    """`path` as a directory only its owner can enter, created when missing."""
    if not check_entry(path, directory=True):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
