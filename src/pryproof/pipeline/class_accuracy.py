"""How often a classifier that saw none of them names the class of reals, fakes and moved ones."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool

from pryproof.evaluation.estimates import mean_accuracy, not_estimable
from pryproof.pipeline.failures import FAILED
from pryproof.pipeline.results import Results
from pryproof.pipeline.steps.call import Loaded
from pryproof.pipeline.task import TARGET
from pryproof.records import Estimate

JUDGED = {
    "held_out_reals": "real images",
    "safer_reals": "members moved to safe",
    "fakes": "fakes",
    "riskier_fakes": "fakes moved to risky",
}


def share(hits: Bool[np.ndarray, "..."]) -> Estimate:
    """Return the share of hits, ``[samples]`` or ``[runs, samples]``, with its interval."""
    if not hits.size:
        return not_estimable("there is no image of this class")
    return mean_accuracy(np.atleast_2d(hits).astype(np.float64))


def by_class(results: Results, data: Loaded) -> Iterator[tuple[str, tuple[Estimate, ...]]]:
    """Yield each class and its shares named right, as in ``JUDGED``; nothing where none judged."""
    stored = results["check_fakes"]
    if FAILED in stored.facts:
        return
    members = data.labels[data.parts["members"]]
    fakes = results[f"generate/{TARGET}"].arrays["fakes_labels"]
    labels = {
        "held_out_reals": data.labels[data.parts["evaluation"]],
        "safer_reals": members,
        "fakes": fakes,
        "riskier_fakes": fakes,
    }
    for number, name in enumerate(data.classes):
        yield (
            name,
            tuple(share(stored.arrays[judged][labels[judged] == number]) for judged in JUDGED),
        )
