"""One task in a worker: read the inputs, run the step, put the result away."""

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from pryproof.checks import MachineError, TrainingError
from pryproof.engine import local
from pryproof.models.resolve import build
from pryproof.pipeline import devices, failures
from pryproof.pipeline.fingerprint import fingerprint
from pryproof.pipeline.keeping import InWorkspace
from pryproof.pipeline.steps.call import Call, Result
from pryproof.pipeline.steps.table import STEPS
from pryproof.pipeline.steps.train import defense_of
from pryproof.pipeline.task import VERSIONS, Task
from pryproof.store.underway import Underway
from pryproof.store.workspace import Stored, Workspace
from pryproof.training.keeper import Keeper, Nowhere

ON_DEVICE = ("train", "choose_alpha")  # the steps that leave the CPU


def work(workspace: Workspace, task: Task, key: str, inputs: Mapping[str, str]) -> None:
    """Do ``task`` and store its result under ``key``; ``inputs`` maps roles to stored keys."""
    stored = {role: workspace.get(name) for role, name in inputs.items()}
    underway = workspace.underway(key)
    result, record = perform(task, stored, keep=_keeper(underway, _device(task)))
    record |= {"inputs": dict(inputs)}
    workspace.put(key, arrays=result.arrays, facts=result.facts, record=record)
    underway.forget()


def perform(
    task: Task, inputs: Mapping[str, Stored], *, keep: Keeper | None = None
) -> tuple[Result, dict[str, Any]]:
    """Do ``task`` and return its result with the record of how it came about.

    ``keep`` holds the state of a long step under way. A training that diverges is a result that
    says so; any other failure is named by its task. Inputs that failed are left out, and named in
    the result's facts.
    """
    torch.set_num_threads(1)  # beside busy neighbours a second thread makes a step 50 times slower
    device = _device(task)
    # on a core what the task itself took: other work beside it must not make it dearer
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    started = clock()
    kept, missing = failures.apart(inputs)
    call = Call(
        settings=task.settings,
        inputs=kept,
        where=task.where,
        progress=local.report,
        keep=keep or Nowhere(),
        device=str(device),
    )
    hindered = failures.hinders(task.step, inputs, kept)
    result = Result({}, {failures.FAILED: hindered}) if hindered else _done(task, call)
    if missing:
        result = Result(result.arrays, result.facts | {failures.MISSING: missing})
    record = {
        "task": task.name,
        "step": task.step,
        "version": VERSIONS[task.step],
        "settings": dict(task.settings),
        "inputs": {},
        "seconds": round(clock() - started, 3),
        "fingerprint": fingerprint(devices.kind(device) if task.step in ON_DEVICE else None),
    }
    return result, record


def _keeper(underway: Underway, device: torch.device) -> Keeper:
    """Keep states apart by kind of device: what another kind began is not gone on with."""
    keep = InWorkspace(underway)
    if device.type == "cpu":
        return keep
    return keep.part(re.sub("[^0-9a-z]+", "_", devices.kind(device).lower()))


def _device(task: Task) -> torch.device:
    """Return where a task computes: only trainings leave the CPU."""
    return devices.prepared(local.place() or "cpu" if task.step in ON_DEVICE else "cpu")


def _done(task: Task, call: Call) -> Result:
    with _named(task):
        try:
            return STEPS[task.step](call)
        except TrainingError as error:
            if task.step != "train":
                raise
            return failures.of_training(error)


@contextmanager
def _named(task: Task) -> Iterator[None]:
    """Say which run it is that failed: a study has dozens."""
    try:
        yield
    except (TrainingError, MachineError) as error:
        where = ", ".join(filter(None, [task.name, error.where]))
        code = error.code.removeprefix("PRYPROOF-")
        raise type(error)(code, error.what, where=where, fix=error.fix) from error


def load_and_probe(
    task: Task, model: str, trainings: Iterable[Task] = ()
) -> tuple[Result, dict[str, Any]]:
    """Do the load task, and show that network and defenses can be had; nothing is written."""
    for training in trainings:
        defense_of(training.settings, alpha=1.0 if "alpha" in training.inputs else None)
    result, record = perform(task, {})
    height, width, channels = result.arrays["images"].shape[1:]
    classes = len(result.facts["classes"])
    build(model, classes=classes, shape=(height, width, channels), seed=0)
    return result, record
