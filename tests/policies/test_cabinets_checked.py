"""What `secd check` says of cabinets and switches (S17)."""

import pytest
from builders import site_values
from test_cabinets_judged import SUPPLY

from secd.policies.cabinets.checks import SECTIONS


def found(**changed: str) -> list[tuple[str, str, str]]:
    values = site_values(**{**SUPPLY, **changed}) | {"devices": {}}
    return [
        ("/".join(str(part) for part in finding.path), finding.code, finding.severity)
        for section in SECTIONS
        if section.check is not None
        for finding in section.check(values)
    ]


def test_s17_a_cabinet_whose_mains_and_door_are_watched_is_as_it_should_be() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("points", "missing"), [("tamper: board/7", 1), ("ac: board/7", 1), ("battery: board/7", 2), ("", 2)]
)
def test_s17_a_cabinet_whose_mains_or_door_nobody_watches_is_a_warning(points: str, missing: int) -> None:
    warned = found(cabinets=f"{{riser: {{{points}}}}}")
    assert warned == [("cabinets/riser", "cabinet_not_watched", "warning")] * missing


def test_one_input_is_one_point_only() -> None:
    used = found(cabinets="{riser: {ac: board/7, tamper: board/7}}")
    assert used == [("cabinets/riser/tamper", "input_used_twice", "error")]
    used = found(cabinets="{riser: {ac: panel/1, tamper: board/7}}")
    assert used == [("cabinets/riser/ac", "input_used_twice", "error")]


def test_a_switch_hangs_on_nothing_that_hangs_on_it() -> None:
    assert found(switches="{a: {powered_by: b}, b: {connected_to: a}}") == [
        ("switches/a/powered_by", "hangs_on_itself", "error"),
    ]


def test_a_name_is_one_thing() -> None:
    assert found(switches="{riser: {}}") == [("switches/riser", "name_of_two_things", "error")]
