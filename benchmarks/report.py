"""What a benchmark says: figures, floor, peers, ratios, and the bars it answers for."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A number with a limit. The limit never moves to meet the value."""

    name: str
    value: float
    limit: float
    sense: Literal["max", "min"]

    @property
    def holds(self) -> bool:
        """Whether the value is within the limit."""
        return self.value <= self.limit if self.sense == "max" else self.value >= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One benchmark's results. Names carry their unit: `p99_ms`, `ready_s`."""

    figures: Mapping[str, float]
    floor: Mapping[str, float] = field(default_factory=dict)
    peers: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    ratios: Mapping[str, float] = field(default_factory=dict)
    bars: Sequence[Bar] = ()


def as_json(results: Mapping[str, Measured]) -> str:
    """All results as one JSON object on one line."""
    return json.dumps({name: _plain(measured) for name, measured in results.items()})


def draw(results: Mapping[str, Measured]) -> None:
    """All results as tables."""
    console = Console()
    for name, measured in results.items():
        table = Table("figure", "value", title=name, title_justify="left")
        for group in ("figures", "floor", "ratios"):
            for key, value in getattr(measured, group).items():
                table.add_row(key if group == "figures" else f"{group}: {key}", f"{value:,.3f}")
        for bar in measured.bars:
            sign = "<=" if bar.sense == "max" else ">="
            verdict = "holds" if bar.holds else "MISSED"
            table.add_row(f"bar: {bar.name}", f"{bar.value:,.3f} {sign} {bar.limit:,.3f} {verdict}")
        console.print(table)


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile of `values`, which must not be empty."""
    ranked = sorted(values)
    return ranked[max(1, math.ceil(percent * len(ranked) / 100)) - 1]


def _plain(measured: Measured) -> dict[str, Any]:
    plain = asdict(measured)
    plain["bars"] = [{**asdict(bar), "holds": bar.holds} for bar in measured.bars]
    return plain
