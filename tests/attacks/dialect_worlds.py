"""Small worlds for the dialects' tests, and how to ask an entry of a table."""

import numpy as np

from pryproof.attacks.attack import Attack
from pryproof.attacks.evidence import evidence


def world(seed: int, runs: int = 11, samples: int = 14, queries: int = 1, *, ties: bool = False):
    """Return phi [runs, queries, samples], membership with unequal counts, and groups."""
    rng = np.random.default_rng(seed)
    member = rng.random((runs, samples)) < 0.5
    member[0], member[1], member[2], member[3] = True, False, True, False  # each side has a shadow
    phi = rng.normal(size=(runs, queries, samples)) + 2 * member[:, None] + rng.normal(size=samples)
    return np.round(phi * 2) / 2 if ties else phi, member, np.arange(runs)


def asked(table: dict[str, Attack], name: str, arrays: dict, *targets: int) -> np.ndarray:
    """Score some targets with one entry."""
    found = evidence(arrays)
    return table[name].score(found, np.array(targets), reference=None, options={})
