"""Which configuration runs: the files on disk if they are right, else the last good generation.

In: the site's directory and the kept generations. Out: a `Chosen`, or `ConfigError` where there was never a good one. A
reload goes through `Edits`, which refuses a dangerous edit (S18) until a second operator approves the very same files.
"""

from dataclasses import dataclass

from secd.app.places import Places
from secd.config.edits import Edit, dangerous_edits
from secd.config.generations import Generations
from secd.config.load import LoadedSite, load_site
from secd.config.render import render_problem
from secd.config.types import Section
from secd.model.entry import Answer
from secd.model.errors import ConfigError, Problem
from secd.model.names import Digest

PROBLEMS_TOLD_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What to run, and what was wrong with the files on disk if it is not they."""

    site: LoadedSite
    problems: tuple[Problem, ...] = ()


def choose_configuration(places: Places, sections: tuple[Section, ...], generations: Generations) -> Chosen:
    """The files on disk, else the last good generation; raises `ConfigError` if there is neither."""
    try:
        return Chosen(site=load_site(places.site, sections))
    except ConfigError as error:
        kept = generations.last_good()
        if kept is None:
            raise
        return Chosen(site=load_site(kept, sections), problems=error.problems)


def tell_problems(problems: tuple[Problem, ...]) -> str:
    """The first few problems in full, and how many more there are."""
    told = "\n".join(render_problem(problem) for problem in problems[:PROBLEMS_TOLD_MAX])
    more = len(problems) - PROBLEMS_TOLD_MAX
    return told if more <= 0 else f"{told}\nand {more} more: run `secd check`"


class Edits:
    """Remembers the one dangerous edit that waits for its second operator."""

    def __init__(self) -> None:
        self._waiting: tuple[Digest, str] | None = None

    def refusal(self, running: LoadedSite, coming: LoadedSite, operator: str, approve: str) -> Answer | None:
        """Why `operator` may not make `coming` the running site now; None if they may."""
        edits = dangerous_edits(running, coming)
        if not edits:
            return None
        if approve and self._waiting is not None and approve == self._waiting[0] == coming.digest:
            first = self._waiting[1]
            if first == operator:
                return Answer(
                    done=False, code="same_operator", detail="another operator than you must approve this edit"
                )
            self._waiting = None
            return None
        self._waiting = (coming.digest, operator)
        return Answer(done=False, code="needs_second_operator", detail=_ask_second(edits, coming.digest))


def _ask_second(edits: tuple[Edit, ...], digest: Digest) -> str:
    listed = "\n".join(f"  - {edit.what} {edit.section} {edit.name} {', '.join(edit.keys)}".rstrip() for edit in edits)
    return (
        f"these edits are dangerous and need a second operator:\n{listed}\n"
        f"nothing has changed; another operator approves them by: secd reload --approve {digest} --reason ..."
    )
