"""Attack-P: how a sample's loss compares with those of samples nobody trained on (methods 3.3).

Ye et al. 2022, as in Zarifzadeh et al. 2024: no reference runs, only a population.
"""

import numpy as np
from jaxtyping import Float, Int64

from pryproof.attacks.attack import Attack, Options
from pryproof.attacks.needed import mean_over_queries, required_outsiders, same_query, signal
from pryproof.attacks.search import count_below
from pryproof.records import Evidence


def population_attack(
    phi: Float[np.ndarray, " samples"], strangers: Float[np.ndarray, " strangers"]
) -> Float[np.ndarray, " samples"]:
    """Return the share of strangers whose loss is higher than the sample's, ties counting one half.

    ``phi`` (nats) falls as the loss rises, and does not saturate. Unit: share in [0, 1]. Higher =
    more likely a member; without a leak it is 1 minus the p-value of a test for membership.

    >>> population_attack(np.array([2.0, 0.0]), np.array([-1.0, 0.0, 1.0, 3.0]))
    array([0.75 , 0.375])
    """
    below = count_below(strangers, phi, side="left")
    return (below + count_below(strangers, phi, side="right")) / (2 * len(strangers))


def _score(
    evidence: Evidence,
    targets: Int64[np.ndarray, " targets"],
    *,
    reference: Evidence | None,
    options: Options,  # noqa: ARG001 - it has none
) -> Float[np.ndarray, "targets samples"]:
    phi = signal(evidence, "phi", attack="population")
    outside = required_outsiders(evidence, reference, attack="population")
    theirs = signal(outside, "phi", attack="population")
    queries = phi.shape[1]
    return mean_over_queries(
        [
            np.stack(
                [
                    population_attack(
                        phi[target, query], same_query(theirs, query, queries)[target]
                    )
                    for target in targets
                ]
            )
            for query in range(queries)
        ]
    )


TABLE: dict[str, Attack] = {
    "population": Attack(
        score=_score,
        source="Ye, Maddi, Murakonda, Bindschaedler and Shokri 2022 (Attack-P)",
        differs="ties count one half; several queries: mean of their scores",
        calibrates="runs",
    ),
}
