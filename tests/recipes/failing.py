"""Steps that fail on purpose, in the studies of recipes."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from pryproof.checks import TrainingError
from pryproof.pipeline.steps.call import Call, Result
from pryproof.pipeline.steps.table import STEPS
from pryproof.recipes.recipe import Recipe
from pryproof.recipes.reproduction import planned
from pryproof.recipes.sizes import Size

DIVERGING = 1e30  # a learning rate no network survives
TRAIN = STEPS["train"]


def diverging(
    recipes: Sequence[Recipe], size: Size, names: Collection[str]
) -> Callable[[Call], Result]:
    """Return the step ``train``, under which the named runs of recipes diverge as others do."""
    doomed = {
        item.task.settings["seed"]
        for own in planned(recipes, size, digest="").values()
        for _, tasks in own.values()
        for item in tasks
        if item.task.name in names
    }
    assert len(doomed) == len(names)

    def step(call: Call) -> Result:
        if call.settings["seed"] in doomed:
            recipe = call.settings["recipe"] | {"learning_rate": DIVERGING}
            call = replace(call, settings=dict(call.settings) | {"recipe": recipe})
        return TRAIN(call)

    return step


def hopeless(call: Call) -> Result:
    """Fail as a generator does whose loss is no number."""
    assert call.settings
    raise TrainingError("E070", "the generator's loss became nan", where="step 3")
