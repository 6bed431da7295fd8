"""Profiles as data: read by the site's loader, refused with file, line and column, found by devices, and part of what runs."""

import re
from pathlib import Path

import pytest

from secd.app.sections import site_sections
from secd.config.load import load_site
from secd.config.modbus.load import FOLDER, SHIPPED, load_profiles, shipped_profile
from secd.config.modbus.places import Place, Table, parse_place
from secd.drivers.modbus_io import ModbusIoSettings
from secd.drivers.modbus_io.line import SerialPlace, TcpPlace, parse_line
from secd.drivers.modbus_io.requests import read_request
from secd.drivers.modbus_io.scan import Run, plan
from secd.model.errors import ConfigError, Problem

OWN = """modbus_profiles:
  own-board:
    make: nobody
    model: own
    sources: [its label]
    tested: on our bench
    inputs: {count: 4, place: discrete 0}
    outputs: {count: 2, place: coil 0, read_back: coil 0}
"""
DEVICES = "devices:\n  shed: {driver: modbus_io, profile: own-board, address: 'tcp://127.0.0.1:1502'}\n"
GOOD = Path(__file__).parents[1] / "config" / "good_site"


def problems_of(directory: Path, **files: str) -> tuple[Problem, ...]:
    for name, text in files.items():
        (directory / f"{name}.yaml").write_text(text)
    try:
        return load_site(directory, site_sections()).warnings
    except ConfigError as error:
        return error.problems


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_profile_cites_its_source_and_says_against_what_it_was_tried(name: str) -> None:
    profile = shipped_profile(name)
    assert profile.sources
    assert "untested on hardware" in profile.tested
    assert load_profiles(FOLDER / f"{name}.yaml").keys() == {name}


def test_there_are_boards_readers_and_a_board_with_supervised_inputs() -> None:
    profiles = [shipped_profile(name) for name in SHIPPED]
    assert sum(profile.outputs is not None and profile.native is None for profile in profiles) >= 4
    assert sum(profile.cards is not None and profile.outputs is None for profile in profiles) >= 1
    assert any(profile.inputs and profile.inputs.supervised and not profile.native for profile in profiles)


