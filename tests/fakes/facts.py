"""The world of the sketches: one environment at 22:41:07Z, a bad release twelve minutes old, a good one before it."""

from datetime import UTC, datetime, timedelta

from actions.model.environment import Environment, Settings
from actions.model.health import Check, Figure, ServiceHealth, Snapshot
from actions.model.plan import Level, OnFailure, Phase, Plan, PlannedStep, Readiness, Release, RollbackOffer
from actions.model.platform import Artefact, Instance, InstanceState, WorkloadFacts
from actions.model.record import ChangeNote, Drill, KeeperFacts
from actions.model.run import Event, EventKind, Run, RunView, fold
from actions.model.services import HttpService, PostgresService, RedisService
from actions.model.views import LogCounts, Scenario, SlotView
from actions.model.words import Gate, HealthState, RunState, Verdict
from actions.model.workloads import AddressWorkload

NOW = datetime(2026, 11, 21, 22, 41, 7, tzinfo=UTC)
RUN = "01KAMXK4T0VYB2D3E4F5GH67QK"
OLD = "01KABCD4T0VYB2D3E4F5GH66XC"


LIMIT = 0.01
"""What the error rate of the api may be."""


def before(**spans: float) -> datetime:
    return NOW - timedelta(**spans)


def environment(**changes: object) -> Environment:
    services = {
        "api": HttpService(url="http://127.0.0.1:8080", workload=AddressWorkload(url="http://127.0.0.1:8080")),
        "postgres": PostgresService(dsn="postgresql://reader@127.0.0.1/vq"),
        "redis": RedisService(url="redis://127.0.0.1"),
    }
    return Environment(services=services).model_copy(update=changes)


def settings(name: str, env: Environment) -> Settings:
    return Settings(environments={name: env}, default_environment=name)


def health(service: str, state: HealthState, word: str, summary: str, **more: object) -> ServiceHealth:
    fields: dict[str, object] = {"kind": "http", "observed_at": before(seconds=1), "attempted_at": before(seconds=1)}
    return ServiceHealth(service=service, state=state, word=word, summary=summary, **{**fields, **more})


def trend(*levels: int) -> tuple[float, ...]:
    return tuple(float(level) for level in levels)


def api(errors: float = 0.072) -> ServiceHealth:
    return health(
        "api",
        HealthState.DEGRADED if errors > LIMIT else HealthState.OK,
        "errors" if errors > LIMIT else "ok",
        "3/3  " + (f"{errors * 100:.1f} % errors" if errors > LIMIT else "2.4.1  38 ms"),
        version="2.4.1",
        latency_ms=38.0,
        trend=trend(31, 33, 30, 34, 32, 30, 36, 38, 35, 37, 41, 40, 36, 38, 44, 41, 39, 37, 36, 38),
        errors=(0.0,) * 14 + (0.01, 0.03, 0.05, 0.07, 0.072, errors),
        figures=(
            Figure(name="latency", value=38.0, unit="ms", limit=200, gate=Gate.PASS),
            Figure(
                name="error rate",
                value=errors,
                unit="fraction",
                limit=LIMIT,
                gate=Gate.FAIL if errors > LIMIT else Gate.PASS,
            ),
            Figure(name="throughput", value=1204.0, unit="req/s", gate=Gate.INCONCLUSIVE, label="no limit set"),
            Figure(name="/api/queues", value=200.0, unit="", gate=Gate.PASS, label="41 ms"),
            Figure(name="version", value="2.4.1", gate=Gate.PASS),
        ),
    )


def snapshot() -> Snapshot:
    return Snapshot(
        environment="production",
        sequence=7,
        at=before(seconds=1),
        services=(
            api(),
            health(
                "postgres",
                HealthState.DEGRADED,
                "slow",
                "81/100 conn  tx 4 m",
                kind="postgres",
                trend=trend(3, 3, 4, 5, 6, 7, 7, 8, 8, 8),
            ),
            health(
                "redis", HealthState.OK, "ok", "61 % mem  hit 98 %", kind="redis", trend=trend(1, 1, 1, 1, 2, 1, 1, 1)
            ),
            health("nginx", HealthState.OK, "ok", "blue 100 %", trend=trend(1, 1, 1, 1, 1, 1)),
            health("queues", HealthState.OK, "ok", "8/10  mean 15.5", trend=trend(5, 5, 6, 6, 7, 6, 5, 5, 7, 7, 6, 6)),
            health("host", HealthState.OK, "ok", "cpu 45 %  mem 60 %", kind="host", trend=trend(4, 4, 3, 4, 5, 4, 4)),
            health("backups", HealthState.OK, "ok", "fresh", observed_at=before(hours=26)),
        ),
    )


