"""Requests counted from what services publish for Prometheus; what cannot be read is absent, never smaller."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.clients.exposition import count_requests
from actions.clients.exposition_lines import LONGEST, MOST

DATA = Path(__file__).parent / "data"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

METRICS = """
# HELP vq_requests_total requests
vq_build_info{version="2.4.1",colour="blue"} 1
vq_requests_total{status="2xx"} 90
vq_requests_total{status="5xx"} 10
vq_request_seconds_count 100
http_client_requests_total 7 1700000000
broken{ 1
"""


def counts(text: str, **settings: object) -> tuple[float | None, float | None]:
    found = count_requests(text, **settings)  # type: ignore[arg-type]
    for figure in (found.total, found.failed):
        assert (figure.value is None) == bool(figure.reason)
    return found.total.value, found.failed.value


def test_requests_are_counted_by_status() -> None:
    assert counts(METRICS) == (100, 10)
    assert "2.4.1" in count_requests(METRICS).process
    assert counts('http_requests_total{code="500"} 3\nhttp_requests_total{code="200"} 1e3') == (1003, 3)
    assert counts("nothing here\n\x00\x1b") == (None, None)


@pytest.mark.parametrize(
    ("file", "total", "failed"),
    [
        ("brace-in-label", 1005, 100),
        ("gauge-as-counter", 55, 55),
        ("label-ends-with-code", 10, 0),
        ("scrape-counter-first", 77, 77),
        ("spaces-in-labels", 10, 10),
        ("total-among-the-classes", 100, 3),
        ("fastapi", 46, 20),
    ],
)
def test_expositions_that_were_read_wrongly(file: str, total: float, failed: float) -> None:
    assert counts((DATA / f"exposition-{file}.prom").read_text()) == (total, failed)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"http.server.requests", status="500"} 3', (3, 3)),
        ('{"http.server.requests", "http.response.status"="500"} 3', (3, None)),
        ('http_requests_total{path="a\\"b}",status="503"} 3', (3, 3)),
        ('http_requests_total{path="*",code="200"} 5\nhttp_requests_total{path="/",code="200"} 5', (10, 0)),
        ("http_requests_total 5", (5, None)),
        ('http_requests_total{status="strange"} 5', (5, None)),
        ('http_requests_total{status="200"} 5\nhttp_requests_total 5', (10, None)),
        ('http_requests_total{status="200"} NaN', (None, None)),
        ('http_requests_total{status="200"} -1', (None, None)),
        ('http_requests_total{status="200" 5', (None, None)),
        ('http_requests_total{status="200"} five', (None, None)),
        ('http_requests_total{status="error"} 2\nhttp_requests_total{status="success"} 3', (5, 2)),
        ('http_requests_total{code="500",status="odd"} 2', (2, 2)),
        ('a_requests_total{code="200"} 1\nb_requests_total{code="500"} 1', (None, None)),
        ("# TYPE http_requests gauge\nhttp_requests 5", (None, None)),
        ('http_requests_failed_total{code="500"} 5\nhttp_requests_total{code="200"} 9', (9, 0)),
        (
            "# TYPE http_server_requests_seconds summary\n"
            'http_server_requests_seconds_count{status="500",uri="/a"} 4\n'
            'http_server_requests_seconds_sum{status="500",uri="/a"} 9\n'
            'http_server_requests_seconds_count{status="200",uri="/a"} 6',
            (10, 4),
        ),
    ],
)
def test_how_requests_are_written(text: str, expected: tuple[float | None, float | None]) -> None:
    assert counts(text) == expected


def test_the_configuration_names_counter_and_labels() -> None:
    text = 'jobs_done{result="500",kind="x"} 4\nhttp_requests_total{status="200"} 9'
    assert counts(text, counter="jobs_done", status=("result",)) == (4, 4)
    assert counts(text, counter="nothing") == (None, None)
    several = 'a_requests_total{code="200"} 1\nb_requests_total{code="500"} 1'
    assert counts(several, counter="b_requests_total") == (1, 1)
    assert counts('http_requests_total{postal_code="500"} 9', status=("postal_code",)) == (9, 9)


def test_openmetrics_is_read_by_its_own_rules() -> None:
    text = '# TYPE http_requests counter\nhttp_requests_total{code="500"} 3 # {trace_id="a"} 1\n# EOF\n'
    assert counts(text, media=OPENMETRICS) == (3, 3)
    assert counts(text.replace("# EOF\n", ""), media=OPENMETRICS) == (None, None)


def test_what_is_too_much_is_absent_and_not_cut() -> None:
    series = [f'http_requests_total{{path="/{number}",code="500"}} 1' for number in range(MOST + 1)]
    assert counts("\n".join(series[:MOST])) == (MOST, MOST)
    assert counts("\n".join(series)) == (None, None)
    assert counts('http_requests_total{code="200",path="%s"} 1' % ("x" * LONGEST)) == (None, None)


def test_the_parser_is_not_loaded_before_there_is_something_to_count() -> None:
    words = "import sys, actions.health.watches; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", words], check=False).returncode == 0


NAMES = st.sampled_from(["http_requests_total", "vq_requests_total", "nginx_http_requests_total"])
LABELS = st.sampled_from(["status", "code", "status_code", "http_response_status_code"])
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6)
CLASSES = st.sampled_from(["200", "2xx", "404", "500", "5xx", "503", "strange"])
SPACE = st.sampled_from(["", " ", "  ", "\t"])


def escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


@st.composite
def exposition(draw: st.DrawFn) -> tuple[str, float, float]:
    """A text, what it counts in all, and how many of that failed for certain."""
    name, label = draw(NAMES), draw(LABELS)
    lines, total, failed = [f"# TYPE {name} counter"] if draw(st.booleans()) else [], 0.0, 0.0
    routes = draw(st.lists(st.tuples(VALUES, CLASSES), min_size=1, max_size=8, unique=True))
    for route, status in routes:
        count = draw(st.integers(0, 1_000))
        space = draw(SPACE)
        pairs = [f'{space}route{space}={space}"{escaped(route)}"', f'{label}{space}="{status}"']
        lines.append(
            f"{space}{name}{{{','.join(draw(st.permutations(pairs)))}{draw(st.sampled_from(['', ',']))}}} {count}"
        )
        total += count
        failed += count if status.startswith("5") else 0
    noise = ["go_gc 1", 'http_requests_active{code="500"} 9', "promhttp_metric_handler_requests_total 7", "", "# hello"]
    return "\n".join(lines + draw(st.lists(st.sampled_from(noise)))), total, failed


@given(exposition())
def test_whatever_is_counted_is_all_of_it_or_absent(written: tuple[str, float, float]) -> None:
    text, total, failed = written
    found = counts(text)
    assert found[0] in (total, None) and found[1] in (failed, None)
    if "strange" not in text:
        assert found == (total, failed)


@given(
    st.text(max_size=80)
    | st.lists(st.sampled_from(["http_requests_total", "{", "}", '"', 'code="500"', " 1", "\n"])).map("".join)
)
def test_no_text_breaks_the_reading(text: str) -> None:
    for media in ("", OPENMETRICS):
        found = count_requests(text, media)
        assert found.total.value is None or found.total.value >= 0
