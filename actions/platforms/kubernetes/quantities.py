"""Kubernetes quantities such as `250m`, `64Mi` or `1e3` as numbers. Pure."""

import re

from actions.clients.kubernetes_api import Json

Usage = dict[str, tuple[float | None, int | None]]
"""Cpu in cores and memory in bytes by pod."""

_BINARY = {f"{unit}i": 1024.0**power for power, unit in enumerate("KMGTPE", 1)}
_DECIMAL = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_SHAPE = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([KMGTPE]i|[numkMGTPE]?))")


def quantity(text: object) -> float | None:
    """The number a quantity stands for; None when it is none."""
    found = _SHAPE.fullmatch(str(text))
    if found is None:
        return None
    number, exponent, unit = found.groups()
    return float(number + exponent) if exponent else float(number) * (_BINARY | _DECIMAL)[unit or ""]


def used_by(pod: Json) -> tuple[float | None, int | None]:
    """Cpu in cores and memory in bytes of one pod of the metrics API; None where a container does not say."""
    used = [one.get("usage") or {} for one in pod.get("containers") or []]
    cpu = [quantity(one.get("cpu")) for one in used]
    memory = [quantity(one.get("memory")) for one in used]
    return _total(cpu), None if (bytes_used := _total(memory)) is None else int(bytes_used)


def _total(values: list[float | None]) -> float | None:
    known = [one for one in values if one is not None]
    return sum(known) if known and len(known) == len(values) else None
