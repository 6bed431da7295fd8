"""A site is the sum of its files: any number, any order, every mistake at once."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from toy_site import SECTIONS, load, only_problem, problems_of, write

from secd.config.load import load_site
from secd.config.site import site_digest
from secd.config.types import Finding, Section, Settings

HOUSE = "house: {name: court}\n"


def test_sections_spread_over_files_are_one_site(tmp_path: Path) -> None:
    site = load(write(tmp_path, a=HOUSE + "areas: {lobby: {}}\n", b="areas:\n  court: {within: lobby}\n"))
    assert set(site.values["areas"]) == {"lobby", "court"}
    assert site.values["areas"]["court"].within == "lobby"
    assert site.values["house"].name == "court"
    assert site.values["rules"] == {}
    assert site.values["formats"] is None


def test_names_of_files_do_not_matter_to_what_is_loaded(tmp_path: Path) -> None:
    one = load(write(tmp_path / "1", a=HOUSE, b="areas: {x: {within: y}, y: {}}\n"))
    two = load(write(tmp_path / "2", z=HOUSE, c="areas: {y: {}, x: {within: y}}\n"))
    assert one.values == two.values
    assert one.digest != two.digest


def test_test_files_folders_and_hidden_files_are_not_part_of_a_site(tmp_path: Path) -> None:
    write(tmp_path, a=HOUSE)
    (tmp_path / "a.test.yaml").write_text("nonsense: 1\n")
    (tmp_path / ".#a.yaml").write_text("nonsense: 1\n")
    write(tmp_path / "folder.yaml", b="nonsense: 1\n")
    assert set(load(tmp_path).files) == {"a.yaml"}


def test_a_file_that_ends_in_yml_is_a_warning_because_it_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, a=HOUSE)
    (tmp_path / "doors.yml").write_text("areas: {}\n")
    (warning,) = load(tmp_path).warnings
    assert warning.code == "not_read"
    assert "doors.yml" in warning.message


def test_digest_is_over_sorted_names_and_contents(tmp_path: Path) -> None:
    site = load(write(tmp_path, b="areas: {}\n", a=HOUSE))
    expected = hashlib.sha256()
    for part in (b"a.yaml", HOUSE.encode(), b"b.yaml", b"areas: {}\n"):
        expected.update(len(part).to_bytes(8, "big") + part)
    assert site.digest == expected.hexdigest() == site_digest(site.files)


def test_digest_tells_where_one_file_ends_and_the_next_begins() -> None:
    assert site_digest({"a": b"xb", "c": b""}) != site_digest({"a": b"x", "bc": b""})


def test_name_in_two_files_names_both_places(tmp_path: Path) -> None:
    problem = only_problem(write(tmp_path, a=HOUSE + "areas:\n  x: {}\n", b="\nareas:\n    x: {}\n"))
    assert (problem.path, problem.line, problem.column) == (str(tmp_path / "b.yaml"), 3, 5)
    assert f"{tmp_path / 'a.yaml'}:3" in problem.message


def test_single_section_in_two_files_names_both_places(tmp_path: Path) -> None:
    problem = only_problem(write(tmp_path, a=HOUSE, b=HOUSE))
    assert problem.path == str(tmp_path / "b.yaml")
    assert f"{tmp_path / 'a.yaml'}:1" in problem.message


def test_required_section_is_missed_in_a_directory_but_not_in_a_file(tmp_path: Path) -> None:
    problem = only_problem(write(tmp_path, a="areas: {}\n"))
    assert problem.code == "missing_section"
    assert load(tmp_path / "a.yaml").values["house"] is None


def test_one_file_alone_does_not_miss_names_of_sections_it_does_not_hold(tmp_path: Path) -> None:
    write(tmp_path, a="rules: {r: {who: [clerks], when: nights, mode: card}}\n")
    assert load(tmp_path / "a.yaml").values["rules"]["r"].who == ("clerks",)
    assert {problem.code for problem in problems_of(tmp_path)} == {"missing_section", "unresolved"}


def test_one_file_alone_still_misses_names_of_sections_it_holds(tmp_path: Path) -> None:
    write(tmp_path, a="groups: {}\nrules: {r: {who: [clerks], when: nights, mode: card}}\n")
    assert only_problem(tmp_path / "a.yaml").message.startswith("`clerks`")


def test_all_mistakes_of_all_files_come_in_one_run(tmp_path: Path) -> None:
    broken = write(tmp_path, a=HOUSE + "areas: {x: {restricted: yes}, y: {lable: b}}\n", b="groups: {1 2: {}}\n")
    assert [(Path(problem.path).name, problem.line, problem.code) for problem in problems_of(broken)] == [
        ("a.yaml", 2, "wrong_value"),
        ("a.yaml", 2, "unknown_key"),
        ("b.yaml", 1, "wrong_name"),
    ]


def test_a_torn_file_does_not_make_names_elsewhere_look_unknown(tmp_path: Path) -> None:
    problem = only_problem(write(tmp_path, a=HOUSE + "areas: {x: {within: lobby}}\n", b="areas:\n  lobby: {\n"))
    assert Path(problem.path).name == "b.yaml"


def test_a_misspelt_section_is_the_only_mistake_told(tmp_path: Path) -> None:
    problem = only_problem(write(tmp_path, a=HOUSE + "areas: {x: {within: lobby}}\n", b="aereas:\n  lobby: {}\n"))
    assert problem.message == "unknown section `aereas`; did you mean `areas`?"


def test_checks_run_when_what_they_need_is_sound(tmp_path: Path) -> None:
    text = HOUSE + "devices: {d: {driver: board, address: x}}\npoints:\n  bench: {input: d/1}\n"
    problem = only_problem(write(tmp_path, a=text))
    assert (problem.line, problem.column, problem.code) == (4, 3, "unheard")


def test_a_check_stays_silent_when_what_it_needs_has_mistakes(tmp_path: Path) -> None:
    text = (
        HOUSE
        + "devices: {d: {driver: board, address: x}}\npoints: {bench: {input: d/1}}\nalarms: {a: {silent: maybe}}\n"
    )
    assert only_problem(write(tmp_path, a=text)).code == "wrong_value"


def test_a_check_stays_silent_when_what_it_needs_is_in_files_not_given(tmp_path: Path) -> None:
    write(tmp_path, a="points: {bench: {input: d/1}}\n")
    assert load(tmp_path / "a.yaml").warnings == ()


def test_a_warning_does_not_keep_a_site_from_loading(tmp_path: Path) -> None:
    (warning,) = load(write(tmp_path, a=HOUSE + "areas:\n  attic: {label: lost}\n")).warnings
    assert (warning.line, warning.column, warning.severity, warning.code) == (3, 3, "warning", "nowhere")


def test_places_are_found_again(tmp_path: Path) -> None:
    site = load(write(tmp_path, a=HOUSE, b="areas:\n  lobby:\n    label: Lobby\n"))
    assert site.locate(("areas", "lobby", "label")) == ("b.yaml", 3, 12)
    assert site.locate(("areas", "lobby")) == ("b.yaml", 2, 3)
    assert site.locate(("areas", "lobby", "within")) == ("b.yaml", 2, 3)
    assert site.locate(("nowhere",)) == ("", 1, 1)


def test_empty_directory_and_missing_path_are_problems(tmp_path: Path) -> None:
    assert only_problem(tmp_path).code == "no_files"
    assert only_problem(tmp_path / "nothing").code == "unreadable"


def test_a_pipe_named_like_a_file_is_refused_and_does_not_hang(tmp_path: Path) -> None:
    write(tmp_path, a=HOUSE)
    os.mkfifo(tmp_path / "b.yaml")
    assert only_problem(tmp_path).code == "unreadable"


def test_too_large_a_file_is_refused(tmp_path: Path) -> None:
    write(tmp_path, a=HOUSE + "#" * 1_000_001)
    assert only_problem(tmp_path).code == "too_large"


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    write(tmp_path, **{f"f{number}": "areas: {}\n" for number in range(501)})
    assert "too_many" in {problem.code for problem in problems_of(tmp_path)}


def test_too_much_in_all_is_refused(tmp_path: Path) -> None:
    write(tmp_path, **{f"f{number}": "#" * 19_000 + "\n" + "#\n" * 470_000 for number in range(21)})
    assert "too_large" in {problem.code for problem in problems_of(tmp_path)}


ENDLESS = {
    "unknown sections": "".join(f"a{number}: 1\n" for number in range(20_000)),
    "unknown keys": "areas:\n" + "".join(f" a{number}: {{x: 1}}\n" for number in range(20_000)),
    "unknown names": "areas:\n" + "".join(f" a{number}: {{within: b{number}}}\n" for number in range(20_000)),
    "unknown forms": "alarms: {a: {do: [" + ",\n".join(["{foo: 1}"] * 20_000) + "]}}\n",
    "duplicate keys": "areas:\n" + " a: {}\n" * 20_000,
    "nothing": "formats: [" + ",\n".join(["~"] * 20_000) + "]\n",
    "tags": "formats: [" + ",\n".join(["!t x"] * 20_000) + "]\n",
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_endless_mistakes_of_any_kind_are_cut_and_not_all_looked_at(tmp_path: Path, kind: str) -> None:
    assert 500 <= len(problems_of(write(tmp_path, a=HOUSE + ENDLESS[kind]))) <= 501


def test_endless_problems_end_with_a_count(tmp_path: Path) -> None:
    many = "".join(f"  a{number}: {{within: b{number}}}\n" for number in range(700))
    problems = problems_of(write(tmp_path, a=HOUSE + "areas:\n" + many))
    assert len(problems) == 501
    assert problems[-1].message == "and 200 more"


def test_values_cannot_be_changed(tmp_path: Path) -> None:
    site = load(write(tmp_path, a=HOUSE))
    with pytest.raises(AttributeError):
        site.digest = "other"  # type: ignore[misc]
    with pytest.raises(ValueError, match="frozen"):
        site.values["house"].name = "other"


class Nothing(Settings):
    pass


def test_a_check_that_asks_for_an_unsound_section_by_get_is_left_out_too(tmp_path: Path) -> None:
    def check(values: Mapping[str, Any]) -> list[Finding]:
        values.get("areas", {})
        return [Finding(path=("extra",), message="asked")]

    sections = (*SECTIONS, Section(key="extra", model=Nothing, check=check))
    write(tmp_path, a="areas: {x: {restricted: 1}}\nextra: {}\n")
    with pytest.raises(Exception, match="1 problem"):
        load_site(tmp_path / "a.yaml", sections)
