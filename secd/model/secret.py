"""Values that must not be read over a shoulder: they print masked, whatever prints them."""

from dataclasses import dataclass


class Secret:
    """A password or key. `reveal()` is the only way to the text; str, repr and format show bullets."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one call that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(••••)"

    def __str__(self) -> str:
        return "••••"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CardBits:
    """The bits a reader sent, first bit on the wire first: `bit_count` bits, right-aligned in `value`."""

    bit_count: int
    value: int

    def __repr__(self) -> str:
        return f"CardBits(bit_count={self.bit_count}, value=••••)"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CardNumber:
    """A decoded card: its format's name, facility code where the format has one, and the number."""

    format: str
    facility: int | None
    number: int

    @property
    def masked(self) -> str:
        """The last four digits, as people may see them."""
        return f"••••{self.number % 10000:04d}"

    def __repr__(self) -> str:
        return f"CardNumber(format={self.format!r}, {self.masked})"