@pytest.mark.parametrize(
    ("text", "counting", "place"),
    [
        ("coil 16", "from_0", Place(Table.COIL, 16)),
        ("holding 0x0200", "from_0", Place(Table.HOLDING, 0x200)),
        ("input 1", "from_1", Place(Table.INPUT, 0)),
        ("00017", "modicon", Place(Table.COIL, 16)),
        ("10001", "modicon", Place(Table.DISCRETE, 0)),
        ("40301", "modicon", Place(Table.HOLDING, 300)),
        ("465536", "modicon", Place(Table.HOLDING, 0xFFFF)),
    ],
)
def test_a_place_is_read_as_its_profile_counts(text: str, counting: str, place: Place) -> None:
    assert parse_place(text, counting) == place  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "counting"),
    [("coil 0", "from_1"), ("00017", "from_0"), ("coil 1", "modicon"), ("20001", "modicon"), ("40000", "modicon"),
     ("relay 1", "from_0")],
)  # fmt: skip
def test_a_place_that_is_nowhere_is_refused(text: str, counting: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        parse_place(text, counting)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("was", "wrong", "line", "words"),
    [
        ("place: discrete 0", "place: discrate 0", 7, "coil 16"),
        ("place: coil 0, read", "place: discrete 0, read", 2, "can only be read"),
        ("place: coil 0, read", "place: '00001', read", 2, "does not count"),
        ("count: 4", "count: 400", 7, "64"),
        ("    tested: on our bench\n", "", 2, "tested"),
        ("inputs: {count: 4,", "inputs: {count: 4, form: word,", 7, "bands"),
        ("inputs: {count: 4,", "inputs: {count: 4, colour: red,", 7, "colour"),
        ("place: discrete 0}", "place: discrete 0, latch: {kind: edge, place: discrete 8}}", 7, "clear"),
        ("read_back: coil 0}", "read_back: coil 0, pulse: {style: pulse_coil, place: coil 9, unit: 1s, units_max: 9}}", 8, "fixed"),
        ("own-board:", "moxa-iologik-e1214:", 2, "comes with secd"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_profile_is_shown_at_its_line(
    was: str, wrong: str, line: int, words: str, tmp_path: Path
) -> None:
    assert was in OWN
    (tmp_path / "profiles.yaml").write_text(OWN.replace(was, wrong))
    with pytest.raises(ConfigError) as refused:
        load_site(tmp_path / "profiles.yaml", site_sections())
    found = [problem for problem in refused.value.problems if problem.path.endswith("profiles.yaml")]
    assert found[0].line == line, found
    assert any(words in f"{problem.message} {problem.expected}" for problem in found), found


def _whole(directory: Path) -> Path:
    for path in GOOD.glob("*.yaml"):
        (directory / path.name).write_text(path.read_text())
    return directory


def test_a_site_s_own_profile_is_its_device_s_and_part_of_what_runs(tmp_path: Path) -> None:
    _whole(tmp_path)
    (tmp_path / "own.yaml").write_text(OWN + DEVICES)
    before = load_site(tmp_path, site_sections())
    shed = before.values["devices"]["shed"]
    assert isinstance(shed, ModbusIoSettings)
    assert shed.board is not None
    assert shed.board.points == {"", *(f"input/{n}" for n in range(1, 5)), "output/1", "output/2"}
    (tmp_path / "own.yaml").write_text(OWN.replace("place: discrete 0", "place: discrete 8") + DEVICES)
    after = load_site(tmp_path, site_sections())
    assert after.digest != before.digest
    assert after.values["devices"]["shed"] != shed, "a changed profile makes a changed device, so its link is replaced"


def test_a_profile_that_is_nowhere_is_said_to_be_with_what_is_near(tmp_path: Path) -> None:
    _whole(tmp_path)
    (problem,) = problems_of(tmp_path, own=OWN + DEVICES.replace("own-board", "own-bord"))
    assert problem.message == "`own-bord` is not a name in `modbus_profiles`; did you mean `own-board`?"


def test_safe_outputs_that_the_site_s_own_board_lacks_are_found(tmp_path: Path) -> None:
    _whole(tmp_path)
    own = OWN + DEVICES.replace("address:", "safe_outputs: {3: energised}, address:")
    assert "no_such_output" in {problem.code for problem in problems_of(tmp_path, own=own)}


def test_two_units_on_one_line_at_different_speeds_are_found(tmp_path: Path) -> None:
    _whole(tmp_path)
    line = "  {}: {{driver: modbus_io, profile: own-board, unit: {}, address: 'serial:///dev/ttyUSB0?baud={}'}}\n"
    same = OWN + "devices:\n" + line.format("a", 1, 9600) + line.format("b", 2, 9600)
    assert "serial_speed" not in {problem.code for problem in problems_of(tmp_path, own=same)}
    apart = OWN + "devices:\n" + line.format("a", 1, 9600) + line.format("b", 2, 19200)
    (found,) = (problem for problem in problems_of(tmp_path, own=apart) if problem.code == "serial_speed")
    assert found.line == 11
    assert "?baud=9600&parity=N&stop=1" in found.expected


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("tcp://10.0.0.1", TcpPlace(host="10.0.0.1")),
        ("tcp://board.local:1502", TcpPlace(host="board.local", port=1502)),
        ("serial:///dev/ttyUSB0", SerialPlace(path="/dev/ttyUSB0")),
        (
            "serial:///dev/ttyS1?baud=19200&parity=E&stop=2",
            SerialPlace(path="/dev/ttyS1", baud=19200, parity="E", stop=2),
        ),
    ],
)
def test_an_address_is_tcp_or_a_serial_line(address: str, place: object) -> None:
    assert parse_line(address) == place


@pytest.mark.parametrize(
    "address",
    ["serial://dev/ttyUSB0", "serial:///etc/passwd", "serial:///dev/../etc/x", "serial:///dev/ttyS0?baud=9601",
     "serial:///dev/ttyS0?parity=X", "serial:///dev/ttyS0?speed=9600", "udp://10.0.0.1", "tcp://"],
)  # fmt: skip
def test_any_other_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"tcp://|serial|baud|parity"):
        parse_line(address)


def test_a_poll_reads_in_as_few_requests_as_the_board_allows() -> None:
    limits = shipped_profile("moxa-iologik-e1214").limits
    coil, word = Place(Table.COIL, 0), Place(Table.INPUT, 100)
    assert [(block.place, block.count) for block in plan([Run(coil + 4, 4), Run(coil, 4), Run(word, 200)], limits)] == [
        (coil, 8),
        (word, 125),
        (word + 125, 75),
    ]
    apart = plan([Run(coil, 2), Run(coil + 4, 2)], limits)
    assert [block.count for block in apart] == [2, 2], (
        "nothing between two wanted places is read unless the profile allows it"
    )
    together = plan([Run(coil, 2), Run(coil + 4, 2)], limits.model_copy(update={"gap": 2}))
    assert [block.request for block in together] == [read_request(coil, 6)]