def release(version: str, verdict: Verdict, **more: object) -> Release:
    fields: dict[str, object] = {
        "environment": "production",
        "service": "api",
        "reference": f"sha256:{version.replace('.', '')}c0a41d9",
        "first_seen": before(days=10),
        "last_seen": before(minutes=12),
        "samples": 5_000,
    }
    return Release(version=version, verdict=verdict, **{**fields, **more})


def releases() -> tuple[Release, ...]:
    return (
        release(
            "2.4.1",
            Verdict.CANDIDATE,
            first_seen=before(minutes=12),
            last_seen=before(seconds=1),
            samples=340,
            failures=26,
        ),
        release("2.4.0", Verdict.GOOD, soaked_seconds=9 * 86_400.0),
        release(
            "2.3.9",
            Verdict.BAD,
            last_seen=before(days=4),
            verdict_reason="rolled back from: latency 900 ms",
            verdict_run=OLD,
        ),
        release("2.3.8", Verdict.GOOD, soaked_seconds=30 * 86_400.0, last_seen=before(days=9)),
    )


def checks() -> tuple[Check, ...]:
    """Titles and evidence as the product gives them."""
    passing = (
        ("good", "a release to go back to", "2.4.0 good, soaked 9 d"),
        ("artefact", "image present", "1c0a41d9be07 on 3/3 hosts"),
        ("standby", "standby warm", "green runs 2.4.0, 3/3 ready"),
        ("schema", "schema fits", "schema 41, within 41 to 42 of 2.4.0"),
        ("lock", "lock free", "no run holds it"),
        ("journal", "journal writable", "76 GiB free"),
        ("permissions", "permissions", "ok 2/2"),
        ("releases", "earlier releases", "3 good at hand, 3 wanted: 2.4.0, 2.3.8, 2.3.7"),
        ("drill", "last drill", "6 d ago, 41 s"),
    )
    return tuple(Check(id=name, title=title, gate=Gate.PASS, evidence=evidence) for name, title, evidence in passing)


def readiness(**changes: object) -> Readiness:
    current, to, *_ = releases()
    ready = Readiness(
        environment="production",
        service="api",
        at=before(seconds=2),
        checks=checks(),
        gate="pass",
        current=current,
        to=to,
        expected_seconds=11.0,
        fastest=9.0,
        slowest=14.0,
        samples=5,
    )
    return ready.model_copy(update=changes)


STEPS = (
    ("lock", "take the lock", False, OnFailure.STOP),
    ("check-conditions", "check the conditions", False, OnFailure.STOP),
    ("prove", "prove green", False, OnFailure.STOP),
    ("switch-traffic", "switch traffic", True, OnFailure.UNDO),
    ("prove-outside", "prove health from outside", False, OnFailure.UNDO),
    ("validate", "validate the service", False, OnFailure.WARN),
    ("record-verdict", "record the verdict", False, OnFailure.WARN),
    ("drain", "drain blue", True, OnFailure.WARN),
)


def plan(level: Level = Level.EMERGENCY, to: str = "2.4.0") -> Plan:
    steps = tuple(
        PlannedStep(
            id=at, kind=kind, title=title, changes=changes, on_failure=failure, expected_seconds=1.5, budget_seconds=20
        )
        for at, (kind, title, changes, failure) in enumerate(STEPS, 1)
    )
    phases = (
        Phase(name="prepare", steps=steps[:3]),
        Phase(name="move", steps=steps[3:5]),
        Phase(name="finish", steps=steps[5:]),
    )
    return Plan(
        procedure="rollback",
        procedure_version="1",
        environment="production",
        service="api",
        target="production/api",
        title="roll back api",
        level=level,
        from_version="2.4.1",
        to_version=to,
        to_reference="sha256:1c0a41d9",
        reason="errors 7.2 % after release 2.4.1",
        moves=("traffic blue → green",),
        keeps=("postgres (schema 41 fits)", "redis"),
        phases=phases,
        expected_seconds=11,
        budget_seconds=60,
    )


def offer(level: Level = Level.EMERGENCY, to: str = "2.4.0", **changes: object) -> RollbackOffer:
    made = RollbackOffer(
        readiness=readiness(),
        plan=plan(level, to),
        others=releases()[1:2] + releases()[3:],
        evidence="errors 7.2 % after release 2.4.1",
        trouble_since=before(minutes=11, seconds=40),
    )
    return made.model_copy(update=changes)


