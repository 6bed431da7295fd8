"""A technician at the command line: reads what `secd commission` prints, does it at the simulated site, answers what it asks."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from simulators.demo.daemon import program
from tests.guarded import Guarded

TRIAL_S_MAX = 90.0
Deed = Callable[[], object]
MASK = (
    (re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}"), "YYYY-MM-DD HH:MM:SS"),
    (re.compile(r"\d{4}-\d{2}-\d{2}"), "YYYY-MM-DD"),
)
NAME = "R. Fitter"


class Technician:
    """`deeds` are done when the step is printed whose name they bear, of a list one at each try. `answers` are typed to
    the questions of a step, in order.
    """

    def __init__(
        self, site: Guarded, *, deeds: Mapping[str, Deed | list[Deed]], answers: Mapping[str, list[str]] | None = None
    ) -> None:
        self._site = site
        self._deeds = deeds
        self._answers = {step: list(typed) for step, typed in (answers or {}).items()}
        self._step = ""
        self.printed = ""

    async def commission(self, target: str, *words: str) -> int:
        """Sit through it; returns the exit code."""
        process = await asyncio.create_subprocess_exec(
            str(program("secd")), "commission", target, "--technician", NAME, *words, "--socket", str(self._site.daemon.socket),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdin is not None
        line = ""
        async with asyncio.timeout(TRIAL_S_MAX):
            while piece := await process.stdout.read(1):
                self.printed += piece.decode()
                line += piece.decode()
                if line.startswith("  ? ") and line.endswith(": "):
                    process.stdin.write(f"{self._answers[self._step].pop(0)}\n".encode())
                if line.endswith("\n"):
                    await self._heed(line)
                    line = ""
            return await process.wait()

    async def _heed(self, line: str) -> None:
        said = re.match(r"\d+/\d+ (\w+): (?!passed|skipped)", line)
        if said is None:
            return
        self._step = said[1]
        deed = self._deeds.get(self._step)
        if isinstance(deed, list):
            deed = deed.pop(0)
        if deed is not None:
            done = deed()
            if isinstance(done, Awaitable):
                await done


def masked(printed: str) -> str:
    """What was printed, with days and times taken out."""
    for pattern, word in MASK:
        printed = pattern.sub(word, printed)
    return printed


def in_the_docs(command: str) -> str:
    """What docs/commissioning.md shows below `$ command`."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "commissioning.md").read_text()
    shown = page.partition(f"$ {command}\n")[2].partition("```")[0]
    return shown.partition("\n$ ")[0].rstrip("\n") + "\n"
