"""The writing half: replace the include, reload, prove the generation, and the way back."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import cast

from pydantic import TypeAdapter

from actions.clients.nginx import Master, NginxWriter
from actions.ledger.locks import held_descriptors
from actions.model.crash import crashpoint
from actions.model.errors import Refused, Stale, VerifyFailed
from actions.model.files import sync_directory, write_durably
from actions.model.platform import Change, Evidence, Probe
from actions.model.waiting import Deadline
from actions.model.words import ProbeState
from actions.model.workloads import NginxTraffic
from actions.platforms.nginx import error_log
from actions.platforms.nginx.apart import last_line, test_beside
from actions.platforms.nginx.generation import Answer, Generations
from actions.platforms.nginx.include import render, sha256
from actions.platforms.nginx.lock import locked
from actions.platforms.nginx.observe import MARKER, Seen, guarded_include, look, read_include, read_marker
from actions.platforms.nginx.proof import STEADY_SECONDS, proved
from actions.platforms.nginx.undo_files import UndoFiles
from actions.platforms.protocols import Report

KEPT = 5
"""So many previous includes stay beside the live one."""
SHARES = TypeAdapter(dict[str, float])
ADDRESSES = TypeAdapter(dict[str, tuple[str, ...]])


class NginxChanger:
    """Carries out one switch of nginx under the step contract."""

    def __init__(self, settings: NginxTraffic, client: NginxWriter, outside: Generations) -> None:
        self._settings = settings
        self._client = client
        self._outside = outside
        self._path = guarded_include(settings)
        self._undo: dict[str, UndoFiles] = {}

    async def check(self, change: Change) -> Evidence:
        """The include is as planned, the very nginx of then runs, and answers. Raises Stale, Refused or Busy.

        A marker that says something else is put right: this is the first that a run does here.
        """
        seen = await look(self._settings, self._client, self._outside, 1)
        _same_master(change, seen.master, answers=bool(seen.answers))
        found = seen.include.sha256 if seen.include else ""
        if found != change.params["before_sha256"]:
            raise Stale(f"{self._path} changed since planning; look at it and plan again")
        live = seen.live.generation if seen.live else ""
        if live != change.params["before_generation"]:
            raise Stale(f"nginx serves generation {live or 'unknown'} by now; plan again")
        marked = await self._reconcile(seen.live)
        return Evidence(text=f"include as planned, generation {live or 'unknown'} live{marked}")

    async def protect(self, change: Change, key: str, folder: Path) -> Evidence:
        """Keep the include as it is beside the new one, and in the run's folder."""

        files = self._files(key, folder)

        def keep() -> str:
            content = self._path.read_bytes() if self._path.exists() else b""
            offset = error_log.length(self._settings.error_log)
            files.keep(content, offset)
            write_durably(self._kept(key), content, mode=0o644)
            self._forget_old()
            unread = "" if offset is not None or self._settings.error_log is None else "; the error log cannot be read"
            return f"kept {len(content)} bytes as {self._kept(key).name}{unread}"

        return Evidence(text=await asyncio.to_thread(keep))

    async def act(self, change: Change, key: str, folder: Path, report: Report) -> Evidence:
        """Test apart, replace, test the whole, reload. A failed test leaves the old file in place."""
        files = self._files(key, folder)
        text = self._text(change, key)
        async with locked(self._path.parent) as lock:
            found = await asyncio.to_thread(read_include, self._path)
            if (found.sha256 if found else "") not in (change.params["before_sha256"], sha256(text)):
                raise Stale(f"{self._path} changed under us; nothing was written")
            _same_master(change, await self._client.master(), answers=True)  # it did a moment ago
            if found is None or found.sha256 != sha256(text):  # else it was replaced before a crash
                await self._replace(text, key)
            whole = await self._client.test(self._settings.configuration)
            if whole.code != 0:
                await asyncio.to_thread(self._put_back, change, files)
                raise Refused(f"nginx -t refuses the configuration, the old one is back: {last_line(whole.text)}")
            report("include replaced, nginx -t ok")
            await self._reload(files, lock)
            crashpoint("nginx.after-reload")
        return Evidence(text="include replaced, nginx -t ok, reload")

    async def verify(self, change: Change, key: str, deadline: Deadline, report: Report) -> Evidence:
        """Fresh connections agree on the new generation, the master is the same, the error log has no new [emerg]."""
        watch = await asyncio.to_thread(self._watch, change, key)
        try:
            seen = await self._proved(key, key, deadline, refused=lambda: watch.look().line)
        except VerifyFailed as error:
            passing = (await asyncio.to_thread(watch.look)).passing
            raise VerifyFailed(f"{error.message}; nginx says: {passing}") if passing else error from None
        if seen.master.pid != change.params["master"]:
            raise VerifyFailed(f"the nginx master changed from {change.params['master']} to {seen.master.pid}")
        alarm = await asyncio.to_thread(watch.look)
        if alarm.line:
            raise VerifyFailed(f"nginx says: {alarm.line}")
        marked = await asyncio.to_thread(self._mark, seen.live)
        count = len(seen.answers)
        unread = f"; whether nginx says [emerg] is not known: {alarm.unread}" if alarm.unread else ""
        unread += f"; before that: {alarm.passing}" if alarm.passing else ""
        return Evidence(
            text=f"generation {key} on {count} of {count} fresh connections{unread}{marked}",
            data={"moved": True, "answers": count},
        )

    async def undo(self, change: Change, key: str, folder: Path, deadline: Deadline, report: Report) -> Evidence:
        """Put the old include back and always reload again: a failed reload may otherwise still be applied later.

        Raises VerifyFailed, and touches nothing, when the include is neither ours nor the one of before.
        """
        files = self._files(key, folder)
        async with locked(self._path.parent) as lock:
            await self._still_known(change, key, files)
            crashpoint("nginx.undo-before-replace")
            await asyncio.to_thread(self._put_back, change, files)
            crashpoint("nginx.undo-after-replace")
            await self._reload(files, lock)
            crashpoint("nginx.undo-after-reload")
        before = str(change.params["before_generation"])
        if not before:
            return Evidence(text="old include is back and reloaded; it names no generation to prove")
        seen = await self._proved(before, key, deadline, steady=STEADY_SECONDS)
        marked = await asyncio.to_thread(self._mark, seen.live)
        return Evidence(text=f"generation {before} answers again on {len(seen.answers)} fresh connections{marked}")

    async def probe(self, change: Change, key: str, folder: Path) -> Probe:
        """File and answers decide: neither new, written but not live, or done."""
        self._files(key, folder)
        seen = await look(self._settings, self._client, self._outside, self._settings.proofs)
        found = seen.include.sha256 if seen.include else ""
        live = seen.live.generation if seen.live else ""
        told = f"file {found[:8] or 'missing'}, live generation {live or 'unknown'}"
        if found == sha256(self._text(change, key)):
            state = ProbeState.DONE if live == key else ProbeState.PARTIAL
        elif found == change.params["before_sha256"]:
            state = ProbeState.NOT_STARTED if live == change.params["before_generation"] else ProbeState.PARTIAL
        else:
            state = ProbeState.UNKNOWN
        return Probe(state=state, evidence=told)

    async def manual(self, change: Change, folder: Path) -> tuple[str, ...]:
        """What a person types to get the old include back."""
        kept = await asyncio.to_thread(self._kept_before, change, folder)
        nginx = " ".join([self._settings.binary, *self._client.place(self._settings.configuration)])
        if self._settings.container:
            nginx = f"docker exec {self._settings.container} {nginx}"
        return (
            f"cp {kept} {self._path}",
            f"{nginx} -t",
            f"{nginx} -s reload",
            f"curl -s {self._settings.url.rstrip('/')}{self._settings.generation_path}"
            f"   # must name generation {change.params['before_generation'] or 'as before'}",
        )

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()
        await self._outside.close()

    async def _still_known(self, change: Change, key: str, files: UndoFiles) -> None:
        """What somebody else wrote meanwhile is theirs; what they removed can be put back without losing anything.

        What another switch of this run wrote is the run's own: all of them are taken back.
        """
        found = await asyncio.to_thread(read_include, self._path)
        if found is None or found.sha256 in (change.params["before_sha256"], sha256(self._text(change, key))):
            return
        if found.edited or not await asyncio.to_thread(files.of_this_run, found.generation):
            raise VerifyFailed(f"{self._path} was changed by somebody else meanwhile; it is left alone: decide by hand")

    async def _replace(self, text: str, key: str) -> None:
        """Raises Refused when the candidate does not pass on its own."""
        tested = await test_beside(self._client, self._path, text, key)
        if tested.code != 0:
            said = last_line(tested.text)
            raise Refused(f"the generated include does not pass nginx -t, nothing was replaced: {said}")
        crashpoint("nginx.before-replace")
        await asyncio.to_thread(write_durably, self._path, text.encode(), mode=0o644)
        crashpoint("nginx.after-replace")

    async def _reload(self, files: UndoFiles, lock: int) -> None:
        """Reload, the workers of now being remembered: traffic has moved only when none of them accepts any more.

        The child keeps `lock` and the run's own, so that nobody starts beside it should we die now.
        """
        master = await self._client.master()
        await asyncio.to_thread(files.remember_workers, master.workers if master.seen else None)
        reloaded = await self._client.reload((lock, *held_descriptors()))
        if reloaded.code != 0:
            raise VerifyFailed(f"nginx -s reload failed: {last_line(reloaded.text)}")

    async def _proved(
        self,
        generation: str,
        key: str,
        deadline: Deadline,
        *,
        steady: float | None = None,
        refused: Callable[[], str] = lambda: "",
    ) -> Seen:
        files = self._undo.get(key)
        old = await asyncio.to_thread(files.old_workers) if files else None
        return await proved(
            self._settings, self._client, self._outside, generation, old, deadline, steady, refused=refused
        )

    def _files(self, key: str, folder: Path) -> UndoFiles:
        """The undo files of this step, known from now on to `verify` as well, which is given no folder."""
        return self._undo.setdefault(key, UndoFiles(folder, key))

    def _put_back(self, change: Change, files: UndoFiles) -> None:
        if change.params["before_sha256"]:
            write_durably(self._path, files.before(), mode=0o644)
        else:
            self._path.unlink(missing_ok=True)
            sync_directory(self._path.parent)

    def _watch(self, change: Change, key: str) -> error_log.Watch:
        files = self._undo.get(key)
        master = None if self._settings.container else cast(int, change.params["master"])
        return error_log.Watch(self._settings.error_log, files.log_length() if files else None, master)

    async def _reconcile(self, live: Answer | None) -> str:
        """The marker names what is observed; a cache that cannot be written is said, and stops nothing."""
        known = await asyncio.to_thread(read_marker, self._path.parent)
        if live is None or known == live.generation:
            return ""
        async with locked(self._path.parent):
            return await asyncio.to_thread(self._mark, live) or f"; the marker said {known or 'nothing'}: put right"

    def _mark(self, live: Answer | None) -> str:
        """Write down what is observed; why that could not be done, empty when it could."""
        if live is None:
            return ""
        marker = {"generation": live.generation, "shares": live.shares}
        crashpoint("nginx.before-mark")
        try:
            write_durably(self._path.parent / MARKER, json.dumps(marker).encode(), mode=0o644)
        except OSError as error:
            return f"; the marker could not be written: {error.strerror}"
        crashpoint("nginx.after-mark")
        return ""

    def _kept_before(self, change: Change, folder: Path) -> Path:
        """The include of before this very change: a run may switch more than once."""
        found = folder.glob("nginx-include-*")
        before = change.params["before_sha256"]
        same = (one for one in found if sha256(one.read_bytes().decode("utf-8", "replace")) == before)
        return next(same, folder / "nginx-include-…")

    def _kept(self, key: str) -> Path:
        return self._path.with_name(f".{self._path.name}.prev-{key}")

    def _forget_old(self) -> None:
        """Copies for people beyond the last ones, and the state that earlier versions left beside the include."""
        beside, name = self._path.parent, self._path.name
        kept = sorted(beside.glob(f".{name}.prev-*"), key=lambda path: path.stat().st_mtime_ns)
        for path in (*kept[:-KEPT], *beside.glob(f".{name}.state-*")):
            path.unlink(missing_ok=True)

    def _text(self, change: Change, key: str) -> str:
        shares, addresses = change.params["shares"], change.params["addresses"]
        return render(
            self._settings.upstream, key, SHARES.validate_python(shares), ADDRESSES.validate_python(addresses)
        )


def _same_master(change: Change, master: Master, answers: bool) -> None:
    """Raises Refused when no master is found, Stale when it is another: the proof rests on its being the same."""
    if master.pid is None and answers:
        raise Refused(f"nginx answers, but its master is not known: {master.why}; put that right, then plan again")
    if master.pid is None:
        raise Refused(f"nginx does not run ({master.why}); start it first, then plan again")
    if master.pid != change.params["master"]:
        was, now = change.params["master"], master.pid
        raise Stale(f"nginx was restarted since planning (master {was}, now {now}); nothing was moved: plan again")
