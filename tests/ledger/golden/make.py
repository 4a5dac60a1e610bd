"""Make a golden ledger of the present format: `python -m tests.ledger.golden.make DIRECTORY NAME`.

The process ends without closing the ledger, as a killed one does, so that the write-ahead log lies there too. Every run
changes a world of its own (`worlds/RUN`); open ones can be resumed on it by any later version.
"""

import os
import platform
import sys
import tarfile
from datetime import UTC, datetime
from pathlib import Path

from actions.ledger.writer import LedgerWriter
from actions.model.errors import ExitCode
from actions.model.plan import Plan, Release
from actions.model.record import ChangeNote, Drill
from actions.model.run import EventKind
from actions.model.words import Command, RunState, Verdict
from actions.runner.session import hold
from tests.ledger.plans import make_plan, step
from tests.runner.carrying import Bench
from tests.runner.world import World

AT = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)


def plan(name: str, **last: str) -> Plan:
    """The steps of the runner's tests, on a target of the run's own."""
    return make_plan(
        step(1, "lock", changes=False),
        step(2, "effect"),
        step(3, "two-parts"),
        step(4, "observe", changes=False),
        step(5, "effect", params=last),
        target=f"demo/{name}",
        pins={"from": "sha256:11", "to": "sha256:10"},
    )


def make(directory: Path) -> None:
    """Fill `directory` with a ledger whose runs ended, wait, or were interrupted in every way."""
    bench = Bench(directory)
    facts(bench.ledger)
    for name, expected, last in (
        ("succeeded", RunState.SUCCEEDED, {}),
        ("undone", RunState.UNDONE, {"fail": "verify"}),
        ("stuck", RunState.NEEDS_OPERATOR, {"fail": "verify", "undo": "fails"}),
    ):
        assert bench.run(begin(bench, name, **last)) is expected
    aborted(bench)
    superseded(bench)
    paused(bench)
    for name, point in (
        ("interrupted", "effect.3.middle"),
        ("interrupted-before", "intent.2+clock.0.before"),
        ("interrupted-after", "acted.5.after"),
    ):
        assert bench.crash(begin(bench, name), lambda _, here, point=point: here == point)  # type: ignore[misc]
    run_id = begin(bench, "interrupted-undoing", fail="verify")
    assert bench.crash(run_id, lambda _, here: here == "restore.3.before")
    begin(bench, "queued")
    asked(bench.ledger, begin(bench, "asked"))


def begin(bench: Bench, name: str, **last: str) -> str:
    bench.world = World(bench.directory.parent / "worlds" / name)
    return bench.submit(plan(name, **last), key=f"key of {name}")


def aborted(bench: Bench) -> None:
    run_id = begin(bench, "aborted")
    bench.ledger.command(run_id, Command.ABORT, by="ben", reason="the wrong service")
    assert bench.run(run_id) is RunState.ABORTED


def superseded(bench: Bench) -> None:
    """A run that waits for a person, closed by another one."""
    run_id = begin(bench, "closed", fail="verify", undo="fails")
    assert bench.run(run_id) is RunState.NEEDS_OPERATOR
    bench.ledger.change_owner(run_id, "ben", reason="end of the shift")
    bench.ledger.close_run(run_id, by="ben", reason="put right by hand")


def paused(bench: Bench) -> None:
    run_id = begin(bench, "paused")
    bench.ledger.command(run_id, Command.PAUSE, by="ben", reason="wait for the database people")
    with hold(bench.ledger, run_id) as token:
        bench.ledger.transition(run_id, RunState.PAUSED, fence=token, actor="ben", reason="wait")


def asked(ledger: LedgerWriter, run_id: str) -> None:
    """One question that was answered and one that waits."""
    with hold(ledger, run_id) as token:
        first = ledger.open_gate(run_id, "Go on?", ("yes", "no"), step=2, fence=token, actor="executor")
        ledger.answer_gate(first.id, "yes", "ben")
        ledger.open_gate(run_id, "Really?", ("yes", "no"), step=3, fence=token, actor="executor")
        ledger.append(run_id, EventKind.NOTE, body={"text": "naïve ✓ 終"}, fence=0, actor="ben")


def facts(ledger: LedgerWriter) -> None:
    """Everything beside runs."""
    for version, verdict in (("1.0", Verdict.GOOD), ("1.1", Verdict.BAD), ("1.2", Verdict.CANDIDATE)):
        ledger.save_release(
            Release(
                environment="demo",
                service="api",
                version=version,
                reference=f"sha256:{version.replace('.', '')}",
                verdict=verdict,
                first_seen=AT,
                last_seen=AT,
                soaked_seconds=900.0,
                samples=450,
                verdict_reason="errors after the release" if verdict is Verdict.BAD else "",
                verdict_at=None if verdict is Verdict.CANDIDATE else AT,
                seen_by="keeper",
                artefact={"image": f"registry/api:{version}"},
            )
        )
    ledger.note_change(ChangeNote(environment="demo", at=AT, kind="release", subject="api", text="1.1 seen"))
    ledger.save_drill(
        Drill(id="d1", environment="demo", scenario="bad-release", operator="anna", started_at=AT, score=80)
    )
    ledger.notice_failed(ledger.queue_notice("demo", None, "desk", "api is down", {"level": 1}).id, "no answer")
    ledger.notice_sent(ledger.queue_notice("demo", None, "desk", "api is well").id)
    ledger.beat_keeper()


def packed(directory: Path, name: str) -> Path:
    """The directory as one small archive among the golden ones."""
    target = Path(__file__).parent / f"{name}.tar.xz"
    with tarfile.open(target, "w:xz") as archive:
        for path in sorted(directory.iterdir()):
            archive.add(path, path.name, filter=_anonymous)
    return target


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


if __name__ == "__main__":
    platform.node = lambda: "demo-host"
    make(Path(sys.argv[1]))
    sys.stdout.write(f"{packed(Path(sys.argv[1]), sys.argv[2])}\n")
    sys.stdout.flush()
    os._exit(int(ExitCode.OK))
