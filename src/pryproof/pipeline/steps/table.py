"""Every step by name. Its version stands in ``task.VERSIONS``, which needs no torch to be read."""

from pryproof.pipeline.steps.call import Step
from pryproof.pipeline.steps.canaries import canaries
from pryproof.pipeline.steps.choose_alpha import choose
from pryproof.pipeline.steps.evaluate import evaluate
from pryproof.pipeline.steps.generate import (
    check_fakes,
    generate,
    generator,
    move,
    premise,
    protect,
    transform_domains,
)
from pryproof.pipeline.steps.leaks import leaks
from pryproof.pipeline.steps.load import extra, load
from pryproof.pipeline.steps.migrate import migrate
from pryproof.pipeline.steps.revalue import revalue
from pryproof.pipeline.steps.train import train
from pryproof.pipeline.steps.value import attack, value

STEPS: dict[str, Step] = {
    "load": load,
    "extra": extra,
    "choose_alpha": choose,
    "train": train,
    "attack": attack,
    "value": value,
    "generator": generator,
    "generate": generate,
    "transform": transform_domains,
    "move": move,
    "protect": protect,
    "premise": premise,
    "check_fakes": check_fakes,
    "leaks": leaks,
    "evaluate": evaluate,
    "revalue": revalue,
    "migrate": migrate,
    "canaries": canaries,
}
