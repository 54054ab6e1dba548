"""Strike an operation of the store at every durable step; print, as JSON, what each strike left.

Run as a script: ``crash.py FOLDER put|publish ACTION``. A process of its own, because it forks: a
child with a failpoint armed works and dies, then this one looks at what is left and works again.
"""

import hashlib
import importlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pryproof.checks import IntegrityError, PryproofError
from pryproof.store import failpoints
from pryproof.store.workspace import Workspace

STUDY = "5" * 40
KEY = "a" * 40
NAME = "metrics.json"
OLD, NEW = b"old" * 1000, b"new" * 2000


def operate(folder: Path, what: str) -> None:
    """Open the workspace and put, or publish a second version."""
    workspace = Workspace.open(folder, study=STUDY, create=True)
    if what == "put":
        arrays = {"x": np.arange(500), "flag": np.array(1.5)}
        workspace.put(KEY, arrays=arrays, facts={"n": 3}, record={"seconds": 1.0})
    else:
        workspace.publish(NAME, NEW)


def struck(folder: Path, what: str, plan: str) -> int:
    """Operate in a child with the failpoint armed; return its wait status (0: nothing struck)."""
    child = os.fork()
    if child == 0:
        os.environ[failpoints.VARIABLE] = plan
        importlib.reload(failpoints)
        try:
            operate(folder, what)
        except PryproofError as error:
            os._exit(error.exit_code)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def look(folder: Path, what: str) -> str:
    """Say what a reader finds."""
    workspace = Workspace.open(folder, study=STUDY, create=True)
    if what == "put":
        return "whole" if workspace.has(KEY) and workspace.get(KEY) else "nothing"
    if not workspace.published_names():
        return "nothing"
    try:
        return {OLD: "old", NEW: "new"}[workspace.published(NAME)]
    except IntegrityError as error:
        return error.what


def leftovers(folder: Path) -> int:
    """Count temporary files and folders."""
    return sum(1 for _ in folder.rglob(".tmp-*"))


def tree(folder: Path) -> str:
    """Digest all names and bytes but the lock's."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    lines = [(str(path.relative_to(folder)), path.read_bytes().hex()) for path in paths]
    return hashlib.sha256(json.dumps(lines).encode()).hexdigest()


def strike_all(root: Path, what: str, action: str) -> Iterator[dict[str, object]]:
    """Strike each site at its first, second, ... pass, until the operation passes unharmed."""
    for site in failpoints.SITES:
        count, status = 1, 1
        while status:
            folder = root / f"{site}-{count}"
            if what == "publish":
                Workspace.open(folder, study=STUDY, create=True).publish(NAME, OLD)
            status = struck(folder, what, f"{site}:{count}:{action}")
            entry = {"site": site, "count": count, "status": status, "before": leftovers(folder)}
            entry["found"] = look(folder, what)
            Workspace.open(folder, study=STUDY, create=True).sweep()
            entry["after"] = leftovers(folder)
            # the second fault: strike the recovery as well, somewhere else, before it may succeed
            other = failpoints.SITES[(count + len(site)) % len(failpoints.SITES)]
            struck(folder, what, f"{other}:1:{action}")
            operate(folder, what)
            Workspace.open(folder, study=STUDY, create=True).sweep()
            entry["again"] = look(folder, what)
            entry["tree"] = tree(folder)
            yield entry
            count += 1


if __name__ == "__main__":
    sys.stdout.write(json.dumps(list(strike_all(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))))
