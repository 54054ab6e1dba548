"""A world that every attack can work on: eight runs in pairs that share the samples out."""

from dataclasses import replace

import numpy as np

from pryproof.attacks.evidence import evidence
from pryproof.attacks.evidence import picked as some_of
from pryproof.records import Evidence

RUNS, CLASSES, POPULATION, EPOCHS = 8, 3, 60, 5


def world(
    seed: int = 0, *, samples: int = 48, leak: float = 2.0, queries: int = 1, runs: int = RUNS
) -> Evidence:
    """Return runs whose members' label logit lies ``leak`` nats higher; arrays are read-only.

    Run 2k trains on half of the samples, run 2k + 1 on the others.
    """
    draws = np.random.default_rng(seed)
    labels = draws.integers(CLASSES, size=samples)
    member = np.zeros((runs, samples), dtype=bool)
    for run in range(0, runs, 2):
        member[run, draws.permutation(samples)[: samples // 2]] = True
        member[run + 1 : run + 2] = ~member[run]
    easy = draws.normal(size=samples)
    raised = easy + leak * member[:, None] + draws.normal(scale=0.5, size=(runs, queries, samples))
    logits = draws.normal(size=(runs, queries, samples, CLASSES)) / 4
    logits[:, :, np.arange(samples), labels] += raised
    outside = draws.integers(CLASSES, size=POPULATION)
    population = draws.normal(size=(runs, queries, POPULATION, CLASSES)) / 4
    population[:, :, np.arange(POPULATION), outside] += draws.normal(size=POPULATION)
    trace = draws.random((runs, EPOCHS, samples)) + leak * member[:, None] * np.linspace(
        1, 0, EPOCHS
    ).reshape(-1, 1)
    found = evidence(
        {
            "logits": logits,
            "labels": labels,
            "member": member,
            "population_logits": population,
            "population_labels": outside,
            "loss_trace": trace,
        }
    )
    return frozen(found)


def frozen(found: Evidence) -> Evidence:
    """Make every array read-only, so that writing to one is an error."""
    for arrays in (found.signals, found.raw):
        for array in arrays.values():
            array.setflags(write=False)
    for array in (found.member, found.group, found.labels):
        if array is not None:
            array.setflags(write=False)
    if found.population is not None:
        frozen(found.population)
    return found


def picked(found: Evidence, samples: np.ndarray) -> Evidence:
    """Put the samples in another order, or take some of them."""
    return frozen(some_of(found, samples))


def reordered(found: Evidence, runs: np.ndarray) -> Evidence:
    """Put the runs in another order, those of the population too."""
    return frozen(
        replace(
            found,
            signals={name: array[runs] for name, array in found.signals.items()},
            member=found.member[runs],
            group=found.group[runs],
            raw={name: array[runs] for name, array in found.raw.items()},
            population=None if found.population is None else reordered(found.population, runs),
        )
    )


def flipped(found: Evidence, run: int) -> Evidence:
    """Say the contrary of one run's membership."""
    member = found.member.copy()
    member[run] = ~member[run]
    return frozen(replace(found, member=member))
