#!/bin/bash
# The classic text parser of prometheus_client does not always give the names that were written.
#
# One would guess: a sample of a counter has the name in the text, and a TYPE line of "http_requests" covers the sample
# "http_requests_total", as it does in OpenMetrics.
# What happens (prometheus_client 0.26.0): the sample of a counter whose name lacks "_total" is given out WITH "_total";
# and under the TYPE line of "http_requests" the sample "http_requests_total" is a family of its own, of unknown type.
# Who looks for names as written, or trusts the family's type, misses the counter.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q --disable-pip-version-check prometheus-client==0.26.0
"$place/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as classic


def read(parser, text):
    return [(family.name, family.type, [sample.name for sample in family.samples]) for family in parser(text)]


bare = read(classic, "# TYPE http_requests counter\nhttp_requests 5\n")
suffixed = read(classic, "# TYPE http_requests counter\nhttp_requests_total 5\n")
strict = read(openmetrics, "# TYPE http_requests counter\nhttp_requests_total 5\n# EOF\n")
print("prometheus_client", version("prometheus_client"))
print("classic, sample http_requests:      ", bare)
print("classic, sample http_requests_total:", suffixed)
print("OpenMetrics, the same:              ", strict)
assert bare == [("http_requests", "counter", ["http_requests_total"])]
assert ("http_requests_total", "unknown", ["http_requests_total"]) in suffixed
assert ("http_requests", "counter", []) in suffixed
assert strict == [("http_requests", "counter", ["http_requests_total"])]
PYTHON
