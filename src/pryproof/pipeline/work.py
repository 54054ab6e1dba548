"""One task in a worker: read the inputs, run the step, put the result away."""

import time
from collections.abc import Mapping

import torch

from pryproof.engine import local
from pryproof.pipeline.fingerprint import fingerprint
from pryproof.pipeline.plan import VERSIONS, Task
from pryproof.pipeline.steps.call import Call
from pryproof.pipeline.steps.table import STEPS
from pryproof.store.workspace import Workspace


def work(workspace: Workspace, task: Task, key: str, inputs: Mapping[str, str]) -> None:
    """Do ``task`` and store its result under ``key``; ``inputs`` maps roles to stored keys."""
    torch.set_num_threads(1)  # beside busy neighbours a second thread makes a step 50 times slower
    started = time.perf_counter()
    call = Call(
        settings=task.settings,
        inputs={role: workspace.get(stored) for role, stored in inputs.items()},
        where=task.where,
        progress=local.report,
    )
    result = STEPS[task.step](call)
    record = {
        "task": task.name,
        "step": task.step,
        "version": VERSIONS[task.step],
        "settings": dict(task.settings),
        "inputs": dict(inputs),
        "seconds": round(time.perf_counter() - started, 3),
        "fingerprint": fingerprint(),
    }
    workspace.put(key, arrays=result.arrays, facts=result.facts, record=record)
