"""`secd commission`: a technician tries a door or a panic point, point by point, and signs for it.

In: the steps as the daemon gives them, answers from a terminal, a pipe or a file. Out: what was seen, line by line. It
decides nothing: the daemon watches the points and puts every step on record, so it can be gone on with at any time.
"""

import csv
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from secd.cli.client import get, json_option, post, segment, socket_option
from secd.cli.printing import local_time, print_json, print_table, visible

COLUMNS = (("TARGET", "target"), ("KIND", "kind"), ("STATE", "state"), ("COMMISSIONED", "line"))
EXPORTED = ("target", "step", "result", "at", "technician", "operator", "how", "said", "skipped", "event")
ALARMS = "Alarms raise as always while it is tried: tell the station before you begin."
FAILED = 1
Ask = Callable[[str], str]


@click.command()
@click.argument("target", required=False)
@click.option("--technician", help="Your name, as it is signed with.")
@click.option("--answers", type=click.File("r"), help="Answers, one a line, instead of the terminal.")
@click.option("--again", is_flag=True, help="Try every step anew, also those that passed.")
@click.option("--time-limit", type=click.FloatRange(1, 300), help="Seconds that each step is waited for.")
@click.option("--export", type=click.Choice(["csv", "json"]), help="Print every step on record, a row each.")
@json_option
@socket_option
def commission(socket_path: Path, target: str | None, *, as_json: bool, export: str | None, **how: Any) -> None:
    """Try TARGET, a door or a panic point, by hand and point by point; without TARGET, list what is commissioned.

    \b
    Every step says what to do, then waits until the inputs show it. A step that fails can be tried again, skipped
    with a reason, or left: the command goes on where it stopped.
    """
    if export is not None:
        _export(get(socket_path, "/v1/commission-records")["records"], export)
    elif target is None:
        answer = get(socket_path, "/v1/commission")
        if as_json:
            print_json(answer)
        else:
            print_table(COLUMNS, answer["targets"], empty="this site has nothing to commission")
    elif as_json:
        print_json(get(socket_path, f"/v1/commission/{segment(target)}"))
    else:
        _Trial(socket_path, target, **how).run()


class _Trial:
    """One sitting at one target."""

    def __init__(
        self,
        socket_path: Path,
        target: str,
        *,
        technician: str | None,
        answers: Any,
        again: bool,
        time_limit: float | None,
    ) -> None:
        self._socket = socket_path
        self._where = f"/v1/commission/{segment(target)}"
        self._target = target
        self._ask = _terminal() if answers is None else _from_file(answers)
        self._again = again
        self._limit_s = time_limit
        self._plan = get(socket_path, self._where)
        self._mark = int(self._plan["mark"])
        self._technician = technician or self._ask("Your name")

    def run(self) -> None:
        """Every step that is left, then the signature."""
        steps = self._plan["steps"]
        click.echo(f"{visible(self._target)}, {self._plan['kind']}: {len(steps)} steps. {ALARMS}")
        failed = [step["step"] for number, step in enumerate(steps, 1) if not self._try(number, len(steps), step)]
        if failed:
            click.echo(f"{visible(self._target)} is not commissioned: {', '.join(failed)} failed")
            sys.exit(FAILED)
        self._post("complete", {"technician": self._technician})
        done = get(self._socket, self._where)
        click.echo(f"{visible(self._target)}: {visible(done['state'])}, {visible(done['line'])}")

    def _try(self, number: int, count: int, step: dict[str, Any]) -> bool:
        """One step until it passed, was skipped or is left as failed."""
        head = f"{number}/{count} {step['step']}"
        record = step["record"]
        if record is not None and record["result"] != "failed" and not self._again:
            click.echo(f"{head}: {record['result']} {local_time(record['at'])} by {visible(record['technician'])}")
            return True
        while True:
            click.echo(f"{head}: {step['says']}")
            result = self._once(step)
            click.echo(f"    {result['result']}: {visible(result['said'])}")
            if result["result"] != "failed":
                return True
            match self._choose("again, skip or leave"):
                case "again":
                    self._mark = int(get(self._socket, self._where)["mark"])
                case "skip":
                    body = {"technician": self._technician, "reason": self._ask("Why is it skipped?")}
                    click.echo(f"    skipped: {visible(self._step(step, 'skip', body)['said'])}")
                    return True
                case _:
                    return False

    def _once(self, step: dict[str, Any]) -> dict[str, Any]:
        """Watch, and ask the person where the step asks."""
        if step["watched"]:
            body = {"technician": self._technician, "since": self._mark, "limit_s": self._limit_s}
            seen = self._step(step, "watch", body)
            if seen["result"] != "asked":
                return seen
            click.echo(f"    seen: {visible(seen['said'])}")
        yes = self._choose(f"{step['asks']} yes or no") == "yes"
        return self._step(step, "answer", {"technician": self._technician, "yes": yes})

    def _step(self, step: dict[str, Any], verb: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self._post(f"steps/{segment(step['step'])}/{verb}", body)
        self._mark = int(answer["mark"])
        return answer

    def _post(self, where: str, body: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = post(self._socket, f"{self._where}/{where}", body, answer_s_max=None)
        return answer

    def _choose(self, question: str) -> str:
        """One of the words the question names, which may be shortened."""
        words = question.replace(",", "").split()[-4:]
        while True:
            answer = self._ask(question).strip().lower()
            for word in ("yes", "no", "again", "skip", "leave"):
                if answer and word in words and word.startswith(answer):
                    return word


def _terminal() -> Ask:
    def ask(question: str) -> str:
        click.echo(f"  ? {question}: ", nl=False)
        line = sys.stdin.readline()
        if not line:
            click.echo("")
            click.echo(
                "secd: the answers ended; what was tried is on record, and the same command goes on with it", err=True
            )
            sys.exit(FAILED)
        if not sys.stdin.isatty():
            click.echo(line.strip())
        return line.strip()

    return ask


def _from_file(lines: Iterator[str]) -> Ask:
    def ask(question: str) -> str:
        line = next(lines, None)
        if line is None:
            click.echo(
                "secd: the answers ended; what was tried is on record, and the same command goes on with it", err=True
            )
            sys.exit(FAILED)
        click.echo(f"  ? {question}: {line.strip()}")
        return line.strip()

    return ask


def _export(rows: list[dict[str, Any]], form: str) -> None:
    if form == "json":
        print_json(rows)
        return
    writer = csv.DictWriter(sys.stdout, EXPORTED, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _cell(row[key]) for key in EXPORTED})


def _cell(value: Any) -> str:
    """As text that a spreadsheet takes for no formula."""
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
