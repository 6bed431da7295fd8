"""What a benchmark reports: ranks, JSON with its bars, and that a missed bar is said and not bent."""

import json

import pytest
from click.testing import CliRunner

from benchmarks.__main__ import main
from benchmarks.pairs import delays
from benchmarks.report import Bar, Measured, as_json, draw, percentile

HELD = Bar(name="ready_s", value=1.3, limit=3.0, sense="max")
MISSED = Bar(name="core_percent", value=50.1, limit=50.0, sense="max")
MEASURED = Measured(
    figures={"core_percent": 50.1},
    floor={"core_percent": 16.0},
    peers={"pymodbus": {"core_percent": 41.0}},
    ratios={"core_to_floor": 3.1},
    bars=(HELD, MISSED),
)


@pytest.mark.parametrize(
    ("percent", "value"), [(0, 1), (1, 1), (50, 50), (50.5, 51), (99, 99), (99.1, 100), (100, 100)]
)
def test_a_percentile_is_the_smallest_value_with_so_many_at_or_below_it(percent: float, value: int) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == value


def test_the_percentiles_of_one_value_are_that_value() -> None:
    assert [percentile([7.0], percent) for percent in (0, 50, 99, 100)] == [7.0] * 4


def test_the_worst_of_a_few_values_is_their_99th_percentile() -> None:
    assert percentile([1.0, 2.0, 300.0], 99) == 300.0


@pytest.mark.parametrize(
    ("value", "sense", "holds"),
    [(3.0, "max", True), (3.01, "max", False), (3.0, "min", True), (2.99, "min", False)],
)
def test_a_bar_holds_at_its_limit_and_not_beyond(value: float, sense: str, holds: bool) -> None:
    assert Bar(name="x", value=value, limit=3.0, sense=sense).holds is holds  # type: ignore[arg-type]


def test_json_is_one_line_keyed_by_name_with_every_part() -> None:
    line = as_json({"door_poll": MEASURED, "start": Measured(figures={})})
    assert "\n" not in line
    told = json.loads(line)
    assert list(told) == ["door_poll", "start"]
    assert told["door_poll"] == {
        "figures": {"core_percent": 50.1},
        "floor": {"core_percent": 16.0},
        "peers": {"pymodbus": {"core_percent": 41.0}},
        "ratios": {"core_to_floor": 3.1},
        "bars": [
            {"name": "ready_s", "value": 1.3, "limit": 3.0, "sense": "max", "holds": True},
            {"name": "core_percent", "value": 50.1, "limit": 50.0, "sense": "max", "holds": False},
        ],
    }
    assert told["start"] == {"figures": {}, "floor": {}, "peers": {}, "ratios": {}, "bars": []}


def test_a_missed_bar_is_drawn_as_missed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    draw({"door_poll": MEASURED})
    lines = capsys.readouterr().out.splitlines()
    (held,) = [line for line in lines if "bar: ready_s" in line]
    (missed,) = [line for line in lines if "bar: core_percent" in line]
    assert "1.300 <= 3.000 holds" in held
    assert "50.100 <= 50.000 MISSED" in missed


def test_a_benchmark_that_does_not_exist_is_refused_by_name() -> None:
    told = CliRunner().invoke(main, ["speed", "--json"])
    assert told.exit_code == 2
    assert "door_poll" in told.output


def test_each_cause_is_paired_with_the_next_effect_of_its_own() -> None:
    seen = [("door-1", 10.0), ("door-2", 11.0), ("door-1", 20.0)]
    ordered = [("door-1", 20.5), ("door-2", 11.25), ("door-1", 10.125)]
    assert delays(seen, ordered, within_s=1.0) == ([0.125, 0.25, 0.5], 0)


def test_an_effect_before_its_cause_or_too_long_after_is_none() -> None:
    assert delays([("door-1", 10.0), ("door-2", 10.0)], [("door-1", 9.0), ("door-2", 12.5)], within_s=2.0) == ([], 2)
