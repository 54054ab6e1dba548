"""What must hold, what came, what to do: every error a user meets, and the checks that raise them.

Each class carries the exit code of the command line. What a user gave and can mend is a
``ValueError`` too.
"""

import difflib
from collections.abc import Iterable

DIVERGED = "PRYPROOF-E070"  # the code of a TrainingError whose loss was not finite, twice


class PryproofError(Exception):
    """An error with a code, a place and a way out; printed as one line, never with a traceback."""

    exit_code = 1

    def __init__(self, code: str, what: str, *, where: str = "", fix: str = "") -> None:
        self.code = f"PRYPROOF-{code}"
        self.what = what
        self.where = where
        self.fix = fix
        super().__init__(" - ".join(part for part in (self.code, what, where, fix) if part))

    def __reduce__(self) -> tuple[object, ...]:
        """Cross a process border with all its parts (the default would lose the keywords)."""
        return _rebuild, (
            type(self),
            self.code.removeprefix("PRYPROOF-"),
            self.what,
            self.where,
            self.fix,
        )


def _rebuild(
    kind: type[PryproofError], code: str, what: str, where: str, fix: str
) -> PryproofError:
    return kind(code, what, where=where, fix=fix)


class ConfigurationError(PryproofError, ValueError):
    """A key, value or combination in the study that cannot be meant. Exit code 2."""

    exit_code = 2


class DataError(PryproofError, ValueError):
    """The images, labels or arrays given cannot be used as they are. Exit code 3."""

    exit_code = 3


class MachineError(PryproofError):
    """The machine lacks what the study needs: disk, permission, device. Exit code 4."""

    exit_code = 4


class IntegrityError(PryproofError):
    """A stored result is not what was sealed, or belongs to another study. Exit code 5."""

    exit_code = 5


class BusyError(PryproofError):
    """Another process works in this workspace. Exit code 6."""

    exit_code = 6


class TrainingError(PryproofError):
    """A training run diverged or could not learn. Exit code 7."""

    exit_code = 7


def nearest(word: str, known: Iterable[str]) -> str:
    """Say what was probably meant.

    >>> nearest("lerning_rate", ["learning_rate", "epochs"])
    'Did you mean learning_rate?'
    >>> nearest("x", ["learning_rate", "epochs"])
    'Known: epochs, learning_rate.'
    """
    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {close[0]}?" if close else f"Known: {', '.join(known)}."


def known_name(name: str, table: Iterable[str], *, kind: str) -> None:
    """Refuse a name the table does not hold, naming the nearest that it does."""
    table = list(table)
    if name not in table:
        raise ConfigurationError("E049", f"no {kind} is called {name!r}", fix=nearest(name, table))
