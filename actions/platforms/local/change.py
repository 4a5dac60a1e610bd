"""The writing half: another release into one supervised process, guarded by its generation, once by the step's key."""

import asyncio
import json
from pathlib import Path

from actions.clients.http import HttpReader
from actions.clients.processes import ProcessFacts, ProcessRecord, ProcessState
from actions.clients.supervisor import SupervisorWriter
from actions.model.crash import crashpoint
from actions.model.errors import Refused, Stale, VerifyFailed
from actions.model.files import write_durably
from actions.model.platform import Change, Evidence, Probe
from actions.model.waiting import Deadline, until
from actions.model.words import ProbeState
from actions.platforms.local.artefacts import read_artefact
from actions.platforms.protocols import Report

EVERY = 0.05
ASK_SECONDS = 2.0


class LocalChanger:
    """Carries out one change of one process. `in_place`: no traffic driver stands before it, its users are here."""

    def __init__(self, directory: Path, url: str | None, *, in_place: bool = True) -> None:
        self._supervisor = SupervisorWriter(directory)
        self._directory = directory
        self._url = url
        self._in_place = in_place

    async def check(self, change: Change) -> Evidence:
        """Raises Stale when the process was changed since planning, Refused when the release is gone."""
        record = await self._supervisor.record(_process(change))
        if record.generation != change.params["generation"]:
            planned = change.params["generation"]
            raise Stale(f"{change.subject} is at generation {record.generation}, planned was {planned}: plan again")
        folder = record.spec.releases
        if folder is None:
            raise Refused(f"{change.subject} runs without releases")
        found, problem = await asyncio.to_thread(read_artefact, folder / str(change.params["release"]))
        if found is None or found.reference != change.params["artefact"]:
            raise Refused(problem or f"release {change.params['release']} is another artefact than planned")
        return Evidence(text=f"generation {record.generation}, release at hand")

    async def protect(self, change: Change, key: str, folder: Path) -> Evidence:
        """Keep the process's spec as it is."""
        record = await self._supervisor.record(_process(change))
        if key in record.keys:
            return Evidence(text="kept before")
        state = (await self._supervisor.process(_process(change))).state
        content = {"record": record.model_dump(mode="json"), "running": state is ProcessState.RUNNING}
        await asyncio.to_thread(write_durably, _kept(folder, key), json.dumps(content).encode())
        return Evidence(text=f"kept the spec in {_kept(folder, key).name}")

    async def act(self, change: Change, key: str, folder: Path, report: Report) -> Evidence:
        """Replace the spec; the supervisor makes it durable, stops the old process and starts the new one."""
        record = await self._supervisor.record(_process(change))
        spec = record.spec.model_copy(
            update={"release": change.params["release"], "artefact": change.params["artefact"]}
        )
        expected = change.params["generation"]
        crashpoint("local.before-replace")
        await self._supervisor.replace(spec, key=key, expected=expected if isinstance(expected, int) else None)
        crashpoint("local.after-replace")
        return Evidence(text=f"{change.subject} {change.before} → {change.after}")

    async def verify(self, change: Change, key: str, deadline: Deadline, report: Report) -> Evidence:
        """The process runs the new artefact and, where the slot has an address, answers there."""
        facts = await self._running(change, str(change.params["artefact"]), deadline)
        answers = await self._answers(deadline)
        return Evidence(text=f"{change.subject} runs {facts.release}{answers}", data={"pid": facts.pid})

    async def undo(self, change: Change, key: str, folder: Path, deadline: Deadline, report: Report) -> Evidence:
        """The old spec back in place; running again if it ran before.

        Raises VerifyFailed where somebody else changed it since, and where a release that ended again and again would
        replace one that runs.
        """
        name, back, kept = _process(change), f"{key}.undo", _kept(folder, key)
        now = await self._supervisor.record(name)
        if key not in now.keys:
            return Evidence(text=f"{name} was never changed")
        content = json.loads(await asyncio.to_thread(kept.read_bytes))
        old = ProcessRecord.model_validate(content["record"])
        if back not in now.keys:
            if now.keys[-1] != key:
                raise VerifyFailed(f"{name} was changed again by somebody else; it is left alone")
            facts = await self._settled(name, now.spec.artefact, deadline)
            if self._in_place and old.wanted and not content["running"] and await self._better(facts, old, folder):
                raise VerifyFailed(
                    f"{name} stays on {facts.release}, which runs: {old.spec.release} did not,"
                    " going back would be worse"
                )
            crashpoint("local.before-undo")
            await self._supervisor.replace(old.spec, key=back, expected=now.generation)
            crashpoint("local.after-undo")
        if not old.wanted:
            await self._supervisor.stop(name, key=f"{back}.stop")
            return Evidence(text=f"{name} is stopped again, with {old.spec.release} in place")
        if content["running"]:
            await self._running(change, old.spec.artefact, deadline)
        return Evidence(text=f"{name} runs {old.spec.release} again" if content["running"] else f"{name} as before")

    async def probe(self, change: Change, key: str, folder: Path) -> Probe:
        """The keys applied to the process decide, and whether it runs by now."""
        name = _process(change)
        record, facts = await asyncio.gather(self._supervisor.record(name), self._supervisor.process(name))
        told = f"generation {record.generation}, release {record.spec.release}, {facts.state.value}"
        if key in record.keys:
            if record.spec.artefact != change.params["artefact"]:
                return Probe(state=ProbeState.UNKNOWN, evidence=f"{told}; changed again since")
            done = facts.state is ProcessState.RUNNING and facts.artefact == record.spec.artefact
            return Probe(state=ProbeState.DONE if done else ProbeState.RUNNING, evidence=told)
        if record.generation == change.params["generation"]:
            return Probe(state=ProbeState.NOT_STARTED, evidence=told)
        return Probe(state=ProbeState.UNKNOWN, evidence=f"{told}; changed by somebody else")

    async def manual(self, change: Change, folder: Path) -> tuple[str, ...]:
        """What a person types to see and to bring the old release back."""
        socket = f"curl -s --unix-socket {self._directory}/supervisor.sock http://local/processes/{_process(change)}"
        kept = await asyncio.to_thread(lambda: sorted(folder.glob("local-*.json")))
        return (
            f"{socket}   # state, release and log file of the process",
            f"{socket}/log?lines=50",
            f"PUT the spec kept in {kept[-1] if kept else folder} to that address; its release is {change.before}",
        )

    async def close(self) -> None:
        """Nothing is kept open between calls."""

    async def _settled(self, name: str, artefact: str, deadline: Deadline) -> ProcessFacts:
        """A change that is still being carried out has to end first: its old process may take its time to stop."""
        return await until(
            lambda: self._supervisor.process(name),
            lambda facts: facts.artefact == artefact,
            deadline,
            lambda facts: f"{name} still stops {facts.release}",
            every=EVERY,
        )

    async def _better(self, now: ProcessFacts, old: ProcessRecord, folder: Path) -> bool:
        """Whether `now` runs and answers, while the `old` release ran in no process of this change."""
        if now.state is not ProcessState.RUNNING or not await self._reached():
            return False
        others = (await self._supervisor.list()).processes
        if any(one.state is ProcessState.RUNNING and one.artefact == old.spec.artefact for one in others):
            return False
        return not await asyncio.to_thread(_ran, folder, old.spec.artefact)

    async def _reached(self) -> bool:
        if self._url is None:
            return True
        http = HttpReader(self._url, timeout=ASK_SECONDS)
        try:
            return (await http.get("", fresh=True)).reached
        finally:
            await http.close()

    async def _running(self, change: Change, artefact: str, deadline: Deadline) -> ProcessFacts:
        async def look() -> ProcessFacts:
            facts = await self._supervisor.process(_process(change))
            if facts.state is ProcessState.CRASH_LOOPING:
                raise VerifyFailed(f"{facts.name} ends again and again: {facts.reason}; see {facts.log}")
            return facts

        return await until(
            look,
            lambda facts: facts.state is ProcessState.RUNNING and facts.artefact == artefact,
            deadline,
            lambda facts: f"{facts.name} is {facts.state.value} with release {facts.release} ({facts.reason})",
            every=EVERY,
        )

    async def _answers(self, deadline: Deadline) -> str:
        """Any answer at the slot's address: the program is up, whatever it says of its health."""
        if self._url is None:
            return ""
        http = HttpReader(self._url, timeout=ASK_SECONDS)
        try:
            answer = await until(
                lambda: http.get("", fresh=True), lambda one: one.reached, deadline, lambda one: one.reason, every=EVERY
            )
        finally:
            await http.close()
        return f" and answers in {answer.milliseconds:.0f} ms"


def _process(change: Change) -> str:
    return str(change.params["process"])


def _ran(folder: Path, artefact: str) -> bool:
    """Whether any process that this run changed ran that release before."""
    kept = (json.loads(one.read_bytes()) for one in folder.glob("local-*.json"))
    return any(one["running"] and one["record"]["spec"]["artefact"] == artefact for one in kept)


def _kept(folder: Path, key: str) -> Path:
    return folder / f"local-{key}.json"
