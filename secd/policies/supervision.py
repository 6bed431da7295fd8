"""How a wired input is supervised, as an administrator writes it: for panic points and fire zones."""

from typing import Annotated, Literal

from pydantic import Field

from secd.config.types import Settings, Whole


class Supervision(Settings):
    """How a cut or shorted line is told from a quiet one."""

    kind: Literal["end_of_line", "none"]
    ohms: Annotated[Whole, Field(gt=0)] | None = None
