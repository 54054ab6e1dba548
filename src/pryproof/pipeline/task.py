"""What a plan is made of: tasks, their stages, and the versions of the steps they name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TARGET = "target"
SHADOW, HALF = "shadow", "half"  # begin a fold's name
EVERYONE = "everyone"  # the fold of all members and all canaries
FAKES, PROTECTED, CONTROL = "fakes", "fakes_transformed", "ce_crop_flip"  # rows compared
EARLY = "ce_early"  # the row whose runs' agreement is the second null of the ensemble's
CHOSEN = "chosen"  # relax_loss.alpha: each training set's own, by accuracy
STAGES = (
    "load",
    "train",
    "attack",
    "value",
    "generate",
    "transform",
    "protect",
    "evaluate",
    "report",
)

VERSIONS = {  # raise a step's number when its code changes what it returns
    "load": 1,
    "extra": 1,
    "choose_alpha": 1,
    "train": 5,
    "attack": 3,
    "value": 2,
    "generator": 1,
    "generate": 4,
    "transform": 5,
    "move": 1,
    "protect": 2,
    "premise": 3,
    "check_fakes": 1,
    "leaks": 1,
    "evaluate": 2,
    "revalue": 1,
    "migrate": 1,
    "canaries": 1,
}


@dataclass(frozen=True, kw_only=True)
class Task:
    """One step with its settings and the tasks whose results it reads."""

    name: str
    step: str
    stage: str
    settings: Mapping[str, Any]
    inputs: Mapping[str, str] = field(default_factory=dict)  # role -> task name
    cost: float = 0.1  # in trainings of one plain run; only the order of work depends on it
    where: Mapping[str, str] = field(default_factory=dict)  # places on this machine; never hashed
