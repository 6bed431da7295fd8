"""Every mistake in people's words, at its place, once."""

from pathlib import Path

import pytest
from toy_site import only_problem, problems_of, write

RULE = "who: [g], when: always, mode: card"

EXPLAINED = [
    ("areas: {x: {restricted: ▸yes}}",
     "`yes` cannot be read", "write true or false"),
    ("areas: {x: {▸restricted: }}",
     "no value", "true or false"),
    ("areas: {x: {▸restrictd: true}}",
     "unknown key `restrictd`; did you mean `restricted`?", "`restricted`"),
    ("areas: {x: {▸colour: red}}",
     "unknown key `colour`", "`within`"),
    ("areas: {x: ▸lobby}",
     "a text does not fit here", "a mapping with `within`"),
    ("areas: {▸x: [lobby]}",
     "a list does not fit here", "a mapping with"),
    ("▸areas: [x]",
     "a list does not fit here", "names with their settings"),
    ("areas: {▸'a b': {}}",
     "`a b` is not a name", "letters, digits"),
    ("areas: {x: {label: ▸''}}",
     "`` does not fit here", "at least 1 characters"),
    ("areas: {x: {label: ▸\"a\\nb\"}}",
     "`a␊b` cannot be read", "one line"),
    ("rules: {r: {who: [g], when: always, mode: card, hold: ▸5}}",
     "`5` cannot be read", "5s"),
    ("rules: {r: {who: [g], when: always, mode: card, hold: ▸0s}}",
     "`0s` does not fit here", "more than 0"),
    ("rules: {r: {who: [g], when: always, mode: card, ▸hold: [5s]}}",
     "a list does not fit here", "a duration"),
    ("rules: {r: {who: ▸g, when: always, mode: card}}",
     "a text does not fit here", "a list"),
    ("rules: {r: {who: [g], when: always, mode: ▸crad}}",
     "`crad` is not a choice here; did you mean `card`?", "`card`, `card_and_pin`"),
    ("rules: {▸r: {who: [g], when: always}}",
     "missing key `mode`", "`card`, `card_and_pin`"),
    ("rules: {r: {who: [g], when: always, mode: card, per_area: {x: ▸two}}}",
     "`two` cannot be read", "digits"),
    ("rules: {r: {who: [g], ▸when: [always], mode: card}}",
     "a list does not fit here", "`schedules`"),
    ("rules: {r: {who: [g], when: {▸nt: x}, mode: card}}",
     "unknown key `nt`; did you mean `not`?", "`not`"),
    ("rules: {r: {who: [g], ▸when: {}, mode: card}}",
     "missing key `not`", "`schedules`"),
    ("devices: {d: {driver: ▸bord, address: x}}",
     "unknown driver `bord`; did you mean `board`?", "`board`, `camera`"),
    ("devices: {▸d: {address: x}}",
     "missing key `driver`", "`board`, `camera`"),
    ("devices: {▸d: {driver: board}}",
     "missing key `address`", "a text"),
    ("devices: {d: {driver: board, ▸adress: x}}",
     "unknown key `adress`; did you mean `address`?", "`address`"),
    ("devices: {d: ▸board}",
     "a text does not fit here", "a mapping with"),
    ("devices: {d: {driver: camera, password: ▸x}}",
     "a secret is never written in the configuration", "{file: PATH}"),
    ("devices: {d: {driver: camera, ▸password: {}}}",
     "a secret is named by exactly one of credential, file, environment", ""),
    ("devices: {d: {driver: camera, password: {file: a}, at: ▸24:61}}",
     "`24:61` cannot be read", "HH:MM"),
    ("devices: {d: {driver: camera, password: {file: a}, since: ▸2026-02-30}}",
     "`2026-02-30` cannot be read", "must exist"),
    ("devices: {d: {driver: board, address: x, pin: ▸12a}}",
     "this value does not fit here", "digits"),
    ("points: {p: {input: ▸d/0}}",
     "`d/0` does not fit here", "`device/number`"),
    ("house: {name: x, ▸floors: [1]}",
     "the list is too short", "a list of 2"),
    ("house: {name: x, ▸floors: [1, 2, 3]}",
     "a list does not fit here", "at most 2"),
    ("house: ▸x",
     "a text does not fit here", "a mapping with `name`"),
    ("▸formats: {a: b}",
     "a mapping does not fit here", "a list"),
    ("cards: {c: {▸formt: H}}",
     "`formt` is not a choice here; did you mean `format`?", "`format`"),
    ("▸huose: {name: x}",
     "unknown section `huose`; did you mean `house`?", "`house`"),
    ("alarms: {a: {do: [{snapshot: {cameras: ▸of_the_dor}}]}}",
     "`of_the_dor` is not a choice here; did you mean `of_the_door`?", "`of_the_door`"),
    ("alarms: {a: {do: [{snapshot: {▸camera: of_the_door}}]}}",
     "unknown key `camera`; did you mean `cameras`?", "`cameras`"),
    ("alarms: {a: {do: [{▸snapshoot: {cameras: of_the_door}}]}}",
     "unknown key `snapshoot`; did you mean `snapshot`?", "`snapshot`"),
    ("alarms: {a: {do: [{▸record: {}}]}}",
     "unknown key `record`", "one of `snapshot`, `set_threat_level`"),
    ("alarms: {a: {do: [▸{}]}}",
     "a key is missing", "one of `snapshot`, `set_threat_level`"),
    ("alarms: {a: {do: [▸snapshot]}}",
     "`snapshot` does not fit here", "a mapping with `snapshot`"),
    ("alarms: {a: {do: [{set_threat_level: {level: ▸'a b'}}]}}",
     "`a b` does not fit here", "letters, digits"),
]  # fmt: skip
"""A site with the mistake's place marked, what is said, words of what was expected."""


@pytest.mark.parametrize(("marked", "message", "expected"), EXPLAINED)
def test_a_mistake_is_told_once_at_its_place_in_words(tmp_path: Path, marked: str, message: str, expected: str) -> None:
    problem = only_problem(write(tmp_path, a=marked.replace("▸", "") + "\n") / "a.yaml")
    assert (problem.line, problem.column, problem.message) == (1, marked.index("▸") + 1, message)
    assert expected in problem.expected


def test_every_mistake_of_one_mapping_is_told(tmp_path: Path) -> None:
    text = "rules:\n  r:\n    whom: [g]\n    mode: crd\n    hold: 5\n"
    problems = problems_of(write(tmp_path, a=text) / "a.yaml")
    assert [(problem.line, problem.message) for problem in problems] == [
        (2, "missing key `when`"),
        (3, "unknown key `whom`; did you mean `who`?"),
        (4, "`crd` is not a choice here; did you mean `card`?"),
        (5, "`5` cannot be read"),
    ]


def test_a_refused_value_is_not_complained_of_twice(tmp_path: Path) -> None:
    problem = only_problem(write(tmp_path, a="rules: {r: {who: *all, when: always, mode: card}}\n") / "a.yaml")
    assert problem.code == "alias"


def test_a_very_long_text_is_quoted_short(tmp_path: Path) -> None:
    problem = only_problem(write(tmp_path, a=f"areas: {{x: {{restricted: {'y' * 5000}}}}}\n") / "a.yaml")
    assert len(problem.message) < 100
