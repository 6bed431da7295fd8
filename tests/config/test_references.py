"""A name must be the name of something: wherever a settings class says so, after all files are read."""

from pathlib import Path

from toy_site import load, only_problem, problems_of, write

HOUSE = "house: {name: court}\n"
BASE = HOUSE + "groups: {clerks: {}}\nschedules: {office: {mon: x}}\nareas: {lobby: {}}\n"


def test_an_unknown_name_is_told_where_it_stands_with_the_one_that_was_meant(tmp_path: Path) -> None:
    problem = only_problem(write(tmp_path, a=BASE, b="rules:\n  r: {who: [clerks, clrks], when: office, mode: card}\n"))
    assert (problem.line, problem.column, problem.code) == (2, 21, "unresolved")
    assert problem.message == "`clrks` is not a name in `groups`; did you mean `clerks`?"
    assert problem.expected == "one of clerks"


def test_names_in_keys_models_and_unions_are_resolved(tmp_path: Path) -> None:
    rules = "rules:\n  r:\n    who: []\n    when: {not: ofice}\n    mode: card\n    per_area: {loby: 1, lobby: 2}\n"
    assert [(problem.line, problem.column) for problem in problems_of(write(tmp_path, a=BASE, b=rules))] == [
        (4, 17),
        (6, 16),
    ]


def test_built_in_names_need_not_be_written(tmp_path: Path) -> None:
    load(write(tmp_path, a=BASE, b="rules: {r: {who: [clerks], when: always, mode: card, per_area: {outside: 1}}}\n"))


def test_names_of_an_entry_with_other_mistakes_are_resolved_too(tmp_path: Path) -> None:
    rules = "rules:\n  r: {who: [clrks], when: always, mode: nothing}\n"
    assert {problem.code for problem in problems_of(write(tmp_path, a=BASE, b=rules))} == {"unresolved", "wrong_value"}


def test_an_entry_with_mistakes_still_has_a_name(tmp_path: Path) -> None:
    problem = only_problem(
        write(tmp_path, a=HOUSE, b="areas:\n  lobby: {restricted: maybe}\n  inner: {within: lobby}\n")
    )
    assert problem.line == 2


def test_the_device_of_a_point_must_exist(tmp_path: Path) -> None:
    base = HOUSE + "devices: {board: {driver: board, address: x}}\nalarms: {a: {panic: [p, q]}}\n"
    load(write(tmp_path / "good", a=base, b="points: {p: {input: board/3}, q: {input: board}}\n"))
    problem = only_problem(write(tmp_path / "bad", a=base, b="points: {p: {input: bord/3}, q: {input: board}}\n"))
    assert problem.message == "`bord` is not a name in `devices`; did you mean `board`?"


def test_a_choice_beside_names_is_not_a_name(tmp_path: Path) -> None:
    base = HOUSE + "devices: {cam: {driver: camera, password: {file: x}}}\n"
    load(write(tmp_path / "good", a=base, b="alarms: {a: {do: [{snapshot: {cameras: of_the_door}}]}}\n"))
    load(write(tmp_path / "named", a=base, b="alarms: {a: {do: [{snapshot: {cameras: [cam]}}]}}\n"))
    bad = write(tmp_path / "bad", a=base, b="alarms: {a: {do: [{snapshot: {cameras: [cm]}}]}}\n")
    assert (only_problem(bad).column, only_problem(bad).code) == (41, "unresolved")


def test_the_texts_of_a_list_section_are_names(tmp_path: Path) -> None:
    load(write(tmp_path / "good", a=HOUSE + "formats: [H10301]\ncards: {c: {format: H10301}}\n"))
    problem = only_problem(write(tmp_path / "bad", a=HOUSE + "formats: [H10301]\ncards: {c: {format: H10302}}\n"))
    assert "did you mean `H10301`" in problem.message


def test_a_name_from_a_section_nobody_wrote_is_unknown_in_a_directory(tmp_path: Path) -> None:
    problem = only_problem(write(tmp_path, a=HOUSE + "rules: {r: {who: [x], when: always, mode: card}}\n"))
    assert problem.expected == "`groups` with names in it"
