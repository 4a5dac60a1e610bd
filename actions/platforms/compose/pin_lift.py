"""Taking a pin away, so that the next deploy brings what the project's own files name."""

from pathlib import Path

from actions.model.errors import Refused, Stale
from actions.model.files import sync_directory, write_durably
from actions.model.platform import StandingPin
from actions.platforms.compose.compose_files import text_of
from actions.platforms.compose.pin_file import entries_of, without


def lift(pin: StandingPin) -> str:
    """Take the service out of its pin file, and the file away when nothing else is pinned; what was done, in words.

    Nothing that runs is touched. Blocking. Raises Stale when the file is not what was shown, Refused when it cannot be
    written.
    """
    path = Path(pin.file)
    try:
        text = text_of(path)
        entry = (entries_of(text) or {}).get(pin.service) if text is not None else None
        if text is None or entry is None:
            raise Stale(f"{path} does not pin {pin.service} any more: look again")
        if entry.image != pin.image:
            raise Stale(f"{path} pins {pin.service} to another image now: look again")
        rest = without(text, pin.service)
        if rest is None:
            path.unlink()
            sync_directory(path.parent)
            return f"removed {path}"
        write_durably(path, rest.encode(), mode=path.stat().st_mode & 0o777)
        return f"took {pin.service} out of {path}"
    except OSError as error:
        raise Refused(f"cannot change {path}: {error.strerror or error}") from error
