"""The four classic attacks by name: a score of one run, and a cut (methods 1.1 and 1.3)."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int64

from pryproof.attacks.attack import Attack, Options, Score
from pryproof.attacks.needed import mean_over_queries, signal
from pryproof.attacks.scores import Signals, confidence, correctness, entropy, modified_entropy
from pryproof.attacks.shrinkage import fit_shrunk
from pryproof.records import Evidence

OneRun = Callable[[Signals], Float[np.ndarray, " samples"]]


def _scoring(name: str, one_run: OneRun, needs: str) -> Score:
    """Return the mean over queries of a score of one run and query."""

    def score(
        evidence: Evidence,
        targets: Int64[np.ndarray, " targets"],
        *,
        reference: Evidence | None,  # noqa: ARG001 - only cuts are fitted on it
        options: Options,  # noqa: ARG001 - it has none
    ) -> Float[np.ndarray, "targets samples"]:
        said = signal(evidence, needs, attack=name)
        runs = [
            np.stack([one_run({needs: said[target, query]}) for target in targets])
            for query in range(said.shape[1])
        ]
        with np.errstate(invalid="ignore"):  # inf and -inf: not measured
            return mean_over_queries(runs)

    return score


_QUERIES = "; several queries: mean of their scores"

_PLAIN: dict[str, Attack] = {
    "correctness": Attack(
        score=_scoring("correctness", correctness, "correct"),
        source="Yeom, Giacomelli, Fredrikson and Jha 2018",
        differs="member if the prediction is right: no cut to fit" + _QUERIES,
        fixed_cut=0.5,
        calibrates="runs",
    ),
    "confidence": Attack(
        score=_scoring("confidence", confidence, "phi"),
        source="Yeom et al. 2018; Song, Shokri and Mittal 2019",
        differs="phi in place of p, which has its order and does not saturate" + _QUERIES,
        per_class=True,
        calibrates="runs",
    ),
    "entropy": Attack(
        score=_scoring("entropy", entropy, "entropy"),
        source="Shokri, Stronati, Song and Shmatikov 2017; Song and Mittal 2021",
        differs="minus the prediction's entropy; does not use the label" + _QUERIES,
        per_class=True,
        calibrates="runs",
    ),
    "modified_entropy": Attack(
        score=_scoring("modified_entropy", modified_entropy, "log_mentropy"),
        source="Song and Mittal 2021",
        differs="minus the logarithm of M, which has its order and does not saturate" + _QUERIES,
        per_class=True,
        calibrates="runs",
    ),
}


def _cut_otherwise(name: str, attack: Attack) -> dict[str, Attack]:
    """Return the same scores with one cut for all classes, and with cuts leaning on that one."""
    return {
        f"{name}/global": replace(
            attack, per_class=False, differs=f"as {name}, with one cut for all classes"
        ),
        f"{name}/shrunk": replace(
            attack,
            fit=fit_shrunk,
            differs=f"as {name}, a class's cut leaning on that of all classes the more, the fewer "
            "known samples it has (empirical Bayes)",
        ),
    }


TABLE: dict[str, Attack] = _PLAIN | {
    variant: attack
    for name, plain in _PLAIN.items()
    if plain.per_class
    for variant, attack in _cut_otherwise(name, plain).items()
}
