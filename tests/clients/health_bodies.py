"""Health bodies as real services write them, by form: a well one, and ill ones that answer 200 all the same."""

from typing import Any

WELL: dict[str, list[Any]] = {
    "Spring Boot Actuator": [
        {"status": "UP"},
        {
            "status": "UP",
            "components": {
                "diskSpace": {"status": "UP", "details": {"total": 9, "free": 0, "threshold": 1, "exists": True}},
                "db": {"status": "UP", "details": {"database": "PostgreSQL", "result": 1}},
            },
            "groups": ["liveness", "readiness"],
        },
        {"status": "UP", "diskSpace": {"status": "UP", "free": 0}, "db": {"status": "UP", "hello": 1}},
    ],
    "ASP.NET Core health checks": [
        {"Status": 2, "Entries": {"db": {"Status": 2, "Description": None, "Exception": None, "Data": {}}}},
        {"status": "Healthy", "totalDuration": "00:00:00.01", "entries": {"db": {"status": "Healthy", "data": {}}}},
    ],
    "MicroProfile Health 1": [{"outcome": "UP", "checks": [{"name": "db", "state": "UP", "data": {"free": 0}}]}],
    "MicroProfile Health 2 to 4": [{"status": "UP", "checks": [{"name": "db", "status": "UP"}]}],
    "NestJS Terminus": [
        {"status": "ok", "info": {"db": {"status": "up"}}, "error": {}, "details": {"db": {"status": "up"}}}
    ],
    "health+json": [
        {"status": "pass", "checks": {"db:time": [{"status": "pass", "observedValue": 250}]}, "notes": [""]},
        {"status": "warn", "output": "", "checks": {}},
    ],
    "Dropwizard": [{"deadlocks": {"healthy": True}, "db": {"healthy": True, "message": None}}],
    "Elasticsearch": [{"status": "green", "timed_out": False, "unassigned_shards": 0}],
    "written by hand": [
        {"version": "2.4.1", "uptime": 3},
        {"success": True},
        {"ok": 1},
        {"isHealthy": True},
        {"status": 200, "message": "whatever"},
        {"code": 200, "msg": "success"},
        {"message": "OK"},
        {"data": {"status": "ok"}},
        {"status": "success", "data": {"health": "good"}},
        {"database": "ok", "version": "11.2"},
        {"health": "true", "reason": ""},
        [{"name": "db", "status": "UP"}],
        {"status": "All systems operational"},
        {"status": "ok", "errors": [], "error": None},
        "OK",
        True,
        200,
    ],
}

ILL: dict[str, list[Any]] = {
    "Spring Boot Actuator": [
        {"status": "DOWN"},
        {"status": "OUT_OF_SERVICE", "components": {"readinessState": {"status": "OUT_OF_SERVICE"}}},
        {"status": "DOWN", "diskSpace": {"status": "UP"}, "db": {"status": "DOWN", "error": "refused"}},
        {"status": "DOWN", "components": {"a": {"status": "DOWN", "components": {"b": {"status": "DOWN"}}}}},
    ],
    "ASP.NET Core health checks": [
        {"Status": 0, "Entries": {"db": {"Status": 0}}},
        {"Status": 1, "Entries": {"db": {"Status": 1}}},
        {"Status": "Unhealthy", "Results": {"db": {"Status": "Unhealthy"}}},
        {"status": "Degraded", "entries": {"db": {"status": "Degraded"}}},
    ],
    "MicroProfile Health 1": [{"outcome": "DOWN", "checks": []}, {"checks": [{"name": "db", "state": "DOWN"}]}],
    "MicroProfile Health 2 to 4": [{"status": "DOWN", "checks": []}, {"checks": [{"name": "db", "status": "DOWN"}]}],
    "NestJS Terminus": [
        {"status": "error", "info": {}, "error": {"db": {"status": "down"}}, "details": {"db": {"status": "down"}}},
        {"status": "shutting_down"},
        {"status": "ok", "info": {}, "error": {"db": {"message": "refused"}}},
    ],
    "health+json": [
        {"status": "fail", "output": "no"},
        {"status": "pass", "checks": {"db:time": [{"status": "pass"}, {"status": "fail"}]}},
    ],
    "Dropwizard": [{"deadlocks": {"healthy": True}, "db": {"healthy": False, "message": "refused"}}],
    "Elasticsearch": [{"status": "red"}, {"status": "yellow"}],
    "written by hand": [
        {"success": False},
        {"ok": 0},
        {"is_healthy": False},
        {"STATUS": "Not Ready"},
        {"status": 503, "message": "Service Unavailable"},
        {"status": "ok", "code": 500},
        {"status": "ok", "state": "down"},
        {"status": "ok", "database": "disconnected"},
        {"status": "ok", "redis": False},
        {"success": True, "data": {"status": "DOWN"}},
        {"data": {"status": "ok", "checks": {"db": "not ok"}}},
        {"error": "no connection to the database"},
        {"status": "ok", "errors": ["no connection"]},
        {"status": "db is down"},
        {"status": "booting"},
        {"status": "up for maintenance"},
        {"checks": {"db": "DOWN: connection refused", "redis": "OK (3 ms)"}},
        {"services": {"api": 200, "db": 503}},
        [{"name": "db", "status": "DOWN"}, {"name": "redis", "status": "UP"}],
        ["ok", "down"],
        "DOWN",
        False,
        503,
    ],
}

WELL_TEXTS = [
    *("", "\n", "OK", "ok\n", "Healthy", "pong", "UP (3 ms)", "db: ok", "status=UP", "All systems operational"),
    *("Prometheus Server is Healthy.", "[+]ping ok\n[+]log ok\nhealthz check passed", "\ufeffHealthy"),
    "<html><body><h1>200 OK</h1>Service ready.</body></html>",
]
ILL_TEXTS = [
    *("Unhealthy", "\ufeffUnhealthy", "not ok", "isn't ready", "DOWN", "db: down", "Service Unavailable", "no"),
    *("[+]ping ok\n[-]etcd failed: reason withheld\nhealthz check failed", "ok, but redis is unreachable", "503"),
    *("shutting down", "OUT_OF_SERVICE", "Degraded", "<html><body>503 Service Unavailable</body></html>"),
    '{"status":"DOWN",}',
]
UNCLEAR_TEXTS = [
    *("hello", "2.4.1", "ready in 30 s", "waiting until db is ready", "<!doctype html><title>Shop</title>", "[[[["),
    *(
        "{}",
        "[]",
        "null",
        '{"version":"2.4.1","mood":"fine"}',
        '{"status":"UNKNOWN"}',
        '{"status":null}',
        *('{"status":{"a":1}}', '{"status":"ok",}', '{"status":"ok"} {"status":"ok"}'),
    ),
    *('{"status":NaN}', '{"status":7}', '{"status":"Bavaria"}', '{"data":{"status":"strange"},"success":true}'),
    "fine " * 200,
]