def changes() -> tuple[ChangeNote, ...]:
    rows = (
        (before(minutes=12), "release", "api", "api: release 2.4.1 is live", "seen", None),
        (before(minutes=47), "restart", "api", "api: restart api-blue-2", "seen", None),
        (before(hours=2), "drill", "bad-release", "drill bad-release ended, score 92", "mira", RUN[:-3] + "7QA"),
        (before(days=4), "rollback", "api", "rollback 2.3.9 → 2.3.8: slow, 900 ms after release 2.3.9", "ana", OLD),
    )
    return tuple(
        ChangeNote(environment="production", at=at, kind=kind, subject=subject, text=text, by=by, run_id=run)
        for at, kind, subject, text, by, run in rows
    )


def run(state: RunState = RunState.RUNNING, **more: object) -> Run:
    fields: dict[str, object] = {
        "id": RUN,
        "procedure": "rollback",
        "procedure_version": "1",
        "environment": "production",
        "service": "api",
        "target": "production/api",
        "level": "emergency",
        "from_version": "2.4.1",
        "to_version": "2.4.0",
        "reason": "errors 7.2 % after release 2.4.1",
        "operator": "mira",
        "origin": "ssh 192.0.2.7",
        "created_at": before(seconds=8),
        "started_at": before(seconds=7),
    }
    return Run(state=state, **{**fields, **more})


def last_run() -> Run:
    return run(
        RunState.SUCCEEDED,
        id=OLD,
        from_version="2.3.9",
        to_version="2.3.8",
        operator="ana",
        reason="latency 900 ms after 2.3.9",
        created_at=before(days=4, seconds=38),
        started_at=before(days=4, seconds=38),
        ended_at=before(days=4),
        seconds=38.0,
        metrics={"downtime_seconds": 0.0, "failed_requests": 3, "requests": 41_870, "lost_writes": 0},
    )


def event(seq: int, at: float, kind: EventKind, step: int | None, **body: object) -> Event:
    return Event(
        seq=seq,
        run_id=RUN,
        step=step,
        attempt=1,
        kind=kind,
        fence=14,
        at=before(seconds=7 - at),
        actor="mira",
        body=body,
        previous="0" * 64,
        hash=f"{seq:064x}",
    )


def events() -> tuple[Event, ...]:
    done = (
        (1, 0.1, "token 14"),
        (2, 0.3, "1c0a41d9be07 on 3/3 hosts"),
        (3, 0.2, "green 3/3 ready on 2.4.0, /health 200, 3 ms"),
    )
    made = [
        event(1, 0.0, EventKind.PLANNED, None, digest="ab"),
        event(2, 0.0, EventKind.APPROVED, None, by="mira", how="challenge key"),
    ]
    for step, seconds, text in done:
        made.append(event(len(made) + 1, step, EventKind.INTENT, step, key=f"7QK.{step}", title=STEPS[step - 1][1]))
        made.append(event(len(made) + 1, step + seconds, EventKind.DONE, step, text=text, seconds=seconds))
    made.append(
        event(len(made) + 1, 4.9, EventKind.INTENT, 4, key="7QK.4", title="switch traffic", text="blue → green")
    )
    made.append(event(len(made) + 1, 5.0, EventKind.ACTED, 4, text="include replaced, nginx -t ok, reload"))
    made.append(event(len(made) + 1, 5.8, EventKind.PROGRESS, 4, text="green answers 18 of 20"))
    made.append(
        event(len(made) + 1, 6.0, EventKind.MEASURED, None, downtime_seconds=0.0, failed_requests=3, lost_writes=0)
    )
    return tuple(made)


def run_view(state: RunState = RunState.RUNNING, extra: tuple[Event, ...] = (), **more: object) -> RunView:
    return fold(run(state, **more), plan(), events() + extra)


def stuck_view() -> RunView:
    more = (
        event(20, 6.2, EventKind.FAILED, 4, error="green answers 0 of 20 after 20 s", advice="check green"),
        event(21, 6.4, EventKind.UNDO_FAILED, 4, error="router refused: 503"),
        event(
            22,
            6.5,
            EventKind.MANUAL,
            None,
            steps=[
                "curl -s http://127.0.0.1:9901/weights shows what the router does now",
                'curl -X PUT http://127.0.0.1:9901/weights -d \'{"blue": 1, "green": 0}\' sends all traffic to blue',
                "then press c here: the run carries on from step 4",
            ],
        ),
    )
    return run_view(RunState.NEEDS_OPERATOR, more)


