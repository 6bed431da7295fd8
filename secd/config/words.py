"""Words for mistakes: what was written, what was meant, and what a person wrote instead of a mapping or a list.

Quotes are cut short, and nothing near a secret's key is quoted at all.
"""

import difflib
from collections.abc import Iterable
from itertools import islice

from secd.config.source import is_secret_key
from secd.config.tree import SECRET_PLACES, Branch, Listing, Node, Scalar

QUOTED_MAX = 60
GUESS_LENGTH_MAX = 64
GUESS_AMONG_MAX = 2000


def quote(text: str) -> str:
    """A text between backticks, cut where it grows long."""
    return f"`{text}`" if len(text) <= QUOTED_MAX else f"`{text[:QUOTED_MAX]}...`"


def guess(written: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, or "". Bounded: guessing costs time in both lengths."""
    if len(written) > GUESS_LENGTH_MAX:
        return ""
    folded = {word.casefold(): word for word in islice(known, GUESS_AMONG_MAX) if len(word) <= GUESS_LENGTH_MAX}
    near = difflib.get_close_matches(written.casefold(), folded, n=1, cutoff=0.6)
    return folded[near[0]] if near else ""


def did_you_mean(written: str, known: Iterable[str]) -> str:
    """`; did you mean ...?`, or nothing."""
    meant = guess(written, known)
    return f"; did you mean `{meant}`?" if meant else ""


def kind_of(node: Node) -> str:
    """What stands there, in a word or two."""
    match node:
        case Branch():
            return "a mapping"
        case Listing():
            return "a list"
        case _:
            return "a text"


def said(node: Node, path: tuple[str | int, ...]) -> str:
    """The text at a place, quoted, or what stands there; a secret is never quoted."""
    if not isinstance(node, Scalar):
        return kind_of(node)
    keys = [step for step in path[-3:] if isinstance(step, str)]
    if keys and keys[-1] not in SECRET_PLACES and any(is_secret_key(key) for key in keys[-2:]):
        return "this value"
    return quote(node.text)
