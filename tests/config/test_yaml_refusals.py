"""What YAML allows and a site does not: each refused at its place, in words, and nothing a file says can hang or kill."""

from pathlib import Path

import pytest
from toy_site import load, only_problem, problems_of, write

from secd.config.render import render_problem

REFUSED = [
    ("tab", "house:\n\tname: x\n", 2, 1),
    ("tab", "house:\n  name: x\nareas:\n \tx: {}\n", 4, 2),
    ("alias", "areas:\n  x: *y\n", 2, 6),
    ("anchor", "areas:\n  x: &y {}\n", 2, 6),
    ("merge_key", "areas:\n  <<: {x: {}}\n", 2, 3),
    ("tag", "house: {name: !!str x}\n", 1, 15),
    ("tag", "house: !!python/object:os.system {name: x}\n", 1, 8),
    ("duplicate_key", "house:\n  name: x\n  name: y\n", 3, 3),
    ("duplicate_key", "areas: {}\nareas: {}\n", 2, 1),
    ("second_document", "house: {name: x}\n---\nareas: {}\n", 2, 1),
    ("directive", "%YAML 1.1\n---\nhouse: {name: x}\n", 1, 1),
    ("empty_file", "# nothing yet\n", 1, 1),
    ("empty_file", "~\n", 1, 1),
    ("not_a_mapping", "- house\n", 1, 1),
    ("not_a_mapping", "house\n", 1, 1),
    ("key_not_text", "? [a, b]\n: c\n", 1, 3),
    ("empty_key", "areas: {~: {}}\n", 1, 9),
    ("syntax", "house: {name: x\n", 1, 8),
    ("syntax", "house:\n  name: 'x\n", 2, 9),
    ("syntax", "house:\n  name: a: b\n", 2, 10),
    ("syntax", "house:\n  name: @x\n", 2, 9),
    ("syntax", "house:\n  name: x\n floors: [1, 2]\n", 3, 2),
    ("syntax", 'house:\n  name: "\\q"\n', 2, 10),
    ("syntax", "größe: ü: x\n", 1, 9),
    ("unseen_character", "house: {name: a\u202eb}\n", 1, 16),
    ("unseen_character", "house: {name: a\u2028b}\n", 1, 16),
    ("unseen_character", "house: {name: \x07}\n", 1, 15),
    ("byte_order_mark", "\ufeffhouse: {name: x}\n", 1, 1),
    ("no_value", "house: {name: }\n", 1, 9),
    ("no_value", "house: {name: ~}\n", 1, 9),
    ("no_value", "formats:\n", 1, 1),
    ("no_value", "house: {name: x, floors: [1, null]}\n", 1, 30),
]


@pytest.mark.parametrize(("code", "text", "line", "column"), REFUSED)
def test_yaml_that_a_site_does_not_speak_is_refused_at_its_place(
    tmp_path: Path, code: str, text: str, line: int, column: int
) -> None:
    problem = only_problem(write(tmp_path, a=text) / "a.yaml")
    assert (problem.code, problem.line, problem.column) == (code, line, column)
    assert problem.message
    assert problem.expected


def test_text_that_is_not_utf_8_is_refused_where_it_stops_being_so(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"house:\n  name: caf\xe9\n")
    problem = only_problem(tmp_path)
    assert (problem.code, problem.line, problem.column) == ("not_utf8", 2, 12)


def test_a_line_no_person_would_write_is_refused(tmp_path: Path) -> None:
    problem = only_problem(write(tmp_path, a="house: {name: x}\nformats: [" + "H10301, " * 5000 + "]\n"))
    assert (problem.code, problem.line, problem.source_line) == ("line_too_long", 2, "")


def test_two_hundred_thousand_brackets_are_refused_and_not_walked(tmp_path: Path) -> None:
    assert only_problem(write(tmp_path, a="a: " + "[\n" * 200_000)).code == "too_deep"
    assert only_problem(write(tmp_path, a="{a:\n " * 190_000)).code == "too_deep"
    assert only_problem(write(tmp_path, a=("? " * 50 + "\n") * 4000)).code in {"too_deep", "key_not_text"}


def test_an_alias_bomb_is_refused_at_its_first_anchor(tmp_path: Path) -> None:
    text = "areas:\n  a: &a [x, x]\n" + "".join(
        f"  {this}: &{this} [{', '.join([f'*{last}'] * 9)}]\n"
        for last, this in zip("abcdefgh", "bcdefghi", strict=True)
    )
    refused = [(problem.code, problem.line) for problem in problems_of(write(tmp_path, a=text) / "a.yaml")]
    assert ("anchor", 2) in refused
    assert refused.count(("alias", 3)) == 9


