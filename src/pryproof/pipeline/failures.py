"""Runs that diverged: a study goes on without them and says so, and ends where too few are left.

A training that diverged twice is stored as a result without arrays. What reads trainings leaves it
out; every number then rests on the runs that are left, and names those that are not.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from pryproof.checks import DIVERGED, TrainingError
from pryproof.pipeline.steps.call import Result
from pryproof.pipeline.task import EARLY, TARGET, Task
from pryproof.store.workspace import Stored, Workspace

FAILED, MISSING = "failed", "failed_runs"  # facts: why there is no result, what it lacks
NO_ARRAYS = 2**16  # bytes; a result larger than this has arrays, so it need not be read
LEAST_VOTING = LEAST_SHADOWS = 2
FIX = (
    "Lower train.learning_rate (every run is trained anew), ask for more runs (value.runs, "
    "evaluate.runs, evaluate.shadows), or leave the row out of evaluate.rows."
)


def of_training(error: TrainingError) -> Result:
    """Return a divergence as a result; raise any other error of a training again."""
    if error.code != DIVERGED:
        raise error
    return Result({}, {FAILED: error.what, "where": error.where, "fix": error.fix})


def why(facts: Mapping[str, object]) -> str:
    """Say why a result has nothing to say.

    >>> why({"failed": "the loss became nan", "where": "epoch 1, batch 2"})
    'the loss became nan, epoch 1, batch 2'
    """
    return ", ".join(str(facts[name]) for name in (FAILED, "where") if facts.get(name))


def apart(inputs: Mapping[str, Stored]) -> tuple[dict[str, Stored], dict[str, str]]:
    """Return the inputs that have something to say, and every run they and theirs go without."""
    kept = {role: stored for role, stored in inputs.items() if FAILED not in stored.facts}
    missing: dict[str, str] = {}
    for stored in inputs.values():
        missing |= stored.facts.get(MISSING, {})
        if FAILED in stored.facts and stored.record["step"] == "train":
            missing[stored.record["task"]] = why(stored.facts)
    return kept, dict(sorted(missing.items()))


def hinders(step: str, inputs: Collection[str], kept: Collection[str]) -> str | None:
    """Say why a step that a study can do without is not possible with the inputs kept, if so."""
    if step == "attack":
        left, planned = _runs(kept), _runs(inputs)
        if left < LEAST_VOTING and left < planned:
            return f"an agreement needs {LEAST_VOTING} runs, {left} of {planned} are left"
    if step == "value":
        unseen = [role for role in inputs if role.startswith("unseen")]
        if "attack" not in kept or (unseen and not set(unseen) & set(kept)):
            return "too few of the runs it compares are left"
    if step == "check_fakes" and "judge" not in kept:
        return "the run that was to judge the fakes diverged"
    return None


def _runs(roles: Collection[str]) -> int:
    return sum(role.startswith("run") for role in roles)


def failed_among(workspace: Workspace, keys: Mapping[str, str]) -> dict[str, str]:
    """Return which trainings (task name -> key) are stored as failed, and why each is."""
    found = {}
    for name, key in keys.items():
        if workspace.has(key) and workspace.size(key) < NO_ARRAYS:
            facts = workspace.get(key, names=[]).facts
            if FAILED in facts:
                found[name] = why(facts)
    return found


def refuse_too_few(tasks: Sequence[Task], failed: Mapping[str, str]) -> None:
    """Raise TrainingError where a task has fewer runs left than it needs; names all that failed."""
    if not failed:
        return
    short = [
        f"{what} needs {least}, {len(runs) - lost} of {len(runs)} are left"
        for what, runs, least in _groups(tasks)
        if (lost := len(failed.keys() & set(runs))) and len(runs) - lost < least
    ]
    if short:
        raise TrainingError(
            "E073",
            f"too few runs are left: {'; '.join(short)}",
            where="; ".join(f"{name}: {reason}" for name, reason in failed.items()),
            fix=FIX,
        )


def _groups(tasks: Sequence[Task]) -> Iterator[tuple[str, list[str], int]]:
    """Yield what is made of trainings: its name, the trainings, and how many it needs at least."""
    for task in tasks:
        _, _, last = task.name.rpartition("/")
        if task.step == "attack":
            runs = [name for role, name in task.inputs.items() if role.startswith("run")]
            fold = task.settings["fold"]
            words = {"real": "members", "fake": "fakes", EARLY: "early-stopped runs"}
            yield (
                f"the valuation of {fold}'s {words[last]}",
                runs,
                0 if last == EARLY else _voters(task, tasks, planned=len(runs)),
            )
        elif task.step == "evaluate":
            for (row, fold), runs in _by(task, 2).items():
                yield f"row {row} of {fold}", runs, 1 if fold == TARGET else LEAST_SHADOWS
        elif task.step == "canaries":
            for (row,), runs in _by(task, 1).items():
                # of more than half of the halves, two are a pair and a third can be judged by it
                yield f"row {row} of the canaries", runs, len(runs) // 2 + 1


def _by(task: Task, parts: int) -> dict[tuple[str, ...], list[str]]:
    """Return the trainings that a task reads, by the first parts of their roles row/fold/run."""
    found: dict[tuple[str, ...], list[str]] = {}
    for role, name in task.inputs.items():
        if role.count("/") == 2:
            found.setdefault(tuple(role.split("/")[:parts]), []).append(name)
    return found


def _voters(attack: Task, tasks: Sequence[Task], *, planned: int) -> int:
    """Return how many runs the votes on an attack's runs need."""
    asked = [
        task.settings["at_least"] or 0
        for task in tasks
        if task.inputs.get("attack") == attack.name and task.settings["rule"] == "m_of_k"
    ]
    return max([LEAST_VOTING, *(count for count in asked if count <= planned)])


def resting_on(tasks: Sequence[Task], names: Collection[str]) -> set[str]:
    """Return the named tasks and all that read them, directly or not; tasks are in plan order."""
    found = set(names)
    for task in tasks:
        if not found.isdisjoint(task.inputs.values()):
            found.add(task.name)
    return found


def said(tasks: Sequence[Task], failed: Mapping[str, str]) -> list[str]:
    """Say which runs are left out and why, and on how many the numbers rest; nothing if on all."""
    if not failed:
        return []
    total = sum(task.step == "train" for task in tasks)
    names = "; ".join(f"{name} ({reason})" for name, reason in failed.items())
    left = [
        f"{what} {len(runs) - lost} of {len(runs)}"
        for what, runs, _ in _groups(tasks)
        if (lost := len(failed.keys() & set(runs)))
    ]
    lines = [f"{len(failed)} of {total} training runs diverged and are left out: {names}."]
    return lines + ([f"Runs the numbers rest on: {'; '.join(left)}."] if left else [])
