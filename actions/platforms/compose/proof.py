"""Whether a container is well: the right image, running, healthy several times in a row, not started anew meanwhile.

`running` alone proves nothing. The service is asked at the container's own address, many times a second, so
that nobody waits for the interval of Docker's healthcheck; one that says `unhealthy` is believed all the same.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from actions.clients.docker.errors import Missing
from actions.clients.docker.reader import DockerReader
from actions.model.errors import Unreachable, VerifyFailed
from actions.model.fair_timeout import fair_timeout
from actions.model.platform import Evidence
from actions.model.text import clean
from actions.model.waiting import Deadline
from actions.platforms.access import Place
from actions.platforms.compose import labels
from actions.platforms.compose.address import Questions
from actions.platforms.compose.artefacts import short
from actions.platforms.protocols import Report

Body = dict[str, Any]

SOAK_SECONDS = 0.4
_EVERY = 0.05


@dataclass(frozen=True)
class Subject:
    """Who is to be proved. `version` None: the container's own word for its version is only reported, not judged."""

    container: str
    image: str
    sole: bool
    version: str | None = None
    restarts: int = 0


class Prover:
    """Proves containers of one place."""

    def __init__(self, docker: DockerReader, place: Place) -> None:
        self._docker = docker
        self._place = place
        self._questions = Questions(place, docker.host)

    async def close(self) -> None:
        """Close kept connections."""
        await self._questions.close()

    async def healthy_now(self, container: Body, *, sole: bool) -> bool:
        """One look: does it run and serve? No measurement is not healthy."""
        if container["State"].get("Status") != "running":
            return False
        answer = await self._questions.ask(container, sole=sole)
        return not self._questions.not_well(answer) if answer is not None else _docker_health(container) == "healthy"

    async def prove(self, subject: Subject, deadline: Deadline, report: Report) -> Evidence:
        """Wait for the proof. Raises VerifyFailed at once for what cannot heal, else after `prove_seconds`.

        While the engine does not answer nothing is known, so nothing is decided until the deadline.
        """
        patience = deadline.part(self._place.settings.policy.prove_seconds)
        series = _Series(self._place.settings.policy.proofs)
        last, lost = "nothing was observed", False
        while True:
            try:
                async with fair_timeout(max(deadline.remaining(), 0.05)):
                    last = await self._look(subject, series)
                lost = False
            except (Unreachable, TimeoutError) as error:
                last = clean(error) if isinstance(error, Unreachable) else "no answer in time"
                if not lost:
                    report(f"the engine does not answer, waiting: {last}")
                series.broken(last)
                lost, patience = True, deadline.part(self._place.settings.policy.prove_seconds)
            if series.proved:
                return self._evidence(subject, series, last)
            if deadline.passed or patience.passed:
                spent = min(deadline.seconds, patience.seconds)
                trouble = last if lost else series.trouble or last
                raise VerifyFailed(f"{short(subject.container)} was not proved within {spent:.0f} s: {trouble}")
            await asyncio.sleep(min(_EVERY, max(deadline.remaining(), 0.001)))

    async def _look(self, subject: Subject, series: "_Series") -> str:
        try:
            body = await self._docker.container(subject.container)
        except Missing:
            raise VerifyFailed(f"container {short(subject.container)} is gone: somebody removed it") from None
        _refuse(body, subject)
        health, started = _docker_health(body), str(body["State"].get("StartedAt"))
        answer = await self._questions.ask(body, sole=subject.sole)
        if answer is None:
            if health is None:
                raise VerifyFailed("not provable: the container has no healthcheck and no address to ask")
            return series.saw(health == "healthy", started, f"healthcheck says {health}")
        said = self._questions.said(answer)
        if wrong := self._questions.not_well(answer):
            return series.broken(f"{answer.path} {wrong}")
        if subject.version is not None and said is not None and said != subject.version:
            return series.broken(f"it answers as {said} instead of {subject.version}")
        return series.saw(True, started, f"answers {answer.status}" + (f" as {said}" if said else ""))

    def _evidence(self, subject: Subject, series: "_Series", last: str) -> Evidence:
        text = f"{last}, {series.count} in a row, image {short(subject.image)}, no restart"
        data = {"container": subject.container, "image": subject.image, "proofs": series.count}
        return Evidence(text=text, data={**data, "seconds": round(series.seconds, 3)})


class _Series:
    """Good looks in a row, all of the same start of the container, over at least the soak."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._since = 0.0
        self._started = ""
        self.count = 0
        self.trouble = ""

    @property
    def seconds(self) -> float:
        """How long the row lasts."""
        return time.monotonic() - self._since if self.count else 0.0

    @property
    def proved(self) -> bool:
        """Enough of them, for long enough."""
        return self.count >= self._wanted and self.seconds >= SOAK_SECONDS

    def saw(self, good: bool, started: str, text: str) -> str:
        """One more look, in words."""
        if not good:
            return self.broken(text)
        if self.count == 0 or started != self._started:
            self._since, self._started, self.count = time.monotonic(), started, 0
        self.count += 1
        return text

    def broken(self, why: str) -> str:
        """The row ended."""
        self.count, self.trouble = 0, why
        return why


def _refuse(body: Body, subject: Subject) -> None:
    """Raises VerifyFailed for what waiting cannot mend."""
    name, state = clean(labels.name_of(body), limit=100), body["State"]
    if body["Image"] != subject.image:
        raise VerifyFailed(f"{name} runs image {short(body['Image'])} instead of {short(subject.image)}")
    if int(body.get("RestartCount") or 0) > subject.restarts or state.get("Status") == "restarting":
        code = f" with code {state['ExitCode']}" if state.get("ExitCode") else ""  # forgotten once it runs again
        raise VerifyFailed(f"{name} ended{code} and was restarted")
    if state.get("Status") in ("exited", "dead", "removing"):
        memory = " (out of memory)" if state.get("OOMKilled") else ""
        raise VerifyFailed(f"{name} ended with code {state.get('ExitCode')}{memory}")
    if state.get("Status") != "running":
        raise VerifyFailed(f"{name} is {clean(state.get('Status'), limit=40)}, not running")
    if _docker_health(body) == "unhealthy":
        raise VerifyFailed(f"{name} is unhealthy by its own healthcheck")


def _docker_health(body: Body) -> str | None:
    said = (body["State"].get("Health") or {}).get("Status")
    return str(said) if said in ("starting", "healthy", "unhealthy") else None