def test_more_values_than_a_site_can_have_are_refused(tmp_path: Path) -> None:
    assert only_problem(write(tmp_path, a="formats: [" + "1,\n" * 250_000 + "]\n")).code == "too_many"


def test_scalars_stay_the_text_that_was_written(tmp_path: Path) -> None:
    areas = (
        "areas: {yes: {label: NO}, 0123: {label: 1_000}, true: {label: 22:30}, '~': {label: '~'}, off: {label: 0x1F}}\n"
    )
    problem = only_problem(write(tmp_path, a="house: {name: 1e3}\n" + areas))
    assert problem.message == "`~` is not a name"
    site = load(write(tmp_path, a="house: {name: 1e3}\n" + areas.replace("'~': {label: '~'}, ", "")))
    assert {name: area.label for name, area in site.values["areas"].items()} == {
        "yes": "NO", "0123": "1_000", "true": "22:30", "off": "0x1F",
    }  # fmt: skip
    assert site.values["house"].name == "1e3"


def test_nothing_where_a_mapping_is_wanted_is_an_empty_mapping(tmp_path: Path) -> None:
    site = load(write(tmp_path, a="house: {name: x}\nareas:\n  lobby:\nrules:\n"))
    assert site.values["areas"]["lobby"].within is None
    assert site.values["rules"] == {}


def test_words_for_nothing_in_quotes_are_text(tmp_path: Path) -> None:
    site = load(write(tmp_path, a="house: {name: 'null'}\n"))
    assert site.values["house"].name == "null"


def test_windows_line_ends_count_as_lines(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"house: {name: x}\r\nareas:\r\n  x: {within: y}\r\n")
    problem = only_problem(tmp_path)
    assert (problem.line, problem.column, problem.source_line) == (3, 15, "  x: {within: y}")


def test_nothing_a_file_holds_reaches_the_terminal_as_control_characters(tmp_path: Path) -> None:
    write(tmp_path, a='house: {name: x, "a\\e[31m\\nred": 1, "b\\u202ec": 2}\n')
    for problem in problems_of(tmp_path):
        assert all(character.isprintable() or character == "\n" for character in render_problem(problem))
        assert "\n" not in problem.message


def test_a_problem_shows_its_line_and_points_at_its_place(tmp_path: Path) -> None:
    problem = only_problem(write(tmp_path, a="house: {name: x}\nareas:\n  x: {restricted: yes}\n"))
    assert render_problem(problem) == (
        f"{tmp_path}/a.yaml:3:19: `yes` cannot be read\n"
        "      x: {restricted: yes}\n"
        "                      ^\n"
        "    expected: write true or false"
    )


def test_a_long_line_is_cut_around_its_place(tmp_path: Path) -> None:
    text = "house: {name: x}\nareas: {" + "".join(f"a{number}: {{}}, " for number in range(200)) + "x: {within: y}}\n"
    shown, caret = render_problem(only_problem(write(tmp_path, a=text))).splitlines()[1:3]
    assert len(shown) < 140
    assert shown[caret.index("^")] == "y"


@pytest.mark.parametrize(
    "text",
    [
        "devices:\n  d: {driver: camera, password: hunter2}\n",
        "devices:\n  d:\n    driver: camera\n    password:\n      hunter2\n",
        "devices: {d: {driver: camera, password: [hunter2]}}\n",
        "devices: {d: {driver: camera, password: {value: hunter2}}}\n",
        "devices: {d: {driver: camera, password: hunter2, since: never}}\n",
        "devices:\n  d: {driver: camera, password: hunter2\n",
        "devices:\n  d:\n    password: hunter2: x\n",
        'devices:\n  d:\n    password: "abc\n      hunter2\\q"\n',
        "devices:\n  d:\n    password: 'hunter2\n",
        "devices: {d: {driver: board, address: x, pin: hunter2}}\n",
        "devices: {d: {driver: camera, 'password': \"hunter2\"}}\n",
        "devices: {d: {driver: camera, password: !x hunter2}}\n",
        "devices: {d: {driver: camera, password: &x hunter2}}\n",
        "devices: {d: {driver: camera, password: |\n   hunter2\n   }}\n",
        "house: {name: x, api_key: hunter2}\n",
    ],
)
def test_a_secret_written_inline_is_never_printed(tmp_path: Path, text: str) -> None:
    write(tmp_path, a=text)
    for problem in problems_of(tmp_path / "a.yaml"):
        assert "hunter2" not in render_problem(problem)


def test_where_a_secret_is_may_be_printed(tmp_path: Path) -> None:
    write(tmp_path, a="devices: {d: {driver: camera, password: {file: secrets/x, credential: y}}}\n")
    assert "secrets/x" in render_problem(only_problem(tmp_path / "a.yaml"))
