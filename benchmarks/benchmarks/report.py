"""Results, and the table that they make."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

Side = Callable[[int], Awaitable[Any]]
HEADINGS = ("work", "unit", "ours", "raw", "floor", "limit", "ours / limit", "bar", "")


@dataclass
class Result:
    """Medians. ``limit`` is what the bar is taken against, ``bar`` the factor; None: no ratio.

    Attributes:
        more_is_better: A rate, of which the limit is the least: the ratio is then limit / ours.
    """

    work: str
    ours: float
    raw: float | None = None
    floor: float | None = None
    limit: float | None = None
    bar: float | None = None
    note: str = ""
    unit: str = "ms"
    more_is_better: bool = False
    samples: dict[str, list[float]] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """How many times the limit we take."""
        if not self.limit or not self.ours:
            return None
        return self.limit / self.ours if self.more_is_better else self.ours / self.limit

    @property
    def verdict(self) -> str:
        """``met``, ``missed``, or nothing where there is no bar."""
        if self.bar is None or self.ratio is None:
            return ""
        return "met" if self.ratio <= self.bar else "missed"

    def line(self) -> str:
        """Return the row of the table."""
        cells = [
            self.work,
            self.unit,
            _number(self.ours),
            _number(self.raw),
            _number(self.floor),
            _number(self.limit),
            "" if self.ratio is None else f"{self.ratio:.2f}",
            "" if self.bar is None else f"{self.bar:g}",
            self.verdict,
        ]
        return f"| {' | '.join(cells)} |"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def print_table(title: str) -> None:
    """Print the head of a table; :meth:`Result.line` makes its rows."""
    print(f"\n### {title}\n\n| {' | '.join(HEADINGS)} |")
    print("|---|---|---:|---:|---:|---:|---:|---:|---|", flush=True)


async def interleaved(rounds: int, **sides: Side) -> dict[str, list[float]]:
    """Return the milliseconds that each side took, taken in turns so that noise meets all of them alike."""
    samples: dict[str, list[float]] = {name: [] for name in sides}
    for side in sides.values():
        await side(-1)  # connections, plans and caches are warm on every side
    for number in range(rounds):
        for name, side in sides.items():
            began = time.perf_counter()
            await side(number)
            samples[name].append((time.perf_counter() - began) * 1000)
    return samples


def result_of(work: str, samples: dict[str, list[float]], **more: Any) -> Result:
    """Return the medians of *samples* as a result."""
    medians = {name: statistics.median(values) for name, values in samples.items()}
    return Result(
        work,
        medians["ours"],
        medians.get("raw"),
        medians.get("floor"),
        samples={name: [round(value, 3) for value in values] for name, values in samples.items()},
        **more,
    )
