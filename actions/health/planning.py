"""Which sources an environment needs, and which rows they feed. Clients are imported when first used."""

from collections.abc import Callable, Mapping

from actions.health.reading import Probe
from actions.health.side import SideFacts
from actions.health.source import SourcePlan
from actions.model.environment import Environment
from actions.model.services import CertificateService, HostService, HttpService, PostgresService, RedisService, Service
from actions.platforms.access import Access

CERTIFICATE_SECONDS = 60.0
METRICS_SECONDS = 5.0
PROMETHEUS_SECONDS = 10.0
WORKLOAD_TICKS = 3
TRAFFIC_TICKS = 3
PLATFORM_LIMIT = 15.0
"""Drivers bound their own calls; this is for one that does not."""
SPARE = 3.0
"""Seconds a look may take beyond its client's own timeout, for reconnecting and first imports."""

Sides = Mapping[str, SideFacts]


def plan_sources(environment: Environment, access: Access | None, sides: Sides) -> tuple[SourcePlan, ...]:
    """All sources: the services as configured, then traffic, then queues; side sources last."""
    names = _row_names(environment)
    plans = [_service(name, one, environment.interval, sides, names) for name, one in environment.services.items()]
    for name, one in environment.services.items():
        if access is not None:
            plans += _platform(name, one, environment.interval, access, sides[name], names)
        if isinstance(one, HttpService):
            plans += _measures(name, one, environment.interval, sides[name])
    return tuple(plans)


def row_order(environment: Environment, plans: tuple[SourcePlan, ...]) -> tuple[str, ...]:
    """Rows as the home screen lists them: services, traffic, queues."""
    rows = [row for plan in plans for row, _ in plan.rows]
    services = [name for name in environment.services if name in rows]
    kinds = dict(row for plan in plans for row in plan.rows)
    traffic = [row for row in rows if kinds[row] == "traffic"]
    return tuple(dict.fromkeys([*services, *traffic, *rows]))


def _row_names(environment: Environment) -> dict[tuple[str, str], str]:
    """Names of the extra rows: short where that is clear, with the service's name where it is not."""
    wanted: list[tuple[tuple[str, str], str]] = []
    for name, one in environment.services.items():
        if isinstance(one, HttpService) and one.traffic is not None:
            wanted.append(((name, "traffic"), one.traffic.driver))
        if isinstance(one, HttpService) and one.queues is not None:
            wanted.append(((name, "queues"), "queues"))
    short = [row for _, row in wanted]
    taken = set(environment.services)
    return {key: row if short.count(row) == 1 and row not in taken else f"{key[0]} {row}" for key, row in wanted}


def _service(
    name: str, settings: Service, interval: float, sides: Sides, names: Mapping[tuple[str, str], str]
) -> SourcePlan:
    rows: tuple[tuple[str, str], ...] = ((name, settings.kind),)
    pace, limit = interval, SPARE + getattr(settings, "timeout", 5.0)
    queue_row = names.get((name, "queues"))
    if queue_row is not None:
        rows += ((queue_row, "queues"),)
    if isinstance(settings, CertificateService):
        pace = max(interval, CERTIFICATE_SECONDS)
    if isinstance(settings, PostgresService):
        limit += settings.timeout  # the costly look may come on top
    renew = not isinstance(settings, HttpService)  # whose probe remembers the errors of the last minute
    return SourcePlan(name, rows, pace, limit, _maker(name, settings, sides[name], queue_row), renew)


def _maker(name: str, settings: Service, side: SideFacts, queue_row: str | None) -> Callable[[], Probe]:
    def make() -> Probe:
        if isinstance(settings, HttpService):
            from actions.health.probes.http import HttpProbe

            return HttpProbe(name, queue_row, settings, side)
        if isinstance(settings, PostgresService):
            from actions.health.probes.postgres import PostgresProbe

            return PostgresProbe(name, settings)
        if isinstance(settings, RedisService):
            from actions.health.probes.redis import RedisProbe

            return RedisProbe(name, settings)
        if isinstance(settings, HostService):
            from actions.health.probes.host import HostProbe

            return HostProbe(name, settings)
        from actions.health.probes.certificate import CertificateProbe

        return CertificateProbe(name, settings)

    return make


def _platform(
    name: str,
    settings: Service,
    interval: float,
    access: Access,
    side: SideFacts,
    names: Mapping[tuple[str, str], str],
) -> list[SourcePlan]:
    if not isinstance(settings, HttpService | PostgresService | RedisService):
        return []
    plans = []
    row = names.get((name, "traffic"))

    def workload() -> Probe:
        from actions.health.watches import WorkloadWatch

        return WorkloadWatch(access, name, side)

    def traffic() -> Probe:
        from actions.health.watches import TrafficWatch

        return TrafficWatch(row or "", access, name, side)

    if row is not None:
        rows = ((row, "traffic"),)
        plans.append(SourcePlan(f"{name} traffic", rows, TRAFFIC_TICKS * interval, PLATFORM_LIMIT, traffic))
    if access.slots(name):
        watched = all(slot.workload.watched for slot in access.slots(name).values())
        pace = interval if watched else WORKLOAD_TICKS * interval
        plans.append(SourcePlan(f"{name} instances", (), pace, PLATFORM_LIMIT, workload))
    return plans


def _measures(name: str, settings: HttpService, interval: float, side: SideFacts) -> list[SourcePlan]:
    plans = []
    source = settings.prometheus

    def metrics() -> Probe:
        from actions.health.watches import MetricsWatch

        return MetricsWatch(settings, side)

    if source is not None:
        prometheus = source

        def asked() -> Probe:
            from actions.health.watches import PrometheusWatch

            return PrometheusWatch(prometheus, side)

        plans.append(SourcePlan(f"{name} Prometheus", (), max(interval, PROMETHEUS_SECONDS), SPARE + 2.0, asked))
    if settings.metrics is not None:
        limit = SPARE + settings.timeout
        plans.append(SourcePlan(f"{name} metrics", (), max(interval, METRICS_SECONDS), limit, metrics))
    return plans
