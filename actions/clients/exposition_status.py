"""Which label of a request counter holds the status of HTTP, and what its values mean. Pure."""

from collections.abc import Sequence
from enum import Enum

STATUS_LABELS = (
    *("status", "code", "status_code", "http_status", "http_status_code", "http_response_status_code"),
    *("response_code", "status_class", "statuscode", "http_code", "outcome"),
)
"""Exact names, the most usual first; `metrics_status` of a service names others."""


class Kind(Enum):
    """What one value of the label means."""

    SERVED = "served"
    FAILED = "failed"
    TOTAL = "total"
    UNKNOWN = "unknown"


_WORDS = {
    **dict.fromkeys(("success", "ok", "succeeded", "informational", "redirection", "redirect"), Kind.SERVED),
    **dict.fromkeys(("client_error", "success_2xx"), Kind.SERVED),
    **dict.fromkeys(("error", "errors", "server_error", "failure", "failed", "fail", "internal_error"), Kind.FAILED),
    **dict.fromkeys(("total", "all", "*", "sum"), Kind.TOTAL),
}


def kind_of(value: str) -> Kind:
    """500, 5xx and "server_error" failed; 200, 4xx and "success" were served; "total" is all of them."""
    text = value.strip().lower()
    if len(text) == 3 and text[0] in "12345" and (text[1:] == "xx" or text.isdecimal()):
        return Kind.FAILED if text[0] == "5" else Kind.SERVED
    return _WORDS.get(text.replace("-", "_").replace(" ", "_"), Kind.UNKNOWN)


def status_label(series: Sequence[dict[str, str]], names: tuple[str, ...] = ()) -> str | None:
    """The first label of those names whose every value is understood; else the first that is there at all."""
    there = [name for name in names or STATUS_LABELS if any(name in labels for labels in series)]
    for name in there:
        if all(kind_of(labels.get(name, "")) is not Kind.UNKNOWN for labels in series):
            return name
    return there[0] if there else None
