"""The embedded stack: up, down, status, break and mend of everything in one state directory.

Plain functions that return when the work is done; within an event loop call them from a thread. They change one stack
one after the other, also from several processes.
"""

import asyncio
import shutil
from pathlib import Path

import platformdirs

from actions.clients.router import RouterReader
from actions.clients.supervisor import SupervisorReader, socket_address
from actions.model.errors import Refused, Unreachable, VqError
from actions.platforms.local.starting import end_supervisor
from actions.sandbox.binaries import require_parts
from actions.sandbox.facts import FaultFacts, SandboxFacts, SandboxStatus
from actions.sandbox.layout import COLOURS, Layout
from actions.sandbox.operation import operation


def default_directory() -> Path:
    """Where the stack lives unless another directory is given."""
    return platformdirs.user_state_path("vq-tui") / "sandbox"


def up(directory: Path, *, version: str = "2.4.1", standby: str = "2.4.0", traffic: bool = True) -> SandboxFacts:
    """Bring the stack up and wait until every part is well; repair it where it is half there.

    `version` serves on blue, `standby` is warm on green; colours that have a release already keep it. Raises
    MissingPartError without the sandbox extra, Refused for a directory that holds something else, and VqError that says
    which part did not come up; a stack that was new then is stopped again and its logs stay.
    """
    from actions.sandbox.bring_up import BringUp  # the parts of the extra are checked first
    from actions.sandbox.history import remember

    require_parts()
    layout = Layout(directory)
    layout.refuse_foreign()
    with operation(layout):
        fresh = not layout.exists
        try:
            facts = asyncio.run(BringUp(layout, version, standby, traffic=traffic).run())
            if fresh:
                remember(facts)
            return facts
        except BaseException:
            if fresh:
                end_supervisor(layout.directory)
            raise


def down(directory: Path, *, keep: bool = False) -> None:
    """Stop every process and remove the directory, or with `keep` leave it for the next `up`. Nothing there is fine."""
    from actions.sandbox.postgres import release_shared_memory

    layout = Layout(directory)
    if not layout.directory.is_dir():
        return
    layout.refuse_foreign()
    with operation(layout):
        end_supervisor(layout.directory)
        release_shared_memory(layout)
        if not keep:
            shutil.rmtree(layout.directory)


def status(directory: Path) -> SandboxStatus:
    """How the stack stands; parts that do not answer are left out, never guessed."""
    return asyncio.run(_status(Layout(directory)))


def break_(directory: Path, kind: str) -> FaultFacts:
    """Inject a fault and wait until it shows. Raises UnknownNameError that lists the kinds, Refused without a stack."""
    from actions.sandbox.deployment import Deployment
    from actions.sandbox.fault_kinds import find
    from actions.sandbox.faults import inject

    find(kind)
    layout = _existing(directory)
    with operation(layout):
        return asyncio.run(inject(Deployment(layout), kind))


def mend(directory: Path) -> tuple[str, ...]:
    """Undo every active fault; their kinds are returned. Raises Refused without a stack."""
    from actions.sandbox.deployment import Deployment
    from actions.sandbox.faults import mend as mend_all

    layout = _existing(directory)
    with operation(layout):
        return asyncio.run(mend_all(Deployment(layout)))


def deploy(directory: Path, version: str) -> str:
    """Release a version the careful way: onto the standby colour, ready, then switched. The colour is returned.

    Raises UnknownNameError for a version that does not exist and VerifyFailed when it does not become ready.
    """
    from actions.sandbox.deployment import Deployment

    layout = _existing(directory)
    with operation(layout):
        return asyncio.run(Deployment(layout).deploy(version, careful=True))


def _existing(directory: Path) -> Layout:
    layout = Layout(directory)
    if not layout.exists:
        raise Refused(f"no embedded stack in {layout.directory}: 'vq-tui sandbox up' makes one")
    return layout


async def _status(layout: Layout) -> SandboxStatus:
    from actions.sandbox.faults import active
    from actions.sandbox.parts import PROCESSES
    from actions.sandbox.waits import fetch

    if not layout.exists:
        return SandboxStatus(directory=layout.directory, state="down")
    try:
        processes = (await SupervisorReader(layout.directory).list()).processes
    except Unreachable:
        processes = ()
    try:
        router = await RouterReader(socket_address(layout.router_socket)).state()
    except Unreachable:
        router = None
    try:
        traffic = await fetch(f"http://127.0.0.1:{layout.ports().traffic}", "/state", what="traffic")
    except VqError:
        traffic = None
    running = sum(1 for one in processes if one.name in PROCESSES and one.pid is not None)
    serving = max(COLOURS, key=router.weights.__getitem__) if router else None
    return SandboxStatus(
        directory=layout.directory,
        state="up" if running == len(PROCESSES) else "partly" if running else "down",
        config=layout.config if layout.config.exists() else None,
        serving=serving,
        version=next((one.release for one in processes if one.name == f"api-{serving}"), None),
        processes=processes,
        router=router,
        faults=active(layout),
        traffic=traffic,
    )
