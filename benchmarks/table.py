"""One figure of a benchmark, and the table all of them are printed in."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """What was measured, in `unit`, and what it is held to.

    With `of_baseline` the budget is a bound on measured / baseline, else on `measured` itself; without a budget the
    figure is only told. A baseline is what the same work costs without this program, in the same run.
    """

    name: str
    measured: float
    unit: str
    budget: float | None = None
    baseline: float | None = None
    of_baseline: bool = False
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Measured over baseline."""
        return self.measured / self.baseline if self.baseline else None

    @property
    def verdict(self) -> str:
        """`ok`, `over`, or nothing where there is no budget."""
        if self.budget is None:
            return ""
        held = self.ratio if self.of_baseline else self.measured
        return "unknown" if held is None else "ok" if held <= self.budget else "over"

    def row(self) -> tuple[str, ...]:
        """The figure as cells of the table."""
        bound = "" if self.budget is None else f"{number(self.budget)}{' x' if self.of_baseline else f' {self.unit}'}"
        return (
            self.name,
            f"{number(self.measured)} {self.unit}",
            "" if self.baseline is None else f"{number(self.baseline)} {self.unit}",
            "" if self.ratio is None else f"{self.ratio:.2f}",
            bound,
            self.verdict,
            self.note,
        )


HEAD = ("name", "measured", "baseline", "ratio", "budget", "", "")


def number(value: float) -> str:
    """Three figures that count, never in powers of ten."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == 0 else f"{value:.3g}"


def table(figures: Sequence[Figure]) -> str:
    """All figures, aligned: figures to the right, words to the left."""
    rows = [HEAD, *(figure.row() for figure in figures)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEAD))]
    right = (1, 2, 3, 4)
    lines = (
        "  ".join(cell.rjust(widths[at]) if at in right else cell.ljust(widths[at]) for at, cell in enumerate(row))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def surroundings() -> str:
    """What the figures were taken on: processors, and how much else wanted them."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    ours = os.sched_getscheduler(0) in (os.SCHED_FIFO, os.SCHED_RR)
    words = ", scheduled before everything else" if ours else ""
    return f"{cores} cores, load {load:.1f}{words}; Python {'.'.join(map(str, sys.version_info[:3]))}"
