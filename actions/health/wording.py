"""Figures in as few characters as the home screen has."""


def seconds_text(value: float) -> str:
    """`12 s`, `4 m`, `3 h`, `9 d`."""
    for limit, size, unit in ((90, 1, "s"), (5_400, 60, "m"), (172_800, 3_600, "h")):
        if value < limit:
            return f"{int(value / size)} {unit}"
    return f"{int(value / 86_400)} d"


def percent(share: float, digits: int = 0) -> str:
    """`61 %` from 0.61."""
    return f"{share * 100:.{digits}f} %"


def count(value: float) -> str:
    """`950`, `1.2k`, `3.4M`."""
    for limit, size, unit in ((1e6, 1e3, "k"), (1e9, 1e6, "M")):
        if 1_000 <= value < limit:
            return f"{value / size:.1f}{unit}"
    return f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def milliseconds(value: float) -> str:
    """`38 ms`, `0.4 ms`, `2.1 s`."""
    if value >= 10_000:
        return f"{value / 1000:.0f} s"
    if value >= 1_000:
        return f"{value / 1000:.1f} s"
    return f"{value:.0f} ms" if value >= 1 else f"{value:.1f} ms"
