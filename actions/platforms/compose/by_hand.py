"""What a person can do where even the way back failed, from what stands at that moment, with what it does to users.

A container that serves is never to be removed by any of these steps.
"""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actions.clients.docker.errors import EngineError
from actions.clients.docker.reader import DockerReader
from actions.model.errors import Unreachable
from actions.model.text import clean
from actions.platforms.compose import labels, material
from actions.platforms.compose.artefacts import short
from actions.platforms.compose.body import same_again
from actions.platforms.compose.calls import docker_command
from actions.platforms.compose.params import Recreate
from actions.platforms.compose.proof import Prover
from actions.platforms.compose.sight import RESTORES, alive, heir_of, inspect, status

Body = dict[str, Any]


@dataclass(frozen=True)
class Standing:
    """What there is: `old` as planned or made again, `new` ones of any run for it, `heir` made by somebody else."""

    old: Body | None
    new: tuple[Body, ...]
    heir: Body | None
    well: frozenset[str]

    def serving(self) -> Body | None:
        """The container that serves users, if any of them does."""
        every = [*self.new, self.old, self.heir]
        return next((one for one in every if one is not None and one["Id"] in self.well), None)


class ByHand:
    """Looks at what stands and says what is left to do."""

    def __init__(self, reader: DockerReader, prover: Prover) -> None:
        self._reader = reader
        self._prover = prover

    async def steps(self, params: Recreate, folder: Path) -> tuple[str, ...]:
        """The steps, the first to be done first."""
        docker, name = docker_command(self._reader.host), shlex.quote(params.name)
        try:
            standing = await self._look(params)
        except (Unreachable, EngineError) as error:
            return (
                f"# what stands could not be seen ({clean(error.message, limit=120)}): look before anything is changed",
                f"{docker} ps -a --filter name={name}    # only looks",
                *_settings(params, folder),
            )
        serving = standing.serving()
        if serving is not None:
            return (*_serves(serving, params), *_leftovers(docker, standing, serving))
        return (*_leftovers(docker, standing, None), *self._start(docker, standing, params, folder))

    async def _look(self, params: Recreate) -> Standing:
        old = await inspect(self._reader, params.old)
        made = [await inspect(self._reader, one["Id"]) for one in await self._listed(labels.REPLACES, params)]
        if old is None:
            again = [await inspect(self._reader, one["Id"]) for one in await self._listed(RESTORES, params)]
            old = next((one for one in again if one is not None), None)
        new = tuple(one for one in made if one is not None)
        heir = await heir_of(self._reader, params) if params.composed and old is None and not new else None
        every = [one for one in (old, *new, heir) if one is not None]
        well = [one["Id"] for one in every if await self._prover.healthy_now(one, sole=params.sole)]
        return Standing(old, new, heir, frozenset(well))

    async def _listed(self, label: str, params: Recreate) -> list[Body]:
        return await self._reader.containers(f"{label}={params.old}")

    def _start(self, docker: str, standing: Standing, params: Recreate, folder: Path) -> tuple[str, ...]:
        """How the old release comes back where nothing serves."""
        name = shlex.quote(params.name)
        if standing.heir is not None:
            heir = standing.heir["Id"][:12]
            return (
                f"{docker} logs --tail 50 {heir}    # {status(standing.heir)}: somebody else put it there; only looks",
                f"{docker} restart {heir}    # users of {name}: it does not serve now, so nobody loses anything",
                *_settings(params, folder),
            )
        check = f"{docker} ps -a --filter name={name}    # must say: Up"
        if standing.old is None:
            return (*self._make_again(docker, params, folder), check)
        old, steps = standing.old["Id"][:12], []
        if labels.name_of(standing.old) != params.name:
            steps.append(f"{docker} rename {old} {name}    # no effect on users")
        policy = _policy(params)
        if (standing.old["HostConfig"].get("RestartPolicy") or {}).get("Name") != params.policy.get("Name"):
            steps.append(f"{docker} update --restart={policy} {old}    # no effect on users")
        if not params.running:
            return (*steps, f"# {name} was stopped before: leave it so")
        if not alive(standing.old):
            steps.append(f"{docker} start {old}    # users of {name} get the release before this run again")
        else:
            steps.append(f"{docker} logs --tail 50 {old}    # it is {status(standing.old)} and not well; only looks")
        return (*steps, check)

    def _make_again(self, docker: str, params: Recreate, folder: Path) -> tuple[str, ...]:
        kept, name = material.path_of(folder, params.old), shlex.quote(params.name)
        if not kept.exists():
            return (f"# {name} is gone and nothing of it was kept: deploy it again",)
        container = material.read(folder, params.old).container
        body, wanted = material.write_body(folder, params.old), same_again(container, {})
        host = self._reader.host
        where = f"--unix-socket {host.removeprefix('unix://')} http://localhost" if host.startswith("unix://") else ""
        where = where or host.replace("tcp://", "http://", 1)  # with TLS a person adds what the configuration names
        create = f"curl -fsS -H 'Content-Type: application/json' --data-binary @{body} {where}/containers/create"
        steps = [f"{create}?name={name}    # makes {params.old[:12]} again as it was; no effect on users yet"]
        if not material.vacated(folder, params.old):
            gone = f"somebody removed {params.old[:12]}: see what stands now; only looks"
            steps.insert(0, f"{docker} ps -a --filter name={name}    # {gone}")
        steps += [
            f"{docker} network connect {shlex.quote(wanted.names[network])} {name}    # no effect on users yet"
            for network in wanted.networks
        ]
        files = material.files_of(folder, params.old)
        if files.exists():
            steps.append(f"{docker} cp - {name}:/ < {files}    # what Compose had put into it; no effect on users yet")
        return (*steps, f"{docker} start {name}    # users of {name} get the release before this run again")


def _serves(serving: Body, params: Recreate) -> tuple[str, ...]:
    shown = f"{clean(labels.name_of(serving), limit=100)} ({serving['Id'][:12]})"
    version = params.version if serving["Image"] == params.image else short(serving["Image"])
    before = " as before this run" if serving["Image"] == params.old_image else ""
    return (f"# {shown} runs {version}{before} and serves users: leave it as it is",)


def _leftovers(docker: str, standing: Standing, serving: Body | None) -> tuple[str, ...]:
    """Containers of this replacement that serve nobody and stand in the way of what is to come."""
    kept = {one["Id"] for one in (serving, standing.old) if one is not None}
    away = [one for one in standing.new if one["Id"] not in kept]
    lines = [f"{docker} rm -f {one['Id'][:12]}    # {status(one)}, does not serve: no effect on users" for one in away]
    old = standing.old
    if old is not None and serving is not None and old["Id"] != serving["Id"] and not alive(old):
        lines.append(f"# {old['Id'][:12]} is the replaced container, {status(old)}: it serves nobody and may stay")
    return tuple(lines)


def _settings(params: Recreate, folder: Path) -> tuple[str, ...]:
    kept = material.path_of(folder, params.old)
    return (f"# the settings of {params.old[:12]} are in {kept}, its image was {short(params.old_image)}",)


def _policy(params: Recreate) -> str:
    times = int(str(params.policy.get("MaximumRetryCount") or 0))
    return f"{params.policy.get('Name')}" + (f":{times}" if times else "")
