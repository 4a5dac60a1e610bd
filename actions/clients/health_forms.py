"""The forms in which services answer for their health, each with where it is documented. Data only.

Names of keys are compared in small letters without `_`, `-` and spaces, so that `Status`, `is_healthy` and `isHealthy`
are read alike. `tests/clients/test_health_forms.py` holds a well and an ill body of every form.
"""

from dataclasses import dataclass

from actions.clients.health_words import words_of


@dataclass(frozen=True)
class Form:
    """One way of writing it: where the verdict stands, and under which keys the single checks."""

    name: str
    source: str
    verdict: tuple[str, ...]
    checks: tuple[str, ...] = ()


FORMS = (
    Form(
        "Spring Boot Actuator",
        "docs.spring.io/spring-boot/reference/actuator/endpoints.html, 'Health Information'",
        ("status",),
        ("components", "details"),  # version 1 writes each check at the top
    ),
    Form(
        "ASP.NET Core health checks",
        "learn.microsoft.com/aspnet/core/host-and-deploy/health-checks; HealthReport as its serializer writes it",
        ("status",),
        ("entries", "results", "checks"),
    ),
    Form(
        "MicroProfile Health 1",
        "download.eclipse.org/microprofile/microprofile-health-1.0, 'Wireformats'",
        ("outcome", "state"),
        ("checks",),
    ),
    Form(
        "MicroProfile Health 2 to 4",
        "download.eclipse.org/microprofile/microprofile-health-4.0, 'Protocol and Wireformat'",
        ("status",),
        ("checks",),
    ),
    Form(
        "NestJS Terminus",
        "docs.nestjs.com/recipes/terminus, 'Health check response'",
        ("status",),
        ("info", "error", "details"),
    ),
    Form(
        "health+json",
        "datatracker.ietf.org/doc/html/draft-inadarei-api-health-check-06, sections 3 and 4",
        ("status",),
        ("checks",),
    ),
    Form(
        "Dropwizard",
        "dropwizard.io/en/stable/manual/core.html, 'Health Checks': each check at the top",
        ("healthy",),
    ),
    Form(
        "Elasticsearch",
        "elastic.co/docs/api/doc/elasticsearch, 'Get the cluster health status'",
        ("status",),
        ("indicators",),
    ),
    Form(
        "written by hand",
        "seen in public services: yes or no under a plain name, wrappers around the verdict",
        (
            *("status", "state", "health", "result", "healthy", "ready", "alive", "live", "up", "available", "ok"),
            *("success", "ishealthy", "isready", "isalive", "isup", "overall", "overallstatus", "healthstatus"),
        ),
        ("checks", "services", "dependencies", "healthchecks", "subsystems", "probes", "data", "health", "response"),
    ),
)

VERDICTS = tuple(dict.fromkeys(key for form in FORMS for key in form.verdict))
"""Keys of a verdict, the most usual first."""
NUMBERED = frozenset({"status", "state", "overallstatus", "healthstatus"})
"""Keys under which a number is a verdict: as ASP.NET counts, or a status of HTTP."""
ASKED = frozenset({"healthy", "ready", "alive", "up", "ok", "success", "ishealthy", "isready", "isalive", "isup"})
"""Keys under which 1 and 0 are yes and no."""
CHECKS = frozenset(key for form in FORMS for key in form.checks)
MIXED = frozenset({"details", "data", "info", "error", "health", "response"})
"""Of these keys, such as hold plain data as well: only objects with a verdict of their own are checks there."""
WRAPPERS = ("data", "response", "health", "result")
"""Objects that hold the verdict itself."""
CODES = frozenset({"code", "statuscode", "httpcode", "httpstatus", "httpstatuscode"})
"""Keys whose number is a status of HTTP; others than 100 to 599 say nothing."""
MESSAGES = ("message", "msg", "reply")
"""Read as a verdict where there is no other."""
TROUBLES = frozenset({"error", "errors", "failures", "exception", "fault"})
"""Keys that hold something only when something is wrong."""
YES_IS_ILL = frozenset({"unhealthy", "down", "failed", "sealed", "shuttingdown", "maintenance"})
DEPENDENCIES = words_of(
    "db database databases postgres postgresql mysql mariadb mongo mongodb redis valkey cache memcached queue broker"
    " rabbitmq kafka amqp nats storage disk diskspace s3 minio elasticsearch opensearch search backend upstream"
    " downstream migrations replication smtp mail"
)
"""Keys at the top whose word or yes and no is a check, as in {"status": "ok", "database": "down"}."""
NEUTRAL = words_of(
    "version name service app application product build commit revision release tag branch gitsha sha uptime time"
    " timestamp date now host hostname instance pid node colour color environment env region zone links documentation"
)
"""Keys that say nothing of health: where a body holds no others, it is like an empty one and the status counts."""
NAMES = ("name", "id", "key", "component", "componentid", "service", "check")
REASONS = ("error", "message", "output", "description", "reason", "exception")
