"""What the readers of this room share: how to read, what one picture is, and what comes out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pryproof.records import Samples

# Of everything read at once; 2**31 RGB pixels are 6 GiB at rest.
MOST_PIXELS = 2**31


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a source is read; see ``sources.read`` for the meaning of each."""

    label: str | None
    image: str | None
    part: str | None
    classes: tuple[str, ...] | None
    resize: int | None
    channels: Literal[1, 3] | None
    on_bad_image: Literal["fail", "skip"]
    allow_empty_classes: bool
    smallest_class: int


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One encoded image with its class; ``payload`` is its bytes or the file they lie in."""

    id: str
    label: int
    payload: bytes | Path


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What a source held, and what its reader had to do or leave out, one sentence each."""

    samples: Samples
    notices: tuple[str, ...] = ()


def shown(text: object) -> str:
    r"""Write a name so that no character of it can move a cursor, break a line or hide another.

    Different names stay different, because the backslash is escaped too.

    >>> print(shown("cat\x1b[31m.png"))
    cat\x1b[31m.png
    """
    return "".join(
        letter
        if letter.isprintable() and letter != "\\"
        else letter.encode("unicode_escape").decode("ascii")
        for letter in str(text)
    )


def some(names: list[str], *, most: int = 5) -> str:
    """List the first few names and count the rest.

    >>> some(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
