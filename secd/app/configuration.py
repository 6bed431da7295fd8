"""Which configuration runs: the files on disk if they are right, else the last good generation.

In: the site's directory and the kept generations. Out: a `Chosen`, or `ConfigError` where there was never a good one. A
reload goes through `Edits`, which refuses a dangerous edit (S18) until a second operator approves the very same files.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

from secd.app.places import Places
from secd.config.edits import Edit, dangerous_edits
from secd.config.generations import Generations, NotKept
from secd.config.load import LoadedSite, load_site
from secd.config.render import render_problem
from secd.config.types import Section
from secd.model.entry import Answer
from secd.model.errors import ConfigError, Problem
from secd.model.names import Digest

_log = logging.getLogger(__name__)
PROBLEMS_TOLD_MAX = 5
SIGNALLED = "systemd"
"""Who a reload by signal is from: nobody in person, so it counts as neither of two operators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What to run, and what was wrong with the files on disk if it is not they."""

    site: LoadedSite
    problems: tuple[Problem, ...] = ()


def choose_configuration(places: Places, sections: tuple[Section, ...], generations: Generations) -> Chosen:
    """The files on disk, else the last good generation; raises `ConfigError` if there is neither.

    A restart is no way around a second operator: a dangerous edit that nobody approved waits, and what ran before runs.
    """
    kept = _last_good(generations)
    try:
        on_disk = load_site(places.site, sections)
    except ConfigError as error:
        if kept is None:
            raise
        return Chosen(site=load_site(kept, sections), problems=error.problems)
    before = None if kept is None else _reload_kept(kept, sections)
    edits = () if before is None else dangerous_edits(before, on_disk)
    if before is None or not edits or _approved(places) == on_disk.digest:
        return Chosen(site=on_disk)
    return Chosen(site=before, problems=(_unapproved(places, edits),))


def note_approval(places: Places, digest: Digest) -> None:
    """Two operators approved this edit, and it takes a restart. Raises OSError when it cannot be noted."""
    written = places.approved.with_suffix(".new")
    written.write_text(digest)
    written.replace(places.approved)


def _approved(places: Places) -> str:
    try:
        return places.approved.read_text().strip()
    except OSError:
        return ""


def _reload_kept(kept: Path, sections: tuple[Section, ...]) -> LoadedSite | None:
    try:
        return load_site(kept, sections)
    except ConfigError as error:
        # Another version of secd kept it: what it says cannot be compared.
        _log.error("the last configuration cannot be read any more", extra={"problems": len(error.problems)})
        return None


def _unapproved(places: Places, edits: tuple[Edit, ...]) -> Problem:
    listed = "; ".join(f"{edit.what} {edit.section} {edit.name}" for edit in edits)
    return Problem(
        path=str(places.site),
        line=1,
        column=1,
        message=f"edited while secd was down, and two operators must approve it (S18): {listed}",
        expected="`secd reload`, approved by a second operator",
        code="dangerous_edit_unapproved",
    )


def _last_good(generations: Generations) -> Path | None:
    try:
        return generations.last_good()
    except NotKept as error:
        _log.error("the kept configurations cannot be read", extra={"reason": str(error)})
        return None


def tell_problems(problems: tuple[Problem, ...]) -> str:
    """The first few problems in full, mistakes before warnings, and how many more there are."""
    worst_first = sorted(problems, key=lambda problem: problem.severity != "error")
    told = "\n".join(render_problem(problem) for problem in worst_first[:PROBLEMS_TOLD_MAX])
    more = len(problems) - PROBLEMS_TOLD_MAX
    return told if more <= 0 else f"{told}\nand {more} more: run `secd check`"


class Edits:
    """Remembers the one dangerous edit that waits for its second operator."""

    def __init__(self) -> None:
        self._waiting: tuple[Digest, str] | None = None
        self.asked_by = ""
        """Who asked for the edit that was approved last; it is put on record with who approved it."""

    def refusal(self, running: LoadedSite, coming: LoadedSite, operator: str, approve: str) -> Answer | None:
        """Why `operator` may not make `coming` the running site now; None if they may."""
        self.asked_by = ""
        edits = dangerous_edits(running, coming)
        if not edits:
            return None
        if approve and approve != coming.digest:
            detail = "the files are not those that you approve: they were edited since; read them, then reload anew"
            return Answer(done=False, code="other_files", detail=detail)
        asked = self._waiting if self._waiting is not None and self._waiting[0] == coming.digest else None
        if approve and asked is not None:
            if asked[1] == operator:
                return Answer(
                    done=False, code="same_operator", detail="another operator than you must approve this edit"
                )
            self._waiting, self.asked_by = None, asked[1]
            return None
        if operator != SIGNALLED:
            self._waiting = (coming.digest, operator)
        return Answer(done=False, code="needs_second_operator", detail=_ask_second(edits, coming.digest))


def _ask_second(edits: tuple[Edit, ...], digest: Digest) -> str:
    listed = "\n".join(f"  - {edit.what} {edit.section} {edit.name} {', '.join(edit.keys)}".rstrip() for edit in edits)
    return (
        f"these edits are dangerous and need a second operator:\n{listed}\n"
        f"nothing has changed; another operator approves them by: secd reload --approve {digest} --reason ..."
    )
