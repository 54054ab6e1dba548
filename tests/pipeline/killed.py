"""Kill a study on its road, point by point, let it continue, and print what came of each.

Run as a script: ``killed.py FOLDER SOURCE POINTS``. A process of its own, because it forks: each
child has torch imported, on one thread, and works in its own process (``workers=0``).
"""

import importlib
import json
import os
import sys
from pathlib import Path

import torch

from pipeline.tiny import digests, study
from pryproof.pipeline import work  # noqa: F401 - imported once here, not in every child
from pryproof.store import failpoints

# the shortest road that passes every step; the report's page takes a second and is no new point
SHORT = ('evaluate.rows=["fakes_transformed"]', "evaluate.runs=1")
NEVER = 10**9


def child(workspace: Path, source: Path, plan: str) -> tuple[int, dict[str, int]]:
    """Do the whole study with a failpoint armed; return the wait status and the points passed."""
    ours, theirs = os.pipe()
    number = os.fork()
    if number == 0:
        os.environ[failpoints.VARIABLE] = plan
        importlib.reload(failpoints)
        for name in ("pryproof.store.files", "pryproof.store.workspace"):
            sys.modules[name].reach = failpoints.reach
        study(workspace, source, *SHORT).evaluate()
        os.write(theirs, json.dumps(failpoints._PASSED).encode())
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        said = pipe.read()
    return os.waitpid(number, 0)[1], json.loads(said or "{}")


def leftovers(workspace: Path) -> int:
    """Count what a killed writer left behind."""
    return sum(1 for _ in workspace.rglob(".tmp-*"))


def main(folder: Path, source: Path, points: int) -> dict[str, object]:
    """Kill at points spread over the road, sites in turn; every third time kill the recovery."""
    torch.set_num_threads(1)
    # the first optimizer imports half of torch: once here, not in every child
    torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))])
    status, passed = child(folder / "whole", source, f"file.open:{NEVER}:kill")
    whole = digests(folder / "whole")
    found = []
    for point in range(points):
        site = failpoints.SITES[point % len(failpoints.SITES)]
        count = max(1, round(passed[site] * (point + 0.5) / points))
        workspace = folder / f"{point}-{site}-{count}"
        entry = {"plan": f"{site}:{count}:kill", "passes": passed[site]}
        entry["killed"], _ = child(workspace, source, entry["plan"])
        objects = workspace / "objects"
        entry["stored"] = len([p for p in objects.iterdir() if not p.name.startswith(".")])
        entry["left"] = leftovers(workspace)
        if point % 3 == 2:
            entry["again"], _ = child(workspace, source, "object.rename:2:kill")
        entry["status"], _ = child(workspace, source, "")
        entry["after"] = leftovers(workspace)
        after = digests(workspace)
        entry["differs"] = sorted(
            name for name in whole.keys() | after.keys() if whole.get(name) != after.get(name)
        )
        found.append(entry)
    return {"status": status, "whole": len(whole), "points": found}


if __name__ == "__main__":
    said = main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
    sys.stdout.write(json.dumps(said))
