"""The robust membership attack beside Privacy Meter."""

from collections.abc import Iterator

import numpy as np

from attacks import peers
from attacks.lira import scoring
from attacks.timing import Case, Work
from pryproof.attacks.evidence import evidence
from pryproof.records import Evidence

RUNS, SAMPLES, POPULATION = 8, 50_000, 10_000


def world(samples: int, population: int = POPULATION) -> Evidence:
    """Draw the label's probability in paired runs, and a population none of them saw."""
    draws = np.random.default_rng(0)
    member = np.zeros((RUNS, samples), dtype=bool)
    for run in range(0, RUNS, 2):
        member[run] = draws.random(samples) < 0.5
        member[run + 1] = ~member[run]
    p = 1 / (1 + np.exp(-draws.normal(size=(RUNS, samples)) - member))
    outside = 1 / (1 + np.exp(-draws.normal(size=(RUNS, population))))
    return evidence({"p": p, "member": member, "population_p": outside})


def cases() -> Iterator[Case]:
    """One target, seven reference runs."""
    seen = world(SAMPLES)
    target = np.array([0])
    p, z = seen.raw["p"][:, 0], seen.population.raw["p"][:, 0]
    there = dict(_privacy_meter(p, z, seen.member))
    yield Case(
        name="rmia, one target, 50k x 10k",
        ours=scoring("rmia", seen, target),
        peers=there,
        bar={"Privacy Meter": 100},
        reads=[p],
        most_megabytes=20,
        growth=lambda samples: scoring("rmia", world(samples, samples // 5), target),
        sizes=(25_000, 50_000, 100_000),
    )


def _privacy_meter(p: np.ndarray, z: np.ndarray, member: np.ndarray) -> Iterator[tuple[str, Work]]:
    module = peers.script("privacytrustlab", "ml_privacy_meter", "attacks.py")
    if module is not None:
        arguments = p.T.copy(), z.T.copy(), member.T.copy()
        yield "Privacy Meter", lambda: module.run_rmia(0, *arguments, RUNS // 2 - 1, 0.3)
