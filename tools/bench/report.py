"""What was measured: rows of a table, and the same as JSON with the machine's facts."""

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from statistics import median
from typing import Any

PACKAGES = ("azure-eventgrid", "azure-core", "azure-functions", "aiohttp", "msgspec")


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement; with `against`, in relation to another of the same run.

    `ours` and `theirs` are medians, in `unit`. `target` is the most that the ratio may
    be, or `ours` where there is nothing to compare it with; None where none is set.
    """

    bench: str
    what: str
    ours: float
    unit: str
    against: str = ""
    theirs: float | None = None
    ratio: float | None = None
    target: float | None = None

    @property
    def met(self) -> bool | None:
        """Return whether the target is reached; None when there is none."""
        if self.target is None:
            return None
        return (self.ours if self.ratio is None else self.ratio) <= self.target

    def cells(self) -> tuple[str, ...]:
        """Return the row as the table shows it."""
        theirs = "" if self.theirs is None else f"{_number(self.theirs)} {self.unit}"
        target = _target(self)
        verdict = {True: "met", False: "MISSED", None: ""}[self.met]
        return (
            *(self.bench, self.what, f"{_number(self.ours)} {self.unit}"),
            *(self.against, theirs, _fraction(self.ratio), target, verdict),
        )


@dataclass(frozen=True, slots=True)
class Report:
    """What one bench has to say; `rounds` has the numbers behind its rows."""

    rows: list[Row]
    rounds: dict[str, Any] = field(default_factory=dict)


def compare(
    bench: str,
    what: str,
    ours: Sequence[float],
    unit: str,
    *,
    against: str,
    theirs: Sequence[float],
    target: float | None = None,
) -> Row:
    """Return a row from rounds that were measured in turns.

    Its ratio is the median of the rounds' ratios, so a machine that was slow for a
    while was slow for both.
    """
    ratio = median(our / other for our, other in zip(ours, theirs, strict=True))
    return Row(bench, what, median(ours), unit, against, median(theirs), ratio, target)


def table(rows: Iterable[Row]) -> list[str]:
    """Return the lines of a table for a terminal."""
    head = ("bench", "what", "ours", "against", "theirs", "ratio", "target", "")
    lines = [head, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.rjust(width)
            if name in ("ours", "theirs", "ratio")
            else cell.ljust(width)
            for cell, width, name in zip(line, widths, head, strict=True)
        ).rstrip()
        for line in lines
    ]


def document(reports: dict[str, Report], quick: bool) -> dict[str, Any]:
    """Return everything, as it is written to a file."""
    return {
        "machine": machine(),
        "quick": quick,
        "benches": {
            name: {
                "rows": [asdict(row) | {"met": row.met} for row in report.rows],
                "rounds": report.rounds,
            }
            for name, report in reports.items()
        },
    }


def machine() -> dict[str, Any]:
    """Return what the numbers depend on; nothing that tells whose machine it is."""
    return {
        "cores": os.cpu_count(),
        "system": platform.system(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in PACKAGES},
    }


def _target(row: Row) -> str:
    if row.target is None:
        return ""
    if row.ratio is None:
        return f"≤ {_number(row.target)} {row.unit}"
    return f"≤ {_fraction(row.target)}"


def _fraction(ratio: float | None) -> str:
    if ratio is None:
        return ""
    if ratio >= 0.5:
        return f"{ratio:.2f} x"
    return f"1/{1 / ratio:.1f}".removesuffix(".0")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
