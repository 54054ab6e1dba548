"""choose_alpha: RelaxLoss's target for one training set, by accuracy on other images."""

from pryproof.defenses.choose_alpha import choose_alpha
from pryproof.defenses.table import DEFENSES
from pryproof.pipeline.steps.call import Call, Loaded, Result
from pryproof.pipeline.steps.train import defense_of, given_to, reference


def choose(call: Call) -> Result:
    """Return the largest target within a point of plain training's accuracy (methods 4).

    Accuracy is that on the defender's half of the images outside, on which no run that this target
    trains is judged. Where every target costs more, the least is taken, and a warning says so.
    """
    data = Loaded.of(call.inputs["load"])
    found = choose_alpha(
        given_to(call, data),
        fit_ce=DEFENSES["crop_flip"](padding=call.settings["options"]["padding"]),
        fit_relaxed=lambda alpha: defense_of(call.settings, alpha=alpha),
        validation=reference(data),
        or_least=True,
    )
    facts = {
        "alpha": found.alpha,
        "accuracy_ce": found.accuracy_ce,
        "accuracy": {str(alpha): accuracy for alpha, accuracy in found.accuracy.items()},
    }
    return Result({}, facts | ({"warning": found.warning} if found.warning else {}))