def ended_view() -> RunView:
    made = []
    for seq, (step, at, seconds, text) in enumerate(
        (
            (4, 7.2, 2.3, "green answers 20 of 20"),
            (5, 8.9, 1.6, "3 of 3 in a row as 2.4.0, 4 ms"),
            (6, 9.8, 0.8, "6 of 6 checks pass"),
            (7, 10.0, 0.1, "2.4.1 bad, 2.4.0 good"),
            (8, 11.0, 1.1, "blue answers nothing any more"),
        ),
        30,
    ):
        made.append(event(seq, at, EventKind.DONE, step, text=text, seconds=seconds))
    metrics = {
        "seconds": 11.0,
        "downtime_seconds": 0.0,
        "failed_requests": 3,
        "requests": 12_030,
        "lost_writes": 0,
        "users_affected": 3,
    }
    return run_view(RunState.SUCCEEDED, tuple(made), ended_at=NOW + timedelta(seconds=4), seconds=11.0, metrics=metrics)


def slots() -> tuple[SlotView, ...]:
    def workload(colour: str, version: str) -> WorkloadFacts:
        instances = tuple(
            Instance(
                id=f"{colour}-{at}",
                name=f"api-{colour}-{at}",
                state=InstanceState.RUNNING,
                ready=True,
                version=version,
                restarts=at - 1,
                started_at=before(minutes=12 if colour == "blue" else 13_000),
                host="host-a",
                cpu=0.12,
                memory_bytes=88_000_000,
            )
            for at in (1, 2, 3)
        )
        return WorkloadFacts(
            observed_at=before(seconds=1),
            desired=3,
            instances=instances,
            current=Artefact(version=version, reference="sha256:x"),
        )

    return (
        SlotView(slot="blue", share=1.0, facts=workload("blue", "2.4.1")),
        SlotView(slot="green", share=0.0, facts=workload("green", "2.4.0")),
    )


def log_lines() -> tuple[str, ...]:
    lines = []
    for at in range(40):
        second = f"22:{40 - (40 - at) // 20:02d}:{(at * 7) % 60:02d}"
        lines.append(f"{second} INFO  GET /api/queues 200 in {30 + at % 9} ms")
        if at % 6 == 5:
            lines.append(f'{second} ERROR POST /api/queues/{at}/join 500 relation "seats" does not exist')
    return tuple(lines)


def counts() -> LogCounts:
    return LogCounts(service="api", lines=4_000, error=288, performance=12, security=0)


def scenarios() -> tuple[Scenario, ...]:
    def one(name: str, title: str, story: str) -> Scenario:
        return Scenario(
            id=name,
            title=title,
            story=story,
            fault=name,
            lever="roll back",
            service="api",
            detected_seconds=30,
            decided_seconds=60,
            recovered_seconds=60,
        )

    return (
        one(
            "bad-release",
            "a bad release",
            "A release went out twelve minutes ago. Its health checks fail. Find it and go back.",
        ),
        one("slow-release", "a slow release", "Users complain that joining a queue takes seconds. Nothing is down."),
        one(
            "errors-5-percent",
            "five percent errors",
            "One answer in twenty is a 500. The release looks healthy at a glance.",
        ),
        one("crash-loop", "a crash loop", "The new release starts, serves a moment, and dies again."),
    )


def drills() -> tuple[Drill, ...]:
    start = before(days=6)
    points = {
        "injected": start,
        "detected": start + timedelta(seconds=9),
        "decided": start + timedelta(seconds=21),
        "acted": start + timedelta(seconds=24),
        "moved": start + timedelta(seconds=29),
        "recovered": start + timedelta(seconds=41),
    }
    return (
        Drill(
            id="D2",
            environment="production",
            scenario="bad-release",
            operator="mira",
            started_at=start,
            ended_at=start + timedelta(seconds=60),
            run_id=OLD,
            points=points,
            score=92,
            passed=True,
            remarks=("detected in 9 s of 30", "decided 3 s late"),
        ),
        Drill(
            id="D1",
            environment="production",
            scenario="crash-loop",
            operator="jo",
            started_at=before(days=20),
            ended_at=before(days=20),
            score=40,
            passed=False,
            points={"injected": before(days=20)},
            remarks=("never recovered",),
        ),
    )


def keeper(alive: bool = False) -> KeeperFacts:
    return KeeperFacts(alive=alive, pid=4120, host="bastion-1", since=before(days=2), beat_at=before(seconds=1))
