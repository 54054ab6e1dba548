"""Faults on demand, for the tests.

``PRYPROOF_FAILPOINT=site:n:action`` strikes the n-th pass of a site. The action is ``kill``
(SIGKILL to this process) or the name of an error of the system, such as ``enospc`` or ``eio``.
The variable is read once, at import; without it a site costs one test of a flag.
"""

import errno
import os
import signal
from collections import Counter

from pryproof.checks import ConfigurationError, known_name

VARIABLE = "PRYPROOF_FAILPOINT"
SITES = (
    "file.open",
    "file.half",
    "file.fsync",
    "file.synced",
    "file.rename",
    "file.renamed",
    "object.open",
    "object.rename",
    "object.renamed",
)


def _read(text: str) -> tuple[str, int, str] | None:
    if not text:
        return None
    site, count, action = [*text.split(":"), "", ""][:3]
    known_name(site, SITES, kind="failpoint")
    if not count.isdecimal() or not (
        action == "kill" or action.upper() in errno.errorcode.values()
    ):
        raise ConfigurationError(
            "E042",
            f"a failpoint reads site:n:action, got {text!r}",
            where=VARIABLE,
            fix="Unset it.",
        )
    return site, int(count), action


_ARMED = _read(os.environ.get(VARIABLE, ""))
_PASSED: Counter[str] = Counter()


def reach(site: str) -> None:
    """Pass a durable step; strike here if the environment says so."""
    if _ARMED is not None:
        _strike(site, *_ARMED)


def _strike(site: str, armed: str, count: int, action: str) -> None:
    _PASSED[site] += 1
    if site != armed or _PASSED[site] != count:
        return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    number = getattr(errno, action.upper())
    raise OSError(number, os.strerror(number))
