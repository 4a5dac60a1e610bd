"""Writing the pin, under the step contract. The step's key stands in the file itself."""

import asyncio
import stat
from pathlib import Path

from pydantic import JsonValue

from actions.model.crash import crashpoint
from actions.model.errors import Refused, Stale, VerifyFailed
from actions.model.files import sync_directory, write_durably
from actions.model.platform import Change, Evidence, Probe
from actions.model.waiting import Deadline
from actions.model.words import ProbeState
from actions.model.workloads import ComposeWorkload
from actions.platforms.compose.compose_cli import ComposeCli
from actions.platforms.compose.compose_files import sha256_of, text_of
from actions.platforms.compose.params import Pin, Question
from actions.platforms.compose.pin_file import BY_RUN
from actions.platforms.compose.pin_plan import SLOW, fingerprint, judged
from actions.platforms.protocols import Report

CONFIG_HASH = "config-hash"
"""In the run's folder: the label for the new containers, where Compose gave it only after planning."""
_ASKING_SECONDS = 9.0
"""Well within the step's budget: a Compose that is slow leaves a risk open, it does not end the rollback."""

_KEPT = "pin-before.yaml"
_NONE = "pin-before.none"


class Pinner:
    """Carries out `pin` changes."""

    def __init__(self, settings: ComposeWorkload) -> None:
        self._settings = settings
        self._late = SLOW
        """What Compose's late answer leaves open; empty when nothing."""

    async def check(self, change: Change) -> Evidence:
        """The files are as planned. Raises Stale."""
        pin = Pin.model_validate(change.params)
        return await asyncio.to_thread(_check, pin)

    async def protect(self, change: Change, key: str, folder: Path) -> Evidence:
        """Keep the file that is replaced, or the fact that there was none. Wait for Compose if planning could not."""
        pin = Pin.model_validate(change.params)
        if pin.question is not None and not (folder / CONFIG_HASH).exists():
            await self._ask_again(pin.question, folder)
        return await asyncio.to_thread(_protect, pin, key, folder)

    async def act(self, change: Change, key: str, folder: Path, report: Report) -> Evidence:
        """Write the file at one stroke."""
        pin = Pin.model_validate(change.params)
        path = Path(pin.path)
        now = await asyncio.to_thread(text_of, path)
        if now != _content(pin, key):
            if fingerprint(now) != pin.before:
                raise Stale(f"{pin.path} was changed since this was planned: plan again")
            crashpoint("compose.pin.before")
            await asyncio.to_thread(_write, path, _content(pin, key), None)
            crashpoint("compose.pin.after")
        if (folder / CONFIG_HASH).exists():
            self._late = ""
        return Evidence(
            text=f"wrote {pin.path}", data={"file": pin.path, "open_risks": list[JsonValue](self._risks(pin))}
        )

    async def verify(self, change: Change, key: str, deadline: Deadline, report: Report) -> Evidence:
        """The file is there as planned. What stays open is part of the evidence."""
        pin = Pin.model_validate(change.params)
        if await asyncio.to_thread(text_of, Path(pin.path)) != _content(pin, key):
            raise VerifyFailed(f"{pin.path} is not what was written: somebody else writes it too")
        risks = self._risks(pin)
        text = f"{Path(pin.path).name} pins {change.after}" + (f" ({'; '.join(risks)})" if risks else "")
        return Evidence(text=text, data={"file": pin.path, "open_risks": list[JsonValue](risks)})

    async def undo(self, change: Change, key: str, folder: Path, deadline: Deadline, report: Report) -> Evidence:
        """The file as it was before, or none. Raises VerifyFailed when somebody else has written it since."""
        return await asyncio.to_thread(_undo, Pin.model_validate(change.params), key, folder)

    async def probe(self, change: Change, key: str, folder: Path) -> Probe:
        """The key in the file decides."""
        pin = Pin.model_validate(change.params)
        now = await asyncio.to_thread(text_of, Path(pin.path))
        if now == _content(pin, key):
            return Probe(state=ProbeState.DONE, evidence=f"{pin.path} carries this step's key")
        if fingerprint(now) == pin.before:
            return Probe(state=ProbeState.NOT_STARTED, evidence=f"{pin.path} is as before")
        return Probe(state=ProbeState.UNKNOWN, evidence=f"{pin.path} was written by somebody else")

    def _risks(self, pin: Pin) -> list[str]:
        return [risk for risk in (self._late if one == SLOW else one for one in pin.risks) if risk]

    async def _ask_again(self, question: Question, folder: Path) -> None:
        cli = ComposeCli(self._settings)
        try:
            wanted, self._late = judged(await cli.hashes(question, _ASKING_SECONDS), question)
        finally:
            await cli.close()
        if wanted is not None:
            await asyncio.to_thread(_write, folder / CONFIG_HASH, wanted, 0o600)

    async def manual(self, change: Change, folder: Path) -> tuple[str, ...]:
        """The way back by hand."""
        pin = Pin.model_validate(change.params)
        if pin.before is None:
            return (f"rm {pin.path}",)
        return (f"cp {folder / _KEPT} {pin.path}",)


def _check(pin: Pin) -> Evidence:
    for name, planned in pin.files.items():
        if sha256_of(text_of(Path(name))) != planned:
            raise Stale(f"{name} was changed since this was planned: plan again")
    now = text_of(Path(pin.path))
    if fingerprint(now) not in (pin.before, fingerprint(pin.content)):
        raise Stale(f"{pin.path} was changed since this was planned: plan again")
    return Evidence(text=f"{len(pin.files)} Compose files are as planned")


def _protect(pin: Pin, key: str, folder: Path) -> Evidence:
    now = text_of(Path(pin.path))
    if (folder / _KEPT).exists() or (folder / _NONE).exists() or now == _content(pin, key):
        return Evidence(text="the way back was written down before")
    _write(folder / (_NONE if now is None else _KEPT), now or "", 0o600)
    return Evidence(
        text="there was no pin" if now is None else "kept the pin that was", data={"sha256": sha256_of(now)}
    )


def _undo(pin: Pin, key: str, folder: Path) -> Evidence:
    path, now = Path(pin.path), text_of(Path(pin.path))
    if now != _content(pin, key):
        if fingerprint(now) == pin.before:
            return Evidence(text=f"{path.name} is as before")
        raise VerifyFailed(f"{pin.path} was written by somebody else since; it is left alone")
    crashpoint("compose.undo-pin.before")
    if (folder / _KEPT).exists():
        _write(path, (folder / _KEPT).read_text("utf-8"), None)
    elif (folder / _NONE).exists():
        path.unlink(missing_ok=True)
        sync_directory(path.parent)
    else:
        raise VerifyFailed(f"nothing says what {pin.path} was before; it is left alone")
    crashpoint("compose.undo-pin.after")
    return Evidence(text=f"{path.name} is as before", data={"file": pin.path})


def _content(pin: Pin, key: str) -> str:
    head, _, rest = pin.content.partition("\n")
    return f"{head}\n{BY_RUN}{key}\n{rest}"


def _write(path: Path, content: str, mode: int | None) -> None:
    """`mode` None keeps the file's; a new one can be read by everybody, as Compose files are."""
    try:
        if mode is None:
            mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644
        write_durably(path, content.encode(), mode=mode)
    except OSError as error:
        raise Refused(f"cannot write {path}: {error.strerror}") from error
